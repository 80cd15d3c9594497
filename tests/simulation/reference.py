"""A slow simulator without any index: at every event it looks at all calls and all agents and asks the policy. What the fast one does
must be the same, call by call."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field, replace

from routing.model import Agent
from routing.policies import Clocks, Opening, openings, serves, shares, standing, starves_after, urgency
from routing.simulation import Outcome
from routing.simulation_draws import Callers
from routing.simulation_scenario import Scenario, waiting_pattern

FREE, SIGN_IN, SIGN_OUT, WIDER, STARVED, TOO_LONG, HANG_UP = range(7)


@dataclass
class Person:
    """An agent on the slow floor."""

    agent: Agent
    free_since: float | None = None
    signed_in_at: float = 0.0
    leaving: bool = False
    busy_seconds: float = 0.0
    clocks: Clocks = field(default_factory=lambda: Clocks(0.0))
    last_offered: float = 0.0


class SlowFloor:
    """Plays a scenario with one shift per agent; `answered` maps a call to (agent id, time)."""

    def __init__(self, scenario: Scenario, callers: Callers) -> None:
        parts = shares(scenario.queues.values())
        self.queues = {name: replace(queue, share=parts[name]) for name, queue in scenario.queues.items()}
        self.scenario, self.callers = scenario, callers
        self.people = {agent.agent_id: Person(agent) for crew in scenario.crews for agent in crew.agents()}
        self.waiting: list[int] = []
        self.answered: dict[int, tuple[str, float]] = {}
        self.outcome: dict[int, Outcome] = {}
        self.events: list[tuple[float, int, int, object]] = []
        self.lines_taken = 0

    def kind(self, call: int):
        return self.scenario.call_types[self.callers.type_index[call]]

    def waiting_call(self, call: int):
        return waiting_pattern(self.kind(call), self.callers.arrived_at[call])

    def queue(self, call: int):
        return self.queues[self.kind(call).queue]

    def ways(self, call: int, now: float) -> list[Opening]:
        waited = now - self.callers.arrived_at[call]
        # Events open rings at arrival + after, which may differ from `waited >= after` by rounding: compare times, not spans.
        found = openings(self.waiting_call(call), self.queues)
        return [way for way in found if self.callers.arrived_at[call] + way.after_seconds <= now or way.after_seconds <= waited]

    def best(self, call: int, way: Opening) -> str | None:
        able = [p for p in self.people.values() if p.free_since is not None and serves(p.agent, way)]
        if len(able) <= way.keep:
            return None
        policy = self.queue(call).policy
        return min(able, key=lambda p: (standing(policy, p.agent, way, p.clocks), p.agent.agent_id)).agent.agent_id

    def run(self) -> None:
        for crew in self.scenario.crews:
            for agent in crew.agents():
                (shift,) = crew.shifts
                heapq.heappush(self.events, (shift.from_seconds, SIGN_IN, self.rank(agent.agent_id), agent.agent_id))
                heapq.heappush(self.events, (shift.to_seconds, SIGN_OUT, self.rank(agent.agent_id), agent.agent_id))
        arrivals = list(enumerate(self.callers.arrived_at))
        while arrivals or self.events:
            if self.events and (not arrivals or self.events[0][0] <= arrivals[0][1]):
                now, kind, number, subject = heapq.heappop(self.events)
                self.happen(now, kind, number, subject)
            else:
                call, now = arrivals.pop(0)
                self.arrive(now, call)

    def rank(self, agent_id: str) -> int:
        return sorted(self.people).index(agent_id)

    def arrive(self, now: float, call: int) -> None:
        if self.scenario.lines is not None and self.lines_taken >= self.scenario.lines:
            self.outcome[call] = Outcome.TURNED_AWAY
            return
        for way in self.ways(call, now):
            agent_id = self.best(call, way)
            if agent_id is not None:
                self.lines_taken += 1
                self.connect(now, call, agent_id)
                return
        if sum(self.kind(other).queue == self.kind(call).queue for other in self.waiting) >= self.queue(call).capacity:
            self.outcome[call] = Outcome.TURNED_AWAY
            return
        self.lines_taken += 1
        self.waiting.append(call)
        for kind, after in (
            (HANG_UP, self.callers.patience_seconds[call]),
            (TOO_LONG, self.kind(call).longest_wait_seconds),
            *((WIDER, way.after_seconds) for way in openings(self.waiting_call(call), self.queues) if way.after_seconds > 0),
        ):
            if after < math.inf:
                heapq.heappush(self.events, (now + after, kind, call, ""))

    def happen(self, now: float, kind: int, number: int, subject: object) -> None:
        if kind in (HANG_UP, TOO_LONG):
            if number in self.waiting:
                self.waiting.remove(number)
                self.lines_taken -= 1
                self.outcome[number] = Outcome.ABANDONED if kind == HANG_UP else Outcome.SENT_ON
        elif kind == WIDER:
            for way in self.ways(number, now) if number in self.waiting else ():
                agent_id = self.best(number, way)
                if agent_id is not None:
                    self.waiting.remove(number)
                    self.connect(now, number, agent_id)
                    break
        elif kind == SIGN_IN:
            person = self.people[str(subject)]
            person.signed_in_at, person.busy_seconds = now, 0.0
            self.look(now, person)
        elif kind == SIGN_OUT:
            person = self.people[str(subject)]
            person.leaving = person.free_since is None
            person.free_since = None
        else:
            self.lines_taken -= 1
            person = self.people[str(subject)]
            if not person.leaving:
                self.look(now, person)

    def look(self, now: float, person: Person) -> None:
        """The agent is free: who is most urgent, and is this agent the best for that call?"""
        person.free_since = now
        present_seconds = now - person.signed_in_at
        person.clocks = Clocks(now, person.busy_seconds / present_seconds if present_seconds else 0.0, person.last_offered)
        while person.free_since is not None:
            able = [
                call
                for call in self.waiting
                if any(serves(person.agent, way) and self.best(call, way) is not None for way in self.ways(call, now))
            ]
            if not able:
                return
            call = max(able, key=lambda call: (self.urgency(call, now), -call))
            chosen = next(found for way in self.ways(call, now) if (found := self.best(call, way)) is not None)
            self.waiting.remove(call)
            self.connect(now, call, chosen)

    def urgency(self, call: int, now: float) -> float:
        limit = starves_after(self.queue(call))
        starved = limit is not None and self.callers.arrived_at[call] + limit <= now
        in_queue = sum(self.kind(other).queue == self.kind(call).queue for other in self.waiting)
        return urgency(self.waiting_call(call), self.queue(call), starved).at(now, in_queue, len(self.waiting))

    def connect(self, now: float, call: int, agent_id: str) -> None:
        person = self.people[agent_id]
        person.free_since = None
        person.last_offered = now
        ends_at = now + self.callers.handling_seconds[call]
        person.busy_seconds += ends_at - now
        self.answered[call] = agent_id, now
        self.outcome[call] = Outcome.ANSWERED
        heapq.heappush(self.events, (ends_at, FREE, self.rank(agent_id), agent_id))
