"""Figures, intervals and comparisons, by hand where a hand can do it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from routing.model import Agent, Queue
from routing.simulation import Outcome, simulate
from routing.simulation_figures import (
    METRICS,
    Figure,
    Scope,
    clock_time,
    compare,
    interval,
    measure,
    over_replications,
    student_t_975,
)
from routing.simulation_scenario import CallType, Crew, Fixed, Recorded, Scenario, Shift

from .busy import busy_hour

# One agent from second 0; calls at 0, 10 and 20 take 30 s each; the fourth hangs up after 15 s; the fifth finds no line.
BY_HAND = Scenario(
    "by hand",
    0,
    1800,
    (
        CallType(
            "care",
            "line",
            (),
            Fixed(30.0),
            recorded=(
                Recorded(0.0, 30.0),
                Recorded(10.0, 30.0),
                Recorded(20.0, 30.0),
                Recorded(22.0, None, 15.0),
                Recorded(23.0, 30.0),
            ),
        ),
    ),
    (Crew(Agent("ann"), 1, (Shift(0, 1800),)),),
    {"line": Queue("line")},
    lines=4,
)


def test_a_minute_by_hand() -> None:
    day = simulate(BY_HAND)
    assert [Outcome(value) for value in day.outcome] == [
        Outcome.ANSWERED,
        Outcome.ANSWERED,
        Outcome.ANSWERED,
        Outcome.ABANDONED,
        Outcome.TURNED_AWAY,
    ]
    assert day.waited_seconds.tolist() == [0.0, 20.0, 40.0, 15.0, 0.0]
    figures = measure(BY_HAND, day)[Scope("all")]
    assert figures["calls"] == 5
    assert figures["turned_away"] == 1 / 5
    assert figures["service_level"] == 2 / 4
    assert figures["abandoned"] == 1 / 4
    assert figures["waited"] == 3 / 4
    assert figures["mean_wait_seconds"] == 75 / 4
    assert figures["mean_answer_seconds"] == 20
    assert figures["occupancy"] == pytest.approx(90 / 1800)
    assert figures["calls_per_agent"] == 3
    assert set(figures) == set(METRICS)


def test_ringing_counts_as_waiting_and_keeps_the_agent() -> None:
    rung = replace(BY_HAND, ring_seconds=5.0, lines=None)
    day = simulate(rung)
    assert day.waited_seconds.tolist() == [5.0, 30.0, 55.0, 15.0, 87.0]
    assert measure(rung, day)[Scope("all")]["occupancy"] == pytest.approx(4 * 35 / 1800)


def test_a_caller_who_hangs_up_while_it_rings_frees_the_agent_then() -> None:
    calls = replace(BY_HAND.call_types[0], recorded=(Recorded(0.0, None, 3.0), Recorded(1.0, 30.0)))
    day = simulate(replace(BY_HAND, call_types=(calls,), ring_seconds=5.0))
    assert [Outcome(value) for value in day.outcome] == [Outcome.ABANDONED, Outcome.ANSWERED]
    assert day.waited_seconds.tolist() == [3.0, 7.0]  # free at 3 s, rings 5 s


def test_an_agent_finishes_the_last_call_and_takes_no_more() -> None:
    crew = Crew(Agent("ann"), 1, (Shift(0, 25),))
    day = simulate(replace(BY_HAND, crews=(crew,), lines=None))
    assert day.agent_index.tolist() == [0, -1, -1, -1, -1]
    assert day.presences == ((0, 0, 30.0),)
    assert [Outcome(value) for value in day.outcome][1:] == [Outcome.SENT_ON, Outcome.SENT_ON, Outcome.ABANDONED, Outcome.SENT_ON]


def test_shifts_that_touch_are_one() -> None:
    crew = Crew(Agent("ann"), 1, (Shift(0, 25), Shift(25, 1800)))
    assert simulate(replace(BY_HAND, crews=(crew,))).waited_seconds.tolist() == simulate(BY_HAND).waited_seconds.tolist()


def test_no_calls_and_no_agents() -> None:
    empty = replace(BY_HAND, call_types=(), crews=())
    figures = measure(empty, simulate(empty))[Scope("all")]
    assert figures["calls"] == 0
    assert math.isnan(figures["service_level"])
    assert math.isnan(figures["occupancy"])


def test_half_hours_add_up_to_the_day() -> None:
    scenario = busy_hour(2)
    measured = measure(scenario, simulate(scenario))
    halves = [figures for scope, figures in measured.items() if scope.kind == "half_hour"]
    assert [scope.name for scope in measured if scope.kind == "half_hour"] == ["00:00", "00:30"]
    assert sum(figures["calls"] for figures in halves) == measured[Scope("all")]["calls"]


def test_interval() -> None:
    figure = interval([1.0, 2.0, 3.0, math.nan])
    assert (figure.mean, figure.half_width) == (2.0, pytest.approx(4.3027 / math.sqrt(3), rel=1e-4))
    assert figure.holds(0.0)
    assert not figure.holds(5.0)
    assert math.isnan(interval([4.0]).low)
    assert math.isnan(interval([]).mean)


@pytest.mark.parametrize(
    ("freedom", "quantile"), [(1, 12.7062), (9, 2.2622), (30, 2.0423), (40, 2.0211), (120, 1.9799), (999, 1.9623)]
)
def test_student_t(freedom: int, quantile: float) -> None:
    assert student_t_975(freedom) == pytest.approx(quantile, abs=2e-4)


def test_common_callers_make_differences_sharp() -> None:
    """The same callers meet both scenarios: the difference's interval is far narrower than either figure's."""
    scenario = busy_hour(1)
    more = scenario.with_crew(Crew(Agent("dora", skills={"english": 2}), 1, (Shift(1200, 2400),)))
    days = range(12)
    these = [measure(scenario, simulate(scenario, number)) for number in days]
    others = [measure(more, simulate(more, number)) for number in days]
    difference = compare(these, others)[Scope("all")]["mean_wait_seconds"]
    assert difference.verdict == "better"
    assert difference.figure.half_width < 0.6 * over_replications(these)[Scope("all")]["mean_wait_seconds"].half_width


def test_verdicts() -> None:
    scope = Scope("all")

    def verdict(name: str, change: float) -> str:
        these = [{scope: {name: float(number)}} for number in range(5)]
        others = [{scope: {name: number + change + 0.001 * number}} for number in range(5)]
        return compare(these, others)[scope][name].verdict

    assert verdict("service_level", 1) == "better"
    assert verdict("service_level", -1) == "worse"
    assert verdict("abandoned", 1) == "worse"
    assert verdict("occupancy", 1) == "higher"
    assert verdict("occupancy", -1) == "lower"
    assert verdict("abandoned", 0) != "better"


def test_clock_time() -> None:
    assert [clock_time(seconds) for seconds in (0, 34200, 91800)] == ["00:00", "09:30", "25:30"]
    assert Figure(1, 0, 4).half_width == 2
