"""Queues and agents for the API, as JSON; changes of agents' states on their behalf."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from ivr.jobs.returning import leave_alone
from ivr.jobs.wiring import Line
from routing.model import AgentNow, NotAllowed, QueueNow, Stale, Unknown
from webhooks.api.context import NotNow, NotThere

LOOK_SECONDS = 0.5
HEARTBEAT_SECONDS = 5.0


class Floor:
    """The live board as the API shows it (webhooks.api.context.Live)."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def snapshot(self) -> dict[str, Any]:
        now = self._line.board.snapshot()
        return {
            "at": _moment(now.at),
            "queues": [_queue(queue) for queue in now.queues],
            "agents": [self._agent(agent) for agent in now.agents],
        }

    def changes(self) -> Iterator[dict[str, Any]]:
        """The state at once, then whenever it differs, and every few seconds in any case: silence means a broken line."""
        last: dict[str, Any] = {}
        sent = 0.0
        while True:
            now = self.snapshot()
            compared = {"queues": now["queues"], "agents": now["agents"]}
            if compared != last or time.monotonic() - sent >= HEARTBEAT_SECONDS:
                last, sent = compared, time.monotonic()
                yield now
            time.sleep(LOOK_SECONDS)

    def agents(self) -> list[dict[str, Any]]:
        return [self._agent(agent) for agent in self._line.board.snapshot().agents]

    def agent(self, agent_id: str) -> dict[str, Any]:
        try:
            return self._agent(self._line.board.agent(agent_id))
        except Unknown as error:
            raise NotThere(str(error)) from error

    def heartbeat(self, agent_id: str) -> dict[str, Any]:
        try:
            return self._agent(self._line.board.heartbeat(agent_id))
        except Unknown as error:
            raise NotThere(str(error)) from error

    def set_agent_state(self, agent_id: str, wanted: dict[str, Any], by: str) -> dict[str, Any]:
        board, switchboard = self._line.board, self._line.switchboard
        epoch = wanted.get("epoch")
        try:
            if wanted["state"] == "wrap_up_done":
                now = board.agent(agent_id)
                if epoch is not None and epoch != now.epoch:
                    raise Stale(now, epoch)
                if not switchboard.wrap_up_done(agent_id, wanted.get("disposition"), wanted.get("resolved")):
                    raise NotNow(f"{agent_id} is {now.state}: there is no wrap-up to end.", self._agent(now))
            else:
                leave_alone(self._line, agent_id)
                changed = board.set_state(agent_id, wanted["state"], wanted.get("reason"), epoch)
                switchboard.withdraw(changed.withdrawn)
                switchboard.offer()
            return self.agent(agent_id)
        except Unknown as error:
            raise NotThere(str(error)) from error
        except (NotAllowed, Stale) as error:
            raise NotNow(str(error), self._agent(error.current)) from error

    def _agent(self, agent: AgentNow) -> dict[str, Any]:
        configured = self._line.configuration.agents.get(agent.agent_id)
        return {
            "id": agent.agent_id,
            "name": agent.name,
            "team": agent.team,
            "skills": dict(configured.skills) if configured else {},
            "state": str(agent.state),
            "since": _moment(agent.since),
            "epoch": agent.epoch,
            "reason": agent.reason,
            "calls": list(agent.calls),
            "missed_offers": agent.missed_offers,
            "ready_at": _moment(agent.ready_at),
            "wrap_up_ends_at": _moment(agent.wrap_up_ends_at),
            "next_state": str(agent.next_state) if agent.next_state else None,
        }


def _queue(queue: QueueNow) -> dict[str, Any]:
    plain = dataclasses.asdict(queue)
    return {"id": plain.pop("queue_id"), **plain, "longest_wait_seconds": round(queue.longest_wait_seconds, 1)}


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
