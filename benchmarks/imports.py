"""Importing a history while calls are being recorded: how fast it goes, how much memory it takes, and how long a call's closing waits.

    python benchmarks/imports.py --calls 1000000 [--database URL] [--seed 1]

Prints one line per figure with its unit, then machine, load, versions and seed. Calls are closed by a process of its own, about ten a
second, before and during the import.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import os
import platform
import random
import resource
import sqlite3
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

from ivr.errors import StoreUnavailable
from ivr.notes import Note
from ivr.records.importing import import_calls
from ivr.records.saving import close_call
from ivr.records.store import Store, utc_now

START = datetime(2025, 1, 1, tzinfo=UTC)
INTENTS = tuple(f"intent_{n}" for n in range(8))
COLUMNS = (
    "call_id", "direction", "from_number", "to_number", "language", "flow", "revision", "intents", "queue", "agent", "started_at", "queued_at",
    "answered_at", "ended_at", "menu_seconds", "queue_seconds", "talk_seconds", "wrap_up_seconds", "outcome", "ended_by", "resolved",
)  # fmt: skip


def write_history(path: Path, count: int, seed: int) -> None:
    """A year of calls in no order; each of the callers called four times on average."""
    rng = random.Random(seed)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for n in range(count):
            at = START + timedelta(seconds=rng.randrange(365 * 86400))
            queue = f"queue_{rng.randrange(8)}" if rng.random() < 0.7 else ""
            agent = f"agent_{rng.randrange(120):03d}" if queue and rng.random() < 0.85 else ""
            menu, wait = rng.randrange(10, 60), rng.randrange(200) if queue else 0
            talk, wrap = (rng.randrange(30, 900), rng.randrange(5, 60)) if agent else (0, 0)
            queued, answered = at + timedelta(seconds=menu), at + timedelta(seconds=menu + wait)
            outcome = "answered" if agent else "abandoned_in_queue" if queue else "self_served"
            writer.writerow([
                f"IM{n:030x}", "inbound", f"+4477{rng.randrange(max(1, count // 4)):08d}", "+442079460000", "en-GB", "support", "1", rng.choice(INTENTS), queue,
                agent, at.isoformat(), queued.isoformat() if queue else "", answered.isoformat() if agent else "",
                (answered + timedelta(seconds=talk)).isoformat(), menu, wait, talk, wrap, outcome, "caller", rng.choice(["true", "", "", ""]) if agent else "",
            ])  # fmt: skip


def close_calls(url: str, ends: Connection) -> None:
    """Close calls until told to stop; answers with what each took in seconds, and how many had to be tried again."""
    store = Store(url)
    took: list[float] = []
    again = n = 0
    while not ends.poll(0.1):
        n += 1
        call_id, at = f"CA{os.getpid()}_{n}", utc_now() - timedelta(minutes=2)
        arrived = {
            "from_number": f"+4477{n:08d}",
            "caller_kind": "phone",
            "to_number": "+442079460000",
            "direction": "inbound",
            "contact_id": call_id,
        }
        notes = [
            Note(call_id, "Arrived", at, arrived, 1),
            Note(call_id, "Queued", at, {"queue": "queue_1"}, 2),
            Note(call_id, "Ended", at + timedelta(seconds=9), {"ended_by": "caller"}, 3),
        ]
        began = time.monotonic()
        while True:
            try:
                close_call(store, notes, utc_now())
                break
            except StoreUnavailable:
                again += 1
        took.append(time.monotonic() - began)
    ends.send((took, again))
    store.close()


def closing(url: str, seconds: float | None) -> tuple[multiprocessing.process.BaseProcess, Connection]:
    """A process that closes calls; with `seconds`, its figures after so long."""
    mine, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=close_calls, args=(url, theirs), daemon=True)
    process.start()
    if seconds is not None:
        time.sleep(seconds)
    return process, mine


def tell_closing(when: str, connection: Connection) -> None:
    connection.send("stop")
    took, again = connection.recv()
    ordered = sorted(took)
    shown = [statistics.median(ordered), ordered[int(len(ordered) * 0.95)], ordered[-1]] if ordered else [0.0] * 3
    print(
        f"closing a call {when}: median {shown[0] * 1000:.1f} ms, p95 {shown[1] * 1000:.0f} ms, longest {shown[2] * 1000:.0f} ms",
        end="",
    )
    print(f" ({len(took)} calls, {again} tried again)")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--calls", type=int, default=100_000)
    asked.add_argument("--database", help="A SQLAlchemy URL; default: a SQLite file that is thrown away.")
    asked.add_argument("--seed", type=int, default=1)
    given = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="imports") as folder:
        url = given.database or f"sqlite:///{folder}/ivr.sqlite"
        path = Path(folder) / "history.csv"
        write_history(path, given.calls, given.seed)
        store = Store(url)
        store.upgrade()
        _, alone = closing(url, 8.0)
        tell_closing("before", alone)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        _, beside = closing(url, 3.0)
        began, computed = time.monotonic(), time.process_time()
        with path.open(encoding="utf-8-sig", newline="") as source:
            done = import_calls(store, source, "csv", utc_now())
        wall, cpu = time.monotonic() - began, time.process_time() - computed
        tell_closing("during", beside)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(f"import: {done.written} rows in {wall:.1f} s ({done.written / wall:.0f} rows/s), {cpu:.1f} s of them computing")
        print(f"memory: {before // 1024} MB before, {after // 1024} MB at most")
        store.close()
    print(f"{platform.platform()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, seed {given.seed}")
    print(f"Python {sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}")


if __name__ == "__main__":
    main()
