"""The API over an empty SQLite store with a few calls in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ivr.records.store import Store
from ivr.records.tokens import create_token
from tests.records.journals import abandoned, answered
from webhooks.api import ApiContext, api_blueprint
from webhooks.api.context import NotNow, NotThere

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
Ask = Callable[..., TestResponse]


@dataclass
class Board:
    """A live board of two agents, for the routes that only pass on."""

    states: dict[str, str] = field(default_factory=lambda: {"ana": "available", "ben": "talking"})

    def snapshot(self) -> dict[str, Any]:
        return {"at": NOW.isoformat(), "queues": [], "agents": self.agents()}

    def changes(self) -> Iterator[dict[str, Any]]:
        yield self.snapshot()

    def agents(self) -> list[dict[str, Any]]:
        return [self.agent(name) for name in self.states]

    def agent(self, agent_id: str) -> dict[str, Any]:
        if agent_id not in self.states:
            raise NotThere(f"there is no agent {agent_id}")
        return {"agent_id": agent_id, "state": self.states[agent_id]}

    def set_agent_state(self, agent_id: str, wanted: dict[str, Any], by: str) -> dict[str, Any]:
        if self.agent(agent_id)["state"] == "talking":
            raise NotNow("the agent is on a call", self.agent(agent_id))
        self.states[agent_id] = wanted["state"]
        return self.agent(agent_id)


@pytest.fixture(scope="session")
def api_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Twelve calls: ten answered in two queues by two agents, two abandoned."""
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('api') / 'ivr.sqlite'}", clock=lambda: NOW)
    store.upgrade()
    for n in range(10):
        answered(
            store,
            f"A{n}",
            NOW - timedelta(hours=3, minutes=-n),
            queue="technical" if n % 2 else "general",
            agent="ben" if n % 2 else "ana",
            number=f"+44770090000{n}",
        )
    abandoned(store, "B0", NOW - timedelta(hours=2), wait=30, number="+447700900050")
    abandoned(store, "B1", NOW - timedelta(hours=1), wait=30, number=None)
    yield store
    store.close()


@pytest.fixture(scope="session")
def client(api_store: Store) -> FlaskClient:
    """A client of the API."""
    app = Flask("api")
    app.register_blueprint(api_blueprint(ApiContext(api_store, clock=lambda: NOW, live=Board(), calls_per_minute=0)))
    return app.test_client()


@pytest.fixture(scope="session")
def ask(client: FlaskClient, api_store: Store) -> Ask:
    """`ask(path, role=…)`: a request with a token of that role."""
    tokens: dict[tuple[str, str | None], str] = {}

    def request(path: str, *, role: str = "admin", agent: str | None = None, method: str = "GET", **more: Any) -> TestResponse:
        key = (role, agent)
        if key not in tokens:
            tokens[key] = create_token(api_store, name=role, role=role, now=NOW, agent=agent).secret
        headers = {"Authorization": f"Bearer {tokens[key]}", **more.pop("headers", {})}
        return client.open(f"/api/v1{path}", method=method, headers=headers, **more)

    return request
