"""The least staff: Erlang A's answer where Erlang A is right, enough but not more elsewhere."""

from __future__ import annotations

from dataclasses import replace

import pytest

from routing.erlang import least_agents
from routing.model import Agent, Queue, Target
from routing.simulation_figures import Scope
from routing.simulation_scenario import CallType, Crew, Exponential, Rate, Scenario, Shift
from routing.staffing import Requirement, staff

HOUR = 3600.0
CALLS = CallType("care", "care", (Rate(0, 2 * HOUR, 200.0),), Exponential(180), Exponential(120), needs={"english": 1})
ONE_SKILL = Scenario(
    "one skill",
    0,
    2 * HOUR,
    (CALLS,),
    (Crew(Agent("ann", skills={"english": 2}), 1, (Shift(0, 2 * HOUR),)),),
    {"care": Queue("care")},
    replications=20,
)


def test_one_skill_is_what_erlang_a_says() -> None:
    plan = staff(ONE_SKILL, Requirement(), span_seconds=HOUR)
    erlang = least_agents(10, 180, 120, share=0.8, threshold_seconds=20)
    assert [span.erlang_agents["ann"] for span in plan.spans] == [erlang, erlang]
    # The day starts empty, so its first hour may do with one less.
    assert all(abs(span.agents["ann"] - erlang) <= 1 for span in plan.spans)
    assert all(span.met for span in plan.spans)
    assert plan.agent_hours == sum(span.agents["ann"] for span in plan.spans)
    # Days that were not used in the search agree.
    assert plan.figures[Scope("all")]["service_level"].mean > 0.76


def test_two_skills_share_staff_and_every_kind_of_call_gets_its_target() -> None:
    calls = (
        replace(CALLS, arrivals=(Rate(0, HOUR, 60.0),)),
        replace(CALLS, name="spanish", queue="spanish", arrivals=(Rate(0, HOUR, 40.0),), needs={"spanish": 1}),
    )
    crews = (
        Crew(Agent("english", skills={"english": 2}), 1, (Shift(0, HOUR),)),
        Crew(Agent("both", skills={"english": 2, "spanish": 2}), 1, (Shift(0, HOUR),)),
    )
    queues = {name: Queue(name, target=Target(20, 0.8)) for name in ("care", "spanish")}
    scenario = Scenario("two", 0, HOUR, calls, crews, queues, replications=25)
    plan = staff(scenario, Requirement(), span_seconds=HOUR)
    (span,) = plan.spans
    assert span.met
    assert span.agents["both"] >= 2
    # Sharing pays: fewer agents than two separate rooms would need.
    apart = sum(least_agents(load, 180, 120, share=0.8, threshold_seconds=20) for load in (3, 2))
    assert sum(span.agents.values()) <= apart
    assert plan.figures[Scope("calls", "spanish")]["service_level"].mean > 0.7


def test_targets_given_by_hand() -> None:
    strict = staff(ONE_SKILL, Requirement(within_seconds=5, share=0.95, abandoned_at_most=0.02), span_seconds=2 * HOUR)
    lax = staff(ONE_SKILL, Requirement(within_seconds=60, share=0.5), span_seconds=2 * HOUR)
    assert strict.spans[0].agents["ann"] > lax.spans[0].agents["ann"] + 2


def test_nobody_needed_where_nobody_calls() -> None:
    quiet = replace(ONE_SKILL, call_types=(replace(CALLS, arrivals=(Rate(0, 0.5 * HOUR, 60.0),)),), replications=5)
    plan = staff(quiet, Requirement(), span_seconds=HOUR)
    assert plan.spans[1].erlang_agents == {"ann": 0}


def test_calls_beyond_all_skills() -> None:
    foreign = replace(ONE_SKILL, call_types=(replace(CALLS, needs={"welsh": 1}),))
    with pytest.raises(ValueError, match="No group of agents can ever take calls care"):
        staff(foreign, Requirement())
