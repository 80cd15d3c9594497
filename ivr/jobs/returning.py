"""After a total loss of Redis: agents are signed in again as they were, by what SQL knows of them.

Only recent states count: who was available yesterday is not at the desk today. Who was on the phone may still be: the carrier is asked,
and such an agent is signed in once no leg is up any more.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog

from ivr import keys
from ivr.errors import CarrierError, IvrError
from ivr.records.last_states import last_states
from ivr.records.occupancy import AgentState
from routing.model import AgentState as State

if TYPE_CHECKING:
    from ivr.jobs.wiring import Line

log = structlog.get_logger()

MOST_AGE = timedelta(hours=2)
"""A state older than this is nobody's any more: signing in again is a click, an absent agent costs every caller a ring."""
_SETTLED = frozenset({State.AVAILABLE.value, State.BREAK.value})
_BUSY = frozenset({State.RESERVED.value, State.RINGING.value, State.TALKING.value, State.WRAP_UP.value})


def before_loss(line: Line) -> list[AgentState]:
    """Agents who were signed in, as they stood last. To be read before the empty board is written down as "everybody is offline"."""
    try:
        known = last_states(line.store, line.now() - MOST_AGE)
    except IvrError as error:
        log.error("agents have to sign in: the database does not say how they stood", error=str(error))
        return []
    return [state for state in known if state.state in _SETTLED | _BUSY]


def sign_in_again(line: Line, states: Iterable[AgentState]) -> list[str]:
    """Sign these agents in; returns who is. Those who were on the phone follow with `settle`."""
    back: list[str] = []
    later: dict[str, int] = {}
    for state in states:
        if state.agent not in line.board.agents:
            continue
        now = line.board.agent(state.agent)
        if now.state is not State.OFFLINE:
            continue
        if state.state in _BUSY:
            later[state.agent] = now.epoch
        else:
            line.board.set_state(state.agent, state.state, state.reason)
            back.append(state.agent)
    if later:
        line.redis.hset(keys.RETURNING, mapping={agent: str(epoch) for agent, epoch in later.items()})
        line.redis.expire(keys.RETURNING, int(MOST_AGE.total_seconds()))
    if back or later:
        log.warning("the board was empty: agents are signed in as they were", signed_in=back, when_off_the_phone=list(later))
    return back


def leave_alone(line: Line, agent_id: str) -> None:
    """Somebody says how this agent stands: nothing is restored any more."""
    line.redis.hdel(keys.RETURNING, agent_id)


def settle(line: Line) -> list[str]:
    """Sign in those who have come off the phone since; returns who did. Who signed in or out meanwhile is left alone."""
    back = []
    waiting: Any = line.redis.hgetall(keys.RETURNING)
    for agent_id, epoch in sorted(waiting.items()):
        agent = line.board.agents.get(agent_id)
        try:
            if agent is not None and line.carrier.has_leg(agent.address):
                continue
        except CarrierError as error:
            log.info("carrier could not be asked", agent=agent_id, error=str(error))
            continue
        if line.redis.hdel(keys.RETURNING, agent_id) and agent is not None and line.board.agent(agent_id).epoch == int(epoch):
            line.board.set_state(agent_id, State.AVAILABLE)
            back.append(agent_id)
    return back
