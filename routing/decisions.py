"""The decision log, and the floor as it stood at any moment of it: the reference against which live matches are checked.

`Floor` applies the policy in the plainest way, without any index: every match of the log is made again from the state before it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from pydantic import TypeAdapter

from routing.model import Agent, AgentState, CallerOrder, Queue, WaitingCall
from routing.policies import Clocks, Opening, openings, place, serves, shares, standing, urgency

_AGENT = TypeAdapter(Agent)
_QUEUE = TypeAdapter(Queue)


@dataclass(frozen=True)
class Decision:
    """One entry of the log. `kind`: entered, opened, left, returned, free, busy, claimed, ringing, released, accepted, talk_ended,
    wrapped_up, presence, agent, retired, queue. `fields` as the scripts write them."""

    entry_id: str
    kind: str
    at: float
    fields: Mapping[str, str]


@dataclass
class WaitingState:
    """A waiting call on the floor: its ways with their signatures, those that are open, who is being rung."""

    call: WaitingCall
    ways: tuple[tuple[str, Opening], ...]
    open_signatures: list[str]
    offered: set[str] = field(default_factory=set)
    starved: bool = False

    @property
    def opened(self) -> list[Opening]:
        """The open ways, in the order in which they opened."""
        by_signature = dict(self.ways)
        return [by_signature[signature] for signature in self.open_signatures if signature in by_signature]


@dataclass
class AgentRecord:
    """An agent on the floor. `free`: in the sets of free agents. `held`: call -> state."""

    presence: AgentState = AgentState.OFFLINE
    clocks: Clocks = field(default_factory=lambda: Clocks(0.0))
    free: bool = False
    free_at: float = 0.0
    held: dict[str, AgentState] = field(default_factory=dict)

    @property
    def state(self) -> AgentState:
        """What a person would see."""
        for state in (AgentState.TALKING, AgentState.RINGING, AgentState.RESERVED, AgentState.WRAP_UP):
            if state in self.held.values():
                return state
        return self.presence


@dataclass(frozen=True)
class Mismatch:
    """A match of the log that the policy would have made otherwise."""

    decision: Decision
    expected_call: str | None
    expected_agent: str | None


class Floor:
    """Agents and waiting calls, moved on by decisions. Entries about calls and agents it has not seen (a log cut short) are passed over."""

    def __init__(self, agents: Iterable[Agent] = (), queues: Iterable[Queue] = ()) -> None:
        self.agents = {agent.agent_id: agent for agent in agents}
        self.queues = {queue.queue_id: queue for queue in queues}
        self.records: dict[str, AgentRecord] = {}
        self.waiting: dict[str, WaitingState] = {}
        self.answered: dict[str, WaitingState] = {}

    def apply(self, decision: Decision) -> None:
        """Move on by one entry."""
        method = getattr(self, f"_on_{decision.kind}", None)
        if method is not None:
            method(decision.fields, decision.at)

    def check(self, decision: Decision) -> Mismatch | None:
        """Whether the policy makes the match of a `claimed` entry again, from the state before it."""
        seed, known = decision.fields["seed"], decision.fields["call"] in self.waiting
        if not known or decision.fields["agent"] not in self.records:
            return None  # begun before the log does
        call_id: str | None
        if seed.startswith("a"):
            call_id = self.most_urgent(seed[1:], decision.at)
        else:
            agent_id = self.best_agent(seed[1:])
            call_id = self.most_urgent(agent_id, decision.at) if agent_id else None
        agent_id = self.best_agent(call_id) if call_id else None
        if (call_id, agent_id) == (decision.fields["call"], decision.fields["agent"]):
            return None
        return Mismatch(decision, call_id, agent_id)

    # The rule of a match, in the plainest way

    def candidates(self, opening: Opening) -> list[str]:
        """Free agents who may take a call through this opening, in no order; none where they are held back."""
        found = [
            name
            for name, record in self.records.items()
            if record.free and name in self.agents and serves(self.agents[name], opening)
        ]
        return found if len(found) > opening.keep else []

    def best_agent(self, call_id: str) -> str | None:
        """Of the earliest opening that has a free agent, the one with the least standing."""
        state = self.waiting.get(call_id)
        if state is None:
            return None
        policy = self.queues[state.call.queue].policy
        for opening in state.opened:
            free = [name for name in self.candidates(opening) if call_id not in self.records[name].held]
            if free:
                return min(free, key=lambda name: (standing(policy, self.agents[name], opening, self.records[name].clocks), name))
        return None

    def most_urgent(self, agent_id: str, now: float) -> str | None:
        """Of the first callers of each signature that this agent serves, the most urgent."""
        heads: dict[str, tuple[float, str]] = {}
        for call_id, state in self.waiting.items():
            queue = self.queues[state.call.queue]
            if not self._wants(state, queue) or call_id in self.records[agent_id].held:
                continue
            score = (place(state.call, queue, state.starved), call_id)
            for signature, opening in zip(state.open_signatures, state.opened, strict=True):
                if serves(self.agents[agent_id], opening) and agent_id in self.candidates(opening):
                    heads[signature] = min(heads.get(signature, score), score)
        lengths: dict[str, int] = {}
        for state in self.waiting.values():
            lengths[state.call.queue] = lengths.get(state.call.queue, 0) + 1

        def rank(call_id: str) -> tuple[float, str]:
            state = self.waiting[call_id]
            queue = self.queues[state.call.queue]
            if queue.policy.order is CallerOrder.FIXED_RATIO:
                queue = replace(queue, share=shares(self.queues.values())[queue.queue_id])
            return -urgency(state.call, queue, state.starved).at(now, lengths[state.call.queue], len(self.waiting)), call_id

        return min((call_id for _, call_id in heads.values()), key=rank, default=None)

    @staticmethod
    def _wants(state: WaitingState, queue: Queue) -> bool:
        most = queue.policy.ring_at_once if queue.policy.agent == "ring_all" else 1
        return len(state.offered) < most

    # One method per kind of entry

    def _on_queue(self, fields: Mapping[str, str], at: float) -> None:
        if fields["json"]:
            self.queues[fields["queue"]] = _QUEUE.validate_json(fields["json"])

    def _on_agent(self, fields: Mapping[str, str], at: float) -> None:
        self.agents[fields["agent"]] = _AGENT.validate_json(fields["json"])
        self.records.setdefault(fields["agent"], AgentRecord())

    def _on_retired(self, fields: Mapping[str, str], at: float) -> None:
        self.agents.pop(fields["agent"], None)
        self.records.pop(fields["agent"], None)

    def _on_presence(self, fields: Mapping[str, str], at: float) -> None:
        record = self.records.setdefault(fields["agent"], AgentRecord())
        record.presence = AgentState(fields["presence"])
        record.free_at = 0.0

    def _on_free(self, fields: Mapping[str, str], at: float) -> None:
        record = self.records.setdefault(fields["agent"], AgentRecord(AgentState.AVAILABLE))
        record.free = True
        record.clocks = Clocks(float(fields["idle_since"]), float(fields["occupancy"]), float(fields["offered"]))

    def _on_busy(self, fields: Mapping[str, str], at: float) -> None:
        if fields["agent"] in self.records:
            self.records[fields["agent"]].free = False

    def _on_entered(self, fields: Mapping[str, str], at: float) -> None:
        plain = json.loads(fields["json"])
        plain["rings"] = tuple((float(after), needs) for after, needs in plain["rings"])
        call = WaitingCall(**{**plain, "arrived_at": float(fields["arrived"])})
        if call.queue not in self.queues:
            return
        served = [way for way in openings(call, self.queues) if any(serves(agent, way) for agent in self.agents.values())]
        signatures = fields["hoped"].split()
        if len(signatures) == len(served):
            self.waiting[call.call_id] = WaitingState(call, tuple(zip(signatures, served, strict=True)), fields["opened"].split())

    def _on_opened(self, fields: Mapping[str, str], at: float) -> None:
        state = self.waiting.get(fields["call"])
        if state is None:
            return
        if fields["signature"] == "*":
            state.starved = True
        elif fields["signature"] not in state.open_signatures:
            state.open_signatures.append(fields["signature"])

    def _on_left(self, fields: Mapping[str, str], at: float) -> None:
        self.waiting.pop(fields["call"], None)

    def _on_returned(self, fields: Mapping[str, str], at: float) -> None:
        state = self.answered.pop(fields["call"], None)
        if state is not None:
            state.open_signatures = [signature for signature, _ in state.ways]
            self.waiting[fields["call"]] = state

    def _on_claimed(self, fields: Mapping[str, str], at: float) -> None:
        if fields["call"] in self.waiting:
            self.waiting[fields["call"]].offered.add(fields["token"])
        record = self.records.get(fields["agent"])
        if record is not None:
            record.held[fields["call"]] = AgentState.RESERVED
            known = self.agents.get(fields["agent"])
            record.free = record.free and known is not None and len(record.held) < known.capacity

    def _on_ringing(self, fields: Mapping[str, str], at: float) -> None:
        record = self.records.get(fields["agent"])
        if record is not None and fields["call"] in record.held:
            record.held[fields["call"]] = AgentState.RINGING

    def _on_released(self, fields: Mapping[str, str], at: float) -> None:
        for state in (self.waiting.get(fields["call"]), self.answered.get(fields["call"])):
            if state is not None:
                state.offered.discard(fields["token"])
        record = self.records.get(fields["agent"])
        if record is not None:
            record.held.pop(fields["call"], None)
            record.free_at = at + float(fields["delay"])

    def _on_accepted(self, fields: Mapping[str, str], at: float) -> None:
        state = self.waiting.pop(fields["call"], None)
        if state is not None:
            state.offered.discard(fields["token"])
            self.answered[fields["call"]] = state
        if fields["agent"] in self.records:
            self.records[fields["agent"]].held[fields["call"]] = AgentState.TALKING

    def _on_talk_ended(self, fields: Mapping[str, str], at: float) -> None:
        self.answered.pop(fields["call"], None)
        record = self.records.get(fields["agent"])
        if record is not None and float(fields["wrap_up"]) > 0:
            record.held[fields["call"]] = AgentState.WRAP_UP
        elif record is not None:
            record.held.pop(fields["call"], None)

    def _on_wrapped_up(self, fields: Mapping[str, str], at: float) -> None:
        if fields["agent"] in self.records:
            self.records[fields["agent"]].held.pop(fields["call"], None)


def replay(decisions: Iterable[Decision], floor: Floor | None = None) -> Iterator[Mismatch]:
    """Every match of the log that the policy would have made otherwise: none, where live dispatch and policy agree."""
    floor = floor or Floor()
    for decision in decisions:
        if decision.kind == "claimed":
            found = floor.check(decision)
            if found:
                yield found
        floor.apply(decision)
