"""The rows of rollups, computed from the rows of calls: each row is read once, and summed for every dimension from memory.

Summing in SQL would read and judge every call once per dimension, of which there are many; here one pass gives the measures of
each row, and whole columns of them are added up by group.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy
import sqlalchemy as sa

from ivr.records.columns import from_micros
from ivr.records.measures import MEASURES, SPREADS, Source, Thresholds
from ivr.records.rollup_tables import CROSSED, HALF_HOUR_MICROS, ROLLED, rollups
from ivr.records.spread import MOST_EXACT, Spread
from ivr.records.sums import dimension, instant
from ivr.records.tables import calls, legs, visits

_TABLES = {Source.CONTACTS: calls, Source.LEGS: legs, Source.VISITS: visits}
DIMENSIONS: tuple[tuple[str, ...], ...] = ((), *((name,) for name in ROLLED), *CROSSED)
COLUMNS = tuple(column.name for column in rollups.columns)
_NOTHING = ""  # the key of rows without a value; never shown
Array = Any  # of numpy; its types say less than the comments


@dataclass(frozen=True)
class _Rows:
    """Rows of one source as columns: half-hours counted from the first, a code per dimension, what each adds to the sums, single values."""

    half_hours: Array
    codes: dict[str, Array]
    measures: dict[str, Array]
    spreads: dict[str, Array]  # NaN where a row has no such value
    last_ended: Array  # of contacts, in microseconds, -1 for none


class _Words:
    """The values of one dimension and their codes, the same for all sources. Code 0: none."""

    def __init__(self) -> None:
        self.words = [_NOTHING]
        self._codes: dict[str | None, int] = {None: 0, _NOTHING: 0}

    def codes(self, column: Sequence[str | None]) -> Array:
        known = self._codes
        for word in column:
            if word not in known:
                known[word] = len(self.words)
                self.words.append(str(word))
        return numpy.array([known[word] for word in column], dtype=numpy.int64)


def rolled_rows(connection: sa.Connection, first: int, last: int, thresholds: Thresholds) -> Iterator[tuple[Any, ...]]:
    """Rows of the table `rollups` for half-hours `first` to `last`, in the order of COLUMNS. Memory grows with the calls in them."""
    words = {name: _Words() for name in ROLLED}
    found = {source: _read(connection, source, first, last, thresholds, words) for source in Source}
    for names in DIMENSIONS:
        yield from _summed(names, first, words, found)


def _read(
    connection: sa.Connection, source: Source, first: int, last: int, thresholds: Thresholds, words: dict[str, _Words]
) -> _Rows:
    table, at = _TABLES[source], sa.type_coerce(instant(source), sa.BigInteger)
    measures = [m for m in MEASURES.values() if m.source is source]
    spreads = {name: value for name, (of, value) in SPREADS.items() if of is source}
    columns: list[Any] = [
        at.label("at"),
        *(dimension(source, name).label(name) for name in ROLLED),
        *(m.column(thresholds).label(f"m{n}") for n, m in enumerate(measures)),
        *(value.label(name) for name, value in spreads.items()),
    ]
    if source is Source.CONTACTS:
        columns.append(sa.type_coerce(calls.c.ended_at, sa.BigInteger).label("ended"))
    chosen = sa.select(*columns).select_from(
        table if source is Source.CONTACTS else table.join(calls, calls.c.call_id == table.c.call_id)
    )
    within = (
        instant(source) >= from_micros(first * HALF_HOUR_MICROS),
        instant(source) < from_micros((last + 1) * HALF_HOUR_MICROS),
    )
    result = connection.execute(chosen.where(*within))
    rows = list(result.cursor.fetchall()) if result.cursor is not None else []
    result.close()
    whole: list[Sequence[Any]] = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    place = 1 + len(ROLLED)
    ended = whole[-1] if source is Source.CONTACTS else ()
    return _Rows(
        half_hours=numpy.array(whole[0], dtype=numpy.int64) // HALF_HOUR_MICROS - first,
        codes={name: words[name].codes(whole[n]) for n, name in enumerate(ROLLED, 1)},
        measures={m.name: numpy.array(whole[place + n], dtype=float) for n, m in enumerate(measures)},
        spreads={name: numpy.array(whole[place + len(measures) + n], dtype=float) for n, name in enumerate(spreads)},
        last_ended=numpy.array([-1 if at is None else at for at in ended], dtype=numpy.int64),
    )


def _summed(
    names: tuple[str, ...], first: int, words: dict[str, _Words], found: dict[Source, _Rows]
) -> Iterator[tuple[Any, ...]]:
    """The rows of one dimension, or of two crossed."""
    widths = [len(words[name].words) for name in names]
    groups = {source: _groups(rows, names, widths) for source, rows in found.items()}
    present = numpy.unique(numpy.concatenate(list(groups.values())))
    places = {source: numpy.searchsorted(present, group) for source, group in groups.items()}
    sums = numpy.zeros((len(present), len(MEASURES)))
    for n, measure in enumerate(MEASURES.values()):
        column = found[measure.source].measures[measure.name]
        sums[:, n] = numpy.bincount(places[measure.source], weights=column, minlength=len(present))
    ended = numpy.full(len(present), -1, dtype=numpy.int64)
    contacts = found[Source.CONTACTS]
    numpy.maximum.at(ended, places[Source.CONTACTS], contacts.last_ended)
    spreads = [_spread_bytes(places[source], found[source].spreads[name], len(present)) for name, (source, _) in SPREADS.items()]
    counted = (sums != 0).any(axis=1).tolist()
    keys = _keys(present, names, widths, words)
    for n, (half_hour, key, key2) in enumerate(keys):
        if counted[n]:
            last = int(ended[n])
            yield (
                ",".join(names), first + half_hour, key, key2, None if last < 0 else last, *sums[n].tolist(), *(spread[n] for spread in spreads),
            )  # fmt: skip


def _groups(rows: _Rows, names: tuple[str, ...], widths: Sequence[int]) -> Array:
    """A number for each row that is equal for rows of the same half-hour and values."""
    group = rows.half_hours
    for name, width in zip(names, widths, strict=True):
        group = group * width + rows.codes[name]
    return group


def _keys(
    groups: Array, names: tuple[str, ...], widths: Sequence[int], words: dict[str, _Words]
) -> Iterator[tuple[int, str, str]]:
    for group in groups.tolist():
        texts: list[str] = []
        rest = group
        for name, width in zip(reversed(names), reversed(widths), strict=True):
            rest, code = divmod(rest, width)
            texts.insert(0, words[name].words[code])
        key, key2 = (*texts, _NOTHING, _NOTHING)[:2]
        yield rest, key, key2


def _spread_bytes(places: Array, values: Array, count: int) -> list[bytes | None]:
    """Per group, its values as `Spread.to_bytes` writes them; None for none."""
    known = ~numpy.isnan(values)
    places, values = places[known], values[known]
    order = numpy.lexsort((values, places))
    places, values = places[order], values[order].astype("<f8")
    bounds = numpy.searchsorted(places, numpy.arange(count + 1))
    written: list[bytes | None] = []
    for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        part = values[start:end]
        if not len(part):
            written.append(None)
        elif len(part) > MOST_EXACT:
            spread = Spread()
            spread.add(part.tolist())
            written.append(spread.to_bytes())
        else:
            written.append(Spread.exact(part.tobytes()))
    return written
