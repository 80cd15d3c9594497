"""Time of one turn through the engine, without classification: python benchmarks/engine.py [--turns 5000]

Prints p50, p99 and turns per second for the turns of a sample call, with machine and versions. Look-ups, queues and the recogniser
answer at once here: what is measured is flow, facts, prompts, readings and notes.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import ivr.steps as steps
from ivr import __version__
from ivr.call import Arrived, Caller, CallerKind, Keyed, Session, Silent, Spoke
from ivr.engine import Turn, begin, take_turn
from ivr.language.bundle import compile_folder
from ivr.phrases import read_house
from ivr.rehearsal import Given, Outside, Rehearsal
from ivr.world import LookUp

assert steps

REPOSITORY = Path(__file__).parent.parent
AT = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=5000, help="how often each turn is taken")
    turns = parser.parse_args().turns
    bundle = compile_folder(REPOSITORY / "flows").required()
    given = Given(
        facts={
            "customer": LookUp("found", {"id": "c1", "first_name": "Emma", "tier": "gold", "language": "en-GB"}),
            "order": LookUp("found", {"number": "48213507", "status": "on its way", "due": "2026-11-26"}),
            "invoice": LookUp("found", {"amount_due": "33.20", "due": "2026-12-01"}),
        },
        understood={"where is my order": {"order_status": 0.95}},
    )
    world = Rehearsal(Outside(house=read_house(REPOSITORY / "config")), given, AT)
    caller = Caller(CallerKind.PHONE, "+447700900100", country="GB")
    happening = ("CA1", "e1", AT)

    def arrive() -> Turn:
        return begin(bundle, "support", Arrived(*happening, caller, "+442079460000"), contact_id="c", revision="r", world=world)

    text = arrive().session.to_json()
    cases: dict[str, Callable[[], Turn]] = {
        "call arrives, menu is read": arrive,
        "caller says what is wanted, order is told": lambda: take_turn(
            bundle, Session.from_json(text), Spoke(*happening, "where is my order"), world
        ),
        "caller presses a key": lambda: take_turn(bundle, Session.from_json(text), Keyed(*happening, "3"), world),
        "caller is silent, reprompt": lambda: take_turn(bundle, Session.from_json(text), Silent(*happening), world),
    }
    print(
        f"ivr {__version__}, Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores, {turns} turns each, no seed (deterministic)"
    )
    for name, turn in cases.items():
        for _ in range(50):
            turn().session.to_json()
        wall, busy = [], []
        for _ in range(turns):
            started, started_busy = time.perf_counter(), time.thread_time()
            turn().session.to_json()
            wall.append(time.perf_counter() - started)
            busy.append(time.thread_time() - started_busy)
        cuts, busy_cuts = statistics.quantiles(wall, n=100), statistics.quantiles(busy, n=100)
        print(
            f"{name:43} p50 {cuts[49] * 1e3:6.3f} ms   p99 {cuts[98] * 1e3:6.3f} ms   "
            f"of processor time p50 {busy_cuts[49] * 1e3:6.3f} ms   p99 {busy_cuts[98] * 1e3:6.3f} ms   {turns / sum(busy):7.0f} turns/s per core"
        )


if __name__ == "__main__":
    sys.exit(main())
