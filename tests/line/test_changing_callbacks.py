"""A promised callback changed by the customer: by keypad in a second call, and on the page behind a texted link."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest

from ivr.actions import ChangeCallback, PlaceCallback
from ivr.call import Attestation, Caller, CallerKind, Keyed, Session
from ivr.engine import Turn, take_turn
from ivr.jobs.promise_links import GOOD_SECONDS, promise_link
from routing.callbacks import Callback
from tests.line.running import Running
from webhooks.turns import Turns

LINE = "+442079460000"
DIAL = "dial-of-the-test"
_numbers = itertools.count(300)


@pytest.fixture
def promise(service: Running) -> Iterator[Callback]:
    """A promise that waits for its turn: nobody is signed in."""
    number = next(_numbers)
    call_id = f"CA{number:032}"
    placed = Callback(
        f"CB{call_id[2:]}", f"+447700900{number}", "general", service.line.now().timestamp(), call_id=call_id, language="en-GB"
    )
    yield service.line.promises.ledger.place(placed)
    left = service.line.promises.ledger.get(placed.callback_id)
    if left.state in ("waiting", "scheduled"):
        service.line.promises.cancel(left.callback_id, by="end of test")


def state_of(service: Running, promise: Callback) -> str:
    return service.line.promises.ledger.get(promise.callback_id).state


def open_time(service: Running) -> datetime:
    """The day after tomorrow, or later, at an hour at which the queue is open; local time."""
    hours = service.line.board.queue("general").hours
    at = (
        service.line.now()
        .astimezone(ZoneInfo(service.line.configuration.timezone))
        .replace(hour=11, minute=30, second=0, microsecond=0)
    )
    return next(day for n in range(2, 20) if hours is None or hours.open_at(day := at + timedelta(days=n)))


def test_by_keypad_it_is_moved_and_taken_back(service: Running, promise: Callback) -> None:
    moved = service.carrier.call(
        promise.number, LINE, [{"hear": "promised to call you back"}, {"press": "1"}, {"hear": "When shall we"}, {"press": "1130"}, {"hear": "We will call you"}]
    )  # fmt: skip
    assert moved.failures == ()
    assert service.until(lambda: state_of(service, promise) == "scheduled")
    at = service.line.promises.ledger.get(promise.callback_id).at
    local = datetime.fromtimestamp(at or 0, ZoneInfo(service.line.configuration.timezone))
    assert (local.hour, local.minute) == (11, 30)
    assert service.line.promises.ledger.get(promise.callback_id).changed_by == "caller"
    assert "CallbackMoved" in service.journal(promise.call_id)

    taken_back = service.carrier.call(
        promise.number, LINE, [{"hear": "promised to call you back"}, {"press": "2"}, {"hear": "will not call"}, "hang up"]
    )
    assert taken_back.failures == ()
    assert service.until(lambda: state_of(service, promise) == "cancelled")
    assert service.journal(promise.call_id)[-1] == "CallbackEnded"


def dialling(service: Running, promise: Callback) -> None:
    """The promise is dialled from now on, as far as the ledger knows."""
    assert service.until(lambda: service.line.promises.ledger.begin_dial(promise.callback_id, DIAL) == 1)


def test_in_the_second_of_dialling_the_caller_hears_that_we_are_ringing(service: Running, promise: Callback) -> None:
    sid = service.carrier.place_by_hand(promise.number, LINE, patient=True)

    def heard(words: str) -> bool:
        return any(words in text for text in service.carrier.truth(sid).heard)

    assert service.until(lambda: heard("If you no longer need"))
    dialling(service, promise)
    assert service.until(lambda: service.carrier.press(sid, "2"))
    assert service.until(lambda: heard("ringing you at this very moment"))
    assert not heard("will not call you back")
    service.carrier.hang_up(sid)
    with httpx.Client(timeout=20) as browser:
        refused = browser.post(promise_link(service.line, promise), data={"act": "cancel"})
    assert (refused.status_code, "ringing you at this moment" in refused.text) == (409, True)
    assert state_of(service, promise) == "dialling"
    service.line.promises.ledger.dial_ended(promise.callback_id, DIAL, "failed")


def test_a_dial_that_begins_within_the_turn_is_not_confirmed_away(service: Running, promise: Callback) -> None:
    sid = service.carrier.place_by_hand(promise.number, LINE, patient=True)
    assert service.until(lambda: any("If you no longer need" in text for text in service.carrier.truth(sid).heard))
    session = service.line.calls.load(sid)
    assert session is not None
    live, pressed = service.line.live(session.revision), Keyed(sid, "the-key", service.line.now(), "2")
    taken: list[Turn] = []

    def take() -> Turn:
        taken.append(take_turn(live.bundle, session, pressed, live.world()))
        if len(taken) == 1:
            dialling(service, promise)
        return taken[-1]

    turn = Turns(service.line, service.line.links).settled(take)
    assert any(
        isinstance(action, ChangeCallback) for action in taken[0].actions
    )  # it could still be changed when the key was pressed
    assert "ringing you at this very moment" in str(turn.actions) and "will not call you back" not in str(turn.actions)
    assert state_of(service, promise) == "dialling"
    service.carrier.hang_up(sid)
    service.line.promises.ledger.dial_ended(promise.callback_id, DIAL, "failed")


def test_nobody_else_hears_of_it(service: Running, promise: Callback) -> None:
    service.carrier.call("+447700900299", LINE, [{"hear": "Tell me in a few words"}, "hang up"])
    service.carrier.call("anonymous", LINE, [{"hear": "Tell me in a few words"}, "hang up"])
    assert state_of(service, promise) == "waiting"


def test_the_link_shows_moves_and_cancels(service: Running, promise: Callback) -> None:
    link = promise_link(service.line, promise)
    with httpx.Client(timeout=20) as browser:
        for _ in range(2):  # a scanner of links, then the customer
            seen = browser.get(link)
            assert (seen.status_code, state_of(service, promise)) == (200, "waiting")
        assert f"ends in {promise.number[-2:]} as soon as it is your turn" in seen.text
        assert promise.number not in seen.text and "<script" not in seen.text
        assert seen.headers["Cache-Control"] == "no-store" and "default-src 'none'" in seen.headers["Content-Security-Policy"]

        at = open_time(service)
        answer = browser.post(link, data={"act": "move", "at": f"{at:%Y-%m-%dT%H:%M}"})
        assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (303, "/callback")
        assert service.line.promises.ledger.get(promise.callback_id).at == at.timestamp()
        assert "11:30" in browser.get(link).text
        for nonsense in ("", "soon", f"{at + timedelta(days=60):%Y-%m-%dT%H:%M}", "2020-01-01T10:00"):
            refused = browser.post(link, data={"act": "move", "at": nonsense})
            assert (refused.status_code, "choose a time" in refused.text) == (422, True), nonsense

        for _ in range(2):
            assert browser.post(link, data={"act": "cancel"}).status_code == 303
        gone = browser.get(link)
        assert "is cancelled" in gone.text and "<form" not in gone.text
        assert browser.post(link, data={"act": "move", "at": f"{at:%Y-%m-%dT%H:%M}"}).status_code == 409
    assert service.journal(promise.call_id).count("CallbackEnded") == 1


def test_a_link_is_good_for_its_promise_only_and_not_for_ever(service: Running, promise: Callback) -> None:
    link = promise_link(service.line, promise)
    for spoilt in (
        link[:-1] + ("0" if link[-1] != "0" else "1"),
        link.replace(promise.callback_id, "CBother"),
        re.sub(r"until=\d+", "until=9999999999", link),
        re.sub(r"until=\d+", "until=never", link),
        link.partition("?")[0],
    ):
        assert httpx.post(spoilt, data={"act": "cancel"}, timeout=20).status_code == 404, spoilt
    past = service.line.now().timestamp() - 60
    expired = service.line.links.sealed("/callback", promise.callback_id, c=promise.callback_id, until=int(past))
    assert httpx.post(expired, data={"act": "cancel"}, timeout=20).status_code == 410
    assert int(re.findall(r"until=(\d+)", link)[0]) - service.line.now().timestamp() <= GOOD_SECONDS
    assert state_of(service, promise) == "waiting"


def test_the_link_is_texted_with_the_promise(service: Running) -> None:
    number = f"+447700900{next(_numbers)}"
    call_id = f"CA{number[-3:]:0>32}"
    caller = Caller(CallerKind.PHONE, number, attestation=Attestation.FULL)
    session = Session(call_id, call_id, caller, LINE, "inbound", service.line.now(), "en-GB")
    service.line.promises.place(
        session, PlaceCallback("general", number, at=open_time(service).isoformat(), text="Acme: we will call you back.")
    )
    assert service.until(lambda: service.carrier.texts(number) != [], 15)
    (text,) = service.carrier.texts(number)
    words, _, link = text.body.rpartition(" ")
    assert words == "Acme: we will call you back."
    assert "11:30" in httpx.get(link, timeout=20).text
    [placed] = [note.data for note in service.line.calls.journal(call_id) if note.kind == "CallbackPlaced"]
    assert placed["at"] == open_time(service).isoformat()
    service.line.promises.cancel(f"CB{call_id[2:]}", by="end of test")
