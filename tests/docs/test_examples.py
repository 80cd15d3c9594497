"""YAML examples are read by the program, links lead somewhere, files that are named exist, quoted messages are those of today."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import ivr.steps  # registers every kind of step
from ivr.cli.flow_files import compile_paths, names_from
from ivr.flow_trials.reading import read_text
from ivr.intents.phrasebook import parse_phrasebook
from ivr.language.bundle import compile_bundle
from ivr.language.problems import Findings, shown
from ivr.language.source import read_source
from ivr.records.report_file import read_reports
from tests.docs.pages import PAGES, ROOT, Block, anchors, blocks, inline_code, links

assert ivr.steps
YAML_BLOCKS = [block for page in PAGES for block in blocks(page) if block.language == "yaml"]
FOLDERS = ("flows", "config", "ivr", "routing", "webhooks", "tests", "docs", "benchmarks")
NAMED = re.compile(rf"(?:{'|'.join(FOLDERS)})/[\w./-]+")
MADE_WHEN_RUN = re.compile(r"NAME|WORD|CODE|REVISION|LANGUAGE|reports/|flows/audio|config/languages|\*")


@pytest.mark.parametrize("block", YAML_BLOCKS, ids=str)
def test_a_yaml_example_can_be_read(block: Block) -> None:
    findings = Findings()
    read_source("example.yaml", block.text, findings)
    assert [str(problem) for problem in findings.sorted() if problem.severity == "error"] == []
    keys = set(re.findall(r"^(?:- )?([a-z_]+):", block.text, re.MULTILINE))
    if {"flow", "steps"} <= keys:
        problems = compile_bundle({"example.yaml": block.text}).problems
        assert [str(problem) for problem in problems if problem.severity == "error"] == []
    elif {"test", "call"} <= keys:
        findings = Findings()
        read_text("example.yaml", block.text, findings)
        assert findings.sorted() == ()
    elif "reports" in keys:
        assert read_reports(block.text, {}).problems == ()
    elif "intents" in keys and block.page.name == "intents.md":
        assert parse_phrasebook(block.text)[1].sorted() == ()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in links(page):
        if re.match(r"https?://", target):
            continue
        file, _, anchor = target.partition("#")
        found = (page.parent / file).resolve() if file else page
        assert found.exists(), target
        if anchor:
            assert anchor in anchors(found), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_are_named_exist(page: Path) -> None:
    for code in inline_code(page):
        for name in NAMED.findall(code):
            if code.startswith(name) and not MADE_WHEN_RUN.search(code):
                assert (ROOT / name).exists(), name


def test_every_page_is_in_the_index() -> None:
    index = {(ROOT / "docs" / target.partition("#")[0]).resolve() for target in links(ROOT / "docs" / "README.md")}
    pages = {page for page in PAGES if page.parent == ROOT / "docs" and page.name != "README.md"}
    assert pages - index == set()
    decisions = {(ROOT / "docs/decisions" / target).resolve() for target in links(ROOT / "docs/decisions/README.md")}
    assert set((ROOT / "docs/decisions").glob("*.md")) - {ROOT / "docs/decisions/README.md"} - decisions == set()


def test_the_broken_flow_of_getting_started_is_told_as_shown(tmp_path: Path) -> None:
    (expected,) = [block.text for block in blocks(ROOT / "docs/getting-started.md") if "[unknown-step]" in block.text]
    for path in sorted((ROOT / "flows").rglob("*.yaml")):
        copy = tmp_path / "flows" / path.relative_to(ROOT / "flows")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text(encoding="utf-8").replace("go: tell_my_order", "go: tel_my_order", 1), encoding="utf-8")
    found = compile_paths((tmp_path / "flows",), names_from(ROOT / "config"))
    told = "\n".join(shown(problem, found.lines(problem.file)) for problem in found.problems).replace(f"{tmp_path}/", "")
    assert expected.rpartition("1 error")[0].strip() == told.strip()
