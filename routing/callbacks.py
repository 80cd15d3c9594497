"""Promised callbacks (virtual hold): who is owed a call, when, how often it was tried. The caller's place in the queue is kept.

    scheduled ──its time──▶ waiting ──an agent is held for it──▶ dialling ──customer answers──▶ talking ──▶ done
        ▲                     │ ▲                                  │
        └──moved──────────────┘ └──────no answer, busy, machine────┘ (retried by rule, then gave_up);   cancelled from the first two

While it waits, a callback is a waiting call of kind "callback" on the board, with the arrival of the original call. At most one dial
is in progress: `begin_dial` gives the only permit, and a dial whose end was never told is not repeated but reported (`Due.doubt`), to
be asked of the carrier. The ledger is in Redis with the board and survives restarts of every process.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import redis

from routing.board import Board
from routing.board_scripts import text_of
from routing.model import Needs, Reservation, RoutingError, Unknown, WaitingCall

LOOK_AGAIN_SECONDS = 30.0
DIAL_SECONDS = 90.0  # ringing and machine detection end well before
TALK_CHECK_SECONDS = 600.0  # then the carrier is asked, in case the end of the talk was never told
KEEP_SECONDS = 30 * 86_400
LONGEST_WAIT_SECONDS = 86_400.0


class CallbackState(StrEnum):
    """Where a promise stands."""

    SCHEDULED = "scheduled"
    WAITING = "waiting"
    DIALLING = "dialling"
    TALKING = "talking"
    DONE = "done"
    GAVE_UP = "gave_up"
    CANCELLED = "cancelled"


class Mode(StrEnum):
    """Whose phone rings first."""

    AGENT_FIRST = "agent_first"  # the customer never waits
    CUSTOMER_FIRST = "customer_first"  # the agent never hears it ring out; the agent is held meanwhile


class DialResult(StrEnum):
    """How a dial ended. `agent_gone` and `postponed` are no attempts: our side was not ready."""

    TALKED = "talked"
    ANSWERED = "answered"  # the customer is on the line: the promise is `talking`
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    MACHINE = "machine"
    FAILED = "failed"
    ABANDONED = "abandoned"  # the customer was rung first, and hung up before an agent came
    REFUSED = "refused"  # the number may not be rung (any more): never tried again
    AGENT_GONE = "agent_gone"
    POSTPONED = "postponed"


class CallbackRefused(RoutingError):
    """No further promise for this number. `rule`: open | per_day | per_hour."""

    def __init__(self, rule: str) -> None:
        sentences = {
            "open": "a callback to this number is already promised",
            "per_day": "too many callbacks were promised to this number today",
            "per_hour": "too many callbacks were promised this hour",
        }
        super().__init__(sentences[rule])
        self.rule = rule


class CallbackBusy(RoutingError):
    """The promise cannot be changed now; `state` tells why."""

    def __init__(self, callback_id: str, state: CallbackState) -> None:
        super().__init__(f"callback {callback_id} is {state}: only scheduled and waiting callbacks can be moved or cancelled")
        self.state = state


@dataclass(frozen=True)
class RetryRule:
    """How often and after how many seconds a customer is tried again; a result that is not listed is not tried again."""

    most_attempts: int = 3
    after_seconds: Mapping[str, float] = field(
        default_factory=lambda: {"no_answer": 900.0, "busy": 300.0, "machine": 3600.0, "failed": 300.0, "abandoned": 300.0}
    )


@dataclass(frozen=True)
class Caps:
    """How many promises are made: open at once and per day for one number, per hour for all."""

    open_per_number: int = 1
    per_number_per_day: int = 3
    per_hour: int = 200


@dataclass(frozen=True)
class Callback:
    """A promise. `arrived_at` keeps the place; `at` is the chosen time (None: as soon as it is the caller's turn)."""

    callback_id: str
    number: str
    queue: str
    arrived_at: float
    needs: Needs = field(default_factory=dict)
    rings: tuple[tuple[float, Needs], ...] = ()
    head_start_seconds: float = 0.0
    at: float | None = None
    call_id: str = ""
    contact_id: str = ""
    language: str = ""
    mode: Mode = Mode.AGENT_FIRST
    context: Mapping[str, Any] = field(default_factory=dict)
    state: CallbackState = CallbackState.SCHEDULED
    attempts: int = 0
    next_at: float = 0.0
    last_result: str = ""
    changed_by: str = ""
    dial_token: str = ""
    leg_id: str = ""
    placed_at: float = 0.0
    withdrawn: tuple[Reservation, ...] = ()  # offers that a change took back: their phones must stop ringing

    @property
    def is_open(self) -> bool:
        return self.state not in (CallbackState.DONE, CallbackState.GAVE_UP, CallbackState.CANCELLED)

    def waiting_call(self) -> WaitingCall:
        """The promise as it waits on the board. A time chosen later than the arrival is the arrival: nobody jumps ahead by asking for later."""
        arrived_at = self.arrived_at if self.at is None else max(self.arrived_at, self.at)
        return WaitingCall(
            call_id=self.callback_id,
            queue=self.queue,
            arrived_at=arrived_at,
            needs=self.needs,
            rings=self.rings,
            head_start_seconds=self.head_start_seconds,
            longest_wait_seconds=LONGEST_WAIT_SECONDS + max(0.0, self.next_at - arrived_at),
            kind="callback",
        )


@dataclass(frozen=True)
class Due:
    """A promise that something is due for. `doubt`: a dial or a talk began and its end was never told: ask the carrier, then `dial_ended`
    (or `dial_lives`). Otherwise: let `callback.waiting_call()` enter the board (again: it does no harm)."""

    callback: Callback
    doubt: bool


# Fields kept as JSON; the others live in the hash.
_FIXED = (
    "callback_id", "number", "queue", "arrived_at", "needs", "rings", "head_start_seconds", "at", "call_id", "contact_id", "language",
    "mode", "context", "placed_at",
)  # fmt: skip


class Ledger:
    """The promises of one routing group."""

    def __init__(self, client: redis.Redis, board: Board, caps: Caps | None = None, retries: RetryRule | None = None) -> None:
        self._redis, self._board = client, board
        self._caps, self._retries = caps or Caps(), retries or RetryRule()

    def place(self, callback: Callback) -> Callback:
        """Write a promise down; repeated with the same id: the promise as it stands. Raises CallbackRefused, Unknown (queue)."""
        if callback.queue not in self._board.queues:
            raise Unknown(f"queue {callback.queue!r} is not configured")
        now = self._board.now()
        moment = datetime.fromtimestamp(now, UTC)
        due = now if callback.at is None else max(now, callback.at)
        state = CallbackState.WAITING if due <= now else CallbackState.SCHEDULED
        callback = replace(callback, placed_at=now)
        answer = self._board.run(
            "promise", callback.callback_id, _to_json(callback), _hash(callback.number), due, f"{moment:%Y%m%d}", f"{moment:%Y%m%d%H}",
            self._caps.open_per_number, self._caps.per_number_per_day, self._caps.per_hour, state,
        )  # fmt: skip
        if answer != "placed":
            raise CallbackRefused(answer)
        return self.get(callback.callback_id)

    def get(self, callback_id: str) -> Callback:
        """The promise as it stands. Raises Unknown."""
        found = text_of(self._redis.hgetall(self._board.keys.of("promise", callback_id)))
        if not found:
            raise Unknown(f"there is no callback {callback_id!r}")
        return _from(found)

    def all(self, state: str | None = None, most: int = 1000) -> list[Callback]:
        """Promises still kept, the latest first."""
        key = self._board.keys.of("promised")
        found = []
        for callback_id in text_of(self._redis.zrevrange(key, 0, most - 1)):
            row = text_of(self._redis.hgetall(self._board.keys.of("promise", callback_id)))
            if not row:
                self._redis.zrem(key, callback_id)  # its time of keeping is over
            elif state is None or row["state"] == state:
                found.append(_from(row))
        return found

    def due(self, limit: int = 100) -> list[Due]:
        """Promises that something is due for. Each is handed out again after 30 s while that stays so."""
        now = self._board.now()
        found = []
        for callback_id in text_of(self._redis.zrangebyscore(self._board.keys.of("promises"), "-inf", now, start=0, num=limit)):
            what = self._board.run("promise_due", callback_id, LOOK_AGAIN_SECONDS)
            if what:
                found.append(Due(self.get(callback_id), what == "doubt"))
        return found

    def begin_dial(self, callback_id: str, dial_token: str) -> int | None:
        """The permit to dial the customer: the attempt's number. None where a dial is in progress or the promise is over.

        `dial_token` names the dial (such as the reservation's token); asked again with the same token, the same answer.
        """
        attempt = self._board.run("dial", callback_id, dial_token, DIAL_SECONDS)
        return int(attempt) if attempt else None

    def dialled(self, callback_id: str, dial_token: str, leg_id: str) -> None:
        """The carrier took the dial: its leg, by which its end is recognised and asked for."""
        key = self._board.keys.of("promise", callback_id)
        if text_of(self._redis.hget(key, "dial")) == dial_token:
            self._redis.hset(key, "leg", leg_id)

    def dial_lives(self, callback_id: str) -> None:
        """The carrier says that the dial (or the talk) is still in progress: look again later."""
        talking = text_of(self._redis.hget(self._board.keys.of("promise", callback_id), "state")) == CallbackState.TALKING
        again = self._board.now() + (TALK_CHECK_SECONDS if talking else LOOK_AGAIN_SECONDS)
        self._redis.zadd(self._board.keys.of("promises"), {callback_id: again}, xx=True)

    def dial_ended(self, callback_id: str, dial_token: str, result: DialResult | str) -> Callback:
        """What came of the dial. Anything about another dial than the one in progress changes nothing. Raises Unknown."""
        result = DialResult(result)
        now = self._board.now()
        callback = self.get(callback_id)
        state, due = CallbackState.GAVE_UP, ""
        if result is DialResult.ANSWERED:
            state, due = CallbackState.TALKING, repr(now + TALK_CHECK_SECONDS)
        elif result is DialResult.TALKED:
            state = CallbackState.DONE
        elif result in (DialResult.AGENT_GONE, DialResult.POSTPONED):
            state, due = CallbackState.WAITING, repr(now)
        elif result in self._retries.after_seconds and callback.attempts < self._retries.most_attempts:
            state, due = CallbackState.SCHEDULED, repr(now + self._retries.after_seconds[result])
        given_back = int(result in (DialResult.AGENT_GONE, DialResult.POSTPONED))
        self._board.run("dial_ended", callback_id, dial_token, result, state, due, given_back, KEEP_SECONDS)
        return self.get(callback_id)

    def move(self, callback_id: str, *, at: float | None = None, queue: str | None = None, by: str = "customer") -> Callback:
        """Another time or queue. Raises CallbackBusy while it is dialled or over, Unknown."""
        if queue is not None and queue not in self._board.queues:
            raise Unknown(f"queue {queue!r} is not configured")
        callback = self.get(callback_id)
        moved = replace(callback, at=at if at is not None else callback.at, queue=queue or callback.queue)
        due = max(self._board.now(), moved.at or 0.0)
        self._change(callback_id, CallbackState.SCHEDULED, due, _to_json(moved), by)
        left = self._board.leave(callback_id, "diverted")
        self._redis.delete(
            self._board.keys.of("call", callback_id)
        )  # it comes back, in the other queue perhaps with its old arrival
        return replace(self.get(callback_id), withdrawn=left.reservations if left else ())

    def cancel(self, callback_id: str, by: str = "customer") -> Callback:
        """The promise is taken back. Cancelling again changes nothing. Raises CallbackBusy while it is dialled or over, Unknown."""
        callback = self.get(callback_id)
        if callback.state is not CallbackState.CANCELLED:
            self._change(callback_id, CallbackState.CANCELLED, 0.0, "", by)
            left = self._board.leave(callback_id, "left")
            return replace(self.get(callback_id), withdrawn=left.reservations if left else ())
        return callback

    def open_for(self, number: str) -> Callback | None:
        """The open promise to a number, the one due first; None where there is none."""
        names = text_of(list(self._redis.smembers(self._board.keys.of("openly", _hash(number)))))
        found = [_from(row) for name in names if (row := text_of(self._redis.hgetall(self._board.keys.of("promise", name))))]
        return min((one for one in found if one.is_open), key=lambda one: one.next_at, default=None)

    def forget(self, number: str) -> int:
        """Remove every promise to a number, open ones are cancelled first; gives how many. Raises CallbackBusy while one is dialled."""
        gone = [callback for callback in self.all(most=1_000_000) if callback.number == number]
        for callback in gone:
            if callback.is_open:
                self.cancel(callback.callback_id, by="erased")
        for callback in gone:
            self._redis.delete(self._board.keys.of("promise", callback.callback_id))
            for index in ("promised", "promises"):
                self._redis.zrem(self._board.keys.of(index), callback.callback_id)
        return len(gone)

    def _change(self, callback_id: str, state: CallbackState, due: float, plain: str, by: str) -> None:
        code = self._board.run("promise_change", callback_id, state, due, plain, by[:100], KEEP_SECONDS)
        if code == "unknown":
            raise Unknown(f"there is no callback {callback_id!r}")
        if code != "done":
            raise CallbackBusy(callback_id, CallbackState(code))


def _hash(number: str) -> str:
    return hashlib.blake2b(number.encode(), digest_size=8).hexdigest()


def _to_json(callback: Callback) -> str:
    plain = asdict(callback)
    return json.dumps({name: plain[name] for name in _FIXED}, ensure_ascii=False)


def _from(found: Mapping[str, str]) -> Callback:
    plain = json.loads(found["json"])
    plain["rings"] = tuple((float(after), needs) for after, needs in plain["rings"])
    plain["mode"] = Mode(plain["mode"])
    return Callback(
        **plain,
        state=CallbackState(found["state"]),
        attempts=int(found["attempts"]),
        next_at=float(found["next_at"]),
        last_result=found["result"],
        changed_by=found["by"],
        dial_token=found["dial"],
        leg_id=found["leg"],
    )
