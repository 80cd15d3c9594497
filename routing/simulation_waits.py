"""What callers of a simulated day would have been told about their wait, and how it turned out: the wait estimate's examination.

The day's joins and answers are played once more in order of time to `routing.estimate`, which sees at each moment only what the
live board would see.
"""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from routing.estimate import Learned, Moment, Wait
from routing.policies import openings, place, serves
from routing.simulation import Day, Outcome
from routing.simulation_scenario import Scenario, waiting_pattern


@dataclass(frozen=True)
class Told:
    """Calls that waited and were answered after something could be said to them. One entry per call; seconds."""

    expected_seconds: NDArray[np.float64]
    upper_seconds: NDArray[np.float64]
    waited_seconds: NDArray[np.float64]
    said: float  # share of callers who joined a queue and could be told something

    @property
    def rase(self) -> float:
        """Root of the mean squared error over the mean wait (root average squared error, relative)."""
        errors = self.waited_seconds - self.expected_seconds
        return math.sqrt(float((errors**2).mean())) / float(self.waited_seconds.mean()) if len(errors) else math.nan

    @property
    def bias(self) -> float:
        """Mean of what was expected over the mean wait, less one."""
        return float(self.expected_seconds.mean() / self.waited_seconds.mean()) - 1 if len(self.waited_seconds) else math.nan

    @property
    def held(self) -> float:
        """Share of callers who waited no longer than the upper figure."""
        return float((self.waited_seconds <= self.upper_seconds).mean()) if len(self.waited_seconds) else math.nan


_LEAVE, _AGENTS, _JOIN = range(3)


def told(scenario: Scenario, day: Day) -> Told:
    """Play the day to one estimate per queue. Callers who arrive before the warm-up's end teach, but are not examined."""
    names = list(scenario.queues)
    queue_of = [names.index(call_type.queue) for call_type in scenario.call_types]
    places = [_place_from_arrival(scenario, index) for index in range(len(scenario.call_types))]
    learned = [Learned() for _ in names]
    lines: list[list[tuple[float, int]]] = [[] for _ in names]
    agents = [0] * len(names)
    moments: dict[int, tuple[Moment, Wait | None]] = {}
    begins = scenario.from_seconds + scenario.warm_up_seconds
    all_waiting = joined = said = 0
    rows: list[tuple[float, float, float]] = []
    arrived_at, waited_seconds = day.callers.arrived_at, day.waited_seconds.tolist()
    for now, kind, subject, which in _timeline(scenario, day):
        if kind == _AGENTS:
            agents[subject] += which
            continue
        queue = queue_of[day.callers.type_index[subject]]
        entry = (arrived_at[subject] + places[day.callers.type_index[subject]], subject)
        line = lines[queue]
        if kind == _JOIN:
            if waited_seconds[subject] == 0:
                learned[queue] = learned[queue].answered_at_once(now)
                continue
            head_wait_seconds = now - arrived_at[line[0][1]] if line else 0.0
            ahead = bisect.bisect(line, entry)
            moment = learned[queue].moment(ahead, all_waiting, agents[queue], head_wait_seconds, now)
            line.insert(ahead, entry)
            all_waiting += 1
            moments[subject] = moment, learned[queue].expect(moment)
            continue
        del line[bisect.bisect_left(line, entry)]
        all_waiting -= 1
        moment, wait = moments.pop(subject)
        counts = arrived_at[subject] >= begins
        joined += counts
        said += counts and wait is not None
        if day.outcome[subject] == Outcome.ANSWERED:
            learned[queue] = learned[queue].learn(moment, waited_seconds[subject], now, wait.upper_seconds if wait else None)
            if wait is not None and counts:
                rows.append((wait.mean_seconds, wait.upper_seconds, waited_seconds[subject]))
    table = np.asarray(rows).reshape(-1, 3)
    return Told(table[:, 0], table[:, 1], table[:, 2], said / joined if joined else math.nan)


def _timeline(scenario: Scenario, day: Day) -> list[tuple[float, int, int, int]]:
    """(time, kind, call or queue, agents coming or going) in order: those who leave make room for those who join."""
    events: list[tuple[float, int, int, int]] = []
    for index, (arrived_at, outcome) in enumerate(zip(day.callers.arrived_at, day.outcome.tolist(), strict=True)):
        if outcome == Outcome.TURNED_AWAY:
            continue
        events.append((arrived_at, _JOIN, index, 0))
        if day.waited_seconds[index] > 0:
            events.append((arrived_at + float(day.waited_seconds[index]), _LEAVE, index, 0))
    served = _queues_served(scenario, day)
    for agent, signed_in, signed_out in day.presences:
        for queue in served[agent]:
            events.append((signed_in, _AGENTS, queue, 1))
            events.append((signed_out, _AGENTS, queue, -1))
    events.sort()
    return events


def _queues_served(scenario: Scenario, day: Day) -> list[list[int]]:
    """Per agent, the queues that have calls which this agent may take at once."""
    first = [
        (list(scenario.queues).index(call_type.queue), openings(waiting_pattern(call_type), scenario.queues)[0])
        for call_type in scenario.call_types
    ]
    return [sorted({queue for queue, opening in first if serves(agent, opening)}) for agent in day.agents]


def _place_from_arrival(scenario: Scenario, index: int) -> float:
    call_type = scenario.call_types[index]
    return place(waiting_pattern(call_type), scenario.queues[call_type.queue])
