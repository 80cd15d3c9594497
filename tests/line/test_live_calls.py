"""What is kept of live calls in Redis: one turn is carried out once, and what comes after the end changes nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import redis

from ivr.call import Caller, CallerKind, Session
from ivr.notes import Note
from ivr.sessions import Calls

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
