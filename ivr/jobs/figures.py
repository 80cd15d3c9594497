"""Periodic work that figures stand on: rollups, agents' states, webhooks. Each may be cut short at any point and done again."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

import httpx

from ivr.jobs.wiring import Line
from ivr.records.occupancy import AgentState
from ivr.records.outbox import deliver_due
from ivr.records.past_board import StateRecorder
from ivr.records.rollups import refresh_rollups
from ivr.records.store import Store

_MOST_HALF_HOURS = 2000  # of one round: others want their turn


def keep_rollups(line: Line) -> None:
    """Compute again the half-hours whose calls have changed."""
    refresh_rollups(line.store, most=_MOST_HALF_HOURS)


def deliver_webhooks(line: Line) -> None:
    """Send what subscribers shall hear of; a bad survey is heard of within seconds."""
    if line.store.subscriptions:
        with httpx.Client(timeout=5.0) as client:
            deliver_due(line.store, line.now(), client)


@lru_cache(maxsize=1)
def _recorder(store: Store) -> StateRecorder:
    return StateRecorder(store)


def note_agent_states(line: Line) -> None:
    """Keep every change of an agent's state: occupancy, and the board at a past second."""
    seen = [
        AgentState(
            now.agent_id,
            datetime.fromtimestamp(round(now.since, 3), UTC),
            now.state,
            now.team or None,
            now.reason,
            next(iter(now.calls), None),
        )
        for now in line.board.snapshot().agents
    ]
    _recorder(line.store).see(seen)
