"""<Dial><Conference>: join a room until it ends, the leg leaves or is taken out."""

from __future__ import annotations

import asyncio
from typing import Any

from ivr.carriers.local.conferences import Conference, Joining
from ivr.carriers.local.execution import Execution, Page, steer
from ivr.carriers.local.legs import Callback, HungUp, Leg, Request, Status, TakenOver
from ivr.carriers.local.line import Listener
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
    """Take part as the noun says; returns the action's fields (DialCallStatus answered, no DialCallSid, no duration)."""
    recording = None
    if noun.get("record") == "record-from-start":
        recording = execution.callback(noun, "recordingStatusCallback", page, "completed")
    return await take_part(execution, noun.text, read_joining(execution, noun, page), verb, page, recording)


def refusal(conference: Conference, joining: Joining) -> tuple[int, str] | None:
    """Why a leg cannot join, with the debugger's code; None where it can."""
    if joining.label and any(p.joining.label == joining.label for p in conference.participants.values()):
        return 16025, f"participant label {joining.label!r} is taken in this conference"
    if joining.coach_sid and joining.coach_sid not in conference.participants:
        return 13240, f"{joining.coach_sid} is not in this conference and cannot be coached"
    if len(conference.participants) >= joining.most:
        return 13232, f"the conference is full: {joining.most} participants"
    return None


async def take_part(
    execution: Execution, room: str, joining: Joining, verb: Verb, page: Page, record: Callback | None = None
) -> dict[str, str]:
    """Be in a room until it ends, the leg leaves or is taken out."""
    leg, exchange = execution.leg, execution.exchange
    conference = exchange.room(room)
    assert conference is not None
    if why_not := refusal(conference, joining):
        leg.complain(*why_not, url=page.address)
        return {"DialCallStatus": "failed"}
    participant = conference.join(leg, joining)
    if record is not None and len(conference.participants) == 1:
        exchange.start_recording(None, "Conference", callback=record, conference_sid=conference.sid)
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


async def ring_into_room(leg: Leg, room: str, joining: Joining, ring_seconds: int) -> None:
    """A leg dialled by the participants' API: ring, join, and end with the room unless another document takes over."""
    leg.ring()
    if not await leg.picked_up(ring_seconds):
        return
    leg.steered = True
    try:
        await take_part(Execution(leg), room, joining, Verb("Dial"), Page(()))
    except TakenOver as taken:
        leg.resume()
        await steer(leg, taken.request)
    except HungUp:
        return
    leg.end(Status.COMPLETED, "service")


async def _out(left: asyncio.Future[str], star: Listener | None) -> str:
    if star is None:
        return await asyncio.shield(left)
    pressed: asyncio.Future[None] = asyncio.ensure_future(star.star())
    waits: set[asyncio.Future[Any]] = {left, pressed}
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        pressed.cancel()
    return left.result() if left.done() else "participant_hung_up"
