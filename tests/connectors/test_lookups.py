"""Look-ups as a call sees them: cached, side by side, guarded by a breaker, always answered in time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hostile_service import Service, running

from ivr.configuration.model import Breaker, Configuration, Connector, FactSource, HttpSource, SqlSource, TableSource
from ivr.connectors import Connectors
from ivr.numbers import caller_of

EMMA = caller_of("+447700900100")
NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)


@dataclass
class Time:
    """A clock driven by hand."""

    seconds: float = 1000.0
    now: datetime = NOW

    def monotonic(self) -> float:
        return self.seconds


@dataclass
class World:
    """Connectors over a folder of tables and the hostile service."""

    folder: Path
    service: Service
    time: Time = field(default_factory=Time)

    def connectors(self, *connectors: Connector, facts: tuple[FactSource, ...] = (), **environment: str) -> Connectors:
        configuration = Configuration(
            timezone="Europe/London",
            connectors={connector.name: connector for connector in connectors},
            facts={fact.fact: fact for fact in facts},
        )
        return Connectors(
            configuration, self.folder, environment=environment, clock=self.time.monotonic, now=lambda: self.time.now
        )

    def http(self, name: str, path: str, **more: Any) -> Connector:
        source = HttpSource(f"{self.service.url}/{path}", read={"status": "order.status"}, networks=("127.0.0.0/8",))
        return Connector(name, name, source, more.pop("find", {}), {"status": "text"}, **more)

    def table(self, name: str, text: str, find: Mapping[str, str], fields: Mapping[str, str], **more: Any) -> Connector:
        (self.folder / f"{name}.csv").write_text(text, "utf-8")
        return Connector(name, name, TableSource(f"{name}.csv", more.pop("latest", None)), find, fields, **more)


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with running() as found:
        yield found


@pytest.fixture
def world(tmp_path: Path, service: Service) -> World:
    service.requests.clear()
    return World(tmp_path, service)


CUSTOMERS = "id,number,first_name,vip\nc1,+447700900100,Emma,yes\nc2,+447700900101,Oliver,no\n"
ORDERS = (
    "number,customer,placed,due,total\n100,c1,today-9,today-5,10\n200,c1,today-1,today+2,1234.5\n300,c2,2026-11-01,2026-11-30,7\n"
)


def customers(world: World) -> Connector:
    return world.table("customers", CUSTOMERS, {"number": "number"}, {"id": "text", "first_name": "text", "vip": "yes_no"})


def orders(world: World) -> Connector:
    return world.table(
        "orders",
        ORDERS,
        {"customer": "customer"},
        {"number": "digits", "placed": "date", "due": "date", "total": "money"},
        latest="placed",
    )


class TestTables:
    def test_a_row_is_found_with_typed_fields(self, world: World) -> None:
        found = world.connectors(customers(world)).look_up("customers", {"number": "+447700900100"}, 1.0)

        assert (found.result, found.fields) == ("found", {"id": "c1", "first_name": "Emma", "vip": True})

    def test_the_latest_of_several_rows_by_date(self, world: World) -> None:
        table = world.table(
            "orders",
            ORDERS,
            {"customer": "customer"},
            {"number": "digits", "placed": "date", "due": "date", "total": "money"},
            latest="placed",
        )
        found = world.connectors(table).look_up("orders", {"customer": "c1"}, 1.0)

        assert found.fields == {"number": "200", "placed": "2026-11-23", "due": "2026-11-26", "total": "1234.50"}

    def test_nobody_is_not_found_and_a_missing_argument_asks_nothing(self, world: World) -> None:
        asked = world.connectors(customers(world))

        assert asked.look_up("customers", {"number": "+441"}, 1.0).result == "not_found"
        assert asked.look_up("customers", {}, 1.0).result == "not_found"
        assert asked.look_up("customers", {"number": None}, 1.0).result == "not_found"

    def test_a_changed_file_is_read_again(self, world: World) -> None:
        asked = world.connectors(customers(world))
        assert asked.look_up("customers", {"number": "+447700900199"}, 1.0).result == "not_found"

        (world.folder / "customers.csv").write_text(CUSTOMERS + "c9,+447700900199,Ivy,no\n", "utf-8")

        assert asked.look_up("customers", {"number": "+447700900199"}, 1.0).fields["first_name"] == "Ivy"

    def test_a_table_that_is_in_memory_answers_without_any_time(self, world: World) -> None:
        asked = world.connectors(customers(world))
        assert asked.look_up("customers", {"number": "+447700900100"}, 5.0).result == "found"

        found = asked.look_up("customers", {"number": "+447700900101"}, 0.0)
        assert (found.result, found.fields["first_name"]) == ("found", "Oliver")

    def test_a_file_that_went_away_fails_politely(self, world: World) -> None:
        asked = world.connectors(customers(world))
        (world.folder / "customers.csv").unlink()

        found = asked.look_up("customers", {"number": "+447700900100"}, 1.0)

        assert (found.result, found.error) == ("failed", "customers.csv cannot be read: No such file or directory")


class TestSql:
    QUERY = "SELECT status, total FROM orders WHERE number = :number"

    @pytest.fixture
    def url(self, database_url: str) -> str:
        import sqlalchemy as sa

        engine = sa.create_engine(database_url)
        with engine.begin() as connection:
            connection.execute(sa.text("CREATE TABLE orders (number TEXT, status TEXT, total NUMERIC(10, 2))"))
            connection.execute(sa.text("INSERT INTO orders VALUES ('42', 'packed', 12.5)"))
        engine.dispose()
        return database_url

    def connector(self, query: str = QUERY) -> Connector:
        return Connector(
            "orders", "orders", SqlSource("CRM_DATABASE_URL", query), {"number": "number"}, {"status": "text", "total": "money"}
        )

    def test_a_row_is_found_and_hostile_text_stays_a_value(self, world: World, url: str) -> None:
        asked = world.connectors(self.connector(), CRM_DATABASE_URL=url)

        assert asked.look_up("orders", {"number": "42"}, 2.0).fields == {"status": "packed", "total": "12.50"}
        assert asked.look_up("orders", {"number": "42' OR '1'='1"}, 2.0).result == "not_found"
        assert asked.look_up("orders", {"number": "42"}, 2.0).result == "found"
        asked.close()

    def test_a_query_that_writes_is_refused_by_the_database(self, world: World, url: str) -> None:
        writing = "WITH gone AS (DELETE FROM orders RETURNING *) SELECT status FROM gone WHERE number = :number"
        asked = world.connectors(self.connector(writing), CRM_DATABASE_URL=url)

        assert asked.look_up("orders", {"number": "42"}, 2.0).result == "failed"
        reading = world.connectors(self.connector(), CRM_DATABASE_URL=url)
        assert reading.look_up("orders", {"number": "42"}, 2.0).result == "found"
        asked.close()
        reading.close()

    def test_errors_tell_no_statement_and_no_values(self, world: World, url: str) -> None:
        asked = world.connectors(self.connector("SELECT secret FROM nowhere WHERE x = :number"), CRM_DATABASE_URL=url)

        found = asked.look_up("orders", {"number": "4821"}, 2.0)

        assert found.result == "failed"
        assert "4821" not in found.error and "nowhere" not in found.error
        asked.close()


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({}, "CRM_DATABASE_URL is not set: give it a SQLAlchemy URL"),
        ({"CRM_DATABASE_URL": "mysql://x/y"}, "CRM_DATABASE_URL: mysql is not supported: only sqlite and postgresql are"),
        (
            {"CRM_DATABASE_URL": "not a url"},
            "CRM_DATABASE_URL: this is no SQLAlchemy URL, such as postgresql+psycopg://reader@db.internal/crm",
        ),
    ],
)
def test_a_database_that_cannot_be_used_is_told_by_the_check(world: World, environment: dict[str, str], told: str) -> None:
    source = SqlSource("CRM_DATABASE_URL", "SELECT 1")
    asked = world.connectors(Connector("orders", "orders", source, {}, {}), **environment)

    assert asked.check() == {"orders": told}
    assert asked.look_up("orders", {}, 1.0).error == told


def test_a_missing_secret_is_told_and_nothing_is_sent(world: World) -> None:
    source = HttpSource(f"{world.service.url}/order", headers={"Authorization": "Bearer ${TOKEN}"}, networks=("127.0.0.0/8",))
    asked = world.connectors(Connector("orders", "orders", source, {}, {}))

    assert asked.look_up("orders", {}, 1.0).error == "TOKEN is not set: orders sends it in a header"
    assert asked.check() and world.service.requests == []


class TestCache:
    def test_answers_are_kept_as_long_as_said(self, world: World) -> None:
        asked = world.connectors(world.http("orders", "order/{number}", find={"number": "number"}, cache_seconds=60.0))

        first = asked.look_up("orders", {"number": "1"}, 1.0)
        second = asked.look_up("orders", {"number": "1"}, 1.0)
        asked.look_up("orders", {"number": "2"}, 1.0)
        world.time.seconds += 61
        third = asked.look_up("orders", {"number": "1"}, 1.0)

        assert [first.cached, second.cached, third.cached] == [False, True, False]
        assert len(world.service.requests) == 3

    def test_not_found_is_kept_and_failure_is_not(self, world: World) -> None:
        asked = world.connectors(
            world.http("none", "missing", cache_seconds=60.0), world.http("bad", "broken", cache_seconds=60.0)
        )

        assert [asked.look_up("none", {}, 1.0).cached for _ in range(2)] == [False, True]
        assert [asked.look_up("bad", {}, 1.0).result for _ in range(2)] == ["failed", "failed"]
        assert len(world.service.requests) == 3


class TestBreaker:
    def test_a_failing_source_is_left_alone_then_tried_once(self, world: World) -> None:
        asked = world.connectors(world.http("bad", "broken", breaker=Breaker(3, 15.0)))

        for _ in range(5):
            assert asked.look_up("bad", {}, 1.0).result == "failed"
        assert len(world.service.requests) == 3
        assert asked.look_up("bad", {}, 1.0).error == "bad is left alone after failures"

        world.time.seconds += 16
        asked.look_up("bad", {}, 1.0)
        asked.look_up("bad", {}, 1.0)
        assert len(world.service.requests) == 4

    def test_a_recovered_source_is_used_again(self, world: World) -> None:
        (world.folder / "t.csv").write_text("a,b\n", "utf-8")
        asked = world.connectors(Connector("t", "t", TableSource("t.csv"), {"a": "a"}, {"b": "text"}, breaker=Breaker(2, 15.0)))
        (world.folder / "t.csv").unlink()
        for _ in range(2):
            asked.look_up("t", {"a": "1"}, 1.0)
        (world.folder / "t.csv").write_text("a,b\n1,back\n", "utf-8")
        assert asked.look_up("t", {"a": "1"}, 1.0).result == "failed"

        world.time.seconds += 16
        assert [asked.look_up("t", {"a": "1"}, 1.0).result for _ in range(3)] == ["found"] * 3


class TestFacts:
    def facts(self, world: World, *more: Connector, extra: tuple[FactSource, ...] = ()) -> Connectors:
        return world.connectors(
            customers(world),
            orders(world),
            *more,
            facts=(
                FactSource("customer", "customers", {"number": "caller.number"}),
                FactSource("order", "orders", {"customer": "customer.id"}),
                *extra,
            ),
        )

    def test_facts_that_need_one_another_come_in_order(self, world: World) -> None:
        found = self.facts(world).facts_of(EMMA, ("order", "customer"), 1.0)

        assert list(found) == ["order", "customer"]
        assert found["order"].fields["number"] == "200"

    def test_what_a_fact_needs_is_fetched_but_not_told(self, world: World) -> None:
        assert list(self.facts(world).facts_of(EMMA, ("order",), 1.0)) == ["order"]

    @pytest.mark.parametrize(
        "raw",
        ["anonymous", "+266696687", "client:emma", "sip:+447700900100@example.com", "", "+44770090010x", "+447700900100;ext=1"],
    )
    def test_a_caller_who_is_nobody_in_particular_is_looked_up_nowhere(self, world: World, raw: str) -> None:
        found = self.facts(world, world.http("any", "order")).facts_of(caller_of(raw), ("customer", "order"), 1.0)

        assert {name: fact.result for name, fact in found.items()} == {"customer": "not_found", "order": "not_found"}

    def test_a_slow_fact_costs_its_limit_and_the_others_come(self, world: World) -> None:
        slow = FactSource("news", "hanging", {}, within_seconds=0.2, otherwise={"status": "unknown"})
        asked = self.facts(world, world.http("hanging", "hang"), extra=(slow,))

        started = time.monotonic()
        found = asked.facts_of(EMMA, ("customer", "news"), 1.0)

        assert time.monotonic() - started < 2.5
        assert found["customer"].fields["first_name"] == "Emma"
        assert (found["news"].result, found["news"].fields) == ("failed", {"status": "unknown"})

    def test_facts_are_fetched_side_by_side(self, world: World) -> None:
        slow = [world.http(f"slow{n}", "slow", within_seconds=2.0) for n in range(4)]
        facts = tuple(FactSource(f"fact{n}", f"slow{n}", {}, within_seconds=2.0) for n in range(4))
        asked = world.connectors(*slow, facts=facts)

        found = asked.facts_of(EMMA, tuple(fact.fact for fact in facts), 2.0)

        assert {fact.result for fact in found.values()} == {"found"}
        assert world.service.together == 4

    def test_the_whole_has_a_limit_too(self, world: World) -> None:
        slow = FactSource("news", "hanging", {}, within_seconds=3.0)
        started = time.monotonic()
        found = self.facts(world, world.http("hanging", "hang"), extra=(slow,)).facts_of(EMMA, ("news",), 0.2)

        assert found["news"].result == "failed"
        assert time.monotonic() - started < 2.5

    def test_unknown_facts_are_left_out(self, world: World) -> None:
        assert self.facts(world).facts_of(EMMA, ("weather",), 1.0) == {}


def test_a_hanging_source_does_not_take_the_others_places(world: World) -> None:
    asked = world.connectors(customers(world), world.http("hanging", "hang", within_seconds=1.0, breaker=Breaker(1000, 1.0)))
    with ThreadPoolExecutor(20) as callers:
        hanging = [callers.submit(asked.look_up, "hanging", {}, 1.0) for _ in range(20)]
        results = [asked.look_up("customers", {"number": "+447700900100"}, 0.9).result for _ in range(5)]
        errors = [future.result().error for future in hanging]

    assert results == ["found"] * 5
    assert errors.count("hanging is busy") == 12


def test_private_connectors_are_for_identification_only(world: World) -> None:
    asked = world.connectors(world.table("pins", "id,hash\nc1,x\n", {"id": "id"}, {"hash": "text"}, private=True))

    assert asked.look_up("pins", {"id": "c1"}, 1.0).result == "failed"
    assert asked.look_up_private("pins", {"id": "c1"}, 1.0).fields == {"hash": "x"}
    assert asked.look_up("nowhere", {}, 1.0).result == "failed"
