"""What the routing tests share: a clock that is driven, boards on it, and the invariants that hold after any history."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import redis

from routing.board import Board
from routing.board_log import BEGINNING
from routing.decisions import Decision, Floor, Mismatch
from routing.model import Agent, AgentState, Queue, WaitingCall

_groups = itertools.count(1)
START = 1_800_000_000.0


@dataclass
class Clock:
    """Seconds since the epoch, moved by the test."""

    now: float = START

    def __call__(self) -> float:
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Hall:
    """A board with its clock; `other` sees the same group as a second process would."""

    client: redis.Redis
    agents: list[Agent]
    queues: list[Queue]
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.group = f"t{next(_groups)}"
        self.board = Board(self.client, self.group, self.clock)
        self.board.configure(self.agents, self.queues)
        self.other = Board(self.client, self.group, self.clock)
        self.other.load()

    def sign_in(self, *agent_ids: str) -> None:
        for agent_id in agent_ids or [agent.agent_id for agent in self.agents]:
            self.board.set_state(agent_id, AgentState.AVAILABLE)

    def enter(self, call_id: str, queue: str = "general", **fields: object) -> object:
        return self.board.enter(WaitingCall(call_id, queue, float(fields.pop("arrived_at", self.clock.now)), **fields))  # type: ignore[arg-type]

    def pairs(self) -> list[tuple[str, str]]:
        """(call, agent) of all matches to be made now."""
        return [(one.call_id, one.agent_id) for one in self.board.match()]

    def state(self, agent_id: str) -> AgentState:
        return self.board.agent(agent_id).state


def decisions(board: Board) -> list[Decision]:
    """The whole log."""
    found: list[Decision] = []
    while rows := board.decisions(found[-1].entry_id if found else BEGINNING):
        found += rows
    return found


def floor_of(board: Board) -> tuple[Floor, list[Mismatch]]:
    """The reference floor after the whole log, and the matches it would have made otherwise."""
    floor, mismatches = Floor(), []
    for decision in decisions(board):
        if decision.kind == "claimed":
            found = floor.check(decision)
            if found:
                mismatches.append(found)
        floor.apply(decision)
    return floor, mismatches


def _names(client: redis.Redis, key: str) -> set[str]:
    return {one if isinstance(one, str) else one.decode() for one in client.zrange(key, 0, -1)}


def check_invariants(client: redis.Redis, board: Board, *, drained: bool) -> None:
    """What must hold on any board. `drained`: a match has just looked at everything that changed."""
    floor, mismatches = floor_of(board)
    assert not mismatches, mismatches[0]
    keys = board.keys

    def text(value: object) -> str:
        return value.decode() if isinstance(value, bytes) else str(value)

    now = board.snapshot()
    for agent in now.agents:
        capacity = board.agents[agent.agent_id].capacity if agent.agent_id in board.agents else 99
        assert len(agent.calls) <= capacity, agent
        record = floor.records[agent.agent_id]
        assert set(record.held) == set(agent.calls), (agent, record)
        assert int(client.hget(keys.of("agent", agent.agent_id), "load")) == len(agent.calls)
        if agent.reason in ("gone", "no heartbeat"):  # who is not there wraps up nothing, and is not rung
            assert agent.state in (AgentState.UNREACHABLE, AgentState.TALKING) and agent.wrap_up_ends_at is None, agent
    signatures = board.signatures.known()
    free = {name for name, record in floor.records.items() if record.free}
    for signature, opening in signatures.items():
        able = {name for name, agent in board.agents.items() if any(_serves(agent, opening))}
        assert _names(client, keys.of("idle", signature)) == free & able, signature
        staffed = {name for name in able if floor.records[name].presence in (AgentState.AVAILABLE, AgentState.BREAK)}
        assert int(client.hget(keys.of("staffed"), signature) or 0) == len(staffed), signature
        waiting = {
            call_id
            for call_id, state in floor.waiting.items()
            if signature in state.open_signatures and Floor._wants(state, board.queue(state.call.queue))
        }
        assert _names(client, keys.of("waiting", signature)) == waiting, (signature, waiting)
        assert bool(client.sismember(keys.of("busy"), signature)) == bool(waiting)
    assert {one.call_id for one in now.waiting} == set(floor.waiting) == _names(client, keys.of("all"))
    held = {text(one) for agent in now.agents for one in client.hvals(keys.of("slots", agent.agent_id))}
    leased = _names(client, keys.of("leases"))
    assert leased <= held
    talking: dict[str, int] = {}
    for token in held:
        state = text(client.hget(keys.of("reservation", token), "state"))
        assert (token in leased) == (state in ("reserved", "ringing")), (token, state)
        if state == "talking":
            call = text(client.hget(keys.of("reservation", token), "call"))
            talking[call] = talking.get(call, 0) + 1
    assert all(count == 1 for count in talking.values()), talking
    if drained:
        for call_id, state in floor.waiting.items():
            if Floor._wants(state, board.queue(state.call.queue)):
                assert floor.best_agent(call_id) is None, f"{call_id} waits although {floor.best_agent(call_id)} is free"


def _serves(agent: Agent, opening: object) -> list[bool]:
    from routing.policies import Opening, serves

    assert isinstance(opening, Opening)
    return [serves(agent, opening)] if serves(agent, opening) else []
