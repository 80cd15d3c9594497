"""Why a call went to whom, for the API: from the decision log, never from memory of the outcome."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ivr.jobs.wiring import Line
from routing.explain import explain, in_words


def why(line: Line, call_id: str) -> dict[str, Any] | None:
    """The call's way through routing as JSON, with the same in `words`; None where the log does not hold it (any more).

    A callback's talk is told from the promise that waited for it.
    """
    for waited_as in _names(line, call_id):
        past = line.board.history.of_call(waited_as)
        found = explain(waited_as, past[1], past[0]) if past else None
        if found is not None:
            return {**asdict(found), "call_id": call_id, "waited_as": waited_as, "words": in_words(found)}
    return None


def _names(line: Line, call_id: str) -> list[str]:
    """What the call may be called on the board: itself, or the promise that it was placed for."""
    session = line.calls.load(call_id)
    row = None if session else line.store.row(call_id)
    contact_id = session.contact_id if session else str(row["contact_id"]) if row else call_id
    return [call_id] if contact_id == call_id else [f"CB{contact_id[2:]}", call_id]
