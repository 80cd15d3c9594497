"""What TwiML allows: verbs, their attributes and values, what may stand in what, and the error code each breach gets."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ivr.carriers.local.debugger import Severity

Breach = tuple[int, str, Severity]
Children = list[tuple[str, str]]  # (name, text) of each child


@dataclass(frozen=True)
class Check:
    """One attribute: `problem(value)` says what is wrong, or ""; `code` is what the debugger shows."""

    problem: Callable[[str], str]
    code: int = 12200


@dataclass(frozen=True)
class VerbRule:
    """One element. `children` maps an allowed child to its rule; `together` checks attributes and children with each other."""

    attributes: dict[str, Check] = field(default_factory=dict)
    children: dict[str, VerbRule] = field(default_factory=dict)
    nesting_code: int = 12200
    holds_speech: bool = False
    together: Callable[[dict[str, str], Children], list[Breach]] | None = None


def anything(code: int = 12200) -> Check:
    """Any text."""
    return Check(lambda value: "", code)


def whole(least: int, most: int, code: int = 12200, *also: str) -> Check:
    """A whole number within limits, or one of the words in `also`."""

    def problem(value: str) -> str:
        if value in also or (re.fullmatch(r"\d{1,9}", value) and least <= int(value) <= most):
            return ""
        return f"expected a whole number from {least} to {most}" + (f" or {', '.join(also)}" if also else "")

    return Check(problem, code)


def one_of(*words: str, code: int = 12200) -> Check:
    """One of a closed set."""
    return Check(lambda value: "" if value in words else f"expected one of {', '.join(words)}", code)


def some_of(*words: str, code: int = 12200) -> Check:
    """Words of a closed set, separated by spaces."""
    return Check(
        lambda value: "" if value.split() and set(value.split()) <= set(words) else f"expected words of {', '.join(words)}", code
    )


def longest(characters: int, code: int = 12200) -> Check:
    """A text no longer than this."""
    return Check(lambda value: "" if len(value) <= characters else f"longer than {characters} characters", code)


def keys(code: int, most: int = 1, empty: bool = True) -> Check:
    """Telephone keys: 0-9, * and #."""
    return Check(
        lambda value: (
            "" if re.fullmatch(r"[0-9#*]*", value) and len(value) <= most and (empty or value) else "expected keys 0-9, * or #"
        ),
        code,
    )


def _address_problem(value: str) -> str:
    try:
        parts = urlsplit(value)
    except ValueError:
        return "not an address"
    if parts.scheme and parts.scheme not in ("http", "https"):
        return f"scheme {parts.scheme} is not http or https"
    if "_" in (parts.hostname or ""):
        return "hosts with an underscore are refused"
    return "spaces in an address" if " " in value.strip() else ""


ADDRESS = Check(_address_problem, 11100)
FLAG = Check(lambda value: "" if value.lower() in ("true", "false") else "expected true or false")
METHOD = one_of("GET", "POST")
CALL_EVENTS = some_of("initiated", "ringing", "answered", "completed")
CONFERENCE_EVENTS = some_of("start", "end", "join", "leave", "mute", "hold", "modify", "speaker", "announcement")
RECORDING_EVENTS = some_of("in-progress", "completed", "absent")
DIAL_RECORD = one_of(
    "do-not-record",
    "record-from-answer",
    "record-from-ringing",
    "record-from-answer-dual",
    "record-from-ringing-dual",
    "true",
    "false",
)
LANGUAGE = Check(
    lambda value: (
        "" if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*|multi", value) else "expected a language tag such as en-GB"
    ),
    13331,
)
SPEECH_MODEL = Check(
    lambda value: (
        ""
        if value in ("default", "numbers_and_commands", "phone_call", "experimental_conversations", "experimental_utterances")
        or re.fullmatch(r"googlev2_(long|short|telephony|telephony_short)|deepgram_nova-[23][a-z-]*", value)
        else "unknown speech model"
    ),
    13334,
)
SSML = frozenset({"break", "emphasis", "lang", "p", "phoneme", "prosody", "s", "say-as", "sub", "w"})


def _hints_problem(value: str) -> str:
    hints = value.split(",")
    if len(hints) > 500:
        return f"{len(hints)} hints; 500 are allowed"
    return "a hint is longer than 100 characters" if any(len(hint.strip()) > 100 for hint in hints) else ""


def _callback(prefix: str, events: Check) -> dict[str, Check]:
    return {prefix: ADDRESS, f"{prefix}Method": METHOD, f"{prefix}Event": events}


def _gather_together(attributes: dict[str, str], children: Children) -> list[Breach]:
    if attributes.get("speechTimeout") == "auto" and attributes.get("speechModel", "default") != "default":
        return [(13335, "speechTimeout auto cannot be used with a speechModel", Severity.WARNING)]
    return []


def _dial_together(attributes: dict[str, str], children: Children) -> list[Breach]:
    names = [name for name, _ in children]
    alone = {"Conference", "Queue", "Application"} & set(names)
    if alone and len(names) > 1:
        return [(13000, f"<{sorted(alone)[0]}> must be the only noun of a <Dial>", Severity.ERROR)]
    if len(names) > 10:
        return [(13250, f"{len(names)} nouns; 10 may be dialled at once", Severity.ERROR)]
    return []


