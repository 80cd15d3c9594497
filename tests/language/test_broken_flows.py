"""Each broken flow gets exactly the messages that stand beside it, every rule has one, and none takes long."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ivr.language.rules import RULES
from tests.language.broken_files import cases, expectation, told

SLOWEST_SECONDS = 4.0  # of processor time: other programs of the machine do not count


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.stem)
def test_messages(case: Path) -> None:
    started = time.thread_time()
    found = told(case)
    assert time.thread_time() - started < SLOWEST_SECONDS
    assert found == expectation(case).read_text(encoding="utf-8")


def test_every_rule_has_a_broken_flow() -> None:
    everything = "".join(expectation(case).read_text(encoding="utf-8") for case in cases())
    generated_elsewhere = {"too-large"}
    assert {name for name in RULES if f"[{name}]" not in everything} - generated_elsewhere == set()


def test_every_message_names_a_registered_rule() -> None:
    for case in cases():
        for line in expectation(case).read_text(encoding="utf-8").splitlines():
            if line.startswith(("error ", "warning ")):
                assert line.rsplit("[", 1)[1].rstrip("]") in RULES, line


def test_no_expectation_without_its_flow() -> None:
    folder = cases()[0].parent
    assert {path.stem for path in folder.glob("*.expected")} == {case.stem for case in cases()}
