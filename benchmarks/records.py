"""Records at scale: a generated year of calls, then what reports, exports, closing a call and deciding FCR cost.

    python benchmarks/records.py --calls 10000000 [--database URL] [--folder PATH] [--seed 1] [--only reports,export,closing,deciding]

Prints one line per figure with its unit, then machine, load, versions and seed. Rows are written in bulk, not through journals; the
cost of closing a call is measured through journals on top of them. `--only`: measure that on a `--database` filled before.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy
import sqlalchemy as sa

from ivr.notes import Note
from ivr.records.columns import to_micros
from ivr.records.export import stream
from ivr.records.fcr import decide_fcr
from ivr.records.query import read_call_query
from ivr.records.rollups import rebuild_rollups
from ivr.records.saving import close_call
from ivr.records.stats import figures, read_stats_query
from ivr.records.store import Store
from ivr.records.tables import calls, legs, visits

START = datetime(2025, 1, 1, tzinfo=UTC)
YEAR = 365 * 86400
QUEUES = [f"queue_{n}" for n in range(8)]
AGENTS = [f"agent_{n:03d}" for n in range(120)]
INTENTS = [
    "order_status",
    "pay_bill",
    "refund",
    "technical_problem",
    "change_address",
    "opening_hours",
    "complaint",
    "cancel_order",
]
OUTCOMES = ("self_served", "abandoned_in_menu", "abandoned_in_queue", "answered")
_CHUNK = 20_000
Rows = list[tuple[Any, ...]]
_CALLS = (
    "call_id", "contact_id", "is_contact", "direction", "from_number", "to_number", "caller_kind", "person", "language", "flow", "revision", "intents", "intent",
    "queue", "agent", "started_at", "queued_at", "answered_at", "ended_at", "menu_seconds", "queue_seconds", "ring_seconds", "talk_seconds", "wrap_up_seconds",
    "handle_seconds", "outcome", "ended_by", "resolved", "csat", "survey_offered", "handled", "asked", "self_service", "goal_confirmed", "legs_handled",
    "contact_handled", "contact_handle_seconds", "fcr", "fcr_state", "fcr_excluded", "repeat_seconds", "updated_at",
)  # fmt: skip
_LEGS = (
    "call_id",
    "n",
    "agent",
    "queue",
    "started_at",
    "answered_at",
    "ended_at",
    "ring_seconds",
    "talk_seconds",
    "wrap_up_seconds",
    "handle_seconds",
)
_VISITS = ("call_id", "n", "queue", "started_at", "queued_at", "ended_at", "waited_seconds", "result")


def generate(count: int, seed: int) -> Iterator[tuple[Rows, Rows, Rows]]:
    """Chunks of rows of calls, legs and visits, in order of time: whole columns are drawn at once, and every chunk from its own seed."""
    for first in range(0, count, _CHUNK):
        yield _chunk(first, min(_CHUNK, count - first), count, numpy.random.default_rng([seed, first]))


def _chunk(first: int, size: int, count: int, rng: numpy.random.Generator) -> tuple[Rows, Rows, Rows]:
    n = numpy.arange(first, first + size)
    second = n * YEAR / count + rng.random(size)
    start = to_micros(START) + (second * 1e6).astype(numpy.int64)
    day = (second // 3600 % 24 >= 8) & (second // 3600 % 24 < 20)
    # Durations to the millisecond, as records have them.
    menu = numpy.round(10 + rng.random(size) * 40, 3)
    wait = numpy.round(rng.exponential(numpy.where(day, 15, 40)), 3)
    outcome = numpy.searchsorted([0.3, 0.36, 0.42], rng.random(size), side="right")
    answered, served = outcome == 3, (outcome == 3) | (outcome == 0)
    queued = answered | (outcome == 2)
    talk = numpy.where(answered, numpy.round(rng.exponential(240, size), 3), 0.0)
    wrap = numpy.where(answered, numpy.round(20 + rng.random(size) * 40, 3), 0.0)
    wait = numpy.where(queued, wait, 0.0)
    micros = [(start + (seconds * 1e6).astype(numpy.int64)).tolist() for seconds in (menu, menu + wait, menu + wait + talk)]
    repeated = served & (rng.random(size) < 0.18)
    repeat = rng.exponential(2 * 86400, size)
    resolved = rng.random(size) < 0.9
    people, intents, queues, agents, scores = (
        rng.integers(0, most, size).tolist() for most in (max(1, count // 4), len(INTENTS), len(QUEUES), len(AGENTS), 5)
    )
    columns = zip(
        n.tolist(), start.tolist(), *micros, menu.tolist(), wait.tolist(), talk.tolist(), wrap.tolist(), outcome.tolist(), repeated.tolist(),
        repeat.tolist(), resolved.tolist(), people, intents, queues, agents, scores, strict=True,
    )  # fmt: skip
    rows: tuple[Rows, Rows, Rows] = ([], [], [])
    for (
        number,
        at,
        queued_at,
        answered_at,
        ended_at,
        menued,
        waited,
        talked,
        wrapped,
        came_to,
        again,
        gap,
        solved,
        person,
        intent,
        queue,
        agent,
        score,
    ) in columns:
        word, handled, waiting = OUTCOMES[came_to], came_to == 3, came_to >= 2
        good, call_id, handle = handled or came_to == 0, f"CA{number:032x}", talked + wrapped
        phone, stay, colleague = f"+4477{person:08d}", QUEUES[queue] if waiting else None, AGENTS[agent] if handled else None
        rows[0].append((
            call_id, call_id, 1, "inbound", phone, "+442071838750", "phone", f"number:{phone}", "en-GB" if number % 5 else "es-ES", "support", str(1 + number * 12 // count),
            f'["{INTENTS[intent]}"]', INTENTS[intent], stay, colleague, at, queued_at if waiting else None, answered_at if handled else None, ended_at, menued, waited,
            5.0 if handled else 0.0, talked, wrapped, handle, word, "caller", solved if handled else None, float(1 + score) if handled and number % 4 == 0 else None,
            int(handled), int(handled), 1, 1, int(came_to == 0), int(handled), int(handled), handle,
            (not again or gap >= 7 * 86400) if good else None, "provisional" if good else "excluded", None if good else "unserved", gap if again else None, ended_at,
        ))  # fmt: skip
        if handled:
            rows[1].append((call_id, 1, colleague, stay, at, answered_at, ended_at, 5.0, talked, wrapped, handle))
        if waiting:
            rows[2].append((call_id, 1, stay, at, queued_at, answered_at, waited, "answered" if handled else "abandoned"))
    return rows


def load(store: Store, count: int, seed: int) -> None:
    """Write the generated rows in bulk: executemany on SQLite, COPY on PostgreSQL; indexes are made when all rows are there."""
    indexes = [index for table in (calls, legs, visits) for index in table.indexes]
    for index in indexes:
        index.drop(store.engine)
    raw = store.engine.raw_connection()
    try:
        for chunk in generate(count, seed):
            for table, names, rows in zip((calls, legs, visits), (_CALLS, _LEGS, _VISITS), chunk, strict=True):
                if store.dialect == "sqlite":
                    driver: sqlite3.Connection = raw.driver_connection  # type: ignore[assignment]
                    driver.execute("BEGIN")
                    driver.executemany(
                        f"INSERT INTO {table.name} ({','.join(names)}) VALUES ({','.join('?' * len(names))})", rows
                    )
                    driver.execute("COMMIT")
                else:
                    with raw.cursor() as cursor, cursor.copy(f"COPY {table.name} ({','.join(names)}) FROM STDIN") as copy:  # type: ignore[attr-defined]
                        for row in rows:
                            copy.write_row(row)
            if store.dialect != "sqlite":
                raw.commit()
    finally:
        raw.close()
    for index in indexes:
        index.create(store.engine)
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("ANALYZE"))


def timed(repeats: int, work: Any) -> float:
    """Median seconds of `repeats` runs."""
    taken = []
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


def say(name: str, value: float, unit: str, aim: str = "") -> None:
    """One figure."""
    print(f"{name:<58} {value:>14,.2f} {unit:<10} {aim}", flush=True)


def measure_reports(store: Store, now: datetime) -> None:
    """A month by queue and day, from rollups and from rows."""
    month = {
        "from": ["2025-06-01"],
        "to": ["2025-07-01"],
        "group_by": ["queue,day"],
        "metrics": ["contacts,aht_contact,aht_leg,fcr,service_level,asa,abandonment_rate,csat"],
    }

    def ask(**more: list[str]) -> dict[str, Any]:
        return figures(store, read_stats_query({**month, **more}, store, now), now, seconds=600)

    ask()
    say("a month by queue and day from rollups", 1000 * timed(5, ask), "ms", "aim < 200")
    say("the same from rows", 1000 * timed(1, lambda: ask(source=["rows"])), "ms")
    rolled, rows = ask(), ask(source=["rows"])
    assert rolled["source"] == "rollups" and rows["source"] == "rows"
    # Sums are added in another order, so the last digits of a float may differ.
    for name, figure in rows["totals"].items():
        assert abs((figure["value"] or 0) - (rolled["totals"][name]["value"] or 0)) < 1e-3, name


def measure_export(store: Store, form: str, count: int) -> None:
    """Speed and memory of a bulk export."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun, size = time.perf_counter(), 0
    for chunk in stream(store, read_call_query({}), form, masked=False):
        size += len(chunk)
    taken = time.perf_counter() - begun
    say(f"export to {form}: rows a second", count / taken, "rows/s", "aim > 200,000" if form == "parquet" else "")
    say(f"export to {form}: size", size / 1e6, "MB")
    say(
        f"export to {form}: more memory at its peak",
        (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024,
        "MB",
        "flat",
    )


class DatabaseTime:
    """Seconds that an engine's statements and commits took."""

    def __init__(self, engine: sa.Engine) -> None:
        self.seconds = 0.0
        self._begun = 0.0
        sa.event.listen(engine, "before_cursor_execute", self._start)
        sa.event.listen(engine, "after_cursor_execute", self._stop)
        commit = engine.dialect.do_commit

        def timed_commit(connection: Any) -> None:
            self._start()
            commit(connection)
            self._stop()

        engine.dialect.do_commit = timed_commit  # type: ignore[method-assign,assignment]

    def _start(self, *_: object) -> None:
        self._begun = time.perf_counter()

    def _stop(self, *_: object) -> None:
        self.seconds += time.perf_counter() - self._begun


def server_seconds(store: Store) -> float:
    """Seconds that PostgreSQL has spent on statements in this database, waiting for its disk included."""
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("SELECT pg_stat_force_next_flush()"))
    time.sleep(2)  # sessions tell what they did when they are idle for a second
    with store.engine.connect() as connection:
        told = connection.scalar(sa.text("SELECT active_time FROM pg_stat_database WHERE datname = current_database()"))
        return float(told or 0.0) / 1000


