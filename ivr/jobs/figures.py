"""Periodic work that figures stand on: rollups, webhooks (agents' states: ivr.jobs.floor_log). Each may be cut short at any point and done again."""

from __future__ import annotations

import httpx

from ivr.jobs.wiring import Line
from ivr.records.outbox import deliver_due
from ivr.records.rollups import refresh_rollups

_MOST_HALF_HOURS = 2000  # of one round: others want their turn


def keep_rollups(line: Line) -> None:
    """Compute again the half-hours whose calls have changed."""
    refresh_rollups(line.store, most=_MOST_HALF_HOURS)


def deliver_webhooks(line: Line) -> None:
    """Send what subscribers shall hear of; a bad survey is heard of within seconds."""
    if line.store.subscriptions:
        with httpx.Client(timeout=5.0) as client:
            deliver_due(line.store, line.now(), client)
