"""A supervisor's word on top of a record. What was computed stays, and whoever corrected it is on record."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ivr.errors import RecordError
from ivr.records import audit
from ivr.records.store import Store
from ivr.records.tables import calls, corrections, events

CORRECTABLE: dict[str, type] = {"resolved": bool, "fcr": bool, "disposition": str}


def overlay(connection: sa.Connection, call_id: str) -> dict[str, Any]:
    """The corrected fields of a call; the last correction of a field counts, one of None takes it back."""
    rows = connection.execute(
        sa.select(corrections.c.field, corrections.c.value).where(corrections.c.call_id == call_id).order_by(corrections.c.n)
    )
    last = {row.field: row.value for row in rows}
    given = {field: value for field, value in last.items() if value is not None}
    return {**given, "corrected": int(bool(given))}


def check(field: str, value: Any) -> None:
    """Raises RecordError for a field that may not be corrected, or a value of the wrong type."""
    if field not in CORRECTABLE:
        raise RecordError(f"{field} cannot be corrected: only {', '.join(sorted(CORRECTABLE))}")
    if value is not None and not isinstance(value, CORRECTABLE[field]):
        raise RecordError(f"{field} must be {CORRECTABLE[field].__name__} or null")


def write(connection: sa.Connection, call_id: str, field: str, value: Any, *, reason: str, by: str, at: datetime) -> None:
    """Add a correction. Raises RecordError for an unknown call, field or value, or without a reason."""
    check(field, value)
    if not reason.strip():
        raise RecordError("a correction needs a reason")
    if connection.scalar(sa.select(calls.c.call_id).where(calls.c.call_id == call_id)) is None:
        raise RecordError(f"there is no call {call_id}")
    if connection.scalar(sa.select(events.c.call_id).where(events.c.call_id == call_id).limit(1)) is None:
        # Without it nothing tells what was computed before: the correction could not be taken back.
        raise RecordError(
            f"call {call_id} has no journal (imported, erased or past its retention): it cannot be corrected; what was imported is corrected by importing it again"
        )
    connection.execute(
        corrections.insert(),
        {"call_id": call_id, "field": field, "value": value, "reason": reason.strip()[:500], "by": by, "at": at},
    )


def history(connection: sa.Connection, call_id: str) -> list[dict[str, Any]]:
    """All corrections of a call, oldest first."""
    rows = connection.execute(sa.select(corrections).where(corrections.c.call_id == call_id).order_by(corrections.c.n))
    return [dict(row) for row in rows.mappings()]


def correct(store: Store, call_id: str, field: str, value: Any, *, reason: str, by: str, now: datetime) -> None:
    """Add a correction with its audit entry; recompute the call afterwards."""
    with store.writing() as connection:
        before = connection.execute(
            sa.select(calls.c[field] if field in CORRECTABLE else calls.c.call_id).where(calls.c.call_id == call_id)
        ).scalar()
        write(connection, call_id, field, value, reason=reason, by=by, at=now)
        audit.append(
            connection, by, "call.correct", call_id, {"field": field, "before": before, "after": value, "reason": reason}, at=now
        )
