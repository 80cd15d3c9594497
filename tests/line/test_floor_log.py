"""Agents' states followed in the board's decision log: none is missed, none is kept twice, whoever follows and wherever it stopped."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest
import redis
import sqlalchemy as sa

from ivr import keys
from ivr.jobs.floor_log import follow
from ivr.jobs.wiring import Line
from ivr.records.past_board import board_at
from ivr.records.store import Store, utc_now
from ivr.records.tables import agent_states
from routing.board import Board
from routing.model import Agent, AgentState, Queue, WaitingCall


@pytest.fixture
def line(redis_client: redis.Redis, database_url: str) -> Line:
    """A line's board and store, for what follows them."""
    store = Store(database_url, clock=utc_now)
    store.upgrade()
    board = Board(redis_client)
    agents = [
        Agent("ana", "Ana", "client:ana", "support", {"english": 1}),
        Agent("ben", "Ben", "client:ben", "support", {"english": 1}),
    ]
    board.configure(agents, [Queue("general", wrap_up_seconds=5)])
    return cast(Line, SimpleNamespace(store=store, board=board, redis=redis_client))


def kept(line: Line, agent: str = "ana") -> list[str]:
    with line.store.reading() as connection:
        rows = connection.execute(
            sa.select(agent_states).where(agent_states.c.agent == agent).order_by(agent_states.c.at, agent_states.c.n)
        )
        return [row.state for row in rows]


def a_talk(line: Line, call_id: str) -> None:
    """One call from ring to the end of the wrap-up, faster than any clock looks."""
    line.board.enter(WaitingCall(call_id, "general", line.board.now()))
    (offer,) = line.board.match()
    assert line.board.ringing(offer.token, "CAleg")
    assert line.board.accept(offer.token)
    assert line.board.talk_ended(offer.agent_id, call_id)
    assert line.board.wrap_up_done(offer.agent_id)


def test_states_that_last_for_milliseconds_are_kept(line: Line) -> None:
    follow(line)
    line.board.set_state("ana", AgentState.AVAILABLE)
    a_talk(line, "c1")
    line.board.set_state("ana", AgentState.BREAK, "lunch")
    follow(line)
    assert follow(line) == 0
    assert kept(line) == ["offline", "available", "reserved", "ringing", "talking", "wrap_up", "available", "break"]
    assert kept(line, "ben") == ["offline"]
    seen = {a.agent: (a.state, a.team) for a in board_at(line.store, utc_now()).agents}
    assert seen == {"ana": ("break", "support")}
    line.store.close()


def test_another_clock_goes_on_where_the_first_stopped_and_repeats_nothing(line: Line) -> None:
    follow(line)
    line.board.set_state("ana", AgentState.AVAILABLE)
    reached = str(line.redis.get(keys.FLOOR_READ))
    standing = line.redis.hgetall(keys.FLOOR_AGENTS)
    a_talk(line, "c1")
    follow(line)
    first = kept(line)
    # The first clock died after the rows and before it had written down how far it came.
    line.redis.set(keys.FLOOR_READ, reached)
    line.redis.hset(keys.FLOOR_AGENTS, mapping=standing)
    follow(line)
    assert kept(line) == first
    line.store.close()


def test_a_log_that_no_longer_reaches_back_is_made_up_for_by_the_board(line: Line, redis_client: redis.Redis) -> None:
    follow(line)
    line.board.set_state("ana", AgentState.AVAILABLE)
    a_talk(line, "c1")
    line.board.set_state("ben", AgentState.AVAILABLE)
    redis_client.xtrim(line.board.keys.of("log"), maxlen=1, approximate=False)
    follow(line)
    assert (kept(line)[-1], kept(line, "ben")[-1]) == ("available", "available")
    line.board.set_state("ana", AgentState.OFFLINE)
    follow(line)
    assert kept(line)[-1] == "offline"
    line.store.close()