def measure_closing(store: Store, rng: random.Random, callers: int, count: int = 300) -> None:
    """What closing a call costs, through its journal: the whole of it, and the database's part (statements and commits). Calls end now,
    after all that were written, and are of any of the `callers`."""
    with store.reading(600) as connection:
        before_us = connection.scalar(sa.select(sa.func.count()).where(calls.c.call_id.like("CB%"))) or 0
    told_before = server_seconds(store) if store.dialect == "postgresql" else 0.0
    taken = []
    spent = DatabaseTime(store.engine)
    in_database = []
    for n in range(before_us, before_us + count):
        at = START + timedelta(seconds=YEAR + 3 * n)
        call_id, number = f"CB{n:032x}", f"+4477{rng.randrange(callers):08d}"

        def note(seconds: float, what: str, /, **data: Any) -> Note:
            return Note(call_id, what, at + timedelta(seconds=seconds), data)  # noqa: B023

        journal = [
            note(0, "Arrived", from_number=number, caller_kind="phone", direction="inbound", flow="support", revision="12", contact_id=call_id),
            note(5, "StepEntered", flow="support", step="main", kind="menu"), note(9, "Heard", step="main", mode="speech", text="where is my order"),
            note(9, "Understood", step="main", intent="order_status", confidence=0.9, band="accept"), note(20, "Queued", queue="queue_1"),
            note(25, "Offered", queue="queue_1", agent="agent_001", leg_id="L", reservation="r"), note(30, "Connected", queue="queue_1", agent="agent_001", leg_id="L"),
            note(200, "LegEnded", leg_id="L", agent="agent_001", reason="caller_hung_up"), note(200, "Ended", ended_by="caller", status="completed"),
        ]  # fmt: skip
        before, begun = spent.seconds, time.perf_counter()
        close_call(store, journal, at + timedelta(seconds=210))
        taken.append(1000 * (time.perf_counter() - begun))
        in_database.append(1000 * (spent.seconds - before))
    if store.dialect == "postgresql":  # statements are sent together: what each of them took is told by the server alone
        told = server_seconds(store) - told_before
        say("closing a call, in the database: mean", 1000 * told / count, "ms", "aim < 5")
    parts = {"in the database": sorted(in_database)} if store.dialect == "sqlite" else {}
    for name, times in {**parts, "computing included": sorted(taken)}.items():
        say(f"closing a call, {name}: median", times[len(times) // 2], "ms", "aim < 5")
        say(f"closing a call, {name}: p99", times[int(len(times) * 0.99)], "ms")


def measure_deciding(store: Store, count: int) -> None:
    """Deciding the FCR of a day: the clock stands where the windows of about 100,000 contacts have run out since the beginning."""
    days = min(365.0, 100_000 / (0.88 * count / 365))
    now = START + timedelta(seconds=store.rules.window_seconds) + timedelta(days=days)
    begun = time.perf_counter()
    decided = decide_fcr(store, now)
    say(f"deciding FCR of {decided:,} contacts", time.perf_counter() - begun, "s", "aim < 30")


PARTS = ("load", "rollups", "reports", "export", "closing", "deciding")


def measure(store: Store, count: int, seed: int, parts: Sequence[str]) -> None:
    """Each of `parts`, one line per figure."""
    if "load" in parts:
        begun = time.perf_counter()
        load(store, count, seed)
        say(f"rows written in bulk ({count:,} calls)", count / (time.perf_counter() - begun), "calls/s")
    if "rollups" in parts:
        begun = time.perf_counter()
        half_hours = rebuild_rollups(store)
        say(f"rebuilding rollups ({half_hours:,} half-hours)", time.perf_counter() - begun, "s")
    if "reports" in parts:
        measure_reports(store, START + timedelta(days=400))
    for form in ("parquet", "csv") if "export" in parts else ():
        measure_export(store, form, count)
    if "closing" in parts:
        measure_closing(store, random.Random(seed), max(1, count // 4))
    if "deciding" in parts:
        measure_deciding(store, count)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--database", help="an empty database (default: an SQLite file in a temporary folder)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where the SQLite file goes")
    parser.add_argument("--only", default=",".join(PARTS), help=f"of {', '.join(PARTS)}")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        store = Store(given.database or f"sqlite:///{folder}/ivr.sqlite")
        store.upgrade()
        measure(store, given.calls, given.seed, given.only.split(","))
        store.close()
    print(
        json.dumps(
            {
                "engine": store.dialect,
                "calls": given.calls,
                "seed": given.seed,
                "python": platform.python_version(),
                "sqlalchemy": sa.__version__,
                "sqlite": sqlite3.sqlite_version,
                "cores": os.cpu_count(),
                "machine": platform.machine(),
                "load": os.getloadavg(),
            }
        )
    )
    sys.exit(0)


if __name__ == "__main__":
    main()
