"""Sums of measures by group, from the rows themselves: the way that is always exact, and that rollups are filled from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from ivr.records.intervals import PERIODS, period
from ivr.records.measures import SPREADS, Column, Measure, Source, Thresholds
from ivr.records.query import NONE
from ivr.records.spread import Spread
from ivr.records.tables import calls, legs, visits

Key = tuple[Any, ...]
_TABLES = {Source.CONTACTS: calls, Source.LEGS: legs, Source.VISITS: visits}

# Dimension -> the column it means for each source. What is not named for legs and stays is the call's.
_CALL_COLUMNS = {
    name: calls.c[name]
    for name in (
        "queue",
        "agent",
        "team",
        "intent",
        "flow",
        "revision",
        "language",
        "segment",
        "model",
        "outcome",
        "direction",
        "disposition",
        "customer_id",
        "to_number",
    )
}
DIMENSIONS = tuple("customer" if name == "customer_id" else name for name in _CALL_COLUMNS)
GROUPS = (*DIMENSIONS, *PERIODS)
_OWN: dict[tuple[Source, str], Column] = {
    (Source.LEGS, "agent"): legs.c.agent,
    (Source.LEGS, "team"): sa.func.coalesce(legs.c.team, calls.c.team),
    (Source.LEGS, "queue"): sa.func.coalesce(legs.c.queue, calls.c.queue),
    (Source.LEGS, "disposition"): legs.c.disposition,
    (Source.VISITS, "queue"): visits.c.queue,
}


@dataclass(frozen=True)
class Scope:
    """Which rows are summed: those of [start, end) that pass `filters` (dimension -> values)."""

    start: datetime
    end: datetime
    zone: ZoneInfo
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    own_agent: str | None = None


@dataclass
class Sums:
    """What one group came to."""

    measures: dict[str, float] = field(default_factory=dict)
    spreads: dict[str, Spread] = field(default_factory=dict)
    last_ended: datetime | None = None

    def add(self, other: Sums) -> None:
        """Take in another group of other rows."""
        for name, value in other.measures.items():
            self.measures[name] = self.measures.get(name, 0) + value
        for name, spread in other.spreads.items():
            self.spreads.setdefault(name, Spread()).merge(spread)
        if other.last_ended is not None and (self.last_ended is None or other.last_ended > self.last_ended):
            self.last_ended = other.last_ended


def dimension(source: Source, name: str) -> Column:
    """The column that a dimension means for rows of `source`."""
    return _OWN.get((source, name), _CALL_COLUMNS["customer_id" if name == "customer" else name])


def instant(source: Source) -> Column:
    """The time that puts a row into an interval."""
    return {Source.CONTACTS: calls.c.started_at, Source.LEGS: legs.c.started_at, Source.VISITS: visits.c.queued_at}[source]


def sum_rows(
    connection: sa.Connection,
    scope: Scope,
    groups: Sequence[str],
    measures: Sequence[Measure],
    spreads: Sequence[str],
    thresholds: Thresholds,
    *,
    only: tuple[datetime, datetime] | None = None,
) -> dict[Key, Sums]:
    """Group key (in the order of `groups`) -> sums. `only`: rows of this part of the scope alone."""
    found: dict[Key, Sums] = {}
    # Instead of the scope's bounds, not beside them: SQLite searches its index by the first bound that it finds.
    rows = scope if only is None else replace(scope, start=only[0], end=only[1])
    for source in Source:
        wanted = [m for m in measures if m.source is source]
        spread = [name for name in spreads if SPREADS[name][0] is source]
        if not wanted and not spread:
            continue
        where = within(source, rows)
        keys = _keys(source, scope, groups)
        columns: list[Any] = [sa.func.sum(m.column(thresholds)).label(m.name) for m in wanted]
        if source is Source.CONTACTS:
            columns.append(sa.func.max(calls.c.ended_at).label("last_ended"))
        statement = _from(source, sa.select(*keys, *columns), groups, scope).where(*where).group_by(*keys)
        for row in connection.execute(statement):
            sums = found.setdefault(tuple(row[: len(keys)]), Sums())
            mapping = row._mapping
            sums.measures.update({m.name: mapping[m.name] or 0 for m in wanted})
            sums.last_ended = mapping.get("last_ended") or sums.last_ended
        for name in spread:
            value = SPREADS[name][1]
            single = _from(source, sa.select(*keys, value.label("value")), groups, scope).where(*where, value.is_not(None))
            for row in connection.execute(single.execution_options(yield_per=5000)):
                found.setdefault(tuple(row[: len(keys)]), Sums()).spreads.setdefault(name, Spread()).values.append(row[-1])
    # A group of no rows at all is one row of NULLs when nothing is grouped by.
    return {key: sums for key, sums in found.items() if groups or sums.measures or sums.spreads}


def _keys(source: Source, scope: Scope, groups: Sequence[str]) -> list[Any]:
    micros = sa.cast(instant(source), sa.BigInteger)
    return [
        period(name, micros, scope.zone, scope.start, scope.end).label(f"g{n}")
        if name in PERIODS
        else dimension(source, name).label(f"g{n}")
        for n, name in enumerate(groups)
    ]


def within(source: Source, scope: Scope) -> list[Column]:
    """The conditions on rows of `source` that `scope` sets."""
    at = instant(source)
    where: list[Column] = [at >= scope.start, at < scope.end]
    for name, values in scope.filters.items():
        column = dimension(source, name)
        given = [value for value in values if value != NONE]
        where.append(column.in_(given) if len(given) == len(values) else sa.or_(column.is_(None), column.in_(given)))
    if scope.own_agent is not None:
        where.append(dimension(source, "agent") == scope.own_agent)
    return where


def _from(source: Source, statement: sa.Select[Any], groups: Sequence[str], scope: Scope) -> sa.Select[Any]:
    """Legs and stays are joined with their call only where something of the call is asked for."""
    table = _TABLES[source]
    if source is Source.CONTACTS:
        return statement.select_from(calls)
    named = {*groups, *scope.filters, *(["agent"] if scope.own_agent else [])} - set(PERIODS)
    needs_call = any((source, name) not in _OWN or name in ("team", "queue") for name in named) and not (
        source is Source.VISITS and named <= {"queue"}
    )
    return statement.select_from(table.join(calls, calls.c.call_id == table.c.call_id) if needs_call else table)
