"""Scenarios from calls that really happened: a past day as it was (to examine the simulator), or a typical day (to ask what if).

What records do not say is estimated, and said here:

- an agent is taken to be signed in from a little before the first call to a little after the last, with breaks where the time
  between two calls is out of proportion; an agent serves the queues whose calls they answered;
- patience is taken to be exponential: total time waited / number of hang-ups, the maximum-likelihood estimate for times that are
  cut off by an answer (Brown et al., "Statistical analysis of a telephone call center", JASA 100 (2005), section 5).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from routing.model import Agent, Queue
from routing.simulation_figures import HALF_HOUR_SECONDS, Scope
from routing.simulation_scenario import CallType, Crew, Empirical, Exponential, Rate, Recorded, Scenario, Shift

_LEVEL = 2
_QUANTILES = 41
_LEAST_BREAK_SECONDS = 1800.0
_UNLIMITED = 1_000_000_000


@dataclass(frozen=True)
class PastCall:
    """A call that reached a queue. Times of day are seconds after local midnight of `day` (ISO date)."""

    day: str
    at_seconds: float  # entered the queue
    queue: str
    waited_seconds: float  # ringing included
    handling_seconds: float | None = None  # talk, hold and wrap-up; None: not answered
    agent: str | None = None

    @property
    def answered(self) -> bool:
        return self.handling_seconds is not None


def as_it_was(calls: Sequence[PastCall], queues: Mapping[str, Queue] | None = None) -> Scenario:
    """One recorded day: arrivals, handling times and hang-ups as they happened; who answers is for the policy to decide.

    `queues`: as configured, for their policies and targets; a queue that is not there gets the defaults.
    ValueError where there are no calls, calls of several days, or no answered ones.
    """
    days = sorted({call.day for call in calls})
    if len(days) > 1:
        raise ValueError(f"These are calls of {len(days)} days, {days[0]} to {days[-1]}: name one of them with --date.")
    return _scenario(calls, calls, f"{days[0]} as it was" if days else "", queues, keep_calls=True)


def typical_day(calls: Sequence[PastCall], queues: Mapping[str, Queue] | None = None) -> Scenario:
    """The average of the recorded days, half-hour by half-hour, with the last day's agents. ValueError without an answered call."""
    days = sorted({call.day for call in calls})
    if not days:
        raise ValueError("There are no calls in these records.")
    last = [call for call in calls if call.day == days[-1]]
    title = f"A day like {days[0]}" if len(days) == 1 else f"A day like the {len(days)} from {days[0]} to {days[-1]}"
    return _scenario(calls, last, title, queues, keep_calls=False)


def as_measured(scenario: Scenario) -> dict[Scope, dict[str, float]]:
    """What really happened on a day drawn by `as_it_was`, in the figures of `routing.simulation_figures`."""
    measured = {Scope("all"): _happened(scenario, scenario.call_types)}
    for call_type in scenario.call_types:
        measured[Scope("calls", call_type.name)] = _happened(scenario, (call_type,))
    return measured


def patience_of(calls: Sequence[PastCall]) -> Exponential | None:
    """Patience by maximum likelihood; None where nobody hung up."""
    lost = sum(not call.answered for call in calls)
    waited_seconds = math.fsum(call.waited_seconds for call in calls)
    return Exponential(waited_seconds / lost) if lost and waited_seconds > 0 else None


def presence_of(calls: Sequence[PastCall]) -> tuple[Shift, ...]:
    """When the agent who answered `calls` of one day was probably signed in, in whole minutes."""
    spans = sorted((call.at_seconds + call.waited_seconds, call.handling_seconds or 0.0) for call in calls)
    gaps = [later[0] - (begun + spent) for (begun, spent), later in pairwise(spans)]
    idle_seconds = max(0.0, float(np.median(gaps))) if gaps else 60.0
    least_break_seconds = max(_LEAST_BREAK_SECONDS, 8 * idle_seconds)
    shifts: list[Shift] = []
    start = max(0.0, spans[0][0] - idle_seconds)
    for (begun, spent), gap in zip(spans, [*gaps, math.inf], strict=True):
        if gap > least_break_seconds:
            shifts.append(Shift(math.floor(start / 60) * 60.0, math.ceil((begun + spent + idle_seconds) / 60) * 60.0))
            start = begun + spent + gap - idle_seconds
    return tuple(shifts)