SPOKEN: dict[str, VerbRule] = {
    "Say": VerbRule(
        {"voice": longest(100, 13511), "language": LANGUAGE, "loop": whole(0, 1000, 13510)}, holds_speech=True, nesting_code=13510
    ),
    "Play": VerbRule(
        {
            "loop": whole(0, 1000, 13410),
            "digits": Check(lambda v: "" if re.fullmatch(r"[0-9A-DwW#*]+", v) else "expected 0-9 A-D w W # *", 13430),
        }
    ),
    "Pause": VerbRule({"length": whole(0, 3600, 13910)}),
}

_PARAMETER = VerbRule({"name": anything(), "value": anything()})
_LEG = {
    "url": ADDRESS,
    "method": METHOD,
    **_callback("statusCallback", CALL_EVENTS),
    "byoc": anything(),
    "machineDetection": one_of("Enable", "DetectMessageEnd"),
    "amdStatusCallback": ADDRESS,
    "amdStatusCallbackMethod": METHOD,
    "machineDetectionTimeout": whole(3, 60),
    "machineDetectionSpeechThreshold": whole(1000, 6000),
    "machineDetectionSpeechEndThreshold": whole(500, 5000),
    "machineDetectionSilenceTimeout": whole(2000, 10000),
}
_CONFERENCE = VerbRule(
    {
        "muted": FLAG,
        "beep": one_of("true", "false", "onEnter", "onExit", code=13233),
        "startConferenceOnEnter": FLAG,
        "endConferenceOnExit": FLAG,
        "waitUrl": ADDRESS,
        "waitMethod": METHOD,
        "maxParticipants": whole(2, 250, 13232),
        "participantLabel": longest(128),
        "coach": Check(lambda value: "" if re.fullmatch(r"CA[0-9a-f]{32}", value) else "expected a CallSid", 13240),
        "record": one_of("do-not-record", "record-from-start"),
        "trim": one_of("trim-silence", "do-not-trim"),
        "region": anything(),
        "jitterBufferSize": one_of("small", "medium", "large", "off"),
        **_callback("statusCallback", CONFERENCE_EVENTS),
        **_callback("recordingStatusCallback", RECORDING_EVENTS),
        "eventCallbackUrl": ADDRESS,
    }
)
_GATHER = VerbRule(
    {
        "input": some_of("dtmf", "speech", code=13326),
        "action": ADDRESS,
        "method": Check(METHOD.problem, 13312),
        "timeout": whole(1, 3600, 13313, "0"),
        "speechTimeout": whole(0, 60, 13327, "auto"),
        "maxSpeechTime": whole(1, 60),
        "profanityFilter": FLAG,
        "finishOnKey": keys(13310),
        "numDigits": whole(1, 100, 13314),
        "partialResultCallback": ADDRESS,
        "partialResultCallbackMethod": METHOD,
        "language": LANGUAGE,
        "hints": Check(_hints_problem, 13330),
        "bargeIn": FLAG,
        "debug": FLAG,
        "actionOnEmptyResult": Check(FLAG.problem, 13338),
        "speechModel": SPEECH_MODEL,
        "enhanced": FLAG,
    },
    SPOKEN,
    nesting_code=13320,
    together=_gather_together,
)
_DIAL = VerbRule(
    {
        "action": ADDRESS,
        "method": METHOD,
        "timeout": whole(5, 600, 13212),
        "hangupOnStar": FLAG,
        "timeLimit": whole(1, 86400, 13213),
        "callerId": longest(100, 13214),
        "record": DIAL_RECORD,
        "trim": one_of("trim-silence", "do-not-trim"),
        **_callback("recordingStatusCallback", RECORDING_EVENTS),
        "recordingTrack": one_of("both", "inbound", "outbound"),
        "answerOnBridge": FLAG,
        "ringTone": longest(20),
        "sequential": FLAG,
        "callReason": longest(50),
        "referUrl": ADDRESS,
        "referMethod": METHOD,
        "events": anything(),
    },
    {
        "Number": VerbRule(
            {**_LEG, "sendDigits": Check(lambda v: "" if re.fullmatch(r"[0-9wW#*]*", v) else "expected 0-9 w # *")}
        ),
        "Client": VerbRule(_LEG, {"Identity": VerbRule(), "Parameter": _PARAMETER}),
        "Sip": VerbRule({**_LEG, "username": anything(), "password": anything()}),
        "Conference": _CONFERENCE,
        "Queue": VerbRule({"url": ADDRESS, "method": METHOD, "reservationSid": anything(), "postWorkActivitySid": anything()}),
        "Application": VerbRule(_LEG, {"ApplicationSid": VerbRule(), "Parameter": _PARAMETER}),
        "Sim": VerbRule(_LEG),
    },
    nesting_code=13210,
    together=_dial_together,
)
_PAY = VerbRule(
    {
        "input": one_of("dtmf"),
        "action": ADDRESS,
        "bankAccountType": anything(),
        "statusCallback": ADDRESS,
        "statusCallbackMethod": METHOD,
        "timeout": whole(1, 600),
        "maxAttempts": whole(1, 3),
        "securityCode": FLAG,
        "postalCode": anything(),
        "minPostalCodeLength": whole(1, 20),
        "paymentConnector": longest(64),
        "paymentMethod": one_of("credit-card", "ach-debit"),
        "tokenType": one_of("one-time", "reusable", "payment-method"),
        "chargeAmount": Check(lambda v: "" if re.fullmatch(r"\d{1,7}(\.\d{1,2})?", v) and float(v) <= 1_000_000 else "expected an amount up to 1000000"),
        "currency": Check(lambda v: "" if re.fullmatch(r"[A-Za-z]{3}", v) else "expected three letters"),
        "description": anything(),
        "validCardTypes": some_of("visa", "mastercard", "amex", "maestro", "discover", "optima", "jcb", "diners-club", "enroute"),
        "language": LANGUAGE,
        "requireMatchingInputs": anything(),
        "confirmation": anything(),
    },
    {
        "Prompt": VerbRule(
            {
                "for": one_of(
                    "payment-card-number", "expiration-date", "security-code", "postal-code", "payment-processing", "bank-routing-number",
                    "bank-account-number", "payment-completed", "payment-failed", "payment-canceled",
                ),
                "errorType": anything(),
                "cardType": anything(),
                "attempt": anything(),
                "requireMatchingInputs": FLAG,
            },
            SPOKEN,
        ),
        "Parameter": _PARAMETER,
    },
)  # fmt: skip

