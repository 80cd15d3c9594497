"""<Record>: take a message after the beep."""

from __future__ import annotations

import asyncio

from ivr.carriers.local.execution import DocumentFailed, Execution, Page, performs
from ivr.carriers.local.legs import HungUp, Request
from ivr.carriers.local.line import Keys, Kind, Listener, Speech
from ivr.carriers.local.recordings import Recording
from ivr.carriers.local.twiml import Verb

BEEP_SECONDS = 0.5
ALL_KEYS = "0123456789*#"


@performs("Record")
async def record(execution: Execution, verb: Verb, page: Page) -> Page | None:
    """Record until a key, silence, the longest time or the hang-up; then the action (default: this document again)."""
    leg, exchange = execution.leg, execution.exchange
    if not verb.get("action") and not page.address:
        raise DocumentFailed(11100, "<Record> without an action in a document that has no address")
    if verb.yes("playBeep", True):
        await execution.sound(Kind.TONE, "beep", BEEP_SECONDS)
    recording = exchange.start_recording(
        leg, "RecordVerb", callback=execution.callback(verb, "recordingStatusCallback", page, "completed")
    )
    listener = Listener(keys=True, speech=True)
    leg.line.listen(listener)
    entry = leg.line.note(Kind.RECORDING, "message", lasting=True)
    try:
        ended_by = await _take(execution, verb, listener, recording)
    except HungUp:
        recording.end(absent=not recording.text)
        execution.farewell(verb, page, _result(recording, "hangup"), default_here=True)
        raise
    finally:
        leg.line.listen(None)
        leg.line.close(entry)
        recording.end()
    if not recording.text and not exchange.switches.silent_record_action:
        return None
    link = verb.get("action") or page.address
    return await execution.fetch(Request(execution.resolve(link, page), verb.get("method", "POST"), _result(recording, ended_by)))


def _result(recording: Recording, ended_by: str) -> dict[str, str]:
    return {
        "RecordingSid": recording.sid,
        "RecordingUrl": recording.url,
        "RecordingDuration": str(round(recording.seconds)),
        **({"Digits": ended_by} if ended_by else {}),
    }


async def _take(execution: Execution, verb: Verb, listener: Listener, recording: Recording) -> str:
    """Returns the key that ended it, or ""."""
    pace = execution.exchange.pace
    clock = execution.exchange.loop.time
    deadline = clock() + pace.real_seconds(verb.seconds("maxLength", 3600))
    silence_seconds = verb.seconds("timeout", 5)
    while (left := deadline - clock()) > 0:
        limit = min(left, pace.real_seconds(silence_seconds)) if silence_seconds else left
        try:
            async with asyncio.timeout(limit):
                await execution.leg.attend(listener.arrival())
        except TimeoutError:
            if listener.speaking or listener.waiting():
                continue
            return ""
        given = listener.take()
        if isinstance(given, Speech):
            recording.text = f"{recording.text} {given.text}".strip()
        elif isinstance(given, Keys) and given.key in verb.get("finishOnKey", ALL_KEYS):
            return given.key
        elif given is None:
            return ""
    return ""
