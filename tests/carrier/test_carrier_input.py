"""<Gather>, <Record>, <Pay>: what callers give, and the traps around silence and hang-up."""

from __future__ import annotations

import pytest
from voice_service import CALLER, SPEED, Service

from ivr.carriers.local import LocalCarrier, Recognition, Switches
from ivr.carriers.local.line import Kind

STAY = ["until end"]


def gather(attributes: str, prompt: str = "Prompt.", after: str = "<Say>Nothing came.</Say>") -> str:
    return f'<Gather action="/turn" {attributes}><Say>{prompt}</Say></Gather>{after}'


@pytest.mark.parametrize(
    ("attributes", "keys", "digits", "finished_by"),
    [
        ('numDigits="1"', "1", "1", ""),
        ('numDigits="4"', "1234#", "1234", ""),
        ("", "123#", "123", "#"),
        ('finishOnKey="*"', "12#*", "12#", "*"),
        ('finishOnKey="" timeout="2"', "12#", "12#", ""),
    ],
)
def test_keys(service: Service, carrier: LocalCarrier, attributes: str, keys: str, digits: str, finished_by: str) -> None:
    service.documents |= {"/voice/incoming": gather(attributes), "/turn": "<Hangup/>"}
    carrier.call(CALLER, "", [{"press": keys}, "until end"])
    fields = service.of("/turn")[0].fields
    assert (fields["Digits"], fields["FinishedOnKey"], fields["msg"]) == (digits, finished_by, "Gather End")
    assert "SpeechResult" not in fields


def test_silence_falls_through_without_a_request(service: Service, carrier: LocalCarrier) -> None:
    service.documents["/voice/incoming"] = gather('timeout="3"')
    truth = carrier.call(CALLER, "", STAY)
    assert truth.heard == ["Prompt.", "Nothing came."] and service.of("/turn") == []


def test_the_finish_key_alone_is_no_input(service: Service, carrier: LocalCarrier) -> None:
    service.documents["/voice/incoming"] = gather('timeout="3"')
    truth = carrier.call(CALLER, "", [{"press": "#"}, "until end"])
    assert truth.heard[-1] == "Nothing came." and service.of("/turn") == []


@pytest.mark.parametrize(("present", "speech"), [(True, ""), (False, None)])
def test_an_empty_result_comes_with_empty_or_absent_fields(service: Service, present: bool, speech: str | None) -> None:
    service.documents |= {
        "/voice/incoming": gather('input="dtmf speech" timeout="1" actionOnEmptyResult="true"'),
        "/turn": "<Hangup/>",
    }
    with LocalCarrier(service_url=service.url, speed=SPEED, switches=Switches(empty_gather_fields=present)) as carrier:
        carrier.call(CALLER, "", STAY)
    assert service.of("/turn")[0].fields.get("SpeechResult") == speech


def test_without_an_action_the_same_document_is_asked_again(service: Service, carrier: LocalCarrier) -> None:
    service.documents["/voice/incoming"] = lambda asked: "<Hangup/>" if asked.fields.get("Digits") else '<Gather numDigits="1"/>'
    carrier.call(CALLER, "", [{"press": "7"}, "until end"])
    assert [asked.fields.get("Digits") for asked in service.of("/voice/incoming")] == [None, "7"]


def test_hanging_up_in_mid_gather_requests_no_action(service: Service, carrier: LocalCarrier) -> None:
    service.documents["/voice/incoming"] = gather('timeout="30"')
    truth = carrier.call(CALLER, "", [{"hear": "prompt"}, "hang up"])
    assert (truth.status, truth.ended_by) == ("completed", "caller")
    assert carrier.until(lambda station: len(service.of("/voice/status")) == 1)
    assert service.of("/turn") == []


def test_barge_in_cuts_the_prompt_and_can_be_forbidden(service: Service, carrier: LocalCarrier) -> None:
    long = "Our menu has changed. " * 20
    service.documents |= {"/voice/incoming": gather('numDigits="1"', long), "/turn": "<Hangup/>"}
    truth = carrier.call(CALLER, "", [{"notice": "menu has changed"}, {"press": "1"}, "until end"])
    assert truth.of(Kind.SAY)[0]["cut"] is True and truth.of(Kind.SAY)[0]["seconds"] < 0.3
    service.documents["/voice/incoming"] = gather('numDigits="1" bargeIn="false"', long)
    truth = carrier.call(CALLER, "", [{"notice": "menu has changed"}, {"press": "1"}, "until end"])
    assert "cut" not in truth.of(Kind.SAY)[0] and service.of("/turn")[-1].fields["Digits"] == "1"


def test_speech_is_written_like_the_real_recogniser_and_sureness_may_be_missing(service: Service) -> None:
    service.documents |= {"/voice/incoming": gather('input="speech" speechTimeout="auto" language="es-ES"'), "/turn": "<Hangup/>"}
    with LocalCarrier(service_url=service.url, speed=SPEED, recognition=Recognition(missing=1.0)) as carrier:
        carrier.call(CALLER, "", [{"say": "quiero pagar"}, "until end"])
        carrier.call(CALLER, "", [{"say": "quiero pagar", "sureness": "0.31"}, "until end"])
    first, second = (asked.fields for asked in service.of("/turn"))
    assert first["SpeechResult"] == "Quiero pagar." and first["Language"] == "es-ES" and "Confidence" not in first
    assert second["Confidence"] == "0.31"


