"""From webhooks to events."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ivr.call import Attestation, CallerKind, Charged, Continued, Keyed, Recorded, Silent, Spoke, Transferred, WaitEnded
from ivr.carriers.twilio import read

CALL = "CA" + "0" * 32
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def turn(of: str, **form: str) -> Any:
    return read.read_turn(form, CALL, of, "e", NOW)


def arrival(**form: str) -> Any:
    return read.read_arrival(form, CALL, NOW, shared={"+442079460999": "switchboard of an office"}, home_region="GB")


def test_an_arrival_names_the_caller() -> None:
    event = arrival(
        From="+447700900123", To="+442079460000", Direction="inbound", CallerName="Ana", StirVerstat="TN-Validation-Passed-A"
    )
    assert event.caller.kind is CallerKind.PHONE
    assert event.caller.number == "+447700900123"
    assert event.caller.attestation is Attestation.FULL
    assert event.to_number == "+442079460000"


@pytest.mark.parametrize(
    "raw",
    [
        "anonymous",
        "Anonymous",
        "unknown",
        "Restricted",
        "",
        "+266696687",
        "+86282452253",
        "+8656696",
        "+2562533",
        "+7378742833",
        "+442079460999",
        "+0123",
    ],
)
def test_nobody_in_particular_is_never_a_known_customer(raw: str) -> None:
    caller = arrival(From=raw, To="+442079460000").caller
    assert caller.number is None
    assert not caller.known_number


@pytest.mark.parametrize(("raw", "kind"), [("sip:ana@example.com", CallerKind.SIP), ("client:ana", CallerKind.CLIENT)])
def test_other_addresses(raw: str, kind: CallerKind) -> None:
    caller = arrival(From=raw, To="+442079460000").caller
    assert caller.kind is kind
    assert not caller.known_number


def test_of_a_call_that_we_placed_the_customer_is_the_one_called() -> None:
    event = arrival(From="+442079460000", To="+447700900123", Direction="outbound-api")
    assert event.direction == "outbound"
    assert event.caller.number == "+447700900123"
    assert event.to_number == "+442079460000"


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"Digits": "12"}, Keyed(CALL, "e", NOW, "12")),
        ({"Digits": "12", "FinishedOnKey": "#"}, Keyed(CALL, "e", NOW, "12", "#")),
        ({"Digits": "", "FinishedOnKey": "#"}, Keyed(CALL, "e", NOW, "", "#")),
        ({"SpeechResult": " my order ", "Confidence": "0.93"}, Spoke(CALL, "e", NOW, "my order", 0.93)),
        ({"SpeechResult": "my order"}, Spoke(CALL, "e", NOW, "my order", None)),
        ({"SpeechResult": "my order", "Confidence": "high"}, Spoke(CALL, "e", NOW, "my order", None)),
        ({"SpeechResult": "my order", "Confidence": "1.7"}, Spoke(CALL, "e", NOW, "my order", 1.0)),
        ({"SpeechResult": "", "Digits": ""}, Silent(CALL, "e", NOW)),
        ({}, Silent(CALL, "e", NOW)),
    ],
)
def test_what_a_question_brings(form: dict[str, str], expected: object) -> None:
    assert turn("listen", **form) == expected


def test_long_speech_is_cut() -> None:
    assert len(turn("listen", SpeechResult="a" * 50_000).text) == 10_000


@pytest.mark.parametrize("digits", ["1<", "abc!", "1" * 65, "١٢", "1;2"])
def test_keys_that_are_none_are_refused(digits: str) -> None:
    with pytest.raises(read.Malformed):
        turn("listen", Digits=digits)


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ("success", "paid"),
        ("too-many-failed-attempts", "declined"),
        ("caller-interrupted-with-star", "cancelled"),
        ("caller-hung-up", "cancelled"),
        ("payment-connector-error", "failed"),
        ("internal-error", "failed"),
        ("", "failed"),
    ],
)
def test_a_payment(result: str, expected: str) -> None:
    event = turn(
        "charge", Result=result, PaymentCardNumber="xxxxxxxxxxxx4242", PaymentCardType="visa", PaymentConfirmationCode="c1"
    )
    assert isinstance(event, Charged)
    assert (event.result, event.last_four, event.card_type, event.confirmation) == (expected, "4242", "visa", "c1")


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"DialCallStatus": "completed", "DialCallDuration": "31", "DialBridged": "true"}, ("talked", 31.0)),
        ({"DialCallStatus": "completed", "DialBridged": "false"}, ("no_answer", 0.0)),
        ({"DialCallStatus": "answered"}, ("talked", 0.0)),
        ({"DialCallStatus": "busy"}, ("busy", 0.0)),
        ({"DialCallStatus": "no-answer"}, ("no_answer", 0.0)),
        ({"DialCallStatus": "canceled"}, ("failed", 0.0)),
        ({}, ("failed", 0.0)),
    ],
)
def test_a_transfer(form: dict[str, str], expected: tuple[str, float]) -> None:
    event = turn("dial", **form)
    assert isinstance(event, Transferred)
    assert (event.result, event.seconds) == expected


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ("leave", "left"),
        ("queue-full", "full"),
        ("hangup", "hung_up"),
        ("redirected", "redirected"),
        ("system-error", "failed"),
        ("new-word", "redirected"),
    ],
)
def test_the_end_of_a_wait(result: str, expected: str) -> None:
    event = turn("queue", QueueResult=result, QueueTime="12")
    assert isinstance(event, WaitEnded)
    assert (event.result, event.waited_seconds) == (expected, 12.0)


def test_a_recording() -> None:
    event = turn("record", RecordingUrl="https://api.example/RE1", RecordingDuration="7", Digits="#")
    assert event == Recorded(CALL, "e", NOW, "https://api.example/RE1", 7.0, "#")
    with pytest.raises(read.Malformed):
        turn("record", RecordingUrl="javascript:alert(1)")


def test_coming_back() -> None:
    assert turn("continue") == Continued(CALL, "e", NOW)


@pytest.mark.parametrize("sid", ["", "CA1", "CA" + "g" * 32, "ca" + "0" * 32, CALL + "0", "XX" + "0" * 32])
def test_a_call_id_of_another_form_is_refused(sid: str) -> None:
    with pytest.raises(read.Malformed, match="CallSid"):
        read.call_sid({"CallSid": sid}, None)


def test_another_account_is_refused() -> None:
    with pytest.raises(read.Malformed, match="AccountSid"):
        read.call_sid({"CallSid": CALL, "AccountSid": "AC" + "1" * 32}, "AC" + "2" * 32)


def test_repeated_deliveries_have_one_name() -> None:
    first = read.delivery_of({"CallSid": CALL, "QueueTime": "3"}, "/voice/wait")
    assert first == read.delivery_of({"QueueTime": "3", "CallSid": CALL}, "/voice/wait")
    assert first != read.delivery_of({"CallSid": CALL, "QueueTime": "4"}, "/voice/wait")
    assert first != read.delivery_of({"CallSid": CALL, "QueueTime": "3"}, "/voice/turn")


@pytest.mark.parametrize(
    ("status", "over"),
    [
        ("ringing", False),
        ("in-progress", False),
        ("completed", True),
        ("busy", True),
        ("no-answer", True),
        ("failed", True),
        ("canceled", True),
    ],
)
def test_a_leg_s_status(status: str, over: bool) -> None:
    found = read.read_status({"CallStatus": status, "CallDuration": "12", "SequenceNumber": "3"}, CALL)
    assert (found.over, found.seconds, found.sequence) == (over, 12.0, 3)


def test_news_of_a_room() -> None:
    form = {
        "StatusCallbackEvent": "participant-hold",
        "ConferenceSid": "CF1",
        "FriendlyName": "talk-1",
        "SequenceNumber": "4",
        "CallSid": CALL,
    }
    news = read.read_room(form)
    assert (news.room, news.what, news.leg_id) == ("talk-1", "hold", CALL)
    assert news.happening == read.read_room(dict(form)).happening
