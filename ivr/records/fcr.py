"""First-call resolution: the verdict on one contact, and closing the windows that have run out.

A contact is resolved when the same person has no later contact about the same issue inside the window, and nobody (the agent's
disposition, the caller's survey answer) marked it unresolved. Until the window closes the verdict is provisional.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ivr.records.record import Excluded, FcrState, Outcome
from ivr.records.rollup_tables import mark_dirty
from ivr.records.store import Store
from ivr.records.tables import calls

_SERVED = frozenset({Outcome.SELF_SERVED, Outcome.ANSWERED, Outcome.TRANSFERRED_OUT})
_BATCH = 5000


@dataclass(frozen=True)
class Verdict:
    """What FCR says of one contact."""

    fcr: bool | None
    state: FcrState
    excluded: Excluded | None
    decided_at: datetime | None


def exclusion(row: Mapping[str, Any], shared_numbers: frozenset[str]) -> Excluded | None:
    """Why a call's row is no contact that FCR counts; None where it is one, as far as the call alone can tell."""
    if not row["is_contact"]:
        return Excluded.FOLLOW_UP
    if row["direction"] == "outbound":
        return Excluded.OUTBOUND
    if row["person"] is None:
        return Excluded.SHARED_NUMBER if row["from_number"] in shared_numbers else Excluded.WITHHELD_NUMBER
    return None if row["asked"] else Excluded.NO_REQUEST


def judge(row: Mapping[str, Any], excluded: Excluded | None, now: datetime, window_seconds: float) -> Verdict:
    """The verdict on a call's row: outcome, contact_handled, repeat_seconds, resolved, survey_resolved and ended_at are read."""
    if excluded is None and not row["contact_handled"] and row["outcome"] not in _SERVED and row["ended_at"] is not None:
        excluded = Excluded.UNSERVED
    if excluded is not None:
        return Verdict(None, FcrState.EXCLUDED, excluded, None)
    ended_at = row["ended_at"]
    if ended_at is None:
        return Verdict(None, FcrState.PROVISIONAL, None, None)
    repeated = row["repeat_seconds"] is not None and row["repeat_seconds"] < window_seconds
    resolved = not repeated and row["resolved"] is not False and row["survey_resolved"] is not False
    closes_at = ended_at + timedelta(seconds=window_seconds)
    if now < closes_at:
        return Verdict(resolved, FcrState.PROVISIONAL, None, None)
    return Verdict(resolved, FcrState.FINAL, None, closes_at)


def decide_fcr(store: Store, now: datetime) -> int:
    """Make final every verdict whose window has closed by `now`; gives how many. Run by a leased periodic job; safe to repeat.

    The verdict itself is kept current by every call that is recorded: a contact turns unresolved when its repeat arrives.
    """
    closed_before = now - timedelta(seconds=store.rules.window_seconds)
    due = sa.and_(calls.c.fcr_state == FcrState.PROVISIONAL, calls.c.ended_at <= closed_before)
    decided = 0
    while True:
        # In small transactions: SQLite has one writer, and calls are being recorded meanwhile.
        with store.writing(10) as connection:
            rows = connection.execute(
                sa.select(calls.c.call_id, calls.c.started_at).where(due).order_by(calls.c.ended_at).limit(_BATCH)
            ).all()
            if not rows:
                return decided
            change = calls.update().where(calls.c.call_id.in_([row.call_id for row in rows]))
            connection.execute(change.values(fcr_state=FcrState.FINAL, fcr_decided_at=now, updated_at=store.clock()))
            mark_dirty(connection, [row.started_at for row in rows])
            decided += len(rows)
