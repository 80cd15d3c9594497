"""Stores for the tests: SQLite from a copied file, PostgreSQL emptied in between, both at the newest schema."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

import ivr.records.import_tables
import ivr.records.revision_tables
import ivr.records.rollup_tables  # noqa: F401
from ivr.records.record import Rules
from ivr.records.store import Store
from ivr.records.tables import metadata

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MakeStore = Callable[..., Store]


@pytest.fixture(scope="session")
def sqlite_shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """An SQLite store at the newest schema."""
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('records') / 'ivr.sqlite'}")
    store.upgrade()
    yield store
    store.close()


@pytest.fixture(scope="session")
def postgres_shared(postgres_server: str) -> Iterator[Store]:
    """A PostgreSQL store at the newest schema."""
    base = sa.make_url(postgres_server)
    with sa.create_engine(base, isolation_level="AUTOCOMMIT").connect() as admin:
        admin.execute(sa.text('DROP DATABASE IF EXISTS "records_tests" WITH (FORCE)'))
        admin.execute(sa.text('CREATE DATABASE "records_tests"'))
    store = Store(base.set(database="records_tests").render_as_string(hide_password=False))
    store.upgrade()
    yield store
    store.close()


def _emptied(store: Store, more: dict[str, Any]) -> Store:
    """The same store without rows: its engine keeps its compiled statements, which is most of a small test's time."""
    with store.writing(10) as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
    return Store(store.engine, **{"clock": lambda: NOW, **more})


@pytest.fixture
def sqlite_store(sqlite_shared: Store) -> MakeStore:
    """Makes the empty SQLite store; keyword arguments as Store's."""
    return lambda **more: _emptied(sqlite_shared, more)


@pytest.fixture
def postgres_store(postgres_shared: Store) -> MakeStore:
    """Makes the empty PostgreSQL store; keyword arguments as Store's."""
    return lambda **more: _emptied(postgres_shared, more)


@pytest.fixture(params=["sqlite", "postgres"])
def make_store(request: pytest.FixtureRequest) -> MakeStore:
    """Makes an empty store, once of each engine."""
    return request.getfixturevalue(f"{request.param}_store")  # type: ignore[no-any-return]


@pytest.fixture
def store(make_store: MakeStore) -> Store:
    """An empty store with a clock that stands still."""
    return make_store(rules=Rules(), clock=lambda: NOW)
