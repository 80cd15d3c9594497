"""docs/lint-rules.md and docs/flow-language.md say what the program does."""

from __future__ import annotations

import re

import pytest

import ivr.steps  # registers every kind of step
from ivr.language.bundle import compile_bundle
from ivr.language.fields import KINDS
from ivr.language.rules import RULES
from tests.language.pages import LANGUAGE_PAGE, RULES_PAGE, STEPS, language_page, rules_page
from tests.language.world_of_names import NAMES

assert ivr.steps
MAKE = "run: python -m tests.language.pages"


def test_rules_page_is_fresh() -> None:
    assert RULES_PAGE.read_text(encoding="utf-8") == rules_page(), MAKE


def test_steps_on_the_language_page_are_fresh() -> None:
    text = LANGUAGE_PAGE.read_text(encoding="utf-8")
    assert text == language_page(text), MAKE


def test_every_rule_is_explained() -> None:
    page = RULES_PAGE.read_text(encoding="utf-8")
    for name, rule in RULES.items():
        assert f"### {name}\n" in page
        assert len(rule.doc) > 25


@pytest.mark.parametrize("word", KINDS)
def test_the_example_of_a_step_is_sound(word: str) -> None:
    files = {"line.yaml": (STEPS / f"{word}.yaml").read_text(encoding="utf-8")}
    beside = STEPS / f"{word}.also.yaml"
    if beside.exists():
        files["also.yaml"] = beside.read_text(encoding="utf-8")
    assert [str(problem) for problem in compile_bundle(files, NAMES).problems] == []


def test_the_example_of_the_language_page_is_sound() -> None:
    text = LANGUAGE_PAGE.read_text(encoding="utf-8")
    example = re.search(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert example
    assert [str(problem) for problem in compile_bundle({"parcels.yaml": example[1]}).problems] == []
