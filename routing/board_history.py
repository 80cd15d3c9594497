"""The past of the floor: how it stood at a moment, and all that was decided about one call, without reading the whole log.

One process follows the log and writes the floor down now and then (a checkpoint); whoever asks begins at the last one before the moment
in question. When a call entered first and last is kept beside the log, so that reading begins and ends where the call does.
"""

from __future__ import annotations

from collections.abc import Iterator

import redis

from routing.board_log import BEGINNING, DecisionLog, order
from routing.board_scripts import LOG_LENGTH, text_of
from routing.board_signatures import Signatures
from routing.decisions import Decision, Floor
from routing.floor_state import from_text, to_text
from routing.keys import Keys

EVERY = 2000  # entries between two checkpoints; more on a floor of many agents, whose checkpoints are long
KEEP_SECONDS = 7 * 86_400
_ROUND = 2000  # entries read at once
_OVER = frozenset({"left", "talk_ended"})


class History:
    """The past of one group. `keep` is for one process at a time; anybody may ask."""

    def __init__(self, client: redis.Redis, keys: Keys, log: DecisionLog, signatures: Signatures) -> None:
        self._redis, self._keys, self._log, self._signatures = client, keys, log, signatures
        self._floor: Floor | None = None
        self._reached, self._since = BEGINNING, 0

    # Keeping

    def keep(self, every: int = EVERY) -> int:
        """Follow the log, and write the floor down where enough was decided since the last time. Returns how many checkpoints were written."""
        if self._floor is None or order(self._log.newest()) < order(self._reached):  # just begun, or the log is another one
            self._floor, self._reached = self._latest()
            self._since = 0
        written = 0
        while rows := self._log.after(self._reached, _ROUND):
            for decision in rows:
                self._floor.apply(decision)
            self._reached, self._since = rows[-1].entry_id, self._since + len(rows)
            if self._since >= max(every, min(4 * len(self._floor.agents), LOG_LENGTH // 4)):
                self._write(self._floor, rows[-1])
                self._since = 0
                written += 1
        if written:
            self._forget()
        return written

    def _latest(self) -> tuple[Floor, str]:
        names = text_of(self._redis.zrevrange(self._keys.of("checkpoints"), 0, 0))
        return self._begin(names[0] if names else None)

    def _write(self, floor: Floor, last: Decision) -> None:
        # The text first: a checkpoint that is listed can be read.
        self._redis.set(self._keys.of("checkpoint", last.entry_id), to_text(floor), ex=KEEP_SECONDS)
        self._redis.zadd(self._keys.of("checkpoints"), {last.entry_id: last.at})

    def _forget(self) -> None:
        """Drop what belongs to entries that the log has dropped."""
        oldest = self._log.oldest()
        if oldest is None:
            return
        for name in text_of(self._redis.zrange(self._keys.of("checkpoints"), 0, -1)):
            if order(name) < order(oldest.entry_id):
                self._redis.zrem(self._keys.of("checkpoints"), name)
                self._redis.delete(self._keys.of("checkpoint", name))
        for index in ("entered", "reentered"):
            self._redis.zremrangebyscore(self._keys.of(index), "-inf", f"({oldest.at!r}")

    # Asking

    def of_call(self, call_id: str) -> tuple[Floor, Iterator[Decision]] | None:
        """The floor some time before the call entered, and the decisions from there until the call was through; None for an unknown call."""
        first = self._redis.zscore(self._keys.of("entered"), call_id)
        last = self._redis.zscore(self._keys.of("reentered"), call_id)
        if first is None or last is None:
            return None
        floor, after = self._before(float(first))
        return floor, self._until_through(call_id, float(last), after)

    def at(self, moment: float) -> Floor | None:
        """The floor as it stood at a moment (seconds since the epoch); None before the log begins."""
        oldest = self._log.oldest()
        if oldest is None or oldest.at > moment:
            return None
        floor, after = self._before(moment)
        for decision in self._follow(after):
            if decision.at > moment:
                break
            floor.apply(decision)
        return floor

    def _until_through(self, call_id: str, last_entered: float, after: str) -> Iterator[Decision]:
        through_at: float | None = None
        for decision in self._follow(after):
            if through_at is not None and decision.at > through_at:
                return
            yield decision
            if decision.fields.get("call") == call_id:
                through = decision.kind in _OVER and decision.at >= last_entered
                through_at = decision.at if through else through_at if decision.kind == "released" else None

    def _follow(self, after: str) -> Iterator[Decision]:
        while rows := self._log.after(after, _ROUND):
            yield from rows
            after = rows[-1].entry_id

    def _before(self, moment: float) -> tuple[Floor, str]:
        names = self._redis.zrevrangebyscore(self._keys.of("checkpoints"), f"({moment!r}", "-inf", start=0, num=1)
        return self._begin(*text_of(names))

    def _begin(self, checkpoint: str | None = None) -> tuple[Floor, str]:
        """The floor at a checkpoint and the entry after which the log goes on; without one (any more) as far as the log tells by itself."""
        text = text_of(self._redis.get(self._keys.of("checkpoint", checkpoint))) if checkpoint else None
        oldest = self._log.oldest()
        if checkpoint and text and (oldest is None or order(oldest.entry_id) <= order(checkpoint)):
            return from_text(text), checkpoint
        if oldest is not None and oldest.kind not in ("queue", "agent"):
            # Its beginning is gone: agents and queues are taken as they are now.
            return Floor(self._signatures.agents.values(), self._signatures.queues.values()), BEGINNING
        return Floor(), BEGINNING
