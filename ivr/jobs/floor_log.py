"""Agents' states, followed in the board's decision log: every change is kept, however short, without looking at every agent.

The place reached and each agent's state are in Redis, written after the rows: a clock that dies repeats a little, and a repeated row is
kept once. Where the log no longer reaches back to that place, the board itself is read once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from ivr import keys
from ivr.jobs.wiring import Line
from ivr.records.occupancy import AgentState, record_states
from routing.board_log import order
from routing.decisions import Decision

_MOST = 2000  # entries of one round: others want their turn
_FIRST = ("talking", "ringing", "reserved", "wrap_up")  # what a person sees of an agent with several calls


@dataclass
class Standing:
    """An agent as the log tells: `presence` is what holds without a call, `held` the calls with their states."""

    presence: str = "offline"
    reason: str | None = None
    held: dict[str, str] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """What a person would see."""
        return next((state for state in _FIRST if state in self.held.values()), self.presence)

    def apply(self, decision: Decision) -> None:
        """Move on by one entry about this agent."""
        fields, call_id = decision.fields, decision.fields.get("call", "")
        if decision.kind == "presence":
            self.presence, self.reason = fields["presence"], fields.get("reason") or None
        elif decision.kind == "retired":
            self.presence, self.reason, self.held = "offline", None, {}
        elif decision.kind == "claimed":
            self.held[call_id] = "reserved"
        elif decision.kind == "ringing" and call_id in self.held:
            self.held[call_id] = "ringing"
        elif decision.kind == "accepted":
            self.held[call_id] = "talking"
        elif decision.kind == "talk_ended" and float(fields["wrap_up"]) > 0:
            self.held[call_id] = "wrap_up"
        elif decision.kind in ("released", "talk_ended", "wrapped_up"):
            self.held.pop(call_id, None)


def follow(line: Line) -> int:
    """Keep what the log tells since the last time; returns how many changes were kept."""
    after = line.redis.get(keys.FLOOR_READ)
    if after is None and not line.redis.exists(line.board.keys.of("config")):
        return 0  # everything was lost: what is empty now is no state of anybody's
    if after is None or _trimmed(line, str(after)):
        return _begin_anew(line)
    decisions = line.board.decisions(str(after), _MOST)
    if not decisions:
        return 0
    standings = _standings(line, {d.fields["agent"] for d in decisions if d.fields.get("agent")})
    changes = [
        change
        for d in decisions
        if d.fields.get("agent") in standings
        for change in _change(line, standings[d.fields["agent"]], d)
    ]
    _keep(line, changes, standings, decisions[-1].entry_id)
    return len(changes)


def _change(line: Line, standing: Standing, decision: Decision) -> Iterable[AgentState]:
    """The entry as a change of state, where it is one."""
    before = (standing.state, standing.reason)
    standing.apply(decision)
    if (standing.state, standing.reason) != before:
        yield _row(line, decision.fields["agent"], standing, decision.at)


def _row(line: Line, agent_id: str, standing: Standing, at: float) -> AgentState:
    configured = line.board.agents.get(agent_id)
    settled = standing.state == standing.presence
    return AgentState(
        agent_id,
        datetime.fromtimestamp(round(at, 3), UTC),
        standing.state,
        (configured.team or None) if configured else None,
        standing.reason if settled else None,
        next(iter(standing.held), None),
    )


def _standings(line: Line, agents: set[str]) -> dict[str, Standing]:
    names = sorted(agents)
    kept = line.redis.hmget(keys.FLOOR_AGENTS, names) if names else []
    return {name: Standing(**json.loads(text)) if text else Standing() for name, text in zip(names, kept, strict=True)}


def _keep(line: Line, changes: list[AgentState], standings: dict[str, Standing], reached: str) -> None:
    if changes:
        record_states(line.store, changes)
    with line.redis.pipeline(transaction=True) as pipe:
        if standings:
            pipe.hset(keys.FLOOR_AGENTS, mapping={name: json.dumps(asdict(standing)) for name, standing in standings.items()})
        pipe.set(keys.FLOOR_READ, reached)
        pipe.execute()


def _trimmed(line: Line, after: str) -> bool:
    """True where entries after the place reached are no longer kept (no clock ran for a day), or the log is another one."""
    oldest = line.board.log.oldest()
    return oldest is not None and order(oldest.entry_id) > order(after)


def _begin_anew(line: Line) -> int:
    """Take every agent as the board has it. The log's end is read first: what happens meanwhile is told again, and changes nothing."""
    reached = line.board.log.newest()
    standings, rows = {}, []
    for now in line.board.snapshot().agents:
        presence = str(now.next_state or ("available" if now.calls else now.state))
        standing = Standing(presence, now.reason)
        standing.held = dict.fromkeys(now.calls, str(now.state))
        standings[now.agent_id] = standing
        rows.append(_row(line, now.agent_id, standing, now.since))
    _keep(line, rows, standings, reached)
    return len(rows)
