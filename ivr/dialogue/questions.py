"""A question: listen, take keys and speech, and what is done about silence, unclear answers and universal commands."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import Any, ClassVar

from ivr.actions import Listen
from ivr.call import CallEvent, Keyed, Silent, Spoke
from ivr.dialogue import goals
from ivr.dialogue.progress import Progress
from ivr.dialogue.sayings import saying
from ivr.dialogue.steps import LiveStep
from ivr.dialogue.ways import Go, Way, main_menu_of, way_to_person
from ivr.house import COMMANDS
from ivr.language.values import Reprompts
from ivr.redaction import redact

LONGEST_SPEECH = 1000
MOST_KEYS = 64
MOST_ASIDES = 8
"""Commands, confirmations and other asides at one question; then it counts as given up: no caller is kept here for ever."""
PATIENT_SECONDS = 30
SIDE_SECONDS = 5


class Question(LiveStep):
    """A step that asks and listens. `memory` holds: silence, unclear (counts), asides (count), asking (a question beside the question)."""

    reprompts: Reprompts
    gives_up: ClassVar[str] = "give_up"
    secret_answer: ClassVar[bool] = False

    @abstractmethod
    def pose(self, progress: Progress) -> None:
        """Say the question."""

    @abstractmethod
    def ears(self, progress: Progress) -> Listen:
        """How to listen for the answer."""

    @abstractmethod
    def hear_keys(self, progress: Progress, digits: str) -> Way | None:
        """Take pressed keys; None: they are no answer."""

    @abstractmethod
    def hear_speech(self, progress: Progress, spoke: Spoke) -> Way | None:
        """Take speech; None: it is no answer."""

    def settle(self, progress: Progress, asking: dict[str, Any], event: Keyed | Spoke) -> Way | None:
        """Take the answer to the question beside the question (`memory["asking"]`); None: it is no answer to that either."""
        return None

    def unsettled(self, progress: Progress, asking: dict[str, Any]) -> Way:
        """The question beside the question got no answer, twice."""
        return self.stumble(progress, "silence")

    def keeps_secret(self) -> bool:
        """Whether the answer must never be written down."""
        return self.secret_answer

    def commands_off(self) -> tuple[str, ...]:
        """Universal commands that do not work here."""
        return tuple(getattr(self, "without", ()))

    def enter(self, progress: Progress) -> Way:
        self.pose(progress)
        return self.listen(progress, remember=True)

    def listen(self, progress: Progress, *, patient: bool = False, remember: bool = False) -> Way:
        """Speak what is due and listen, to the side question where one is open. `remember`: "repeat" says this again."""
        ears = self.ears(progress)
        if progress.memory.get("asking"):
            ears = replace(
                ears,
                keys=True,
                speech=not self.keeps_secret(),
                digits=1,
                silence_seconds=SIDE_SECONDS,
                barge_in=True,
                secret=False,
            )
        return progress.listen(replace(ears, silence_seconds=PATIENT_SECONDS) if patient else ears, remember=remember)

    def take(self, progress: Progress, event: CallEvent) -> Way:
        if isinstance(event, Spoke) and event.text.strip():
            return self._take_speech(progress, replace(event, text=event.text[:LONGEST_SPEECH].strip()))
        if isinstance(event, Keyed) and event.digits:
            few = len(event.digits) <= MOST_KEYS
            return self._take_keys(progress, event if few else replace(event, digits=event.digits[:MOST_KEYS]))
        if isinstance(event, Silent | Spoke | Keyed):
            return self.stumble(progress, "silence")
        # Nothing that was asked for (a repeated or late happening): the caller hears the question again and nothing is counted.
        progress.say_again()
        return self.listen(progress)

    def stumble(self, progress: Progress, how: str) -> Way:
        """Silence or an unclear answer: the next reprompt, or the step's way out. `how` is silence or unclear."""
        memory = progress.memory
        asking = memory.get("asking")
        if not asking:
            memory[how] = memory.get(how, 0) + 1
        if how == "silence":
            progress.note("Silence", step=self.name, tries=asking.get("again", 0) + 1 if asking else memory[how])
        if asking:
            return self._ask_aside_again(progress, asking)
        said = self.reprompts.silence if how == "silence" else self.reprompts.unclear
        shared = self.reprompts.silence == self.reprompts.unclear
        number = memory.get("silence", 0) + memory.get("unclear", 0) if shared else memory[how]
        if number > len(said):
            if progress.goal.get("told"):
                goals.concluded(progress, confirmed=None)
            return progress.go(self.gives_up)
        progress.say(said[number - 1])
        if number == len(said):
            self.help_more(progress)
        return self.listen(progress)

    def help_more(self, progress: Progress) -> None:
        """What is added to the last reprompt (a menu reads its choices out)."""

    def open_aside(self, progress: Progress, asking: dict[str, Any]) -> Way:
        """Ask a question beside the question: what was said just before is its text."""
        if self._too_many_asides(progress):
            return progress.go(self.gives_up)
        progress.memory["asking"] = asking
        return self.listen(progress, remember=True)

    def close_aside(self, progress: Progress) -> None:
        """The question beside the question is answered or dropped."""
        progress.memory.pop("asking", None)

    def yes_or_no(self, progress: Progress, event: Keyed | Spoke) -> bool | None:
        """1 or 2, yes or no in any form; None for anything else."""
        if isinstance(event, Keyed):
            return {"1": True, "2": False}.get(event.digits)
        if saying(event.text, progress.wording, ("done",)):
            return False
        slot = progress.world.read_slot("yes_no", event.text, progress.language, None, ())
        return bool(slot.value) if slot is not None and slot.value is not None else None

    def _take_speech(self, progress: Progress, spoke: Spoke) -> Way:
        secret = self.keeps_secret() and not progress.memory.get("asking")
        said = "…" if secret else redact(spoke.text)
        progress.note(
            "Heard",
            step=self.name,
            mode="speech",
            text=said,
            sureness=spoke.sureness,
            language=spoke.language or progress.language,
        )
        if not secret:
            progress.heard_now = spoke.text
            progress.session = progress.session.but(last_heard=said)
        command = saying(spoke.text, progress.wording, [name for name in COMMANDS if name not in self.commands_off()])
        if command is not None and not (secret and command != "agent"):
            way = self._obey(progress, command)
            if way is not None:
                return way
        if secret:
            return self.stumble(progress, "unclear")
        asking = progress.memory.get("asking")
        way = self.settle(progress, asking, spoke) if asking else self.hear_speech(progress, spoke)
        return way if way is not None else self._unclear(progress, spoke.text)

    def _take_keys(self, progress: Progress, keyed: Keyed) -> Way:
        secret = self.keeps_secret() and not progress.memory.get("asking")
        progress.note(
            "Heard",
            step=self.name,
            mode="keys",
            text="…" if secret else redact(keyed.digits),
            sureness=None,
            language=progress.language,
        )
        asking = progress.memory.get("asking")
        way = self.settle(progress, asking, keyed) if asking else self.hear_keys(progress, keyed.digits)
        if way is None:
            command = progress.world.house.command_keys.get(keyed.digits)
            if command is not None and command not in self.commands_off():
                way = self._obey(progress, command)
        return way if way is not None else self._unclear(progress, "")

    def _unclear(self, progress: Progress, text: str) -> Way:
        if not progress.memory.get("asking"):
            tried = progress.memory.get("unclear", 0) + 1
            last = progress.notes[-1].kind if progress.notes else ""
            if last != "NotUnderstood":
                progress.note("NotUnderstood", step=self.name, tries=tried, text=redact(text), best=None, confidence=None)
        return self.stumble(progress, "unclear")

    def _ask_aside_again(self, progress: Progress, asking: dict[str, Any]) -> Way:
        asking["again"] = asking.get("again", 0) + 1
        if asking["again"] > 1 or self._too_many_asides(progress):
            self.close_aside(progress)
            return self.unsettled(progress, asking)
        progress.say_again()
        if asking.get("kind") != "choice":
            progress.phrase("yes_or_no")
        return self.listen(progress)

    def _too_many_asides(self, progress: Progress) -> bool:
        progress.memory["asides"] = progress.memory.get("asides", 0) + 1
        return bool(progress.memory["asides"] > MOST_ASIDES)

    def _obey(self, progress: Progress, command: str) -> Way | None:
        progress.note("Commanded", step=self.name, command=command)
        if command == "agent":
            return self.to_person(progress)
        if self._too_many_asides(progress):
            return progress.go(self.gives_up)
        if command == "main_menu":
            return to_main_menu(progress)
        if command == "wait":
            progress.phrase("take_your_time")
            return self.listen(progress, patient=True)
        if command == "help":
            self.close_aside(progress)
            progress.phrase("help")
            self.pose(progress)
            return self.listen(progress, remember=True)
        progress.say_again()
        return self.listen(progress)

    def to_person(self, progress: Progress) -> Way | None:
        """The nearest way to a person; None where the flow has none."""
        way = person_from(progress)
        if way is not None:
            goals.dropped(progress)
        return way


def person_from(progress: Progress, without: frozenset[str] = frozenset()) -> Way | None:
    """The nearest step of the flow, or of a flow that runs it, where a person can be had. Flows on top of that one are left."""
    frames = progress.session.frames
    while frames:
        frame = frames[-1]
        flow = progress.bundle.flows.get(frame.flow)
        step = way_to_person(flow, frame.step, without if frames == progress.session.frames else frozenset()) if flow else None
        if step is not None:
            progress.session = progress.session.but(frames=frames)
            return Go(step)
        frames = frames[:-1]
    return None


def to_main_menu(progress: Progress) -> Way | None:
    """The first menu of the flow the call came in by; None where it has none."""
    frames = progress.session.frames[:1]
    step = main_menu_of(progress.bundle.flows[frames[0].flow])
    if step is None:
        return None
    progress.session = progress.session.but(frames=frames)
    return Go(step)
