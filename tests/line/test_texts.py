"""Questions by text from end to end: the call, the message, the reply over the carrier, the record, STOP."""

from __future__ import annotations

import re
import shutil
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ivr.call import Caller, CallerKind
from ivr.carriers.local import Trouble
from ivr.carriers.local.signature import sign
from ivr.embedded import start_redis
from ivr.jobs import texting
from ivr.jobs.commands import Commands
from ivr.records.text_reach import last_unreached
from tests.line.running import ACCOUNT, REPOSITORY, TOKEN, Running, running, stranger

LINE = "+442079460000"
SELF_SERVICE = [
    {"hear": "welcome"},
    {"say": "what are your opening hours"},
    {"hear": "open"},
    {"say": "no that is all"},
    "until end",
]


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[Running]:
    """A service that asks everybody by text as soon as their call is over; nothing ticks by itself."""
    folder = tmp_path_factory.mktemp("texts")
    config = folder / "config"
    shutil.copytree(REPOSITORY / "config", config)
    reports = config / "reports.yaml"
    written = reports.read_text(encoding="utf-8")
    for setting, instead in (("share: 0% ", "share: 100% "), ("after: 2m", "after: 0s"), ("09:00-20:00", "00:00-24:00")):
        assert setting in written
        written = written.replace(setting, instead)
    reports.write_text(written, encoding="utf-8")
    numbers = config / "numbers.yaml"  # strangers' numbers are nobody's: a real line would not text them
    numbers.write_text(numbers.read_text(encoding="utf-8").replace("+447700900", "+4477009"), encoding="utf-8")
    redis_server = start_redis(folder / "redis", keep=False)
    with running(folder, redis_server.url, models, ticking=False, speed=20, IVR_CONFIG_DIR=str(config)) as service:
        yield service
    redis_server.stop()


def texts_of(service: Running, number: str) -> list[str]:
    """What the service has sent to a number."""
    return [message.body for message in service.carrier.texts(number) if message.direction != "inbound"]


def asked(service: Running, number: str = "") -> tuple[str, str, str]:
    """A caller who served themselves and was asked for it: (call, number, the message)."""
    number = number or stranger()
    call_id = served(service, number)
    texting.ask_by_text(service.line)
    texting.ask_by_text(service.line)
    [message] = texts_of(service, number)
    return call_id, number, message


def served(service: Running, number: str) -> str:
    """The call of somebody who served themselves, recorded."""
    truth = service.carrier.call(number, LINE, SELF_SERVICE)
    assert truth.failures == ()
    assert service.record(truth.call_sid)["outcome"] == "self_served"
    return truth.call_sid


def reply(service: Running, number: str, body: str, message_id: str = "") -> str:
    """Somebody writes; waits until the service has answered the carrier."""
    before = service.carrier.ask(lambda station: len(station.exchange.webhooks.latencies))
    sent = service.carrier.text(number, body, message_id=message_id)
    assert service.carrier.until(lambda station: len(station.exchange.webhooks.latencies) > before)
    return sent


def test_a_reply_by_number_reaches_the_record_once(asking: Running) -> None:
    call_id, number, message = asked(asking)
    assert message.startswith("Acme: thank you for your call. Is what you called about solved?")
    reply(asking, number, "Yes, thanks")
    second = reply(asking, number, "2")
    reply(asking, number, "2", second)  # the carrier delivers a message twice
    assert asking.carrier.until(
        lambda station: len([m for m in station.exchange.messages.values() if m.to_number == number]) == 4
    )
    assert texts_of(asking, number)[1:] == [
        "How content are you with your call, from 1, not at all, to 5, very much?",
        "Thank you, that helps us to do better.",
        "Thank you, that helps us to do better.",
    ]
    row = asking.record(call_id)
    assert (row["survey_resolved"], row["csat"], row["survey_offered"]) == (True, 2.0, 1)
    assert [answer["mode"] for answer in row["surveys"]] == ["text", "text"]
    assert asking.carrier.complaints() == []


