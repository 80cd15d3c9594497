"""What is wrong with a file: problems as values, with the place, what was expected and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ivr.language.values import Position

ERROR = "error"
WARNING = "warning"
MOST_PROBLEMS = 200
"""More than this in one file helps nobody; the rest is counted, not told."""
LONGEST_QUOTE = 60
LONGEST_LINE = 150


@dataclass(frozen=True)
class Problem:
    """One mistake. `message` says what is wrong, `hint` what to do; `way` is how a caller meets it (empty where that is plain)."""

    file: str
    line: int
    column: int
    message: str
    rule: str
    severity: str = ERROR
    hint: str = ""
    length: int = 1
    way: tuple[str, ...] = ()

    def __str__(self) -> str:
        told = f"{self.message} {self.hint}".rstrip()
        return f"{self.file}:{self.line}:{self.column}: {told} [{self.rule}]"

    @property
    def order(self) -> tuple[str, int, int, str, str]:
        """Sort key: by place, then by rule."""
        return (self.file, self.line, self.column, self.rule, self.message)

    def to_plain(self) -> dict[str, Any]:
        """For `--json` and the console."""
        return {
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "length": self.length,
            "severity": self.severity,
            "rule": self.rule,
            "message": self.message,
            "hint": self.hint,
            "way": list(self.way),
        }


@dataclass
class Findings:
    """Collects problems while files are read. `severities` gives a rule's own severity (error where it is not named)."""

    severities: Mapping[str, str] = field(default_factory=dict)
    found: list[Problem] = field(default_factory=list)
    _seen: set[tuple[str, int, int, str, str]] = field(default_factory=set, repr=False)

    def add(self, at: Position, rule: str, message: str, hint: str = "", *, length: int = 1, way: Iterable[str] = ()) -> None:
        """Note a problem; one told already is not told twice."""
        problem = Problem(
            at.file, at.line, at.column, message, rule, self.severities.get(rule, ERROR), hint, max(1, length), tuple(way)
        )
        if problem.order in self._seen:
            return
        self._seen.add(problem.order)
        self.found.append(problem)

    def sorted(self) -> tuple[Problem, ...]:
        """Everything found, by place, at most `MOST_PROBLEMS`."""
        return tuple(sorted(self.found, key=lambda problem: problem.order)[:MOST_PROBLEMS])


def shown(problem: Problem, lines: list[str]) -> str:
    """The problem as printed in a terminal: one sentence, then the line with a caret under the place, then the caller's way."""
    parts = [str(problem)]
    if 1 <= problem.line <= len(lines) and lines[problem.line - 1].strip():
        text, column = _window(lines[problem.line - 1], problem.column - 1)
        before = text[:column]
        margin = "".join("\t" if character == "\t" else " " for character in before)
        room = max(1, min(problem.length, len(text) - len(before)))
        parts += [f"    {printable(text)}", f"    {margin}{'^' * room}"]
    if problem.way:
        parts.append(f"    the caller's way: {' → '.join(problem.way)}")
    return "\n".join(parts)


def _window(text: str, column: int) -> tuple[str, int]:
    """At most `LONGEST_LINE` characters of a line around a column, and where that column is then."""
    if len(text) <= LONGEST_LINE:
        return text, column
    begin = max(0, min(column - LONGEST_LINE // 3, len(text) - LONGEST_LINE))
    shown_part = text[begin : begin + LONGEST_LINE]
    left, right = "…" if begin else "", "…" if begin + LONGEST_LINE < len(text) else ""
    return f"{left}{shown_part}{right}", column - begin + len(left)


def printable(text: str) -> str:
    """`text` with control characters replaced, so that a file cannot drive the terminal it is shown in."""
    return "".join(c if c == "\t" or c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def quoted(text: str) -> str:
    """`text` in double quotes, shortened and made printable, for use in a sentence."""
    told = printable(text.replace("\n", " ").replace("\t", " "))
    if len(told) > LONGEST_QUOTE:
        told = told[: LONGEST_QUOTE - 1] + "…"
    return f'"{told}"'


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant, or None."""
    names = [name for name in known if isinstance(name, str)]
    folded = word.casefold().replace("-", "_").replace(" ", "_")
    for name in names:
        if name.casefold() == folded:
            return name
    close = difflib.get_close_matches(word[:80], names, n=1, cutoff=0.65)
    return close[0] if close else None


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "Known here: ") -> str:
    """`Did you mean "x"?`, or the list of what is known, or nothing at all."""
    names = sorted(set(known))
    found = nearest(word, names)
    if found is not None:
        return f'Did you mean "{found}"?'
    if not names:
        return ""
    listed = ", ".join(names[:12]) + (" …" if len(names) > 12 else "")
    return f"{otherwise}{listed}."
