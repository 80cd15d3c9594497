"""Scenarios from past calls: patience and presence estimated, a past day played again close to what happened."""

from __future__ import annotations

import numpy as np
import pytest

from routing.model import Agent, Queue
from routing.simulation import Day, Outcome, simulate
from routing.simulation_figures import Scope, interval, measure
from routing.simulation_recorded import PastCall, as_it_was, as_measured, patience_of, presence_of, typical_day
from routing.simulation_scenario import CallType, Crew, Exponential, LogNormal, Rate, Scenario, Shift

EIGHT = 8 * 3600.0
REAL = Scenario(
    "a real day",
    EIGHT,
    18 * 3600.0,
    (
        CallType("care", "care", (Rate(EIGHT, 18 * 3600.0, 150),), LogNormal(240, 150), Exponential(150), needs={"care": 2}),
        CallType("bills", "bills", (Rate(EIGHT, 18 * 3600.0, 60),), LogNormal(300, 200), Exponential(200), needs={"bills": 2}),
    ),
    (
        Crew(Agent("ann", skills={"care": 2}), 6, (Shift(EIGHT, 18 * 3600.0),)),
        Crew(Agent("bob", skills={"bills": 2, "care": 2}), 8, (Shift(EIGHT, 13 * 3600.0), Shift(14 * 3600.0, 18 * 3600.0))),
    ),
    {"care": Queue("care"), "bills": Queue("bills")},
    seed=77,
)


def past(day: Day, scenario: Scenario, name: str = "2026-11-20") -> list[PastCall]:
    """A simulated day as the records of a live service would tell it."""
    return [
        PastCall(
            name,
            at,
            scenario.call_types[kind].queue,
            float(waited),
            float(end - at - waited) if outcome == Outcome.ANSWERED else None,
            day.agents[agent].agent_id if agent >= 0 else None,
        )
        for at, kind, waited, end, outcome, agent in zip(
            day.callers.arrived_at,
            day.callers.type_index,
            day.waited_seconds,
            day.ends_at,
            day.outcome,
            day.agent_index,
            strict=True,
        )
    ]


def test_a_past_day_played_again_is_close_to_what_happened() -> None:
    calls = past(simulate(REAL), REAL)
    scenario = as_it_was(calls)
    happened = as_measured(scenario)
    real = measure(REAL, simulate(REAL))
    for name in ("service_level", "mean_wait_seconds", "abandoned", "wait_p95_seconds", "mean_answer_seconds"):
        assert happened[Scope("all")][name] == pytest.approx(real[Scope("all")][name])
    days = [measure(scenario, simulate(scenario, number))[Scope("all")] for number in range(5)]
    assert interval(day["calls"] for day in days).mean == len(calls)
    assert abs(interval(day["service_level"] for day in days).mean - happened[Scope("all")]["service_level"]) < 0.03
    assert interval(day["mean_answer_seconds"] for day in days).mean == pytest.approx(
        happened[Scope("all")]["mean_answer_seconds"], rel=0.15
    )
    assert abs(interval(day["abandoned"] for day in days).mean - happened[Scope("all")]["abandoned"]) < 0.03


def test_patience_is_estimated_from_answers_and_hang_ups() -> None:
    assert REAL.call_types[0].patience == Exponential(150)
    calls = [call for number in range(6) for call in past(simulate(REAL, number), REAL) if call.queue == "care"]
    patience = patience_of(calls)
    assert patience is not None
    assert patience.mean_seconds == pytest.approx(150, rel=0.1)
    assert patience_of([call for call in calls if call.answered]) is None


def test_presence_is_read_from_the_calls_taken() -> None:
    calls = past(simulate(REAL), REAL)
    ann = presence_of([call for call in calls if call.agent == "ann-1"])
    assert len(ann) == 1
    assert abs(ann[0].from_seconds - EIGHT) < 1200
    assert abs(ann[0].to_seconds - 18 * 3600) < 1200
    bob = presence_of([call for call in calls if call.agent == "bob-1"])
    assert len(bob) == 2
    assert abs(bob[0].to_seconds - 13 * 3600) < 1800
    assert abs(bob[1].from_seconds - 14 * 3600) < 1800


def test_a_typical_day_has_the_average_of_all() -> None:
    days = [past(simulate(REAL, number), REAL, f"2026-11-{16 + number}") for number in range(3)]
    scenario = typical_day([call for day in days for call in day])
    assert scenario.title == "A day like the 3 from 2026-11-16 to 2026-11-18"
    assert scenario.expected_calls == pytest.approx(np.mean([len(day) for day in days]))
    assert (scenario.from_seconds, scenario.to_seconds) == (EIGHT, 18 * 3600.0)
    assert {crew.name for crew in scenario.crews} == {call.agent for call in days[-1] if call.agent}
    care = next(call_type for call_type in scenario.call_types if call_type.name == "care")
    assert care.handling.mean_seconds == pytest.approx(240, rel=0.1)


def test_what_teaches_nothing_is_refused() -> None:
    lost = PastCall("2026-11-20", EIGHT, "care", 20.0)
    with pytest.raises(ValueError, match="no answered call"):
        typical_day([lost])
    answered = PastCall("2026-11-20", EIGHT, "care", 20.0, 60.0, "ann")
    with pytest.raises(ValueError, match="calls of 2 days"):
        as_it_was([answered, PastCall("2026-11-21", EIGHT, "care", 20.0, 60.0, "ann")])
