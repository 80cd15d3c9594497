"""Promised callbacks from the queue to the talk, through the real service and the carrier: dialled once, retried by rule, taken back."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from ivr import keys
from ivr.cli import cli
from routing.estimate import Learned, Moment
from tests.line.running import Running

LINE = "+442079460000"
_numbers = itertools.count(200)


@pytest.fixture
def long_wait(service: Running) -> Iterator[None]:
    """Callers of the general queue have lately waited a quarter of an hour: a callback is offered."""
    service.sign_in("chloe")
    service.line.board.set_state("chloe", "break")
    learned = Learned()
    for n in range(60):
        learned = learned.learn(Moment(n % 3, n % 4, 1, 20.0 * (n % 5), 900.0), 900.0, service.line.now().timestamp())
    service.line.redis.hset(keys.ESTIMATE, "general", json.dumps(learned.to_json()))
    yield
    service.line.redis.hdel(keys.ESTIMATE, "general")
    for promise in service.line.promises.ledger.all():
        if promise.state in ("waiting", "scheduled"):
            service.line.promises.cancel(promise.callback_id, by="end of test")


@pytest.fixture
def promised(service: Running, long_wait: None) -> tuple[str, str]:
    """A caller who chose to be rung back and hung up: (the call, the number)."""
    number = f"+447700900{next(_numbers)}"
    truth = service.carrier.call(
        number, LINE, [{"press": "0"}, {"hear": "call you back"}, {"press": "1"}, {"hear": "ring you"}, "hang up"]
    )
    assert truth.failures == ()
    assert "CallbackPlaced" in service.journal(truth.call_sid)
    return truth.call_sid, number


def api(service: Running, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {service.token('supervisor')}"}
    return httpx.request(method, f"{service.url}/api/v1{path}", json=body, headers=headers, timeout=20)


def dials(service: Running, number: str) -> list[str]:
    """Legs that the service placed to this number."""
    return [truth.call_sid for truth in service.carrier.truths() if truth.to_number == number and truth.direction != "inbound"]


def state_of(service: Running, number: str) -> str:
    return next(row["state"] for row in api(service, "GET", "/callbacks").json()["callbacks"] if row["number"] == number)


def test_a_promised_callback_is_kept(service: Running, promised: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    first, number = promised
    service.carrier.behave(number, {"answers_after": "2s", "talks": "10s"})
    assert state_of(service, number) == "waiting"
    service.line.board.set_state("chloe", "available")
    assert service.until(lambda: "CallbackEnded" in service.journal(first), 20)
    assert service.until(lambda: state_of(service, number) == "done")
    (leg,) = dials(service, number)
    second = service.record(leg)
    assert (second["direction"], second["contact_id"], second["agent"]) == ("outbound", first, "chloe")
    assert second["talk_seconds"] > 0
    asked = service.record(first)
    assert asked["outcome"] == "callback_requested"
    why = api(service, "GET", f"/calls/{leg}/why").json()
    assert (why["answered_by"], why["waited_as"]) == ("chloe", f"CB{first[2:]}")
    for name, value in (("REDIS_URL", service.settings.redis_url), ("IVR_DATA_DIR", service.settings.data_dir)):
        monkeypatch.setenv(name, str(value))
    assert json.loads(CliRunner().invoke(cli, ["calls", "why", leg, "--json"]).stdout) == why


def test_nobody_answers_and_it_is_tried_again_later(service: Running, promised: tuple[str, str]) -> None:
    first, number = promised
    service.carrier.behave(number, "no answer")
    service.line.board.set_state("chloe", "available")
    assert service.until(lambda: "CallbackEnded" in service.journal(first), 25)
    promise = service.line.promises.ledger.get(f"CB{first[2:]}")
    assert (promise.state, promise.attempts, promise.last_result) == ("scheduled", 1, "no_answer")
    assert 880 < promise.next_at - service.line.now().timestamp() <= 900
    assert len(dials(service, number)) == 1
    assert service.until(lambda: service.line.board.agent("chloe").state == "available")


def test_an_answering_machine_is_nobody(service: Running, promised: tuple[str, str]) -> None:
    first, number = promised
    service.carrier.behave(number, "voicemail")
    service.line.board.set_state("chloe", "available")
    assert service.until(lambda: service.line.promises.ledger.get(f"CB{first[2:]}").last_result == "machine", 25)
    promise = service.line.promises.ledger.get(f"CB{first[2:]}")
    assert (promise.state, promise.attempts) == ("scheduled", 1)
    assert service.until(lambda: service.line.board.agent("chloe").state == "available")


def test_a_callback_is_moved_and_taken_back(service: Running, promised: tuple[str, str]) -> None:
    first, number = promised
    path = f"/callbacks/CB{first[2:]}"
    late = service.line.now().replace(microsecond=0).isoformat()
    for body, words in (
        ({"at": "tomorrow"}, "RFC 3339"),
        ({"at": "2020-01-01T10:00:00Z"}, "between now"),
        ({"queue": "sales"}, "no queue"),
        ({}, "say what"),
    ):
        refused = api(service, "PATCH", path, body)
        assert (refused.status_code, words in refused.json()["detail"]) == (422, True), refused.text
    assert api(service, "PATCH", path, {"queue": "technical", "at": late}).json()["queue"] == "technical"
    assert api(service, "DELETE", path).status_code == 204
    assert api(service, "DELETE", path).status_code == 204
    assert state_of(service, number) == "cancelled"
    assert api(service, "PATCH", path, {"queue": "general"}).status_code == 409
    assert api(service, "DELETE", "/callbacks/CBnone").status_code == 404
    assert api(service, "GET", "/callbacks?state=lost").status_code == 400
    assert service.record(first)["outcome"] != "callback_requested"
    assert service.journal(first).count("CallbackEnded") == 1
    assert dials(service, number) == []


def test_taking_it_back_stops_the_phone_that_rings_for_it(service: Running, promised: tuple[str, str]) -> None:
    first, number = promised
    service.carrier.behave("client:chloe", {"answers_after": "100s"})
    service.line.board.set_state("chloe", "available")
    assert service.until(lambda: service.line.board.agent("chloe").state == "ringing", 10)
    assert api(service, "DELETE", f"/callbacks/CB{first[2:]}").status_code == 204
    assert service.until(lambda: service.line.board.agent("chloe").state == "available")
    ringing = [truth for truth in service.carrier.truths() if truth.to_number == "client:chloe"][-1]
    assert service.until(lambda: service.carrier.truth(ringing.call_sid).ended_at is not None)
    assert dials(service, number) == []


def test_a_number_that_may_not_be_rung_any_more_is_given_up(
    service: Running, promised: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, number = promised
    assert service.clock is not None
    line = service.clock.line
    rules = replace(line.configuration.numbers.callbacks, allowed_prefixes=(), regions=("ES",))
    monkeypatch.setattr(
        line, "configuration", replace(line.configuration, numbers=replace(line.configuration.numbers, callbacks=rules))
    )
    service.line.board.set_state("chloe", "available")
    assert service.until(lambda: state_of(service, number) == "gave_up", 20)
    assert dials(service, number) == []
    assert service.until(lambda: service.line.board.agent("chloe").state == "available")
