"""Broken flows and what lint has to say about them: `broken/NAME.yaml` (or a folder NAME) beside `broken/NAME.expected`.

After a change of wording: `python -m tests.language.broken_files` writes the expectations anew; read the difference before committing.
"""

from __future__ import annotations

from pathlib import Path

import ivr.steps  # registers every kind of step
from ivr.language.bundle import compile_bundle, flow_files
from ivr.language.problems import Findings, shown
from ivr.language.rules import severities
from ivr.language.source import decode
from tests.language.world_of_names import NAMES

FOLDER = Path(__file__).parent / "broken"
assert ivr.steps


def cases() -> list[Path]:
    """Every broken flow: a file, or a folder of several."""
    return sorted(path for path in FOLDER.iterdir() if path.is_dir() or path.suffix == ".yaml")


def told(case: Path) -> str:
    """What lint prints about a case."""
    contents = flow_files(case) if case.is_dir() else {"line.yaml": case.read_bytes()}
    findings = Findings(severities())
    texts = {name: text for name, content in contents.items() if (text := decode(content, name, findings)) is not None}
    compiled = compile_bundle(texts, NAMES, findings)
    assert compiled.bundle is None or all(problem.severity == "warning" for problem in compiled.problems)
    lines = {name: text.replace("\r\n", "\n").split("\n") for name, text in texts.items()}
    return "".join(f"{problem.severity} {shown(problem, lines.get(problem.file, []))}\n" for problem in compiled.problems)


def expectation(case: Path) -> Path:
    return case.with_name(f"{case.stem}.expected")


if __name__ == "__main__":
    for each in cases():
        expectation(each).write_text(told(each), encoding="utf-8")
