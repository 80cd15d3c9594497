"""What simulated days say: figures per kind of call, crew and half-hour, with 95 % intervals over replications.

Waits count from arrival until the caller is answered, hangs up or leaves by the flow's exit. Calls turned away at the door (no line
free, queue full) have a figure of their own and are in no other.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from routing.simulation import Day, Outcome
from routing.simulation_scenario import Scenario

HALF_HOUR_SECONDS = 1800.0

# name -> (unit, what it is); the order is the order of reports. Used by the command line and by docs/simulation.md's test.
METRICS: dict[str, tuple[str, str]] = {
    "calls": ("calls", "calls that arrived"),
    "service_level": ("share", "answered within the queue's target / calls that reached the queue"),
    "waited": ("share", "calls that were not answered at once / calls that reached the queue"),
    "mean_wait_seconds": ("seconds", "mean wait of all calls that reached the queue"),
    "mean_answer_seconds": ("seconds", "mean wait of the calls that were answered (average speed of answer)"),
    "wait_p50_seconds": ("seconds", "half of the callers waited less"),
    "wait_p80_seconds": ("seconds", "eight of ten callers waited less"),
    "wait_p95_seconds": ("seconds", "19 of 20 callers waited less"),
    "abandoned": ("share", "hung up while waiting or ringing / calls that reached the queue"),
    "sent_on": ("share", "left by the flow's exit after its longest wait / calls that reached the queue"),
    "turned_away": ("share", "no line free or queue full / calls that arrived"),
    "occupancy": ("share", "time on calls, wrap-up and ringing included / time signed in"),
    "calls_per_agent": ("calls", "calls answered / agents of the crew"),
    "idle_mean_seconds": ("seconds", "mean time from being free to the next call, for agents who were free"),
    "idle_variation": ("ratio", "fairness: standard deviation of these times / their mean; 0 is perfectly even"),
    "occupancy_spread": ("share", "fairness: most occupied agent less least occupied agent of the crew"),
}

LARGER_IS_BETTER = frozenset({"service_level"})
NEITHER_IS_BETTER = frozenset({"calls", "occupancy", "calls_per_agent", "idle_mean_seconds"})


class Scope(NamedTuple):
    """What a figure is about: kind is `all`, `calls` (one kind of call), `crew` or `half_hour` (by arrival, "09:30")."""

    kind: str
    name: str = ""


Measured = Mapping[Scope, Mapping[str, float]]


@dataclass(frozen=True)
class Figure:
    """Mean over replications and its 95 % interval (Student's t); nan limits with a single replication."""

    mean: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        return (self.high - self.low) / 2

    def holds(self, value: float) -> bool:
        """Whether `value` lies within the interval."""
        return self.low <= value <= self.high


@dataclass(frozen=True)
class Difference:
    """Other scenario less this one, paired by replication: the same callers met both."""

    figure: Figure
    verdict: str  # "better", "worse", "higher", "lower" or "no clear difference"


def measure(scenario: Scenario, day: Day) -> Measured:
    """All figures of one replication. Shares are 0..1; nan where there was nothing to divide by."""
    calls = _Calls(scenario, day)
    measured: dict[Scope, dict[str, float]] = {Scope("all"): calls.figures(calls.counted)}
    for index, call_type in enumerate(scenario.call_types):
        measured[Scope("calls", call_type.name)] = calls.figures(calls.counted & (calls.type_index == index))
    presence = _Presence(scenario, day, calls.arrived_at)
    measured[Scope("all")] |= presence.figures(np.arange(len(day.agents)))
    crew_index = np.asarray(day.crew_index)
    for index, crew in enumerate(scenario.crews):
        measured[Scope("crew", crew.name)] = presence.figures(np.flatnonzero(crew_index == index))
    spans = calls.half_hours()
    for start, members in spans:
        measured[Scope("half_hour", clock_time(start))] = calls.figures(members)
    return measured


def clock_time(seconds: float) -> str:
    """Seconds after midnight as `09:30`; `25:30` is half past one on the next day."""
    minutes = round(seconds / 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def over_replications(measured: Sequence[Measured]) -> dict[Scope, dict[str, Figure]]:
    """Each figure with its interval. A figure that some replication could not have (nan) is taken over the others."""
    return {
        scope: {name: interval(replication.get(scope, {}).get(name, math.nan) for replication in measured) for name in names}
        for scope, names in _names(measured).items()
    }


def compare(these: Sequence[Measured], others: Sequence[Measured]) -> dict[Scope, dict[str, Difference]]:
    """Others less these, replication by replication, for every figure both have."""
    theirs = _names(others)
    differences: dict[Scope, dict[str, Difference]] = {}
    for scope, names in _names(these).items():
        for name in names:
            if name not in theirs.get(scope, ()):
                continue
            pairs = zip(these, others, strict=True)
            figure = interval(
                other.get(scope, {}).get(name, math.nan) - this.get(scope, {}).get(name, math.nan) for this, other in pairs
            )
            differences.setdefault(scope, {})[name] = Difference(figure, _verdict(name, figure))
    return differences


def interval(values: Iterable[float]) -> Figure:
    """Mean and 95 % interval of independent values; nan values are left out."""
    kept = [value for value in values if math.isfinite(value)]
    if not kept:
        return Figure(math.nan, math.nan, math.nan)
    mean = math.fsum(kept) / len(kept)
    if len(kept) == 1:
        return Figure(mean, math.nan, math.nan)
    variance = math.fsum((value - mean) ** 2 for value in kept) / (len(kept) - 1)
    half = student_t_975(len(kept) - 1) * math.sqrt(variance / len(kept))
    return Figure(mean, mean - half, mean + half)


_STUDENT_T_975 = (
    12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281,
    2.2010, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.0930, 2.0860,
    2.0796, 2.0739, 2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484, 2.0452, 2.0423,
)  # fmt: skip


def student_t_975(freedom: int) -> float:
    """The 97.5 % quantile of Student's t; beyond 30 degrees of freedom by the Cornish-Fisher series, exact to 4 digits."""
    if freedom <= len(_STUDENT_T_975):
        return _STUDENT_T_975[freedom - 1]
    z = 1.959964
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)


def _verdict(name: str, figure: Figure) -> str:
    if math.isnan(figure.low) or figure.low <= 0 <= figure.high:
        return "no clear difference"
    if name in NEITHER_IS_BETTER:
        return "higher" if figure.mean > 0 else "lower"
    return "better" if (figure.mean > 0) == (name in LARGER_IS_BETTER) else "worse"


def _names(measured: Sequence[Measured]) -> dict[Scope, dict[str, None]]:
    """Every scope and figure that any replication has, in order of first appearance."""
    found: dict[Scope, dict[str, None]] = {}
    for replication in measured:
        for scope, figures in replication.items():
            found.setdefault(scope, {}).update(dict.fromkeys(figures))
    return found


class _Calls:
    """The calls of a day as columns."""

    def __init__(self, scenario: Scenario, day: Day) -> None:
        self.arrived_at = np.asarray(day.callers.arrived_at, dtype=np.float64)
        self.type_index = np.asarray(day.callers.type_index, dtype=np.int64)
        self.outcome = day.outcome
        self.waited = day.waited_seconds
        within = [scenario.queues[call_type.queue].target.within_seconds for call_type in scenario.call_types]
        self.within_seconds = np.asarray(within or [0.0])[self.type_index]
        self.begins = scenario.from_seconds + scenario.warm_up_seconds
        self.ends = scenario.to_seconds
        self.counted = (self.arrived_at >= self.begins) & (self.arrived_at < self.ends)

    def figures(self, members: NDArray[np.bool_]) -> dict[str, float]:
        """The callers' figures over the calls in `members`."""
        arrived = int(np.count_nonzero(members))
        queued = members & (self.outcome != Outcome.TURNED_AWAY)
        reached = int(np.count_nonzero(queued))
        waits = self.waited[queued]
        answered = queued & (self.outcome == Outcome.ANSWERED)
        quantiles = np.quantile(waits, (0.5, 0.8, 0.95)) if reached else (math.nan,) * 3
        return {
            "calls": float(arrived),
            "service_level": _share(np.count_nonzero(answered & (self.waited <= self.within_seconds)), reached),
            "waited": _share(np.count_nonzero(waits > 0), reached),
            "mean_wait_seconds": float(waits.mean()) if reached else math.nan,
            "mean_answer_seconds": float(self.waited[answered].mean()) if answered.any() else math.nan,
            "wait_p50_seconds": float(quantiles[0]),
            "wait_p80_seconds": float(quantiles[1]),
            "wait_p95_seconds": float(quantiles[2]),
            "abandoned": _share(np.count_nonzero(self.outcome[queued] == Outcome.ABANDONED), reached),
            "sent_on": _share(np.count_nonzero(self.outcome[queued] == Outcome.SENT_ON), reached),
            "turned_away": _share(arrived - reached, arrived),
        }

    def half_hours(self) -> list[tuple[float, NDArray[np.bool_]]]:
        """Start and members of each half-hour; at most a day and a half of them, since longer runs are about the long run."""
        first = math.floor(self.begins / HALF_HOUR_SECONDS)
        last = math.ceil(self.ends / HALF_HOUR_SECONDS)
        if last - first > 72:
            return []
        slots = np.floor(self.arrived_at / HALF_HOUR_SECONDS)
        return [(slot * HALF_HOUR_SECONDS, self.counted & (slots == slot)) for slot in range(first, last)]


class _Presence:
    """Agents' time between the first and the last second that counts: signed in, busy, free."""

    def __init__(self, scenario: Scenario, day: Day, arrived_at: NDArray[np.float64]) -> None:
        begins, ends = scenario.from_seconds + scenario.warm_up_seconds, scenario.to_seconds
        agents = len(day.agents)
        self.present = np.zeros(agents)
        for agent, signed_in, signed_out in day.presences:
            self.present[agent] += max(0.0, min(signed_out, ends) - max(signed_in, begins))
        answered = day.agent_index >= 0
        self.by = day.agent_index[answered]
        begun = arrived_at[answered] + day.waited_seconds[answered] - scenario.ring_seconds
        spent = np.minimum(day.ends_at[answered], ends) - np.maximum(begun, begins)
        self.busy = np.bincount(self.by, np.maximum(spent, 0.0), agents)
        self.within = (begun >= begins) & (begun < ends)
        self.idle = day.idle_before_seconds[answered]

    def figures(self, members: NDArray[np.int64]) -> dict[str, float]:
        """The agents' figures over the agents in `members`."""
        mine = self.within & np.isin(self.by, members)
        idle = self.idle[mine & (self.idle > 0)]
        idle_mean = float(idle.mean()) if len(idle) else math.nan
        present = self.present[members]
        there = present > 0
        shares = self.busy[members][there] / present[there]
        return {
            "occupancy": float(self.busy[members].sum() / present.sum()) if there.any() else math.nan,
            "calls_per_agent": float(np.count_nonzero(mine) / len(members)) if len(members) else math.nan,
            "idle_mean_seconds": idle_mean,
            "idle_variation": float(idle.std() / idle_mean) if idle_mean > 0 else math.nan,
            "occupancy_spread": float(shares.max() - shares.min()) if there.any() else math.nan,
        }


def _share(part: int | np.intp, whole: int) -> float:
    return float(part) / whole if whole else math.nan
