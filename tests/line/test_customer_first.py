"""Callbacks where the customer is rung first: the agent is held meanwhile, hears nothing ring out, and the customer never loses the place."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import pytest

from ivr.actions import PlaceCallback
from ivr.call import Attestation, Caller, CallerKind, Session
from routing.callbacks import Callback, Mode
from tests.line.running import Running
from webhooks.callback_desk import CallbackDesk

LINE = "+442079460000"
_numbers = itertools.count(600)


@pytest.fixture
def promised(service: Running) -> Iterator[tuple[str, str]]:
    """A promise of a queue that rings customers first: (the call that it came of, the number)."""
    service.sign_in("chloe")
    service.line.board.set_state("chloe", "break")
    number = next(_numbers)
    call_id = f"CA{number:032}"
    placed = Callback(
        f"CB{call_id[2:]}", f"+447700900{number}", "general", service.line.now().timestamp() - 90, call_id=call_id, mode=Mode.CUSTOMER_FIRST
    )  # fmt: skip
    service.line.promises.ledger.place(placed)
    yield call_id, placed.number
    service.line.board.set_state("chloe", "offline")
    if service.line.promises.ledger.get(placed.callback_id).state in ("waiting", "scheduled"):
        service.line.promises.cancel(placed.callback_id, by="end of test")


@pytest.mark.parametrize(("callbacks", "mode"), [("agent_first", Mode.AGENT_FIRST), ("customer_first", Mode.CUSTOMER_FIRST)])
def test_the_queue_says_who_is_rung_first(service: Running, monkeypatch: pytest.MonkeyPatch, callbacks: str, mode: Mode) -> None:
    line = service.line
    queues = {**line.configuration.queues, "general": replace(line.configuration.queues["general"], callbacks=callbacks)}
    monkeypatch.setattr(line, "configuration", replace(line.configuration, queues=queues))
    number = next(_numbers)
    caller = Caller(CallerKind.PHONE, f"+447700900{number}", attestation=Attestation.FULL)
    session = Session(f"CA{number:032}", "contact", caller, LINE, "inbound", line.now(), "en-GB")
    line.promises.place(session, PlaceCallback("general", f"+447700900{number}"))
    assert line.promises.ledger.get(f"CB{number:032}").mode is mode
    [shown] = [row for row in CallbackDesk(line).all_callbacks(None) if row["id"] == f"CB{number:032}"]
    assert shown["rings_first"] == callbacks.removesuffix("_first")
    line.promises.cancel(f"CB{number:032}", by="end of test")


def legs(service: Running, address: str) -> list[str]:
    """Legs that the service placed to this address, the latest last."""
    return [truth.call_sid for truth in service.carrier.truths() if truth.to_number == address and truth.direction != "inbound"]


def agent_legs(service: Running, since: int) -> list[str]:
    return legs(service, "client:chloe")[since:]


def test_the_customer_is_rung_first_and_the_agent_only_then(service: Running, promised: tuple[str, str]) -> None:
    first, number = promised
    rung_before = len(legs(service, "client:chloe"))
    service.carrier.behave(number, {"answers_after": "3s", "talks": "10s"})
    service.line.board.set_state("chloe", "available")
    assert service.until(lambda: legs(service, number) != [], 15)
    assert service.line.board.agent("chloe").state == "reserved" and agent_legs(service, rung_before) == []
    assert service.until(lambda: "CallbackEnded" in service.journal(first), 30)
    (leg,) = legs(service, number)
    record = service.record(leg)
    assert (record["direction"], record["contact_id"], record["agent"]) == ("outbound", first, "chloe")
    assert record["talk_seconds"] > 0
    assert len(agent_legs(service, rung_before)) == 1
    assert service.line.promises.ledger.get(f"CB{first[2:]}").state == "done"
    heard = " ".join(service.carrier.truth(leg).heard)
    assert "call back that you asked for" in heard


def test_a_customer_who_does_not_answer_costs_the_agent_nothing(service: Running, promised: tuple[str, str]) -> None:
    first, number = promised
    rung_before = len(legs(service, "client:chloe"))
    service.carrier.behave(number, "busy")
    service.line.board.set_state("chloe", "available")
    assert service.until(lambda: "CallbackEnded" in service.journal(first), 25)
    promise = service.line.promises.ledger.get(f"CB{first[2:]}")
    assert (promise.state, promise.attempts, promise.last_result) == ("scheduled", 1, "busy")
    assert agent_legs(service, rung_before) == []
    chloe = service.line.board.agent("chloe")
    assert (chloe.state, chloe.missed_offers, chloe.ready_at) == ("available", 0, None)


def test_the_agent_refuses_and_the_customer_waits_on_in_the_old_place(service: Running, promised: tuple[str, str]) -> None:
    first, number = promised
    service.carrier.behave(number, {"answers_after": "1s", "talks": "60s"})
    service.carrier.behave("client:chloe", "declines")
    service.line.board.set_state("chloe", "available")
    assert service.until(lambda: legs(service, number) != [], 15)
    (leg,) = legs(service, number)
    assert service.until(lambda: service.line.board.position(leg) == 1, 30)
    waiting = service.line.board.waiting_call(leg)
    promise = service.line.promises.ledger.get(f"CB{first[2:]}")
    assert waiting is not None and abs(waiting.arrived_at - promise.arrived_at) < 1
    assert promise.state == "talking" and service.line.board.position(promise.callback_id) is None
    # The customer loses patience: it is tried once more.
    service.carrier.hang_up(leg)
    assert service.until(lambda: service.line.promises.ledger.get(promise.callback_id).state == "scheduled", 15)
    again = service.line.promises.ledger.get(promise.callback_id)
    assert (again.last_result, again.attempts) == ("abandoned", 1)
    assert service.line.board.position(leg) is None


def test_the_customer_hangs_up_while_the_agents_phone_rings(service: Running, promised: tuple[str, str]) -> None:
    first, number = promised
    service.carrier.behave(number, {"answers_after": "1s", "talks": "60s"})
    service.carrier.behave("client:chloe", {"answers_after": "100s"})
    service.line.board.set_state("chloe", "available")
    assert service.until(lambda: service.line.board.agent("chloe").state == "ringing", 20)
    (leg,) = legs(service, number)
    ringing = legs(service, "client:chloe")[-1]
    service.carrier.hang_up(leg)
    assert service.until(lambda: service.carrier.truth(ringing).ended_at is not None, 15)
    assert service.until(lambda: service.line.board.agent("chloe").state == "available", 15)
    assert service.line.promises.ledger.get(f"CB{first[2:]}").last_result == "abandoned"


def test_the_agent_goes_away_while_the_customers_phone_rings(service: Running, promised: tuple[str, str]) -> None:
    _, number = promised
    service.carrier.behave(number, {"answers_after": "4s", "talks": "60s"})
    service.line.board.set_state("chloe", "available")
    assert service.until(lambda: legs(service, number) != [], 15)
    service.line.switchboard.withdraw(service.line.board.set_state("chloe", "break").withdrawn)
    (leg,) = legs(service, number)
    assert service.until(lambda: service.line.board.position(leg) == 1, 20)
    service.line.board.set_state("chloe", "available")
    service.line.switchboard.offer()
    assert service.until(lambda: "Connected" in service.journal(leg), 20)
