"""Scenario files: broken ones with the messages they get (below `# expect`), and good ones read, written and read again."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from ivr.cli.scenario_files import read_scenario, span_seconds
from ivr.cli.scenario_writing import written
from ivr.language.problems import Findings
from routing.model import AgentChoice, CallerOrder, Overflow, Reserve, Target
from routing.simulation import simulate
from routing.simulation_scenario import Empirical, Exponential, LogNormal, Rate, Scenario, Shift

BROKEN = sorted(Path(__file__).with_name("broken").glob("*.yaml"))
SHIPPED = sorted((Path(__file__).parents[2] / "config" / "scenarios").glob("*.yaml"))


def read(text: str) -> Scenario:
    findings = Findings()
    scenario = read_scenario("test.yaml", text, findings)
    assert [str(problem) for problem in findings.sorted()] == []
    return scenario


@pytest.mark.parametrize("file", BROKEN, ids=lambda file: file.stem)
def test_broken_files_get_exactly_these_messages(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    findings = Findings()
    read_scenario(file.name, text, findings)
    expected = [line.removeprefix("# ") for line in text.split("# expect\n")[1].splitlines()]
    assert sorted(str(problem).removeprefix(f"{file.name}:") for problem in findings.sorted()) == sorted(expected)


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_shipped_scenarios_are_clean_and_come_back_as_they_were(file: Path) -> None:
    scenario = read(file.read_text(encoding="utf-8"))
    again = read(written(scenario))
    assert again.call_types == scenario.call_types
    assert again.crews == scenario.crews
    first, second = simulate(scenario), simulate(again)
    assert (first.waited_seconds == second.waited_seconds).all()


EVERYTHING = """
title: Everything at once
day: {from: "07:00", to: "25:30"}
replications: 3
seed: 9
ring: 5s
warm_up: 30m
lines: 40
skills: [english, french]
calls:
  care:
    queue: line
    needs: {english: good}
    preferred: {french: basic}
    relax: [{after: 45s, needs: {}}, {after: 20s, needs: {english: basic}}]
    head_start: 1m30s
    longest_wait: 10m
    arrivals: {"08:00-10:00": 12.5, "23:00-25:30": 4}
    handling: {measured: [3m, 1m, 10m]}
    patience: {log_normal: 2m, deviation: 90s}
  other: {queue: line, arrivals: 3, handling: {exponential: 4m}, patience: never}
agents:
  ann: {skills: {english: 3}, shifts: ["07:00-12:00", "12:30-16:00"], queues: [line]}
  bob: {count: 4, skills: {french: basic}, shift: "18:00-25:30"}
policies:
  fair: {order: fixed_ratio, agent: least_occupied, starvation: 2m}
queues:
  line:
    title: The line
    policy: fair
    target: {within: 30s, share: 90%}
    capacity: 12
    overflow: [{after: 1m, to: [spare]}]
    reserve: {agents: 2, for_head_start: 60s}
    weight: 2
    share: 3
  spare: {needs: {french: basic}}
"""


def test_every_setting_is_read() -> None:
    scenario = read(EVERYTHING)
    assert (scenario.from_seconds, scenario.to_seconds) == (7 * 3600, 25.5 * 3600)
    assert (scenario.replications, scenario.seed, scenario.ring_seconds, scenario.warm_up_seconds, scenario.lines) == (
        3,
        9,
        5.0,
        1800.0,
        40,
    )
    care, other = scenario.call_types
    assert care.arrivals == (Rate(8 * 3600, 10 * 3600, 12.5), Rate(23 * 3600, 25.5 * 3600, 4.0))
    assert care.rings == ((20.0, {"english": 1}), (45.0, {}))
    assert (care.needs, care.preferred, care.head_start_seconds, care.longest_wait_seconds) == (
        {"english": 2},
        {"french": 1},
        90.0,
        600.0,
    )
    assert care.handling == Empirical((60.0, 180.0, 600.0))
    assert care.patience == LogNormal(120.0, 90.0)
    assert (other.handling, other.patience, other.longest_wait_seconds) == (Exponential(240.0), None, math.inf)
    ann, bob = scenario.crews
    assert ann.shifts == (Shift(7 * 3600, 12 * 3600), Shift(12.5 * 3600, 16 * 3600))
    assert (bob.count, bob.agent.skills) == (4, {"french": 1})
    line = scenario.queues["line"]
    assert (line.policy.order, line.policy.agent, line.policy.starvation_seconds) == (
        CallerOrder.FIXED_RATIO,
        AgentChoice.LEAST_OCCUPIED,
        120.0,
    )
    assert (line.target, line.capacity, line.weight, line.share) == (Target(30.0, 0.9), 12, 2.0, 3.0)
    assert (line.overflow, line.reserve) == ((Overflow(60.0, ("spare",)),), Reserve(2, 60.0))
    assert read(written(scenario)) == scenario


@pytest.mark.parametrize(("text", "seconds"), [("08:30-12:00", (30600.0, 43200.0)), (" 8:00 - 26:00 ", (28800.0, 93600.0))])
def test_spans(text: str, seconds: tuple[float, float]) -> None:
    assert span_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "8-9", "08:60-09:00", "49:00-50:00", "08:00", "08:00-09:00-10:00"])
def test_what_is_no_span(text: str) -> None:
    assert span_seconds(text) is None
