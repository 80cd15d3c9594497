"""What is kept of live calls in Redis: one turn is carried out once, and what comes after the end changes nothing."""

from __future__ import annotations

import socket
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis

from ivr.call import Caller, CallerKind, Frame, Session
from ivr.errors import StoreUnavailable
from ivr.notes import Note
from ivr.sessions import Calls, connect

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
CALL = "CA" + "1" * 32


@pytest.fixture
def calls(redis_client: redis.Redis) -> Calls:
    return Calls(redis_client, clock=lambda: AT.timestamp())


@pytest.fixture
def arrived(calls: Calls) -> Session:
    """A call that has just arrived."""
    session = Session(CALL, "c1", Caller(CallerKind.PHONE, "+447700950001"), "+442079460000", "inbound", AT, "en-GB")
    assert calls.commit(session, expected_turn=None, notes=[Note(CALL, "Arrived", AT, {})])
    return session


def test_of_two_deliveries_of_a_turn_one_is_carried_out(calls: Calls, arrived: Session) -> None:
    after = arrived.but(turn=arrived.turn + 1)
    assert calls.commit(
        after, expected_turn=arrived.turn, notes=[Note(CALL, "Heard", AT, {})], delivery="d1", answer="<Response/>"
    )
    assert not calls.commit(after, expected_turn=arrived.turn, notes=[Note(CALL, "Heard", AT, {})], delivery="d2", answer="twice")
    assert [note.kind for note in calls.journal(CALL)] == ["Arrived", "Heard"]
    assert calls.answer(CALL, "d1") == "<Response/>"
    assert calls.answer(CALL, "d2") is None


def test_a_turn_that_loses_against_the_end_does_not_open_the_call_again(calls: Calls, arrived: Session) -> None:
    over = arrived.but(ended=True, turn=arrived.turn + 1)
    assert calls.open_calls() == [CALL]
    assert calls.commit(over, expected_turn=arrived.turn, notes=[Note(CALL, "Ended", AT, {})], happening=f"ended:{CALL}")
    calls.ask_record(CALL)
    assert calls.open_calls() == []
    assert not calls.commit(arrived.but(turn=arrived.turn + 1), expected_turn=arrived.turn)
    assert calls.commit(over.but(turn=over.turn + 1), expected_turn=over.turn, notes=[Note(CALL, "RecordingKept", AT, {})])
    calls.alive(CALL)
    assert calls.open_calls() == []


def test_nothing_in_a_session_is_taken_for_its_turn(calls: Calls, arrived: Session) -> None:
    """The turn is found in the session's text: neither names nor texts of a flow, a caller or a fact may stand in for it."""
    odd = 'a "turn":7 \\"turn":8'
    session = arrived.but(
        turn=1,
        contact_id=odd,
        caller=Caller(CallerKind.PHONE, "+447700950001", odd, odd),
        frames=(Frame(odd, odd, odd),),
        facts={"turn": {"turn": 9}},
        memory={"turn": 9},
        visits={"turn": 9},
    )
    assert calls.commit(session, expected_turn=0)
    assert calls.load(CALL) == session
    for wrong in (0, 7, 8, 9):
        assert not calls.commit(session.but(turn=wrong + 1), expected_turn=wrong)
    assert calls.commit(session.but(turn=2), expected_turn=1)


@pytest.mark.parametrize("over", ["tcp", "unix"])
def test_a_redis_that_takes_what_is_said_and_never_answers_is_given_up(over: str, tmp_path: Path) -> None:
    kind = socket.AF_INET if over == "tcp" else socket.AF_UNIX
    with socket.socket(kind, socket.SOCK_STREAM) as listening:
        listening.bind(("127.0.0.1", 0) if over == "tcp" else str(tmp_path / "redis"))
        listening.listen()
        url = f"redis://127.0.0.1:{listening.getsockname()[1]}/0" if over == "tcp" else f"unix://{tmp_path / 'redis'}?db=0"
        raised: list[BaseException] = []

        def ask() -> None:
            try:
                Calls(connect(url, seconds=0.05)).load(CALL)
            except StoreUnavailable as error:
                raised.append(error)

        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        asking.join(30)
        assert len(raised) == 1