VERBS: dict[str, VerbRule] = {
    **SPOKEN,
    "Gather": _GATHER,
    "Dial": _DIAL,
    "Pay": _PAY,
    "Enqueue": VerbRule(
        {
            "action": ADDRESS,
            "method": METHOD,
            "maxQueueSize": whole(1, 5000, 14203),
            "waitUrl": ADDRESS,
            "waitUrlMethod": METHOD,
            "workflowSid": anything(),
        },
        {"Task": VerbRule({"priority": whole(0, 2**31 - 1), "timeout": whole(1, 86400 * 14)})},
    ),
    "Leave": VerbRule(),
    "Record": VerbRule(
        {
            "action": ADDRESS,
            "method": METHOD,
            "timeout": whole(0, 600, 13612),
            "finishOnKey": keys(13613, 12),
            "maxLength": whole(2, 86400, 13614),
            "playBeep": FLAG,
            "trim": one_of("trim-silence", "do-not-trim"),
            **_callback("recordingStatusCallback", RECORDING_EVENTS),
            "transcribe": FLAG,
            "transcribeCallback": ADDRESS,
        }
    ),
    "Redirect": VerbRule({"method": METHOD}),
    "Hangup": VerbRule(children={"Parameter": _PARAMETER}),
    "Reject": VerbRule({"reason": one_of("rejected", "busy", code=13810)}, {"Parameter": _PARAMETER}),
    "Start": VerbRule(
        children={
            "Recording": VerbRule(
                {
                    "name": anything(),
                    "channels": one_of("mono", "dual"),
                    "trim": one_of("trim-silence", "do-not-trim"),
                    "track": one_of("both", "inbound", "outbound"),
                    **_callback("recordingStatusCallback", RECORDING_EVENTS),
                }
            )
        }
    ),
}


def check_text(name: str, text: str, attributes: dict[str, str]) -> Iterable[Breach]:
    """What is wrong with the text inside an element."""
    if name == "Say":
        voice = attributes.get("voice", "")
        most = 3000 if voice.startswith("Polly.") else 5000 if voice.startswith("Google.") else 4096
        if not text:
            yield 13520, "<Say> without text", Severity.WARNING
        elif len(text) > most:
            yield 13521, f"<Say> of {len(text)} characters; {most} are allowed", Severity.WARNING
    elif name == "Play" and not text and "digits" not in attributes:
        yield 13410, "<Play> without an address", Severity.WARNING
    elif name in ("Redirect", "Play") and text and (problem := _address_problem(text)):
        yield 11100, f"<{name}>: {problem}", Severity.ERROR if name == "Redirect" else Severity.WARNING
    elif name == "Enqueue":
        if not text and "workflowSid" not in attributes:
            yield 14205, "<Enqueue> without a queue name", Severity.ERROR
        elif len(text) > 64:
            yield 14205, f"queue name of {len(text)} characters; 64 are allowed", Severity.ERROR
    elif name == "Conference" and not text:
        yield 13230, "<Conference> without a room name", Severity.ERROR
    elif name == "Number" and not re.fullmatch(r"\+?[0-9 ().-]{3,30}", text):
        yield 13223, f"<Number> {text[:40]!r} is not a telephone number", Severity.WARNING
    elif name == "Sip" and not re.match(r"sips?:[^@\s]+@[^@\s]+", text):
        yield 13241, f"<Sip> {text[:40]!r} is not a SIP address", Severity.WARNING
