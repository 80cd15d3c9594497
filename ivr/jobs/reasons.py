"""Why a call went to whom, the same for API and command line: from the decision log, never from memory of the outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from ivr.sessions import Calls
from routing.board import Board
from routing.explain import explain, in_words


def why(board: Board, calls: Calls, row_of: Callable[[str], dict[str, Any] | None], call_id: str) -> dict[str, Any] | None:
    """The call's way through routing as JSON, with the same in `words`; None where the log does not hold it (any more).

    A callback's talk is told from the promise that waited for it; where no session of the call is kept any more, `row_of` gives its record.
    """
    for waited_as in _names(calls, row_of, call_id):
        past = board.history.of_call(waited_as)
        found = explain(waited_as, past[1], past[0]) if past else None
        if found is not None:
            return {**asdict(found), "call_id": call_id, "waited_as": waited_as, "words": in_words(found)}
    return None


def _names(calls: Calls, row_of: Callable[[str], dict[str, Any] | None], call_id: str) -> list[str]:
    """What the call may be called on the board: itself, or the promise that it was placed for."""
    session = calls.load(call_id)
    row = None if session else row_of(call_id)
    contact_id = session.contact_id if session else str(row["contact_id"]) if row else call_id
    return [call_id] if contact_id == call_id else [f"CB{contact_id[2:]}", call_id]
