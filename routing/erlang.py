"""Closed forms for one skill, exponential service and Poisson arrivals: the yardstick of the simulator and the first guess of staffing.

Loads are in erlangs (arrivals per second times mean handling seconds), times in seconds, results are fractions and seconds.

Sources: Erlang 1917 for B and C; Palm 1957 and Zeltyn & Mandelbaum, "Call centers with impatient customers: many-server
asymptotics of the M/M/n+G queue", Queueing Systems 51 (2005), section 2, for A: the offered wait has the density
`v(x) = arrivals * pi * exp(arrivals * H(x) - agents * rate * x)`, `H(x)` the integral of the patience's survival function and
`pi` the chance to find exactly `agents - 1` calls in the system.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Expected:
    """What callers of one skill may expect in the long run."""

    waiting_probability: float  # chance that a call has to wait at all
    mean_wait_seconds: float  # over all calls offered, hang-ups included
    abandoned: float  # fraction of calls offered
    occupancy: float  # fraction of agents' time spent on calls
    within: float  # fraction of calls offered that are answered within the threshold


def erlang_b(agents: int, load_erlangs: float) -> float:
    """Fraction of calls lost where nobody can wait. Stable recursion over the number of agents."""
    _check(agents, load_erlangs)
    if load_erlangs == 0:
        return 0.0 if agents else 1.0
    blocked = 1.0
    for busy in range(1, agents + 1):
        blocked = load_erlangs * blocked / (busy + load_erlangs * blocked)
    return blocked


def erlang_c(agents: int, load_erlangs: float, handling_seconds: float, threshold_seconds: float = 20.0) -> Expected:
    """Everybody waits as long as it takes. Where agents do not exceed the load, the wait is infinite."""
    _check(agents, load_erlangs)
    if load_erlangs == 0 and agents:
        return Expected(0.0, 0.0, 0.0, 0.0, 1.0)
    if agents <= load_erlangs:
        return Expected(1.0, math.inf, 0.0, 1.0, 0.0)
    blocked = erlang_b(agents, load_erlangs)
    waiting = agents * blocked / (agents - load_erlangs * (1 - blocked))
    wait_seconds = waiting * handling_seconds / (agents - load_erlangs)
    late = waiting * math.exp(-(agents - load_erlangs) * threshold_seconds / handling_seconds)
    return Expected(waiting, wait_seconds, 0.0, load_erlangs / agents, 1 - late)


def erlang_a(
    agents: int, load_erlangs: float, handling_seconds: float, patience_seconds: float, threshold_seconds: float = 20.0
) -> Expected:
    """Callers hang up after an exponential time of mean `patience_seconds`; infinite patience is Erlang C."""
    _check(agents, load_erlangs)
    if math.isinf(patience_seconds):
        return erlang_c(agents, load_erlangs, handling_seconds, threshold_seconds)
    if load_erlangs == 0 and agents:
        return Expected(0.0, 0.0, 0.0, 0.0, 1.0)
    if agents == 0:
        return Expected(1.0, patience_seconds, 1.0, 0.0, 0.0)
    arrivals = load_erlangs / handling_seconds

    def exponent(x: float) -> float:
        return arrivals * patience_seconds * -math.expm1(-x / patience_seconds) - agents * x / handling_seconds

    # Relative to pi, the chance of `agents - 1` calls: all emptier states sum up to 1 / B(agents - 1, load). Everything is
    # scaled by the density's highest value, which in a badly overloaded queue is beyond what a float can hold.
    highest, horizon_seconds = _peak_and_horizon(exponent, handling_seconds / agents)

    def density(x: float) -> float:
        return math.exp(exponent(x) - highest)

    def answered_density(x: float) -> float:
        return math.exp(exponent(x) - highest - x / patience_seconds)

    emptier = math.exp(-highest) / erlang_b(agents - 1, load_erlangs)
    wait_weight = arrivals * _integral(density, 0.0, horizon_seconds)
    in_time_weight = arrivals * _integral(answered_density, 0.0, min(threshold_seconds, horizon_seconds))
    answered_weight = arrivals * _integral(answered_density, 0.0, horizon_seconds)
    total = emptier + wait_weight
    abandoned = (wait_weight - answered_weight) / total
    return Expected(
        waiting_probability=wait_weight / total,
        mean_wait_seconds=abandoned * patience_seconds,
        abandoned=abandoned,
        occupancy=load_erlangs * (1 - abandoned) / agents,
        within=(emptier + in_time_weight) / total,
    )


def least_agents(
    load_erlangs: float,
    handling_seconds: float,
    patience_seconds: float,
    *,
    share: float,
    threshold_seconds: float,
    abandoned_at_most: float = 1.0,
    most: int = 100_000,
) -> int:
    """The least number of agents that answers `share` of calls within the threshold and loses no more than allowed.

    Found by doubling and halving: both figures get better with every agent. Raises ValueError where `most` are not enough.
    """
    if not 0 <= share < 1:
        raise ValueError(f"the share answered in time is {share}, but must be at least 0 and below 1")

    def enough(agents: int) -> bool:
        expected = erlang_a(agents, load_erlangs, handling_seconds, patience_seconds, threshold_seconds)
        return expected.within >= share and expected.abandoned <= abandoned_at_most

    if load_erlangs <= 0:
        return 0
    low, high = 0, max(1, math.ceil(load_erlangs))
    while not enough(high):
        if high >= most:
            raise ValueError(f"{most} agents are not enough for {load_erlangs:.1f} erlangs and these targets")
        low, high = high, min(most, high + max(1, high // 8))
    while high - low > 1:
        middle = (low + high) // 2
        if enough(middle):
            high = middle
        else:
            low = middle
    return high


def _check(agents: int, load_erlangs: float) -> None:
    if agents < 0 or load_erlangs < 0 or not math.isfinite(load_erlangs):
        raise ValueError(f"agents ({agents}) and load ({load_erlangs} erlangs) cannot be negative or infinite")


def _peak_and_horizon(exponent: Callable[[float], float], step_seconds: float) -> tuple[float, float]:
    """The highest value of a concave exponent that starts at 0, and a time after which it is 60 below that. `step_seconds`: its scale."""
    low, high = 0.0, step_seconds
    while exponent(high) > exponent(high / 2):
        high *= 2
    for _ in range(200):
        left, right = low + (high - low) / 3, high - (high - low) / 3
        if exponent(left) < exponent(right):
            low = left
        else:
            high = right
    highest = max(0.0, exponent(low))
    horizon = max(low, step_seconds)
    while exponent(horizon) > highest - 60:
        horizon *= 1.2
    return highest, horizon


# Nodes and weights of the 8-point Gauss-Legendre rule on [-1, 1] (positive half).
_NODES = (
    (0.1834346424956498, 0.3626837833783620),
    (0.5255324099163290, 0.3137066458778873),
    (0.7966664774136267, 0.2223810344533745),
    (0.9602898564975363, 0.1012285362903763),
)


def _integral(f: Callable[[float], float], low: float, high: float, panels: int = 200) -> float:
    """Gauss-Legendre over equal panels: the densities here are smooth, so this is exact to about 12 digits."""
    half = (high - low) / panels / 2
    total = 0.0
    for panel in range(panels):
        centre = low + (2 * panel + 1) * half
        for node, weight in _NODES:
            total += weight * (f(centre - half * node) + f(centre + half * node))
    return total * half
