"""Reading the board: one agent, one call, all of it. Nothing here changes anything."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import redis

from routing.board_scripts import Scripts, text_of
from routing.board_signatures import Signatures
from routing.keys import Keys
from routing.model import (
    SIGNED_IN,
    AgentNow,
    AgentState,
    BoardNow,
    QueueNow,
    Reservation,
    Unknown,
    WaitingCall,
    WaitingNow,
)
from routing.policies import Opening, serves

_CHUNK = 200
_CALL_STATES = {
    "reserved": AgentState.RESERVED,
    "ringing": AgentState.RINGING,
    "talking": AgentState.TALKING,
    "wrap_up": AgentState.WRAP_UP,
}
_FIRST = (AgentState.TALKING, AgentState.RINGING, AgentState.RESERVED, AgentState.WRAP_UP)  # what a person sees of several calls


class View:
    """Readings of one group."""

    def __init__(
        self, client: redis.Redis, keys: Keys, scripts: Scripts, signatures: Signatures, now: Callable[[], float]
    ) -> None:
        self._redis, self._keys, self._scripts, self._signatures, self._now = client, keys, scripts, signatures, now

    def agents(self, agent_ids: Sequence[str]) -> list[AgentNow]:
        """The agents now; unknown ones are left out."""
        found = []
        for start in range(0, len(agent_ids), _CHUNK):
            for answer in self._scripts.run("agent", *agent_ids[start : start + _CHUNK]):
                if answer[1][0] is not None:
                    found.append(self._agent(answer))
        return found

    def agent(self, agent_id: str) -> AgentNow:
        """The agent now. Raises Unknown."""
        found = self.agents([agent_id])
        if not found:
            raise Unknown(f"agent {agent_id!r} is not configured")
        return found[0]

    def state(self, agent_id: str) -> AgentState | None:
        """The agent's state, None for an unknown one."""
        found = self.agents([agent_id])
        return found[0].state if found else None

    def _agent(self, answer: Any) -> AgentNow:
        agent_id, fields, slots, now = answer
        presence, since, epoch, reason, missed, free_at = fields[:6]
        settled = AgentState(presence)
        held = sorted(
            ((_CALL_STATES.get(slot[2], AgentState.RESERVED), slot) for slot in slots), key=lambda pair: _FIRST.index(pair[0])
        )
        state, moment = settled, float(since)
        if held:
            state, moment = held[0][0], float(held[0][1][3] or since)
        wrapping = [float(slot[6]) for call_state, slot in held if call_state is AgentState.WRAP_UP and slot[6]]
        known = self._signatures.agents.get(agent_id)
        return AgentNow(
            agent_id=agent_id,
            state=state,
            since=moment,
            epoch=int(epoch),
            reason=reason or None,
            calls=tuple(slot[0] for _, slot in held),
            missed_offers=int(missed),
            ready_at=float(free_at) if float(free_at) > float(now) else None,
            wrap_up_ends_at=min(wrapping) if wrapping else None,
            next_state=settled if held and settled is not AgentState.AVAILABLE else None,
            name=known.name if known else "",
            team=known.team if known else "",
        )

    def reservation(self, token: str, *, ended: bool = False) -> Reservation | None:
        """See Board.reservation."""
        found = text_of(self._redis.hgetall(self._keys.of("reservation", token)))
        if not found or (found["state"] == "ended" and not ended):
            return None
        arrived = text_of(self._redis.hget(self._keys.of("call", found["call"]), "arrived"))
        agent = self._signatures.agents.get(found["agent"])
        claimed_at = float(found["claimed_at"])
        lease = text_of(self._redis.zscore(self._keys.of("leases"), token))
        call = self.waiting_call(found["call"])
        return Reservation(
            token=token,
            call_id=found["call"],
            agent_id=found["agent"],
            queue=found["queue"],
            epoch=int(found["epoch"]),
            leased_until=float(lease) if lease is not None else claimed_at,
            ring_seconds=float(found["ring"]),
            address=agent.address if agent else "",
            waited_seconds=max(0.0, float(found.get("accepted_at") or claimed_at) - float(arrived)) if arrived else 0.0,
            leg_id=found.get("leg", ""),
            state=_CALL_STATES.get(found["state"], AgentState.AVAILABLE),
            kind=call.kind if call else "call",
        )

    def waiting_call(self, call_id: str) -> WaitingCall | None:
        """The call as it entered, also for an hour after it was answered; None for an unknown one."""
        text, arrived = text_of(self._redis.hmget(self._keys.of("call", call_id), "json", "arrived"))
        if text is None:
            return None
        plain = {**json.loads(text), "arrived_at": float(arrived)}
        plain["rings"] = tuple((float(after), needs) for after, needs in plain["rings"])
        return WaitingCall(**plain)

    def position(self, call_id: str) -> int | None:
        """The place in the queue, from 1."""
        queue, listed = text_of(self._redis.hmget(self._keys.of("call", call_id), "queue", "listed"))
        if listed != "1":
            return None
        rank = self._redis.zrank(self._keys.of("queue", queue), call_id)
        return None if rank is None else int(str(rank)) + 1

    def snapshot(self) -> BoardNow:
        """Everything, for people: not on any call's way."""
        now = self._now()
        agents = self.agents(sorted(text_of(list(self._redis.smembers(self._keys.of("agents"))))))
        waiting: list[WaitingNow] = []
        queues = []
        for queue_id, queue in sorted(self._signatures.queues.items()):
            here = self._waiting(queue_id, now)
            waiting += here
            opening = Opening(0.0, queue_id, tuple(sorted(queue.needs.items())))
            able = {name for name, agent in self._signatures.agents.items() if serves(agent, opening)}
            queues.append(
                QueueNow(
                    queue_id=queue_id,
                    title=queue.title,
                    open=queue.hours is None or queue.hours.open_at(datetime.fromtimestamp(now, UTC)),
                    waiting=len(here),
                    longest_wait_seconds=max((one.waited_seconds for one in here), default=0.0),
                    staffed=sum(one.agent_id in able and one.state in SIGNED_IN for one in agents),
                    free=sum(
                        one.agent_id in able and one.state is AgentState.AVAILABLE and one.ready_at is None for one in agents
                    ),
                    capacity=queue.capacity,
                    callbacks=sum(one.kind == "callback" for one in here),
                )
            )
        return BoardNow(now, tuple(agents), tuple(queues), tuple(waiting))

    def _waiting(self, queue_id: str, now: float) -> list[WaitingNow]:
        names: list[str] = text_of(self._redis.zrange(self._keys.of("queue", queue_id), 0, -1))
        with self._redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.hmget(self._keys.of("call", name), "json", "arrived", "tokens")
            rows = text_of(pipe.execute())
        found = []
        for position, (name, (text, arrived, tokens)) in enumerate(zip(names, rows, strict=True), 1):
            if text is None:
                continue
            kind, arrived_at = json.loads(text)["kind"], float(arrived)
            offered = tuple(one.agent_id for one in (self.reservation(token) for token in (tokens or "").split()) if one)
            found.append(WaitingNow(name, queue_id, arrived_at, max(0.0, now - arrived_at), position, kind, offered))
        return found
