"""The clock's part of reporting, on a real board: states are kept once per change."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import redis
import sqlalchemy as sa

from ivr.jobs.figures import keep_rollups, note_agent_states
from ivr.jobs.wiring import Line
from ivr.records.past_board import board_at
from ivr.records.rollup_tables import rollups
from ivr.records.store import utc_now
from ivr.records.tables import agent_states
from routing.board import Board
from routing.model import Agent, AgentState
from tests.records.conftest import NOW, MakeStore
from tests.records.journals import answered


def test_states_of_the_live_board_are_kept_once_per_change(sqlite_store: MakeStore, redis_client: redis.Redis) -> None:
    store = sqlite_store(clock=utc_now)
    board = Board(redis_client)
    board.configure([Agent("ana", "Ana", "client:ana", "support", {"english": 1})], [])
    line = cast(Line, SimpleNamespace(store=store, board=board))
    note_agent_states(line)
    board.set_state("ana", AgentState.AVAILABLE)
    note_agent_states(line)
    note_agent_states(line)
    with store.reading() as connection:
        kept = [row.state for row in connection.execute(sa.select(agent_states).order_by(agent_states.c.n))]
    assert kept == ["offline", "available"]
    seen = board_at(store, utc_now()).agents
    assert [(a.agent, a.state, a.team) for a in seen] == [("ana", "available", "support")]


def test_rollups_are_kept_by_the_clock(sqlite_store: MakeStore) -> None:
    store = sqlite_store()
    answered(store, "A", NOW)
    keep_rollups(cast(Line, SimpleNamespace(store=store)))
    with store.reading() as connection:
        assert connection.scalar(sa.select(rollups.c.contacts).where(rollups.c.dimension == "queue")) == 1
