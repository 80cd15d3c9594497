"""Every mistake a supervisor can make in config/, and the sentences it gets: mistakes.txt holds them pair by pair.

Each block changes one place of a file in good/ (the first occurrence of the `-` lines becomes the `+` lines); the `!` lines are all
problems that may be told then, in order.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from ivr.configuration import load_configuration
from ivr.language.problems import Problem

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Mistake:
    file: str
    before: str
    after: str
    told: tuple[str, ...]


def read_mistakes() -> list[Mistake]:
    found = []
    for block in (HERE / "mistakes.txt").read_text("utf-8").strip().split("\n\n"):
        head, *lines = block.split("\n")

        def marked(sign: str, lines: list[str] = lines) -> list[str]:
            return [line[2:] for line in lines if line.startswith(sign)]

        found.append(Mistake(head.removeprefix("== "), "\n".join(marked("-")), "\n".join(marked("+")), tuple(marked("!"))))
    return found


def told(problem: Problem) -> str:
    return f"{problem} (warning)" if problem.severity == "warning" else str(problem)


def test_the_good_configuration_has_no_problem() -> None:
    assert load_configuration(HERE / "good").problems == ()


@pytest.mark.parametrize("mistake", read_mistakes(), ids=lambda mistake: f"{mistake.file}-{mistake.told[0].split(' ')[0]}")
def test_a_mistake_is_told_with_its_place_and_what_to_do(mistake: Mistake, tmp_path: Path) -> None:
    folder = shutil.copytree(HERE / "good", tmp_path / "config")
    text = (folder / mistake.file).read_text("utf-8")
    assert mistake.before in text
    (folder / mistake.file).write_text(text.replace(mistake.before, mistake.after, 1), "utf-8")

    assert tuple(told(problem) for problem in load_configuration(folder).problems) == mistake.told