def _scenario(
    calls: Sequence[PastCall], staffed: Sequence[PastCall], title: str, queues: Mapping[str, Queue] | None, *, keep_calls: bool
) -> Scenario:
    if not any(call.answered for call in calls):
        raise ValueError("There is no answered call in these records: nothing to learn handling times from.")
    begins = math.floor(min(call.at_seconds for call in calls) / HALF_HOUR_SECONDS) * HALF_HOUR_SECONDS
    ends = (math.floor(max(call.at_seconds for call in calls) / HALF_HOUR_SECONDS) + 1) * HALF_HOUR_SECONDS
    by_queue: dict[str, list[PastCall]] = defaultdict(list)
    by_agent: dict[str, list[PastCall]] = defaultdict(list)
    for call in calls:
        by_queue[call.queue].append(call)
    for call in staffed:
        if call.agent is not None and call.answered:
            by_agent[call.agent].append(call)
    days = len({call.day for call in calls})
    everybody = [call.handling_seconds for call in calls if call.handling_seconds is not None]
    types = []
    for queue, queued in sorted(by_queue.items()):
        handled = [call.handling_seconds for call in queued if call.handling_seconds is not None]
        types.append(
            CallType(
                queue,
                queue,
                _rates(queued, begins, ends, days),
                _quantiles(handled or everybody),
                patience_of(queued),
                needs={queue: _LEVEL},
                recorded=tuple(map(_recorded, queued)) if keep_calls else (),
            )
        )
    crews = tuple(
        Crew(Agent(agent, skills={call.queue: _LEVEL for call in answered}), 1, presence_of(answered))
        for agent, answered in sorted(by_agent.items())
    )
    unlimited = {name: Queue(name, capacity=_UNLIMITED) for name in sorted(by_queue)}
    return Scenario(title, begins, ends, tuple(types), crews, under(queues or {}, unlimited))


def under(configured: Mapping[str, Queue], queues: Mapping[str, Queue]) -> dict[str, Queue]:
    """`queues` with the policies, targets, weights and shares that are configured for queues of the same names.

    What else is configured (needs, overflow, opening hours, capacity) shows in who answered what and when, or is the scenario's own.
    """
    return {name: _governed(queue, configured[name]) if name in configured else queue for name, queue in queues.items()}


def _governed(queue: Queue, configured: Queue) -> Queue:
    return replace(
        queue,
        title=configured.title,
        policy=configured.policy,
        target=configured.target,
        weight=configured.weight,
        share=configured.share,
    )


def _rates(calls: Sequence[PastCall], begins: float, ends: float, days: int) -> tuple[Rate, ...]:
    slots = np.bincount([int((call.at_seconds - begins) // HALF_HOUR_SECONDS) for call in calls], minlength=1)
    return tuple(
        Rate(
            begins + slot * HALF_HOUR_SECONDS,
            begins + (slot + 1) * HALF_HOUR_SECONDS,
            float(count) * 3600 / HALF_HOUR_SECONDS / days,
        )
        for slot, count in enumerate(slots)
        if count and begins + slot * HALF_HOUR_SECONDS < ends
    )


def _quantiles(seconds: Sequence[float]) -> Empirical:
    points = np.quantile(np.asarray(seconds), np.linspace(0, 1, _QUANTILES))
    return Empirical(tuple(round(float(point), 3) for point in points))


def _recorded(call: PastCall) -> Recorded:
    return Recorded(
        call.at_seconds,
        call.handling_seconds,
        None if call.answered else call.waited_seconds,
        call.waited_seconds if call.answered else 0.0,
    )


def _happened(scenario: Scenario, call_types: Sequence[CallType]) -> dict[str, float]:
    offered = in_time = lost = 0
    waits: list[float] = []
    answer_waits: list[float] = []
    for call_type in call_types:
        within_seconds = scenario.queues[call_type.queue].target.within_seconds
        for call in call_type.recorded:
            offered += 1
            answered = call.patience_seconds is None
            waited_seconds = call.waited_seconds if call.patience_seconds is None else call.patience_seconds
            waits.append(waited_seconds)
            if answered:
                answer_waits.append(waited_seconds)
                in_time += waited_seconds <= within_seconds
            else:
                lost += 1
    return {
        "calls": float(offered),
        "service_level": in_time / offered,
        "mean_wait_seconds": float(np.mean(waits)),
        "mean_answer_seconds": float(np.mean(answer_waits)) if answer_waits else math.nan,
        "wait_p95_seconds": float(np.quantile(waits, 0.95)),
        "abandoned": lost / offered,
    }
