"""Stores for the tests: SQLite from a copied file, PostgreSQL emptied in between, both at the newest schema."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

import ivr.records.revision_tables  # noqa: F401  completes the metadata
import ivr.records.rollup_tables  # noqa: F401
from ivr.records.record import Rules
from ivr.records.store import Store
from ivr.records.tables import metadata

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MakeStore = Callable[..., Store]


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file at the newest schema, to be copied."""
    path = tmp_path_factory.mktemp("template") / "ivr.sqlite"
    store = Store(f"sqlite:///{path}")
    store.upgrade()
    store.close()
    return path


@pytest.fixture(scope="session")
def postgres_url(postgres_server: str) -> Iterator[str]:
    """One database at the newest schema."""
    base = sa.make_url(postgres_server)
    with sa.create_engine(base, isolation_level="AUTOCOMMIT").connect() as admin:
        admin.execute(sa.text('DROP DATABASE IF EXISTS "records_tests" WITH (FORCE)'))
        admin.execute(sa.text('CREATE DATABASE "records_tests"'))
    url = base.set(database="records_tests").render_as_string(hide_password=False)
    store = Store(url)
    store.upgrade()
    store.close()
    yield url
    with sa.create_engine(base, isolation_level="AUTOCOMMIT").connect() as admin:
        admin.execute(sa.text('DROP DATABASE "records_tests" WITH (FORCE)'))


@pytest.fixture
def sqlite_store(sqlite_template: Path, tmp_path: Path) -> Iterator[MakeStore]:
    """Makes one empty SQLite store; keyword arguments go to Store."""
    opened: list[Store] = []

    def make(**more: object) -> Store:
        path = tmp_path / f"ivr{len(opened)}.sqlite"
        shutil.copyfile(sqlite_template, path)
        opened.append(Store(f"sqlite:///{path}", **more))  # type: ignore[arg-type]
        return opened[-1]

    yield make
    for store in opened:
        store.close()


@pytest.fixture
def postgres_store(postgres_url: str) -> Iterator[MakeStore]:
    """Makes the empty PostgreSQL store; keyword arguments go to Store."""
    opened: list[Store] = []

    def make(**more: object) -> Store:
        store = Store(postgres_url, **more)  # type: ignore[arg-type]
        with store.writing() as connection:
            names = ", ".join(f'"{table}"' for table in metadata.tables)
            connection.execute(sa.text(f"TRUNCATE {names} RESTART IDENTITY"))
        opened.append(store)
        return store

    yield make
    for store in opened:
        store.close()


@pytest.fixture(params=["sqlite", "postgres"])
def make_store(request: pytest.FixtureRequest) -> MakeStore:
    """Makes an empty store, once of each engine."""
    return request.getfixturevalue(f"{request.param}_store")  # type: ignore[no-any-return]


@pytest.fixture
def store(make_store: MakeStore) -> Store:
    """An empty store with a clock that stands still."""
    return make_store(rules=Rules(), clock=lambda: NOW)
