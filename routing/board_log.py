"""The decision log in Redis: one stream per group, written by the scripts, read here."""

from __future__ import annotations

import redis

from routing.board_scripts import text_of
from routing.decisions import Decision
from routing.keys import Keys

BEGINNING = "0-0"
"""The place in a log before its first entry."""
BETWEEN = "\x1f"
"""Divides the parts that a script writes as one text."""
_CLAIM = ("call", "agent", "token", "seed")


class DecisionLog:
    """The log of one group. Entry ids ascend; the oldest entries are dropped."""

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._redis, self._key = client, keys.of("log")

    def after(self, entry_id: str = BEGINNING, most: int = 10_000) -> list[Decision]:
        """Decisions from entry `entry_id` (exclusive; without one from the oldest kept) on, those of at most so many entries."""
        rows = self._redis.xrange(self._key, f"({entry_id}", "+", count=most)
        found: list[Decision] = []
        for number, fields in text_of([list(row) for row in rows or []]):
            at = float(fields.pop("at"))
            if "claims" in fields:  # several in one field, because a match is the dearest moment
                claims = (one.split(BETWEEN) for one in fields["claims"].split("\x1e"))
                found += [Decision(number, "claimed", at, dict(zip(_CLAIM, claim, strict=True))) for claim in claims]
            else:
                found.append(Decision(number, fields.pop("kind"), at, fields))
        return found

    def newest(self) -> str:
        """The id of the newest entry, `BEGINNING` where the log is empty: `after` it is what follows."""
        rows = text_of([list(row) for row in self._redis.xrevrange(self._key, count=1) or []])
        return str(rows[0][0]) if rows else BEGINNING

    def oldest(self) -> Decision | None:
        """The oldest decision kept."""
        rows = self.after(most=1)
        return rows[0] if rows else None


def order(entry_id: str) -> tuple[int, int]:
    """By which entry ids ascend."""
    first, _, second = entry_id.partition("-")
    return int(first), int(second or 0)
