"""Why a call went to whom, for the API: from the decision log, never from memory of the outcome."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from ivr.jobs.wiring import Line
from routing.decisions import Decision
from routing.explain import explain, in_words

_AFTERWARDS_SECONDS = 600.0  # an offer's last messages may trail behind the end of the call


def why(line: Line, call_id: str) -> dict[str, Any] | None:
    """The call's way through routing as JSON, with the same in `words`; None where the log does not hold it (any more).

    A callback's talk is told from the promise that waited for it.
    """
    for waited_as in _names(line, call_id):
        found = explain(waited_as, _decisions(line, call_id))
        if found is not None:
            return {**asdict(found), "call_id": call_id, "waited_as": waited_as, "words": in_words(found)}
    return None


def _names(line: Line, call_id: str) -> list[str]:
    """What the call may be called on the board: itself, or the promise that it was placed for."""
    session = line.calls.load(call_id)
    row = None if session else line.store.row(call_id)
    contact_id = session.contact_id if session else str(row["contact_id"]) if row else call_id
    return [call_id] if contact_id == call_id else [f"CB{contact_id[2:]}", call_id]


def _decisions(line: Line, call_id: str) -> Iterator[Decision]:
    """The log, piece by piece, as far as it can tell of the call."""
    row = line.store.row(call_id)
    until = row["ended_at"].timestamp() + _AFTERWARDS_SECONDS if row and row["ended_at"] else None
    after = "-"
    while rows := line.board.decisions(after):
        for decision in rows:
            if until is not None and decision.at > until:
                return
            yield decision
        after = rows[-1].entry_id
