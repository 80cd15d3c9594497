"""Messages of callers that come again when they no longer fit: found by the soak, kept here."""

from __future__ import annotations

import redis
from floors import Hall

from routing.model import Agent, EnterResult, Queue


def test_a_caller_who_is_talked_to_does_not_wait_again_because_the_arrival_is_told_again(redis_client: redis.Redis) -> None:
    floor = Hall(redis_client, [Agent("ana"), Agent("ben")], [Queue("general", wrap_up_seconds=0)])
    floor.sign_in()
    arrived_at = floor.clock.now
    floor.enter("c1", arrived_at=arrived_at)
    [offer] = floor.board.match()
    assert floor.board.accept(offer.token)
    floor.clock.pass_seconds(1)
    assert floor.other.enter(floor.board.waiting_call("c1")).result is EnterResult.GONE  # type: ignore[arg-type]
    assert floor.other.match() == []
    # A later waiting of the same call is another one, and who lost the agent comes back into the old place.
    floor.board.talk_ended(offer.agent_id, "c1")
    assert floor.other.enter(floor.board.waiting_call("c1")).accepted  # type: ignore[arg-type]
    assert floor.board.position("c1") == 1


def test_a_caller_may_wait_for_somebody_else_while_still_talked_to(redis_client: redis.Redis) -> None:
    floor = Hall(redis_client, [Agent("ana"), Agent("ben")], [Queue("general", wrap_up_seconds=0)])
    floor.sign_in("ana")
    floor.enter("CX1")
    [offer] = floor.board.match()
    assert floor.board.accept(offer.token)
    floor.clock.pass_seconds(60)
    floor.enter("CX1")
    floor.sign_in("ben")
    assert floor.pairs() == [("CX1", "ben")]
