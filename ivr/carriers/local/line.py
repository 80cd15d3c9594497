"""One end of a call as its owner experiences it: what is audible when, what is said and pressed into it, who else can hear."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from ivr.carriers.local.pace import now


class Kind(StrEnum):
    """What an entry of a call's timeline tells."""

    RINGING = "ringing"
    ANSWERED = "answered"
    SAY = "say"  # a synthetic voice
    PLAY = "play"  # a recording
    PAUSE = "pause"  # silence on purpose
    TONE = "tone"  # beep, keys played by the service
    MUSIC = "music"  # the carrier's own music
    RINGBACK = "ringback"
    LISTENING = "listening"  # input is awaited
    SPOKE = "spoke"  # the owner of this line said something
    PRESSED = "pressed"
    UNHEARD = "unheard"  # the owner spoke or pressed, and nothing took it
    NO_INPUT = "no_input"
    PERSON = "person"  # somebody at another line said something
    TALK = "talk"  # connected with other people
    RECORDING = "recording"
    QUEUED = "queued"
    HELD = "held"
    JOINED = "joined"  # a conference
    LEFT = "left"
    REQUEST = "request"  # a webhook
    MESSAGE = "message"
    PROBLEM = "problem"
    ENDED = "ended"


# While one of these lasts, the owner is not in dead air.
COVERED = frozenset(
    {
        Kind.SAY,
        Kind.PLAY,
        Kind.PAUSE,
        Kind.TONE,
        Kind.MUSIC,
        Kind.RINGBACK,
        Kind.LISTENING,
        Kind.PERSON,
        Kind.TALK,
        Kind.RECORDING,
        Kind.RINGING,
    }
)


@dataclass
class Entry:
    """One line of the timeline. `seconds` is None while it lasts; times are wall-clock."""

    kind: Kind
    at: datetime
    text: str = ""
    who: str = ""
    seconds: float | None = 0.0
    cut: bool = False  # ended before its time: barge-in, hang-up
    more: dict[str, Any] = field(default_factory=dict)

    def close(self, *, cut: bool = False) -> None:
        """The entry lasts no longer."""
        if self.seconds is None:
            self.seconds = (now() - self.at).total_seconds()
            self.cut = cut

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        plain: dict[str, Any] = {"kind": self.kind.value, "at": self.at.isoformat(timespec="milliseconds"), "text": self.text}
        if self.who:
            plain["who"] = self.who
        if self.seconds is None or self.seconds:
            plain["seconds"] = None if self.seconds is None else round(self.seconds, 3)
        if self.cut:
            plain["cut"] = True
        return {**plain, **self.more}


@dataclass(frozen=True)
class Keys:
    """One key of the keypad."""

    key: str


@dataclass(frozen=True)
class Speech:
    """One utterance. `sureness` None: let the recogniser decide."""

    text: str
    sureness: float | None = None


class Listener:
    """Takes input from a line while a verb waits for it."""

    def __init__(self, *, keys: bool, speech: bool, secret: bool = False) -> None:
        self.keys = keys
        self.speech = speech
        self.secret = secret  # keys must not be written down
        self._inputs: deque[Keys | Speech | None] = deque()
        self._arrived = asyncio.Event()
        self.started = asyncio.Event()  # somebody began to speak or pressed: prompts stop
        self.speaking = False

    def begin(self) -> None:
        """Somebody begins to speak; what is said comes by `put`."""
        self.speaking = True
        self.started.set()

    def put(self, given: Keys | Speech | None) -> None:
        """Give input; None is deliberate silence of a patient caller."""
        if given is not None:
            self.started.set()
        self.speaking = False
        self._inputs.append(given)
        self._arrived.set()

    def waiting(self) -> bool:
        """True where input has come that nobody took yet."""
        return bool(self._inputs)

    async def arrival(self) -> None:
        """Returns once there is input to take. Taking is a step of its own, so that a time-out never loses any."""
        await self._arrived.wait()

    def take(self) -> Keys | Speech | None:
        """The next input; only after `arrival`."""
        given = self._inputs.popleft()
        if not self._inputs:
            self._arrived.clear()
        return given

    async def star(self) -> None:
        """Returns when the star is pressed; other input is dropped."""
        while True:
            await self.arrival()
            if self.take() == Keys("*"):
                return


