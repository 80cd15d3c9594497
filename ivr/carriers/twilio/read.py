"""From a webhook's form to an event. Unknown fields are ignored; known ones must have their form, whatever the signature says:
a signature has no separators, so a signed `Digits=1` also validates under another split of names and values."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from ivr.call import (
    Arrived,
    CallEvent,
    Charged,
    Continued,
    Keyed,
    Recorded,
    Silent,
    Spoke,
    Transferred,
    WaitAsked,
    WaitEnded,
)
from ivr.numbers import caller_of

CALL_SID = re.compile(r"^CA[0-9a-f]{32}\Z")
_DIGITS = re.compile(r"^[0-9*#A-Da-dwW]{0,64}\Z")
_MOST_SPEECH = 10_000


class Malformed(ValueError):
    """A webhook's field is not of its form; `str(error)` names it."""


@dataclass(frozen=True)
class LegStatus:
    """A status callback of a call or an agent's leg. `status`: queued, initiated, ringing, in-progress, completed, busy, no-answer, failed, canceled."""

    call_id: str
    status: str
    seconds: float | None
    sequence: int
    happening: str  # equal for repeated deliveries of the same happening
    over: bool
    at: datetime | None = None  # when it happened, to the second, where the carrier says so


@dataclass(frozen=True)
class RoomNews:
    """A conference callback. `what`: start, end, join, leave, hold, unhold, mute, unmute, other."""

    room: str
    what: str
    leg_id: str | None
    label: str | None
    happening: str


_ROOM_WORDS = {
    "conference-start": "start",
    "conference-end": "end",
    "participant-join": "join",
    "participant-leave": "leave",
    "participant-hold": "hold",
    "participant-unhold": "unhold",
    "participant-mute": "mute",
    "participant-unmute": "unmute",
}
_OVER = frozenset({"completed", "busy", "no-answer", "failed", "canceled"})


def call_sid(form: Mapping[str, str], account_sid: str | None) -> str:
    """The call's id; raises Malformed where it, or the account, is not ours."""
    sid = form.get("CallSid", "")
    if not CALL_SID.match(sid):
        raise Malformed("CallSid is not of the form CA and 32 hexadecimal digits")
    if account_sid and form.get("AccountSid", account_sid) != account_sid:
        raise Malformed("AccountSid is not this account's")
    return sid


def delivery_of(form: Mapping[str, str], route: str) -> str:
    """A name for this happening that is equal for repeated deliveries: a digest of the route with all fields."""
    digest = hashlib.sha256(route.encode())
    for name in sorted(form):
        digest.update(f"\0{name}\0{form[name]}".encode("utf-8", "replace"))
    return digest.hexdigest()[:24]


def _seconds(form: Mapping[str, str], name: str) -> float | None:
    value = form.get(name, "")
    return float(value) if re.fullmatch(r"\d{1,9}(\.\d{1,6})?", value, re.ASCII) else None


def _moment(text: str) -> datetime | None:
    """A time as the carrier writes it (`Tue, 24 Nov 2026 10:00:00 +0000`)."""
    try:
        found = parsedate_to_datetime(text[:40])
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def read_arrival(form: Mapping[str, str], call_id: str, now: datetime, *, shared: Mapping[str, str], home_region: str) -> Arrived:
    """A call comes in. `shared` holds numbers of many people, `home_region` the country whose short form of numbers is understood."""
    direction = "inbound" if form.get("Direction", "inbound") == "inbound" else "outbound"
    customer, ours = ("From", "To") if direction == "inbound" else ("To", "From")
    caller = caller_of(
        form.get(customer, ""),
        name=form.get("CallerName") or None,
        stir_verstat=form.get("StirVerstat"),
        shared=shared,
        home_region=home_region,
    )
    return Arrived(
        call_id,
        f"arrived:{call_id}",
        now,
        caller=caller,
        to_number=form.get(ours, "")[:80],
        direction=direction,
        forwarded_from=form.get("ForwardedFrom", "")[:80] or None,
    )


def read_turn(form: Mapping[str, str], call_id: str, of: str, event_id: str, now: datetime) -> CallEvent:
    """What came of the action `of` (listen, record, charge, queue, talk, dial, continue). Raises Malformed."""
    if of == "record":
        url = form.get("RecordingUrl", "")
        if len(url) > 500 or (url and not url.startswith(("http://", "https://"))):
            raise Malformed("RecordingUrl is not an address")
        return Recorded(
            call_id,
            event_id,
            now,
            url=url,
            seconds=_seconds(form, "RecordingDuration") or 0.0,
            finished_by=form.get("Digits", "")[:10],
        )
    if of == "charge":
        return _read_charge(form, call_id, event_id, now)
    if of == "queue":
        return _read_wait_end(form, call_id, event_id, now)
    if of == "talk":
        return WaitEnded(call_id, event_id, now, result="talked")
    if of == "dial":
        result, seconds = read_dial(form)
        return Transferred(call_id, event_id, now, result=result, seconds=seconds or 0.0)
    if of == "continue":
        return Continued(call_id, event_id, now)
    return _read_heard(form, call_id, event_id, now)


