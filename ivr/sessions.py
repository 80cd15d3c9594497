"""Live calls in Redis: the session, its journal, and the answers already given.

One script writes the session, the journal and the answer of a turn together, and only while the call still stands at the turn
that was read: two deliveries of the same webhook cannot both be carried out. The keys of one call share a hash tag.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ivr import keys
from ivr.call import Session
from ivr.errors import StoreUnavailable
from ivr.notes import Note
from ivr.redis_sockets import KERNEL_TIMED

# The turn is found without decoding the session, which would take longer than all of the rest: within a text the quotes of "turn" would
# be escaped, and what flows may name (facts, slots) is written after it.
# KEYS session journal answers seen; ARGV expected turn ("" = must not exist), session, delivery, answer, life, happening ("" = none), notes...
_COMMIT = """
local now = redis.call('GET', KEYS[1])
if ARGV[1] == '' then
  if now then return 0 end
else
  if not now then return 0 end
  if string.match(now, '"turn":(%d+)') ~= ARGV[1] then return 0 end
end
if ARGV[6] ~= '' and redis.call('SADD', KEYS[4], ARGV[6]) == 0 then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[5])
for i = 7, #ARGV do redis.call('RPUSH', KEYS[2], ARGV[i]) end
if ARGV[3] ~= '' then redis.call('HSET', KEYS[3], ARGV[3], ARGV[4]) end
for i = 2, 4 do redis.call('EXPIRE', KEYS[i], ARGV[5]) end
return 1
"""

# KEYS journal seen; ARGV happening ("" = none), life, notes...
_APPEND = """
if ARGV[1] ~= '' and redis.call('SADD', KEYS[2], ARGV[1]) == 0 then return 0 end
for i = 3, #ARGV do redis.call('RPUSH', KEYS[1], ARGV[i]) end
for i = 1, 2 do redis.call('EXPIRE', KEYS[i], ARGV[2]) end
return 1
"""


def connect(url: str, *, seconds: float = 0.5) -> redis.Redis:
    """A client for the web path: half a second for everything and no hidden retries (the library's defaults hang for 15 s)."""
    pool = redis.ConnectionPool.from_url(
        url,
        decode_responses=True,
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=0,
    )
    pool.connection_class = KERNEL_TIMED.get(pool.connection_class, pool.connection_class)
    return redis.Redis.from_pool(pool)


# KEYS talk; ARGV token, then field, value pairs
_MARK = """
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
for i = 2, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
return 1
"""


# KEYS talk; ARGV token, a field with the value it must have ("" = not set), then field, value pairs
_SWAP = """
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
if (redis.call('HGET', KEYS[1], ARGV[2]) or '') ~= ARGV[3] then return 0 end
for i = 4, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
return 1
"""


MOST_KEPT = 2000


class Calls:
    """Sessions and journals of live calls. Every method raises StoreUnavailable when Redis does not answer in time."""

    def __init__(self, client: redis.Redis, clock: Callable[[], float] = time.time) -> None:
        self._redis = client
        self._clock = clock
        self._commit = client.register_script(_COMMIT)
        self._append = client.register_script(_APPEND)
        self._mark = client.register_script(_MARK)
        self._kept: dict[str, Session] = {}
        self._keeping = threading.Lock()
        self._swap = client.register_script(_SWAP)

    def _ask(self, what: Callable[[], Any]) -> Any:
        try:
            return what()
        except redis.exceptions.RedisError as error:
            raise StoreUnavailable(f"Redis does not answer: {type(error).__name__}") from error

    def load(self, call_id: str) -> Session | None:
        """The session as last written, or None."""
        text = self._ask(lambda: self._redis.get(keys.session(call_id)))
        return Session.from_json(text) if text else None

    def recall_turn(self, call_id: str, delivery: str, turn: int | None = None) -> tuple[Session | None, str | None]:
        """Session and, where this delivery was answered before, the answer it got: one round trip.

        Where this process stored the session that stands at `turn` itself, not even that: should another process have gone on
        meanwhile, `commit` refuses, forgets the session, and the next reading is a real one.
        """
        kept = self._kept.get(call_id) if turn is not None else None
        if kept is not None and kept.turn == turn:
            return kept, None

        def ask() -> list[Any]:
            with self._redis.pipeline(transaction=False) as pipe:
                pipe.get(keys.session(call_id))
                pipe.hget(keys.answers(call_id), delivery)
                return pipe.execute()

        text, answer = self._ask(ask)
        return (Session.from_json(text) if text else None), answer

    def answer(self, call_id: str, delivery: str) -> str | None:
        """The document that this delivery got before, or None."""
        found: str | None = self._ask(lambda: self._redis.hget(keys.answers(call_id), delivery))
        return found

    def commit(
        self,
        session: Session,
        *,
        expected_turn: int | None,
        notes: Iterable[Note] = (),
        delivery: str = "",
        answer: str = "",
        happening: str = "",
    ) -> bool:
        """Write a turn: session, notes and answer together. False (and nothing written) where the call is no longer at `expected_turn`
        (None: it must not exist yet) or where `happening` was noted before."""
        call = session.call_id

        lines = [note.to_json() for note in notes]
        names = [keys.session(call), keys.journal(call), keys.answers(call), keys.seen(call)]
        before = "" if expected_turn is None else str(expected_turn)
        arguments = [before, session.to_json(), delivery, answer, str(keys.LIFE_SECONDS), happening, *lines]

        def ask() -> Any:
            # The index first: a call that is in it without a session is found and cleared; the other way round it would be lost.
            # One round trip for both; the script is sent along only where the server does not know it yet.
            try:
                with self._redis.pipeline(transaction=False) as pipe:
                    # Only an arrival opens: a turn that comes after the end, or loses against it, opens nothing again.
                    pipe.zadd(keys.OPEN, {call: self._clock()}, xx=expected_turn is not None)
                    pipe.evalsha(self._commit.sha, len(names), *names, *arguments)
                    return pipe.execute()[-1]
            except redis.exceptions.NoScriptError:
                return self._commit(keys=names, args=arguments)

        stored = bool(self._ask(ask))
        self._keep(session if stored else None, call)
        return stored

    def _keep(self, session: Session | None, call_id: str) -> None:
        """Remember the session just stored, or that what was remembered is out of date."""
        with self._keeping:
            self._kept.pop(call_id, None)
            if session is not None and not session.ended:
                if len(self._kept) >= MOST_KEPT:
                    self._kept.pop(next(iter(self._kept)), None)
                self._kept[call_id] = session

    def append(self, call_id: str, notes: Iterable[Note], *, happening: str = "") -> bool:
        """Add notes; False (and nothing added) where `happening` was noted before."""
        lines = [note.to_json() for note in notes]
        return bool(
            self._ask(
                lambda: self._append(
                    keys=[keys.journal(call_id), keys.seen(call_id)], args=[happening, keys.LIFE_SECONDS, *lines]
                )
            )
        )

    def journal(self, call_id: str) -> list[Note]:
        """All notes of a call, in the order written."""
        lines = self._ask(lambda: self._redis.lrange(keys.journal(call_id), 0, -1))
        return [Note.from_json(call_id, seq, line) for seq, line in enumerate(lines, 1)]

    # The conversation of a caller with an agent: who is in which room.

    def talk(self, call_id: str) -> dict[str, str]:
        """The conversation's fields; empty where there is none."""
        found: dict[str, str] = self._ask(lambda: self._redis.hgetall(keys.talk(call_id)))
        return found

    def set_talk(self, call_id: str, **fields: Any) -> None:
        """Set some fields of the conversation."""

        def ask() -> None:
            pipe = self._redis.pipeline(transaction=True)
            pairs = [part for pair in fields.items() for part in pair]
            pipe.hset(keys.talk(call_id), items=pairs)
            pipe.expire(keys.talk(call_id), keys.LIFE_SECONDS)
            pipe.execute()

        self._ask(ask)

    def mark_talk(self, call_id: str, token: str, /, **fields: str) -> bool:
        """Set some fields of the conversation of `token`; False (and nothing set) where that one is over."""
        pairs = [part for pair in fields.items() for part in pair]
        return bool(self._ask(lambda: self._mark(keys=[keys.talk(call_id)], args=[token, *pairs])))

    def swap_talk(self, call_id: str, token: str, name: str, before: str, /, **fields: str) -> bool:
        """Set some fields of the conversation of `token` where its field `name` still is `before`; False (and nothing set) otherwise."""
        pairs = [part for pair in fields.items() for part in pair]
        return bool(token) and bool(self._ask(lambda: self._swap(keys=[keys.talk(call_id)], args=[token, name, before, *pairs])))

    def end_talk(self, call_id: str) -> dict[str, str]:
        """Take the conversation away; returns what it was (empty: somebody else did)."""

        def ask() -> dict[str, str]:
            pipe = self._redis.pipeline(transaction=True)
            pipe.hgetall(keys.talk(call_id))
            pipe.delete(keys.talk(call_id))
            found: dict[str, str] = pipe.execute()[0]
            return found

        found: dict[str, str] = self._ask(ask)
        return found

    # Indexes over all calls.

    def alive(self, call_id: str) -> None:
        """Note a sign of life."""
        self._ask(lambda: self._redis.zadd(keys.OPEN, {call_id: self._clock()}, xx=True))

    def silent_since(self, before: float, limit: int = 100) -> list[str]:
        """Open calls without a sign of life since `before` (epoch seconds)."""
        found: list[str] = self._ask(lambda: self._redis.zrangebyscore(keys.OPEN, "-inf", before, start=0, num=limit))
        return found

    def open_count(self) -> int:
        """How many calls are in progress."""
        return int(self._ask(lambda: self._redis.zcard(keys.OPEN)))

    def open_calls(self, limit: int = 500) -> list[str]:
        """Calls in progress, those silent for longest first."""
        found: list[str] = self._ask(lambda: self._redis.zrange(keys.OPEN, 0, limit - 1))
        return found

    def ask_record(self, call_id: str, due: float | None = None, *, ended: bool = True) -> None:
        """Ask for the call's record to be (re)computed at `due` (default: now)."""

        def ask() -> None:
            pipe = self._redis.pipeline(transaction=False)
            pipe.zadd(keys.CLOSING, {call_id: self._clock() if due is None else due})
            if ended:
                pipe.zrem(keys.OPEN, call_id)
            pipe.execute()

        self._ask(ask)

    def records_due(self, limit: int = 200) -> list[str]:
        """Calls whose record is due."""
        found: list[str] = self._ask(lambda: self._redis.zrangebyscore(keys.CLOSING, "-inf", self._clock(), start=0, num=limit))
        return found

    def recorded(self, call_id: str, noted: int) -> bool:
        """The record holds the first `noted` notes. False (and it stays due) where more were added meanwhile."""

        def ask() -> bool:
            if self._redis.llen(keys.journal(call_id)) > noted:
                return False
            self._redis.zrem(keys.CLOSING, call_id)
            return True

        return bool(self._ask(ask))

    def keep_longer(self, call_id: str, seconds: int = 30 * 24 * 3600) -> None:
        """Keep a journal that SQL does not hold yet."""
        self._ask(lambda: self._redis.expire(keys.journal(call_id), seconds))

    def expect_back(self, call_id: str, due: float) -> None:
        """The caller should come back from a conversation by `due`; the clock fetches those who do not."""
        self._ask(lambda: self._redis.zadd(keys.RECALL, {call_id: due}))

    def is_back(self, call_id: str) -> None:
        """The caller came back by itself."""
        self._ask(lambda: self._redis.zrem(keys.RECALL, call_id))

    def overdue_back(self, limit: int = 100) -> list[str]:
        """Callers who should be back by now; each is handed out once."""

        def ask() -> list[str]:
            due: Any = self._redis.zrangebyscore(keys.RECALL, "-inf", self._clock(), start=0, num=limit)
            return [call for call in due if self._redis.zrem(keys.RECALL, call)]

        found: list[str] = self._ask(ask)
        return found

    def expect_consult(self, call_id: str, due: float) -> None:
        """A colleague is rung while the caller is on hold: not beyond `due`."""
        self._ask(lambda: self._redis.zadd(keys.CONSULTS, {call_id: due}))

    def consult_over(self, call_id: str) -> None:
        """The colleague answered, or is not rung any more."""
        self._ask(lambda: self._redis.zrem(keys.CONSULTS, call_id))

    def overdue_consults(self, now: float, limit: int = 100) -> list[str]:
        """Calls whose caller has been on hold for nobody too long; each is handed out once."""

        def ask() -> list[str]:
            due: Any = self._redis.zrangebyscore(keys.CONSULTS, "-inf", now, start=0, num=limit)
            return [call for call in due if self._redis.zrem(keys.CONSULTS, call)]

        found: list[str] = self._ask(ask)
        return found

    # Forgetting a caller.

    def calls_with(self, number: str) -> list[str]:
        """Calls whose session or journal names a number: every session is read, which is for rare commands only."""
        quoted = json.dumps(number)

        def ask() -> list[str]:
            found = []
            for name in self._redis.scan_iter(match=keys.ANY_SESSION, count=500):
                call_id = str(name).removeprefix("ivr:{").removesuffix("}:session")
                journal: Any = self._redis.lrange(keys.journal(call_id), 0, -1)
                if any(quoted in (text or "") for text in (self._redis.get(name), *journal)):
                    found.append(call_id)
            return found

        found: list[str] = self._ask(ask)
        return found

    def in_progress(self, call_ids: Iterable[str]) -> list[str]:
        """Those of `call_ids` that have no end yet."""

        def ask() -> list[str]:
            return [call for call in call_ids if self._redis.zscore(keys.OPEN, call) is not None]

        found: list[str] = self._ask(ask)
        return found

    def forget(self, call_ids: Iterable[str]) -> int:
        """Remove all that is kept of calls that are over, and no longer ask for their records; gives how many there were."""

        def ask() -> int:
            gone = 0
            for call in call_ids:
                names = [build(call) for build in (keys.session, keys.journal, keys.answers, keys.seen, keys.talk)]
                gone += 1 if self._redis.delete(*names) else 0
                for index in (keys.CLOSING, keys.RECALL, keys.CONSULTS):
                    self._redis.zrem(index, call)
            return gone

        return int(self._ask(ask))

    def facts(self, call_id: str) -> dict[str, Any]:
        """The raw session as plain JSON, for screens; empty where there is none."""
        text = self._ask(lambda: self._redis.get(keys.session(call_id)))
        return json.loads(text) if text else {}
