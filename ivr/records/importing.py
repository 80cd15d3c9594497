"""History from other systems: all of a file or nothing, while calls are being recorded.

Rows become records without a journal: they count in every figure, and cannot be recomputed. A file passes through stages, each in
small transactions, so that nobody who writes waits for long:

reading   every line is checked and waits in a table of its own; with one bad row all of them are thrown away
moving    all are good: they become calls. From here on the import only goes forward, whoever carries it on
contacts  calls of one contact are counted together
people    repeats are looked for among all calls of the people concerned
marking   half-hours are marked for the rollups
clearing  the rows that waited are deleted
"""

from __future__ import annotations

import io
import json
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from itertools import islice
from typing import Any, TextIO

import sqlalchemy as sa

from ivr.errors import StoreUnavailable
from ivr.records.columns import to_micros
from ivr.records.import_parts import COLUMNS, UPDATED_AT, end_of, parts_of, person_of
from ivr.records.import_reading import BadRow, GoodRow, read_rows
from ivr.records.import_tables import import_rows, imports
from ivr.records.judging import judge_people
from ivr.records.rollup_tables import half_hour_of, mark_dirty
from ivr.records.saving import settle
from ivr.records.store import Store
from ivr.records.tables import calls

MOST_PROBLEMS = 1000
ABANDONED_AFTER = timedelta(minutes=2)  # nobody has carried an import on for so long: its process is gone
_AIM_SECONDS = 0.2  # of one transaction
# SQLite's writers wait by looking every tenth of a second: they need a longer moment in which nobody writes, now and then.
_MOST_HELD_SECONDS = 0.4
_PAUSE_SECONDS = 0.11
_FEWEST, _MOST = 150, 2000  # fewer would cost more in statements than in rows
_TRIES = 30
_JSON = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False).encode
Progress = Callable[[str, int], None]
"""Is told the stage and how many rows, people or half-hours it has done."""


class Stage(StrEnum):
    """How far an import has come."""

    READING = "reading"
    MOVING = "moving"
    CONTACTS = "contacts"
    PEOPLE = "people"
    MARKING = "marking"
    CLEARING = "clearing"
    DONE = "done"


_FOLLOWING = dict(zip(Stage, list(Stage)[1:], strict=False))


@dataclass(frozen=True)
class Imported:
    """How many calls were written, and which rows forbade it: with a bad row, nothing is written. `bad` holds the first MOST_PROBLEMS of
    `problems`."""

    written: int
    bad: tuple[BadRow, ...] = ()
    problems: int = 0


def import_calls(store: Store, source: TextIO | str, form: str, now: datetime, progress: Progress | None = None) -> Imported:
    """Take in a file. Calls that are known already are replaced where they were imported, and refused where they were taken here.

    Raises StoreUnavailable where the database goes away; whatever was good to go is carried on by `carry_on`, the rest is thrown away.
    """
    source = io.StringIO(source) if isinstance(source, str) else source
    reading = _Reading(store, now, progress or _silently)
    reading.take(read_rows(source, form))
    under_way = _UnderWay(store, reading.import_id, now, progress or _silently)
    if reading.problems:
        under_way.throw_away()
        return Imported(0, tuple(reading.bad), reading.problems)
    under_way.decide(reading.first, reading.last)
    under_way.finish()
    return Imported(reading.read)


def carry_on(store: Store, now: datetime, seconds: float | None = None) -> int:
    """Finish the imports whose process is gone: those that were good to go are moved, others thrown away. Gives how many were finished; at
    most `seconds` are spent. Run by a leased periodic job and by the next import; two at once do no harm."""
    with store.reading() as connection:
        left = sa.select(imports).where(imports.c.state != Stage.DONE, imports.c.touched_at < now - ABANDONED_AFTER)
        rows = connection.execute(left.order_by(imports.c.made_at)).all()
    ends = None if seconds is None else time.monotonic() + seconds
    finished = 0
    for row in rows:
        under_way = _UnderWay(store, row.import_id, now, _silently, ends)
        finished += under_way.throw_away() if row.state == Stage.READING else under_way.finish()
    return finished


