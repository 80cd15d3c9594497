"""Mistakes of the well-known systems, each as a test named after its report."""

from __future__ import annotations

import redis
from floors import Hall, check_invariants

from routing.callbacks import Callback, Ledger
from routing.model import Agent, AgentChoice, AgentState, CallerOrder, Delays, OfferResult, Policy, Queue, Target

ANA, BEN, CLEO = Agent("ana", skills={"tech": 2}), Agent("ben", skills={"tech": 1}), Agent("cleo", skills={"tech": 3})
RING_ALL = Policy("all", agent=AgentChoice.RING_ALL)


def hall(client: redis.Redis, *agents: Agent, queues: list[Queue] | None = None) -> Hall:
    return Hall(client, list(agents), queues or [Queue("general")])


def test_freeswitch_2540_agents_stuck_reserved_after_a_lost_race(redis_client: redis.Redis) -> None:
    floor = hall(redis_client, ANA, BEN, CLEO, queues=[Queue("general", policy=RING_ALL)])
    floor.sign_in()
    idle_since = floor.clock.now
    floor.enter("c1")
    offers = floor.board.match()
    assert len(offers) == 3
    floor.clock.pass_seconds(2)
    accepted = floor.board.accept(offers[1].token)
    assert accepted and {one.agent_id for one in accepted.lost} == {one.agent_id for one in offers} - {accepted.agent_id}
    assert floor.board.accept(offers[0].token) is None
    losers = [one.agent_id for one in accepted.lost]
    assert all(floor.state(agent) is AgentState.AVAILABLE for agent in losers)
    # The lost race costs nothing: no delay, and the old idle spell goes on.
    floor.enter("c2")
    assert sorted(agent for _, agent in floor.pairs()) == sorted(losers)
    assert all(float(redis_client.hget(floor.board.keys.of("agent", agent), "idle_since")) == idle_since for agent in losers)


def test_freeswitch_1973_stuck_answered_after_a_race_with_the_hang_up(redis_client: redis.Redis) -> None:
    floor = hall(redis_client, ANA)
    floor.sign_in()
    floor.enter("c1")
    [offer] = floor.board.match()
    left = floor.board.leave("c1", "hung_up")
    assert left and left.reservation and left.reservation.token == offer.token
    assert floor.other.accept(offer.token) is None
    assert floor.board.ringing(offer.token, "leg") is False
    assert floor.state("ana") is AgentState.AVAILABLE
    # The other way round: accepted first, then the hang-up, then the news of the leg twice.
    floor.enter("c2")
    [offer] = floor.board.match()
    assert floor.board.accept(offer.token)
    assert floor.board.leave("c2", "hung_up") is None
    assert floor.board.talk_ended("ana", "c2") and floor.board.talk_ended("ana", "c2") is None
    floor.board.wrap_up_done("ana")
    assert floor.state("ana") is AgentState.AVAILABLE
    check_invariants(redis_client, floor.board, drained=False)


def test_freeswitch_1216_an_unavailable_agent_does_not_halt_distribution(redis_client: redis.Redis) -> None:
    for unusable in ("offline", "break"):
        floor = hall(redis_client, ANA, BEN, CLEO)
        floor.sign_in("ana", "ben", "cleo")
        floor.clock.pass_seconds(1)
        floor.board.set_state("cleo", unusable)
        floor.enter("c1")
        floor.enter("c2")
        floor.enter("c3")
        assert floor.pairs() == [("c1", "ana"), ("c2", "ben")]


def test_asterisk_176_two_agents_answering_one_call(redis_client: redis.Redis) -> None:
    floor = hall(redis_client, ANA, BEN, queues=[Queue("general", policy=RING_ALL)])
    floor.sign_in()
    for number in range(20):
        floor.enter(f"c{number}")
        first, second = floor.board.match()
        won = [bool(board.accept(token)) for board, token in ((floor.board, first.token), (floor.other, second.token))]
        assert won == [True, False]
        floor.board.talk_ended(first.agent_id, f"c{number}")
        floor.board.wrap_up_done(first.agent_id)
        floor.board.match()


def test_asterisk_1557_the_caller_is_kept_when_the_agent_hangs_up_before_the_bridge(redis_client: redis.Redis) -> None:
    floor = hall(redis_client, ANA, BEN)
    floor.sign_in("ana")
    floor.enter("first")
    floor.clock.pass_seconds(5)
    floor.enter("second")
    [offer] = floor.board.match()
    assert floor.board.accept(offer.token)
    assert floor.board.position("first") is None
    assert floor.board.release(offer.token, OfferResult.FAILED, accepted=True)
    assert floor.board.position("first") == 1 and floor.board.position("second") == 2
    floor.sign_in("ben")
    assert floor.pairs() == [("first", "ben")]


