"""What can be done to a call. The engine returns these; a carrier writes them as its own document.

Order matters: actions are carried out one after another. Listen, Record, Charge, Wait, Join, Dial, Continue and Hangup end a
turn: nothing after them is reached.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Action:
    """Base of all actions."""


@dataclass(frozen=True)
class Say(Action):
    """Speak `text` (plain text, never markup) in `language` (BCP 47)."""

    text: str
    language: str = "en-GB"


@dataclass(frozen=True)
class Play(Action):
    """Play a recording by name (a file of the published flows' `audio/` folder) or http(s) address; `text` is spoken where it is missing."""

    audio: str
    text: str = ""
    language: str = "en-GB"


@dataclass(frozen=True)
class Pause(Action):
    """Silence on purpose."""

    seconds: int = 1


@dataclass(frozen=True)
class Listen(Action):
    """Speak `prompts`, then take keys, speech or both. Silence comes back as an event too.

    `digits`: exactly so many keys end the input (0: any number, ended by `finish_key` or a pause). `secret`: keypad only, never
    logged or kept by the carrier's recogniser. `hints`: words worth recognising. `barge_in`: the caller may interrupt.
    """

    prompts: tuple[Say | Play | Pause, ...] = ()
    keys: bool = True
    speech: bool = True
    digits: int = 0
    finish_key: str = "#"
    silence_seconds: int = 5
    hints: tuple[str, ...] = ()
    language: str = "en-GB"
    barge_in: bool = True
    secret: bool = False


@dataclass(frozen=True)
class Record(Action):
    """Record the caller after a tone (voicemail)."""

    longest_seconds: int = 120
    silence_seconds: int = 5
    finish_key: str = "#"


@dataclass(frozen=True)
class Charge(Action):
    """Let the carrier take a card payment; the digits never reach this program. `amount` is a decimal text, e.g. "41.90"."""

    amount: str
    currency: str
    description: str = ""
    language: str = "en-GB"


@dataclass(frozen=True)
class Wait(Action):
    """Put the caller in `queue`. `needs` maps skill to least level; `rings` are later, wider needs by seconds waited.

    `head_start_seconds` is the priority: so many seconds' advantage over a caller who arrived at the same moment. `context` is
    what the agent shall know (who, why, what was tried).
    """

    queue: str
    needs: dict[str, int] = field(default_factory=dict)
    preferred: dict[str, int] = field(default_factory=dict)
    rings: tuple[tuple[float, dict[str, int]], ...] = ()
    head_start_seconds: float = 0.0
    longest_wait_seconds: float = 900.0
    sticky_agent: str | None = None
    sticky_seconds: float = 0.0
    context: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Join(Action):
    """Bring this leg into a conversation (a conference room). `starts`: it begins when this leg joins; `ends`: it ends when this leg leaves."""

    room: str
    label: str
    starts: bool = True
    ends: bool = False
    muted: bool = False


@dataclass(frozen=True)
class Dial(Action):
    """Connect the caller to a number outside (a transfer that leaves this system)."""

    number: str
    ring_seconds: int = 30
    caller_id: str | None = None


@dataclass(frozen=True)
class Send(Action):
    """Send a text message to the caller."""

    text: str
    to_number: str


@dataclass(frozen=True)
class PlaceCallback(Action):
    """Promise a call back: the caller keeps the place in `queue` after hanging up. `at` is RFC 3339 for a chosen time, else as soon as it is their turn."""

    queue: str
    number: str
    needs: dict[str, int] = field(default_factory=dict)
    rings: tuple[tuple[float, dict[str, int]], ...] = ()
    head_start_seconds: float = 0.0
    at: str | None = None
    context: dict[str, object] = field(default_factory=dict)
    text: str = ""  # sent to the number once it is promised, with a link to move it or take it back; empty: nothing is sent


@dataclass(frozen=True)
class ChangeCallback(Action):
    """Move a promised callback to `at` (RFC 3339), or take it back where `at` is None."""

    callback_id: str
    at: str | None = None


@dataclass(frozen=True)
class Leave(Action):
    """Leave the queue: only while waiting. The call goes on with the step's exit for `result` (see WaitEnded)."""

    result: str = "left"


@dataclass(frozen=True)
class Continue(Action):
    """Come straight back for the next turn (used to say something while a slow look-up runs)."""


@dataclass(frozen=True)
class Hangup(Action):
    """End the call."""
