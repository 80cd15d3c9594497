"""The end of a caller's call, whoever tells it: the carrier's callback, or the clock that asked the carrier."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from ivr.call import Arrived, Ended, Frame, Session
from ivr.engine import take_turn
from ivr.errors import IvrError
from ivr.jobs.promises import arrival_notes
from ivr.jobs.wiring import Line
from ivr.notes import Note

_NOT_ANSWERED = frozenset({"busy", "no-answer", "failed", "canceled"})
_TRIES = 4


def arrived_unheard(line: Line, arrived: Arrived) -> bool:
    """Write down a call that is known only from its end: the caller hung up while no process answered. It has a record like any other.

    False where there is nothing to write: it is known, its record is there already, or it was not for one of our numbers.
    """
    if arrived.direction != "inbound" or arrived.to_number not in line.configuration.numbers.lines:
        return False
    with suppress(IvrError):  # without the database nobody can say; what is told again a day later is the rarer case
        if line.store.row(arrived.call_id) is not None:
            return False  # told again after the session was forgotten
    live = line.live()
    flow, language = live.entry_for(arrived.to_number)
    session = Session(
        arrived.call_id,
        arrived.call_id,
        arrived.caller,
        arrived.to_number,
        arrived.direction,
        arrived.at,
        language or live.bundle.flows[flow].languages[0],
        revision=live.revision,
        frames=(Frame(flow, ""),),
        turn=1,
    )
    return line.calls.commit(session, expected_turn=None, notes=arrival_notes(arrived, session, flow))


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
        line.switchboard.caller_gone(call_id, at)
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
