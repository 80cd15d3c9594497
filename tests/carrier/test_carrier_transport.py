"""The webhook transport's traps: retries, fallback, redirects, cookies, overrides, credentials, limits."""

from __future__ import annotations

import base64
import socket
import time

import pytest
from aiohttp import web
from voice_service import CALLER, Service

from ivr.carriers.local import LocalCarrier, Number, Trouble
from ivr.carriers.local.station import DEFAULT_NUMBER
from ivr.carriers.local.webhook import read_overrides
from ivr.errors import CarrierError

STAY = ["until end"]
GOODBYE = "<Say>Goodbye.</Say>"


def at(carrier: LocalCarrier, url: str, **more: str) -> None:
    """Let the number's calls go to `url`."""
    number = Number(DEFAULT_NUMBER, url, **more)
    carrier.ask(lambda station: station.exchange.numbers.__setitem__(DEFAULT_NUMBER, number))


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_first_request_has_all_standard_fields(service: Service, carrier: LocalCarrier) -> None:
    service.documents["/voice/incoming"] = GOODBYE
    truth = carrier.call(CALLER, "", STAY, fields={"StirVerstat": "TN-Validation-Passed-A"})
    asked = service.of("/voice/incoming")[0]
    assert asked.method == "POST" and asked.signed
    assert asked.headers["User-Agent"] == "TwilioProxy/1.1" and asked.headers["I-Twilio-Idempotency-Token"]
    expected = {
        "CallSid": truth.call_sid,
        "AccountSid": carrier.settings.account_sid,
        "From": CALLER,
        "Caller": CALLER,
        "To": DEFAULT_NUMBER,
        "Called": DEFAULT_NUMBER,
        "CallStatus": "ringing",
        "Direction": "inbound",
        "ApiVersion": "2010-04-01",
        "FromCity": "",
        "ToCountry": "",
        "CallerZip": "",
        "CalledState": "",
        "StirVerstat": "TN-Validation-Passed-A",
    }
    assert expected.items() <= asked.fields.items()
    assert len(truth.call_sid) == 34


def test_overrides_are_read_and_bounded() -> None:
    bare, overrides = read_overrides("http://h/voice?a=1#rc=3&rp=5xx,rt&ct=200&rt=900&tt=9000")
    assert bare == "http://h/voice?a=1"
    assert (overrides.retries, overrides.connect_seconds, overrides.read_seconds, overrides.total_seconds) == (3, 0.2, 0.9, 9.0)
    assert overrides.policy == {"5xx", "rt"} and not overrides.fault
    assert read_overrides("http://h/#rp=sometimes")[1].fault
    assert read_overrides("http://h/")[1] == read_overrides("http://h/#rc=1&rp=ct")[1]


def test_a_server_error_is_not_retried_and_the_fallback_is_asked_at_once(service: Service, carrier: LocalCarrier) -> None:
    service.documents["/voice/incoming"] = lambda asked: web.Response(status=500)
    service.documents["/voice/fallback"] = "<Say>Please call later.</Say>"
    truth = carrier.call(CALLER, "", STAY)
    assert len(service.of("/voice/incoming")) == 1
    fallback = service.of("/voice/fallback")[0]
    assert (
        fallback.fields["ErrorCode"] == "11200"
        and fallback.fields["ErrorUrl"] == f"{service.url}/voice/incoming"
        and fallback.signed
    )
    assert truth.heard == ["Please call later."] and not truth.application_error


def test_a_retry_policy_repeats_with_the_same_idempotency_token(service: Service, carrier: LocalCarrier) -> None:
    answers = iter([web.Response(status=503), web.Response(status=502)])
    service.documents["/again"] = lambda asked: next(answers, GOODBYE)
    at(carrier, f"{service.url}/again#rc=2&rp=5xx")
    truth = carrier.call(CALLER, "", STAY)
    assert truth.heard == ["Goodbye."]
    tokens = {asked.headers["I-Twilio-Idempotency-Token"] for asked in service.of("/again")}
    assert len(service.of("/again")) == 3 and len(tokens) == 1
    assert all(asked.signed for asked in service.of("/again")), "the fragment is no part of the signature"


def test_nobody_listening_is_tried_twice_then_falls_back(service: Service, carrier: LocalCarrier) -> None:
    service.documents["/voice/fallback"] = GOODBYE
    at(carrier, f"http://127.0.0.1:{closed_port()}/voice", fallback_url=f"{service.url}/voice/fallback")
    assert carrier.call(CALLER, "", STAY).heard == ["Goodbye."]
    assert service.of("/voice/fallback")[0].fields["ErrorCode"] == "11205"
    assert carrier.ask(lambda station: station.exchange.webhooks.failures) == 2


def test_without_a_fallback_the_caller_hears_the_carriers_apology(service: Service, carrier: LocalCarrier) -> None:
    at(carrier, f"{service.url}/missing")
    truth = carrier.call(CALLER, "", STAY)
    assert truth.application_error and "application error" in truth.heard[0] and truth.ended_by == "carrier"
    assert [problem["code"] for problem in truth.problems] == [11200]


def test_a_failing_fallback_ends_in_the_apology_too(service: Service, carrier: LocalCarrier) -> None:
    truth = carrier.call(CALLER, "", STAY)
    assert truth.application_error and len(service.of("/voice/fallback")) == 1


def test_a_document_that_cannot_be_read_goes_to_the_fallback(service: Service, carrier: LocalCarrier) -> None:
    service.documents["/voice/incoming"] = b"<Response><Say>fish & chips</Say></Response>"
    service.documents["/voice/fallback"] = GOODBYE
    truth = carrier.call(CALLER, "", STAY)
    assert truth.heard == ["Goodbye."] and service.of("/voice/fallback")[0].fields["ErrorCode"] == "12100"


