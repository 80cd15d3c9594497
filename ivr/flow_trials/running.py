"""Runs a written conversation through the engine, with a switchboard of a few lines in place of queues and agents."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ivr.actions import Action, Charge, Continue, Dial, Hangup, Leave, Listen, Pause, PlaceCallback, Play, Record, Say, Wait
from ivr.call import (
    Arrived,
    CallEvent,
    Charged,
    Continued,
    Ended,
    Keyed,
    Recorded,
    Session,
    Silent,
    Spoke,
    Transferred,
    WaitAsked,
    WaitEnded,
)
from ivr.dialogue.ways import exits_of
from ivr.engine import Turn, begin, take_turn
from ivr.flow_trials.reading import Line, Trial
from ivr.language.bundle import Bundle
from ivr.language.values import Position
from ivr.notes import Note
from ivr.rehearsal import Outside, Rehearsal

CALL_ID = "CA" + "0" * 32
THINKING_SECONDS = 2.0
"""Time that passes with each answer of the caller."""
MOST_UNASKED_TURNS = 20
AGENT = "rehearsal"

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


@dataclass
class Coverage:
    """Which steps and exits of a bundle have been gone through, by all trials so far."""

    bundle: Bundle
    steps: set[tuple[str, str]] = field(default_factory=set)
    ways: set[tuple[str, str, str]] = field(default_factory=set)

    def add(self, result: Result) -> None:
        """Count what one trial went through."""
        self.steps |= result.steps
        self.ways |= result.ways

    def every_step(self) -> list[tuple[str, str]]:
        """All (flow, step) of the bundle."""
        return [(flow.name, step) for flow in self.bundle.flows.values() for step in flow.steps]

    def every_way(self) -> list[tuple[str, str, str]]:
        """All (flow, step, exit) of the bundle."""
        return [
            (flow.name, step.name, exit_)
            for flow in self.bundle.flows.values()
            for step in flow.steps.values()
            for exit_ in exits_of(step)
        ]

    def missed_steps(self) -> list[tuple[str, str]]:
        """Steps that no trial came to."""
        return [step for step in self.every_step() if step not in self.steps]

    def missed_ways(self) -> list[tuple[str, str, str]]:
        """Exits that no trial took."""
        return [way for way in self.every_way() if way not in self.ways]


class Stage:
    """One rehearsed call: who drives it hands in what the caller does and reads what was said since."""

    def __init__(self, bundle: Bundle, outside: Outside, trial: Trial) -> None:
        self.bundle = bundle
        configuration = outside.configuration
        self.world = Rehearsal(outside, trial.given, trial.started_at(configuration.timezone))
        line = configuration.numbers.lines.get(trial.to_number)
        self.flow = trial.flow or (line.flow if line else "")
        self.language = trial.language or (line.language if line else None)
        self.caller = outside.caller(trial.caller)
        self.to_number = trial.to_number or next(iter(configuration.numbers.lines), "")
        self.session: Session | None = None
        self.last: Action | None = None
        self.heard: list[str] = []
        self.transcript: list[tuple[str, str]] = []
        self.notes: list[Note] = []
        self.ways: set[tuple[str, str, str]] = set()
        self.turns = 0
        self.over = False
        self._events = 0
        self._waiting_since = self.world.now
        self._waiting: Wait | None = None

    @property
    def waiting(self) -> bool:
        """True while the caller waits in a queue."""
        return self._waiting is not None

    # --- what happens

    def arrive(self) -> None:
        """The call comes in."""
        event = Arrived(CALL_ID, self._event_id(), self.world.now, self.caller, self.to_number)
        self._note(
            "Arrived",
            from_number=self.caller.number,
            caller_kind=self.caller.kind.value,
            to_number=self.to_number,
            direction="inbound",
            attestation=self.caller.attestation.value,
            forwarded_from=None,
            flow=self.flow,
            revision="rehearsal",
            language=self.language,
            contact_id="rehearsal",
        )
        turn = begin(
            self.bundle, self.flow, event, contact_id="rehearsal", revision="rehearsal", world=self.world, language=self.language
        )
        self._after(turn)

    def says(self, text: str) -> None:
        """The caller speaks."""
        self._caller(text)
        self._happens(Spoke(*self._happening(), text=text, sureness=0.9))

    def presses(self, digits: str) -> None:
        """The caller presses keys."""
        self._caller(f"#{digits}")
        self._happens(Keyed(*self._happening(), digits=digits))

    def is_silent(self) -> None:
        """The caller says nothing."""
        self._caller("(silence)")
        seconds = self.last.silence_seconds if isinstance(self.last, Listen) else 5
        self.world.tick(max(0.0, seconds - THINKING_SECONDS))
        self._happens(Silent(*self._happening()))

    def waits(self, seconds: float) -> None:
        """Time passes in the queue; the carrier asks what to play next."""
        self._tell("call", f"(waits {seconds:g} s)")
        self.world.tick(seconds)
        self._ask_wait()

    def wait_ends(self, result: str, talk_seconds: float) -> None:
        """The wait is over."""
        self._end_wait(result, talk_seconds)

    def transfer_ends(self, result: str, seconds: float) -> None:
        """The transfer outside is over."""
        self._tell("call", f"(transfer: {result})")
        self._happens(Transferred(*self._happening(), result=result, seconds=seconds))

    def records(self, seconds: float) -> None:
        """The caller leaves a message."""
        self._caller(f"(message of {seconds:g} s)")
        self.world.tick(seconds)
        self._happens(Recorded(*self._happening(), url="rehearsal:recording", seconds=seconds))

    def pays(self, result: str) -> None:
        """The card payment ends."""
        self._caller(f"(payment: {result})")
        paid = result == "paid"
        self._happens(
            Charged(
                *self._happening(),
                result=result,
                confirmation="R1" if paid else None,
                card_type="visa" if paid else None,
                last_four="4242" if paid else None,
            )
        )

    def hangs_up(self) -> None:
        """The caller hangs up."""
        if self.over:
            return
        self._tell("call", "(the caller hangs up)")
        if self._waiting is not None:
            self._note("Dequeued", queue=self._waiting.queue, result="hung_up", waited_seconds=self._waited())
        self._happens(Ended(*self._happening(), status="completed"))
        self._over("caller")

    # --- the switchboard

    def _happens(self, event: CallEvent) -> None:
        if self.session is None:
            return
        turn = take_turn(self.bundle, self.session, event, self.world)
        if isinstance(event, Ended):
            turn = Turn(turn.session, (), turn.notes, turn.ways)
        self._after(turn)

    def _after(self, turn: Turn) -> None:
        """Take note of a turn, then do what a carrier and a switchboard do by themselves."""
        for _ in range(MOST_UNASKED_TURNS):
            self._take(turn)
            last = self.last
            if isinstance(last, Hangup):
                self._over("system")
                return
            if isinstance(last, Leave):
                self._end_wait(last.result, 0.0)
                return
            if isinstance(last, Wait):
                self._queue(last)
                return
            if not isinstance(last, Continue) or self.session is None:
                return
            turn = take_turn(self.bundle, self.session, Continued(*self._happening(0.0)), self.world)
        raise RuntimeError("the call goes on and on without listening")

    def _take(self, turn: Turn) -> None:
        self.turns += 1
        self.session = Session.from_json(turn.session.to_json())  # as the live service keeps it between two turns
        self.notes += turn.notes
        self.ways |= set(turn.ways)
        self.last = turn.actions[-1] if turn.actions else None
        for action in turn.actions:
            if isinstance(action, PlaceCallback):
                self._note("CallbackPlaced", callback_id="rehearsal", queue=action.queue, number=action.number, at=action.at)
            for spoken in (*action.prompts,) if isinstance(action, Listen) else (action,):
                self._hear(spoken)

    def _hear(self, action: Action) -> None:
        if isinstance(action, Say):
            self.heard.append(action.text)
            self._tell("system", action.text)
        elif isinstance(action, Play) and action.text:
            self.heard.append(action.text)
            self._tell("system", f"{action.text} [{action.audio}]")
        elif isinstance(action, Play):
            self._tell("call", f"({action.audio})")
        elif isinstance(action, Pause | Record | Charge | Dial):
            told = {Record: "(tone)", Charge: "(the carrier takes the card)", Dial: "(ringing outside)"}.get(type(action))
            if told:
                self._tell("call", told)

    def _queue(self, wait: Wait) -> None:
        self._waiting, self._waiting_since = wait, self.world.now
        state = self.world.queue(wait.queue, dict(wait.needs))
        self._note(
            "Queued",
            queue=wait.queue,
            needs=dict(wait.needs),
            head_start_seconds=wait.head_start_seconds,
            position=state.position or state.waiting + 1,
            open=state.open,
            staffed=state.staffed,
        )
        self._tell("call", f"(queue {wait.queue})")
        if not state.open:
            self._end_wait("closed", 0.0)
        elif not state.staffed:
            self._end_wait("nobody", 0.0)
        else:
            self._ask_wait()

    def _ask_wait(self) -> None:
        if self._waiting is None:
            return
        state = self.world.queue(self._waiting.queue, dict(self._waiting.needs))
        self._happens(WaitAsked(*self._happening(0.0), position=state.position, waited_seconds=self._waited()))

    def _end_wait(self, result: str, talk_seconds: float) -> None:
        wait, self._waiting = self._waiting, None
        if wait is None:
            return
        waited = (self.world.now - self._waiting_since).total_seconds()
        self._tell("call", f"(queue {wait.queue}: {result})")
        about = {"agent": AGENT, "leg_id": "leg1", "queue": wait.queue}
        if result == "talked":
            self._note("Offered", reservation="r1", **about)
            self._note("Connected", reservation="r1", ring_seconds=0.0, **about)
        self._note("Dequeued", queue=wait.queue, result="answered" if result == "talked" else result, waited_seconds=waited)
        if result == "talked":
            self.world.tick(talk_seconds)
            self._note("LegEnded", leg_id="leg1", agent=AGENT, reason="agent_hung_up")
        self._happens(WaitEnded(*self._happening(0.0), result=result, waited_seconds=waited))

    def _waited(self) -> float:
        return (self.world.now - self._waiting_since).total_seconds()

    def _over(self, by: str) -> None:
        if not self.over:
            self.over = True
            self._note("Ended", ended_by=by, status="completed", inferred=False)

    # --- small things

    def _caller(self, text: str) -> None:
        self.heard.clear()
        self._tell("caller", text)

    def _tell(self, who: str, text: str) -> None:
        self.transcript.append((who, text))

    def _event_id(self) -> str:
        self._events += 1
        return f"event-{self._events}"

    def _happening(self, seconds: float = THINKING_SECONDS) -> tuple[str, str, Any]:
        self.world.tick(seconds)
        return CALL_ID, self._event_id(), self.world.now

    def _note(self, kind: str, **data: Any) -> None:
        self.notes.append(Note(CALL_ID, kind, self.world.now, data))


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
    failures += _check_notes(trial, stage.notes)
    if trial.record and record_of is not None:
        failures += _check_record(trial, record_of(stage.notes))
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


def _check_notes(trial: Trial, notes: Sequence[Note]) -> list[Failure]:
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


def _check_record(trial: Trial, record: Mapping[str, Any]) -> list[Failure]:
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
