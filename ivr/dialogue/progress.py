"""One turn in progress: all that a step may know and do. It collects; nothing is carried out here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ivr.actions import Action, Listen, Pause, Play, Say
from ivr.call import CallEvent, Session
from ivr.dialogue.facts import Seen, call_fact, caller_fact, now_fact, queue_fact, today_fact
from ivr.dialogue.ways import Go, Stay, written_exit
from ivr.house import Wording
from ivr.language.bundle import Bundle
from ivr.language.fields import Step
from ivr.language.flow import Flow
from ivr.language.names import BUILT_IN
from ivr.language.values import Expression, Missing, Prompt
from ivr.notes import Note
from ivr.speaking import Reader
from ivr.world import QueueNow, World

LONGEST_SAYING = 3000
"""Characters of one prompt: what the strictest voice of a carrier takes."""
UNHAPPY = frozenset({"give_up", "failed", "not_found", "declined", "unknown", "refused", "no_answer", "closed", "nobody", "full"})
"""Exits after which the caller has not been told what was asked."""

Spoken = Say | Play | Pause


@dataclass(frozen=True)
class Turn:
    """What one event leads to: the session to keep, the actions to carry out (the last one ends the turn), the notes to write.

    `ways`: the exits taken, as (flow, step, exit), for coverage.
    """

    session: Session
    actions: tuple[Action, ...]
    notes: tuple[Note, ...]
    ways: tuple[tuple[str, str, str], ...] = ()


class Progress:
    """The turn being taken. Steps read `facts` and `memory`, say things, listen, note, and return the way the call goes."""

    def __init__(self, bundle: Bundle, session: Session, event: CallEvent, world: World) -> None:
        self.bundle = bundle
        self.world = world
        self.event = event
        self.session = session
        self.kept: dict[str, dict[str, Any]] = {root: dict(fields) for root, fields in session.facts.items()}
        self.memory: dict[str, Any] = dict(session.memory)
        self.visits: dict[str, int] = dict(session.visits)
        self.slots: dict[str, Any] = dict(session.slots)
        self.goal: dict[str, Any] = dict(session.goal)
        self.secrets: dict[str, dict[str, Any]] = {}
        self.notes: list[Note] = []
        self.heard_now: str | None = None  # what the caller said in this very turn
        self.steps_taken = 0
        self.ways: list[tuple[str, str, str]] = []
        self._actions: list[Action] = []
        self._spoken: list[tuple[Spoken, bool]] = []
        self._missing: set[str] = set()
        self._queues: dict[str, QueueNow] = {}
        self._readers: dict[str, Reader] = {}
        self.waited_seconds: float | None = None
        self.facts = Seen(
            self.kept,
            {
                "caller": lambda: caller_fact(self.session, self.kept.get("caller", {})),
                "call": lambda: call_fact(self.session, self.kept.get("call", {}), self.language),
                "now": lambda: now_fact(self.world),
                "today": lambda: today_fact(self.world, self.kept.get("today", {})),
                "queue": self._queue_fact,
            },
        )

    # --- where we are

    @property
    def language(self) -> str:
        """The call's language, BCP 47."""
        return self.session.language

    @property
    def flow(self) -> Flow:
        """The flow in progress."""
        return self.bundle.flows[self.session.frame.flow]

    @property
    def step(self) -> Step:
        """The step in progress."""
        return self.flow.steps[self.session.frame.step]

    @property
    def place(self) -> str:
        """`flow.step`, for notes and counters."""
        return f"{self.session.frame.flow}.{self.session.frame.step}"

    @property
    def wording(self) -> Wording:
        """The house's words in the call's language."""
        return self.world.house.wording(self.language)

    def go(self, setting: str = "next", *, unhappy: bool = True) -> Go:
        """The way that the step's exit `setting` leads. `unhappy`: an exit such as give_up means that the caller was not served."""
        if unhappy and setting in UNHAPPY and self.goal:
            self.goal.pop("told", None)
            self.goal["astray"] = True
        step = self.step
        return Go(self.flow.target(step, setting), written_exit(step, setting))

    # --- what is known

    def holds(self, condition: Expression | None) -> bool:
        """Whether a condition holds; none at all holds. A missing fact means no and is noted."""
        if condition is None or condition.holds(self.facts):
            return True
        for name in condition.names:
            if name.field == "known" or name.root in BUILT_IN:
                continue  # built-in facts may have fields that are not known yet: the wait, the position
            root = self.facts.get(name.root)
            if root is None or (name.field is not None and name.field not in root and root.get("known", True)):
                self._note_missing(str(name))
        return False

    def value(self, expression: Expression, *, secrets: bool = False, optional: bool = False) -> Any:
        """The value of an expression, or None where a fact is missing (noted unless `optional`). `secrets`: this turn's secret answers count."""
        facts = self._with_secrets() if secrets and self.secrets else self.facts
        try:
            return expression.evaluate(facts)
        except Missing as missing:
            if not optional:
                self._note_missing(missing.fact)
            return None

    def keep(self, name: str, value: Any, source: str, *, secret: bool = False) -> None:
        """Keep `fact.field`; `source` is asked, heard_with_intent or known. Secret values live until the end of this turn only."""
        root, _, field = name.partition(".")
        if secret:
            self.secrets.setdefault(root, {})[field] = value
        else:
            self.kept.setdefault(root, {})[field] = value
            self.facts.forget(root)
            self.session = self.session.but(doubted=tuple(d for d in self.session.doubted if d != name))
        self.note("SlotFilled", fact=name, value="…" if secret else value, source=source)

    def assign(self, name: str, value: Any) -> None:
        """Set `fact.field` as the flow says. `call.language` switches the language of the call where the flow has it."""
        root, _, field = name.partition(".")
        if name == "call.language":
            self.speak_language(str(value))
            return
        self.kept.setdefault(root, {})[field] = value
        self.facts.forget(root)

    def speak_language(self, wanted: str) -> bool:
        """Go on in `wanted` ("es" or "es-ES"), or in the flow's language closest to it; returns whether there is one."""
        found = closest_language(wanted, self.flow.languages)
        if found is None:
            return False
        if found != self.session.language:
            self.session = self.session.but(language=found)
            self.facts.forget("call")
            self.note("LanguageSet", language=found)
        return True

    def keep_all(self, root: str, fields: Mapping[str, Any]) -> None:
        """Keep a whole fact as found by a look-up."""
        self.kept[root] = {**self.kept.get(root, {}), **fields, "known": True}
        self.facts.forget(root)

    def known(self, name: str) -> Any:
        """The value of `fact.field`, or None."""
        root, _, field = name.partition(".")
        return self.facts.get(root, {}).get(field)

    def queue_now(self, name: str, needs: Mapping[str, int]) -> QueueNow:
        """How a queue stands; asked once in a turn."""
        if name not in self._queues:
            self._queues[name] = self.world.queue(name, dict(needs))
        return self._queues[name]

    # --- what is done

    def note(self, kind: str, /, **data: Any) -> None:
        """Write a line of the journal."""
        self.notes.append(Note(self.session.call_id, kind, self.event.at, data))

    def say(self, prompt: Prompt | None, *, barge_in: bool = True) -> bool:
        """Speak the first variant that holds and whose facts are there; returns whether anything is said."""
        if prompt is None:
            return False
        rendered = self._render(prompt)
        if rendered is None:
            return False
        text, language, audio = rendered
        self.speak(text, language=language, audio=audio, barge_in=barge_in)
        return True

    def text_of(self, prompt: Prompt) -> str:
        """A prompt as text (of a message), in the call's language; "" where no variant can be said."""
        rendered = self._render(prompt)
        return rendered[0] if rendered else ""

    def phrase(self, name: str, **values: str) -> None:
        """Speak a phrase of the house."""
        self.speak(self.world.house.phrase(name, self.language, **values))

    def speak(self, text: str, *, language: str | None = None, audio: str | None = None, barge_in: bool = True) -> None:
        """Speak plain text, or play a recording of it."""
        tidy = _sayable(text)
        language = language or self.language
        if not tidy and not audio:
            return
        spoken = Play(audio, tidy, language) if audio else Say(tidy, language)
        self._spoken.append((spoken, barge_in))
        self.note("Prompted", step=self.session.frame.step, text=tidy, language=language, audio=audio)

    def say_again(self) -> None:
        """Speak what was said before the last question once more."""
        for line in self.session.said:
            self.speak(line.get("text", ""), language=line.get("language"), audio=line.get("audio"))

    def spoken_value(self, kind: str, value: Any) -> str:
        """A value as it is read back: digits one by one, money with its currency, days by name."""
        readings = {
            "digits": "digits",
            "alnum": "spell",
            "postcode": "spell",
            "email": "email",
            "money": "money",
            "date": "day",
            "time": "time",
            "moment": "moment",
        }
        readings |= {"name": "name", "yes_no": "plain"}
        return self._reader(self.language)(readings.get(kind, "plain"), value)

    def listen(self, ears: Listen, *, remember: bool = False, prompts: tuple[Spoken, ...] = ()) -> Stay:
        """Speak what is due and listen; prompts right before the question can be interrupted together with it.

        `remember`: this is what "repeat" says again. `prompts` follow what is due without being noted (music).
        """
        uninterrupted = 0
        for number, (_, barge_in) in enumerate(self._spoken, start=1):
            if not barge_in:
                uninterrupted = number
        if not ears.barge_in:
            uninterrupted = 0
        nested = (*(spoken for spoken, _ in self._spoken[uninterrupted:]), *prompts)
        before = [spoken for spoken, _ in self._spoken[:uninterrupted]]
        said = tuple(_line(spoken) for spoken, _ in self._spoken if not isinstance(spoken, Pause))
        self._spoken.clear()
        self._actions += [
            *before,
            Listen(
                nested, ears.keys, ears.speech, ears.digits, ears.finish_key, ears.silence_seconds, ears.hints, self.language,
                ears.barge_in, ears.secret,
            ),
        ]  # fmt: skip
        if remember:
            self.session = self.session.but(said=said)
        return Stay()

    def act(self, action: Action) -> None:
        """Speak what is due, then do something that does not end the turn."""
        self._speak_out()
        self._actions.append(action)

    def finish(self, action: Action) -> Stay:
        """Speak what is due and end the turn with `action`."""
        self.act(action)
        return Stay()

    def turn(self) -> Turn:
        """The outcome."""
        self._speak_out()
        session = self.session.but(
            facts=self.kept,
            memory=self.memory,
            visits=self.visits,
            slots=self.slots,
            goal=self.goal,
            turn=self.session.turn + 1,
            steps=self.session.steps + self.steps_taken,
        )
        return Turn(session, tuple(self._actions), tuple(self.notes), tuple(self.ways))

    def forget_actions(self) -> None:
        """Drop what a broken step has given so far."""
        self._actions.clear()
        self._spoken.clear()

    def left(self, reason: str) -> None:
        """The call leaves the flow for good; told once."""
        if not self.session.ended:
            self.note("LeftFlow", reason=reason, flow=self.session.frame.flow, step=self.session.frame.step)
            self.session = self.session.but(ended=True)

    def last_queue(self) -> str | None:
        """The queue waited in last, or None."""
        step = self.last_queue_step()
        return step.queue if step is not None else None

    def last_queue_step(self) -> Any:
        """The queue step waited in last (of whatever flow), or None."""
        flow_name, _, step_name = self.session.queue_step.partition(".")
        flow = self.bundle.flows.get(flow_name)
        return flow.steps.get(step_name) if flow else None

    def _render(self, prompt: Prompt) -> tuple[str, str, str | None] | None:
        """Text, language and recording of the first variant that holds and whose facts are there."""
        source = self.flow.languages[0]
        for variant in prompt.variants:
            if not self.holds(variant.when):
                continue
            template, language = variant.text, self.language
            if language != source:
                translated = self.bundle.translate(language, variant.text)
                template, language = (translated, language) if translated is not None else (variant.text, source)
            try:
                text = template.render(self.facts, self._reader(language))
            except Missing as missing:
                self._note_missing(missing.fact)
                continue
            return text, language, variant.audio if language == source else None
        return None

    def _reader(self, language: str) -> Reader:
        """Who reads values aloud; the time stands still during a turn, so one for each language does."""
        if language not in self._readers:
            self._readers[language] = Reader(language, self.world.local(self.world.now), self.world.house.currency)
        return self._readers[language]

    def _speak_out(self) -> None:
        self._actions += [spoken for spoken, _ in self._spoken]
        self._spoken.clear()

    def _with_secrets(self) -> Mapping[str, Mapping[str, Any]]:
        return {root: {**self.facts.get(root, {}), **self.secrets.get(root, {})} for root in (*self.facts, *self.secrets)}

    def _note_missing(self, fact: str) -> None:
        if fact not in self._missing:
            self._missing.add(fact)
            self.note("MissingFact", step=self.session.frame.step, fact=fact)

    def _queue_fact(self) -> Mapping[str, Any]:
        step: Any = self.step
        if step.kind != "queue":
            step = self.last_queue_step()
        if step is None:
            return {}
        return queue_fact(step.queue, self.queue_now(step.queue, step.needs), self.waited_seconds)


def closest_language(wanted: str, offered: tuple[str, ...]) -> str | None:
    """`wanted` itself, else an offered one of the same base language ("es" and "es-MX" are served by "es-ES"), else None."""
    if wanted in offered:
        return wanted
    base = wanted.split("-")[0].lower()
    return next((language for language in offered if language.split("-")[0].lower() == base), None)


@lru_cache(maxsize=1024)
def _sayable(text: str) -> str:
    """`text` in one line, as long as one prompt may be. Most sentences are a flow's own and said again and again."""
    cut = text[: LONGEST_SAYING * 2]
    printable = cut if cut.isprintable() else "".join(c if c.isprintable() else " " for c in cut)
    return " ".join(printable.split())[:LONGEST_SAYING]


def _line(spoken: Say | Play | Pause) -> dict[str, Any]:
    if isinstance(spoken, Play):
        return {"text": spoken.text, "language": spoken.language, "audio": spoken.audio}
    return {"text": spoken.text if isinstance(spoken, Say) else "", "language": getattr(spoken, "language", None)}
