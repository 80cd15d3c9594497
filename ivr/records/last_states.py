"""How each agent stood last: what is left of the floor when the live board is lost."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from ivr.records.occupancy import AgentState
from ivr.records.store import Store
from ivr.records.tables import agent_states


def last_states(store: Store, since: datetime) -> list[AgentState]:
    """The latest state of every agent whose state changed after `since`, by agent."""
    changed = sa.select(agent_states).where(agent_states.c.at > since).order_by(agent_states.c.at, agent_states.c.n)
    with store.reading() as connection:
        latest = {row.agent: row for row in connection.execute(changed)}
    return [AgentState(r.agent, r.at, r.state, r.team, r.reason, r.call_id) for _, r in sorted(latest.items())]