def test_a_slow_answer_is_given_up_whatever_the_overrides_say(service: Service, carrier: LocalCarrier) -> None:
    service.documents["/voice/incoming"] = GOODBYE
    service.documents["/voice/fallback"] = GOODBYE
    service.delay_seconds["/voice/incoming"] = 4.0
    at(carrier, f"{service.url}/voice/incoming#rt=300&tt=400", fallback_url=f"{service.url}/voice/fallback")
    started = time.monotonic()
    assert carrier.call(CALLER, "", STAY).heard == ["Goodbye."]
    assert time.monotonic() - started < 3.5
    assert read_overrides("http://h/#tt=99999")[1].total_seconds == 15.0


def test_redirects_are_followed_with_get_and_ten_are_enough(service: Service, carrier: LocalCarrier) -> None:
    service.documents["/voice/incoming"] = lambda asked: web.Response(status=302, headers={"Location": "/folder/next?x=1"})
    service.documents["/folder/next"] = "<Redirect>relative</Redirect>"
    service.documents["/folder/relative"] = GOODBYE
    assert carrier.call(CALLER, "", STAY).heard == ["Goodbye."]
    assert service.of("/folder/next")[0].method == "GET" and service.of("/folder/next")[0].signed
    service.documents["/voice/incoming"] = lambda asked: web.Response(status=302, headers={"Location": "/voice/incoming"})
    service.documents["/voice/fallback"] = GOODBYE
    carrier.call(CALLER, "", STAY)
    assert service.of("/voice/fallback")[-1].fields["ErrorCode"] == "11215"


def test_cookies_live_as_long_as_the_call(service: Service, carrier: LocalCarrier) -> None:
    def set_cookie(asked: object) -> web.Response:
        answer = web.Response(text="<Response><Redirect>/second</Redirect></Response>", content_type="text/xml")
        answer.set_cookie("session", "abc")
        return answer

    service.documents["/voice/incoming"] = set_cookie
    service.documents["/second"] = GOODBYE
    carrier.call(CALLER, "", STAY)
    carrier.call(CALLER, "", STAY)
    assert [asked.headers.get("Cookie") for asked in service.of("/second")] == ["session=abc", "session=abc"]
    assert [asked.headers.get("Cookie") for asked in service.of("/voice/incoming")] == [None, None]


def test_credentials_come_after_the_401(service: Service, carrier: LocalCarrier) -> None:
    def guarded(asked: object) -> str | web.Response:
        if "Authorization" not in asked.headers:  # type: ignore[attr-defined]
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})
        return GOODBYE

    service.documents["/guarded"] = guarded
    at(carrier, service.url.replace("http://", "http://user:p%40ss@") + "/guarded")
    assert carrier.call(CALLER, "", STAY).heard == ["Goodbye."]
    first, second = service.of("/guarded")
    assert "Authorization" not in first.headers
    assert second.headers["Authorization"] == "Basic " + base64.b64encode(b"user:p@ss").decode()


def test_a_get_number_puts_its_fields_into_the_query(service: Service, carrier: LocalCarrier) -> None:
    service.documents["/voice/incoming"] = GOODBYE
    at(carrier, f"{service.url}/voice/incoming?kept=1", voice_method="GET")
    truth = carrier.call(CALLER, "", STAY)
    asked = service.of("/voice/incoming")[0]
    assert asked.method == "GET" and asked.signed and asked.query["CallSid"] == truth.call_sid and asked.query["kept"] == "1"


def test_a_host_with_an_underscore_is_refused(service: Service, carrier: LocalCarrier) -> None:
    service.documents["/voice/fallback"] = GOODBYE
    at(carrier, "http://my_host.example/voice", fallback_url=f"{service.url}/voice/fallback")
    carrier.call(CALLER, "", STAY)
    assert service.of("/voice/fallback")[0].fields["ErrorCode"] == "11210"


def test_a_status_callback_answered_with_html_is_a_warning(service: Service, carrier: LocalCarrier) -> None:
    service.documents["/voice/incoming"] = GOODBYE
    service.documents["/voice/status"] = lambda asked: web.Response(text="<p>thanks</p>", content_type="text/html")
    carrier.call(CALLER, "", STAY)
    assert carrier.until(lambda station: station.exchange.debugger.counts[12300] == 1)


def test_an_unknown_number_fails(service: Service, carrier: LocalCarrier) -> None:
    assert carrier.call(CALLER, "+442079469999", STAY).status == "failed"
    assert service.asked == []


def test_a_doubled_request_carries_one_token_and_one_answer_is_followed(service: Service, carrier: LocalCarrier) -> None:
    service.documents |= {"/voice/incoming": '<Gather numDigits="1" action="/turn"/>', "/turn": GOODBYE}
    carrier.make_trouble(Trouble(webhook_duplicate=1.0))
    truth = carrier.call(CALLER, "", [{"press": "1"}, "until end"])
    assert truth.heard == ["Goodbye."]
    assert carrier.until(lambda station: len(service.of("/turn")) == 2)
    assert len({asked.headers["I-Twilio-Idempotency-Token"] for asked in service.of("/turn")}) == 1


def test_a_port_in_use_is_one_clear_line(carrier: LocalCarrier) -> None:
    taken = int(carrier.url.rpartition(":")[2])
    with pytest.raises(CarrierError, match=f"cannot listen on 127.0.0.1:{taken}"), LocalCarrier(port=taken):
        pass
