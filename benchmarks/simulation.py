"""The simulator against closed forms and published figures, and its speed.

    python benchmarks/simulation.py                 every table, about 25 minutes on one core
    python benchmarks/simulation.py --quick         a tenth of the days
    python benchmarks/simulation.py --only speed    one table: erlang, pooling, overload, fairness, speed

Every line shows the simulated mean over replications with its 95 % interval and, where there is one, the exact or published value.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from routing.erlang import Expected, erlang_a, erlang_c
from routing.model import Agent, AgentChoice, CallerOrder, Policy, Queue
from routing.simulation import simulate
from routing.simulation_figures import Figure, Scope, interval, measure
from routing.simulation_scenario import CallType, Crew, Exponential, LogNormal, Rate, Scenario, Shift

HOUR = 3600.0
FOREVER = (Shift(0.0, 1e9),)
UNLIMITED = 10**9
ALL = Scope("all")


def one_skill(
    agents: int, load_erlangs: float, handling_seconds: float, patience_seconds: float | None, hours: float
) -> Scenario:
    """One queue, Poisson arrivals, exponential everything."""
    calls = CallType(
        "calls",
        "line",
        (Rate(0, hours * HOUR, load_erlangs / handling_seconds * HOUR),),
        Exponential(handling_seconds),
        Exponential(patience_seconds) if patience_seconds else None,
    )
    return Scenario(
        "", 0, hours * HOUR, (calls,), (Crew(Agent("agent"), agents, FOREVER),), {"line": Queue("line", capacity=UNLIMITED)},
        warm_up_seconds=60 * handling_seconds,
    )  # fmt: skip


def pooled(skills_each: int, hours: float, lines: int | None = 120) -> Scenario:
    """Wallace and Whitt, "A staffing algorithm for call centers with skill-based routing", M&SOM 7 (2005): 6 kinds of call of 14
    erlangs, 10 minutes each, 90 agents, 120 lines. Here: longest idle agent, longest waiting caller, no hang-ups."""
    names = [f"skill{number}" for number in range(6)]
    policy = Policy("pool", CallerOrder.FIRST_COME, AgentChoice.LONGEST_IDLE)
    calls = tuple(CallType(name, name, (Rate(0, hours * HOUR, 84.0),), Exponential(600), needs={name: 1}) for name in names)
    crews = []
    for main in range(6):
        if skills_each == 2:
            crews += [
                Crew(Agent(f"crew{main}{other}", skills={names[main]: 3, names[(main + other) % 6]: 2}), 3, FOREVER)
                for other in range(1, 6)
            ]
        else:
            crews.append(
                Crew(Agent(f"crew{main}", skills={names[(main + other) % 6]: 2 for other in range(skills_each)}), 15, FOREVER)
            )
    queues = {name: Queue(name, policy=policy, capacity=UNLIMITED) for name in names}
    return Scenario("", 0, hours * HOUR, calls, tuple(crews), queues, lines=lines, warm_up_seconds=6 * HOUR)


def overloaded(order: CallerOrder, head_start_seconds: float, hours: float) -> Scenario:
    """20 agents, 24 erlangs of 5 minutes, patience 3 minutes; half the callers are members."""
    policy = Policy("overload", order, starvation_seconds=24 * HOUR)
    calls = tuple(
        CallType(name, "line", (Rate(0, hours * HOUR, 144.0),), Exponential(300), Exponential(180), head_start_seconds=start)
        for name, start in (("member", head_start_seconds), ("guest", 0.0))
    )
    queue = Queue("line", policy=policy, capacity=UNLIMITED)
    return Scenario("", 0, hours * HOUR, calls, (Crew(Agent("agent"), 20, FOREVER),), {"line": queue}, warm_up_seconds=2 * HOUR)


def busy_day(calls: int, agents: int) -> Scenario:
    """A day of `calls` with `agents`: five skills of two levels, two skills each, relaxation after 30 s, hang-ups, shifts."""
    names = ["general", "billing", "technical", "spanish", "retention"]
    parts = (0.4, 0.2, 0.2, 0.1, 0.1)
    profile = (0.6, 1.1, 1.3, 1.2, 0.9, 1.0, 1.2, 1.1, 0.9, 0.7)  # 08:00 to 18:00
    types = tuple(
        CallType(
            name,
            name,
            tuple(Rate((8 + hour) * HOUR, (9 + hour) * HOUR, calls * part * weight / 10) for hour, weight in enumerate(profile)),
            LogNormal(150, 120),
            Exponential(180),
            needs={name: 2},
            rings=((30.0, {name: 1}),),
        )
        for name, part in zip(names, parts, strict=True)
    )
    crews = []
    for index, (name, part) in enumerate(zip(names, parts, strict=True)):
        second = names[(index + 1) % 5]
        count = round(agents * part / 2)
        crews.append(
            Crew(
                Agent(f"early_{name}", skills={name: 3, second: 1}),
                count,
                (Shift(8 * HOUR, 12 * HOUR), Shift(12.5 * HOUR, 18 * HOUR)),
            )
        )
        crews.append(
            Crew(
                Agent(f"late_{name}", skills={name: 2, second: 2}),
                count,
                (Shift(8 * HOUR, 13 * HOUR), Shift(13.5 * HOUR, 18 * HOUR)),
            )
        )
    queues = {name: Queue(name, capacity=UNLIMITED) for name in names}
    return Scenario("", 8 * HOUR, 18 * HOUR, types, tuple(crews), queues)


def figures(scenario: Scenario, replications: int, names: Iterable[str], scope: Scope = ALL) -> dict[str, Figure]:
    """The figures called `names`, with intervals over replications."""
    measured = [measure(scenario, simulate(scenario, replication))[scope] for replication in range(replications)]
    return {name: interval(day[name] for day in measured) for name in names}


def line(label: str, figure: Figure, exact: float | None = None, digits: int = 4, word: str = "exact") -> None:
    """One figure; with an exact (or published) value also whether it lies in the interval, and how far off the mean is."""
    text = f"  {label:34s} {figure.mean:10.{digits}f}  [{figure.low:.{digits}f}, {figure.high:.{digits}f}]"
    if exact is not None:
        text += (
            f"  exact {exact:.{digits}f}  off {figure.mean / exact - 1:+.2%}  {'within' if figure.holds(exact) else 'OUTSIDE'}"
        )
    print(text, flush=True)


def erlang(share: float) -> None:
    """Erlang C and A of routing.md."""
    rows: list[tuple[str, tuple[int, float, float, float | None]]] = [
        ("Erlang C: 50 agents, 45 erlangs, 180 s", (50, 45, 180, None)),
        ("Erlang C: 100 agents, 95 erlangs, 200 s", (100, 95, 200, None)),
        ("Erlang A: 50, 55 of 180 s, patience 120 s", (50, 55, 180, 120)),
        ("Erlang A: 100, 100 of 200 s, patience 300 s", (100, 100, 200, 300)),
    ]
    for title, (agents, load, handling_seconds, patience_seconds) in rows:
        exact: Expected = (
            erlang_a(agents, load, handling_seconds, patience_seconds)
            if patience_seconds
            else erlang_c(agents, load, handling_seconds)
        )
        days = max(10, round((40 if patience_seconds else 120) * share))
        print(f"{title}; {days} days of 200 h")
        found = figures(
            one_skill(agents, load, handling_seconds, patience_seconds, 200), days,
            ("waited", "mean_wait_seconds", "service_level", "abandoned"),
        )  # fmt: skip
        line("P(wait)", found["waited"], exact.waiting_probability)
        line("mean wait, s", found["mean_wait_seconds"], exact.mean_wait_seconds, 3)
        line("within 20 s", found["service_level"], exact.within)
        if patience_seconds:
            line("abandoned", found["abandoned"], exact.abandoned, 5)


def pooling(share: float) -> None:
    """Pooling: a second skill each is nearly as good as six."""
    days = max(10, round(40 * share))
    print(f"Pooling: 6 kinds of call, 84 erlangs of 10 min, 90 agents, 120 lines; {days} days of 300 h")
    # 1 to 3 skills: published simulations without intervals, in which agents take calls of their first skill first; 0.0035 is less
    # than the least possible, that of complete pooling. 6 skills: the closed form of M/M/90/120.
    known = {1: (0.0417, 183.0), 2: (0.0041, 35.0), 3: (0.0035, 28.0), 6: (0.003643, 27.00)}
    for skills_each in (1, 2, 3, 6):
        found = figures(pooled(skills_each, 300), days, ("turned_away", "mean_answer_seconds"))
        print(f" {skills_each} skill{'s' if skills_each > 1 else ''} each")
        word = "exact" if skills_each == 6 else "published"
        line("blocked", found["turned_away"], known[skills_each][0], word=word)
        line("mean wait, s", found["mean_answer_seconds"], known[skills_each][1], 1, word)


def overload(share: float) -> None:
    """A fifth too many calls: what strict priority does to the others."""
    days = max(10, round(20 * share))
    print(f"Overload 120 %: 20 agents, 24 erlangs of 5 min, patience 3 min; {days} days of 50 h")
    for label, order, start in (
        ("first come, first served", CallerOrder.FIRST_COME, 0.0),
        ("head start of 60 s", CallerOrder.PRIORITY_WITH_AGEING, 60.0),
        ("strict priority", CallerOrder.STRICT_PRIORITY, 1.0),
    ):
        scenario = overloaded(order, start, 50)
        for name in ("member", "guest"):
            found = figures(scenario, days, ("wait_p95_seconds",), Scope("calls", name))
            line(f"{label}: {name}, p95, s", found["wait_p95_seconds"], digits=1)


def fairness(share: float) -> None:
    """How even agents' idle spells are, by choice of agent."""
    days = max(10, round(20 * share))
    print(f"Fairness: 20 agents, 16 erlangs of 5 min; {days} days of 50 h; coefficient of variation of idle spells")
    for choice in AgentChoice:
        scenario = one_skill(20, 16, 300, None, 50)
        policy = Policy("fair", CallerOrder.FIRST_COME, choice)
        queue = replace(scenario.queues["line"], policy=policy)
        found = figures(replace(scenario, queues={"line": queue}), days, ("idle_variation", "occupancy_spread"))
        line(f"{choice.value}: unevenness", found["idle_variation"], digits=3)