def _silently(stage: str, done: int) -> None:
    pass


class _Pace:
    """How much is done in one transaction, by how long the last one took; and the pause after it, for others who write."""

    def __init__(self, store: Store) -> None:
        self.size = _FEWEST
        self._one_writer = store.dialect == "sqlite"
        self._held_seconds = 0.0

    def took(self, seconds: float) -> None:
        self.size = max(_FEWEST, min(_MOST, int(self.size * min(2.0, _AIM_SECONDS / max(seconds, 0.001)))))
        self._held_seconds += seconds
        if self._one_writer and self._held_seconds > _MOST_HELD_SECONDS:
            self._held_seconds = 0.0
            time.sleep(_PAUSE_SECONDS)


class _Reading:
    """The first stage."""

    def __init__(self, store: Store, now: datetime, progress: Progress) -> None:
        self._store, self._now, self._progress = store, now, progress
        self._pace = _Pace(store)
        self.import_id = secrets.token_hex(8)
        self.bad: list[BadRow] = []
        self.read = self.problems = 0
        self.first: datetime | None = None
        self.last: datetime | None = None
        row = {"import_id": self.import_id, "state": Stage.READING, "made_at": now, "touched_at": now}
        with store.writing(10) as connection:
            connection.execute(imports.insert(), row)

    def take(self, rows: Iterator[GoodRow | BadRow]) -> None:
        """Let every good row wait, and count the bad ones."""
        while batch := list(islice(rows, self._pace.size)):
            good = [row for row in batch if isinstance(row, GoodRow)]
            self._refuse(row for row in batch if isinstance(row, BadRow))
            staged = [self._staged(row) for row in good]
            _patiently(partial(self._keep, staged), self._pace)
            self._progress(Stage.READING, self.read)
        self.bad.sort(key=lambda row: row.line)

    def _refuse(self, rows: Iterable[BadRow]) -> None:
        for row in rows:
            self.problems += 1
            if len(self.bad) < MOST_PROBLEMS:
                self.bad.append(row)

    def _staged(self, good: GoodRow) -> list[Any]:
        self.read += 1
        row = good.values
        started, ended = row["started_at"], end_of(row)
        self.first = min(self.first or started, started)
        self.last = max(self.last or ended, ended)
        parts = _JSON(parts_of(row, self._store.rules, self._now))
        queued = None if row["queued_at"] is None else to_micros(row["queued_at"])
        contact_id, person = row["contact_id"] or row["call_id"], person_of(row, self._store.rules)
        return [self.import_id, self.read, good.line, row["call_id"], contact_id, person, to_micros(started), queued, parts]

    def _keep(self, staged: list[list[Any]]) -> None:
        with self._store.writing(10) as connection:
            known = _lines_of(connection, self.import_id, [row[3] for row in staged])
            own = _own(connection, [row[3] for row in staged])
            fresh = []
            for row in staged:
                line, call_id = row[2], row[3]
                if call_id in known:
                    self._refuse([BadRow(line, f"call_id {call_id} stands in line {known[call_id]} already")])
                    continue
                if call_id in own:
                    self._refuse([BadRow(line, f"call {call_id} was taken by this system: its record comes from its journal")])
                known[call_id] = line
                fresh.append(row)
            _insert(connection, import_rows, tuple(import_rows.c.keys()), fresh)
            touched = imports.update().where(imports.c.import_id == self.import_id)
            connection.execute(touched, {"lines": self.read, "touched_at": self._store.clock()})


