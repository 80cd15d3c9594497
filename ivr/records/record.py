"""The words of a call record: what is computed from a journal, and what the API shows of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

# The windows that first-call resolution is given for, side by side.
WINDOWS_SECONDS = {"24h": 86400.0, "72h": 3 * 86400.0, "7d": 7 * 86400.0, "30d": 30 * 86400.0}
LONGEST_SECONDS = max(WINDOWS_SECONDS.values())
LONGEST_CALL_SECONDS = 7 * 86400  # what is taken in from other systems; calls taken here end within a day


class Outcome(StrEnum):
    """How a call ended, as its caller would put it. Exactly one each."""

    SELF_SERVED = "self_served"
    ANSWERED = "answered"
    ABANDONED_IN_MENU = "abandoned_in_menu"
    ABANDONED_IN_QUEUE = "abandoned_in_queue"
    ABANDONED_WHILE_RINGING = "abandoned_while_ringing"
    CALLBACK_REQUESTED = "callback_requested"
    VOICEMAIL = "voicemail"
    TRANSFERRED_OUT = "transferred_out"
    CLOSED = "closed"
    FAILED = "failed"


class FcrState(StrEnum):
    """How far a contact's first-call resolution may be relied on."""

    PROVISIONAL = "provisional"  # the window is open: the caller may still call again
    FINAL = "final"
    EXCLUDED = "excluded"  # does not count; `fcr_excluded` says why


class Excluded(StrEnum):
    """Why a call does not count for first-call resolution."""

    FOLLOW_UP = "follow_up"  # part of an earlier call's contact
    OUTBOUND = "outbound"
    WITHHELD_NUMBER = "withheld_number"
    SHARED_NUMBER = "shared_number"
    NO_REQUEST = "no_request"
    UNSERVED = "unserved"  # abandoned, closed, failed, promised but not kept: neither success nor failure


class VisitResult(StrEnum):
    """What became of one stay in a queue. Everything offered to a queue is in exactly one of these."""

    ANSWERED = "answered"
    ABANDONED = "abandoned"
    DIVERTED = "diverted"
    CALLBACK = "callback"
    SOLVED = "solved"
    WAITING = "waiting"
    UNKNOWN = "unknown"  # the journal does not say: reported as what does not add up


@dataclass(frozen=True)
class Rules:
    """What records need to know beyond the journal. `topics` groups intents into issues; `not_issues` are about nothing."""

    topics: dict[str, str] = field(default_factory=dict)
    not_issues: frozenset[str] = frozenset(
        {"speak_to_someone", "agent", "repeat", "help", "main_menu", "wait", "yes", "no", "goodbye"}
    )
    shared_numbers: frozenset[str] = frozenset()
    teams: dict[str, str] = field(default_factory=dict)  # agent -> team, at the time of the call
    target_seconds: float = 20.0
    short_abandon_seconds: float = 5.0
    window_seconds: float = 7 * 86400.0


@dataclass(frozen=True)
class Retention:
    """How long each class of data is kept after the call's end."""

    events: timedelta = timedelta(days=400)
    utterances: timedelta = timedelta(days=90)
    calls: timedelta = timedelta(days=800)
    deliveries: timedelta = timedelta(days=30)


@dataclass(frozen=True)
class Leg:
    """One agent's part of a call. `handle_seconds` = talk + hold + wrap-up."""

    leg_id: str | None
    agent: str
    team: str | None
    queue: str | None
    answered_at: datetime
    ended_at: datetime | None
    ring_seconds: float = 0.0
    talk_seconds: float = 0.0
    hold_seconds: float = 0.0
    wrap_up_seconds: float = 0.0
    wrap_up_capped: bool = False
    wrap_up_pending: bool = False
    ended: str | None = None
    disposition: str | None = None
    resolved: bool | None = None

    @property
    def handle_seconds(self) -> float:
        """Talk, hold and wrap-up together."""
        return round(self.talk_seconds + self.hold_seconds + self.wrap_up_seconds, 3)


@dataclass(frozen=True)
class OutsideTalk:
    """A talk of the caller with a number outside: no agent's leg, and part of nobody's handle time.

    `to` is the directory's entry; `by` the agent who handed over (None: the flow did); `warm`: the agent asked there first.
    """

    to: str | None
    by: str | None
    warm: bool
    started_at: datetime
    ended_at: datetime | None
    seconds: float


