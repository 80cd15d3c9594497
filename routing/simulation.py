"""A simulated day: events on a simulated clock, decided by the production policy.

Who may take a call (`openings`, `serves`), who goes first (`place`, `urgency`, `starves_after`) and who answers (`fixed_standing`,
`clock`) are the very functions of `routing.policies` that the live board uses. Here are only the clock and the index: for every
opening a heap of waiting calls and a heap of free agents, both with entries that are dropped when they surface stale.

Not simulated: offers that ring out or are rejected, agents with a capacity above one, opening hours (a scenario says from when to
when calls arrive), callbacks.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from routing.model import Agent
from routing.policies import Clocks, Urgency, clock, place, shares, urgency
from routing.simulation_draws import Callers, draw_callers
from routing.simulation_index import Door, Way, plan_of
from routing.simulation_scenario import Scenario, Shift, waiting_pattern


class Outcome(IntEnum):
    """How a simulated call ended."""

    ANSWERED = 0
    ABANDONED = 1  # hung up while waiting or ringing
    TURNED_AWAY = 2  # no line free, or the queue was full
    SENT_ON = 3  # waited as long as the flow allows and left by its exit


@dataclass(frozen=True)
class Day:
    """What happened in one replication. One entry per call in order of arrival; times in seconds after midnight."""

    callers: Callers
    outcome: NDArray[np.int8]
    waited_seconds: NDArray[np.float64]  # until answered, hung up or sent on; 0 for calls turned away
    agent_index: NDArray[np.int64]  # who answered, into `agents`; -1: nobody
    ends_at: NDArray[np.float64]  # when the answering agent was free again; nan: not answered
    idle_before_seconds: NDArray[np.float64]  # how long that agent had been free; nan: not answered
    agents: tuple[Agent, ...]
    crew_index: tuple[int, ...]  # of each agent, into the scenario's crews
    presences: tuple[tuple[int, float, float], ...]  # (agent index, signed in, signed out)


def simulate(scenario: Scenario, replication: int = 0, on_time: Callable[[float], None] | None = None) -> Day:
    """One replication, decided by chance keyed by the scenario's seed and `replication`: the same again gives the same again.

    `on_time` is told the simulated time now and then, for a progress bar.
    """
    return _Floor(scenario, draw_callers(scenario, replication)).run(on_time)


# Kinds of events; at the same instant calls end before others begin, and hang-ups come last.
_FREE, _SIGN_IN, _SIGN_OUT, _WIDER, _STARVED, _TOO_LONG, _HANG_UP = range(7)


class _Floor:
    """The state of one run."""

    def __init__(self, scenario: Scenario, callers: Callers) -> None:
        self.scenario = scenario
        self.callers = callers
        named = [(agent, index) for index, crew in enumerate(scenario.crews) for agent in crew.agents()]
        named.sort(key=lambda pair: pair[0].agent_id)  # equal standings go by agent id: here, by index
        self.agents = tuple(agent for agent, _ in named)
        self.crew_index = tuple(index for _, index in named)
        count, calls = len(self.agents), len(callers.arrived_at)

        self.queue_names = list(scenario.queues)
        parts = shares(scenario.queues.values())
        self.queues = {name: replace(queue, share=parts[name]) for name, queue in scenario.queues.items()}
        plan = plan_of(scenario.call_types, self.queues, self.agents)
        self.agent_doors = plan.agent_doors
        self.ways = plan.ways
        self.keeps = any(door.opening.keep for door in plan.doors)

        self.signed_in_at = [math.nan] * count
        self.signs_out = [False] * count  # leaves when the present call is over
        self.spell = [0] * count  # odd: free; counts up with each change
        self.idle_since = [0.0] * count
        self.busy_seconds = [0.0] * count
        self.last_offered = [0.0] * count
        self.presences: list[tuple[int, float, float]] = []

        self.waiting = bytearray(calls)
        self.urgencies: dict[int, Urgency] = {}
        self.queue_lengths = [0] * len(self.queue_names)
        self.all_waiting = 0
        self.lines_taken = 0

        self.outcome = np.full(calls, Outcome.TURNED_AWAY, dtype=np.int8)
        self.waited: list[float] = [0.0] * calls
        self.answered_by = [-1] * calls
        self.ends_at = [math.nan] * calls
        self.idle_before = [math.nan] * calls
        self.events: list[tuple[float, int, int, int]] = []  # (time, kind, agent or call, which)

    def run(self, on_time: Callable[[float], None] | None) -> Day:
        """Play all events; nobody is left waiting or talking in the end, unless nobody ever signs in who could answer."""
        for index, crew in enumerate(self.crew_index):
            for shift in _joined(self.scenario.crews[crew].shifts):
                self.events.append((shift.from_seconds, _SIGN_IN, index, 0))
                self.events.append((shift.to_seconds, _SIGN_OUT, index, 0))
        heapq.heapify(self.events)
        steps = (self._free, self._sign_in, self._sign_out, self._wider, self._starved, self._too_long, self._hang_up)
        events = self.events
        arrived_at = [*self.callers.arrived_at, math.inf]
        calls = len(arrived_at) - 1
        call = 0
        next_arrival = arrived_at[0]
        while call < calls or events:
            if events and events[0][0] <= next_arrival:
                now, kind, subject, which = heapq.heappop(events)
                steps[kind](now, subject, which)
            else:
                self._arrive(next_arrival, call)
                call += 1
                if on_time is not None and call % 2000 == 0:
                    on_time(next_arrival)
                next_arrival = arrived_at[call]
        for call in [index for index, waits in enumerate(self.waiting) if waits]:
            self._leave(max(self.callers.arrived_at[call], self.scenario.to_seconds), call, Outcome.SENT_ON)
        return Day(
            self.callers,
            self.outcome,
            np.asarray(self.waited),
            np.asarray(self.answered_by, dtype=np.int64),
            np.asarray(self.ends_at),
            np.asarray(self.idle_before),
            self.agents,
            self.crew_index,
            tuple(self.presences),
        )

    # Calls

    def _arrive(self, now: float, call: int) -> None:
        way = self.ways[self.callers.type_index[call]]
        lines = self.scenario.lines
        if lines is not None and self.lines_taken >= lines:
            return
        for door in way.at_once:
            agent = self._best_free(door)
            if agent >= 0:
                self.lines_taken += 1
                self._connect(now, call, agent)
                return
        if self.queue_lengths[way.queue_index] >= way.queue.capacity:
            return
        self.lines_taken += 1
        self.waiting[call] = 1
        self.queue_lengths[way.queue_index] += 1
        self.all_waiting += 1
        self._line_up(now, call, way, starved=False)
        patience_seconds = self.callers.patience_seconds[call]
        if patience_seconds < math.inf:
            heapq.heappush(self.events, (now + patience_seconds, _HANG_UP, call, 0))
        if way.longest_wait_seconds < math.inf:
            heapq.heappush(self.events, (now + way.longest_wait_seconds, _TOO_LONG, call, 0))
        if way.starves_after is not None:
            heapq.heappush(self.events, (now + way.starves_after, _STARVED, call, 0))
        for which, (after_seconds, _) in enumerate(way.later):
            heapq.heappush(self.events, (now + after_seconds, _WIDER, call, which))

    def _line_up(self, now: float, call: int, way: Way, *, starved: bool) -> None:
        waiting_call = waiting_pattern(way.call_type, self.callers.arrived_at[call])
        self.urgencies[call] = urgency(waiting_call, way.queue, starved)
        entry = (place(waiting_call, way.queue, starved), call)
        for door in way.at_once:
            heapq.heappush(door.waiting, entry)
        if starved:
            waited_seconds = now - self.callers.arrived_at[call]
            for after_seconds, door in way.later:
                if after_seconds <= waited_seconds:
                    heapq.heappush(door.waiting, entry)

    def _wider(self, now: float, call: int, which: int) -> None:
        if not self.waiting[call]:
            return
        way = self.ways[self.callers.type_index[call]]
        door = way.later[which][1]
        agent = self._best_free(door)
        if agent >= 0:
            self._answer(now, call, agent)
            return
        waiting_call = waiting_pattern(way.call_type, self.callers.arrived_at[call])
        starved = way.starves_after is not None and now - self.callers.arrived_at[call] >= way.starves_after
        heapq.heappush(door.waiting, (place(waiting_call, way.queue, starved), call))

    def _starved(self, now: float, call: int, _: int) -> None:
        if self.waiting[call]:
            self._line_up(now, call, self.ways[self.callers.type_index[call]], starved=True)

    def _too_long(self, now: float, call: int, _: int) -> None:
        if self.waiting[call]:
            self._leave(now, call, Outcome.SENT_ON)

    def _hang_up(self, now: float, call: int, _: int) -> None:
        if self.waiting[call]:
            self._leave(now, call, Outcome.ABANDONED)

    def _leave(self, now: float, call: int, outcome: Outcome) -> None:
        self._stop_waiting(call)
        self.lines_taken -= 1
        self.outcome[call] = outcome
        self.waited[call] = now - self.callers.arrived_at[call]

    def _stop_waiting(self, call: int) -> None:
        self.waiting[call] = 0
        self.queue_lengths[self.ways[self.callers.type_index[call]].queue_index] -= 1
        self.all_waiting -= 1
        del self.urgencies[call]

    # Agents

    def _sign_in(self, now: float, agent: int, _: int) -> None:
        if self.signs_out[agent]:  # still in the last call of the shift before: simply stays
            self.signs_out[agent] = False
            return
        self.signed_in_at[agent] = now
        self.busy_seconds[agent] = 0.0
        self._take_next(now, agent)

    def _sign_out(self, now: float, agent: int, _: int) -> None:
        if self.spell[agent] & 1:
            self._no_longer_free(agent)
            self._gone(now, agent)
        else:
            self.signs_out[agent] = True

    def _gone(self, now: float, agent: int) -> None:
        self.presences.append((agent, self.signed_in_at[agent], now))

    def _free(self, now: float, agent: int, call: int) -> None:
        """The call is over, wrap-up included (negative: the caller hung up while the phone rang; the line is free already)."""
        if call >= 0:
            self.lines_taken -= 1
        if self.signs_out[agent]:
            self.signs_out[agent] = False
            self._gone(now, agent)
        else:
            self._take_next(now, agent)

    def _take_next(self, now: float, agent: int) -> None:
        """The most urgent call this agent may take; without one the agent is free."""
        self.idle_since[agent] = now
        if self.keeps:
            self._take_next_with_reserve(now, agent)
            return
        call = self._most_urgent(now, self.agent_doors[agent])
        if call >= 0:
            self._answer(now, call, agent)
        else:
            self._becomes_free(now, agent)

    def _take_next_with_reserve(self, now: float, agent: int) -> None:
        """Where free agents are held back, a call may wait beside them; one more free agent may let the longest idle one go."""
        self._becomes_free(now, agent)
        while True:
            ready = [door for door in self.agent_doors[agent] if door.free_count > door.opening.keep]
            call = self._most_urgent(now, ready)
            if call < 0:
                return
            way = self.ways[self.callers.type_index[call]]
            doors = [*way.at_once, *(door for after, door in way.later if now - self.callers.arrived_at[call] >= after)]
            chosen = next(found for found in map(self._best_free, doors) if found >= 0)
            self._answer(now, call, chosen)
            if chosen == agent:
                return

    def _most_urgent(self, now: float, doors: list[Door]) -> int:
        best, best_urgency, best_arrival = -1, -math.inf, math.inf
        for door in doors:
            heap = door.waiting
            while heap and not self.waiting[heap[0][1]]:
                heapq.heappop(heap)
            if heap:
                call = heap[0][1]
                if call == best:
                    continue
                line = self.urgencies[call].at(now, self.queue_lengths[door.queue_index], self.all_waiting)
                if line > best_urgency or (line == best_urgency and self.callers.arrived_at[call] < best_arrival):
                    best, best_urgency, best_arrival = call, line, self.callers.arrived_at[call]
        return best

    def _becomes_free(self, now: float, agent: int) -> None:
        self.spell[agent] += 1
        spell = self.spell[agent]
        signed_in_seconds = now - self.signed_in_at[agent]
        occupancy = self.busy_seconds[agent] / signed_in_seconds if signed_in_seconds > 0 else 0.0
        clocks = Clocks(now, occupancy, self.last_offered[agent])
        for door in self.agent_doors[agent]:
            heapq.heappush(door.free, (door.fixed[agent] + clock(door.clock_name, clocks), agent, spell))
            door.free_count += 1
            if len(door.free) > 4 * len(door.fixed) + 16:
                door.free = [entry for entry in door.free if self.spell[entry[1]] == entry[2]]
                heapq.heapify(door.free)

    def _no_longer_free(self, agent: int) -> None:
        self.spell[agent] += 1
        for door in self.agent_doors[agent]:
            door.free_count -= 1

    def _best_free(self, door: Door) -> int:
        """The free agent with the least standing, or -1 where none is free beyond those held back."""
        if door.free_count <= door.opening.keep:
            return -1
        heap, spell = door.free, self.spell
        while spell[heap[0][1]] != heap[0][2]:
            heapq.heappop(heap)
        return heap[0][1]

    def _answer(self, now: float, call: int, agent: int) -> None:
        """Connect a call that waited."""
        self._stop_waiting(call)
        self._connect(now, call, agent)

    def _connect(self, now: float, call: int, agent: int) -> None:
        if self.spell[agent] & 1:
            self._no_longer_free(agent)
        self.last_offered[agent] = now
        arrived_at = self.callers.arrived_at[call]
        answered_at = now + self.scenario.ring_seconds
        if answered_at - arrived_at > self.callers.patience_seconds[call]:
            left_at = arrived_at + self.callers.patience_seconds[call]
            self.lines_taken -= 1
            self.outcome[call] = Outcome.ABANDONED
            self.waited[call] = left_at - arrived_at
            self.busy_seconds[agent] += left_at - now
            heapq.heappush(self.events, (left_at, _FREE, agent, -1))
            return
        ends_at = answered_at + self.callers.handling_seconds[call]
        self.outcome[call] = Outcome.ANSWERED
        self.waited[call] = answered_at - arrived_at
        self.answered_by[call] = agent
        self.ends_at[call] = ends_at
        self.idle_before[call] = now - self.idle_since[agent]
        self.busy_seconds[agent] += ends_at - now
        heapq.heappush(self.events, (ends_at, _FREE, agent, call))


def _joined(shifts: tuple[Shift, ...]) -> list[Shift]:
    """Shifts in order, those that touch or overlap as one: nobody signs in twice."""
    joined: list[Shift] = []
    for shift in sorted(shifts, key=lambda shift: shift.from_seconds):
        if joined and shift.from_seconds <= joined[-1].to_seconds:
            joined[-1] = replace(joined[-1], to_seconds=max(joined[-1].to_seconds, shift.to_seconds))
        else:
            joined.append(shift)
    return joined
