"""Incremental pulls beside those who write: nothing is passed by, nothing stays where it was erased."""

from __future__ import annotations

from datetime import timedelta

from ivr.records.export import stream
from ivr.records.query import CallQuery, list_calls
from ivr.records.retention import apply_retention, erase_caller
from ivr.records.store import utc_now
from ivr.records.tables import calls
from tests.records.conftest import NOW, MakeStore
from tests.records.journals import answered

LONG_AGO = NOW - timedelta(days=3650)


def test_who_is_still_writing_is_not_passed_by(make_store: MakeStore) -> None:
    store = make_store(clock=utc_now)
    answered(store, "A", NOW)
    answered(store, "B", NOW)
    with store.writing(10) as connection:
        stamp = store.clock()
        connection.execute(calls.update().where(calls.c.call_id == "A"), {"updated_at": stamp, "disposition": "late"})
        meanwhile = list_calls(store, CallQuery(updated_since=LONG_AGO))
        assert meanwhile.as_of <= stamp
        assert all(row["disposition"] is None for row in meanwhile.rows)
    store.clock = lambda: stamp + timedelta(seconds=5)
    following = list_calls(store, CallQuery(updated_since=meanwhile.as_of))
    assert {row["call_id"]: row["disposition"] for row in following.rows}["A"] == "late"


def test_a_whole_pull_says_where_increments_begin(make_store: MakeStore) -> None:
    store = make_store()
    assert list_calls(store, CallQuery()).as_of < NOW
    answered(store, "A", NOW)
    whole = list_calls(store, CallQuery())
    answered(store, "B", NOW + timedelta(minutes=1))
    store.clock = lambda: NOW + timedelta(hours=1)
    found = list_calls(store, CallQuery(updated_since=whole.as_of))
    assert {row["call_id"] for row in found.rows} == {"A", "B"}


def test_who_was_erased_or_forgotten_comes_again_without_the_person(make_store: MakeStore) -> None:
    store = make_store()
    answered(store, "A", NOW, number="+447700900001")
    answered(store, "B", NOW, number="+447700900002")
    store.clock = lambda: NOW + timedelta(days=1)
    erase_caller(store, "+447700900001", NOW + timedelta(days=1), "anna")
    store.clock = lambda: NOW + timedelta(days=2)
    changed = CallQuery(updated_since=NOW + timedelta(hours=1))
    assert [(row["call_id"], row["from_number"]) for row in list_calls(store, changed).rows] == [("A", None)]
    assert b"+447700900001" not in b"".join(stream(store, changed, "ndjson", masked=False))
    store.clock = lambda: NOW + timedelta(days=900)
    apply_retention(store, NOW + timedelta(days=900))
    store.clock = lambda: NOW + timedelta(days=901)
    assert {(row["call_id"], row["from_number"]) for row in list_calls(store, changed).rows} == {("A", None), ("B", None)}
