"""The vocabulary of one call: who calls, what happened, and what is remembered between two turns.

Everything here is a value: no I/O, no clock, no carrier's words.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic_core import from_json, to_json

SESSION_VERSION = 1


class CallerKind(StrEnum):
    """What sort of address a call comes from."""

    PHONE = "phone"  # a public number in E.164
    SIP = "sip"
    CLIENT = "client"  # a browser or app
    WITHHELD = "withheld"  # anonymous, unavailable, keypad-spelled words, malformed: nobody in particular


class Attestation(StrEnum):
    """How far the carrier vouches for the caller's number (STIR/SHAKEN)."""

    FULL = "A"
    PARTIAL = "B"
    GATEWAY = "C"
    FAILED = "failed"
    NONE = "none"


@dataclass(frozen=True)
class Caller:
    """Who calls, as far as the carrier says. `number` is E.164, or None where nobody can be told from it."""

    kind: CallerKind
    number: str | None
    raw: str = ""
    name: str | None = None
    attestation: Attestation = Attestation.NONE
    country: str | None = None  # ISO 3166 two letters, from the number

    @property
    def known_number(self) -> bool:
        """True where the number may be used to look a customer up."""
        return self.kind is CallerKind.PHONE and self.number is not None


@dataclass(frozen=True)
class CallEvent:
    """Something that happened to a call. `event_id` is equal for repeated deliveries of the same happening."""

    call_id: str
    event_id: str
    at: datetime  # aware, UTC


@dataclass(frozen=True)
class Arrived(CallEvent):
    """A call comes in (or a call that we placed is answered: direction "outbound")."""

    caller: Caller
    to_number: str
    direction: str = "inbound"  # inbound | outbound
    forwarded_from: str | None = None


@dataclass(frozen=True)
class Keyed(CallEvent):
    """The caller pressed keys. `digits` holds 0-9, * and #, without the finishing key."""

    digits: str
    finished_by: str = ""


@dataclass(frozen=True)
class Spoke(CallEvent):
    """The caller said something. `sureness` is the recogniser's own 0..1, None where it gives none."""

    text: str
    sureness: float | None = None
    language: str | None = None


@dataclass(frozen=True)
class Silent(CallEvent):
    """The caller was asked and neither spoke nor pressed."""


@dataclass(frozen=True)
class Recorded(CallEvent):
    """A recording the caller was asked for has ended (it may not be fetchable yet)."""

    url: str
    seconds: float
    finished_by: str = ""  # key, "hangup" or ""


@dataclass(frozen=True)
class Charged(CallEvent):
    """A card payment ended. `result`: paid | declined | cancelled | failed. Never holds card digits."""

    result: str
    confirmation: str | None = None
    card_type: str | None = None
    last_four: str | None = None


@dataclass(frozen=True)
class WaitAsked(CallEvent):
    """The carrier asks what a waiting caller shall hear next: proof that the caller is still there."""

    position: int | None = None
    waited_seconds: float = 0.0


@dataclass(frozen=True)
class WaitEnded(CallEvent):
    """Waiting in a queue is over.

    `result`: talked (an agent talked and the talk is over) | no_answer (longest wait reached) | closed | nobody (no agent
    signed in) | full | callback (the caller chose it) | solved (said so while waiting) | left (by key or voice) | failed
    """

    result: str
    waited_seconds: float = 0.0


@dataclass(frozen=True)
class Transferred(CallEvent):
    """A transfer to a number outside ended. `result`: talked | busy | no_answer | failed."""

    result: str
    seconds: float = 0.0


@dataclass(frozen=True)
class Continued(CallEvent):
    """The carrier comes back for more without any news (a redirect, a pause that ended, a retried turn)."""


@dataclass(frozen=True)
class Ended(CallEvent):
    """The call is over. `status` is the carrier's word (completed, busy, no-answer, failed, canceled)."""

    status: str = "completed"
    seconds: float | None = None


@dataclass(frozen=True)
class Frame:
    """One flow in progress: `run:` puts a new frame on top, and comes back to `resume` in the one below."""

    flow: str
    step: str
    resume: str | None = None  # the step of *this* flow to go on with when the flow above ends


@dataclass(frozen=True)
class Session:
    """All that is remembered of a call between two turns: small, versioned, JSON.

    `facts` maps a fact's name ("customer", "order") to its fields; `caller`, `call`, `queue`, `now`, `intent` are built in and
    are not stored here. `turn` counts answered events: the next document's links carry it, so that a repeated delivery
    is recognised. `memory` is the running step's own small state (tries, pending confirmation), emptied on leaving it.
    """

    call_id: str
    contact_id: str
    caller: Caller
    to_number: str
    direction: str
    started_at: datetime
    language: str
    revision: str = ""
    frames: tuple[Frame, ...] = ()
    turn: int = 0
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    memory: dict[str, Any] = field(default_factory=dict)
    visits: dict[str, int] = field(default_factory=dict)  # "flow.step" -> times entered
    intents: tuple[str, ...] = ()  # understood, in order
    pending_intents: tuple[str, ...] = ()  # heard in one sentence, served in turn
    handed_intents: tuple[str, ...] = ()  # of those, the ones an agent took over: told to the agent and not offered again
    slots: dict[str, Any] = field(default_factory=dict)  # heard with an intent, not yet used by an ask
    last_heard: str = ""  # redacted
    said: tuple[dict[str, Any], ...] = ()  # what "repeat" says again
    goal: dict[str, Any] = field(default_factory=dict)  # what the caller wants and whether it was told (ivr/dialogue/goals.py)
    doubted: tuple[str, ...] = ()  # facts that turned out wrong ("order.number" not found): asked again without fuss
    queue_step: str = ""  # "flow.step" of the queue waited in last: a callback keeps its needs
    failures: int = 0  # times something broke inside
    steps: int = 0  # steps entered in the whole call: loops are bounded
    ended: bool = False
    version: int = SESSION_VERSION

    def but(self, **changes: Any) -> Session:
        """A copy with `changes` applied. Made in every turn several times, and by `dataclasses.replace` at five times the cost."""
        unknown = changes.keys() - _FIELDS
        if unknown:
            raise TypeError(f"a session has no {', '.join(sorted(unknown))}")
        copy = object.__new__(Session)
        vars(copy).update(vars(self), **changes)
        return copy

    @property
    def frame(self) -> Frame:
        """The flow and step in progress."""
        return self.frames[-1]

    def to_json(self) -> str:
        """Compact JSON, read back by `from_json`."""
        return to_json(vars(self)).decode()

    @classmethod
    def from_json(cls, text: str) -> Session:
        """Read a session; raises ValueError for one written by a newer version."""
        plain = from_json(text)
        if plain.get("version", 0) > SESSION_VERSION:
            raise ValueError(f"session version {plain['version']} is newer than this program's {SESSION_VERSION}")
        plain["caller"] = Caller(
            **{
                **plain["caller"],
                "kind": CallerKind(plain["caller"]["kind"]),
                "attestation": Attestation(plain["caller"]["attestation"]),
            }
        )
        plain["started_at"] = datetime.fromisoformat(plain["started_at"])
        plain["frames"] = tuple(Frame(**f) for f in plain["frames"])
        for name in ("intents", "pending_intents", "handed_intents", "said", "doubted"):
            plain[name] = tuple(plain.get(name, ()))
        return cls(**plain)


_FIELDS = frozenset(part.name for part in fields(Session))
