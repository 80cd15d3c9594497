"""The simulator meets theory. Seeds are fixed; benchmarks/simulation.py does the same with twenty times the calls."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from routing.erlang import erlang_a, erlang_c
from routing.model import Agent, CallerOrder, Policy, Queue
from routing.simulation import simulate
from routing.simulation_figures import Figure, Scope, interval, measure
from routing.simulation_scenario import CallType, Crew, Exponential, Fixed, Rate, Scenario

from .scenarios import FOREVER, UNLIMITED, one_skill


def figures(scenario: Scenario, replications: int, names: Iterable[str], scope: Scope | None = None) -> dict[str, Figure]:
    days = [measure(scenario, simulate(scenario, number))[scope or Scope("all")] for number in range(replications)]
    return {name: interval(day[name] for day in days) for name in names}


def close(figure: Figure, exact: float, relative: float) -> bool:
    """Within twice the interval's half width (99.9 %), and no further off than `relative`."""
    return abs(figure.mean - exact) <= 2 * figure.half_width and abs(figure.mean / exact - 1) <= relative


def test_erlang_c() -> None:
    exact = erlang_c(20, 17, 120)
    found = figures(one_skill(20, 17, 120, hours=40), 10, ("waited", "mean_wait_seconds", "service_level", "occupancy"))
    assert close(found["waited"], exact.waiting_probability, 0.05)
    assert close(found["mean_wait_seconds"], exact.mean_wait_seconds, 0.10)
    assert close(found["service_level"], exact.within, 0.02)
    assert close(found["occupancy"], exact.occupancy, 0.01)


@pytest.mark.parametrize(("agents", "load", "handling", "patience"), [(50, 55, 180, 120), (10, 12, 120, 60)])
def test_erlang_a(agents: int, load: float, handling: float, patience: float) -> None:
    exact = erlang_a(agents, load, handling, patience)
    found = figures(
        one_skill(agents, load, handling, patience, 24), 8, ("abandoned", "mean_wait_seconds", "service_level", "occupancy")
    )
    assert close(found["abandoned"], exact.abandoned, 0.12)
    assert close(found["mean_wait_seconds"], exact.mean_wait_seconds, 0.12)
    assert close(found["service_level"], exact.within, 0.04)
    assert close(found["occupancy"], exact.occupancy, 0.01)


def test_constant_handling_halves_the_wait() -> None:
    """M/D/1 waits half as long as M/M/1 (Pollaczek and Khinchine)."""
    base = one_skill(1, 0.7, 60, hours=400)
    constant = replace(base, call_types=(replace(base.call_types[0], handling=Fixed(60.0)),))
    waits = figures(constant, 8, ("mean_wait_seconds",))["mean_wait_seconds"]
    assert close(waits, 0.7 * 60 / (2 * 0.3), 0.08)


def test_lines_limit_who_may_wait() -> None:
    """M/M/4/6: the chance of the fullest state is the share turned away."""
    chances = [1.0]
    for state in range(1, 7):
        chances.append(chances[-1] * 4.0 / min(state, 4))
    scenario = replace(one_skill(4, 4.0, 100, hours=150), lines=6)
    assert close(figures(scenario, 8, ("turned_away",))["turned_away"], chances[-1] / sum(chances), 0.05)


def test_priority_is_paid_by_the_others() -> None:
    """Strict priority in M/M/1 (Cobham 1954): mean waits of both classes."""
    policy = Policy("strict", CallerOrder.STRICT_PRIORITY, starvation_seconds=1e9)
    calls = tuple(
        CallType(name, "line", (Rate(0, 250 * 3600, 21.0),), Exponential(60), head_start_seconds=start)
        for name, start in (("member", 1.0), ("guest", 0.0))
    )
    queue = Queue("line", policy=policy, capacity=UNLIMITED)
    scenario = Scenario("", 0, 250 * 3600, calls, (Crew(Agent("ann"), 1, FOREVER),), {"line": queue}, warm_up_seconds=7200)
    residual = 0.7 * 60
    for name, exact in (("member", residual / (1 - 0.35)), ("guest", residual / ((1 - 0.35) * (1 - 0.7)))):
        assert close(figures(scenario, 8, ("mean_wait_seconds",), Scope("calls", name))["mean_wait_seconds"], exact, 0.08)


def test_pooling_a_second_skill_does_nearly_all() -> None:
    """Wallace and Whitt 2005: with two skills each, six kinds of calls wait little longer than with six."""
    names = [f"skill{number}" for number in range(6)]
    hours = 40
    calls = tuple(CallType(name, name, (Rate(0, hours * 3600, 84.0),), Exponential(600), needs={name: 1}) for name in names)
    queues = {name: Queue(name, capacity=UNLIMITED) for name in names}
    base = Scenario("", 0, hours * 3600, calls, (), queues, lines=120, warm_up_seconds=4 * 3600)
    waits = {}
    for each in (1, 2, 6):
        crews = tuple(
            Crew(
                Agent(
                    f"crew{main}{other}",
                    skills={names[main]: 2, **{names[(main + other + step) % 6]: 2 for step in range(each - 1)}},
                ),
                3,
                FOREVER,
            )
            for main in range(6)
            for other in range(1, 6)
        )
        waits[each] = figures(replace(base, crews=crews), 3, ("mean_answer_seconds",))["mean_answer_seconds"].mean
    assert waits[1] > 4 * waits[2]
    assert waits[2] < 1.6 * waits[6]


def test_longest_idle_is_fairer_than_chance() -> None:
    """20 agents at 80 %: idle spells vary less than memoryless ones (1.0) would."""
    found = figures(one_skill(20, 16, 300, hours=40), 4, ("idle_variation", "occupancy_spread"))
    assert found["idle_variation"].mean < 0.75
    assert found["occupancy_spread"].mean < 0.08