def test_asterisk_1691_an_insert_at_position_1_does_not_halt_the_queues(redis_client: redis.Redis) -> None:
    floor = hall(redis_client, ANA)
    floor.board.set_state("ana", "break")
    for number in range(5):
        floor.enter(f"c{number}")
    floor.enter("vip", head_start_seconds=600.0)
    assert floor.board.position("vip") == 1 and floor.board.position("c0") == 2
    floor.sign_in("ana")
    order = []
    for _ in range(6):
        [(call, agent)] = floor.pairs()
        order.append(call)
        token = redis_client.hget(floor.board.keys.of("slots", agent), call)
        floor.board.accept(str(token))
        floor.board.talk_ended(agent, call)
        floor.board.wrap_up_done(agent)
    assert order == ["vip", "c0", "c1", "c2", "c3", "c4"]


def test_asterisk_1006_wrap_up_is_not_cut_short_across_queues(redis_client: redis.Redis) -> None:
    floor = hall(redis_client, ANA, queues=[Queue("long", wrap_up_seconds=120), Queue("short", wrap_up_seconds=0)])
    floor.sign_in()
    floor.enter("c1", "long")
    [offer] = floor.board.match()
    floor.board.accept(offer.token)
    floor.enter("c2", "short")
    floor.board.talk_ended("ana", "c1")
    for _ in range(11):
        floor.clock.pass_seconds(10)
        floor.board.sweep()
        assert floor.state("ana") is AgentState.WRAP_UP and not floor.pairs()
    floor.clock.pass_seconds(10)
    [done] = floor.board.sweep().wrapped_up
    assert done.capped and done.seconds == 120
    assert floor.pairs() == [("c2", "ana")]


def test_asterisk_1561_weights_do_not_starve_lighter_queues(redis_client: redis.Redis) -> None:
    policy = Policy("strict", CallerOrder.STRICT_PRIORITY, starvation_seconds=60)
    floor = hall(
        redis_client,
        ANA,
        queues=[Queue("heavy", policy=policy, wrap_up_seconds=0), Queue("light", policy=policy, wrap_up_seconds=0)],
    )
    floor.board.set_state("ana", "break")
    floor.enter("light", "light")
    floor.sign_in()
    served = []
    for number in range(10):
        floor.enter(f"h{number}", "heavy", head_start_seconds=5.0)
        floor.board.sweep()
        [(call, agent)] = floor.pairs()
        served.append(call)
        floor.board.accept(str(redis_client.hget(floor.board.keys.of("slots", agent), call)))
        floor.clock.pass_seconds(20)
        floor.enter(f"h{number}b", "heavy", head_start_seconds=5.0)
        floor.board.talk_ended(agent, call)
        if "light" in served:
            break
    assert served == ["h0", "h0b", "h1", "light"]  # sixty seconds later it goes before every priority
    check_invariants(redis_client, floor.board, drained=False)


def test_opensips_2530_a_lost_hang_up_does_not_leave_the_agent_in_a_call_for_ever(redis_client: redis.Redis) -> None:
    floor = hall(redis_client, ANA)
    floor.sign_in()
    floor.enter("c1")
    [offer] = floor.board.match()
    floor.board.ringing(offer.token, "leg1")
    floor.board.accept(offer.token)
    floor.clock.pass_seconds(29)
    assert not floor.board.sweep().talks
    floor.clock.pass_seconds(1)
    [talk] = floor.board.sweep().talks  # the carrier is asked within 30 seconds, and every 30 again
    assert (talk.agent_id, talk.call_id, talk.leg_id) == ("ana", "c1", "leg1")
    floor.clock.pass_seconds(30)
    assert len(floor.board.sweep().talks) == 1
    floor.board.talk_ended("ana", "c1")
    floor.clock.pass_seconds(31)
    swept = floor.board.sweep()
    assert not swept.talks and len(swept.wrapped_up) == 1


def test_opensips_2679_wrap_ups_end_each_at_its_own_time(redis_client: redis.Redis) -> None:
    agents = [Agent(f"a{number:02}") for number in range(40)]
    floor = Hall(redis_client, agents, [Queue("general", wrap_up_seconds=30)])
    floor.sign_in()
    for number in range(40):
        floor.enter(f"c{number}")
    for offer in floor.board.match():
        floor.board.accept(offer.token)
        floor.clock.pass_seconds(1)
        floor.board.talk_ended(offer.agent_id, offer.call_id)
    ended = []
    for _ in range(60):
        floor.clock.pass_seconds(1)
        ended += [(one.agent_id, one.seconds) for one in floor.board.sweep().wrapped_up]
    assert len(ended) == 40 and {seconds for _, seconds in ended} == {30.0}