def test_noise_is_seeded(service: Service) -> None:
    service.documents |= {"/voice/incoming": gather('input="speech"'), "/turn": "<Hangup/>"}
    sentence = "I would like to change the delivery address of my second order please"
    heard = []
    for _ in range(2):
        with LocalCarrier(service_url=service.url, speed=SPEED, seed=5, recognition=Recognition(noise=0.5)) as carrier:
            carrier.call(CALLER, "", [{"say": sentence}, "until end"])
        heard.append(service.of("/turn")[-1].fields["SpeechResult"])
    assert heard[0] == heard[1] and heard[0].lower().rstrip(".") != sentence.lower()


def test_speech_in_a_keypad_gather_is_lost_and_the_script_says_so(service: Service, carrier: LocalCarrier) -> None:
    service.documents["/voice/incoming"] = gather('timeout="2"')
    truth = carrier.call(CALLER, "", [{"say": "hello", "within": "1s"}])
    assert "nobody listened" in truth.failures[0] or "had ended" in truth.failures[0]
    assert truth.script_finished is False


def test_a_recording_ends_by_key_silence_or_hang_up(service: Service, carrier: LocalCarrier) -> None:
    record = '<Record action="/recorded" timeout="4" maxLength="60" recordingStatusCallback="/recording" recordingStatusCallbackEvent="in-progress completed"/>'
    service.documents |= {"/voice/incoming": record, "/recorded": "<Hangup/>"}
    carrier.call(CALLER, "", [{"say": "please call me back"}, {"press": "#"}, "until end"])
    carrier.call(CALLER, "", [{"say": "please call me back"}, "until end"])
    truth = carrier.call(CALLER, "", [{"say": "please call me back"}, "hang up"])
    assert carrier.until(lambda station: len(service.of("/recorded")) == 3)
    by_key, by_silence, by_hangup = (asked.fields for asked in service.of("/recorded"))
    assert by_key["Digits"] == "#" and "Digits" not in by_silence and by_hangup["Digits"] == "hangup"
    assert by_hangup["CallStatus"] == "completed" and truth.ended_by == "caller"
    assert carrier.until(lambda station: sum(a.fields["RecordingStatus"] == "completed" for a in service.of("/recording")) == 3)
    told = service.of("/recording")[-1].fields
    assert told["RecordingSource"] == "RecordVerb" and "From" not in told and told["RecordingUrl"].startswith(carrier.url)


PAY = '<Pay action="/paid" chargeAmount="41.90" currency="gbp" postalCode="false" maxAttempts="2" statusCallback="/ignored"/>'
CARD = [
    {"hear": "card number"},
    {"press": "4242424242424242#"},
    {"hear": "expiration"},
    {"press": "1230"},
    {"hear": "security code"},
    {"press": "123#"},
]


def test_a_card_is_charged_and_its_digits_stay_with_the_carrier(service: Service, carrier: LocalCarrier) -> None:
    service.documents |= {"/voice/incoming": PAY, "/paid": "<Hangup/>"}
    truth = carrier.call(CALLER, "", [*CARD, "until end"])
    fields = service.of("/paid")[0].fields
    assert (
        fields["Result"] == "success" and fields["PaymentConfirmationCode"] and fields["PaymentCardNumber"] == "xxxxxxxxxxxx4242"
    )
    everything = str([asked.fields for asked in service.asked]) + str(truth.to_dict())
    assert "4242424242424242" not in everything and {entry["text"] for entry in truth.of(Kind.PRESSED)} == {"•"}
    assert [asked.fields["For"] for asked in service.of("/ignored")][:2] == ["payment-card-number", "expiration-date"]
    assert "From" not in service.of("/ignored")[0].fields


@pytest.mark.parametrize(
    ("steps", "result"),
    [
        ([{"hear": "card number"}, {"press": "*"}], "caller-interrupted-with-star"),
        (
            [{"press": "4242424242424241#"}, {"hear": "card number"}, {"hear": "card number"}, {"press": "1#"}],
            "too-many-failed-attempts",
        ),
        ([{"hear": "card"}, {"press": "4000000000000002#"}, *CARD[2:]], "payment-connector-error"),
        ([{"hear": "card"}, "hang up"], "caller-hung-up"),
    ],
)
def test_a_payment_that_fails(service: Service, carrier: LocalCarrier, steps: list[object], result: str) -> None:
    service.documents |= {"/voice/incoming": PAY, "/paid": "<Hangup/>"}
    carrier.call(CALLER, "", [*steps, "until end"])
    assert carrier.until(lambda station: len(service.of("/paid")) == 1)
    assert service.of("/paid")[0].fields["Result"] == result


def test_reject_and_hangup(service: Service, carrier: LocalCarrier) -> None:
    service.documents["/voice/incoming"] = '<Reject reason="busy"/>'
    truth = carrier.call(CALLER, "", STAY)
    assert truth.status == "busy" and truth.answered_at is None
    service.documents["/voice/incoming"] = "<Reject/>"
    assert carrier.call(CALLER, "", STAY).status == "no-answer"
    service.documents["/voice/incoming"] = "<Hangup/>"
    truth = carrier.call(CALLER, "", STAY)
    assert truth.status == "completed" and truth.answered_at is not None


def test_a_document_that_plays_what_is_not_there_goes_on(service: Service, carrier: LocalCarrier) -> None:
    service.documents["/voice/incoming"] = "<Play>/audio/missing.wav</Play><Say>Still here.</Say>"
    truth = carrier.call(CALLER, "", STAY)
    assert truth.heard == ["Still here."] and [problem["code"] for problem in truth.problems] == [11200]
