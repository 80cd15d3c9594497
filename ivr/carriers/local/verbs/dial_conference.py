"""<Dial><Conference>: join a room until it ends, the leg leaves or is taken out."""

from __future__ import annotations

import asyncio
from typing import Any

from ivr.carriers.local.conferences import Joining
from ivr.carriers.local.execution import Execution, Page
from ivr.carriers.local.legs import HungUp, Request, TakenOver
from ivr.carriers.local.line import Keys, Listener
from ivr.carriers.local.twiml import Verb


def read_joining(execution: Execution, noun: Verb, page: Page) -> Joining:
    """How the noun's attributes let the leg take part."""
    wait = None
    if "waitUrl" in noun.attributes:
        link = noun.get("waitUrl")
        wait = Request(execution.resolve(link, page), noun.get("waitMethod", "POST")) if link else Request("")
    return Joining(
        starts=noun.yes("startConferenceOnEnter", True),
        ends=noun.yes("endConferenceOnExit"),
        muted=noun.yes("muted"),
        beep=noun.get("beep", "true"),
        label=noun.get("participantLabel"),
        coach_sid=noun.get("coach"),
        wait=wait,
        most=int(noun.get("maxParticipants", "250")),
        callback=execution.callback(noun, "statusCallback", page, "start end"),
    )


async def dial_conference(execution: Execution, verb: Verb, noun: Verb, page: Page) -> dict[str, str]:
    """Take part; returns the action's fields (DialCallStatus answered, no DialCallSid, no duration)."""
    leg, exchange = execution.leg, execution.exchange
    joining = read_joining(execution, noun, page)
    conference = exchange.room(noun.text)
    assert conference is not None
    refusal = ""
    if joining.label and any(p.joining.label == joining.label for p in conference.participants.values()):
        refusal = "16025"
        leg.complain(16025, f"participant label {joining.label!r} is taken in this conference", url=page.address)
    elif joining.coach_sid and joining.coach_sid not in conference.participants:
        refusal = "13240"
        leg.complain(13240, f"{joining.coach_sid} is not in this conference and cannot be coached", url=page.address)
    elif len(conference.participants) >= joining.most:
        refusal = "full"
    if refusal:
        return {"DialCallStatus": "failed"}
    participant = conference.join(leg, joining)
    if noun.get("record") == "record-from-start" and len(conference.participants) == 1:
        exchange.start_recording(
            None,
            "Conference",
            callback=execution.callback(noun, "recordingStatusCallback", page, "completed"),
            conference_sid=conference.sid,
        )
    star = Listener(keys=True, speech=False) if verb.yes("hangupOnStar") else None
    leg.line.listen(star)
    try:
        reason = await leg.attend(_out(participant.left, star))
    except HungUp:
        conference.leave(leg)
        execution.farewell(verb, page, {"DialCallStatus": "answered"})
        raise
    except TakenOver:
        conference.leave(leg, "participant_updated_via_api")
        raise
    finally:
        leg.line.listen(None)
    conference.leave(leg, reason)
    return {"DialCallStatus": "failed" if reason == "participant_add_failed" else "answered"}


async def _out(left: asyncio.Future[str], star: Listener | None) -> str:
    if star is None:
        return await asyncio.shield(left)
    pressed: asyncio.Future[None] = asyncio.ensure_future(_pressed_star(star))
    waits: set[asyncio.Future[Any]] = {left, pressed}
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        pressed.cancel()
    return left.result() if left.done() else "participant_hung_up"


async def _pressed_star(star: Listener) -> None:
    while await star.inputs.get() != Keys("*"):
        pass
