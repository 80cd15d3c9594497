"""Prompt texts with `{{ fact.field | reading }}` in them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ivr.language.expression_mistakes import Mistake
from ivr.language.expressions import fact_value
from ivr.language.names import READINGS
from ivr.language.problems import did_you_mean, quoted
from ivr.language.values import FactName, Facts, Position, Reading

LONGEST = 2_000
MOST_PLACES = 30
_PLACE = re.compile(r"\{\{(?P<inside>[^{}]*)\}\}")
_INSIDE = re.compile(
    r"\s*(?P<root>[a-z_]\w*)\s*\.\s*(?P<field>[a-z_]\w*)\s*(?:\|\s*(?P<reading>\w+)\s*)?", re.ASCII | re.IGNORECASE
)


@dataclass(frozen=True)
class Placeholder:
    """`{{ order.due | day }}`: the fact's field, how it is read ("plain" without a reading) and where it stands in the text."""

    name: FactName
    reading: str
    offset: int
    length: int

    def __str__(self) -> str:
        return f"{{{{ {self.name} }}}}" if self.reading == "plain" else f"{{{{ {self.name} | {self.reading} }}}}"


@dataclass(frozen=True)
class CompiledTemplate:
    """See `values.Template`. `parts` are pieces of text and placeholders in order."""

    source: str
    at: Position
    names: tuple[FactName, ...]
    parts: tuple[str | Placeholder, ...] = field(default=(), repr=False)

    def render(self, facts: Facts, reading: Reading) -> str:
        """What is spoken; raises `Missing`. A value without a reading goes through reading "plain"."""
        spoken = []
        for part in self.parts:
            if isinstance(part, str):
                spoken.append(part)
            else:
                value: Any = fact_value(facts, part.name.root, part.name.field or "")
                spoken.append(reading(part.reading, value))
        return "".join(spoken)

    @property
    def placeholders(self) -> tuple[Placeholder, ...]:
        return tuple(part for part in self.parts if isinstance(part, Placeholder))


def normalised(text: str) -> str:
    """A sentence as a key for its translations: white space does not matter."""
    return " ".join(text.split())


def compile_template(source: str, at: Position, place: Callable[[int], Position] | None = None) -> CompiledTemplate:
    """Compile a prompt's text; raises `Mistake`. `place` maps an offset in `source` to a position in the file."""
    where = place or (lambda offset: Position(at.file, at.line, at.column + offset))
    if len(source) > LONGEST:
        raise Mistake(0, f"The text has {len(source)} characters; at most {LONGEST} are spoken.", "Split it into several steps.")
    parts: list[str | Placeholder] = []
    names: list[FactName] = []
    end = 0
    for match in _PLACE.finditer(source):
        _no_stray_brackets(source, end, match.start())
        parts.append(source[end : match.start()])
        placeholder = _placeholder(match, where)
        parts.append(placeholder)
        names.append(placeholder.name)
        end = match.end()
    _no_stray_brackets(source, end, len(source))
    parts.append(source[end:])
    if len(names) > MOST_PLACES:
        raise Mistake(0, f"The text has more than {MOST_PLACES} placeholders.", "Split it into several steps.")
    return CompiledTemplate(source, at, tuple(names), tuple(part for part in parts if part != ""))


def _placeholder(match: re.Match[str], where: Callable[[int], Position]) -> Placeholder:
    inside, start = match["inside"], match.start("inside")
    begin = start + len(inside) - len(inside.lstrip())
    if not inside.strip():
        raise Mistake(
            match.start(),
            "Nothing stands between {{ and }}.",
            "Write a fact's field, such as {{ order.due | day }}.",
            len(match[0]),
        )
    found = _INSIDE.fullmatch(inside)
    if not found:
        raise _misread(inside.strip(), begin)
    reading = (found["reading"] or "plain").casefold()
    if reading not in READINGS:
        raise Mistake(
            start + found.start("reading"),
            f"There is no reading {quoted(found['reading'])}.",
            did_you_mean(reading, READINGS),
            len(found["reading"]),
        )
    return Placeholder(FactName(found["root"], found["field"], where(begin)), reading, match.start(), len(match[0]))


def _misread(inside: str, begin: int) -> Mistake:
    length = max(1, len(inside))
    if inside.count("|") > 1:
        return Mistake(begin, "One reading is enough.", "Write {{ order.due | day }}.", length)
    if re.fullmatch(r"[A-Za-z_]\w*(?:\s*\|\s*\w+)?", inside):
        root = inside.split("|")[0].strip()
        return Mistake(
            begin, f"{quoted(root)} is a whole fact; one of its fields can be spoken.", f"Write {{{{ {root}.field }}}}.", length
        )
    if re.search(r"==|!=|[<>]|\b(?:and|or|not|if)\b", inside):
        return Mistake(begin, "There are no conditions inside a prompt.", "Use variants: a list of `when` and `text`.", length)
    return Mistake(
        begin, f"{quoted(inside)} is not a fact's field.", "Write {{ fact.field }} or {{ fact.field | reading }}.", length
    )


def _no_stray_brackets(source: str, begin: int, end: int) -> None:
    between = source[begin:end]
    for stray, message, hint in (
        ("{{", "These brackets are never closed.", "Write }} after the name."),
        ("}}", "These brackets close nothing.", "Write {{ before the name."),
        ("{%", "There are no conditions inside a prompt.", "Use variants: a list of `when` and `text`."),
    ):
        found = between.find(stray)
        if found >= 0:
            raise Mistake(begin + found, message, hint, 2)
    single = re.search(r"\{\s*[A-Za-z_]\w*\s*\.\s*[A-Za-z_]\w*[^{}]*\}", between)
    if single:
        raise Mistake(
            begin + single.start(),
            "One pair of brackets is spoken as it stands.",
            "Write {{ and }}, two on each side.",
            len(single[0]),
        )
