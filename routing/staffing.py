"""The least staff per half-hour that meets targets: Erlang A makes a first guess, simulated days decide.

A plan counts agents per group and span. First, every span that misses a target gets the agents that help most. Then trials: a span
does without one agent, or without two of one group for at most one of another; where a target breaks, the agents come back. When
every trial of every span has failed, no agent can be spared that way: the plan is least in that sense. Chance that was not used in
the search then tells what the plan really gives.

Spans are not alone: callers left over from one meet the next, and agents finish their last call. So whole days are played, a trial
answers for the span after it, too, and neighbouring spans never try at the same time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from routing.erlang import least_agents
from routing.model import Agent
from routing.policies import openings, serves
from routing.simulation import Day, Outcome, simulate
from routing.simulation_figures import Figure, Scope, measure, over_replications
from routing.simulation_scenario import CallType, Crew, Scenario, Shift, waiting_pattern

MOST_ROUNDS = 400
TRIAL_SIZES = (1, 2)
MOST_AGENTS_PER_GROUP = 5_000
_FRESH_SEED = 7919  # added to the seed for the days that judge the plan


@dataclass(frozen=True)
class Requirement:
    """What every kind of call must get in every span. None: the queue's own target."""

    within_seconds: float | None = None
    share: float | None = None
    abandoned_at_most: float = 1.0


@dataclass(frozen=True)
class Span:
    """One span of the plan: agents per group, Erlang A's guess, and the share of calls answered in time (over all simulated days)."""

    from_seconds: float
    to_seconds: float
    agents: dict[str, int]
    erlang_agents: dict[str, int]
    expected_calls: float
    service_level: float  # on days that were not used in the search; nan without calls
    met: bool  # every kind of call met its target on the days of the search


@dataclass(frozen=True)
class Plan:
    """The whole day. `figures` come from days that were not used in the search."""

    spans: tuple[Span, ...]
    figures: dict[Scope, dict[str, Figure]]
    rounds: int
    agent_hours: float
    scenario: Scenario  # the day with this plan, ready to be simulated or written


@dataclass
class _Trial:
    """Some agents of one group taken away; `may_add`: so many others may come in their place."""

    counts_before: list[int]
    group: int
    size: int
    may_add: int


@dataclass
class _SpanSearch:
    """One span while the plan is searched."""

    start: float
    counts: list[int]  # agents by group
    failed: set[tuple[int, int]] = field(default_factory=set)  # (group, size) of trials that broke a target
    trial: _Trial | None = None

    def next_trial(self) -> _Trial | None:
        """One agent of the largest group, then two of one group for another; None where all has been tried."""
        for size in TRIAL_SIZES:
            able = [group for group, count in enumerate(self.counts) if count >= size and (group, size) not in self.failed]
            if able:
                return _Trial(list(self.counts), max(able, key=lambda group: (self.counts[group], -group)), size, size - 1)
        return None


@dataclass
class _Search:
    """The plan being searched."""

    scenario: Scenario
    requirement: Requirement
    span_seconds: float
    helpers: list[list[int]]  # per kind of call, the groups that may take it
    spans: list[_SpanSearch]


def staff(
    scenario: Scenario,
    requirement: Requirement,
    *,
    span_seconds: float = 1800.0,
    on_progress: Callable[[float], None] | None = None,
) -> Plan:
    """The least agents of the scenario's groups, span by span. ValueError where a kind of call is beyond all groups' skills.

    The scenario's own counts and shifts are not used. `on_progress` is told the share done, roughly.
    """
    starts = [
        scenario.from_seconds + index * span_seconds
        for index in range(math.ceil((scenario.to_seconds - scenario.from_seconds) / span_seconds))
    ]
    helpers = _helpers(scenario)
    guess = [_erlang_counts(scenario, requirement, helpers, start, span_seconds) for start in starts]
    spans = [_SpanSearch(start, list(counts)) for start, counts in zip(starts, guess, strict=True)]
    search = _Search(scenario, requirement, span_seconds, helpers, spans)
    rounds, quiet, parity = 0, 0, 0
    met = [False] * len(starts)
    while rounds < MOST_ROUNDS and quiet < 2:
        met, changed = _round(search, parity)
        rounds += 1
        if changed:
            quiet = 0
        else:
            parity, quiet = 1 - parity, quiet + 1
        if on_progress is not None:
            trials = sum(len(span.failed) for span in spans)
            on_progress(min(0.95, trials / (len(starts) * sum(map(any, zip(*guess, strict=True))) * len(TRIAL_SIZES) or 1)))
    planned = _planned(search)
    fresh = replace(planned, seed=scenario.seed + _FRESH_SEED)
    days = [simulate(fresh, replication) for replication in range(scenario.replications)]
    offered, in_time, _ = _tallies(search, fresh, days)
    told = tuple(
        Span(
            start,
            min(start + span_seconds, scenario.to_seconds),
            {crew.name: count for crew, count in zip(scenario.crews, spans[index].counts, strict=True)},
            {crew.name: count for crew, count in zip(scenario.crews, guess[index], strict=True)},
            _expected_calls(scenario.call_types, start, span_seconds),
            float(in_time[index].sum() / offered[index].sum()) if offered[index].sum() else math.nan,
            met[index],
        )
        for index, start in enumerate(starts)
    )
    agent_hours = sum((span.to_seconds - span.from_seconds) / 3600 * sum(span.agents.values()) for span in told)
    if on_progress is not None:
        on_progress(1.0)
    return Plan(told, over_replications([measure(fresh, day) for day in days]), rounds, agent_hours, planned)


