"""<Gather>: keys or speech, whichever begins first, while prompts play and after them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from ivr.carriers.local.execution import PERFORMERS, DocumentFailed, Execution, Page, performs
from ivr.carriers.local.legs import Request
from ivr.carriers.local.line import Keys, Kind, Listener, Speech
from ivr.carriers.local.twiml import Verb

AUTO_PAUSE_SECONDS = 0.8  # speechTimeout="auto" ends at the first pause
PATIENT_SECONDS = 600.0  # wall-clock: how long a typing person is waited for


@dataclass(frozen=True)
class Heard:
    """What the caller gave. Neither digits nor speech: silence."""

    digits: str = ""
    finished_by: str = ""
    speech: Speech | None = None


@performs("Gather")
async def gather(execution: Execution, verb: Verb, page: Page) -> Page | None:
    """Prompt, listen, and request the action with what was given; silence goes on with the next verb."""
    leg, line = execution.leg, execution.leg.line
    kinds = verb.get("input", "dtmf").split()
    listener = Listener(keys="dtmf" in kinds, speech="speech" in kinds)
    barge_in = verb.yes("bargeIn", True)
    if barge_in:
        line.listen(listener)
    prompts = Execution(leg, extra=execution.extra, stop=listener.started if barge_in else None)
    try:
        for prompt in verb.children:
            if not listener.started.is_set():
                await PERFORMERS[prompt.name](prompts, prompt, page)
        line.listen(listener)
        heard = await _listen(execution, verb, listener)
    finally:
        line.listen(None)
    return await _result(execution, verb, page, heard)


async def _listen(execution: Execution, verb: Verb, listener: Listener) -> Heard:
    """Wait for input after the prompts."""
    leg = execution.leg
    timeout_seconds = verb.seconds("timeout", 5)
    entry = leg.line.note(Kind.LISTENING, " ".join(sorted(verb.get("input", "dtmf").split())), lasting=True)
    try:
        given = await next_input(execution, listener, timeout_seconds)
        if isinstance(given, Speech):
            wanted = verb.get("speechTimeout", str(timeout_seconds))
            await leg.rest(AUTO_PAUSE_SECONDS if wanted == "auto" or leg.line.patient else float(wanted))
            while listener.waiting():  # said within the pause: part of the same utterance
                more = listener.take()
                if isinstance(more, Speech):
                    given = replace(given, text=f"{given.text} {more.text}")
            return Heard(speech=given)
        finish_key = verb.get("finishOnKey", "#")
        most = int(verb.get("numDigits", "0"))
        digits = ""
        while isinstance(given, Keys):
            if finish_key and given.key in finish_key:
                return Heard(digits, given.key) if digits else Heard()
            digits += given.key
            if most and len(digits) >= most:
                break
            given = await next_input(execution, listener, timeout_seconds, typed=True)
        return Heard(digits)
    finally:
        leg.line.close(entry)


async def next_input(execution: Execution, listener: Listener, seconds: float, *, typed: bool = False) -> Keys | Speech | None:
    """The next key or utterance; None after so many seconds of silence. Speech that has begun is always heard out."""
    leg = execution.leg
    # Only in the call's own documents: a wait document goes on by itself, whoever listens to it.
    patient = leg.line.patient and execution.allowed is None and not typed
    limit = PATIENT_SECONDS if patient else execution.exchange.pace.real_seconds(seconds)
    try:
        async with asyncio.timeout(limit):
            await leg.attend(listener.arrival())
    except TimeoutError:
        if not listener.speaking and not listener.waiting():
            return None
        await leg.attend(listener.arrival())
    return listener.take()


async def _result(execution: Execution, verb: Verb, page: Page, heard: Heard) -> Page | None:
    leg, exchange = execution.leg, execution.exchange
    fields: dict[str, str]
    if heard.speech is not None:
        text, sureness = exchange.recognition.hear(heard.speech.text, heard.speech.sureness, exchange.chance)
        fields = {"SpeechResult": text, "Language": verb.get("language", "en-US")}
        if sureness is not None:
            fields["Confidence"] = str(sureness)
        if partial := verb.get("partialResultCallback"):
            halves = {"UnstableSpeechResult": text[: len(text) // 2], "StableSpeechResult": "", "SequenceNumber": "0"}
            exchange.notify(
                execution.resolve(partial, page), verb.get("partialResultCallbackMethod", "POST"), leg.fields(**halves), leg.sid
            )
    elif heard.digits:
        fields = {"Digits": heard.digits, "FinishedOnKey": heard.finished_by, "msg": "Gather End"}
    else:
        leg.line.note(Kind.NO_INPUT)
        if not verb.yes("actionOnEmptyResult"):
            return None
        kinds = verb.get("input", "dtmf").split()
        fields = (
            {"Digits": "", "FinishedOnKey": "", "msg": "Gather End"}
            if "dtmf" in kinds and exchange.switches.empty_gather_fields
            else {}
        )
        if "speech" in kinds and exchange.switches.empty_gather_fields:
            fields["SpeechResult"] = ""
    link = verb.get("action") or page.address
    if not link:
        raise DocumentFailed(11100, "<Gather> without an action in a document that has no address")
    return await execution.fetch(Request(execution.resolve(link, page), verb.get("method", "POST"), fields))