class _UnderWay:
    """An import whose rows wait in the table, from whatever stage it is in."""

    def __init__(self, store: Store, import_id: str, now: datetime, progress: Progress, ends: float | None = None) -> None:
        self._store, self._import_id, self._now, self._progress, self._ends = store, import_id, now, progress, ends
        self._pace = _Pace(store)
        self._mine = import_rows.c.import_id == import_id
        self._me = imports.c.import_id == import_id
        self._marked: set[int] = set()

    def decide(self, first: datetime | None, last: datetime | None) -> None:
        """All rows are good: from now on the import goes forward."""
        values = {"state": Stage.MOVING, "first_at": first, "last_at": last, "touched_at": self._store.clock()}
        with self._store.writing(10) as connection:
            connection.execute(imports.update().where(self._me), values)

    def throw_away(self) -> bool:
        """Nothing of the file is taken; False where time ran out."""
        while _patiently(self._clear, self._pace):
            if self._late():
                return False
        with self._store.writing(10) as connection:
            connection.execute(imports.delete().where(self._me))
        return True

    def finish(self) -> bool:
        """Go through the stages that are left; False where time ran out."""
        done = 0
        while True:
            stage, count = _patiently(self._step, self._pace)
            if not count:
                self._pace = _Pace(self._store)  # what follows may take longer for each row
            done = done + count if count else 0
            self._progress(stage, done)
            if stage == Stage.DONE:
                return True
            if self._late():
                return False

    def _late(self) -> bool:
        return self._ends is not None and time.monotonic() > self._ends

    def _step(self) -> tuple[Stage, int]:
        """One transaction's work, from where the last one left off: it holds the import's row, so that two do not do the same."""
        with self._store.writing(60) as connection:
            chosen = sa.select(imports).where(self._me)
            row = connection.execute(chosen.with_for_update() if self._store.dialect == "postgresql" else chosen).first()
            if row is None or row.state == Stage.DONE:
                return Stage.DONE, 0
            stage = Stage(row.state)
            place, count = getattr(self, f"_{stage}")(connection, row)
            values: dict[str, Any] = {"place": place}
            if self._ends is None:  # who does it in slices comes back soon
                values["touched_at"] = self._store.clock()
            if place is None:
                values["state"] = _FOLLOWING[stage]
            connection.execute(imports.update().where(self._me), values)
            return Stage(values.get("state", stage)), count

    def _waiting(self, connection: sa.Connection, place: str | None, *columns: sa.ColumnElement[Any]) -> list[Any]:
        following = sa.select(import_rows.c.n, *columns).where(self._mine, import_rows.c.n > int(place or 0))
        return list(connection.execute(following.order_by(import_rows.c.n).limit(self._pace.size)).all())

    def _moving(self, connection: sa.Connection, row: Any) -> tuple[str | None, int]:
        rows = self._waiting(connection, row.place, import_rows.c.call_id, import_rows.c.parts)
        if not rows:
            return None, 0
        ids = [found.call_id for found in rows]
        # None, unless a call of that very id came in meanwhile: it keeps its journal's record.
        own = _own(connection, ids)
        _forget(connection, ids, own)
        parts = [json.loads(found.parts) for found in rows if found.call_id not in own]
        stamp = to_micros(self._store.clock())
        for part in parts:
            part[0][0][UPDATED_AT] = stamp
        for place, (table, columns) in enumerate(COLUMNS.items()):
            _insert(connection, table, columns, [line for part in parts for line in part[place]])
        return str(rows[-1].n), len(rows)

    def _contacts(self, connection: sa.Connection, row: Any) -> tuple[str | None, int]:
        rows = self._waiting(connection, row.place, import_rows.c.call_id, import_rows.c.contact_id)
        if not rows:
            return None, 0
        whole = {found.contact_id for found in rows if found.contact_id != found.call_id}
        ids = [found.call_id for found in rows]
        joined = sa.and_(calls.c.contact_id.in_(ids), calls.c.contact_id != calls.c.call_id)
        whole.update(connection.scalars(sa.select(calls.c.contact_id).where(joined).distinct()))
        for contact_id in sorted(whole):
            settle(self._store, connection, contact_id, contact_id, self._now)
        return str(rows[-1].n), len(rows)

    def _people(self, connection: sa.Connection, row: Any) -> tuple[str | None, int]:
        following = sa.and_(self._mine, import_rows.c.person.is_not(None), import_rows.c.person > (row.place or ""))
        chosen = sa.select(import_rows.c.person).where(following).distinct().order_by(import_rows.c.person)
        people = list(connection.scalars(chosen.limit(self._pace.size)))
        if not people:
            return None, 0
        judge_people(self._store, connection, people, row.first_at, row.last_at, self._now)
        return people[-1], len(people)

    def _marking(self, connection: sa.Connection, row: Any) -> tuple[str | None, int]:
        rows = self._waiting(connection, row.place, import_rows.c.started_at, import_rows.c.queued_at)
        if not rows:
            return None, 0
        times = [at for found in rows for at in (found.started_at, found.queued_at) if at is not None]
        fresh = {half_hour_of(at): at for at in times if half_hour_of(at) not in self._marked}
        mark_dirty(connection, fresh.values())
        self._marked.update(fresh)
        return str(rows[-1].n), len(rows)

    def _clearing(self, connection: sa.Connection, row: Any) -> tuple[str | None, int]:
        deleted = self._deleted(connection)
        return ("some" if deleted else None), deleted

    def _clear(self) -> int:
        with self._store.writing(10) as connection:
            return self._deleted(connection)

    def _deleted(self, connection: sa.Connection) -> int:
        oldest = sa.select(import_rows.c.n).where(self._mine).order_by(import_rows.c.n).limit(self._pace.size)
        return connection.execute(import_rows.delete().where(self._mine, import_rows.c.n.in_(oldest))).rowcount


