"""Recordings of conversations: they end with the talk, and nothing private is asked for while one may still be running."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import structlog

from ivr.actions import Action, Charge, Listen
from ivr.errors import CarrierError

if TYPE_CHECKING:
    from ivr.jobs.switchboard import Switchboard
    from ivr.jobs.wiring import Line

log = structlog.get_logger()

STOPPING = "stopping"
"""In the conversation's field `recording`: the carrier has been asked to stop it, and has not yet said that it did."""
RUNNING = ("on", "paused")
MOST_MOMENTS = 3
"""So often a caller hears "one moment" while the carrier does not stop a recording; then the call takes the way of any failure."""


def ends(switchboard: Switchboard, call_id: str, talk: Mapping[str, str]) -> None:
    """The caller is alone with the flow again: what follows is not recorded."""
    if talk.get("recording"):
        switchboard.calls.set_talk(call_id, recording=STOPPING)
        switchboard.outbox.push("stop_recording", call_id=call_id)


def stop(line: Line, call_id: str) -> None:
    """Stop the recording of a call, where one is running. Raises CarrierError."""
    line.carrier.recording(call_id, "stopped")
    if line.calls.talk(call_id).get("recording"):
        line.calls.set_talk(call_id, recording="")


def is_private(actions: tuple[Action, ...]) -> bool:
    """Whether a document asks for what may never be recorded: a card, a PIN."""
    last = actions[-1] if actions else None
    return isinstance(last, Charge) or (isinstance(last, Listen) and last.secret)


def surely_stopped(line: Line, call_id: str) -> bool:
    """True where nothing records the call. The command that stops a recording may be late: then it is stopped here and now. False where the
    carrier does not do so: the caller has to wait a moment. Raises CarrierError after several such moments."""
    if not line.calls.talk(call_id).get("recording"):
        return True
    try:
        stop(line, call_id)
    except CarrierError as error:
        log.warning("nothing private is asked for: the carrier does not stop the recording", call_id=call_id, error=str(error))
        if any(line.calls.append(call_id, [], happening=f"still_recording:{moment}") for moment in range(MOST_MOMENTS)):
            return False
        raise
    return True
