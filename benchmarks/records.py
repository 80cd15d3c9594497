"""Records at scale: a generated year of calls, then what reports, exports, closing a call and deciding FCR cost.

    python benchmarks/records.py --calls 10000000 [--database URL] [--seed 1] [--keep]

Prints one line per figure with its unit, then machine, versions and seed. Rows are written in bulk, not through journals; the cost
of closing a call is measured through journals on top of them.
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
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

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
_CHUNK = 20_000
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


def generate(count: int, rng: random.Random) -> Iterator[tuple[list[Any], list[Any], list[Any]]]:
    """Chunks of rows of calls, legs and visits, in order of time; more by day than by night."""
    call_rows: list[Any] = []
    leg_rows: list[Any] = []
    visit_rows: list[Any] = []
    base = to_micros(START)
    for n in range(count):
        second = n * YEAR / count + rng.random()
        hour = int(second // 3600) % 24
        start = base + int(second * 1e6)
        call_id, person = f"CA{n:032x}", rng.randrange(max(1, count // 4))
        number, intent, queue = f"+4477{person:08d}", INTENTS[rng.randrange(8)], QUEUES[rng.randrange(8)]
        # Durations to the millisecond, as records have them.
        menu, wait = round(10 + rng.random() * 40, 3), rng.expovariate(1 / (15 if 8 <= hour < 20 else 40))
        chance = rng.random()
        outcome = (
            "self_served"
            if chance < 0.3
            else "abandoned_in_menu"
            if chance < 0.36
            else "abandoned_in_queue"
            if chance < 0.42
            else "answered"
        )
        queued = outcome in ("answered", "abandoned_in_queue")
        answered = outcome == "answered"
        wait = round(wait, 3)
        talk, wrap = (round(rng.expovariate(1 / 240), 3), round(20 + rng.random() * 40, 3)) if answered else (0.0, 0.0)
        agent = AGENTS[rng.randrange(120)] if answered else None
        queued_at = start + int(menu * 1e6) if queued else None
        answered_at = start + int((menu + wait) * 1e6) if answered else None
        ended_at = start + int((menu + (wait if queued else 0) + talk) * 1e6)
        served = outcome in ("answered", "self_served")
        repeat = rng.expovariate(1 / (2 * 86400)) if served and rng.random() < 0.18 else None
        state = "provisional" if served else "excluded"
        call_rows.append((
            call_id, call_id, 1, "inbound", number, "+442071838750", "phone", f"number:{number}", "en-GB" if n % 5 else "es-ES", "support", str(1 + n * 12 // count),
            f'["{intent}"]', intent, queue if queued else None, agent, start, queued_at, answered_at, ended_at, menu, wait if queued else 0.0, 5.0 if answered else 0.0,
            talk, wrap, talk + wrap, outcome, "caller", (rng.random() < 0.9) if answered else None, float(1 + rng.randrange(5)) if answered and n % 4 == 0 else None,
            int(answered), int(answered), 1, 1, int(outcome == "self_served"), int(answered), int(answered), talk + wrap,
            (repeat is None or repeat >= 7 * 86400) if served else None, state, None if served else "unserved", repeat, ended_at,
        ))  # fmt: skip
        if answered:
            leg_rows.append((call_id, 1, agent, queue, start, answered_at, ended_at, 5.0, talk, wrap, talk + wrap))
        if queued:
            visit_rows.append(
                (call_id, 1, queue, start, queued_at, answered_at or ended_at, wait, "answered" if answered else "abandoned")
            )
        if len(call_rows) == _CHUNK:
            yield call_rows, leg_rows, visit_rows
            call_rows, leg_rows, visit_rows = [], [], []
    if call_rows:
        yield call_rows, leg_rows, visit_rows


def load(store: Store, count: int, rng: random.Random) -> None:
    """Write the generated rows in bulk: executemany on SQLite, COPY on PostgreSQL."""
    raw = store.engine.raw_connection()
    try:
        for chunk in generate(count, rng):
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

        engine.dialect.do_commit = timed_commit  # type: ignore[method-assign]

    def _start(self, *_: object) -> None:
        self._begun = time.perf_counter()

    def _stop(self, *_: object) -> None:
        self.seconds += time.perf_counter() - self._begun


def measure_closing(store: Store, rng: random.Random, count: int = 300) -> None:
    """What closing a call costs, through its journal: the whole of it, and the database's part (statements and commits)."""
    taken = []
    spent = DatabaseTime(store.engine)
    in_database = []
    for n in range(count):
        at = START + timedelta(seconds=rng.random() * YEAR)
        call_id, number = f"CB{n:032x}", f"+4477{rng.randrange(1000):08d}"

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
    for name, times in (("in the database", sorted(in_database)), ("computing included", sorted(taken))):
        say(f"closing a call, {name}: median", times[len(times) // 2], "ms", "aim < 5")
        say(f"closing a call, {name}: p99", times[int(len(times) * 0.99)], "ms")


def measure_deciding(store: Store, count: int) -> None:
    """Deciding the FCR of a day: about 100,000 contacts made provisional and due."""
    wanted = min(count, 100_000)
    with store.writing(600) as connection:
        ids = sa.select(calls.c.call_id).where(calls.c.fcr_state != "excluded").order_by(calls.c.started_at).limit(wanted)
        connection.execute(calls.update().where(calls.c.fcr_state == "provisional").values(fcr_state="final"))
        connection.execute(calls.update().where(calls.c.call_id.in_(ids)).values(fcr_state="provisional"))
    begun = time.perf_counter()
    decided = decide_fcr(store, START + timedelta(days=800))
    say(f"deciding FCR of {decided:,} contacts", time.perf_counter() - begun, "s", "aim < 30")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--database", help="an empty database (default: an SQLite file in a temporary folder)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where the SQLite file goes")
    given = parser.parse_args()
    rng = random.Random(given.seed)
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        store = Store(given.database or f"sqlite:///{folder}/ivr.sqlite")
        store.upgrade()
        begun = time.perf_counter()
        load(store, given.calls, rng)
        say(f"rows written in bulk ({given.calls:,} calls)", given.calls / (time.perf_counter() - begun), "rows/s")
        begun = time.perf_counter()
        half_hours = rebuild_rollups(store)
        say(f"rebuilding rollups ({half_hours:,} half-hours)", time.perf_counter() - begun, "s")
        now = START + timedelta(days=400)
        measure_reports(store, now)
        for form in ("parquet", "csv"):
            measure_export(store, form, given.calls)
        measure_closing(store, rng)
        measure_deciding(store, given.calls)
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
