"""The time machine: who was waiting and what every agent was doing at a past second, from what was recorded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from ivr.records.database import REPORT_SECONDS
from ivr.records.store import Store
from ivr.records.tables import agent_states, legs, visits

_LONGEST_CALL = timedelta(hours=24)


@dataclass(frozen=True)
class WaitingThen:
    """A caller who was waiting."""

    call_id: str
    queue: str
    waited_seconds: float


@dataclass(frozen=True)
class AgentThen:
    """An agent who was signed in, or on a call."""

    agent: str
    state: str
    since: datetime
    team: str | None
    call_id: str | None = None


@dataclass(frozen=True)
class PastBoard:
    """Queues and agents at `at`. Callers in the order in which they came."""

    at: datetime
    waiting: tuple[WaitingThen, ...]
    agents: tuple[AgentThen, ...]


def board_at(store: Store, at: datetime) -> PastBoard:
    """The board at a past second. Calls still open then are known once their journal is in SQL, seconds after they ended."""
    with store.reading(REPORT_SECONDS) as connection:
        here = sa.and_(
            visits.c.queued_at <= at,
            visits.c.queued_at > at - _LONGEST_CALL,
            sa.or_(visits.c.ended_at > at, visits.c.ended_at.is_(None)),
        )
        rows = connection.execute(sa.select(visits).where(here).order_by(visits.c.queued_at)).all()
        waiting = tuple(WaitingThen(r.call_id, r.queue, (at - r.queued_at).total_seconds()) for r in rows)
        agents: dict[str, AgentThen] = {}
        known = sa.and_(agent_states.c.at <= at, agent_states.c.at > at - _LONGEST_CALL)
        for r in connection.execute(sa.select(agent_states).where(known).order_by(agent_states.c.at, agent_states.c.n)):
            agents[r.agent] = AgentThen(r.agent, r.state, r.at, r.team, r.call_id)
        # What a journal says of a talk stands above the last state seen, which may be a second late.
        on_call = sa.and_(
            legs.c.answered_at <= at,
            legs.c.answered_at > at - _LONGEST_CALL,
            sa.or_(legs.c.ended_at > at, legs.c.ended_at.is_(None)),
        )
        for leg in connection.execute(sa.select(legs).where(on_call)):
            agents[leg.agent] = AgentThen(leg.agent, "talking", leg.answered_at, leg.team, leg.call_id)
    return PastBoard(at, waiting, tuple(a for _, a in sorted(agents.items()) if a.state != "offline"))