def test_the_link_opens_a_page_that_takes_the_answer(asking: Running) -> None:
    call_id, _, message = asked(asking)
    found = re.search(r"http\S+", message)
    assert found
    with urllib.request.urlopen(found[0], timeout=5) as answer:
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert "Is what you called about solved?" in answer.read().decode()
    assert press(found[0], "0", "1") == "How content are you with your call, from 1, not at all, to 5, very much?"
    assert press(found[0], "1", "9") == "How content are you with your call, from 1, not at all, to 5, very much?"
    assert press(found[0], "1", "5") == "Thank you, that helps us to do better."
    assert (asking.record(call_id)["csat"], asking.record(call_id)["survey_resolved"]) == (5.0, True)
    with pytest.raises(urllib.error.HTTPError, match="404"):
        press(found[0].replace("c=CA", "c=CB"), "0", "1")


def press(address: str, place: str, rating: str) -> str:
    """Press a button of the page; gives the title of the page that follows."""
    form = urllib.parse.urlencode({"place": place, "rating": rating}).encode()
    with urllib.request.urlopen(address, form, timeout=5) as answer:
        title = re.search(r"<title>(.*?)</title>", answer.read().decode())
    assert title
    return title[1]


def test_stop_holds_for_every_later_text(asking: Running) -> None:
    call_id, number, _ = asked(asking)
    reply(asking, number, "STOP")
    reply(asking, number, "5")
    assert len(texts_of(asking, number)) == 1
    caller = Caller(CallerKind.PHONE, number, number)
    assert asking.line.live().world().reachable_number(caller, "text") is None
    assert asking.line.live().world().reachable_number(caller, "callback") == number
    Commands(asking.line, asking.line.links).send_text(call_id=call_id, to_number=number, text="Your order is on its way.")
    assert len(texts_of(asking, number)) == 1
    assert asking.line.calls.journal(call_id)[-1].data["result"] == "refused"
    reply(asking, number, "start")
    Commands(asking.line, asking.line.links).send_text(call_id=call_id, to_number=number, text="Your order has arrived.")
    assert texts_of(asking, number)[1:] == ["Your order has arrived."]


def test_who_wrote_stop_to_the_carrier_is_learnt_from_its_refusal(asking: Running) -> None:
    number = stranger()
    asking.carrier.ask(lambda station: station.exchange.unsubscribed.add((asking.line.caller_id, number)))
    assert texting.send_text(asking.line, number, "Hello", about="CA" + "1" * 32) is None
    assert asking.line.live().world().reachable_number(Caller(CallerKind.PHONE, number, number), "text") is None


@pytest.mark.parametrize(
    ("form", "status"),
    [({"MessageSid": "SM" + "1" * 32, "From": "+447700900001", "Body": "5"}, 403), ({}, 403)],
)
def test_an_unsigned_message_is_refused(asking: Running, form: dict[str, str], status: int) -> None:
    request = urllib.request.Request(f"{asking.url}/text/incoming", urllib.parse.urlencode(form).encode())
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(request, timeout=5)
    assert refusal.value.code == status


def test_a_text_that_does_not_arrive_asked_nobody(asking: Running) -> None:
    number = stranger()
    asking.carrier.fate_of_texts(number, "undelivered", 30005)
    call_id, _, _ = asked(asking, number)
    assert asking.until(lambda: "SurveyUndelivered" in asking.journal(call_id))
    assert asking.record(call_id)["survey_offered"] == 0
    unreached = last_unreached(asking.line.store, number)
    assert unreached is not None
    assert unreached.code == 30005
    assert asking.carrier.complaints() == []