class Mixer(Protocol):
    """Who hears what is said into a line while it is connected with other people."""

    def hearers(self, line: Line) -> list[Line]: ...


class Line:
    """The audio of one leg. Entries only grow; `changed` wakes everybody who waits for something to happen."""

    def __init__(self, name: str) -> None:
        self.name = name  # shown to whoever hears this line's owner
        self.entries: list[Entry] = []
        self.listener: Listener | None = None
        self.mixer: Mixer | None = None
        self.ended = False
        self.patient = False  # a person types: silence is what they say it is, not what the clock says
        self._bell = asyncio.Event()

    def ring_bell(self) -> None:
        """Wake everybody who waits for a change of this line."""
        self._bell.set()
        self._bell = asyncio.Event()

    async def changed(self, seconds: float | None = None) -> None:
        """Wait for the next change, or for so many wall-clock seconds."""
        bell = self._bell
        if seconds is None:
            await bell.wait()
            return
        try:
            async with asyncio.timeout(seconds):
                await bell.wait()
        except TimeoutError:
            return

    async def until(self, true: Callable[[], bool], seconds: float) -> bool:
        """Wait until `true()`, the end of the call, or so many wall-clock seconds; returns `true()`."""
        deadline = asyncio.get_running_loop().time() + seconds
        while not true():
            left = deadline - asyncio.get_running_loop().time()
            if self.ended or left <= 0:
                return False
            await self.changed(left)
        return True

    def note(self, kind: Kind, text: str = "", *, who: str = "", lasting: bool = False, **more: Any) -> Entry:
        """Write an entry; `lasting` ones are closed by their writer."""
        entry = Entry(kind, now(), text, who, None if lasting else 0.0, more=more)
        self.entries.append(entry)
        self.ring_bell()
        return entry

    def close(self, entry: Entry, *, cut: bool = False) -> None:
        """End a lasting entry and tell."""
        entry.close(cut=cut)
        self.ring_bell()

    def listen(self, listener: Listener | None) -> None:
        """From now on input goes to `listener`."""
        self.listener = listener
        self.ring_bell()

    def connect(self, mixer: Mixer | None) -> None:
        """From now on the owner talks with the people that `mixer` knows."""
        self.mixer = mixer
        self.ring_bell()

    def company(self) -> list[Line]:
        """The lines that hear this one now."""
        return self.mixer.hearers(self) if self.mixer and not self.ended else []

    def end(self) -> None:
        """Nothing can be heard or said any more."""
        self.ended = True
        self.listener = None
        self.mixer = None
        for entry in self.entries:
            entry.close(cut=True)
        self.ring_bell()


class PairMixer:
    """Two people, each hears the other."""

    def __init__(self, one: Line, other: Line) -> None:
        self.pair = (one, other)

    def hearers(self, line: Line) -> list[Line]:
        """The other end."""
        return [other for other in self.pair if other is not line and not other.ended]


def longest_dead_air_seconds(entries: list[Entry], start: datetime, end: datetime) -> float:
    """The longest stretch between `start` and `end` in which nothing was audible and nobody was listened to."""
    spans = sorted(
        (entry.at, (end - entry.at).total_seconds() if entry.seconds is None else entry.seconds)
        for entry in entries
        if entry.kind in COVERED
    )
    longest, covered_until = 0.0, start
    for at, seconds in spans:
        longest = max(longest, (min(at, end) - covered_until).total_seconds())
        until = at.timestamp() + seconds
        if until > covered_until.timestamp():
            covered_until = datetime.fromtimestamp(until, at.tzinfo)
    return max(0.0, longest, (end - covered_until).total_seconds())
