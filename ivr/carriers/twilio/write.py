"""From actions to TwiML: always well-formed, never empty, never longer than the carrier takes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

from ivr.actions import (
    Action,
    Charge,
    Continue,
    Dial,
    Hangup,
    Join,
    Leave,
    Listen,
    Pause,
    Play,
    Record,
    Say,
    Wait,
)
from ivr.carriers.twilio.markup import Value, clean, document, element, said, words, written

Links = Callable[[str], str]
"""From what an answer is of ("listen", "record", "charge", "queue", "wait", "talk", "dial", "continue", "room", "recording", "hold") to an absolute address."""

MOST_BYTES = 60_000  # the carrier takes 64 kB
_MOST_SAY = 2_900  # the carrier's strictest voice takes 3,000 characters
_MOST_HINTS = 500
_MOST_HINT = 100


def write(actions: Iterable[Action], links: Links, audio: Callable[[str], str | None], apology: str) -> str:
    """The TwiML document for `actions`. `audio` gives a recording's address (None: speak its text instead); `apology` is said, before
    hanging up, where there is nothing else to do."""
    verbs = [verb for action in actions for verb in _verbs(action, links, audio)]
    if not verbs:
        return last_words(apology)
    text = document(*verbs)
    return text if len(text) <= MOST_BYTES // 4 or len(text.encode()) <= MOST_BYTES else last_words(apology)


def last_words(apology: str, number: str | None = None, action: str | None = None) -> str:
    """The document for when nothing else works: an apology, then a person's number where there is one."""
    if not number:
        return document(_say(apology), element("Hangup"))
    return document(_say(apology), element("Dial", words(number), timeout=30, action=action))


def ask_keys(text: str, action: str, language: str, *, silence_seconds: int = 6) -> str:
    """Say `text`, take one key (1 or 2), come back to `action` with or without it."""
    gather = element(
        "Gather", _say(text[:_MOST_SAY], language),
        input="dtmf", numDigits=1, timeout=silence_seconds, action=action, method="POST", actionOnEmptyResult=True,
    )  # fmt: skip
    return document(gather, _redirect(action))


def farewell(text: str, language: str) -> str:
    """Say `text` (may be empty) and hang up."""
    return document(*([_say(text[:_MOST_SAY], language)] if text else []), element("Hangup"))


def loop(actions: Iterable[Say | Play | Pause], audio: Callable[[str], str | None]) -> str:
    """Say or play, then ask for the same document again (music while on hold)."""
    return document(*(verb for action in actions for verb in _spoken(action, audio)), _redirect(""))


def empty() -> str:
    """The answer to a callback that steers nothing."""
    return document()


@lru_cache(maxsize=4096)
def _say(text: str, language: str | None = None) -> str:
    """One sentence. Most are said again and again: the questions and choices of the flows."""
    return element("Say", words(text), language=language)


def _redirect(address: str) -> str:
    return element("Redirect", words(address), method="POST")


def _spoken(action: Say | Play | Pause, audio: Callable[[str], str | None]) -> Iterator[str]:
    if isinstance(action, Pause):
        yield element("Pause", length=max(1, action.seconds))
        return
    if isinstance(action, Play):
        address = audio(action.audio)
        if address:
            yield element("Play", words(address))
            return
        if not action.text:
            yield element("Pause", length=5)
            return
        action = Say(action.text, action.language)
    text = clean(action.text).strip()
    while text:
        cut = len(text) if len(text) <= _MOST_SAY else max(text.rfind(" ", 0, _MOST_SAY), 1)
        yield _say(text[:cut], action.language)
        text = text[cut:].strip()


def _verbs(action: Action, links: Links, audio: Callable[[str], str | None]) -> Iterator[str]:
    if isinstance(action, (Say, Play, Pause)):
        yield from _spoken(action, audio)
    elif isinstance(action, Listen):
        yield from _listen(action, links, audio)
    elif isinstance(action, Record):
        yield element(
            "Record", action=links("record"), method="POST", maxLength=max(2, action.longest_seconds), timeout=action.silence_seconds,
            finishOnKey=action.finish_key, playBeep=True, recordingStatusCallback=links("recording"), trim="trim-silence",
        )  # fmt: skip
        yield _redirect(links("record"))  # a silent recording may not request the action
    elif isinstance(action, Charge):
        yield element(
            "Pay", action=links("charge"), paymentMethod="credit-card", chargeAmount=action.amount, currency=action.currency.lower(),
            description=action.description[:100] or None, maxAttempts=3, language=action.language, input="dtmf",
        )  # fmt: skip
        yield _redirect(links("charge"))
    elif isinstance(action, Wait):
        yield element(
            "Enqueue", words(action.queue[:64]), action=links("queue"), method="POST", waitUrl=links("wait"), waitUrlMethod="POST"
        )
    elif isinstance(action, Join):
        conference = element(
            "Conference", words(action.room), startConferenceOnEnter=action.starts, endConferenceOnExit=action.ends, muted=action.muted,
            beep="false", participantLabel=action.label[:128], waitUrl=links("hold"), waitMethod="POST", statusCallback=links("room"),
            statusCallbackEvent="start end join leave hold mute", statusCallbackMethod="POST",
        )  # fmt: skip
        yield element("Dial", conference, action=links("talk"), method="POST")
    elif isinstance(action, Dial):
        yield element(
            "Dial", words(action.number), action=links("dial"), method="POST", timeout=action.ring_seconds, callerId=action.caller_id or None
        )  # fmt: skip
    elif isinstance(action, Continue):
        yield _redirect(links("continue"))
    elif isinstance(action, Leave):
        yield element("Leave")
    elif isinstance(action, Hangup):
        yield element("Hangup")
    # Send, PlaceCallback and ChangeCallback are carried out by the switchboard: they have no place in a document.


def _hints(hints: tuple[str, ...]) -> str | None:
    """Words worth recognising, within the carrier's limits."""
    written = (clean(hint).replace(",", " ").strip()[:_MOST_HINT] for hint in hints[:_MOST_HINTS])
    return ", ".join(hint for hint in written if hint) or None


@lru_cache(maxsize=1024)
def _ears(
    keys: bool,
    speech: bool,
    digits: int,
    finish_key: str,
    silence_seconds: float,
    hints: tuple[str, ...],
    language: str,
    barge_in: bool,
) -> str:
    """The attributes of a question but for where its answer goes. A menu has the same ones for all callers."""
    kinds = [name for name, on in (("dtmf", keys or not speech), ("speech", speech)) if on]
    more: dict[str, Value] = {}
    if "dtmf" in kinds:
        more["finishOnKey"] = finish_key
        if digits:
            more["numDigits"] = digits
    if speech:
        more |= {"language": language, "speechTimeout": "auto", "profanityFilter": False}
        more["hints"] = _hints(hints)
    return said(
        actionOnEmptyResult=True, bargeIn=barge_in, input=" ".join(kinds), method="POST",
        timeout=max(1, math.ceil(silence_seconds)), **more,
    )  # fmt: skip


def _listen(action: Listen, links: Links, audio: Callable[[str], str | None]) -> Iterator[str]:
    answer = links("listen")
    ears = _ears(
        action.keys, action.speech and not action.secret, action.digits, action.finish_key, action.silence_seconds, action.hints,
        action.language, action.barge_in,
    )  # fmt: skip
    spoken = (verb for prompt in action.prompts for verb in _spoken(prompt, audio))
    yield written("Gather", said(action=answer) + ears, *spoken)
    # Carriers that do not ask back after silence fall through to here: silence is always heard of.
    yield _redirect(answer)
