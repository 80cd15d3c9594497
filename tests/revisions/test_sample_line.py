"""The sample line as it is shipped: no problem, complete in both languages, and every conversation of flows/tests holds."""

from __future__ import annotations

from pathlib import Path

import ivr.steps  # noqa: F401  (registers the kinds of step)
from ivr.cli.rehearsing import outside_of, run_trials
from ivr.configuration import load_configuration, names_of
from ivr.flow_trials import Coverage, read_trials
from ivr.language.bundle import compile_folder

REPOSITORY = Path(__file__).parents[2]
FLOWS = REPOSITORY / "flows"


def test_lint_finds_nothing() -> None:
    compiled = compile_folder(FLOWS, names_of(load_configuration(REPOSITORY / "config")))

    assert [str(problem) for problem in compiled.problems] == []


def test_every_conversation_holds_and_every_step_is_gone_through(speech_models: Path) -> None:
    outside = outside_of(REPOSITORY / "config", speech_models)
    bundle = compile_folder(FLOWS, outside.names).required()
    trials, problems = read_trials([FLOWS / "tests"], FLOWS)
    coverage = Coverage(bundle)

    results = run_trials(bundle, outside, trials)
    for result in results:
        coverage.add(result)
    outside.close()

    assert problems == ()
    assert len(trials) >= 25
    assert [f"{result.trial.title}: {failure}" for result in results for failure in result.failures] == []
    assert coverage.missed_steps() == []
