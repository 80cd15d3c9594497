"""How a step declares its settings. One declaration drives reading, messages, lint, graph, translation, JSON Schema and reference page.

@kind("say")
@dataclass(frozen=True)
class Say(Step):
    '''Say something and go on with the next step.'''

    say: Prompt = setting(PROMPT, "What the caller hears.", required=True)
    next: str | None = goes(FALLS, "Where the call goes afterwards; without it, the step below.")
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, ClassVar, TypeVar

from ivr.language.values import Position


class Kind(StrEnum):
    """What a setting holds; each has one reader (text with positions -> value), one schema and one wording for mistakes."""

    PROMPT = "prompt"  # text, list of variants -> Prompt
    REPROMPTS = "reprompts"  # list, or {silence: [...], unclear: [...]} -> Reprompts
    CONDITION = "condition"  # yes/no expression -> Expression
    EXPRESSION = "expression"  # value -> Expression
    DURATION = "duration"  # 30s, 5m, 1h -> float seconds
    NUMBER = "number"  # -> float
    WHOLE = "whole"  # -> int
    FLAG = "flag"  # yes | no -> bool
    CHOICE = "choice"  # one of `choices` -> str
    CHOICES = "choices"  # list of `choices` -> tuple[str, ...]
    TEXT = "text"  # -> str
    NAME = "name"  # a name from config/ or another flow (`of`: queue, connector, flow, directory, fact, skill) -> str
    FACT_FIELD = "fact_field"  # order.number -> "order.number"
    STEP = "step"  # the name of a step of this flow -> str
    MENU_OPTIONS = "menu_options"  # -> tuple[Option, ...]
    DECISIONS = "decisions"  # list of {when, go} -> tuple[Option, ...]
    NEEDS = "needs"  # {skill: level}; level 1-3 or basic, good, expert -> dict[str, int]
    RINGS = "rings"  # -> tuple[Ring, ...]
    VALUED = "valued"  # number, or list of {when, value} -> tuple[Valued, ...]
    OFFER = "offer"  # {when, go} -> Offer
    ARGUMENTS = "arguments"  # {name: expression} -> dict[str, Expression]
    ASSIGNMENTS = "assignments"  # {fact.field: expression} -> dict[str, Expression]


class Exit(StrEnum):
    """How a setting that names a step behaves as an edge of the flow."""

    FALLS = "falls"  # optional; without it the call goes on with the step below
    MUST = "must"  # a named ending that has to be wired
    MAY = "may"  # optional; `instead` names the setting whose target is used without it


@dataclass(frozen=True)
class Setting:
    """One declared setting of a step."""

    kind: Kind
    doc: str
    required: bool = False
    default: Any = None
    choices: tuple[str, ...] = ()
    of: str = ""
    least: float | None = None
    most: float | None = None
    exit: Exit | None = None
    instead: str | None = None
    yaml_name: str = ""  # where the word in YAML is no Python name: "as"
    chosen: bool = (
        False  # an exit that is only taken after the caller did something: it cannot carry a silent caller round in a circle
    )
    spoken: bool = False  # a prompt the caller hears while nothing else is decided (counted in seconds to a person)


def setting(kind: Kind, doc: str, **more: Any) -> Any:
    """Declare a setting; see `Setting` for `more`."""
    declared = Setting(kind, doc, **more)
    if isinstance(declared.default, dict):
        return field(default_factory=dict, metadata={"setting": declared}, kw_only=True)
    return field(default=declared.default, metadata={"setting": declared}, kw_only=True)


def goes(exit_: Exit, doc: str, instead: str | None = None, chosen: bool = False) -> Any:
    """Declare an ending of the step: where the call goes when ..."""
    return setting(Kind.STEP, doc, exit=exit_, required=exit_ is Exit.MUST, instead=instead, chosen=chosen)


_SETTINGS: dict[type[Step], dict[str, Setting]] = {}
"""Settings by class, read once: rules and the engine ask for them at every step."""


@dataclass(frozen=True)
class Step:
    """Base of all kinds of step. `positions` maps a setting's YAML name to where its value stands ("" : the step's name)."""

    word: ClassVar[str] = "?"
    reaches_person: ClassVar[bool] = False
    """True for kinds that bring the caller to a person, or the caller's wish to one: queue, transfer, callback, voicemail."""

    name: str = ""
    positions: Mapping[str, Position] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def settings(cls) -> dict[str, Setting]:
        """Declared settings by Python name, in order; the first is the verb."""
        found = _SETTINGS.get(cls)
        if found is None:
            found = _SETTINGS[cls] = {f.name: f.metadata["setting"] for f in fields(cls) if "setting" in f.metadata}
        return found

    @property
    def kind(self) -> str:
        """The word used in YAML."""
        return self.word


KINDS: dict[str, type[Step]] = {}
"""Every kind of step by the word used in YAML; filled by importing `ivr.steps`."""

S = TypeVar("S", bound=type[Step])


def kind(word: str, reaches_person: bool = False) -> Any:
    """Register a kind of step under the word used in YAML, which is also its first setting."""

    def register(cls: S) -> S:
        verb = next(iter(cls.settings().items()), None)
        if verb is None or (verb[1].yaml_name or verb[0]) != word:
            raise TypeError(f"the first setting of {cls.__name__} must be {word!r}")
        cls.word = word
        cls.reaches_person = reaches_person
        KINDS[word] = cls
        return cls

    return register
