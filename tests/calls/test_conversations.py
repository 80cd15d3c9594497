"""Whole conversations, as written in tests/calls/**/*.yaml, through the engine with the sample configuration."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from calls.served import served_in

import ivr.steps as steps
from ivr.cli.rehearsing import outside_of, record_of
from ivr.configuration import load_configuration, names_of
from ivr.flow_trials import Coverage, Result, read_trials, run_trial
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
def results(bundle: Bundle, outside: Outside) -> dict[str, Result]:
    """Every conversation, run once."""
    return {trial.title: run_trial(bundle, outside, trial, record_of) for trial in TRIALS}


def test_the_files_are_sound_and_many() -> None:
    assert [str(problem) for problem in PROBLEMS] == []
    assert len(TRIALS) >= 40
    assert len({trial.title for trial in TRIALS}) == len(TRIALS)


def test_the_flows_have_no_errors() -> None:
    assert [str(problem) for problem in compile_folder(HERE / "flows").problems if problem.severity == ERROR] == []


@pytest.mark.parametrize("title", [trial.title for trial in TRIALS])
def test_conversation(title: str, results: dict[str, Result]) -> None:
    result = results[title]
    told = "\n".join(f"{who:>7}  {text}" for who, text in result.transcript)
    assert result.passed, "\n".join(map(str, result.failures)) + "\n" + told
    assert not [note.data for note in result.notes if note.kind == "Failed"]


def test_together_they_go_through_every_step_and_nearly_every_exit(bundle: Bundle, results: dict[str, Result]) -> None:
    covered = Coverage(bundle)
    for result in results.values():
        covered.add(result)
    assert covered.missed_steps() == []
    assert len(covered.missed_ways()) <= 0.1 * len(covered.every_way()), covered.missed_ways()


def test_the_flows_can_be_served_with_the_sample_configuration(tmp_path: Path) -> None:
    served = served_in(tmp_path)
    configuration = load_configuration(served.config)
    assert [str(problem) for problem in configuration.errors] == []
    assert configuration.numbers.lines[served.numbers["clinic"]].flow == "clinic"
    compiled = compile_folder(served.flows, names_of(configuration))
    assert [str(problem) for problem in compiled.problems if problem.severity == ERROR] == []
