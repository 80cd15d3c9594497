"""The journal by month on PostgreSQL: months are made ahead, and whole ones that have been kept long enough are dropped at once.

The journal is by far the largest table and the only one of calls from which rows go. Calls stay for as long as figures do, and are
found by their id: they are one table. On SQLite there is nothing to do, and every function here does nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from ivr.records.columns import to_micros
from ivr.records.database import REPORT_SECONDS
from ivr.records.store import Store

MONTHS_AHEAD = 2
_REST = "events_rest"  # what fits no month: events from before the oldest one, or after a clock that stood still
_LOCK = sa.text("SELECT pg_advisory_xact_lock(7214534)")
_PARTS = sa.text(
    "SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
    " WHERE i.inhparent = 'events'::regclass"
)


@dataclass(frozen=True)
class Part:
    """A partition of the journal; `until`: microseconds, the end of its time (None: the one that holds the rest)."""

    name: str
    until: int | None


def parts(connection: sa.Connection) -> list[Part]:
    """All partitions, in order of time."""
    found = []
    for name, bound in connection.execute(_PARTS):
        end = re.search(r"TO \('?(-?\d+)'?\)", bound)
        found.append(Part(name, int(end[1]) if end else None))
    return sorted(found, key=lambda part: (part.until is None, part.until or 0))


def month_after(at: datetime, months: int) -> datetime:
    """The first instant, by UTC, of the month that comes so many months after that of `at`."""
    day = at.astimezone(UTC)
    number = day.year * 12 + day.month - 1 + months
    return datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)


def make_ahead(store: Store, now: datetime) -> list[str]:
    """Make this month and the next ones where they are missing; gives their names. What waited in the rest for them moves over."""
    if store.dialect != "postgresql":
        return []
    made = []
    with store.writing(REPORT_SECONDS) as connection:
        connection.execute(_LOCK)
        covered = max((part.until for part in parts(connection) if part.until is not None), default=0)
        for ahead in range(MONTHS_AHEAD + 1):
            first, last = month_after(now, ahead), month_after(now, ahead + 1)
            if to_micros(first) < covered:
                continue
            name = f"events_{first:%Y_%m}"
            within = f"at >= {to_micros(first)} AND at < {to_micros(last)}"
            connection.exec_driver_sql(f"CREATE TABLE {name} (LIKE events INCLUDING ALL)")
            connection.exec_driver_sql(
                f"WITH moved AS (DELETE FROM {_REST} WHERE {within} RETURNING *) INSERT INTO {name} SELECT * FROM moved"
            )
            connection.exec_driver_sql(
                f"ALTER TABLE events ATTACH PARTITION {name} FOR VALUES FROM ({to_micros(first)}) TO ({to_micros(last)})"
            )
            made.append(name)
    return made


def drop_before(store: Store, before: datetime) -> int:
    """Drop the months that ended by `before`; gives how many events went with them."""
    if store.dialect != "postgresql":
        return 0
    gone = 0
    with store.writing(REPORT_SECONDS) as connection:
        connection.execute(_LOCK)
        for part in parts(connection):
            if part.until is not None and part.until <= to_micros(before):
                gone += int(connection.scalar(sa.text(f"SELECT count(*) FROM {part.name}")) or 0)
                connection.exec_driver_sql(f"DROP TABLE {part.name}")
    return gone
