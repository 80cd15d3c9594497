"""Rollups: kept by recomputing the half-hours that changed, so that they are always exactly what the rows say.

A reader adds the clean half-hours from the rollups and the changed ones from the rows: figures are never stale, whatever the
refreshing job is doing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from ivr.records.columns import from_micros, to_micros
from ivr.records.database import REPORT_SECONDS
from ivr.records.intervals import PERIODS, period, whole_half_hours
from ivr.records.measures import Measure, Thresholds, default_thresholds
from ivr.records.query import NONE
from ivr.records.rolling import COLUMNS, DIMENSIONS, rolled_rows
from ivr.records.rollup_tables import HALF_HOUR_MICROS, rollups
from ivr.records.spread import Spread
from ivr.records.store import Store
from ivr.records.sums import Key, Scope, Sums, sum_rows
from ivr.records.tables import calls, rollup_dirty, visits

_UTC = ZoneInfo("UTC")
_NOTHING = ""  # the key of rows without a value; never shown
_BATCH = 48  # a day: all its calls are in memory at once
_SUM_SECONDS = 600.0


def refresh_rollups(store: Store, *, most: int = 10_000) -> int:
    """Recompute changed half-hours, oldest first; gives how many. Run by a leased periodic job.

    Sums are computed outside the writing transaction, so that calls are recorded meanwhile; a half-hour that changes in between
    stays marked, and readers go on taking it from the rows.
    """
    done = 0
    after = -(10**9)
    while done < most:
        with store.reading(_SUM_SECONDS) as connection:
            oldest = (
                sa.select(rollup_dirty)
                .where(rollup_dirty.c.half_hour > after)
                .order_by(rollup_dirty.c.half_hour)
                .limit(min(_BATCH, most - done))
            )
            due = {row.half_hour: row.marks for row in connection.execute(oldest)}
            if not due:
                break
            rows = [
                row
                for first, last in _runs(list(due))
                for row in rolled_rows(connection, first, last, default_thresholds(store.rules))
            ]
        with store.writing(REPORT_SECONDS) as connection:
            connection.execute(rollups.delete().where(rollups.c.half_hour.in_(list(due))))
            _write(connection, rows)
            unchanged = sa.and_(rollup_dirty.c.half_hour == sa.bindparam("h"), rollup_dirty.c.marks == sa.bindparam("m"))
            connection.execute(
                rollup_dirty.delete().where(unchanged), [{"h": half_hour, "m": marks} for half_hour, marks in due.items()]
            )
        after = max(due)
        done += len(due)
    return done


def rebuild_rollups(store: Store) -> int:
    """Throw all rollups away and compute them again; gives the number of half-hours."""
    half_hours = sa.union(
        sa.select(
            (sa.cast(calls.c.started_at, sa.BigInteger).op("/")(sa.literal_column(str(HALF_HOUR_MICROS)))).label("half_hour")
        ),
        sa.select(
            (sa.cast(visits.c.queued_at, sa.BigInteger).op("/")(sa.literal_column(str(HALF_HOUR_MICROS)))).label("half_hour")
        ),
    ).subquery()
    with store.writing(REPORT_SECONDS * 20) as connection:
        connection.execute(rollups.delete())
        connection.execute(rollup_dirty.delete())
        connection.execute(rollup_dirty.insert().from_select(["half_hour"], sa.select(half_hours.c.half_hour)))
    return refresh_rollups(store, most=10_000_000)


def _runs(half_hours: Sequence[int]) -> list[tuple[int, int]]:
    """Neighbouring half-hours as one range each: `[(first, last), …]`."""
    runs: list[tuple[int, int]] = []
    for half_hour in half_hours:
        if runs and runs[-1][1] == half_hour - 1:
            runs[-1] = (runs[-1][0], half_hour)
        else:
            runs.append((half_hour, half_hour))
    return runs


def _write(connection: sa.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows of COLUMNS the way that costs least: they are many and wide."""
    names = ", ".join(COLUMNS)
    if connection.dialect.name == "postgresql":
        driver: Any = connection.connection.driver_connection
        with driver.cursor() as cursor, cursor.copy(f"COPY rollups ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
    elif rows:
        connection.exec_driver_sql(f"INSERT INTO rollups ({names}) VALUES ({', '.join('?' * len(COLUMNS))})", list(rows))


def usable(store: Store, scope: Scope, groups: Sequence[str], thresholds: Thresholds) -> tuple[str, ...] | None:
    """The dimensions whose rollups can answer this, () for none in particular; None where only the rows can."""
    named = {*(g for g in groups if g not in PERIODS), *scope.filters}
    kept = next((names for names in DIMENSIONS if set(names) == named), None)
    if kept is None or scope.own_agent is not None or "quarter_hour" in groups:
        return None
    aligned = all(to_micros(at) % HALF_HOUR_MICROS == 0 for at in (scope.start, scope.end))
    if not aligned or thresholds != default_thresholds(store.rules) or not whole_half_hours(scope.zone, scope.start, scope.end):
        return None
    return kept


def sum_rollups(
    connection: sa.Connection,
    dimensions: Sequence[str],
    scope: Scope,
    groups: Sequence[str],
    measures: Sequence[Measure],
    spreads: Sequence[str],
    thresholds: Thresholds,
) -> dict[Key, Sums]:
    """As `sum_rows`, from rollups of `dimensions` (see `usable`) where they are clean and from rows elsewhere."""
    first, last = to_micros(scope.start) // HALF_HOUR_MICROS, to_micros(scope.end) // HALF_HOUR_MICROS - 1
    dirty = list(
        connection.scalars(
            sa.select(rollup_dirty.c.half_hour)
            .where(rollup_dirty.c.half_hour.between(first, last))
            .order_by(rollup_dirty.c.half_hour)
        )
    )
    where = [rollups.c.dimension == ",".join(dimensions), rollups.c.half_hour.between(first, last)]
    if dirty:
        where.append(rollups.c.half_hour.not_in(sa.select(rollup_dirty.c.half_hour)))
    column = dict(zip(dimensions, (rollups.c.key, rollups.c.key2), strict=False))
    for name, values in scope.filters.items():
        where.append(column[name].in_([_NOTHING if value == NONE else value for value in values]))
    micros = sa.cast(rollups.c.half_hour, sa.BigInteger) * sa.literal_column(str(HALF_HOUR_MICROS))
    keys: list[Any] = [
        period(g, micros, scope.zone, scope.start, scope.end).label(f"g{n}") if g in PERIODS else column[g].label(f"g{n}")
        for n, g in enumerate(groups)
    ]
    columns = [sa.func.sum(rollups.c[m.name]).label(m.name) for m in measures]
    found: dict[Key, Sums] = {}
    statement = sa.select(*keys, *columns, sa.func.max(rollups.c.last_ended).label("last_ended")).where(*where).group_by(*keys)
    for row in connection.execute(statement):
        mapping = row._mapping
        if mapping["last_ended"] is not None or any(mapping[m.name] for m in measures):
            found[_key(row[: len(keys)], groups)] = Sums(
                {m.name: mapping[m.name] or 0 for m in measures}, {}, mapping["last_ended"]
            )
    for spread in spreads:
        kept = rollups.c[f"spread_{spread}"]
        for row in connection.execute(sa.select(*keys, kept).where(*where, kept.is_not(None))):
            found.setdefault(_key(row[: len(keys)], groups), Sums()).spreads.setdefault(spread, Spread()).merge(
                Spread.from_bytes(row[-1])
            )
    for start, end in _runs(dirty):
        lowest = from_micros(start * HALF_HOUR_MICROS)
        until = lowest + timedelta(minutes=30 * (end - start + 1))
        for key, sums in sum_rows(connection, scope, groups, measures, spreads, thresholds, only=(lowest, until)).items():
            found.setdefault(key, Sums()).add(sums)
    return found


def _key(values: Sequence[Any], groups: Sequence[str]) -> Key:
    return tuple((value or None) if group not in PERIODS else value for group, value in zip(groups, values, strict=True))