def _helpers(scenario: Scenario) -> list[list[int]]:
    """Per kind of call, the groups that may take it at once (or, where none may, in time), least flexible first."""
    found = []
    for call_type in scenario.call_types:
        ways = openings(waiting_pattern(call_type), scenario.queues)
        at_once = [way for way in ways if way.after_seconds <= 0]
        able = [index for index, crew in enumerate(scenario.crews) if any(serves(crew.agent, way) for way in at_once)]
        able = able or [index for index, crew in enumerate(scenario.crews) if any(serves(crew.agent, way) for way in ways)]
        if not able:
            raise ValueError(f"No group of agents can ever take calls {call_type.name}: no staff is enough.")
        found.append(sorted(able, key=lambda index: (len(scenario.crews[index].agent.skills), index)))
    return found


def _erlang_counts(
    scenario: Scenario, requirement: Requirement, helpers: list[list[int]], start: float, span_seconds: float
) -> list[int]:
    """Erlang A per group, each kind of call given to its least flexible group."""
    counts = []
    for group in range(len(scenario.crews)):
        mine = [call_type for call_type, able in zip(scenario.call_types, helpers, strict=True) if able[0] == group]
        calls = [_expected_calls((call_type,), start, span_seconds) for call_type in mine]
        total = sum(calls)
        if total <= 0:
            counts.append(0)
            continue
        handling_seconds = sum(n * call_type.handling.mean_seconds for n, call_type in zip(calls, mine, strict=True)) / total
        # Hang-ups per second add up, so it is the rates of hanging up that are averaged.
        leaving = sum(n / call_type.patience.mean_seconds for n, call_type in zip(calls, mine, strict=True) if call_type.patience)
        within_seconds, share = min(
            (_target(scenario, requirement, call_type) for call_type in mine), key=lambda target: target[0]
        )
        try:
            count = least_agents(
                total * handling_seconds / span_seconds,
                handling_seconds,
                total / leaving if leaving else math.inf,
                share=share,
                threshold_seconds=within_seconds,
                abandoned_at_most=requirement.abandoned_at_most,
                most=MOST_AGENTS_PER_GROUP,
            )
        except ValueError as error:
            raise ValueError(f"{scenario.crews[group].name}: {error}.") from error
        counts.append(count)
    return counts


def _round(search: _Search, parity: int) -> tuple[list[bool], bool]:
    """Play the days, then let each span mend, judge its trial or begin one (spans of `parity` alone).

    Returns which spans met their targets, and whether anything changed.
    """
    planned = _planned(search)
    days = [simulate(planned, replication) for replication in range(search.scenario.replications)]
    offered, in_time, lost = _tallies(search, planned, days)
    failing = [
        [
            index
            for index in range(len(search.helpers))
            if _fails(search, index, offered[span, index], in_time[span, index], lost[span, index])
        ]
        for span in range(len(search.spans))
    ]
    changed = False
    for index, span in enumerate(search.spans):
        kinds = failing[index]
        if span.trial is not None:
            _judge(search, span, kinds or (failing[index + 1] if index + 1 < len(failing) else []))
            changed = True
        elif kinds:
            if index == 0 or search.spans[index - 1].trial is None:
                _add(search, span, kinds)
            changed = True
        elif index % 2 == parity and (trial := span.next_trial()) is not None:
            span.trial = trial
            span.counts[trial.group] -= trial.size
            changed = True
    return [not kinds for kinds in failing], changed


