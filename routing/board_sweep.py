"""What is due on the board: leases, rings, wrap-ups, delays, waits, silence. Only due entries are looked at."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import redis

from routing.board_scripts import Scripts, text_of
from routing.model import OfferResult, Queue, Released, Swept, Talk, WrappedUp

if TYPE_CHECKING:
    from routing.board import Board

BEAT_SECONDS = 30.0  # a heartbeat is good for so long
TELL_AGAIN_SECONDS = 10.0  # a due call is reported again after this, until somebody takes it out
CHECK_TALK_SECONDS = 30.0
FORGET_EVERY_SECONDS = 3600.0
UNUSED_SECONDS = 86_400.0  # a kind of needs that no call had for a day is made again when one does


class Sweeper:
    """Sweeps one board. Each due entry is settled by a script that checks it again, so that several sweepers do no harm."""

    def __init__(self, board: Board, client: redis.Redis, scripts: Scripts) -> None:
        self._board, self._redis, self._scripts = board, client, scripts
        self._forget_at: float | None = None
        self._opening: dict[str, tuple[Queue, float, bool]] = {}  # queue -> (as configured, until when, open)

    def sweep(self, limit: int) -> Swept:
        """See Board.sweep."""
        now = self._board.now()
        self._forget(now)
        opened = self._each("rings", now, limit, lambda one: self._scripts.run("open", one))
        readied = self._each("ready", now, limit, lambda one: self._scripts.run("ready", one))
        released = [found for token in self._due("leases", now, limit) if (found := self._lease_over(token))]
        wrapped = [wrap for one in self._due("wrapping", now, limit) if (wrap := self._wrap_up_over(one))]
        vanished = [gone for one in self._due("beats", now, limit) if (gone := self._vanished("silent", one, BEAT_SECONDS))]
        wrapped += [wrap for gone in vanished for wrap in gone.wrapped_up]
        released += [one for gone in vanished for one in gone.released]
        return Swept(
            released=tuple(released),
            wrapped_up=tuple(wrapped),
            unreachable=tuple(agent_id for gone in vanished for agent_id in gone.unreachable),
            overdue=self._lasting("overdue", now, limit),
            nobody=self._nobody(now, limit),
            closed=self._closed(now, limit),
            silent=self._lasting("alive", now, limit),
            talks=self._talks(now, limit),
            opened=opened,
            readied=readied,
        )

    def _forget(self, now: float) -> None:
        if self._forget_at is not None and now >= self._forget_at:
            self._board.signatures.forget(now - UNUSED_SECONDS)
        if self._forget_at is None or now >= self._forget_at:
            self._forget_at = now + FORGET_EVERY_SECONDS

    def _due(self, name: str, now: float, limit: int) -> list[str]:
        found: list[str] = text_of(self._redis.zrangebyscore(self._board.keys.of(name), "-inf", now, start=0, num=limit))
        return found

    def _each(self, name: str, now: float, limit: int, settle: Callable[[str], Any]) -> int:
        return sum(bool(settle(one)) for one in self._due(name, now, limit))

    def _lease_over(self, token: str) -> Released | None:
        reservation = self._board.reservation(token)
        if reservation is None:
            self._redis.zrem(self._board.keys.of("leases"), token)
            return None
        # Never rang: our side failed, which is not the agent's fault.
        rang = reservation.state.value == "ringing"
        return self._board.release(token, OfferResult.NO_ANSWER if rang else OfferResult.FAILED)

    def vanished(self, agent_id: str, reason: str) -> Swept:
        """See Board.vanished."""
        return self._vanished("vanished", agent_id, reason) or Swept()

    def _vanished(self, script: str, agent_id: str, argument: str | float) -> Swept | None:
        signed_in, *over = self._scripts.run(script, agent_id, argument)
        if not signed_in:
            return None
        wrapped = tuple(
            WrappedUp(agent_id, call_id, leg_id, float(started), float(ended), capped=False)
            for call_id, leg_id, started, ended in zip(*[iter(over)] * 4, strict=True)
        )
        tokens = text_of(self._redis.hvals(self._board.keys.of("slots", agent_id)))
        released = tuple(found for token in tokens if (found := self._board.release(token, OfferResult.UNREACHABLE)))
        return Swept(released, wrapped, unreachable=(agent_id,))

    def _wrap_up_over(self, member: str) -> WrappedUp | None:
        agent_id, _, call_id = member.partition("|")
        answer = self._scripts.run("wrapped", agent_id, call_id, "", 1, "end")
        if not answer:
            return None
        _, _, leg_id, started, ended, _ = answer
        return WrappedUp(agent_id, call_id, leg_id, float(started), float(ended), capped=True)

    def _lasting(self, name: str, now: float, limit: int) -> tuple[str, ...]:
        """Due calls, reported now and again later: a process that dies with the report in hand loses nobody."""
        key = self._board.keys.of(name)
        found = []
        for call_id in self._due(name, now, limit):
            if self._redis.zadd(key, {call_id: now + TELL_AGAIN_SECONDS}, xx=True, ch=True):
                found.append(call_id)
        return tuple(found)

    def _talks(self, now: float, limit: int) -> tuple[Talk, ...]:
        key = self._board.keys.of("talks")
        found = []
        for member in self._due("talks", now, limit):
            agent_id, _, call_id = member.partition("|")
            self._redis.zadd(key, {member: now + CHECK_TALK_SECONDS}, xx=True)
            token = text_of(self._redis.hget(self._board.keys.of("slots", agent_id), call_id))
            reservation = self._board.reservation(token) if token else None
            if reservation is None:
                self._redis.zrem(key, member)
                continue
            found.append(Talk(agent_id, call_id, reservation.token, reservation.leg_id, now))
        return tuple(found)

    def _nobody(self, now: float, limit: int) -> tuple[str, ...]:
        """Calls whose last suitable agent signed out long enough ago."""
        keys = self._board.keys
        found: list[str] = []
        for signature, since in text_of(self._redis.zrange(keys.of("unstaffed"), 0, limit, withscores=True)):
            forsaken = [one for one in text_of(list(self._redis.smembers(keys.of("hoping", signature)))) if not self._hopes(one)]
            if not forsaken:
                # Who hopes elsewhere is found when that signature loses its last agent.
                self._redis.zrem(keys.of("unstaffed"), signature)
            for call_id in forsaken:
                queue_id, kind = text_of(self._redis.hmget(keys.of("call", call_id), "queue", "kind"))
                if (
                    queue_id
                    and kind == "call"
                    and float(since) + self._board.queue(queue_id).nobody_after_seconds <= now
                    and self._tell(call_id)
                ):
                    found.append(call_id)
        return tuple(found)

    def _hopes(self, call_id: str) -> bool:
        """Whether somebody who may take the call, now or later, is signed in."""
        keys = self._board.keys
        hoped = text_of(self._redis.hget(keys.of("call", call_id), "hoped")) or ""
        return any(int(count or 0) > 0 for count in text_of(self._redis.hmget(keys.of("staffed"), hoped.split() or [""])))

    def _closed(self, now: float, limit: int) -> tuple[str, ...]:
        """Calls waiting in queues that have closed; a promised callback waits for the next opening."""
        found: list[str] = []
        for queue_id, queue in self._board.queues.items():
            if queue.hours is None or self._open(queue, now):
                continue
            names = text_of(self._redis.zrange(self._board.keys.of("queue", queue_id), 0, limit))
            kinds = [text_of(self._redis.hget(self._board.keys.of("call", call_id), "kind")) for call_id in names]
            found += [call_id for call_id, kind in zip(names, kinds, strict=True) if kind == "call" and self._tell(call_id)]
        return tuple(found)

    def _open(self, queue: Queue, now: float) -> bool:
        known = self._opening.get(queue.queue_id)
        if known and known[0] is queue and now < known[1]:
            return known[2]
        assert queue.hours is not None
        moment = datetime.fromtimestamp(now, UTC)
        is_open, change = queue.hours.open_at(moment), queue.hours.next_change(moment)
        self._opening[queue.queue_id] = (queue, change[0].timestamp() if change else now + 3600, is_open)
        return is_open

    def _tell(self, call_id: str) -> bool:
        key = self._board.keys.of("told", call_id)
        return bool(self._redis.set(key, "1", nx=True, px=int(TELL_AGAIN_SECONDS * 1000)))
