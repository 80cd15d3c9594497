"""Written conversations (flows/tests, tests/calls) acted out over real HTTP: the same lines, said by a caller of the local carrier."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ivr.carriers.local.line import Kind
from ivr.carriers.local.station import Station
from ivr.carriers.local.truth import CallTruth
from ivr.flow_trials import Trial
from ivr.flow_trials.reading import Line
from ivr.jobs import periodic
from ivr.rehearsal import Given
from routing.model import AgentState
from tests.line.running import Running

PATIENCE_SECONDS = 25.0
MESSAGE = "This is a message for you, and it is a long one. " * 18  # shorter than a second of real time counts as none
CARD = ("4242424242424242#", "1230", "123#", "12345#")
REFUSED_CARD = ("4000000000000002#", *CARD[1:])
HEARD = frozenset({Kind.SAY, Kind.PLAY, Kind.PERSON})


def can_be_acted(trial: Trial) -> bool:
    """Whether a conversation needs nothing that only a rehearsal can be given: another day, another language, outcomes, an hour in a queue."""
    if any(line.verb == "presses" and line.texts == ("#",) for line in trial.lines):
        return False  # a carrier tells the key that ends input, pressed alone, as silence
    minutes_in_queue = any(line.verb == "waits" for line in trial.lines[:-1])
    return trial.only != "engine" and trial.given == Given() and not trial.moment and not trial.language and not minutes_in_queue


def has_talk(trial: Trial) -> bool:
    """Whether an agent (or somebody outside) is needed: these conversations take turns, for there is one set of agents."""
    return any(line.verb in ("queue", "transfer") and line.texts[0] != "no_answer" for line in trial.lines)


class Conversation:
    """One call. `run` returns what did not hold."""

    def __init__(self, service: Running, trial: Trial, number: str) -> None:
        self.service, self.trial = service, trial
        from_number = "anonymous" if trial.caller == "withheld" else trial.caller
        self.sid = service.carrier.place_by_hand(from_number, trial.to_number or number, patient=True)
        self.truth: CallTruth | None = None
        self._mark = 0
        self._used: Any = None

    def run(self) -> list[str]:
        """Act all lines, hang up, and tell what did not hold."""
        failures = []
        for line in self.trial.lines:
            message = self._act(line)
            if message:
                failures.append(
                    f"{line.at.file}:{line.at.line}: {line.verb} {', '.join(line.texts)}: {message}; heard: {self._heard()[-3:]}"
                )
                break
        self._until(self._settled)
        if not failures and self.trial.ends:
            failures += filter(None, [self._at((self.trial.ends,))])
        self.service.carrier.hang_up(self.sid)
        self.truth = self.service.carrier.wait(self.sid)
        if self.truth.application_error or self.truth.problems:
            failures.append(f"the carrier complains: {self.truth.problems}")
        return failures

    # --- lines

    def _act(self, line: Line) -> str:
        acting: dict[str, Callable[[Line], str]] = {
            "hears": self._hears, "hears_not": self._hears_not, "at": lambda line: self._at(line.texts), "says": self._says, "presses": self._presses,
            "silent": self._silent, "waits": lambda line: "", "queue": self._queue, "transfer": self._transfer, "records": self._records,
            "pays": self._pays, "hangs_up": self._hangs_up,
        }  # fmt: skip
        return acting[line.verb](line)

    def _hears(self, line: Line) -> str:
        def missing() -> list[str]:
            said = _bare(" ".join(self._heard(self._mark)))
            return [text for text in line.texts if _bare(text) not in said]

        return "" if self._until(lambda: not missing()) else f"not heard: {missing()}"

    def _hears_not(self, line: Line) -> str:
        self._until(self._settled)
        said = _bare(" ".join(self._heard(self._mark)))
        return "".join(f"heard {text!r}" for text in line.texts if _bare(text) in said)

    def _at(self, steps: tuple[str, ...]) -> str:
        def step() -> str:
            session = self.service.line.calls.load(self.sid)
            return session.frame.step if session else ""

        return "" if self._until(lambda: step() in steps) else f"the call is at {step()}, not at {steps[0]}"

    def _says(self, line: Line) -> str:
        if not self._listener(speech=True):
            return "nobody listens"
        return "" if self.service.carrier.say(self.sid, line.texts[0]) else "nobody took it"

    def _presses(self, line: Line) -> str:
        # In a queue one document follows the other: between two of them nobody takes keys.
        return (
            ""
            if self._until(lambda: bool(self._listener(keys=True)) and self.service.carrier.press(self.sid, line.texts[0]))
            else "no keys taken"
        )

    def _silent(self, line: Line) -> str:
        self._until(self._settled)  # who is silent hears all of it
        if not self._listener():
            return "nobody listens"
        self.service.carrier.ask(lambda station: station.exchange.legs[self.sid].person.handset.stay_silent())
        return ""

    def _queue(self, line: Line) -> str:
        self._forget()
        if not self._until(lambda: self.service.line.board.position(self.sid) is not None):
            return "nobody waits"
        if line.texts[0] != "talked":
            periodic.end_wait(self.service.line, self.sid, line.texts[0])
            return ""
        agents = self.service.line.configuration.agents
        for agent_id, agent in agents.items():
            self.service.carrier.behave(agent.address, {"answers_after": "1s", "talks": f"{line.seconds}s"})
            self.service.line.board.set_state(agent_id, AgentState.AVAILABLE)
        self.service.line.switchboard.offer()
        talked = self._until(lambda: self._over_talking())
        self.everybody_pauses()
        return "" if talked else "nobody talked"

    def everybody_pauses(self) -> None:
        """Agents stay signed in and take nothing."""
        for agent_id in self.service.line.configuration.agents:
            self.service.line.switchboard.wrap_up_done(agent_id, None, None)
            self.service.line.board.set_state(agent_id, AgentState.BREAK)

    def _transfer(self, line: Line) -> str:
        self._forget()
        entry = self.service.line.configuration.numbers.directory["head_office"]
        behaviours: dict[str, Any] = {"talked": {"talks": "3s"}, "busy": "busy", "no_answer": "no answer", "failed": "failed"}
        self.service.carrier.behave(entry.number, behaviours[line.texts[0]])
        return ""

    def _records(self, line: Line) -> str:
        if not self._listener(speech=True):
            return "nothing records"
        self.service.carrier.say(self.sid, MESSAGE)
        self.service.carrier.press(self.sid, "#")  # or the silence after the message ended it
        return ""

    def _pays(self, line: Line) -> str:
        card = {"paid": CARD, "failed": REFUSED_CARD}.get(line.texts[0], ("*",))
        for keys in card:
            if not self._listener(keys=True) or not self.service.carrier.press(self.sid, keys):
                return f"no keys taken for the card ({len(keys)})"
        return ""

    def _hangs_up(self, line: Line) -> str:
        self.service.carrier.hang_up(self.sid)
        return ""

    # --- looking

    def _heard(self, since: int = 0) -> list[str]:
        return self._leg(lambda leg: [entry.text for entry in leg.line.entries[since:] if entry.kind in HEARD])

    def _listener(self, *, keys: bool = False, speech: bool = False) -> bool:
        """Wait for a prompt that was not answered before; from here on only what follows it counts as heard."""

        def fresh(leg: Any) -> bool:
            listener = leg.line.listener
            if listener is None or listener is self._used or (keys and not listener.keys) or (speech and not listener.speech):
                return False
            self._used, self._mark = listener, len(leg.line.entries)
            return True

        return self._until(lambda: self._leg(fresh))

    def _forget(self) -> None:
        self._mark = self._leg(lambda leg: len(leg.line.entries))

    def _settled(self) -> bool:
        """The caller's turn: prompts are over and something new listens; or waiting, being rung out, over."""

        def settled(leg: Any) -> bool:
            if not leg.live:
                return True
            last = leg.line.entries[-1] if leg.line.entries else None
            waits = bool(last and last.kind is Kind.LISTENING and last.seconds is None) or bool(
                last and last.kind is Kind.RECORDING
            )
            return waits and leg.line.listener is not self._used

        return self._leg(settled)

    def _over_talking(self) -> bool:
        def over(leg: Any) -> bool:
            talks = [entry for entry in leg.line.entries if entry.kind is Kind.TALK]
            return bool(talks) and all(entry.seconds is not None for entry in talks)

        return self._leg(over)

    def _leg(self, look: Callable[[Any], Any]) -> Any:
        def ask(station: Station) -> Any:
            return look(station.exchange.legs[self.sid])

        return self.service.carrier.ask(ask)

    def _until(self, true: Callable[[], bool]) -> bool:
        return self.service.until(true, PATIENCE_SECONDS)


def _bare(text: str) -> str:
    return " ".join(text.casefold().split())