def _judge(search: _Search, span: _SpanSearch, failing: list[int]) -> None:
    """A trial with no target broken stays; a broken one gets what it may, then it is taken back."""
    trial = span.trial
    if trial is None or not failing:
        span.trial = None
    elif trial.may_add:
        trial.may_add -= 1
        _add(search, span, failing, but_not=trial.group)
    else:
        span.counts = trial.counts_before
        span.failed.add((trial.group, trial.size))
        span.trial = None


def _add(search: _Search, span: _SpanSearch, failing: list[int], but_not: int | None = None) -> None:
    """One more agent of the group that serves most of the failing kinds; of equals the least flexible."""
    votes = {
        group: sum(group in search.helpers[index] for index in failing)
        for index in failing
        for group in search.helpers[index]
        if group != but_not and span.counts[group] < MOST_AGENTS_PER_GROUP
    }
    if votes:
        crews = search.scenario.crews
        span.counts[min(votes, key=lambda group: (-votes[group], len(crews[group].agent.skills), group))] += 1


def _fails(search: _Search, index: int, offered: float, in_time: float, lost: float) -> bool:
    if offered == 0:
        return False
    _, share = _target(search.scenario, search.requirement, search.scenario.call_types[index])
    return in_time / offered < share or lost / offered > search.requirement.abandoned_at_most


def _planned(search: _Search) -> Scenario:
    """The scenario with the plan's agents: agent n of a group is there in every span that counts at least n."""
    queues = {
        name: queue
        if search.requirement.within_seconds is None
        else replace(queue, target=replace(queue.target, within_seconds=search.requirement.within_seconds))
        for name, queue in search.scenario.queues.items()
    }
    crews = []
    for group, crew in enumerate(search.scenario.crews):
        most = max(span.counts[group] for span in search.spans)
        for number in range(1, most + 1):
            shifts = tuple(
                Shift(span.start, min(span.start + search.span_seconds, search.scenario.to_seconds))
                for span in search.spans
                if span.counts[group] >= number
            )
            crews.append(Crew(_numbered(crew.agent, number), 1, shifts))
    return replace(search.scenario, crews=tuple(crews), queues=queues)


def _numbered(agent: Agent, number: int) -> Agent:
    return replace(agent, agent_id=f"{agent.agent_id}_{number:04d}")


def _tallies(
    search: _Search, scenario: Scenario, days: list[Day]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Per span and kind of call, over all days: calls that reached the queue, answered in time, and lost."""
    shape = (len(search.spans), len(scenario.call_types))
    offered, in_time, lost = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    within = np.asarray([scenario.queues[call_type.queue].target.within_seconds for call_type in scenario.call_types])
    for day in days:
        arrived_at = np.asarray(day.callers.arrived_at)
        kinds = np.asarray(day.callers.type_index, dtype=np.int64)
        spans = np.floor((arrived_at - scenario.from_seconds) / search.span_seconds).astype(np.int64)
        counted = (spans >= 0) & (spans < shape[0])
        cells = np.where(counted, spans, 0) * shape[1] + kinds
        answered = (day.outcome == Outcome.ANSWERED) & (day.waited_seconds <= within[kinds])
        offered += np.bincount(cells, counted, shape[0] * shape[1]).reshape(shape)
        in_time += np.bincount(cells, counted & answered, shape[0] * shape[1]).reshape(shape)
        lost += np.bincount(cells, counted & (day.outcome != Outcome.ANSWERED), shape[0] * shape[1]).reshape(shape)
    return offered, in_time, lost


def _target(scenario: Scenario, requirement: Requirement, call_type: CallType) -> tuple[float, float]:
    target = scenario.queues[call_type.queue].target
    within_seconds = target.within_seconds if requirement.within_seconds is None else requirement.within_seconds
    return within_seconds, target.share if requirement.share is None else requirement.share


def _expected_calls(call_types: tuple[CallType, ...], start: float, span_seconds: float) -> float:
    """Calls expected from `start` on for `span_seconds`."""
    end = start + span_seconds
    return sum(
        rate.per_hour * max(0.0, min(rate.to_seconds, end) - max(rate.from_seconds, start)) / 3600
        for call_type in call_types
        for rate in call_type.arrivals
    )
