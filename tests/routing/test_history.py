"""The past of the floor: found from checkpoints, the same as from the whole log, and still whole where the log's beginning is gone."""

from __future__ import annotations

import random

import redis
from floors import Hall, decisions

from routing.board import Board
from routing.decisions import Floor, replay
from routing.explain import explain
from routing.floor_state import from_text, to_text
from routing.model import Agent, AgentState, OfferResult, Overflow, Queue, Reserve


def busy_day(client: redis.Redis, calls: int = 120) -> tuple[Hall, list[float]]:
    """A floor on which much happens, with a checkpoint every 25 entries or so; and some moments of it."""
    chance = random.Random(5)
    floor = Hall(
        client,
        [Agent(f"a{n}", skills={"tech": 1 + n % 3} if n % 2 else {}, capacity=1 + (n == 4)) for n in range(6)],
        [Queue("general", wrap_up_seconds=5, reserve=Reserve(1, 30.0)), Queue("tech", needs={"tech": 1}, wrap_up_seconds=0, overflow=(Overflow(60.0, ("general",)),))],
    )  # fmt: skip
    floor.sign_in()
    moments = []
    talking: list[tuple[str, str]] = []
    for number in range(calls):
        floor.enter(
            f"c{number}", chance.choice(("general", "tech")), head_start_seconds=chance.choice((0.0, 60.0)), rings=((20.0, {}),)
        )
        for offer in floor.board.match():
            floor.clock.pass_seconds(1.5)
            if chance.random() < 0.7:
                floor.board.accept(offer.token)
                talking.append((offer.agent_id, offer.call_id))
            else:
                floor.board.release(offer.token, chance.choice((OfferResult.BUSY, OfferResult.NO_ANSWER)))
        while len(talking) > 3 or (talking and chance.random() < 0.3):
            floor.board.talk_ended(*talking.pop(0))
        if chance.random() < 0.1:
            floor.board.leave(f"c{number}", "hung_up")
        floor.sign_in()
        floor.clock.pass_seconds(7)
        floor.board.sweep()
        floor.board.history.keep(every=25)
        moments.append(floor.clock.now)
    return floor, moments


def cut(client: redis.Redis, floor: Hall, keep: int) -> None:
    """Drop the oldest entries, as a long log does by itself."""
    client.xtrim(floor.board.keys.of("log"), maxlen=keep, approximate=False)


def test_why_is_the_same_from_a_checkpoint_and_reads_a_part_of_the_log_only(redis_client: redis.Redis) -> None:
    floor, _ = busy_day(redis_client)
    everything = decisions(floor.board)
    read = []
    for number in range(0, 120, 7):
        past = floor.other.history.of_call(f"c{number}")
        assert past is not None
        mine = list(past[1])
        read.append(len(mine))
        assert explain(f"c{number}", mine, past[0]) == explain(f"c{number}", everything), number
    assert sorted(read)[len(read) // 2] < len(everything) / 5
    assert floor.other.history.of_call("nobody") is None


def test_the_floor_at_a_moment_is_that_of_the_whole_log(redis_client: redis.Redis) -> None:
    floor, moments = busy_day(redis_client)
    everything = decisions(floor.board)
    for moment in moments[3::9]:
        plain = Floor()
        for decision in everything:
            if decision.at <= moment:
                plain.apply(decision)
        found = floor.other.history.at(moment)
        assert found is not None
        assert (found.records, found.waiting, found.agents, found.queues) == (
            plain.records,
            plain.waiting,
            plain.agents,
            plain.queues,
        )
        assert to_text(from_text(to_text(found))) == to_text(found)
    assert floor.other.history.at(moments[0] - 10_000) is None


def test_a_log_without_its_beginning_still_knows_who_was_there(redis_client: redis.Redis) -> None:
    floor, moments = busy_day(redis_client)
    everything = decisions(floor.board)
    cut(redis_client, floor, 300)
    kept = decisions(floor.board)
    assert kept[0].kind not in ("queue", "agent")
    past = floor.other.history.of_call("c117")
    assert past is not None
    assert explain("c117", past[1], past[0]) == explain("c117", everything)
    # Every match after a checkpoint is made again by the policy.
    begun = floor.other.history.at(moments[-20])
    assert begun is not None
    rest = [decision for decision in kept if decision.at > moments[-20]]
    assert sum(decision.kind == "claimed" for decision in rest) > 5
    assert list(replay(rest, begun)) == []
    # What belongs to dropped entries is dropped at the next checkpoint.
    for number in range(30):
        floor.enter(f"last{number}")
    assert floor.board.history.keep(every=1) == 1
    names = redis_client.zrange(floor.board.keys.of("checkpoints"), 0, -1)
    oldest = floor.board.log.oldest()
    assert oldest is not None and 1 < len(names) < 20
    assert floor.other.history.of_call("c0") is None and floor.other.history.of_call("c117") is not None


def test_another_process_goes_on_from_the_last_checkpoint(redis_client: redis.Redis) -> None:
    floor, _ = busy_day(redis_client, calls=20)
    before = redis_client.zcard(floor.board.keys.of("checkpoints"))
    assert floor.other.history.keep(every=100_000) == 0
    for number in range(30):
        floor.enter(f"later{number}")
    assert floor.other.history.keep(every=5) == 1
    assert redis_client.zcard(floor.board.keys.of("checkpoints")) > before
    found = floor.board.history.at(floor.clock.now)
    assert found is not None and "later29" in found.waiting
    # A board that lost everything begins anew.
    redis_client.flushdb()
    floor.board.configure(floor.agents, floor.queues)
    floor.sign_in()
    for number in range(30):
        floor.enter(f"anew{number}")
    assert floor.other.history.keep(every=1) == 1
    found = floor.board.history.at(floor.clock.now)
    assert found is not None and len(found.waiting) == 30 and "later9" not in found.waiting


def test_keeping_begins_before_anything_was_decided(redis_client: redis.Redis) -> None:
    board = Board(redis_client, "not_begun")
    assert [board.history.keep(every=25), board.history.keep(every=25)] == [0, 0]
    board.configure([Agent("a1")], [Queue("general")])
    for _ in range(15):
        board.set_state("a1", AgentState.AVAILABLE)
        board.set_state("a1", AgentState.BREAK, reason="lunch")
    assert board.history.keep(every=25) == 1
