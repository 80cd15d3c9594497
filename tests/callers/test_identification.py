"""Step-up identification: right and wrong secrets, limits that hold across calls, processes and restarts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ivr.call import Session
from ivr.configuration.model import Configuration, Connector, Identification, Proof, TableSource, Tries
from ivr.connectors import Connectors
from ivr.errors import RecordError
from ivr.identification import Identification as Checking
from ivr.identification import hashed
from ivr.numbers import caller_of
from ivr.records.revision_tables import failed_tries
from ivr.records.store import Store

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@dataclass
class World:
    """Two customers with PINs, one with an order; `checking()` is what a process would make for itself."""

    folder: Path
    url: str
    stores: list[Store] = field(default_factory=list)

    def checking(self) -> Checking:
        self.stores.append(Store(self.url))
        configuration = Configuration(
            connectors={
                "pins": Connector("pins", "", TableSource("pins.csv"), {"customer": "id"}, {"hash": "text"}, private=True),
                "orders": Connector("orders", "", TableSource("orders.csv"), {"number": "number"}, {"customer": "text"}),
            },
            identification=Identification(
                "customer.id",
                Proof("pins", {"customer": "customer.id"}, "hash"),
                Proof("orders", {"number": "typed"}, "customer", "customer.id"),
                Tries(per_call=3, per_caller_per_hour=5, per_account_per_hour=6, lock_seconds=900),
            ),
        )
        return Checking(configuration, Connectors(configuration, self.folder), self.stores[-1])


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """On SQLite."""
    yield from built(tmp_path, f"sqlite:///{tmp_path / 'ivr.sqlite'}")


@pytest.fixture
def any_world(tmp_path: Path, database_url: str) -> Iterator[World]:
    """On SQLite and on PostgreSQL: where the database's own locking matters."""
    yield from built(tmp_path, database_url)


def built(folder: Path, url: str) -> Iterator[World]:
    (folder / "pins.csv").write_text(
        f"id,hash\nc1,{_quoted(hashed('4821'))}\nc2,{_quoted(hashed('7305'))}\nc3,no hash at all\n", "utf-8"
    )
    (folder / "orders.csv").write_text("number,customer\n48213507,c1\n", "utf-8")
    made = World(folder, url, [Store(url)])
    made.stores[0].prepare()
    yield made
    for store in made.stores:
        store.close()


def _quoted(text: str) -> str:
    return f'"{text}"'


def session(call: str = "CA1", caller: str = "+447700900100", customer: str | None = "c1") -> Session:
    facts: dict[str, dict[str, Any]] = {"customer": {"id": customer}} if customer else {}
    return Session(call, call, caller_of(caller), "+442079460000", "inbound", NOON, "en-GB", facts=facts)


def test_right_and_wrong(world: World) -> None:
    checking = world.checking()

    assert checking.check(session(), "pin", "4821", NOON) == (True, 3)
    assert checking.check(session(), "pin", "4822", NOON) == (False, 2)
    assert checking.check(session(), "order_number", "48213507", NOON) == (True, 3)
    assert checking.check(session("CA2", customer="c2"), "order_number", "48213507", NOON)[0] is False


@pytest.mark.parametrize(("method", "value"), [("pin", ""), ("pin", "abcd"), ("password", "4821"), ("order_number", "")])
def test_nothing_to_check_is_wrong(world: World, method: str, value: str) -> None:
    assert world.checking().check(session(), method, value, NOON) == (False, 0)


def test_three_tries_a_call(world: World) -> None:
    checking = world.checking()

    tries = [checking.check(session(), "pin", f"000{n}", NOON) for n in range(3)]

    assert [left for _, left in tries] == [2, 1, 0]
    assert checking.check(session(), "pin", "4821", NOON) == (False, 0)


def test_redialling_does_not_help(world: World) -> None:
    """Five an hour for one caller, whatever the call; afterwards even the right PIN is refused, until the hour is over."""
    checking = world.checking()
    for n in range(10):
        checking.check(session(f"CA{n // 2}"), "pin", f"000{n}", NOON + timedelta(minutes=n))

    assert checking.check(session("CA99"), "pin", "4821", NOON + timedelta(minutes=30)) == (False, 0)
    assert checking.check(session("CA99"), "pin", "4821", NOON + timedelta(minutes=66)) == (True, 3)


