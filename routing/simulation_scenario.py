"""What is simulated: kinds of calls, agents with shifts, queues with their policies. Values only; files are read elsewhere.

Times of day are seconds after midnight of the simulated day; a shift past midnight simply ends after 86,400.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise

from routing.model import Agent, Needs, Queue, WaitingCall


@dataclass(frozen=True)
class Fixed:
    """Always the same."""

    seconds: float

    @property
    def mean_seconds(self) -> float:
        return self.seconds


@dataclass(frozen=True)
class Exponential:
    """Memoryless: what closed forms assume."""

    mean_seconds: float


@dataclass(frozen=True)
class LogNormal:
    """What handling times usually look like. `deviation_seconds` is the standard deviation of the times, not of their logarithm."""

    mean_seconds: float
    deviation_seconds: float


@dataclass(frozen=True)
class Empirical:
    """Measured: `points_seconds`, ascending, are equally likely quantiles; between them it is linear."""

    points_seconds: tuple[float, ...]

    @property
    def mean_seconds(self) -> float:
        points = self.points_seconds
        if len(points) == 1:
            return points[0]
        return sum((low + high) / 2 for low, high in pairwise(points)) / (len(points) - 1)


Spread = Fixed | Exponential | LogNormal | Empirical


@dataclass(frozen=True)
class Rate:
    """Calls per hour, on average, between two times of day: a Poisson stream."""

    from_seconds: float
    to_seconds: float
    per_hour: float


@dataclass(frozen=True)
class Shift:
    """Signed in from one time of day to another. A call begun before the end is finished."""

    from_seconds: float
    to_seconds: float


@dataclass(frozen=True)
class Recorded:
    """One call that really happened, for back-tests. `handling_seconds` None: it was never answered, so it is drawn."""

    at_seconds: float
    handling_seconds: float | None = None
    patience_seconds: float | None = None  # when it hung up; None: it was answered, its patience is drawn beyond its wait
    waited_seconds: float = 0.0


@dataclass(frozen=True)
class CallType:
    """Calls that are alike. `patience` None: nobody hangs up. `handling` is talking and wrap-up together.

    `recorded`, where given, replaces the drawn arrivals.
    """

    name: str
    queue: str
    arrivals: tuple[Rate, ...]
    handling: Spread
    patience: Spread | None = None
    needs: Needs = field(default_factory=dict)
    preferred: Needs = field(default_factory=dict)
    rings: tuple[tuple[float, Needs], ...] = ()
    head_start_seconds: float = 0.0
    longest_wait_seconds: float = math.inf
    recorded: tuple[Recorded, ...] = ()

    @property
    def expected_calls(self) -> float:
        if self.recorded:
            return float(len(self.recorded))
        return sum(rate.per_hour * (rate.to_seconds - rate.from_seconds) / 3600 for rate in self.arrivals)


@dataclass(frozen=True)
class Crew:
    """`count` agents alike: `agent` is the pattern (its id is the crew's name)."""

    agent: Agent
    count: int
    shifts: tuple[Shift, ...]

    @property
    def name(self) -> str:
        return self.agent.agent_id

    def agents(self) -> tuple[Agent, ...]:
        """The agents, named `crew-1`, `crew-2` ..."""
        if self.count == 1:
            return (self.agent,)
        return tuple(replace(self.agent, agent_id=f"{self.name}-{number}") for number in range(1, self.count + 1))


@dataclass(frozen=True)
class Scenario:
    """A day (or any span of it). Figures count calls that arrive from `from_seconds` + `warm_up_seconds` until before `to_seconds`;
    what waits or talks then is followed to its end."""

    title: str
    from_seconds: float
    to_seconds: float
    call_types: tuple[CallType, ...]
    crews: tuple[Crew, ...]  # with different names
    queues: Mapping[str, Queue]
    lines: int | None = None  # callers talking or waiting at most; further ones get the busy tone
    ring_seconds: float = 0.0  # from the offer to the answer; counts as waiting
    warm_up_seconds: float = 0.0
    replications: int = 10
    seed: int = 1

    @property
    def expected_calls(self) -> float:
        return sum(call_type.expected_calls for call_type in self.call_types)

    def with_crew(self, crew: Crew) -> Scenario:
        """The same day with more agents: what-if."""
        taken = {present.name for present in self.crews}
        name, number = crew.name, 2
        while name in taken:
            name, number = f"{crew.name}_{number}", number + 1
        return replace(self, crews=(*self.crews, replace(crew, agent=replace(crew.agent, agent_id=name))))


def waiting_pattern(call_type: CallType, arrived_at: float = 0.0) -> WaitingCall:
    """A call of this type as the policy functions see it."""
    return WaitingCall(
        call_type.name,
        call_type.queue,
        arrived_at,
        call_type.needs,
        call_type.preferred,
        call_type.rings,
        call_type.head_start_seconds,
    )
