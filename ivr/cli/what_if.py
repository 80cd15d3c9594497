"""What-if in a few words: `2 spanish 09:00-11:00` more, `1 late` fewer, `billing 120%` of the calls. A scenario in, a changed one out."""

from __future__ import annotations

import re
from dataclasses import replace

from ivr.cli.scenario_files import span_seconds
from ivr.configuration.reading import float_of
from ivr.configuration.staff import LEVELS
from ivr.language.problems import did_you_mean
from routing.model import Agent
from routing.simulation_scenario import CallType, Crew, Rate, Scenario, Shift

_AGENTS = re.compile(r"\s*(\d{1,4})\s+([a-z][a-z0-9_]*)(?:\s+(\S+))?\s*")
_CALLS = re.compile(r"\s*([a-z][a-z0-9_]*)\s+(\d{1,4}(?:\.\d{1,3})?)\s*%\s*")


def with_more(asked: str, scenario: Scenario) -> Scenario:
    """`2 spanish 09:00-11:00`: so many more of a group or, where no group has that name, with that skill at level good.

    Without a span they are there all day. ValueError says what is wrong.
    """
    count, name, span = _read(asked, scenario)
    pattern = next((crew.agent for crew in scenario.crews if crew.name == name), None)
    if pattern is None:
        known = {skill for crew in scenario.crews for skill in crew.agent.skills}
        if name not in known:
            groups = [crew.name for crew in scenario.crews]
            raise ValueError(f'No group of agents and no skill is called "{name}". {did_you_mean(name, [*groups, *known])}')
        pattern = Agent(f"more_{name}", skills={name: LEVELS["good"]})
    return scenario.with_crew(Crew(replace(pattern, agent_id=f"{pattern.agent_id}_added"), count, (Shift(*span),)))


def with_fewer(asked: str, scenario: Scenario) -> Scenario:
    """`1 late 17:00-20:00`: so many of a group stay away in that span, or all day. ValueError says what is wrong."""
    count, name, span = _read(asked, scenario)
    crew = next((crew for crew in scenario.crews if crew.name == name), None)
    if crew is None:
        raise ValueError(f'No group of agents is called "{name}". {did_you_mean(name, [crew.name for crew in scenario.crews])}')
    if count > crew.count:
        raise ValueError(f"There are only {crew.count} in {name}: {count} cannot stay away.")
    kept = tuple(
        Shift(start, end)
        for shift in crew.shifts
        for start, end in (
            (shift.from_seconds, min(shift.to_seconds, span[0])),
            (max(shift.from_seconds, span[1]), shift.to_seconds),
        )
        if start < end
    )
    remaining = [replace(crew, count=crew.count - count)] if crew.count > count else []
    others = replace(
        scenario, crews=tuple(one for present in scenario.crews for one in (remaining if present is crew else [present]))
    )
    return others.with_crew(Crew(replace(crew.agent, agent_id=f"{name}_part"), count, kept)) if kept else others


def with_volume(asked: str, scenario: Scenario) -> Scenario:
    """`billing 120%`, or `all 90%`: so many of the calls of a kind. ValueError says what is wrong."""
    match = _CALLS.fullmatch(asked)
    percent = float_of(match[2]) if match else None
    if match is None or percent is None:
        raise ValueError(f'"{asked}" is not understood. Write which calls and how many, such as "billing 120%" or "all 90%".')
    names = [call_type.name for call_type in scenario.call_types]
    if match[1] not in (*names, "all"):
        raise ValueError(f'No kind of call is called "{match[1]}". {did_you_mean(match[1], [*names, "all"])}')
    return replace(
        scenario,
        call_types=tuple(_scaled(one, percent / 100) if match[1] in (one.name, "all") else one for one in scenario.call_types),
    )


def _scaled(call_type: CallType, factor: float) -> CallType:
    return replace(
        call_type, arrivals=tuple(Rate(rate.from_seconds, rate.to_seconds, rate.per_hour * factor) for rate in call_type.arrivals)
    )


def _read(asked: str, scenario: Scenario) -> tuple[int, str, tuple[float, float]]:
    """How many, who and when."""
    match = _AGENTS.fullmatch(asked)
    if match is None:
        raise ValueError(f'"{asked}" is not understood. Write how many, who and when, such as "2 spanish 09:00-11:00".')
    span = (scenario.from_seconds, scenario.to_seconds) if match[3] is None else span_seconds(match[3])
    if span is None:
        raise ValueError(f'"{match[3]}" is no span of time. Write it as 09:00-11:00.')
    if span[1] <= span[0]:
        raise ValueError(f"{match[3]} ends before it starts.")
    if int(match[1]) == 0:
        raise ValueError("None is no change: write how many agents.")
    return int(match[1]), match[2], span
