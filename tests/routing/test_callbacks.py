"""The ledger of promised callbacks: place kept, one dial at a time, retried by rule, moved, cancelled, never forgotten."""

from __future__ import annotations

from dataclasses import replace

import pytest
import redis
from floors import Hall, check_invariants

from routing.board import Board
from routing.callbacks import Callback, CallbackBusy, CallbackRefused, CallbackState, Caps, Ledger, Mode, RetryRule
from routing.model import Agent, Queue, Unknown

NUMBER = "+447700900123"


def office(client: redis.Redis, **options: object) -> tuple[Hall, Ledger]:
    floor = Hall(client, [Agent("ana"), Agent("ben")], [Queue("general"), Queue("billing")])
    return floor, Ledger(client, floor.board, **options)  # type: ignore[arg-type]


def let_wait(floor: Hall, ledger: Ledger) -> list[str]:
    """What the clock does with what is due."""
    due = [one for one in ledger.due() if not one.doubt]
    for one in due:
        floor.board.enter(one.callback.waiting_call())
    return [one.callback.callback_id for one in due]


def test_the_place_in_the_queue_is_kept(redis_client: redis.Redis) -> None:
    floor, ledger = office(redis_client)
    floor.board.set_state("ana", "break")
    floor.enter("first")
    floor.clock.pass_seconds(60)
    floor.enter("leaver")
    floor.clock.pass_seconds(60)
    floor.enter("later")
    arrived_at = floor.clock.now - 60
    floor.board.leave("leaver", "callback")
    ledger.place(Callback("cb1", NUMBER, "general", arrived_at, context={"why": "refund"}))
    assert let_wait(floor, ledger) == ["cb1"]
    assert [one.call_id for one in floor.board.snapshot().waiting] == ["first", "cb1", "later"]
    floor.board.leave("first", "left")
    floor.sign_in("ana")
    [offer] = floor.board.match()
    assert (offer.call_id, offer.kind) == ("cb1", "callback")
    assert ledger.get("cb1").context == {"why": "refund"}


def test_agent_first_to_the_end(redis_client: redis.Redis) -> None:
    floor, ledger = office(redis_client)
    floor.sign_in("ana")
    ledger.place(Callback("cb1", NUMBER, "general", floor.clock.now))
    let_wait(floor, ledger)
    [offer] = floor.board.match()
    assert floor.board.accept(offer.token)
    assert ledger.begin_dial("cb1", offer.token) == 1 and ledger.begin_dial("cb1", offer.token) == 1
    ledger.dialled("cb1", offer.token, "CA9")
    assert ledger.get("cb1").leg_id == "CA9"
    assert ledger.dial_ended("cb1", offer.token, "answered").state is CallbackState.TALKING
    assert ledger.dial_ended("cb1", offer.token, "answered").state is CallbackState.TALKING
    floor.board.talk_ended("ana", "cb1")
    assert ledger.dial_ended("cb1", offer.token, "talked").state is CallbackState.DONE
    assert ledger.dial_ended("cb1", offer.token, "no_answer").state is CallbackState.DONE
    floor.clock.pass_seconds(10_000)
    assert not ledger.due() and not floor.board.match()
    check_invariants(redis_client, floor.board, drained=True)


def test_retried_by_rule_then_given_up_and_the_place_is_kept_each_time(redis_client: redis.Redis) -> None:
    floor, ledger = office(redis_client, retries=RetryRule(most_attempts=3, after_seconds={"no_answer": 900, "machine": 3600}))
    floor.sign_in("ana")
    start = floor.clock.now
    ledger.place(Callback("cb1", NUMBER, "general", start))
    waits = []
    for result in ("no_answer", "machine", "no_answer"):
        while not let_wait(floor, ledger):
            floor.clock.pass_seconds(60)
        waits.append(floor.clock.now - start)
        [offer] = floor.board.match()
        floor.board.accept(offer.token)
        assert ledger.begin_dial("cb1", offer.token)
        assert ledger.get("cb1").waiting_call().arrived_at == start
        ledger.dial_ended("cb1", offer.token, result)
        floor.board.talk_ended("ana", "cb1", wrap_up=False)
    assert waits == [0, 900, 4500]
    gone = ledger.get("cb1")
    assert (gone.state, gone.attempts, gone.last_result) == (CallbackState.GAVE_UP, 3, "no_answer")
    check_invariants(redis_client, floor.board, drained=False)


def test_an_agent_who_declines_is_no_attempt(redis_client: redis.Redis) -> None:
    floor, ledger = office(redis_client)
    floor.sign_in("ana")
    ledger.place(Callback("cb1", NUMBER, "general", floor.clock.now))
    let_wait(floor, ledger)
    [offer] = floor.board.match()
    floor.board.accept(offer.token)
    ledger.begin_dial("cb1", offer.token)
    after = ledger.dial_ended("cb1", offer.token, "agent_gone")
    assert (after.state, after.attempts) == (CallbackState.WAITING, 0)


