"""What `ivr doctor` finds out, as values: an area, how bad it is, what was found and what to mend."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from ivr.language.problems import Problem

MOST_TOLD = 20
"""Of one file's problems; the command of its own tells all."""


class Grade(StrEnum):
    """How a finding counts: only errors make the command fail."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Finding:
    """One sentence about one part of the service; `mend` says what to do (empty where all is well)."""

    area: str
    grade: Grade
    found: str
    mend: str = ""


def ok(area: str, found: str) -> Finding:
    """All is well."""
    return Finding(area, Grade.OK, found)


def warning(area: str, found: str, mend: str) -> Finding:
    """Calls are taken, but not as well as they could be."""
    return Finding(area, Grade.WARNING, found, mend)


def error(area: str, found: str, mend: str) -> Finding:
    """Calls are not taken, or something that they need fails."""
    return Finding(area, Grade.ERROR, found, mend)


def of_problems(area: str, problems: Iterable[Problem], sound: str, command: str = "") -> Iterator[Finding]:
    """A finding for each problem of a file, at most `MOST_TOLD`; `sound` where there is none. `command` tells the rest."""
    told = 0
    hidden = 0
    for problem in sorted(problems, key=lambda problem: (problem.severity != "error", problem.order)):
        if told == MOST_TOLD:
            hidden += 1
            continue
        told += 1
        place = f"{problem.file}:{problem.line}:{problem.column}: {problem.message} [{problem.rule}]"
        yield Finding(area, Grade.ERROR if problem.severity == "error" else Grade.WARNING, place, problem.hint)
    if hidden:
        yield warning(
            area, f"There are {hidden} more problems.", f"Run `{command}` for all of them." if command else "Mend these first."
        )
    if not told:
        yield ok(area, sound)
