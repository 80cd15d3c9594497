"""What the settings of a step become once read: positions, expressions, prompts, reprompts, options.

Expressions and templates are compiled by `ivr.language.expressions`; here is only their shape, so that steps can be written
against it. Facts are plain: `{"customer": {"first_name": "Ana"}, "now": {"hour": 9}}`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

Facts = Mapping[str, Mapping[str, Any]]
Reading = Callable[[str, Any], str]  # (name of the reading: "day", value) -> what is spoken, in the call's language


@dataclass(frozen=True, order=True)
class Position:
    """A place in a file; line and column count from 1."""

    file: str
    line: int
    column: int


@dataclass(frozen=True)
class FactName:
    """`order.due` as used somewhere: root, field (None: the whole fact) and where it stands."""

    root: str
    field: str | None
    at: Position

    def __str__(self) -> str:
        return f"{self.root}.{self.field}" if self.field else self.root


class Missing(Exception):
    """An expression or prompt needs a fact that is not there. `fact` names it ("order.due")."""

    def __init__(self, fact: str) -> None:
        super().__init__(f"{fact} is not known")
        self.fact = fact


class Expression(Protocol):
    """A compiled expression."""

    @property
    def source(self) -> str: ...

    @property
    def at(self) -> Position: ...

    @property
    def names(self) -> tuple[FactName, ...]: ...

    def evaluate(self, facts: Facts) -> Any:
        """The value; raises `Missing` where a fact is not there. Never anything else."""
        ...

    def holds(self, facts: Facts) -> bool:
        """The value as yes or no; a missing fact means no."""
        ...


class Template(Protocol):
    """A prompt's text with `{{ fact.field | reading }}` in it. `source` is what translators translate."""

    @property
    def source(self) -> str: ...

    @property
    def at(self) -> Position: ...

    @property
    def names(self) -> tuple[FactName, ...]: ...

    def render(self, facts: Facts, reading: Reading) -> str:
        """What is spoken; raises `Missing`. A value without a reading goes through reading "plain"."""
        ...


@dataclass(frozen=True)
class Variant:
    """One way to say a prompt. The first whose `when` holds (and whose facts are there) is said."""

    text: Template
    when: Expression | None = None
    audio: str | None = None


@dataclass(frozen=True)
class Prompt:
    """Something said: one or more variants."""

    variants: tuple[Variant, ...]
    at: Position


@dataclass(frozen=True)
class Reprompts:
    """What is said after silence and after an unclear answer, one after another. Short form: both lists are the same."""

    silence: tuple[Prompt, ...] = ()
    unclear: tuple[Prompt, ...] = ()


@dataclass(frozen=True)
class Option:
    """One choice of a menu (text, key, intent) or of a decide (when, go)."""

    go: str
    at: Position
    when: Expression | None = None
    text: Prompt | None = None
    key: str | None = None  # "0".."9", "*", "#" (written star and hash in YAML)
    intent: str | None = None
    positions: Mapping[str, Position] = field(default_factory=dict)


@dataclass(frozen=True)
class Valued:
    """`{when: ..., value: ...}`: the first that holds gives the number."""

    value: float
    when: Expression | None = None


@dataclass(frozen=True)
class Ring:
    """`{after: 60s, needs: {...}}`: from then on these needs are enough."""

    after_seconds: float
    needs: Mapping[str, int]


@dataclass(frozen=True)
class Offer:
    """`{when: ..., go: ...}`: an exit offered while waiting."""

    go: str
    at: Position
    when: Expression | None = None
