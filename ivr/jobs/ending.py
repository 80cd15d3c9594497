"""The end of a caller's call, whoever tells it: the carrier's callback, or the clock that asked the carrier."""

from __future__ import annotations

from datetime import datetime

from ivr.call import Ended
from ivr.engine import take_turn
from ivr.jobs.wiring import Line
from ivr.notes import Note

_NOT_ANSWERED = frozenset({"busy", "no-answer", "failed", "canceled"})
_TRIES = 4


def call_over(
    line: Line, call_id: str, status: str, seconds: float | None, *, inferred: bool = False, at: datetime | None = None
) -> None:
    """Free agent and place, note the end once, ask for the record. Told twice or late, the state is the same.

    `inferred`: nobody told, the carrier was asked; `at`: the end as the carrier has it (default: now).
    """
    for _ in range(_TRIES):
        session = line.calls.load(call_id)
        if session is None:
            return
        line.consults.caller_gone(call_id)
        line.switchboard.caller_gone(call_id)
        now = at or line.now()
        live = line.live(session.revision)
        turn = take_turn(
            live.bundle, session, Ended(call_id, f"ended:{call_id}", now, status=status, seconds=seconds), live.world()
        )
        ended_by = "carrier" if status in _NOT_ANSWERED else ("system" if session.ended else "caller")
        ended = Note(call_id, "Ended", now, {"ended_by": ended_by, "status": status, "seconds": seconds, "inferred": inferred})
        over = turn.session.but(ended=True, turn=session.turn + 1)
        if line.calls.commit(over, expected_turn=session.turn, notes=[*turn.notes, ended], happening=f"ended:{call_id}"):
            break
        if any(note.kind == "Ended" for note in line.calls.journal(call_id)):
            break
    line.calls.ask_record(call_id)
