"""`ask`: take a value from the caller."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ivr.actions import Listen
from ivr.call import Keyed, Spoke
from ivr.dialogue import goals
from ivr.dialogue.keyed import typed_value
from ivr.dialogue.progress import Progress
from ivr.dialogue.questions import Question
from ivr.dialogue.sayings import saying
from ivr.dialogue.ways import Way
from ivr.house import tidy
from ivr.language.fields import Exit, Kind, goes, kind, setting
from ivr.language.values import Prompt, Reprompts
from ivr.steps.menu import Menu

READABLE = ("digits", "alnum", "number", "money", "date", "time", "moment", "yes_no", "name", "email", "postcode", "text")
SURE_SLOT = 0.9
"""A value heard this surely that the caller is known to have (an own order number) needs no confirmation."""
WISH_WORDS = 3
"""Fewer words are taken as a failed answer, never as another wish."""


@kind("ask")
@dataclass(frozen=True)
class Ask(Question):
    """Ask for a value, by speech or keypad, and keep it as a fact. Skipped where the value was heard already."""

    ask: Prompt = setting(Kind.PROMPT, "What the caller hears.", required=True, spoken=True)
    as_: str = setting(Kind.CHOICE, "What is expected.", choices=READABLE, required=True, yaml_name="as")
    save: str = setting(Kind.FACT_FIELD, "The fact that holds the value afterwards, such as order.number.", required=True)
    length: int | None = setting(Kind.WHOLE, "Exactly so many digits, of `alnum` letters and digits.", least=1, most=32)
    from_: float | None = setting(Kind.NUMBER, "The least value allowed.", yaml_name="from")
    to: float | None = setting(Kind.NUMBER, "The greatest value allowed.")
    confirm: str = setting(
        Kind.CHOICE, "Whether the value is read back: when it was heard rather than typed, always or never.",
        choices=("when_spoken", "always", "never"), default="when_spoken",
    )  # fmt: skip
    secret: bool = setting(Kind.FLAG, "Keypad only; never stored, logged or spoken back.", default=False)
    input: str = setting(Kind.CHOICE, "How the caller may answer.", choices=("both", "keys", "speech"), default="both")
    silence: float = setting(Kind.DURATION, "How long to wait for an answer.", default=5.0, least=1, most=30)
    barge_in: bool = setting(Kind.FLAG, "Whether the caller may interrupt.", default=True)
    without: tuple[str, ...] = setting(
        Kind.CHOICES,
        "Universal commands switched off here.",
        choices=("agent", "repeat", "help", "main_menu", "wait"),
        default=(),
    )
    reprompts: Reprompts = setting(
        Kind.REPROMPTS, "What is said after silence or an unclear answer, one after another.", default=Reprompts()
    )
    give_up: str = goes(Exit.MUST, "Where the call goes when the reprompts are used up.")
    next: str | None = goes(Exit.FALLS, "Where the call goes with the value; without it, the step below.", chosen=True)

    # --- asking

    def enter(self, progress: Progress) -> Way:
        goals.not_yet(progress)
        if self.secret:
            return super().enter(progress)
        heard = self._heard_already(progress)
        if heard is not None:
            value, sureness = heard
            if self.confirm == "never" or self._certain(progress, value, sureness):
                return self._keep(progress, value, "heard_with_intent")
            return self._confirm(progress, value, "heard_with_intent", "heard_value")
        known = progress.known(self.save)
        doubted = self.save in progress.session.doubted
        if known is not None and not doubted:
            if progress.visits.get(progress.place, 0) <= 1:
                if self.confirm == "never":
                    return self._keep(progress, known, "known")
                return self._confirm(progress, known, "known", "known_value")
            if self.save in progress.goal.get("asked", ()):
                progress.note("Reasked", fact=self.save)  # for the same wish, and nothing said that the answer was wrong
        return super().enter(progress)

    def pose(self, progress: Progress) -> None:
        progress.say(self.ask)

    def ears(self, progress: Progress) -> Listen:
        return Listen(
            keys=self.secret or self.input != "speech",
            speech=not self.secret and self.input != "keys",
            digits=self.length or (1 if self.as_ == "yes_no" else 0),
            silence_seconds=round(self.silence),
            hints=self._known_values(progress)[:20],
            barge_in=self.barge_in,
            secret=self.secret,
        )

    def keeps_secret(self) -> bool:
        return self.secret

    # --- answers

    def hear_keys(self, progress: Progress, digits: str) -> Way | None:
        value = self._typed(progress, digits)
        if value is None or not self._allowed(value):
            return None
        if self.confirm == "always" and not self.secret:
            return self._confirm(progress, value, "asked", "heard_value")
        return self._keep(progress, value, "asked")

    def hear_speech(self, progress: Progress, spoke: Spoke) -> Way | None:
        if saying(spoke.text, progress.wording, ("unknown",)):
            return progress.go("give_up")
        slot = progress.world.read_slot(self.as_, spoke.text, progress.language, self.length, self._known_values(progress))
        if slot is None or not self._allowed(slot.value):
            return self._other_wish(progress, spoke)
        read_back = self.confirm == "always" or (self.confirm == "when_spoken" and self.as_ != "yes_no")
        if read_back and not self._certain(progress, slot.value, slot.sureness):
            return self._confirm(progress, slot.value, "asked", "heard_value")
        return self._keep(progress, slot.value, "asked")

    def settle(self, progress: Progress, asking: dict[str, Any], event: Keyed | Spoke) -> Way | None:
        answer = self.yes_or_no(progress, event)
        if isinstance(event, Keyed) and len(event.digits) > 1:
            answer = None
        if answer is True:
            self.close_aside(progress)
            return self._keep(progress, asking["value"], asking["source"])
        corrected = self._corrected_value(progress, asking, event)
        if corrected is not None:
            return self._confirm(progress, corrected, "asked", "heard_value")
        if answer is None:
            return None
        self.close_aside(progress)
        if asking["source"] != "known":
            progress.memory["unclear"] = progress.memory.get("unclear", 0) + 1
            if progress.memory["unclear"] > len(self.reprompts.unclear) + 1:
                return progress.go("give_up")
        self.pose(progress)
        return self.listen(progress, remember=True)

    def unsettled(self, progress: Progress, asking: dict[str, Any]) -> Way:
        self.pose(progress)
        return self.listen(progress, remember=True)

    def _other_wish(self, progress: Progress, spoke: Spoke) -> Way | None:
        """No value but, for certain, another wish of the flow's menu: "no wait, I want to pay my bill"."""
        if len(tidy(spoke.text).split()) < WISH_WORDS:
            return None
        menus = [step for step in progress.flow.steps.values() if isinstance(step, Menu)]
        menu = max(menus, key=lambda one: len(one.wishes), default=None)  # a yes or no before it is nobody's main menu
        return menu.certain_wish(progress, spoke) if menu is not None else None

    # --- values

    def _heard_already(self, progress: Progress) -> tuple[Any, float] | None:
        """A value of this kind that came with the intent and was not used yet."""
        found = progress.slots.get(self.as_)
        if found is None:
            return None
        value, sureness = found
        if not self._allowed(value):
            return None
        del progress.slots[self.as_]
        return value, float(sureness)

    def _allowed(self, value: Any) -> bool:
        if self.length is not None and len(str(value)) != self.length:
            return False
        if self.from_ is None and self.to is None:
            return True
        try:
            figure = float(value)
        except (TypeError, ValueError):
            return True
        return (self.from_ is None or figure >= self.from_) and (self.to is None or figure <= self.to)

    def _certain(self, progress: Progress, value: Any, sureness: float) -> bool:
        return self.confirm != "always" and sureness >= SURE_SLOT and str(value) in self._known_values(progress)

    def _known_values(self, progress: Progress) -> tuple[str, ...]:
        """Values that this caller is known to have for the fact asked for: the field itself and lists of it ("order.numbers")."""
        root, _, field = self.save.partition(".")
        found: list[str] = []
        for name in (root, f"{root}s"):
            for key in (field, f"{field}s"):
                value = progress.facts.get(name, {}).get(key)
                found += (
                    [str(part) for part in value]
                    if isinstance(value, list | tuple)
                    else [str(value)]
                    if value is not None
                    else []
                )
        return tuple(dict.fromkeys(found))

    def _typed(self, progress: Progress, digits: str) -> Any:
        """What the keys stand for; None where they are no such value."""
        today = progress.world.local(progress.world.now).date()
        return typed_value(self.as_, digits, self.length, today, self._known_values(progress))

    def _confirm(self, progress: Progress, value: Any, source: str, phrase: str) -> Way:
        progress.phrase(phrase, value=progress.spoken_value(self.as_, value))
        return self.open_aside(progress, {"kind": "value", "value": value, "source": source})

    def _corrected_value(self, progress: Progress, asking: dict[str, Any], event: Keyed | Spoke) -> Any:
        """Instead of yes or no, or after no, the right value: "no, one two three four"."""
        if isinstance(event, Keyed):
            value = self._typed(progress, event.digits)
            return value if len(event.digits) > 1 and value is not None and self._allowed(value) else None
        if self.as_ == "yes_no" or len(tidy(event.text).split()) < 2:
            return None
        if self.as_ in ("text", "name"):
            return None  # any words would do: only a plain yes or no counts here
        slot = progress.world.read_slot(self.as_, event.text, progress.language, self.length, self._known_values(progress))
        if slot is None or not self._allowed(slot.value) or slot.value == asking["value"]:
            return None
        return slot.value

    def _keep(self, progress: Progress, value: Any, source: str) -> Way:
        goals.going_on(progress)
        progress.keep(self.save, value, source, secret=self.secret)
        if progress.goal and not self.secret:
            progress.goal["asked"] = [*progress.goal.get("asked", ()), self.save]
            if self.as_ in ("digits", "alnum", "postcode"):
                progress.goal["entity"] = str(value)
        return progress.go()
