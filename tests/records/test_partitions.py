"""The journal by month on PostgreSQL: made ahead, filled, dropped, and nothing else different from SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest
import sqlalchemy as sa

from ivr.notes import Note
from ivr.records.partitions import drop_before, make_ahead, month_after, parts
from ivr.records.retention import apply_retention
from ivr.records.saving import close_call
from ivr.records.store import Store
from tests.records.conftest import NOW, MakeStore
from tests.records.journals import answered, journal


def named(store: Store) -> list[str]:
    with store.reading() as connection:
        return [part.name for part in parts(connection)]


def without_months(store: Store) -> Store:
    """The store's journal as a new database has it; retention, in any test, makes months."""
    with store.writing(10) as connection:
        for part in parts(connection):
            if part.until is not None:
                connection.exec_driver_sql(f"DROP TABLE {part.name}")
    return store


@pytest.fixture
def monthly(postgres_store: MakeStore) -> Iterator[Store]:
    """A PostgreSQL store whose journal has no months yet; they are taken away afterwards."""
    store = without_months(postgres_store())
    yield store
    without_months(store)


def test_months_are_made_ahead_once(monthly: Store) -> None:
    assert make_ahead(monthly, NOW) == ["events_2026_03", "events_2026_04", "events_2026_05"]
    assert make_ahead(monthly, NOW) == []
    assert make_ahead(monthly, NOW + timedelta(days=31)) == ["events_2026_06"]
    assert named(monthly) == ["events_2026_03", "events_2026_04", "events_2026_05", "events_2026_06", "events_rest"]


def test_a_journal_over_midnight_of_the_month_is_one_journal(monthly: Store) -> None:
    make_ahead(monthly, NOW)
    start = datetime(2026, 3, 31, 23, 59, 50, tzinfo=UTC)
    answered(monthly, "A", start)
    answered(monthly, "A", start)
    assert [note.seq for note in monthly.notes("A")] == [1, 2, 3, 4, 5, 6]
    with monthly.reading() as connection:
        counts = {
            name: connection.scalar(sa.text(f"SELECT count(*) FROM {name}")) for name in ("events_2026_03", "events_2026_04")
        }
    assert counts == {"events_2026_03": 2, "events_2026_04": 4}


def test_what_came_before_its_month_was_made_moves_over(monthly: Store) -> None:
    answered(monthly, "A", NOW)
    before = monthly.notes("A")
    make_ahead(monthly, NOW)
    assert monthly.notes("A") == before
    with monthly.reading() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM events_rest")) == 0


def test_retention_drops_whole_months_and_trims_the_one_it_reaches_into(monthly: Store) -> None:
    make_ahead(monthly, NOW)
    answered(monthly, "OLD", NOW)
    answered(monthly, "YOUNGER", NOW + timedelta(days=40))
    assert drop_before(monthly, month_after(NOW, 1) - timedelta(microseconds=1)) == 0
    done = apply_retention(monthly, NOW + timedelta(days=400 + 40 - 1))
    assert done["events"] == 6
    assert monthly.notes("OLD") == []
    assert len(monthly.notes("YOUNGER")) == 6
    assert "events_2026_03" not in named(monthly)
    assert apply_retention(monthly, NOW + timedelta(days=400 + 41))["events"] == 6
    assert (monthly.row("OLD") or {})["outcome"] == "answered"


def test_late_notes_that_come_side_by_side_are_both_kept(make_store: MakeStore) -> None:
    store = make_store()
    close_call(store, journal("A", NOW, (5, "Ended", {"ended_by": "caller"})), NOW)
    late = [Note("A", "Surveyed", NOW + timedelta(minutes=n), {"question": "csat", "answer": str(n)}) for n in range(1, 7)]
    threads = [Thread(target=close_call, args=(store, [note], NOW)) for note in late]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [note.seq for note in store.notes("A")] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert {note.data["answer"] for note in store.notes("A")[2:]} == set("123456")


def test_sqlite_has_no_months(sqlite_store: MakeStore) -> None:
    assert make_ahead(sqlite_store(), NOW) == []
    assert drop_before(sqlite_store(), NOW) == 0
