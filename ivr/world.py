"""What the engine may ask of the outside: time, look-ups, understanding, queues. Everything impure comes in through here.

The live service, the console's test call, flow tests and replay each give their own `World`; the engine cannot tell them apart.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from ivr.call import Caller, Session
from ivr.house import House


@dataclass(frozen=True)
class Candidate:
    """An intent that may be meant, with calibrated probability 0..1."""

    intent: str
    confidence: float


@dataclass(frozen=True)
class Slot:
    """A value heard in speech. `kind` as in `ask: as:`; `value` is plain JSON (digits as text, money as decimal text, dates as ISO)."""

    kind: str
    value: Any
    text: str = ""
    sureness: float = 1.0


@dataclass(frozen=True)
class Understanding:
    """What a sentence means. Candidates best first; `out_of_scope`: nothing this line serves. `also` is a second intent of the sentence."""

    text: str
    candidates: tuple[Candidate, ...] = ()
    out_of_scope: bool = False
    slots: tuple[Slot, ...] = ()
    also: tuple[Candidate, ...] = ()
    model: str = ""

    @property
    def best(self) -> Candidate | None:
        return self.candidates[0] if self.candidates else None


@dataclass(frozen=True)
class LookUp:
    """Outcome of a look-up. `result`: found | not_found | failed."""

    result: str
    fields: dict[str, Any] = field(default_factory=dict)
    ms: float = 0.0
    cached: bool = False
    error: str = ""


@dataclass(frozen=True)
class QueueNow:
    """A queue at this moment, as a flow may ask about it (fact `queue`). None: not known, and then nothing is announced."""

    open: bool = True
    staffed: bool = True
    waiting: int = 0
    wait_minutes: float | None = None  # upper estimate: eight of ten callers wait less
    position: int | None = None


@dataclass(frozen=True)
class Promised:
    """A callback that this caller is owed. `at`: the time chosen, aware; None: when it is their turn. `ringing`: it is dialled at this very
    moment, and can be neither moved nor taken back."""

    callback_id: str
    queue: str
    at: datetime | None = None
    ringing: bool = False


@dataclass(frozen=True)
class Answer:
    """A short spoken answer from config/answers.yaml with its similarity 0..1."""

    question: str
    text: str
    score: float


class World(Protocol):
    """What `take_turn` needs. Each method answers within its own time limit and never raises for an outside failure."""

    @property
    def now(self) -> datetime:
        """Aware UTC."""
        ...

    @property
    def house(self) -> House:
        """Wording and thresholds that hold in every flow (config/phrases.yaml, config/intents.yaml)."""
        ...

    def local(self, moment: datetime) -> datetime:
        """`moment` in the line's own time zone, for prompts and `now.hour`."""
        ...

    def facts_of(self, caller: Caller, wanted: tuple[str, ...], within_seconds: float) -> dict[str, LookUp]:
        """The facts a flow asks for (`facts:`) about a caller, by fact name; fetched side by side.

        The engine asks for two built-in ones as well, which may be left out of the answer: `caller` (repeat, calls_today,
        last_reason, last_agent, callback_promised, callback_at) and `today` (holiday, holiday_name, open).
        """
        ...

    def look_up(self, connector: str, arguments: dict[str, Any], within_seconds: float) -> LookUp:
        """Ask a connector of config/connectors.yaml."""
        ...

    def check_secret(self, session: Session, method: str, value: str) -> tuple[bool, int]:
        """Step-up identification: (right, tries left); attempts are limited per call, caller and account."""
        ...

    def understand(self, text: str, language: str, intents: tuple[str, ...]) -> Understanding:
        """The meaning of `text` among `intents` (empty: all configured), with slots."""
        ...

    def read_slot(self, kind: str, text: str, language: str, length: int | None, known: tuple[str, ...]) -> Slot | None:
        """Read `text` as a value of `kind` (digits, number, money, date, time, yes_no, name, email, postcode, text). `known`: values of this caller, preferred when close."""
        ...

    def number_of(self, entry: str) -> str | None:
        """The E.164 number of an entry of the directory (config/numbers.yaml), or None where there is none."""
        ...

    def reachable_number(self, caller: Caller, purpose: str) -> str | None:
        """The E.164 number this caller may be rung back or texted on, or None where policy refuses. `purpose`: callback | text."""
        ...

    def promised(self, caller: Caller) -> Promised | None:
        """The callback promised to this caller's own number, where one is owed; None once it is talked to or over."""
        ...

    def queue(self, name: str, needs: dict[str, int]) -> QueueNow:
        """How a queue stands for somebody with these needs."""
        ...

    def answer(self, text: str, language: str) -> Answer | None:
        """The best knowledge answer above its threshold."""
        ...
