"""How good the announced waits are: error, bias, and how often "eight of ten wait less than ..." holds.

    python benchmarks/estimate.py [--quick] [--seed 1] [--only 1]

RASE is the root of the mean squared error over the mean wait, of callers who waited and were answered. With 95 erlangs on 100 agents
and no hang-ups no predictor can do better than 1/sqrt(20) = 0.2236 in the long run: with n callers ahead the wait is a sum of n + 1
exponential times, whatever else is known. `QL` and `QLr` are the textbook predictors from the queue's length (Whitt 1999; Ibrahim and
Whitt 2009), told the true rates, which no live system knows.
"""

from __future__ import annotations

import argparse
import bisect
import math
import platform
import time
from dataclasses import replace

import numpy as np
from simulation import one_skill, pooled

from routing.simulation import Day, Outcome, simulate
from routing.simulation_figures import interval
from routing.simulation_scenario import Scenario
from routing.simulation_waits import told


def textbook_rase(scenario: Scenario, day: Day, agents: int, handling_seconds: float, patience_seconds: float) -> float:
    """RASE of QL (infinite patience) or QLr on one first-come queue, over calls that waited and were answered."""
    arrived = day.callers.arrived_at
    left = (np.asarray(arrived) + day.waited_seconds).tolist()
    begins = scenario.from_seconds + scenario.warm_up_seconds
    waiting: list[float] = []  # when those ahead will leave
    steps = np.cumsum([1 / (agents / handling_seconds + ahead / patience_seconds) for ahead in range(5000)])
    errors, waits = [], []
    for call, at in enumerate(arrived):
        del waiting[: bisect.bisect_right(waiting, at)]
        if day.waited_seconds[call] == 0:
            continue
        if day.outcome[call] == Outcome.ANSWERED and at >= begins:
            errors.append(float(day.waited_seconds[call]) - float(steps[len(waiting)]))
            waits.append(float(day.waited_seconds[call]))
        bisect.insort(waiting, left[call])
    return math.sqrt(float(np.mean(np.square(errors)))) / float(np.mean(waits))


def main() -> None:
    """Print the three cases, each over several replications."""
    parser = argparse.ArgumentParser(description="How good the announced waits are.")
    parser.add_argument("--quick", action="store_true", help="A fifth of the calls.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, choices=(1, 2, 3), help="One case.")
    options = parser.parse_args()
    share = 0.2 if options.quick else 1.0
    print(
        f"seed {options.seed}, Python {platform.python_version()}, numpy {np.__version__}, {platform.system()} {platform.machine()}, one core"
    )
    cases = [
        ("one busy skill: 100 agents, 95 erlangs", one_skill(100, 95, 240, None, 200 * share), (100, 240.0, math.inf)),
        (
            "with hang-ups: 100 agents, 120 erlangs, patience as handling",
            one_skill(100, 120, 240, 240, 150 * share),
            (100, 240.0, 240.0),
        ),
        ("6 kinds of call, 2 skills each, 90 agents, 84 erlangs", pooled(2, 500 * share), None),
    ]
    for title, scenario, theory in cases if options.only is None else [cases[options.only - 1]]:
        started = time.perf_counter()
        found, textbook, calls = [], [], 0
        for replication in range(5):
            chosen = replace(scenario, seed=options.seed)
            day = simulate(chosen, replication)
            found.append(told(chosen, day))
            calls += len(found[-1].waited_seconds)
            if theory is not None:
                textbook.append(textbook_rase(chosen, day, *theory))
        print(f"{title}; 5 runs, {calls:,} callers who waited and were answered")
        for label, values in (
            ("RASE", [one.rase for one in found]),
            ("bias", [one.bias for one in found]),
            ("announced figure held for", [one.held for one in found]),
            *((("QL" if theory[2] == math.inf else "QLr", textbook),) if theory is not None else ()),
        ):
            figure = interval(values)
            print(
                f"  {label:28s} {figure.mean:7.4f}  [{figure.low:.4f}, {figure.high:.4f}]  least {min(values):.4f}, greatest {max(values):.4f}"
            )
        print(f"  ({time.perf_counter() - started:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
