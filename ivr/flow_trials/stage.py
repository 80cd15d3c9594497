"""One rehearsed call, with a switchboard of a few lines in place of queues and agents."""

from __future__ import annotations

from typing import Any

from ivr.actions import (
    Action,
    ChangeCallback,
    Charge,
    Continue,
    Dial,
    Hangup,
    Leave,
    Listen,
    Pause,
    PlaceCallback,
    Play,
    Record,
    Say,
    Wait,
)
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
from ivr.engine import Turn, begin, take_turn
from ivr.flow_trials.reading import Trial
from ivr.language.bundle import Bundle
from ivr.notes import Note
from ivr.rehearsal import Outside, Rehearsal

CALL_ID = "CA" + "0" * 32
THINKING_SECONDS = 2.0
"""Time that passes with each answer of the caller."""
MOST_UNASKED_TURNS = 20
AGENT = "rehearsal"


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
            if isinstance(action, ChangeCallback) and action.at is None:
                self._note("CallbackEnded", callback_id=action.callback_id, result="cancelled")
            elif isinstance(action, ChangeCallback):
                self._note("CallbackMoved", callback_id=action.callback_id, at=action.at, by="caller")
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
