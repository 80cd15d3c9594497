"""From actions to TwiML: always well-formed, never empty, never longer than the carrier takes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable

from twilio.twiml.voice_response import Dial as DialVerb
from twilio.twiml.voice_response import Gather, VoiceResponse

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

Links = Callable[[str], str]
"""From what an answer is of ("listen", "record", "charge", "queue", "wait", "talk", "dial", "continue", "room", "recording", "hold") to an absolute address."""

MOST_BYTES = 60_000  # the carrier takes 64 kB
_MOST_SAY = 2_900  # the carrier's strictest voice takes 3,000 characters
_MOST_HINTS = 500
_MOST_HINT = 100
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(text: str) -> str:
    """`text` without the characters that XML cannot hold: one of them makes the whole document unreadable."""
    return _ILLEGAL.sub(" ", text)


def write(actions: Iterable[Action], links: Links, audio: Callable[[str], str | None], apology: str) -> str:
    """The TwiML document for `actions`. `audio` gives a recording's address (None: speak its text instead); `apology` is said, before
    hanging up, where there is nothing else to do."""
    document = VoiceResponse()
    for action in actions:
        _write_one(document, action, links, audio)
    if not len(document.verbs):
        document.say(clean(apology))
        document.hangup()
    text = str(document)
    if _ILLEGAL.search(text):  # each text is cleaned where it is written; this is the belt to those braces
        return last_words(apology)
    return text if len(text.encode()) <= MOST_BYTES else last_words(apology)


def last_words(apology: str, number: str | None = None, action: str | None = None) -> str:
    """The document for when nothing else works: an apology, then a person's number where there is one."""
    document = VoiceResponse()
    document.say(clean(apology))
    if number:
        document.dial(number, timeout=30, **({"action": action} if action else {}))
    else:
        document.hangup()
    return str(document)


def ask_keys(text: str, action: str, language: str, *, silence_seconds: int = 6) -> str:
    """Say `text`, take one key (1 or 2), come back to `action` with or without it."""
    document = VoiceResponse()
    gather = Gather(
        input="dtmf", num_digits=1, timeout=silence_seconds, action=action, method="POST", action_on_empty_result=True
    )
    gather.say(clean(text)[:_MOST_SAY], language=language)
    document.append(gather)
    document.redirect(action, method="POST")
    return str(document)


def farewell(text: str, language: str) -> str:
    """Say `text` (may be empty) and hang up."""
    document = VoiceResponse()
    if text:
        document.say(clean(text)[:_MOST_SAY], language=language)
    document.hangup()
    return str(document)


def loop(actions: Iterable[Say | Play | Pause], audio: Callable[[str], str | None]) -> str:
    """Say or play, then ask for the same document again (music while on hold)."""
    document = VoiceResponse()
    for action in actions:
        _spoken(document, action, audio)
    document.redirect(method="POST", url="")
    return str(document)


def empty() -> str:
    """The answer to a callback that steers nothing."""
    return str(VoiceResponse())


def _spoken(into: VoiceResponse | Gather, action: Say | Play | Pause, audio: Callable[[str], str | None]) -> None:
    if isinstance(action, Pause):
        into.pause(length=max(1, action.seconds))
        return
    if isinstance(action, Play):
        address = audio(action.audio)
        if address:
            into.play(clean(address))
            return
        if not action.text:
            into.pause(length=5)
            return
        action = Say(action.text, action.language)
    text = clean(action.text).strip()
    while text:
        cut = len(text) if len(text) <= _MOST_SAY else max(text.rfind(" ", 0, _MOST_SAY), 1)
        into.say(text[:cut], language=action.language)
        text = text[cut:].strip()


def _write_one(document: VoiceResponse, action: Action, links: Links, audio: Callable[[str], str | None]) -> None:
    if isinstance(action, (Say, Play, Pause)):
        _spoken(document, action, audio)
    elif isinstance(action, Listen):
        _listen(document, action, links, audio)
    elif isinstance(action, Record):
        document.record(
            action=links("record"), method="POST", max_length=max(2, action.longest_seconds), timeout=action.silence_seconds,
            finish_on_key=action.finish_key, play_beep=True, recording_status_callback=links("recording"), trim="trim-silence",
        )  # fmt: skip
        document.redirect(links("record"), method="POST")  # a silent recording may not request the action
    elif isinstance(action, Charge):
        document.pay(
            action=links("charge"), payment_method="credit-card", charge_amount=action.amount, currency=action.currency.lower(),
            description=clean(action.description)[:100] or None, max_attempts=3, language=action.language, input="dtmf",
        )  # fmt: skip
        document.redirect(links("charge"), method="POST")
    elif isinstance(action, Wait):
        document.enqueue(
            clean(action.queue)[:64], action=links("queue"), method="POST", wait_url=links("wait"), wait_url_method="POST"
        )
    elif isinstance(action, Join):
        dial = DialVerb(action=links("talk"), method="POST")
        dial.conference(
            clean(action.room), start_conference_on_enter=action.starts, end_conference_on_exit=action.ends, muted=action.muted, beep="false",
            participant_label=clean(action.label)[:128], wait_url=links("hold"), wait_method="POST", status_callback=links("room"),
            status_callback_event="start end join leave hold mute", status_callback_method="POST",
        )  # fmt: skip
        document.append(dial)
    elif isinstance(action, Dial):
        more = {"caller_id": action.caller_id} if action.caller_id else {}
        document.dial(action.number, action=links("dial"), method="POST", timeout=action.ring_seconds, **more)
    elif isinstance(action, Continue):
        document.redirect(links("continue"), method="POST")
    elif isinstance(action, Leave):
        document.leave()
    elif isinstance(action, Hangup):
        document.hangup()
    # Send and PlaceCallback are carried out by the switchboard: they have no place in a document.


def _listen(document: VoiceResponse, action: Listen, links: Links, audio: Callable[[str], str | None]) -> None:
    speech = action.speech and not action.secret
    kinds = [name for name, on in (("dtmf", action.keys or not speech), ("speech", speech)) if on]
    more: dict[str, object] = {}
    if "dtmf" in kinds:
        more["finish_on_key"] = action.finish_key
        if action.digits:
            more["num_digits"] = action.digits
    if speech:
        more |= {"language": action.language, "speech_timeout": "auto", "profanity_filter": False}
        hints = [h for h in (clean(hint).replace(",", " ").strip()[:_MOST_HINT] for hint in action.hints[:_MOST_HINTS]) if h]
        if hints:
            more["hints"] = ", ".join(hints)
    gather = Gather(
        input=" ".join(kinds), action=links("listen"), method="POST", timeout=max(1, math.ceil(action.silence_seconds)),
        action_on_empty_result=True, barge_in=action.barge_in, **more,
    )  # fmt: skip
    for prompt in action.prompts:
        _spoken(gather, prompt, audio)
    document.append(gather)
    # Carriers that do not ask back after silence fall through to here: silence is always heard of.
    document.redirect(links("listen"), method="POST")
