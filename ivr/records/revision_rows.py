"""Published flows: numbered revisions that never change, and the pointer that says which one new calls run.

A process reads the pointer at most once in two seconds and keeps the revisions it has read, so that a call's turn costs no
query; while the database is away the last known pointer holds.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ivr.errors import RecordError, StoreUnavailable
from ivr.records.revision_tables import flow_drafts, flow_moves, flow_pointers, flow_revisions
from ivr.records.store import Store

MAIN = "main"
POINTER_SECONDS = 1.5  # with the time a query takes, everybody follows within two seconds
MOST_KEPT = 20
GREATEST = 2**31 - 1  # what the column of numbers holds
_LOCK = 7214532


class RevisionConflict(RecordError):
    """Somebody published in between; `current` is what the pointer shows now."""

    def __init__(self, current: int | None, expected: int | None) -> None:
        super().__init__(f"revision {current} was published meanwhile (yours is based on {expected}): look at its changes first")
        self.current = current


class NoSuchRevision(RecordError):
    """There is no revision with this number."""


@dataclass(frozen=True)
class Revision:
    """A published state of all flows. `files` by path relative to the flows folder, flow tests included."""

    number: int
    content_hash: str
    files: Mapping[str, str] = field(repr=False)
    flows: tuple[str, ...] = ()
    author: str = ""
    note: str = ""
    published_at: datetime | None = None
    lint: tuple[Mapping[str, Any], ...] = ()
    tests: Mapping[str, Any] | None = None

    def summary(self) -> dict[str, Any]:
        """Everything but the files, for lists and the API."""
        return {
            "number": self.number,
            "content_hash": self.content_hash,
            "flows": list(self.flows),
            "author": self.author,
            "note": self.note,
            "published_at": self.published_at.isoformat() if self.published_at else None,
            "lint": list(self.lint),
            "tests": dict(self.tests) if self.tests is not None else None,
        }


@dataclass(frozen=True)
class Move:
    """A step of the pointer. `kind`: publish | rollback."""

    at: datetime
    author: str
    note: str
    kind: str
    from_number: int | None
    to_number: int


@dataclass(frozen=True)
class Draft:
    """A file being edited; `text` None: it shall be deleted."""

    path: str
    text: str | None
    author: str
    based_on: int
    saved_at: datetime


class RevisionRows:
    """Flow revisions in the store. `clock` is monotonic seconds. Writing methods raise StoreUnavailable without the database."""

    def __init__(self, store: Store, *, line: str = MAIN, clock: Callable[[], float] = time.monotonic) -> None:
        self._store, self._line, self._clock = store, line, clock
        self._lock = threading.Lock()
        self._pointer: int | None = None
        self._pointer_read_at: float | None = None
        self._kept: dict[int, Revision] = {}

    # --- reading

    def current(self) -> Revision | None:
        """What new calls run; None where nothing was ever published. May lag behind a publish by two seconds.

        Raises StoreUnavailable only where nothing is known yet.
        """
        number = self.current_number()
        return None if number is None else self.get(number)

    def current_number(self) -> int | None:
        """The pointer, read again after `POINTER_SECONDS`."""
        with self._lock:
            read_at = self._pointer_read_at
            if read_at is not None and self._clock() - read_at < POINTER_SECONDS:
                return self._pointer
        try:
            with self._store.reading() as connection:
                number = self._read_pointer(connection)
        except StoreUnavailable:
            if self._pointer is None:
                raise
            number = self._pointer
        with self._lock:
            self._pointer, self._pointer_read_at = number, self._clock()
        return number

    def get(self, number: int) -> Revision:
        """The revision with its files; raises NoSuchRevision."""
        if not 0 < number <= GREATEST:
            raise NoSuchRevision(f"there is no flow revision {number}")
        kept = self._kept.get(number)
        if kept is not None:
            return kept
        with self._store.reading() as connection:
            row = connection.execute(sa.select(flow_revisions).where(flow_revisions.c.number == number)).mappings().first()
        if row is None:
            raise NoSuchRevision(f"there is no flow revision {number}")
        revision = _revision(row)
        with self._lock:
            while len(self._kept) >= MOST_KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[number] = revision
        return revision

    def number_of(self, content_hash: str) -> int:
        """The newest revision with this content; raises NoSuchRevision."""
        with self._store.reading() as connection:
            number = connection.execute(
                sa.select(sa.func.max(flow_revisions.c.number)).where(flow_revisions.c.content_hash == content_hash)
            ).scalar()
        if number is None:
            raise NoSuchRevision(f"there is no flow revision with the content {content_hash[:12]}…")
        return int(number)

    def newest_first(self, limit: int = 50, before: int | None = None) -> list[Revision]:
        """Revisions without their files, at most `limit`, older than `before`."""
        columns = [column for column in flow_revisions.c if column.name != "files"]
        query = sa.select(*columns).order_by(flow_revisions.c.number.desc()).limit(limit)
        if before is not None:
            query = query.where(flow_revisions.c.number < before)
        with self._store.reading() as connection:
            return [_revision(row) for row in connection.execute(query).mappings()]

    def moves(self, limit: int = 50) -> list[Move]:
        """The pointer's history, newest first."""
        query = sa.select(flow_moves).where(flow_moves.c.line == self._line).order_by(flow_moves.c.id.desc()).limit(limit)
        with self._store.reading() as connection:
            return [
                Move(row["at"], row["author"], row["note"], row["kind"], row["from_number"], row["to_number"])
                for row in connection.execute(query).mappings()
            ]

    # --- publishing

    def publish(
        self,
        files: Mapping[str, str],
        content_hash: str,
        *,
        flows: Sequence[str],
        author: str,
        note: str = "",
        lint: Sequence[Mapping[str, Any]] = (),
        tests: Mapping[str, Any] | None = None,
        expected: int | None = None,
        only_first: bool = False,
        drop_drafts: bool = False,
    ) -> Revision:
        """Store a revision and let new calls run it. The same content as the current one changes nothing and gives that one back.

        `expected`: the revision the change was made on; raises RevisionConflict where another is current. `only_first`: give the
        current revision back where there is one already (several processes start at once). `drop_drafts`: what was published were
        the drafts.
        """
        with self._store.writing() as connection:
            self._serialise(connection)
            current = self._read_pointer(connection)
            if expected is not None and current is not None and current != expected:
                raise RevisionConflict(current, expected)
            if current is not None and (only_first or self._hash_of(connection, current) == content_hash):
                return self.get(current)
            number = 1 + (connection.execute(sa.select(sa.func.max(flow_revisions.c.number))).scalar() or 0)
            now = self._store.clock()
            connection.execute(
                flow_revisions.insert().values(
                    number=number, content_hash=content_hash, files=dict(files), flows=list(flows), author=author, note=note,
                    published_at=now, lint=list(lint), tests=None if tests is None else dict(tests),
                )
            )  # fmt: skip
            self._move(connection, current, number, "publish", author, note, now)
            if drop_drafts:
                connection.execute(flow_drafts.delete())
        self._follow(number)
        return self.get(number)

    def roll_back(self, to: int | None = None, *, author: str, note: str = "") -> Revision:
        """Point new calls to an earlier revision (without `to`: the one that was current before this one). Calls in progress stay."""
        with self._store.writing() as connection:
            self._serialise(connection)
            current = self._read_pointer(connection)
            if to is None:
                to = connection.execute(
                    sa.select(flow_moves.c.from_number)
                    .where(flow_moves.c.line == self._line, flow_moves.c.to_number == current, flow_moves.c.kind == "publish")
                    .order_by(flow_moves.c.id.desc())
                    .limit(1)
                ).scalar()
                if to is None:
                    raise NoSuchRevision("there is no earlier revision to go back to")
            if not 0 < to <= GREATEST or self._hash_of(connection, to) is None:
                raise NoSuchRevision(f"there is no flow revision {to}")
            if to != current:
                self._move(connection, current, to, "rollback", author, note, self._store.clock())
        self._follow(to)
        return self.get(to)

    # --- drafts

    def drafts(self) -> list[Draft]:
        """All files being edited."""
        with self._store.reading() as connection:
            return [_draft(row) for row in connection.execute(sa.select(flow_drafts).order_by(flow_drafts.c.path)).mappings()]

    def save_draft(self, path: str, text: str | None, *, author: str, based_on: int = 0) -> Draft:
        """Keep `text` as the draft of `path` (None: delete the file on publishing)."""
        draft = Draft(path, text, author, based_on, self._store.clock())
        with self._store.writing() as connection:
            self._serialise(connection)
            connection.execute(flow_drafts.delete().where(flow_drafts.c.path == path))
            connection.execute(
                flow_drafts.insert().values(path=path, text=text, author=author, based_on=based_on, saved_at=draft.saved_at)
            )
        return draft

    def drop_draft(self, path: str) -> bool:
        """Forget the draft of `path`; returns whether there was one."""
        with self._store.writing() as connection:
            return bool(connection.execute(flow_drafts.delete().where(flow_drafts.c.path == path)).rowcount)

    def files_with_drafts(self) -> dict[str, str]:
        """The current revision's files with all drafts applied: what publishing them would publish."""
        current = self.current()
        files = dict(current.files) if current else {}
        for draft in self.drafts():
            if draft.text is None:
                files.pop(draft.path, None)
            else:
                files[draft.path] = draft.text
        return files

    # --- inside a transaction

    def _serialise(self, connection: sa.Connection) -> None:
        """One publisher at a time. SQLite's writers queue anyway."""
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})

    def _read_pointer(self, connection: sa.Connection) -> int | None:
        return connection.execute(sa.select(flow_pointers.c.number).where(flow_pointers.c.line == self._line)).scalar()

    def _hash_of(self, connection: sa.Connection, number: int) -> str | None:
        return connection.execute(sa.select(flow_revisions.c.content_hash).where(flow_revisions.c.number == number)).scalar()

    def _move(
        self, connection: sa.Connection, current: int | None, number: int, kind: str, author: str, note: str, now: datetime
    ) -> None:
        if current is None:
            connection.execute(flow_pointers.insert().values(line=self._line, number=number, moved_at=now))
        else:
            connection.execute(
                flow_pointers.update().where(flow_pointers.c.line == self._line).values(number=number, moved_at=now)
            )
        connection.execute(
            flow_moves.insert().values(
                line=self._line, at=now, author=author, note=note, kind=kind, from_number=current, to_number=number
            )
        )

    def _follow(self, number: int) -> None:
        """This process follows its own publish at once."""
        with self._lock:
            self._pointer, self._pointer_read_at = number, self._clock()


def _revision(row: Mapping[Any, Any]) -> Revision:
    return Revision(
        row["number"], row["content_hash"], row.get("files") or {}, tuple(row["flows"]), row["author"], row["note"], row["published_at"],
        tuple(row["lint"]), row["tests"],
    )  # fmt: skip


def _draft(row: Mapping[Any, Any]) -> Draft:
    return Draft(row["path"], row["text"], row["author"], row["based_on"], row["saved_at"])
