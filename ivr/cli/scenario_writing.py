"""A scenario as the YAML that `ivr.cli.scenario_files` reads."""

from __future__ import annotations

import math
from collections.abc import Mapping

import yaml

from routing.model import Policy, Queue
from routing.simulation_figures import clock_time
from routing.simulation_scenario import CallType, Crew, Empirical, Exponential, Fixed, LogNormal, Scenario, Spread

_UNLIMITED = 1_000_000_000
_LEVELS = {1: "basic", 2: "good", 3: "expert"}


def written(scenario: Scenario) -> str:
    """The scenario as text. Read again it simulates the same; recorded single calls become arrivals per hour."""
    policies = {queue.policy.name: _policy(queue.policy) for queue in scenario.queues.values()}
    content: dict[str, object] = {
        "title": scenario.title,
        "day": {"from": clock_time(scenario.from_seconds), "to": clock_time(scenario.to_seconds)},
        "replications": scenario.replications,
        "seed": scenario.seed,
    }
    if scenario.ring_seconds:
        content["ring"] = _length(scenario.ring_seconds)
    if scenario.warm_up_seconds:
        content["warm_up"] = _length(scenario.warm_up_seconds)
    if scenario.lines is not None:
        content["lines"] = scenario.lines
    content["skills"] = sorted({skill for crew in scenario.crews for skill in crew.agent.skills} | set(_needed(scenario)))
    content["calls"] = {call_type.name: _calls(call_type) for call_type in scenario.call_types}
    content["agents"] = {crew.name: _crew(crew) for crew in scenario.crews}
    content["policies"] = policies
    content["queues"] = {name: _queue(queue) for name, queue in scenario.queues.items()}
    if not content["skills"]:
        del content["skills"]
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120, default_flow_style=None)


def _needed(scenario: Scenario) -> list[str]:
    holders: list[Mapping[str, int]] = [queue.needs for queue in scenario.queues.values()]
    for call_type in scenario.call_types:
        holders += [call_type.needs, call_type.preferred, *(needs for _, needs in call_type.rings)]
    return [skill for needs in holders for skill in needs]


def _calls(call_type: CallType) -> dict[str, object]:
    content: dict[str, object] = {"queue": call_type.queue}
    if call_type.needs:
        content["needs"] = _levels(call_type.needs)
    if call_type.preferred:
        content["preferred"] = _levels(call_type.preferred)
    if call_type.rings:
        content["relax"] = [
            {"after": _length(after_seconds), "needs": _levels(needs)} for after_seconds, needs in call_type.rings
        ]
    if call_type.head_start_seconds:
        content["head_start"] = _length(call_type.head_start_seconds)
    if call_type.longest_wait_seconds < math.inf:
        content["longest_wait"] = _length(call_type.longest_wait_seconds)
    content["arrivals"] = {
        f"{clock_time(rate.from_seconds)}-{clock_time(rate.to_seconds)}": round(rate.per_hour, 3) for rate in call_type.arrivals
    }
    content["handling"] = _spread(call_type.handling)
    content["patience"] = "never" if call_type.patience is None else _spread(call_type.patience)
    return content


def _crew(crew: Crew) -> dict[str, object]:
    content: dict[str, object] = {
        "count": crew.count,
        "shifts": [f"{clock_time(shift.from_seconds)}-{clock_time(shift.to_seconds)}" for shift in crew.shifts],
    }
    if crew.agent.skills:
        content["skills"] = _levels(crew.agent.skills)
    if crew.agent.queues:
        content["queues"] = list(crew.agent.queues)
    return content


def _queue(queue: Queue) -> dict[str, object]:
    content: dict[str, object] = {
        "policy": queue.policy.name,
        "target": {"within": _length(queue.target.within_seconds), "share": f"{queue.target.share * 100:g}%"},
    }
    if queue.title and queue.title != queue.queue_id:
        content["title"] = queue.title
    if queue.needs:
        content["needs"] = _levels(queue.needs)
    if queue.capacity < _UNLIMITED:
        content["capacity"] = queue.capacity
    if queue.overflow:
        content["overflow"] = [{"after": _length(overflow.after_seconds), "to": list(overflow.to)} for overflow in queue.overflow]
    if queue.reserve is not None:
        content["reserve"] = {"agents": queue.reserve.agents, "for_head_start": _length(queue.reserve.head_start_seconds)}
    for name, value in (("weight", queue.weight), ("share", queue.share)):
        if value != 1.0:
            content[name] = value
    return content


def _policy(policy: Policy) -> dict[str, object]:
    return {"order": policy.order.value, "agent": policy.agent.value, "starvation": _length(policy.starvation_seconds)}


def _spread(spread: Spread) -> dict[str, object]:
    match spread:
        case Exponential(mean_seconds):
            return {"exponential": _length(mean_seconds)}
        case LogNormal(mean_seconds, deviation_seconds):
            return {"log_normal": _length(mean_seconds), "deviation": _length(deviation_seconds)}
        case Empirical(points_seconds):
            return {"measured": [_length(point) for point in points_seconds]}
        case Fixed(seconds):
            return {"always": _length(seconds)}


def _levels(skills: Mapping[str, int]) -> dict[str, str]:
    return {skill: _LEVELS.get(level, str(level)) for skill, level in skills.items()}


def _length(seconds: float) -> str:
    return f"{round(seconds, 3):.3f}".rstrip("0").rstrip(".") + "s"
