"""The service under test, started anew for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ivr.embedded import start_redis
from ivr.intents.training import ensure_current
from tests.line.running import BEHAVIOUR, REPOSITORY, Running, running


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Speech, trained once for all tests."""
    folder = tmp_path_factory.mktemp("models")
    ensure_current(REPOSITORY / "config", folder)
    return folder


@pytest.fixture(scope="session")
def shared_service(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[Running]:
    """One running service on a Redis of its own: starting it takes seconds."""
    redis_server = start_redis(tmp_path_factory.mktemp("line-redis"), keep=False)
    with running(tmp_path_factory.mktemp("line"), redis_server.url, models, people={"client:*": BEHAVIOUR}) as found:
        yield found
    redis_server.stop()


@pytest.fixture
def service(shared_service: Running) -> Running:
    """The running service with nobody signed in and every agent behaving as usual."""
    shared_service.sign_in()
    return shared_service
