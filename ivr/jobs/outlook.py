"""How a queue stands for somebody who is about to join it, and how long that will take: one look, no scan of agents or calls."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import redis

from ivr import keys
from ivr.errors import StoreUnavailable
from ivr.world import QueueNow
from routing.board import Board
from routing.board_signatures import content_of
from routing.estimate import Learned, Moment
from routing.model import WaitingCall
from routing.policies import openings


@dataclass(frozen=True)
class Seen:
    """A queue at one moment. `staffed` None: nobody has waited for these needs yet, so nothing is counted."""

    open: bool
    staffed: int | None
    waiting: int
    all_waiting: int
    head_wait_seconds: float


class Outlook:
    """Looks at queues, and learns from every answered call how long callers wait."""

    def __init__(self, client: redis.Redis, board: Board) -> None:
        self._redis = client
        self._board = board

    def see(self, queue_id: str, needs: Mapping[str, int]) -> Seen:
        """The queue now. An unknown queue is open and empty."""
        queue = self._board.queue(queue_id)
        hours = queue.hours
        is_open = hours is None or hours.open_at(datetime.now(UTC))
        if queue_id not in self._board.queues:
            return Seen(is_open, None, 0, 0, 0.0)
        first = openings(WaitingCall("", queue_id, time.time(), needs), self._board.queues)[0]
        of = self._board.keys.of
        with self._pipeline() as pipe:
            pipe.hget(of("signatures"), content_of(queue.policy, first))
            pipe.zcard(of("queue", queue_id))
            pipe.zcard(of("all"))
            pipe.zrange(of("queue", queue_id), 0, 0)
            signature, waiting, everybody, head = self._run(pipe)
        signature = signature or self._same_agents(queue_id, first.needs)
        with self._pipeline() as pipe:
            pipe.hget(of("staffed"), signature.rstrip("+"))
            pipe.hget(of("call", head[0] if head else ""), "arrived")
            staffed, arrived = self._run(pipe)
        known = int(staffed or 0) if signature else None
        return Seen(is_open, known, int(waiting), int(everybody), max(0.0, time.time() - float(arrived)) if arrived else 0.0)

    def _same_agents(self, queue_id: str, needs: tuple[tuple[str, int], ...]) -> str:
        """A signature of the same needs, whatever is preferred beside them: the same agents may answer. "" where nobody waited so yet."""
        with self._pipeline() as pipe:
            pipe.hgetall(self._board.keys.of("signatures"))
            (known,) = self._run(pipe)
        for content, signature in known.items():
            _, _, _, queue, needed, _, agent_id = json.loads(content)
            if (queue, agent_id) == (queue_id, None) and {(skill, level) for skill, level in needed} == set(needs):
                return str(signature)
        return ""

    def queue_now(self, queue_id: str, needs: Mapping[str, int]) -> QueueNow:
        """What a flow may ask about a queue; the wait only where enough is known."""
        seen = self.see(queue_id, needs)
        learned = self._learned(queue_id)
        wait = learned.expect(self._moment(learned, seen)) if learned else None
        return QueueNow(
            open=seen.open,
            staffed=seen.staffed is None or seen.staffed > 0,
            waiting=seen.waiting,
            wait_minutes=float(wait.announced_minutes) if wait else None,
        )

    def joined(self, queue_id: str, needs: Mapping[str, int]) -> str:
        """What is known as a caller joins, with the figure promised: kept with the call until it is answered."""
        seen = self.see(queue_id, needs)
        learned = self._learned(queue_id) or Learned()
        moment = self._moment(learned, seen)
        wait = learned.expect(moment)
        return json.dumps([moment.to_json(), wait.upper_seconds if wait else None])

    def answered(self, queue_id: str, joined: str, waited_seconds: float) -> None:
        """Learn from a call that was answered."""
        try:
            stored, promised = json.loads(joined)
            moment = Moment.from_json(stored)
        except (ValueError, TypeError):
            return
        learned = (self._learned(queue_id) or Learned()).learn(moment, waited_seconds, time.time(), promised)
        try:
            self._redis.hset(keys.ESTIMATE, queue_id, json.dumps(learned.to_json()))
        except redis.exceptions.RedisError as error:
            raise StoreUnavailable("Redis does not answer") from error

    def _moment(self, learned: Learned, seen: Seen) -> Moment:
        return learned.moment(seen.waiting, seen.all_waiting, seen.staffed or 0, seen.head_wait_seconds, time.time())

    def _learned(self, queue_id: str) -> Learned | None:
        try:
            text: Any = self._redis.hget(keys.ESTIMATE, queue_id)
        except redis.exceptions.RedisError as error:
            raise StoreUnavailable("Redis does not answer") from error
        return Learned.from_json(json.loads(text)) if text else None

    def _pipeline(self) -> Any:
        return self._redis.pipeline(transaction=False)

    def _run(self, pipe: Any) -> Any:
        try:
            return pipe.execute()
        except redis.exceptions.RedisError as error:
            raise StoreUnavailable("Redis does not answer") from error
