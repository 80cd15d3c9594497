"""When agents were in which state: recorded at every change, read as stretches of time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from ivr.records.intervals import PERIODS
from ivr.records.parameters import BadQuery
from ivr.records.store import Store
from ivr.records.sums import Key, Scope
from ivr.records.tables import agent_states

FORMULA = "handle time / (handle time + available idle time), of agents' states within the interval"
HANDLING = frozenset({"talking", "wrap_up"})
IDLE = frozenset({"available"})
GROUPS = ("agent", "team", "half_hour", "hour", "day")
_LONGEST_STATE = timedelta(hours=24)  # a state that nobody ended is not idle time for weeks


@dataclass(frozen=True)
class AgentState:
    """From `at` on, `agent` was in `state`. `team`: at that time, not today's."""

    agent: str
    at: datetime
    state: str
    team: str | None = None
    reason: str | None = None
    call_id: str | None = None


def record_states(store: Store, states: Sequence[AgentState]) -> None:
    """Keep changes of state; a repeated one (same agent, time and state) is kept once."""
    with store.writing() as connection:
        for s in states:
            same = sa.and_(agent_states.c.agent == s.agent, agent_states.c.at == s.at, agent_states.c.state == s.state)
            if connection.scalar(sa.select(agent_states.c.n).where(same).limit(1)) is None:
                row = {"agent": s.agent, "team": s.team, "at": s.at, "state": s.state, "reason": s.reason, "call_id": s.call_id}
                connection.execute(agent_states.insert(), row)


def stretches(connection: sa.Connection, start: datetime, end: datetime) -> Iterator[tuple[AgentState, datetime, datetime]]:
    """Every state that held within [start, end), cut to it: (state, from, to). States last until the agent's next one, a day at most."""
    near = (
        sa.select(agent_states)
        .where(agent_states.c.at >= start - _LONGEST_STATE, agent_states.c.at < end)
        .order_by(agent_states.c.agent, agent_states.c.at, agent_states.c.n)
    )
    held: AgentState | None = None
    for row in connection.execute(near):
        here = AgentState(row.agent, row.at, row.state, row.team, row.reason, row.call_id)
        if held is not None:
            yield from _cut(held, here.at if held.agent == here.agent else end, start, end)
        held = here
    if held is not None:
        yield from _cut(held, end, start, end)


def _cut(state: AgentState, until: datetime, start: datetime, end: datetime) -> Iterator[tuple[AgentState, datetime, datetime]]:
    first, last = max(state.at, start), min(until, end, state.at + _LONGEST_STATE)
    if first < last:
        yield state, first, last


def measure(connection: sa.Connection, scope: Scope, groups: Sequence[str], now: datetime) -> dict[Key, tuple[float, float]]:
    """Group -> (seconds handling, seconds idle). Raises BadQuery for groups that a state does not have."""
    unknown = next((g for g in (*groups, *scope.filters) if g not in GROUPS), None)
    if unknown is not None:
        raise BadQuery(f'occupancy cannot be given by "{unknown}": agents wait for all their queues at once', GROUPS, "group_by")
    found: dict[Key, tuple[float, float]] = {}
    for state, first, last in stretches(connection, scope.start, min(scope.end, now)):
        if state.state not in HANDLING | IDLE or not _wanted(state, scope):
            continue
        for key, seconds in _by_key(state, first, last, scope, groups):
            handle, idle = found.get(key, (0.0, 0.0))
            found[key] = (handle + seconds, idle) if state.state in HANDLING else (handle, idle + seconds)
    return found


def _wanted(state: AgentState, scope: Scope) -> bool:
    values = {"agent": state.agent, "team": state.team}
    return all(values[name] in allowed for name, allowed in scope.filters.items()) and scope.own_agent in (None, state.agent)


def _by_key(
    state: AgentState, first: datetime, last: datetime, scope: Scope, groups: Sequence[str]
) -> Iterator[tuple[Key, float]]:
    """The stretch, split where a period ends."""
    at = first
    timed = any(g in PERIODS for g in groups)
    while at < last:
        # Half-hours are the finest period offered here, and every period begins with one.
        half = at.timestamp() // 1800 * 1800 + 1800
        until = min(last, datetime.fromtimestamp(half, tz=at.tzinfo)) if timed else last
        key = tuple(_part(g, state, at, scope) for g in groups)
        yield key, (until - at).total_seconds()
        at = until


def _part(group: str, state: AgentState, at: datetime, scope: Scope) -> object:
    if group == "agent":
        return state.agent
    if group == "team":
        return state.team
    local = at.astimezone(scope.zone)
    if group == "day":
        return (local.date() - datetime(1970, 1, 1, tzinfo=scope.zone).date()).days
    width = 1800 if group == "half_hour" else 3600
    offset = int((local.utcoffset() or timedelta(0)).total_seconds())
    second = int(at.timestamp())
    return ((second + offset) // width * width - offset) * 1_000_000
