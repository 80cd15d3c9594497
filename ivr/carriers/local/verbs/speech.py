"""<Say>, <Play>, <Pause>: what a caller hears."""

from __future__ import annotations

import io
import wave
from urllib.parse import unquote, urlsplit

from ivr.carriers.local.execution import Execution, Page, performs
from ivr.carriers.local.line import Kind
from ivr.carriers.local.twiml import Verb
from ivr.carriers.local.webhook import FetchFailed

UNKNOWN_LENGTH_SECONDS = 4.0  # of a recording whose length cannot be read (MP3 …)
KEY_TONE_SECONDS = 0.2


@performs("Say")
async def say(execution: Execution, verb: Verb, page: Page) -> Page | None:
    """Speak, `loop` times; 0 is for ever."""
    times = int(verb.get("loop", "1"))
    while verb.text and not _stopped(execution):
        await execution.speak(verb.text)
        times -= 1
        if times == 0:
            break
    return None


@performs("Play")
async def play(execution: Execution, verb: Verb, page: Page) -> Page | None:
    """Play a recording or key tones. A recording that cannot be fetched is a warning, and silence."""
    if digits := verb.get("digits"):
        await execution.sound(Kind.TONE, f"keys {digits}", KEY_TONE_SECONDS * len(digits))
    if not verb.text:
        return None
    if verb.text.startswith("("):  # the answer itself was the recording
        await execution.sound(Kind.PLAY, page.address, UNKNOWN_LENGTH_SECONDS)
        return None
    address = execution.resolve(verb.text, page)
    seconds = await _length_seconds(execution, address)
    times = int(verb.get("loop", "1"))
    while seconds and not _stopped(execution):
        await execution.sound(Kind.PLAY, unquote(urlsplit(address).path.rsplit("/", 1)[-1]) or address, seconds)
        times -= 1
        if times == 0:
            break
    return None


@performs("Pause")
async def pause(execution: Execution, verb: Verb, page: Page) -> Page | None:
    """Silence on purpose."""
    await execution.sound(Kind.PAUSE, "", verb.seconds("length", 1))
    return None


def _stopped(execution: Execution) -> bool:
    return execution.stop is not None and execution.stop.is_set()


async def _length_seconds(execution: Execution, address: str) -> float:
    """Fetch a recording (once per address) and tell its length; 0 where it cannot be played."""
    known = execution.exchange.recording_lengths
    if address not in known:
        try:
            answer = await execution.leg.attend(execution.exchange.webhooks.send(address, "GET", {}))
        except FetchFailed as failure:
            execution.leg.complain(failure.code, str(failure), url=address)
            return 0.0
        if not answer.content_type.startswith(("audio/", "application/octet-stream")):
            execution.leg.complain(13420, f"<Play>: {answer.content_type or 'no type'} is not audio", url=address)
            return 0.0
        known[address] = _wave_seconds(answer.body)
    return known[address]


def _wave_seconds(body: bytes) -> float:
    try:
        with wave.open(io.BytesIO(body)) as recording:
            return float(max(0.1, recording.getnframes() / recording.getframerate()))
    except (wave.Error, EOFError, ZeroDivisionError):
        return UNKNOWN_LENGTH_SECONDS
