"""A `World` without callers, queues or a clock of its own: for `ivr flows try`, flow tests, publishing and the console's test call.

Configuration, wording, local tables and the recogniser are the real ones (`Outside`); time is driven by hand, and whatever a test
gives (facts, look-ups, queues, what a sentence means) takes their place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from ivr.call import Caller, CallerKind, Session
from ivr.configuration import load_configuration, names_of
from ivr.configuration.model import Configuration
from ivr.connectors.lookups import Connectors
from ivr.house import House
from ivr.intents.slots import read_slot
from ivr.language.names import Names
from ivr.numbers import callback_number, caller_of
from ivr.phrases import load_house
from ivr.world import Answer, Candidate, LookUp, Promised, QueueNow, Slot, Understanding

PLAIN_TIME = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
"""A Tuesday morning: when a rehearsal happens unless it says otherwise."""
TRIES = 3
_FRESH_SECONDS = 1e7


class Recognises(Protocol):
    """What a rehearsal needs of a recogniser."""

    def understand(self, text: str, language: str, intents: tuple[str, ...] = ()) -> Understanding: ...


class Answers(Protocol):
    """What a rehearsal needs of the knowledge answers."""

    def find(self, text: str, language: str) -> Answer | None: ...


@dataclass
class Clock:
    """The time that connectors see: that of the rehearsal under way."""

    now: datetime = PLAIN_TIME
    monotonic: float = 0.0


@dataclass(frozen=True)
class Outside:
    """The real surroundings of rehearsals, shared by many. `is_open` and `day` come from who knows the calendar."""

    configuration: Configuration = field(default_factory=Configuration)
    house: House = field(default_factory=House)
    connectors: Connectors | None = None
    recogniser: Recognises | None = None
    answers: Answers | None = None
    is_open: Callable[[str, datetime], bool] = lambda queue, now: True
    day: Callable[[datetime], Mapping[str, Any]] = lambda now: {}
    clock: Clock = field(default_factory=Clock)

    @classmethod
    def of(cls, folder: Path, **more: Any) -> Outside:
        """The surroundings that the configuration in `folder` describes; `more` are further fields (recogniser, is_open …)."""
        configuration = load_configuration(folder)
        clock = Clock()
        connectors = Connectors(configuration, folder, now=lambda: clock.now, clock=lambda: clock.monotonic)
        return cls(configuration, load_house(folder)[0], connectors, clock=clock, **more)

    @property
    def names(self) -> Names:
        """What flows may name here."""
        return names_of(self.configuration)

    def caller(self, written: str) -> Caller:
        """Who calls from `written`: a number, "withheld", sip:… or client:…"""
        numbers = self.configuration.numbers
        return caller_of(written, shared=numbers.shared, home_region=numbers.home_region)

    def close(self) -> None:
        """Let the connectors' threads go."""
        if self.connectors is not None:
            self.connectors.close()


@dataclass(frozen=True)
class Given:
    """What a rehearsal gives instead of the real surroundings.

    `facts` and `lookups` hold outcomes by fact and connector (a look-up's are used one after another, the last one stays);
    `understood` maps a sentence (small letters) to intents with confidence ("also x" for a second one), empty for out of scope; `secrets` maps a method of
    identification to the right answer; `answers` maps a question to its answer.
    """

    facts: Mapping[str, LookUp] = field(default_factory=dict)
    lookups: Mapping[str, tuple[LookUp, ...]] = field(default_factory=dict)
    queues: Mapping[str, QueueNow] = field(default_factory=dict)
    understood: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)


class Rehearsal:
    """See `ivr.world.World`. `tick` lets time pass."""

    def __init__(self, outside: Outside, given: Given | None = None, now: datetime = PLAIN_TIME) -> None:
        self.outside = outside
        self.given = given or Given()
        self._now = now
        self._asked: dict[str, int] = {}
        self._tries = TRIES
        outside.clock.monotonic += _FRESH_SECONDS  # nothing cached in another rehearsal counts
        outside.clock.now = now

    @property
    def now(self) -> datetime:
        return self._now

    @property
    def house(self) -> House:
        return self.outside.house

    def tick(self, seconds: float) -> None:
        """Let `seconds` pass."""
        self._now += timedelta(seconds=seconds)
        self.outside.clock.now = self._now
        self.outside.clock.monotonic += seconds

    def local(self, moment: datetime) -> datetime:
        return moment.astimezone(ZoneInfo(self.outside.configuration.timezone))

    def facts_of(self, caller: Caller, wanted: tuple[str, ...], within_seconds: float) -> dict[str, LookUp]:
        found = {name: self.given.facts[name] for name in wanted if name in self.given.facts}
        rest = tuple(name for name in wanted if name not in found and name not in ("caller", "today"))
        if rest and self.outside.connectors is not None:
            found |= self.outside.connectors.facts_of(caller, rest, within_seconds)
        if "today" in wanted and "today" not in found:
            found["today"] = LookUp("found", dict(self.outside.day(self._now)))
        return found

    def look_up(self, connector: str, arguments: dict[str, Any], within_seconds: float) -> LookUp:
        outcomes = self.given.lookups.get(connector)
        if outcomes:
            number = self._asked[connector] = self._asked.get(connector, -1) + 1
            return outcomes[min(number, len(outcomes) - 1)]
        if self.outside.connectors is None:
            return LookUp("failed", error="no connectors here")
        return self.outside.connectors.look_up(connector, arguments, within_seconds)

    def check_secret(self, session: Session, method: str, value: str) -> tuple[bool, int]:
        if self._tries <= 0:
            return False, 0
        if self.given.secrets.get(method) == value:
            return True, self._tries
        self._tries -= 1
        return False, self._tries

    def understand(self, text: str, language: str, intents: tuple[str, ...]) -> Understanding:
        meant = self.given.understood.get(" ".join(text.casefold().split()))
        if meant is not None:
            candidates = [Candidate(intent, share) for intent, share in meant.items() if not intents or intent in intents]
            candidates.sort(key=lambda candidate: -candidate.confidence)
            also = tuple(
                Candidate(name.removeprefix("also "), share) for name, share in meant.items() if name.startswith("also ")
            )
            return Understanding(text, tuple(candidates), out_of_scope=not candidates, also=also, model="given")
        if self.outside.recogniser is None:
            return Understanding(text, out_of_scope=True)
        return self.outside.recogniser.understand(text, language, intents)

    def read_slot(self, kind: str, text: str, language: str, length: int | None, known: tuple[str, ...]) -> Slot | None:
        return read_slot(kind, text, language, length, known, today=self.local(self._now).date())

    def number_of(self, entry: str) -> str | None:
        found = self.outside.configuration.numbers.directory.get(entry)
        return found.number if found else None

    def reachable_number(self, caller: Caller, purpose: str) -> str | None:
        rules = self.outside.configuration.numbers.callbacks
        if not rules.regions:  # no policy configured here: any number that somebody can be rung back on
            return caller.number if caller.kind is CallerKind.PHONE else None
        return callback_number(None, caller, rules).number

    def promised(self, caller: Caller) -> Promised | None:
        known = self.given.facts.get("caller")
        return Promised("rehearsal", "") if known and known.fields.get("callback_promised") else None

    def queue(self, name: str, needs: dict[str, int]) -> QueueNow:
        if name in self.given.queues:
            return self.given.queues[name]
        return QueueNow(open=self.outside.is_open(name, self._now))

    def answer(self, text: str, language: str) -> Answer | None:
        if text in self.given.answers:
            return Answer(text, self.given.answers[text], 1.0)
        return self.outside.answers.find(text, language) if self.outside.answers is not None else None