@dataclass(frozen=True)
class Visit:
    """One stay in a queue; `waited_seconds` includes the ringing at its end."""

    queue: str
    queued_at: datetime
    ended_at: datetime | None
    waited_seconds: float
    result: VisitResult
    cause: str | None = None


@dataclass(frozen=True)
class SurveyAnswer:
    """One question put to the caller; `answer` is None where the caller gave none."""

    question: str
    answer: str | None
    scale: str | None
    direction: str | None
    mode: str | None
    at: datetime


@dataclass(frozen=True)
class Issue:
    """What a contact was about: two contacts are about the same when topic and entity (where both have one) are equal."""

    topic: str
    entity: str
    intent: str


@dataclass(frozen=True)
class CallRecord:
    """One call, computed from its journal. Definitions: docs/metrics.md."""

    call_id: str
    contact_id: str
    direction: str
    from_number: str | None
    to_number: str | None
    caller_kind: str
    attestation: str | None
    person: str | None
    customer_id: str | None
    customer_name: str | None
    segment: str | None
    language: str | None
    flow: str | None
    revision: str | None
    intents: tuple[str, ...]
    intent: str | None
    entity: str | None
    model: str | None
    queue: str | None
    agent: str | None
    team: str | None
    started_at: datetime
    queued_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    menu_seconds: float
    queue_seconds: float
    ring_seconds: float
    outcome: Outcome
    abandoned_where: str | None
    ended_by: str | None
    transfers: int
    transferred_inside: bool
    by_callback: bool
    disposition: str | None
    resolved: bool | None
    survey: tuple[SurveyAnswer, ...]
    survey_offered: bool
    recording: dict[str, Any] | None
    asked: bool
    self_service: bool
    goal_confirmed: bool
    reasked: int
    excluded: Excluded | None  # as far as this call alone can tell
    legs: tuple[Leg, ...] = ()
    visits: tuple[Visit, ...] = ()
    issues: tuple[Issue, ...] = ()
    outside: tuple[OutsideTalk, ...] = ()

    @property
    def talk_seconds(self) -> float:
        return round(sum(leg.talk_seconds for leg in self.legs), 3)

    @property
    def hold_seconds(self) -> float:
        return round(sum(leg.hold_seconds for leg in self.legs), 3)

    @property
    def wrap_up_seconds(self) -> float:
        return round(sum(leg.wrap_up_seconds for leg in self.legs), 3)

    @property
    def handle_seconds(self) -> float:
        """Talk, hold and wrap-up of all legs."""
        return round(sum(leg.handle_seconds for leg in self.legs), 3)

    @property
    def handled(self) -> bool:
        """True where an agent was connected."""
        return bool(self.legs)


# The record's public fields, in the order of every export. `legs` is nested and left out of flat files.
RECORD_FIELDS = (
    "call_id", "contact_id", "direction", "from_number", "to_number", "customer_id", "customer_name", "language", "flow", "revision",
    "intents", "queue", "agent", "started_at", "queued_at", "answered_at", "ended_at", "menu_seconds", "queue_seconds", "ring_seconds",
    "talk_seconds", "hold_seconds", "wrap_up_seconds", "handle_seconds", "outcome", "ended_by", "transfers", "disposition", "resolved",
    "fcr", "fcr_state", "fcr_decided_at", "survey", "recording",
)  # fmt: skip
# What stands beside them: for analysis, and to see why a figure counts a call.
EXTRA_FIELDS = (
    "fcr_excluded", "repeat_call_id", "repeat_seconds", "segment", "team", "intent", "entity", "model", "abandoned_where", "attestation",
    "contact_handle_seconds", "wrap_up_pending", "corrected", "updated_at",
)  # fmt: skip
# What figures go by besides, given as `basis` in JSON: with it, every figure can be computed again from public rows.
BASIS_FIELDS = (
    "handled", "by_callback", "transferred_inside", "self_service", "goal_confirmed", "return_seconds", "reasked", "survey_offered",
)  # fmt: skip
