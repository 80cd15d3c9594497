"""Whole conversations, as written in tests/calls/**/*.yaml, through the engine with the sample configuration."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import ivr.steps as steps
from ivr.cli.rehearsing import outside_of, record_of
from ivr.dialogue.ways import exits_of
from ivr.flow_trials import Coverage, Trial, read_trials, run_trial
from ivr.language.bundle import Bundle, compile_folder
from ivr.language.problems import ERROR
from ivr.rehearsal import Outside

HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent
TRIALS, PROBLEMS = read_trials([HERE / "clinic"], HERE)

assert steps


@pytest.fixture(scope="session")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    """The sample configuration; speech is learned once, into a folder of the tests."""
    found = outside_of(REPOSITORY / "config", tmp_path_factory.mktemp("models"))
    yield found
    found.close()


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    return compile_folder(HERE / "flows").required()


@pytest.fixture(scope="session")
def coverage(bundle: Bundle) -> Coverage:
    return Coverage(bundle)


def test_the_files_are_sound_and_many() -> None:
    assert [str(problem) for problem in PROBLEMS] == []
    assert len(TRIALS) >= 40
    assert len({trial.title for trial in TRIALS}) == len(TRIALS)


def test_the_flows_have_no_errors() -> None:
    assert [str(problem) for problem in compile_folder(HERE / "flows").problems if problem.severity == ERROR] == []


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.title)
def test_conversation(trial: Trial, bundle: Bundle, outside: Outside, coverage: Coverage) -> None:
    result = run_trial(bundle, outside, trial, record_of)
    coverage.add(result)
    told = "\n".join(f"{who:>7}  {text}" for who, text in result.transcript)
    assert result.passed, "\n".join(map(str, result.failures)) + "\n" + told
    assert not [note for note in result.notes if note.kind == "Failed"]


def test_together_they_go_through_every_step_and_nearly_every_exit(bundle: Bundle, outside: Outside) -> None:
    covered = Coverage(bundle)
    for trial in TRIALS:
        covered.add(run_trial(bundle, outside, trial))
    assert covered.missed_steps() == []
    every = [way for flow in bundle.flows.values() for step in flow.steps.values() for way in exits_of(step)]
    assert len(covered.missed_ways()) <= 0.1 * len(every), covered.missed_ways()