def speed(share: float) -> None:
    """A day of 100,000 calls and 500 agents."""
    scenario = busy_day(100_000, 500)
    runs = []
    for replication in range(max(3, round(5 * share))):
        started, began = time.perf_counter(), time.process_time()
        day = simulate(scenario, replication)
        simulated, spent = time.perf_counter(), time.process_time()
        found = measure(scenario, day)[ALL]
        runs.append(spent - began)
        print(
            f"  {len(day.outcome):,} calls, {len(day.agents)} agents: {simulated - started:.2f} s, {spent - began:.2f} s of processor; "
            f"in time {found['service_level']:.1%}, hung up {found['abandoned']:.1%}, occupancy {found['occupancy']:.1%}",
            flush=True,
        )
    print(f"  median {np.median(runs):.2f} s of processor ({np.median(runs) / 100_000 * 1e6:.0f} µs per call)")


TABLES: dict[str, Callable[[float], None]] = {
    "erlang": erlang, "pooling": pooling, "overload": overload, "fairness": fairness, "speed": speed,
}  # fmt: skip


def main() -> None:
    """Print the chosen tables with what is needed to get them again."""
    parser = argparse.ArgumentParser(description="The simulator against closed forms, and its speed.")
    parser.add_argument("--only", choices=TABLES)
    parser.add_argument("--quick", action="store_true")
    chosen = parser.parse_args()
    print(
        f"seed 1, Python {platform.python_version()}, numpy {np.__version__}, {platform.system()} {platform.machine()}, one core"
    )
    for name, table in TABLES.items():
        if chosen.only in (None, name):
            started = time.perf_counter()
            table(0.1 if chosen.quick else 1.0)
            print(f"  ({time.perf_counter() - started:.0f} s)\n", flush=True)


if __name__ == "__main__":
    main()
