"""Connections to SQLite and PostgreSQL: short waits, one writer, limits on how long a statement may run."""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError

from ivr.errors import RecordError, StoreUnavailable

WEB_SECONDS = 1.0  # a statement of the web path
REPORT_SECONDS = 30.0  # of reports and exports
WRITERS = 7214535  # PostgreSQL's lock that all who write share: how long one has been at it is seen by who reads
BUSY_SECONDS = 5.0  # how long a SQLite writer waits for its turn


class TooSlow(RecordError):
    """A statement ran into its time limit: the range asked for is too wide for the web."""


class Percentile:
    """SQLite's `percentile_of(value, share)`: linear interpolation, as PostgreSQL's percentile_cont."""

    def __init__(self) -> None:
        self.values: list[float] = []
        self.share = 0.5

    def step(self, value: float | None, share: float) -> None:
        """Take one row."""
        self.share = share
        if value is not None:
            self.values.append(value)

    def finalize(self) -> float | None:
        """The percentile, NULL of nothing."""
        return percentile(self.values, self.share)


def percentile(values: list[float], share: float) -> float | None:
    """The value below which `share` (0..1) of `values` lie, interpolated; None of an empty list."""
    if not values:
        return None
    ordered = sorted(values)
    place = (len(ordered) - 1) * share
    low, high = math.floor(place), math.ceil(place)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def place_of(url: str) -> tuple[str, str | None]:
    """(kind of database, its file where it is SQLite's) of a URL."""
    parsed = sa.make_url(url)
    return parsed.get_backend_name(), parsed.database if parsed.get_backend_name() == "sqlite" else None


def open_engine(url: str) -> sa.Engine:
    """An engine for `url`. Nothing connects before the first use, and a lost server is found out at once, not after minutes."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = sa.create_engine(parsed, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    if parsed.get_backend_name() != "postgresql":
        raise RecordError(f"DATABASE_URL names {parsed.get_backend_name()}: only sqlite and postgresql are supported")
    return sa.create_engine(
        parsed.set(drivername="postgresql+psycopg"),
        pool_size=8,
        max_overflow=8,
        pool_timeout=2,
        pool_pre_ping=True,
        connect_args={"connect_timeout": 2},
    )


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy's "begin" below decides, not the driver
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        f"busy_timeout={int(BUSY_SECONDS * 1000)}",
        "cache_size=-32000",
        "temp_store=MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}").close()
    connection.create_aggregate("percentile_of", 2, Percentile)  # type: ignore[arg-type]


def _begin_sqlite(connection: sa.Connection) -> None:
    # A transaction that starts reading and turns to writing fails at once when another has written between; one that takes the
    # write lock first waits for its turn.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")


@contextmanager
def limited(engine: sa.Engine, *, writes: bool, seconds: float, about: str | None = None) -> Iterator[sa.Connection]:
    """A transaction whose statements may run for `seconds` each (SQLite: all of them together). On PostgreSQL those that are `about` the
    same thing wait for one another; SQLite has one writer anyway.

    Raises StoreUnavailable when the database does not answer, TooSlow when a statement is cut off.
    """
    try:
        with (
            engine.connect().execution_options(writes=writes) as connection,
            connection.begin(),
            _limit(connection, seconds, about),
        ):
            yield connection
    except (OperationalError, InterfaceError, sa.exc.TimeoutError, DBAPIError) as error:
        text = str(getattr(error, "orig", None) or error).strip().split("\n")[0]
        if "interrupted" in text or "statement timeout" in text:
            raise TooSlow(f"the query took longer than {seconds:g} seconds; narrow its range or its filters") from error
        if isinstance(error, DBAPIError) and not isinstance(error, OperationalError | InterfaceError):
            raise RecordError(f"the database refused: {text}") from error
        raise StoreUnavailable(f"the database does not answer: {text}") from error
    except SQLAlchemyError as error:
        raise RecordError(f"the database refused: {error}") from error


def insert_into(connection: sa.Connection, table: sa.Table) -> Any:
    """An insert that can say what happens where the row is there already: each engine has a kind of its own."""
    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)


@contextmanager
def together(connection: sa.Connection) -> Iterator[None]:
    """Statements that give no rows, sent to PostgreSQL without waiting for one before the next: one round trip for all.

    What one of them did wrong is raised at the end. Nothing may be read inside.
    """
    if connection.dialect.name != "postgresql":
        yield
        return
    driver: Any = connection.connection.driver_connection
    library: Any = connection.dialect.loaded_dbapi
    try:
        with driver.pipeline():
            yield
    except library.Error as error:
        raise DBAPIError.instance(None, None, error, library.Error, dialect=connection.dialect) from error


@contextmanager
def _limit(connection: sa.Connection, seconds: float, about: str | None) -> Iterator[None]:
    if connection.dialect.name != "sqlite":
        with together(connection):  # with the BEGIN that goes before it
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = {int(seconds * 1000)}")
            driver: Any = connection.connection.driver_connection
            if connection.get_execution_options().get("writes"):
                driver.execute(f"SELECT pg_advisory_xact_lock_shared({WRITERS})")
            if about is not None:
                driver.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [about])
        yield
        return
    raw: Any = connection.connection.dbapi_connection
    # Waiting for the writer's turn is over by now and has its own limit (busy_timeout); this one bounds the work.
    deadline = time.monotonic() + seconds
    raw.set_progress_handler(lambda: time.monotonic() > deadline, 20_000)
    try:
        yield
    finally:
        raw.set_progress_handler(None, 0)
