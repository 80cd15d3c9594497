"""A server that goes away and comes back during a call: PostgreSQL refuses everybody, Redis is killed and started again. The caller hears
something all the time, agents are free afterwards, and the record comes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from ivr.carriers.local import CallTruth
from ivr.embedded import EmbeddedRedis, free_port, start_redis
from tests.line.running import BEHAVIOUR, Running, running, stranger

LINE = "+442079460000"
DEAD_AIR_SECONDS = 4.0


@dataclass
class RestartableRedis:
    """A server that keeps its address and its data when it is killed and started again."""

    folder: Path
    port: int
    server: EmbeddedRedis

    def kill(self) -> None:
        self.server.process.kill()
        self.server.process.wait()

    def start(self) -> None:
        self.server = start_redis(self.folder, port=self.port)


@dataclass
class Database:
    """One database of a PostgreSQL server. `close` ends every connection to it and lets no new one in."""

    admin: sa.Engine
    name: str
    url: str

    def run(self, statement: str) -> None:
        with self.admin.connect() as connection:
            connection.execute(sa.text(statement))

    def close(self) -> None:
        self.run(f'ALTER DATABASE "{self.name}" WITH ALLOW_CONNECTIONS false')
        self.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self.name}'")

    def open(self) -> None:
        self.run(f'ALTER DATABASE "{self.name}" WITH ALLOW_CONNECTIONS true')


@dataclass
class Servers:
    service: Running
    redis: RestartableRedis
    database: Database


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory, models: Path, postgres_server: str) -> Iterator[Servers]:
    """A running service on a Redis and a database of its own."""
    folder, port = tmp_path_factory.mktemp("away-redis"), free_port()
    redis = RestartableRedis(folder, port, start_redis(folder, port=port))
    base = sa.make_url(postgres_server)
    name = f"away{os.getpid()}"
    database = Database(
        sa.create_engine(base, isolation_level="AUTOCOMMIT"), name, base.set(database=name).render_as_string(False)
    )
    database.run(f'CREATE DATABASE "{name}"')
    with running(
        tmp_path_factory.mktemp("away"), redis.server.url, models, people={"client:*": BEHAVIOUR}, DATABASE_URL=database.url
    ) as found:
        yield Servers(found, redis, database)
    redis.server.stop()
    database.run(f'DROP DATABASE "{name}" WITH (FORCE)')
    database.admin.dispose()


def talking(service: Running) -> str:
    """A caller who talks with chloe."""
    service.sign_in("chloe")
    service.carrier.behave("client:chloe", {"answers_after": "0s", "talks": "600s"})
    sid = service.carrier.place_by_hand(stranger(), LINE, patient=True)
    assert service.until(lambda: service.carrier.press(sid, "0"))
    assert service.until(lambda: "Connected" in service.journal(sid), 20), service.journal(sid)
    return sid


def check(service: Running, truth: CallTruth, outcome: str) -> None:
    """No application error, no dead air, one record that tells the truth."""
    assert not truth.application_error, truth.entries[-8:]
    assert truth.longest_dead_air_seconds < DEAD_AIR_SECONDS, truth.entries
    record = service.record(truth.call_sid, 60)
    assert record["outcome"] == outcome, service.journal(truth.call_sid)
    assert abs(record["talk_seconds"] - truth.talk_seconds) < 2
    assert service.journal(truth.call_sid).count("Ended") == 1


def test_postgresql_going_away_is_noticed_by_nobody_on_the_line(servers: Servers) -> None:
    service = servers.service
    sid = talking(service)
    servers.database.close()
    try:
        new = service.carrier.place_by_hand(stranger(), LINE, patient=True)  # flows are in memory
        assert service.until(lambda: any("press 1" in text for text in service.carrier.truth(new).heard), 20)
        for call in (new, sid):
            service.carrier.hang_up(call)
        truths = [service.carrier.wait(call) for call in (sid, new)]
        assert service.until(lambda: "Ended" in service.journal(new))
    finally:
        servers.database.open()
    check(service, truths[0], "answered")
    check(service, truths[1], "abandoned_in_menu")
    assert service.until(lambda: service.line.board.agent("chloe").state in ("wrap_up", "available"), 20)


def test_redis_restarting_loses_no_call(servers: Servers) -> None:
    service = servers.service
    sid = talking(service)
    menu = service.carrier.place_by_hand(stranger(), LINE, patient=True)
    assert service.until(lambda: any("press 1" in text for text in service.carrier.truth(menu).heard), 20)
    servers.redis.kill()
    try:
        assert service.until(lambda: service.carrier.press(menu, "3"))
        assert service.until(lambda: any("One moment" in text for text in service.carrier.truth(menu).heard), 20)
    finally:
        servers.redis.start()
    assert service.until(lambda: "One moment" not in service.carrier.truth(menu).heard[-1], 20)
    service.carrier.hang_up(menu)
    service.carrier.hang_up(sid)
    check(service, service.carrier.wait(sid), "answered")
    check(service, service.carrier.wait(menu), "abandoned_in_menu")
    assert service.until(lambda: service.line.board.agent("chloe").state in ("wrap_up", "available"), 20)