def test_callbacks_that_were_lost_are_made_up_for(asking: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    number = stranger()
    asking.carrier.fate_of_texts(number, "failed", 30006)
    call_id = served(asking, number)
    asking.carrier.make_trouble(Trouble(callback_drop=1.0))
    try:
        texting.ask_by_text(asking.line)
        assert asking.until(lambda: asking.carrier.texts(number)[-1].status == "failed")
    finally:
        asking.carrier.make_trouble(Trouble())
    monkeypatch.setattr(asking.line, "now", lambda: datetime.now(UTC) + timedelta(hours=2))
    texting.ask_for_news(asking.line)
    assert asking.record(call_id)["survey_offered"] == 0


def test_a_steps_text_that_does_not_arrive_is_noted_with_its_call(asking: Running) -> None:
    number = stranger()
    asking.carrier.fate_of_texts(number, "undelivered", 30003)
    call_id, _, _ = asked(asking, number)
    Commands(asking.line, asking.line.links).send_text(call_id=call_id, to_number=number, text="Your order is on its way.")
    assert asking.until(lambda: "Texted" in asking.journal(call_id))
    assert asking.line.calls.journal(call_id)[-1].data == {"result": "undelivered", "code": 30003}


def test_callbacks_that_come_twice_and_in_another_order(asking: Running) -> None:
    number = stranger()
    asking.carrier.fate_of_texts(number, "undelivered", 30008)
    asking.carrier.make_trouble(Trouble(callback_duplicate=1.0, callback_reorder=0.5))
    try:
        call_id, _, _ = asked(asking, number)
        assert asking.until(lambda: "SurveyUndelivered" in asking.journal(call_id))
    finally:
        asking.carrier.make_trouble(Trouble())
    assert asking.journal(call_id).count("SurveyUndelivered") == 1
    assert asking.record(call_id)["survey_offered"] == 0


@pytest.mark.parametrize(
    ("query", "form", "status"),
    [
        ({"about": "CA" + "1" * 32, "of": "survey"}, {"MessageStatus": "delivered"}, 204),
        ({"about": "CA" + "1" * 32, "of": "step"}, {"MessageStatus": "sent"}, 204),
        ({"about": "CA" + "1" * 32, "of": "nothing"}, {"MessageStatus": "sent"}, 403),
        ({"about": "CA" + "1" * 32, "of": "survey"}, {"MessageStatus": "a stage"}, 400),
        ({"about": "CA" + "1" * 32, "of": "survey"}, {"MessageStatus": "failed", "ErrorCode": "x"}, 400),
        ({"about": "CA" + "1" * 32, "of": "survey"}, {"MessageStatus": "failed", "To": "ACME"}, 400),
        ({"about": "CA" + "1" * 32, "of": "survey", "signed": "no"}, {"MessageStatus": "delivered"}, 403),
        ({"about": "CA" + "1" * 32, "of": "survey", "sealed": "no"}, {"MessageStatus": "delivered"}, 403),
    ],
)
def test_who_may_tell_of_a_text_and_how(asking: Running, query: dict[str, str], form: dict[str, str], status: int) -> None:
    signed, sealed = query.pop("signed", "yes"), query.pop("sealed", "yes")
    address = asking.line.links.sealed(texting.NEWS, query["about"], **query)
    if sealed == "no":
        address = address.replace("CA1", "CA2", 1)
    fields = {"AccountSid": ACCOUNT, "MessageSid": "SM" + "2" * 32, "To": "+447700900123", **form}
    request = urllib.request.Request(address, urllib.parse.urlencode(fields).encode())
    if signed == "yes":
        request.add_header("X-Twilio-Signature", sign(TOKEN, address, fields.items()))
    if status >= 400:
        with pytest.raises(urllib.error.HTTPError, match=str(status)):
            urllib.request.urlopen(request, timeout=5)
    else:
        with urllib.request.urlopen(request, timeout=5) as answer:
            assert (answer.status, answer.read()) == (status, b"")


def test_a_sender_without_a_number_gets_nothing(asking: Running) -> None:
    asking.carrier.text("ACME-BANK", "5")
    reply(asking, "+1", "5")
    assert texts_of(asking, "ACME-BANK") == texts_of(asking, "+1") == []