def test_kazoo_1334_callers_are_told_when_nobody_is_signed_in(redis_client: redis.Redis) -> None:
    floor = hall(redis_client, ANA, BEN, queues=[Queue("general", nobody_after_seconds=15), Queue("tech", needs={"tech": 1})])
    floor.board.set_state("ana", "break")
    for number in range(3):
        floor.enter(f"c{number}")
    assert not floor.board.sweep().nobody
    floor.board.set_state("ana", "offline")
    floor.clock.pass_seconds(14)
    assert not floor.board.sweep().nobody
    floor.clock.pass_seconds(1)
    assert sorted(floor.board.sweep().nobody) == ["c0", "c1", "c2"]
    assert floor.enter("late").result == "nobody"  # type: ignore[attr-defined]
    floor.board.leave("c0", "nobody")
    redis_client.delete(floor.board.keys.of("told", "c1"))  # ten seconds of the server's own clock later
    assert floor.board.sweep().nobody == ("c1",)  # again, until somebody takes them out
    floor.sign_in("ben")
    assert floor.pairs() == [("c1", "ben")]


def test_amazon_connect_292_the_only_agent_is_not_rung_again_and_again_after_rejecting(redis_client: redis.Redis) -> None:
    floor = hall(redis_client, ANA, queues=[Queue("general", delays=Delays(rejected=10), missed_after=2)])
    floor.sign_in()
    floor.enter("c1")
    offers = 0
    for _ in range(60):
        for reservation in floor.board.match():
            offers += 1
            assert floor.board.release(reservation.token, OfferResult.REJECTED)
        floor.clock.pass_seconds(1)
        floor.board.sweep()
    assert offers == 2
    now = floor.board.agent("ana")
    assert now.state is AgentState.MISSED and now.missed_offers == 2
    assert floor.board.set_state("ana", "available").state is AgentState.AVAILABLE  # back in one action
    assert floor.pairs() == [("c1", "ana")]


def test_freepbx_525_a_callback_is_dialled_once_at_a_time(redis_client: redis.Redis) -> None:
    floor = hall(redis_client, ANA)
    ledgers = [Ledger(redis_client, board) for board in (floor.board, floor.other)]
    promise = Callback("cb1", "+447700900123", "general", floor.clock.now)
    ledgers[0].place(promise)
    permits = [ledgers[number % 2].begin_dial("cb1", f"dial{number}") for number in range(6)]
    assert permits == [1, None, None, None, None, None]
    floor.clock.pass_seconds(400)
    # Its end was never told: asked of the carrier, never simply repeated.
    assert [one.doubt for one in ledgers[1].due()] == [True]
    assert ledgers[1].begin_dial("cb1", "dial7") is None
    ledgers[0].dial_ended("cb1", "dial3", "no_answer")  # another dial's result changes nothing
    assert ledgers[0].get("cb1").state == "dialling"
    ledgers[0].dial_ended("cb1", "dial0", "talked")
    assert ledgers[1].begin_dial("cb1", "dial8") is None and not ledgers[1].due()


def test_openacd_5_a_burst_is_spread_over_all_agents(redis_client: redis.Redis) -> None:
    agents = [Agent(f"a{number:02}", skills={"tech": 1}) for number in range(30)]
    floor = Hall(redis_client, agents, [Queue("general", policy=Policy("p", CallerOrder.SERVICE_OBJECTIVE), target=Target(20))])
    floor.sign_in()
    for number in range(50):
        floor.enter(f"c{number:02}", needs={"tech": 1} if number % 2 else {})
    pairs = floor.pairs()
    assert len({agent for _, agent in pairs}) == 30 and len({call for call, _ in pairs}) == 30
    assert {call for call, _ in pairs} == {f"c{number:02}" for number in range(30)}


def test_kazoo_6609_an_agent_who_let_it_ring_out_is_seen_as_missed(redis_client: redis.Redis) -> None:
    floor = hall(redis_client, ANA, BEN, queues=[Queue("general", ring_seconds=15, missed_after=1)])
    floor.sign_in("ana")
    floor.enter("c1")
    [offer] = floor.board.match()
    floor.board.ringing(offer.token, "leg")
    floor.clock.pass_seconds(21)
    [released] = floor.board.sweep().released
    assert released.result is OfferResult.NO_ANSWER and released.agent_state is AgentState.MISSED and released.leg_id == "leg"
    assert floor.state("ana") is AgentState.MISSED
    floor.sign_in("ben")
    assert floor.pairs() == [("c1", "ben")]


def test_a_dead_worker_frees_agent_and_caller_within_the_lease_and_a_second(redis_client: redis.Redis) -> None:
    floor = hall(redis_client, ANA)
    clock = floor.clock
    floor.sign_in()
    floor.enter("c1")
    floor.board.match()  # and the process dies: nobody rings
    clock.pass_seconds(11)
    [released] = floor.other.sweep().released
    assert released.result is OfferResult.FAILED and floor.board.position("c1") == 1
    clock.pass_seconds(10)
    floor.other.sweep()
    assert floor.pairs() == [("c1", "ana")]
