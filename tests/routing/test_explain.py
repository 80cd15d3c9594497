"""Why a call went where it went, and the same matches again from the log."""

from __future__ import annotations

import redis
from floors import Hall, decisions, floor_of

from routing.decisions import Decision, replay
from routing.explain import explain, in_words
from routing.model import Agent, AgentChoice, OfferResult, Policy, Queue, Target

AGENTS = [
    Agent("ana", skills={"tech": 1}),
    Agent("ben", skills={"tech": 3}),
    Agent("cleo", skills={"english": 2}),
    Agent("dora", skills={"tech": 3}),
]


def story(client: redis.Redis) -> Hall:
    floor = Hall(client, AGENTS, [Queue("tech", policy=Policy("best", agent=AgentChoice.BEST_SKILL), target=Target(20, 0.8))])
    floor.sign_in("ana", "ben", "cleo")
    floor.board.set_state("dora", "break", reason="lunch")
    floor.clock.pass_seconds(10)
    floor.enter("c0", "tech", needs={"tech": 3})
    floor.board.accept(floor.board.match()[0].token)
    floor.clock.pass_seconds(1)
    floor.enter("c1", "tech", needs={"tech": 2}, rings=((30.0, {"tech": 1}),))
    assert not floor.board.match()
    floor.clock.pass_seconds(30)
    floor.board.sweep()
    [offer] = [one for one in floor.board.match() if one.call_id == "c1"]
    floor.board.ringing(offer.token, "leg")
    floor.clock.pass_seconds(5)
    floor.board.release(offer.token, OfferResult.REJECTED)
    floor.board.set_state("dora", "available")
    [offer] = [one for one in floor.board.match() if one.call_id == "c1"]
    floor.clock.pass_seconds(2)
    floor.board.accept(offer.token)
    return floor


def test_the_true_reasons(redis_client: redis.Redis) -> None:
    floor = story(redis_client)
    found = explain("c1", decisions(floor.board))
    assert found is not None
    assert [(step.what, step.agent_id) for step in found.steps] == [
        ("entered", None), ("ring opened", None), ("offered", found.steps[2].agent_id), ("offer ended: rejected", found.steps[2].agent_id),
        ("offered", "dora"), ("accepted", "dora"),
    ]  # fmt: skip
    assert found.answered_by == "dora" and found.waited_seconds == 37
    entered = found.steps[0].moment
    assert entered is not None and not entered.candidates
    assert {one.agent_id: one.rules for one in entered.excluded} == {
        "ana": ("may take it through ring from 30 s on",),
        "ben": ("is talking",),
        "cleo": ("lacks tech",),
        "dora": ("is break",),
    }
    chosen = found.steps[4].moment
    assert chosen is not None and chosen.candidates[0].agent_id == "dora"
    assert chosen.candidates[0].because.startswith(
        "needs: tech at 2 or better in queue tech from 0 s on; best skill; levels tech 3"
    )
    assert found.at_target is not None and found.at_target.waited_seconds == 20
    assert found.needed == (
        "ana: may take it through ring from 30 s on", "ben: is talking", "cleo: lacks tech", "dora: is break",
        "an earlier ring: tech at 1 or better in queue tech from 30 s on",
    )  # fmt: skip
    text = in_words(found)
    assert "to be answered within 20 s, one of these would have been enough:" in text and "not dora: is break" in text


def test_a_call_that_is_not_in_the_log_has_no_explanation(redis_client: redis.Redis) -> None:
    assert explain("c9", decisions(story(redis_client).board)) is None


def test_replaying_the_log_makes_every_match_again(redis_client: redis.Redis) -> None:
    floor = story(redis_client)
    log = decisions(floor.board)
    assert sum(one.kind == "claimed" for one in log) >= 3
    assert list(replay(log)) == []
    # A log in which another agent was chosen is found out.
    forged = [
        Decision(one.entry_id, one.kind, one.at, {**one.fields, "agent": "cleo"})
        if one.kind == "claimed" and one.fields["call"] == "c1"
        else one
        for one in log
    ]
    assert next(one.expected_agent for one in replay(forged)) in ("ana", "ben")


def test_the_reference_floor_ends_like_the_board(redis_client: redis.Redis) -> None:
    floor = story(redis_client)
    reference, _ = floor_of(floor.board)
    now = {one.agent_id: one.state for one in floor.board.snapshot().agents}
    assert {name: record.state for name, record in reference.records.items()} == now
