"""Calls that are known only from their end: the caller hung up while no web process answered. They have a record like any other."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest
from twilio.request_validator import RequestValidator

from ivr.carriers.local import LocalCarrier
from ivr.embedded import free_port
from ivr.jobs.comparing import compare
from ivr.jobs.records import close_call
from ivr.jobs.wiring import open_line, use_line
from ivr.settings import read_settings
from tests.line.running import ACCOUNT, TOKEN, Running, environment, stranger
from webhooks.mishaps import Mishaps

LINE = "+442079460000"


def tell(service: Running, path: str, fields: dict[str, str]) -> str:
    """A webhook as the carrier sends it."""
    url = f"{service.url}{path}"
    signature = RequestValidator(TOKEN).compute_signature(url, fields)
    asked = Request(url, data=urlencode(fields).encode(), headers={"X-Twilio-Signature": signature})
    with urlopen(asked, timeout=10) as answer:
        return str(answer.read().decode())


def call(**more: str) -> dict[str, str]:
    """What the carrier says of a new call."""
    plain = {"CallSid": f"CA{uuid4().hex}", "AccountSid": ACCOUNT, "From": stranger(), "To": LINE, "Direction": "inbound"}
    return {**plain, "CallStatus": "no-answer", "CallDuration": "0", **more}


def test_a_call_that_nobody_answered_has_a_record(service: Running) -> None:
    fields = call()
    for _ in range(2):  # told twice
        tell(service, "/voice/status", fields)
    record: dict[str, Any] = service.record(fields["CallSid"])
    assert record["from_number"] == fields["From"]
    assert record["outcome"] != "answered"
    assert record["ended_at"] >= record["started_at"]
    assert service.journal(fields["CallSid"]).count("Ended") == 1
    assert fields["CallSid"] not in service.line.calls.open_calls()


def test_a_request_that_comes_after_the_end_hangs_up(service: Running) -> None:
    fields = call(CallStatus="completed", CallDuration="1")
    tell(service, "/voice/status", fields)
    assert "<Hangup" in tell(service, "/voice/incoming", {**fields, "CallStatus": "ringing"})
    record = service.record(fields["CallSid"])
    assert service.journal(fields["CallSid"]).count("Arrived") == 1
    assert 0 <= (record["ended_at"] - record["started_at"]).total_seconds() < 3


def test_ends_of_other_calls_are_nobody_s(service: Running) -> None:
    for fields in (call(To="+442079999999"), call(Direction="outbound-api"), call(CallStatus="ringing")):
        tell(service, "/voice/status", fields)
        assert service.journal(fields["CallSid"]) == []


def test_an_end_told_again_after_the_call_was_forgotten_changes_nothing(service: Running) -> None:
    fields = call()
    tell(service, "/voice/status", fields)
    before = service.record(fields["CallSid"])
    service.line.calls.forget([fields["CallSid"]])
    tell(service, "/voice/status", fields)
    assert service.journal(fields["CallSid"]) == []
    assert service.line.store.row(fields["CallSid"]) == before


def test_a_call_began_when_it_was_first_told_of(service: Running) -> None:
    """Nothing worked at first: the document that asks again carries the moment along."""
    first = Mishaps(service.line, service.line.links).document("/incoming", "", {})
    found = re.search(r"(/voice/incoming\?again=1)&amp;since=(\d+\.\d{3})<", first)
    assert found, first
    assert abs(float(found[2]) - time.time()) < 60
    assert found[2] in Mishaps(service.line, service.line.links).document("/incoming", "", {"again": "1", "since": found[2]})
    began = f"{time.time() - 7:.3f}"
    fields = call(CallStatus="ringing")
    assert "<Gather" in tell(service, f"/voice/incoming?again=2&since={began}", fields)
    session = service.line.calls.load(fields["CallSid"])
    assert session is not None
    assert session.started_at.timestamp() == pytest.approx(float(began), abs=0.001)


@pytest.mark.parametrize("since", ["", "1", "-5", "9999999999.000", "1000000000.000", "nan", "<x>"])
def test_a_moment_that_cannot_be_is_not_believed(service: Running, since: str) -> None:
    fields = call(CallStatus="ringing")
    tell(service, f"/voice/incoming?{urlencode({'again': '1', 'since': since})}", fields)
    session = service.line.calls.load(fields["CallSid"])
    assert session is not None
    assert abs(session.started_at.timestamp() - time.time()) < 60


def test_calls_that_only_the_carrier_knew_are_found_in_its_list(
    tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole service was down when they came and when they ended."""
    (tmp_path / "models").mkdir()
    port = free_port()
    settings = read_settings(environment(tmp_path, redis_url, tmp_path / "models", 1, f"http://127.0.0.1:{port}"), port=1)
    line = open_line(settings, speech=False)
    line.store.prepare()
    line.revisions.publish_first(settings.flows_dir)
    with LocalCarrier(
        {"client:*": {"answers_after": "0s"}}, service_url="http://127.0.0.1:1", port=port, account_sid=ACCOUNT, auth_token=TOKEN,
        numbers=(LINE,), speed=20,
    ) as carrier:  # fmt: skip
        assert compare(line) == []  # the first look: what the account did before is not ours
        monkeypatch.setattr("ivr.jobs.comparing.SETTLED", timedelta(seconds=-2))  # what ends now counts at once
        caller = stranger()
        truth = carrier.call(caller, LINE, [{"wait": "1s"}, "hang up"])
        line.carrier.place(
            to="client:ana", from_=LINE, url="http://127.0.0.1:1/", status_url="http://127.0.0.1:1/", ring_seconds=9
        )
        assert compare(line) == [truth.call_sid]
        assert compare(line) == []
    (ended,) = [note for note in line.calls.journal(truth.call_sid) if note.kind == "Ended"]
    assert ended.data["inferred"]
    use_line(line)
    assert close_call(truth.call_sid) == truth.call_sid
    row = line.store.row(truth.call_sid)
    assert row is not None
    assert truth.ended_at is not None
    assert row["from_number"] == caller
    assert abs((row["started_at"] - truth.created_at).total_seconds()) <= 1
    assert abs((row["ended_at"] - truth.ended_at).total_seconds()) <= 1
    line.store.close()
