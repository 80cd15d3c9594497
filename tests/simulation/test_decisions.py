"""The simulator decides as the policy says: the same as a floor without any index, and within the laws every floor obeys."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
from hypothesis import HealthCheck, given, settings
from numpy.typing import NDArray

from routing.model import Agent, CallerOrder, Policy, Queue
from routing.policies import openings, serves
from routing.simulation import Day, Outcome, simulate
from routing.simulation_scenario import CallType, Crew, Exponential, Rate, Scenario, Shift, waiting_pattern

from .busy import busy_hour
from .reference import SlowFloor
from .scenarios import scenarios

RANDOM = settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


@RANDOM
@given(scenarios())
def test_every_call_goes_where_a_search_through_everybody_would_send_it(scenario: Scenario) -> None:
    day = simulate(scenario)
    slow = SlowFloor(scenario, day.callers)
    slow.run()
    for call, outcome in enumerate(day.outcome.tolist()):
        expected = slow.outcome.get(call, Outcome.SENT_ON)  # still waiting when nothing more happens
        assert Outcome(outcome) is expected, f"call {call}"
        if expected is Outcome.ANSWERED:
            agent_id, at = slow.answered[call]
            assert day.agents[day.agent_index[call]].agent_id == agent_id, f"call {call}"
            assert (
                day.callers.arrived_at[call] + day.waited_seconds[call] == at
                or abs(day.callers.arrived_at[call] + day.waited_seconds[call] - at) < 1e-6
            ), f"call {call}"


@RANDOM
@given(scenarios())
def test_laws_of_the_floor(scenario: Scenario) -> None:
    day = simulate(scenario)
    arrived = np.asarray(day.callers.arrived_at)
    begun = arrived + day.waited_seconds
    # Nobody waits longer than patience allows; everything that was answered has an agent and an end.
    assert (day.waited_seconds <= np.asarray(day.callers.patience_seconds) + 1e-9).all()
    answered = day.outcome == Outcome.ANSWERED
    assert (answered == (day.agent_index >= 0)).all()
    assert np.isfinite(day.ends_at[answered]).all()
    for agent in range(len(day.agents)):
        spans = sorted((begun[call], day.ends_at[call]) for call in np.flatnonzero(day.agent_index == agent))
        # No agent is in two calls, and none takes a call while signed out.
        assert all(earlier[1] <= later[0] + 1e-9 for earlier, later in pairwise(spans))
        present = [(start, end) for who, start, end in day.presences if who == agent]
        assert all(any(start - 1e-9 <= at <= end + 1e-9 for start, end in present) for at, _ in spans)
    for call in np.flatnonzero(answered):
        call_type = scenario.call_types[day.callers.type_index[call]]
        agent = day.agents[day.agent_index[call]]
        ways = openings(waiting_pattern(call_type), scenario.queues)
        assert any(serves(agent, way) and way.after_seconds <= day.waited_seconds[call] + 1e-6 for way in ways)
    _assert_first_come_within_a_kind(scenario, day, begun)


def _assert_first_come_within_a_kind(scenario: Scenario, day: Day, begun: NDArray[np.float64]) -> None:
    """Of two calls of one kind the earlier is never passed while it waits. Rings apart: wider needs open to the earlier call first."""
    for kind, call_type in enumerate(scenario.call_types):
        if any(queue.overflow for queue in scenario.queues.values()) or call_type.rings:
            continue
        calls = [c for c, k in enumerate(day.callers.type_index) if k == kind and day.outcome[c] != Outcome.TURNED_AWAY]
        latest = -np.inf
        for call in calls:
            if day.outcome[call] == Outcome.ANSWERED:
                assert begun[call] >= latest - 1e-9
                latest = begun[call]


def test_nobody_waits_beside_a_free_agent() -> None:
    """Without a reserve, a caller waits only while every agent who may take the call is busy or away."""
    for seed in range(12):
        scenario = busy_hour(seed)
        day = simulate(scenario)
        arrived = np.asarray(day.callers.arrived_at)
        busy = [
            sorted(
                (arrived[call] + day.waited_seconds[call], day.ends_at[call]) for call in np.flatnonzero(day.agent_index == agent)
            )
            for agent in range(len(day.agents))
        ]
        for call in np.flatnonzero(day.waited_seconds > 0):
            call_type = scenario.call_types[day.callers.type_index[call]]
            left = arrived[call] + day.waited_seconds[call]
            for way in openings(waiting_pattern(call_type), scenario.queues):
                opened = arrived[call] + way.after_seconds
                for agent, person in enumerate(day.agents):
                    if opened < left and serves(person, way):
                        for _, start, end in (one for one in day.presences if one[0] == agent):
                            assert _free_seconds(busy[agent], max(opened, start), min(left, end)) < 1e-6


def _free_seconds(busy: list[tuple[float, float]], start: float, end: float) -> float:
    if end <= start:
        return 0.0
    taken = sum(max(0.0, min(to, end) - max(at, start)) for at, to in busy)
    return end - start - taken


def test_same_seed_same_day_and_other_replication_other_day() -> None:

    scenario = busy_hour(3)
    first, again, other = simulate(scenario, 4), simulate(scenario, 4), simulate(scenario, 5)
    assert first.callers == again.callers
    assert (first.agent_index == again.agent_index).all()
    assert first.callers != other.callers


def test_a_starved_guest_goes_before_members() -> None:
    """Strict priority: after its limit a guest overtakes every member, as the floor without index has it."""
    queue = Queue("line", policy=Policy("strict", CallerOrder.STRICT_PRIORITY, starvation_seconds=60.0))
    calls = tuple(
        CallType(name, "line", (Rate(0, 3600, 60),), Exponential(120), head_start_seconds=start)
        for name, start in (("member", 1.0), ("guest", 0.0))
    )
    scenario = Scenario("strict", 0, 3600, calls, (Crew(Agent("ann"), 4, (Shift(0, 9000),)),), {"line": queue}, seed=5)
    day = simulate(scenario)
    slow = SlowFloor(scenario, day.callers)
    slow.run()
    assert {call: day.agents[agent].agent_id for call, agent in enumerate(day.agent_index) if agent >= 0} == {
        call: agent for call, (agent, _) in slow.answered.items()
    }
    guests = np.asarray(day.callers.type_index) == 1
    patient = replace(queue, policy=replace(queue.policy, starvation_seconds=3600.0))
    starving = simulate(replace(scenario, queues={"line": patient}))
    assert day.waited_seconds[guests].max() < starving.waited_seconds[guests].max()
