"""The store of records: one database, opened once per process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from ivr.errors import RecordError
from ivr.notes import Note
from ivr.records import migrations
from ivr.records.database import REPORT_SECONDS, WEB_SECONDS, limited, open_engine
from ivr.records.record import Retention, Rules
from ivr.records.subscriptions import Subscription
from ivr.records.tables import calls, events, legs, surveys, visits
from ivr.records.text_survey import TextSurvey


def utc_now() -> datetime:
    """The real clock."""
    return datetime.now(UTC)


class Store:
    """Reads and writes records. `rules` decide how journals become records; `clock` stamps `updated_at`; an engine may be shared.

    Every method raises StoreUnavailable when the database does not answer.
    """

    def __init__(
        self,
        url: str | sa.Engine,
        *,
        rules: Rules | None = None,
        clock: Callable[[], datetime] = utc_now,
        subscriptions: tuple[Subscription, ...] = (),
        retention: Retention | None = None,
        text_survey: TextSurvey | None = None,
    ) -> None:
        self.engine = url if isinstance(url, sa.Engine) else open_engine(url)
        self.rules = rules or Rules()
        self.clock = clock
        self.subscriptions = subscriptions
        self.retention = retention or Retention()
        self.text_survey = text_survey

    @property
    def dialect(self) -> str:
        """ "sqlite" or "postgresql"."""
        return self.engine.dialect.name

    @contextmanager
    def reading(self, seconds: float = WEB_SECONDS) -> Iterator[sa.Connection]:
        """A transaction that only reads."""
        with limited(self.engine, writes=False, seconds=seconds) as connection:
            yield connection

    @contextmanager
    def writing(self, seconds: float = WEB_SECONDS, *, about: str | None = None) -> Iterator[sa.Connection]:
        """A transaction that writes; on SQLite it waits for its turn first, on PostgreSQL for others that are `about` the same call."""
        with limited(self.engine, writes=True, seconds=seconds, about=about) as connection:
            yield connection

    def upgrade(self) -> tuple[str | None, str]:
        """Bring the schema up to date; gives the revision before and after."""
        with self.writing(REPORT_SECONDS * 20) as connection:
            return migrations.upgrade(connection)

    def prepare(self) -> None:
        """On start: create or upgrade SQLite and empty databases; anything else must be upgraded by `ivr db upgrade`."""
        with self.reading() as connection:
            now = migrations.current(connection)
        if now == migrations.newest():
            return
        if self.dialect != "sqlite" and now is not None and not migrations.is_newer(now):
            raise RecordError(
                f"the database is at revision {now}, this program needs {migrations.newest()}: run `ivr db upgrade`"
            )
        self.upgrade()

    def ping(self) -> None:
        """Raises StoreUnavailable when the database does not answer, RecordError when its schema is older than this program. A later
        program's schema holds all that this one needs: who runs while the next version is brought in goes on."""
        with self.reading() as connection:
            found = migrations.current(connection)
        if found != migrations.newest() and not migrations.is_newer(found):
            raise RecordError(
                f"the database is at revision {found or 'none'}, this program needs {migrations.newest()}: run `ivr db upgrade`"
            )

    def after_fork(self) -> None:
        """In a forked child: let go of connections that belong to the parent."""
        self.engine.dispose(close=False)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def row(self, call_id: str) -> dict[str, Any] | None:
        """A call's row with its legs, visits and survey answers; None where there is no such call."""
        with self.reading() as connection:
            found = connection.execute(sa.select(calls).where(calls.c.call_id == call_id)).mappings().first()
            if found is None:
                return None
            row = dict(found)
            for name, table in (("legs", legs), ("visits", visits), ("surveys", surveys)):
                parts = connection.execute(sa.select(table).where(table.c.call_id == call_id).order_by(table.c.n))
                row[name] = [dict(part) for part in parts.mappings()]
        return row

    def notes(self, call_id: str) -> list[Note]:
        """The journal of a call, in order; empty where nothing is known."""
        with self.reading() as connection:
            return read_notes(connection, call_id)

    def agents_of(self, call_id: str) -> frozenset[str]:
        """The agents who were connected to a call: an agent may read only their own."""
        with self.reading() as connection:
            return frozenset(connection.scalars(sa.select(legs.c.agent).where(legs.c.call_id == call_id)))


def read_notes(connection: sa.Connection, call_id: str) -> list[Note]:
    """The journal of a call inside an open transaction."""
    rows = connection.execute(sa.select(events).where(events.c.call_id == call_id).order_by(events.c.seq))
    return [Note(call_id, r.kind, r.at, r.data, r.seq) for r in rows]


def merge_notes(kept: Sequence[Note], given: Sequence[Note]) -> list[Note]:
    """Both journals as one: what SQL has and Redis has forgotten, and what came late.

    A place that is taken by another note (Redis came back empty and counts from 1 again) or is 0 gets the next free number.
    """
    by_seq = {note.seq: note for note in kept}
    known = {_content(note) for note in kept}
    following = max((note.seq for note in (*kept, *given)), default=0)
    for note in given:
        content = _content(note)
        if content in known:
            continue
        known.add(content)
        if note.seq and note.seq not in by_seq:
            by_seq[note.seq] = note
        else:
            following += 1
            by_seq[following] = replace(note, seq=following)
    return [by_seq[seq] for seq in sorted(by_seq)]


def _content(note: Note) -> tuple[str, datetime, str]:
    """Equal for notes that say the same, wherever they were kept meanwhile."""
    return note.kind, note.at, json.dumps(note.data, sort_keys=True, default=str)
