"""A SQL database as a source: one SELECT with bound arguments, read only, bounded in time."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from ivr.connectors.asking import Row, SourceFailed
from ivr.errors import ConnectorError


class SqlQuery:
    """`query` against the database at `url`; raises ConnectorError for one that cannot be used. The engine is made on first use, so that nothing connects at import or before a fork."""

    def __init__(self, url: str, query: str) -> None:
        try:
            parsed = sa.make_url(url)
        except SQLAlchemyError as error:
            raise ConnectorError("this is no SQLAlchemy URL, such as postgresql+psycopg://reader@db.internal/crm") from error
        if parsed.get_backend_name() not in ("sqlite", "postgresql"):
            raise ConnectorError(f"{parsed.get_backend_name()} is not supported: only sqlite and postgresql are")
        if parsed.get_backend_name() == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        self._url, self._query = parsed, query
        self._engine: sa.Engine | None = None
        self._lock = threading.Lock()

    def find(self, arguments: Mapping[str, str], within_seconds: float, now: datetime) -> Row | None:
        """The first row; arguments are bound, never pasted into the text."""
        milliseconds = max(50, int(within_seconds * 1000))
        try:
            with self._connected(within_seconds) as connection:
                if connection.dialect.name == "postgresql":
                    connection.execute(sa.text(f"SET LOCAL statement_timeout = {milliseconds:d}"))
                    connection.execute(sa.text("SET TRANSACTION READ ONLY"))
                row = connection.execute(sa.text(self._query), dict(arguments)).mappings().first()
                return None if row is None else dict(row)
        except SQLAlchemyError as error:
            # The driver's own sentence may carry the statement and its values: only its class is told.
            raise SourceFailed(f"the database did not answer ({type(error).__name__})") from error

    def _connected(self, within_seconds: float) -> sa.Connection:
        with self._lock:
            if self._engine is None:
                self._engine = _engine(self._url, within_seconds)
        return self._engine.connect()

    def at_hand(self) -> bool:
        """Never: somebody else is asked."""
        return False

    def close(self) -> None:
        """Let the connections go."""
        with self._lock:
            if self._engine is not None:
                self._engine.dispose()
                self._engine = None


def _engine(parsed: sa.URL, within_seconds: float) -> sa.Engine:
    if parsed.get_backend_name() == "sqlite":
        engine = sa.create_engine(parsed, connect_args={"timeout": within_seconds, "check_same_thread": False})

        @sa.event.listens_for(engine, "connect")
        def read_only(connection: object, record: object) -> None:
            connection.execute("PRAGMA query_only = ON")  # type: ignore[attr-defined]

        return engine
    return sa.create_engine(
        parsed, pool_size=4, max_overflow=4, pool_timeout=within_seconds, pool_pre_ping=True, connect_args={"connect_timeout": 2}
    )
