"""What flow tests and test calls run in: the real configuration with its calendar, and the recogniser where one is needed."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from ivr.configuration import load_configuration
from ivr.errors import IntentError
from ivr.flow_trials import read_trials, run_trial
from ivr.flow_trials.reading import Trial, read_text
from ivr.flow_trials.running import RecordOf, Result
from ivr.intents.recogniser import Recogniser
from ivr.intents.training import ensure_current
from ivr.jobs.configuring import day_of, hours_of
from ivr.language.bundle import Bundle
from ivr.language.problems import Findings
from ivr.publishing import Trial as TrialsRun
from ivr.records.compute import compute_record
from ivr.rehearsal import Outside
from ivr.world import Understanding

__all__ = ["models_folder", "outside_of", "read_trials", "record_of", "run_trials", "trials_for_publishing"]


def models_folder() -> Path:
    """Where trained models are kept, as the service keeps them."""
    return Path(os.environ.get("IVR_DATA_DIR", ".ivr")) / "models"


class LazyRecogniser:
    """Trains (once per change of config/intents.yaml) and loads only when somebody says something that a test does not explain."""

    def __init__(self, config: Path, models: Path) -> None:
        self._config, self._models = config, models
        self._loaded: Recogniser | None = None
        self._tried = False

    def understand(self, text: str, language: str, intents: tuple[str, ...] = ()) -> Understanding:
        """As the live recogniser; out of scope where there is nothing to train from."""
        if not self._tried:
            self._tried = True
            if (self._config / "intents.yaml").is_file():
                ensure_current(self._config, self._models)
                self._loaded = Recogniser.load(self._models)
        if self._loaded is None:
            return Understanding(text, out_of_scope=True)
        return self._loaded.understand(text, language, intents)


def outside_of(config: Path, models: Path | None = None) -> Outside:
    """The real surroundings of rehearsals. Works without a configuration folder, with plain defaults."""
    if not config.is_dir():
        return Outside()
    configuration = load_configuration(config)

    def is_open(queue: str, now: datetime) -> bool:
        known = configuration.queues.get(queue)
        hours = hours_of(configuration, known) if known else None
        return hours is None or hours.open_at(now)

    def day(now: datetime) -> Mapping[str, Any]:
        return day_of(configuration, now)

    return Outside.of(
        config, recogniser=LazyRecogniser(config, models or models_folder()), answers=_answers(config), is_open=is_open, day=day
    )


def record_of(notes: Any) -> Mapping[str, Any]:
    """The call record as a mapping, for what a test says about it."""
    record = compute_record(notes)
    worked_out = {name: getattr(record, name) for name, value in vars(type(record)).items() if isinstance(value, property)}
    return {**asdict(record), **worked_out}


def run_trials(bundle: Bundle, outside: Outside, trials: list[Trial], record: RecordOf = record_of) -> list[Result]:
    """Run conversations one after another."""
    return [run_trial(bundle, outside, trial, record) for trial in trials]


def trials_for_publishing(config: Path, models: Path | None = None) -> Callable[[Bundle, Mapping[str, str]], TrialsRun]:
    """What `ivr.publishing.publish` runs: the flow tests (path → text) of what is being published."""

    def run(bundle: Bundle, files: Mapping[str, str]) -> TrialsRun:
        outside = outside_of(config, models)
        findings = Findings()
        trials = [trial for path, text in sorted(files.items()) for trial in read_text(path, text, findings)]
        try:
            results = run_trials(bundle, outside, trials)
        except IntentError as error:
            return TrialsRun(0, (str(error),))
        finally:
            outside.close()
        failures = [str(problem) for problem in findings.sorted()]
        failures += [f"{result.trial.title}: {result.failures[0]}" for result in results if not result.passed]
        return TrialsRun(sum(result.passed for result in results), tuple(failures))

    return run


def _answers(config: Path) -> Any:
    from ivr.intents.answers import AnswerBook  # brings the encoder with it: only where there are answers

    return AnswerBook.load(config) if (config / "answers.yaml").is_file() else None
