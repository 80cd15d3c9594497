"""From config/*.yaml to the board's agents and queues: the only place where the two vocabularies meet."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from ivr.configuration.model import Configuration
from ivr.configuration.model import Queue as ConfiguredQueue
from routing.hours import Hours, Override, Span, holiday_name
from routing.model import Agent, AgentChoice, CallerOrder, Delays, Overflow, Policy, Queue, Reserve, Target


def routing_of(configuration: Configuration) -> tuple[list[Agent], list[Queue]]:
    """Agents and queues as routing knows them."""
    agents = [
        Agent(agent.agent_id, agent.name, agent.address, agent.team, dict(agent.skills), agent.capacity, agent.queues)
        for agent in configuration.agents.values()
    ]
    return agents, [_queue(configuration, queue) for queue in configuration.queues.values()]


def _queue(configuration: Configuration, queue: ConfiguredQueue) -> Queue:
    policy = configuration.policies.get(queue.policy)
    return Queue(
        queue_id=queue.queue_id,
        title=queue.title,
        policy=Policy(
            policy.name, CallerOrder(policy.order), AgentChoice(policy.agent), policy.starvation_seconds, policy.ring_at_once
        )
        if policy
        else Policy(),
        needs=dict(queue.needs),
        ring_seconds=queue.ring_seconds,
        wrap_up_seconds=queue.wrap_up_seconds,
        wrap_up_cap_seconds=queue.wrap_up_cap_seconds,
        delays=Delays(
            queue.delays.no_answer, queue.delays.rejected, queue.delays.busy, queue.delays.unreachable, queue.delays.failed
        ),
        missed_after=queue.missed_after,
        capacity=queue.capacity,
        hours=hours_of(configuration, queue),
        overflow=tuple(Overflow(after, to) for after, to in queue.overflow),
        reserve=Reserve(queue.reserve_agents, queue.reserve_head_start_seconds) if queue.reserve_agents else None,
        target=Target(queue.target_seconds, queue.target_share),
        weight=queue.weight,
        share=queue.share,
        nobody_after_seconds=queue.nobody_after_seconds,
    )


def hours_of(configuration: Configuration, queue: ConfiguredQueue) -> Hours | None:
    """A queue's opening hours; None: always open."""
    hours = configuration.hours.get(queue.hours)
    if hours is None:
        return None
    holidays = configuration.holidays
    return Hours(
        name=hours.name,
        zone=configuration.timezone,
        week={day: _spans(spans) for day, spans in enumerate(hours.week) if spans},
        dates={} if hours.open_on_holidays else {day: _spans(spans) for day, spans in holidays.dates.items()},
        overrides=tuple(
            Override(override.first, override.last, _spans(override.spans), override.reason)
            for override in configuration.overrides
            if override.queue in (None, queue.queue_id)
        ),
        country=None if hours.open_on_holidays else holidays.country,
        subdivision=holidays.subdivision,
    )


def _spans(spans: Iterable[tuple[time, time]]) -> tuple[Span, ...]:
    return tuple(Span(start, end) for start, end in spans)


def day_of(configuration: Configuration, now: datetime) -> dict[str, Any]:
    """The fact `today`: whether it is a holiday, its name, and whether any queue is open."""
    local = now.astimezone(ZoneInfo(configuration.timezone)).date()
    holidays = configuration.holidays
    name = holiday_name(holidays.country, holidays.subdivision, local) if holidays.country else None
    dated = holidays.dates.get(local)
    opened = [hours_of(configuration, queue) for queue in configuration.queues.values()]
    return {
        "holiday": bool(name) or dated == (),
        "holiday_name": name or ("holiday" if dated == () else ""),
        "open": any(hours is None or hours.open_at(now) for hours in opened),
    }