def _patiently(work: Callable[[], Any], pace: _Pace) -> Any:
    """Do one transaction's work; where the database is busy or away for a moment, again."""
    left = _TRIES
    while True:
        began = time.monotonic()
        try:
            found = work()
        except StoreUnavailable:
            left -= 1
            if not left:
                raise
            time.sleep(1.0)
            continue
        pace.took(time.monotonic() - began)
        return found


def _insert(connection: sa.Connection, table: sa.Table, columns: tuple[str, ...], rows: list[list[Any]]) -> None:
    """Rows whose values are as the database keeps them, past every conversion: a million of them are ten million values."""
    if not rows:
        return
    mark = "%s" if connection.dialect.name == "postgresql" else "?"
    statement = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({', '.join([mark] * len(columns))})"
    connection.exec_driver_sql(statement, [tuple(row) for row in rows])


def _lines_of(connection: sa.Connection, import_id: str, call_ids: list[str]) -> dict[str, int]:
    known = sa.and_(import_rows.c.import_id == import_id, import_rows.c.call_id.in_(call_ids))
    return {
        row.call_id: row.line for row in connection.execute(sa.select(import_rows.c.call_id, import_rows.c.line).where(known))
    }


def _own(connection: sa.Connection, call_ids: list[str]) -> set[str]:
    """Those of the ids under which this system took a call itself."""
    own = sa.select(calls.c.call_id).where(calls.c.call_id.in_(call_ids), calls.c.imported == 0)
    return set(connection.scalars(own))


def _forget(connection: sa.Connection, call_ids: list[str], own: set[str]) -> None:
    """Take away what was imported under these ids before; the half-hours it counted in are computed again."""
    known = sa.select(calls.c.call_id, calls.c.started_at).where(calls.c.call_id.in_(call_ids))
    before = [row for row in connection.execute(known) if row.call_id not in own]
    if not before:
        return
    mark_dirty(connection, [row.started_at for row in before])
    for table in COLUMNS:
        connection.execute(table.delete().where(table.c.call_id.in_([row.call_id for row in before])))