def read_dial(form: Mapping[str, str]) -> tuple[str, float | None]:
    """What a dialled number came to (talked, busy, no_answer or failed), and seconds of the talk (None: there was none)."""
    words = {"completed": "talked", "answered": "talked", "busy": "busy", "no-answer": "no_answer"}
    result = words.get(form.get("DialCallStatus", ""), "failed")
    # A declined or missed leg can read "completed" too: only a bridge is a talk.
    if result == "talked" and form.get("DialBridged", "true") == "false":
        result = "no_answer"
    return result, (_seconds(form, "DialCallDuration") or 0.0) if result == "talked" else None


def _read_heard(form: Mapping[str, str], call_id: str, event_id: str, now: datetime) -> CallEvent:
    digits = form.get("Digits", "")
    if digits:
        if not _DIGITS.match(digits):
            raise Malformed("Digits holds something that is no key")
        return Keyed(call_id, event_id, now, digits=digits, finished_by=form.get("FinishedOnKey", "")[:1])
    finished = form.get("FinishedOnKey", "")[:1]
    speech = form.get("SpeechResult", "")[:_MOST_SPEECH].strip()
    if speech:
        confidence = form.get("Confidence", "")
        sureness = float(confidence) if re.fullmatch(r"[01](\.\d{1,20})?", confidence, re.ASCII) else None
        return Spoke(
            call_id,
            event_id,
            now,
            text=speech,
            sureness=min(sureness, 1.0) if sureness is not None else None,
            language=form.get("Language") or None,
        )
    if finished:
        return Keyed(call_id, event_id, now, digits="", finished_by=finished)
    return Silent(call_id, event_id, now)


def _read_charge(form: Mapping[str, str], call_id: str, event_id: str, now: datetime) -> Charged:
    words = {
        "success": "paid",
        "too-many-failed-attempts": "declined",
        "caller-interrupted-with-star": "cancelled",
        "caller-hung-up": "cancelled",
    }
    result = words.get(form.get("Result", ""), "failed")
    last_four = re.search(r"(\d{4})$", form.get("PaymentCardNumber", ""))
    return Charged(
        call_id,
        event_id,
        now,
        result=result,
        confirmation=(form.get("PaymentConfirmationCode") or form.get("PaymentToken") or None),
        card_type=form.get("PaymentCardType") or None,
        last_four=last_four[1] if last_four else None,
    )


def _read_wait_end(form: Mapping[str, str], call_id: str, event_id: str, now: datetime) -> CallEvent:
    waited = _seconds(form, "QueueTime") or 0.0
    words = {
        "leave": "left",
        "queue-full": "full",
        "error": "failed",
        "system-error": "failed",
        "hangup": "hung_up",
        "bridged": "talked",
    }
    return WaitEnded(call_id, event_id, now, result=words.get(form.get("QueueResult", ""), "redirected"), waited_seconds=waited)


def read_wait(form: Mapping[str, str], call_id: str, event_id: str, now: datetime) -> WaitAsked:
    """The carrier asks what a waiting caller hears next."""
    position = form.get("QueuePosition", "")
    return WaitAsked(
        call_id,
        event_id,
        now,
        position=int(position) if re.fullmatch(r"\d{1,6}", position, re.ASCII) else None,
        waited_seconds=_seconds(form, "QueueTime") or 0.0,
    )


def read_status(form: Mapping[str, str], call_id: str) -> LegStatus:
    """A status callback. There is no promise about order, and duplicates happen."""
    status = form.get("CallStatus", "")
    sequence = form.get("SequenceNumber", "")
    number = int(sequence) if re.fullmatch(r"\d{1,6}", sequence, re.ASCII) else 0
    return LegStatus(
        call_id=call_id,
        status=status,
        seconds=_seconds(form, "CallDuration"),
        sequence=number,
        happening=f"status:{call_id}:{status}",
        over=status in _OVER,
        at=_moment(form.get("Timestamp", "")),
    )


def read_room(form: Mapping[str, str]) -> RoomNews:
    """A conference callback."""
    what = _ROOM_WORDS.get(form.get("StatusCallbackEvent", ""), "other")
    leg = form.get("CallSid", "")
    return RoomNews(
        room=form.get("FriendlyName", "")[:80],
        what=what,
        leg_id=leg if CALL_SID.match(leg) else None,
        label=form.get("ParticipantLabel") or None,
        happening=f"room:{form.get('ConferenceSid', '')[:40]}:{form.get('SequenceNumber', '')[:8]}:{what}",
    )