def test_survives_a_process_that_dies_at_each_step(redis_client: redis.Redis) -> None:
    floor, ledger = office(redis_client)
    ledger.place(Callback("cb1", NUMBER, "general", floor.clock.now))
    assert [one.doubt for one in ledger.due()] == [False]  # and dies before it enters the board
    assert not ledger.due()
    floor.clock.pass_seconds(30)
    reborn = Board(redis_client, floor.group, floor.clock)
    reborn.load()
    second = Ledger(redis_client, reborn)
    assert let_wait(floor, second) == ["cb1"]
    floor.sign_in("ana")
    floor.clock.pass_seconds(30)
    assert let_wait(floor, second) == ["cb1"]  # entered once, however often it is handed out
    [offer] = floor.board.match()
    assert second.begin_dial("cb1", offer.token) == 1  # and dies before the carrier is asked, or after: nobody knows
    floor.clock.pass_seconds(90)
    [due] = ledger.due()
    assert due.doubt and due.callback.dial_token == offer.token
    ledger.dial_lives("cb1")
    assert not ledger.due()
    floor.clock.pass_seconds(30)
    assert ledger.due()[0].doubt
    assert ledger.dial_ended("cb1", offer.token, "failed").state is CallbackState.SCHEDULED


def test_scheduled_moved_and_cancelled(redis_client: redis.Redis) -> None:
    floor, ledger = office(redis_client)
    floor.sign_in("ana")
    tomorrow = floor.clock.now + 86_400
    placed = ledger.place(Callback("cb1", NUMBER, "general", floor.clock.now, at=tomorrow, mode=Mode.CUSTOMER_FIRST))
    assert placed.state is CallbackState.SCHEDULED and placed.mode is Mode.CUSTOMER_FIRST
    assert not ledger.due()
    moved = ledger.move("cb1", at=floor.clock.now + 3600, by="agent ana")
    assert moved.at == floor.clock.now + 3600 and moved.changed_by == "agent ana"
    floor.clock.pass_seconds(3600)
    floor.board.set_state("ana", "break")
    assert let_wait(floor, ledger) == ["cb1"] and floor.board.position("cb1") == 1
    ledger.move("cb1", queue="billing")
    assert floor.board.position("cb1") is None and let_wait(floor, ledger) == ["cb1"]
    assert [one.queue for one in floor.board.snapshot().waiting] == ["billing"]
    assert ledger.cancel("cb1").state is CallbackState.CANCELLED and ledger.cancel("cb1").state is CallbackState.CANCELLED
    assert floor.board.position("cb1") is None
    floor.clock.pass_seconds(90_000)
    assert not ledger.due()
    with pytest.raises(CallbackBusy, match="callback cb1 is cancelled"):
        ledger.move("cb1", at=floor.clock.now)
    with pytest.raises(Unknown):
        ledger.cancel("cb9")
    with pytest.raises(Unknown):
        ledger.move("cb1", queue="elsewhere")


def test_cannot_be_moved_or_cancelled_while_it_is_dialled(redis_client: redis.Redis) -> None:
    floor, ledger = office(redis_client)
    ledger.place(Callback("cb1", NUMBER, "general", floor.clock.now))
    ledger.begin_dial("cb1", "t")
    for change in (lambda: ledger.cancel("cb1"), lambda: ledger.move("cb1", at=floor.clock.now + 60)):
        with pytest.raises(CallbackBusy, match="is dialling"):
            change()


def test_caps_per_number_day_and_hour(redis_client: redis.Redis) -> None:
    floor, ledger = office(redis_client, caps=Caps(open_per_number=1, per_number_per_day=2, per_hour=4))
    promise = Callback("a1", NUMBER, "general", floor.clock.now)
    ledger.place(promise)
    assert ledger.place(promise).callback_id == "a1"  # told twice: one promise
    with pytest.raises(CallbackRefused, match="already promised"):
        ledger.place(replace(promise, callback_id="a2"))
    ledger.cancel("a1")
    ledger.place(replace(promise, callback_id="a2"))
    ledger.cancel("a2")
    with pytest.raises(CallbackRefused) as refused:
        ledger.place(replace(promise, callback_id="a3"))
    assert refused.value.rule == "per_day"
    for number in range(2):
        ledger.place(Callback(f"b{number}", f"+4477009001{number:02}", "general", floor.clock.now))
    with pytest.raises(CallbackRefused) as refused:
        ledger.place(Callback("b9", "+447700900199", "general", floor.clock.now))
    assert refused.value.rule == "per_hour"
    assert {one.callback_id for one in ledger.all()} == {"a1", "a2", "b0", "b1"}
    assert {one.callback_id for one in ledger.all("cancelled")} == {"a1", "a2"}
    with pytest.raises(Unknown):
        ledger.place(Callback("c", NUMBER, "elsewhere", floor.clock.now))


def test_the_sweep_leaves_callbacks_where_they_are(redis_client: redis.Redis) -> None:
    floor, ledger = office(redis_client)
    floor.sign_in("ana")
    ledger.place(Callback("cb1", NUMBER, "general", floor.clock.now))
    let_wait(floor, ledger)
    floor.board.set_state("ana", "offline")
    floor.clock.pass_seconds(20_000)
    swept = floor.board.sweep()
    assert not swept.overdue and not swept.nobody and not swept.silent
    assert floor.board.position("cb1") == 1