def test_the_lock_doubles_for_who_keeps_guessing(world: World) -> None:
    """A guess every twenty minutes for two days, always from a new number: the account meets some thirty of ten thousand PINs."""
    checking = world.checking()
    compared: list[int] = []
    for minute in range(0, 2 * 24 * 60, 20):
        now = NOON + timedelta(minutes=minute)
        checking.check(session(f"CA{minute}", f"+44740{minute:07d}"), "pin", "0000", now)
        with world.stores[0].reading() as connection:
            newest = connection.execute(sa.select(sa.func.max(failed_tries.c.at))).scalar()
        if newest == now:
            compared.append(minute)

    assert len(compared) <= 36
    assert checking.check(session("CA9"), "pin", "4821", NOON + timedelta(days=5))[0] is True


def test_other_numbers_do_not_help_against_one_account(world: World) -> None:
    checking = world.checking()
    results = [checking.check(session(f"CA{n}", f"+4474000000{n:02d}"), "pin", f"00{n:02d}", NOON) for n in range(20)]

    assert not any(right for right, _ in results)
    assert checking.check(session("CA99", "+447400000099"), "pin", "4821", NOON) == (False, 0)
    assert checking.check(session("CA98", "+447400000098", "c2"), "pin", "7305", NOON)[0] is True


def test_a_right_answer_forgets_the_wrong_ones(world: World) -> None:
    checking = world.checking()
    for _ in range(4):
        checking.check(session(), "pin", "0000", NOON)
        assert checking.check(session(), "pin", "4821", NOON)[0] is True


def test_the_lock_survives_a_new_process(any_world: World) -> None:
    for n in range(5):
        any_world.checking().check(session(f"CA{n}"), "pin", "0000", NOON)

    assert any_world.checking().check(session("CA9"), "pin", "4821", NOON) == (False, 0)


def test_parallel_guesses_share_the_tries(any_world: World) -> None:
    """Sixty guesses from many calls at once: no more than allowed are ever compared."""
    checkings = [any_world.checking() for _ in range(4)]

    def guess(n: int) -> bool:
        try:
            return checkings[n % 4].check(session(f"CA{n}"), "pin", f"{n:04d}", NOON)[0]
        except RecordError:  # a try that cannot be counted in time is none
            return False

    with ThreadPoolExecutor(8) as pool:
        assert not any(pool.map(guess, range(60)))
    with any_world.stores[0].reading() as connection:
        query = sa.select(sa.func.count()).select_from(failed_tries).group_by(failed_tries.c.subject)
        counts = connection.execute(query).scalars().all()
    assert max(counts) == 5


def test_an_unknown_account_gets_the_same_answer_in_the_same_time(world: World) -> None:
    checking = world.checking()

    def spent(customer: str | None, call: str) -> float:
        started = time.process_time()
        assert checking.check(session(call, f"+44740000{call[2:]}", customer), "pin", "9999", NOON) == (False, 2)
        return time.process_time() - started

    spent("c2", "CA1000")
    known = min(spent("c1", f"CA110{n}") for n in range(3))
    unknown = min(spent("nobody", f"CA120{n}") for n in range(3))
    no_customer = min(spent(None, f"CA130{n}") for n in range(3))

    assert 0.4 < unknown / known < 2.5
    assert 0.4 < no_customer / known < 2.5


def test_a_broken_table_identifies_nobody(world: World) -> None:
    checking = world.checking()
    assert checking.check(session(customer="c3"), "pin", "4821", NOON)[0] is False

    (world.folder / "pins.csv").unlink()
    assert checking.check(session("CA2"), "pin", "4821", NOON)[0] is False


def test_no_secret_and_no_number_is_kept(world: World) -> None:
    world.checking().check(session(), "pin", "9137", NOON)

    with world.stores[0].reading() as connection:
        kept = " ".join(str(row) for row in connection.execute(sa.select(failed_tries.c.subject)))
    assert "9137" not in kept
    assert "447700900100" not in kept
