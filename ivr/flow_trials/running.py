"""Runs a written conversation through the engine and tells what did not hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ivr.actions import Action, Charge, Dial, Listen, Record
from ivr.flow_trials.reading import Line, Trial
from ivr.flow_trials.stage import Stage
from ivr.language.bundle import Bundle
from ivr.language.values import Position
from ivr.notes import Note
from ivr.rehearsal import Outside

RecordOf = Callable[[Sequence[Note]], Mapping[str, Any]]


@dataclass(frozen=True)
class Failure:
    """What did not hold, and where it was expected."""

    at: Position
    message: str

    def __str__(self) -> str:
        return f"{self.at.file}:{self.at.line}: {self.message}"


@dataclass(frozen=True)
class Result:
    """What came of a trial. `transcript`: (who, what) with who system, caller or call; `ways`: exits taken, for coverage."""

    trial: Trial
    failures: tuple[Failure, ...]
    transcript: tuple[tuple[str, str], ...]
    notes: tuple[Note, ...]
    steps: frozenset[tuple[str, str]]
    ways: frozenset[tuple[str, str, str]]
    turns: int

    @property
    def passed(self) -> bool:
        """True where everything held."""
        return not self.failures


def run_trial(bundle: Bundle, outside: Outside, trial: Trial, record_of: RecordOf | None = None) -> Result:
    """Run one conversation. `record_of` computes the call record where the trial says what must stand in it."""
    stage = Stage(bundle, outside, trial)
    failures: list[Failure] = []
    stage.arrive()
    for line in trial.lines:
        message = carry_out(stage, line)
        if message:
            failures.append(Failure(line.at, message))
    resting = stage.session.frame.step if stage.session else ""
    if trial.ends is not None and resting != trial.ends:
        failures.append(Failure(trial.at, f"the call ends in {resting}, not in {trial.ends}"))
    stage.hangs_up()
    failures += check_notes(trial, stage.notes)
    if trial.record and record_of is not None:
        failures += check_record(trial, record_of(stage.notes))
    return Result(
        trial,
        tuple(failures),
        tuple(stage.transcript),
        tuple(stage.notes),
        frozenset((str(note.data["flow"]), str(note.data["step"])) for note in stage.notes if note.kind == "StepEntered"),
        frozenset(stage.ways),
        stage.turns,
    )


def carry_out(stage: Stage, line: Line) -> str:
    """Carry out or check one line; returns what is wrong, or nothing."""
    said = _bare(" ".join(stage.heard))
    if line.verb == "hears":
        missing = [text for text in line.texts if _bare(text) not in said]
        return f"not heard: {missing[0]!r}; heard: {' / '.join(stage.heard) or 'nothing'!s}" if missing else ""
    if line.verb == "hears_not":
        wrong = [text for text in line.texts if _bare(text) in said]
        return f"heard {wrong[0]!r}, which must not be said" if wrong else ""
    if line.verb == "at":
        resting = stage.session.frame.step if stage.session else ""
        return "" if resting in line.texts else f"the call is at {resting}, not at {line.texts[0]}"
    if stage.over:
        return f"the call is over, so nobody {line.verb}"
    unfit = _unfit(stage, line)
    if unfit:
        return unfit
    if line.verb == "says":
        stage.says(line.texts[0])
    elif line.verb == "presses":
        stage.presses(line.texts[0])
    elif line.verb == "silent":
        stage.is_silent()
    elif line.verb == "waits":
        stage.waits(line.seconds)
    elif line.verb == "queue":
        stage.wait_ends(line.texts[0], line.seconds)
    elif line.verb == "transfer":
        stage.transfer_ends(line.texts[0], line.seconds)
    elif line.verb == "records":
        stage.records(line.seconds)
    elif line.verb == "pays":
        stage.pays(line.texts[0])
    elif line.verb == "hangs_up":
        stage.hangs_up()
    return ""


_FITS: dict[str, tuple[type[Action], ...]] = {
    "says": (Listen,),
    "presses": (Listen, Record),
    "silent": (Listen, Record),
    "records": (Record,),
    "pays": (Charge,),
    "transfer": (Dial,),
}


def _unfit(stage: Stage, line: Line) -> str:
    """Why the call cannot take this line now, or nothing."""
    if line.verb in ("queue", "waits"):
        return "" if stage.waiting else "nobody waits in a queue here"
    fits = _FITS.get(line.verb)
    if fits is None or isinstance(stage.last, fits):
        return ""
    return f"nobody {line.verb} here: the call is at {stage.session.frame.step if stage.session else 'its start'} ({type(stage.last).__name__})"


def _bare(text: str) -> str:
    return " ".join(text.casefold().split())


def check_notes(trial: Trial, notes: Sequence[Note]) -> list[Failure]:
    """What the journal should hold and does not, or the other way round."""
    failures = []
    for kind, fields in trial.notes:
        candidates = [note for note in notes if note.kind == kind]
        absent = kind.startswith("no ")
        if absent:
            kind = kind.removeprefix("no ")
            candidates = [note for note in notes if note.kind == kind]
        found = any(all(_same(note.data.get(name), value) for name, value in fields.items()) for note in candidates)
        if found == absent:
            seen = "; ".join(str({name: note.data.get(name) for name in fields}) for note in candidates) or "none"
            failures.append(
                Failure(trial.at, f"the journal {'has' if absent else 'has no'} {kind} {fields or ''}; it has: {seen}")
            )
    return failures


def check_record(trial: Trial, record: Mapping[str, Any]) -> list[Failure]:
    """What the record says otherwise than it should."""
    return [
        Failure(trial.at, f"{name} of the record is {record.get(name)!r}, not {value!r}")
        for name, value in trial.record.items()
        if not _same(record.get(name), value)
    ]


def _same(found: Any, expected: Any) -> bool:
    if isinstance(expected, list):
        return isinstance(found, list | tuple) and len(found) == len(expected) and all(map(_same, found, expected))
    if isinstance(found, str) or isinstance(expected, str):
        return str(found) == str(expected)
    return bool(found == expected)
