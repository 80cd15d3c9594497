"""Short journals for tests."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from ivr.notes import Note
from ivr.records.saving import close_call
from ivr.records.store import Store


def journal(
    call_id: str, start: datetime, *lines: tuple[float, str, dict[str, Any]], number: str | None = "+447700900001", **arrived: Any
) -> list[Note]:
    """An Arrived note and the given ones: (seconds, kind, fields)."""
    first = {
        "from_number": number, "caller_kind": "phone" if number else "withheld", "to_number": "+442071838750", "direction": "inbound", "flow": "support",
        "revision": "1", "language": "en-GB", "contact_id": call_id, **arrived,
    }  # fmt: skip
    notes = [Note(call_id, "Arrived", start, first, 1)]
    notes += [
        Note(call_id, kind, start + timedelta(seconds=seconds), data, n) for n, (seconds, kind, data) in enumerate(lines, 2)
    ]
    return notes


def answered(
    store: Store,
    call_id: str,
    start: datetime,
    *,
    wait: float = 10.0,
    talk: float = 60.0,
    queue: str = "general",
    agent: str = "ana",
    **more: Any,
) -> None:
    """Record a call that an agent answered."""
    notes = journal(
        call_id, start, (0, "Queued", {"queue": queue}), (wait, "Connected", {"queue": queue, "agent": agent, "leg_id": f"L{call_id}"}),
        (wait + talk, "LegEnded", {"leg_id": f"L{call_id}", "agent": agent, "reason": "caller_hung_up"}), (wait + talk, "Ended", {"ended_by": "caller"}),
        (wait + talk + 5, "WrappedUp", {"leg_id": f"L{call_id}", "agent": agent, "seconds": 5}), **more,
    )  # fmt: skip
    close_call(store, notes, start + timedelta(seconds=wait + talk + 6))


def abandoned(store: Store, call_id: str, start: datetime, *, wait: float, queue: str = "general", **more: Any) -> None:
    """Record a call that gave up in the queue."""
    notes = journal(call_id, start, (0, "Queued", {"queue": queue}), (wait, "Ended", {"ended_by": "caller"}), **more)
    close_call(store, notes, start + timedelta(seconds=wait + 1))
