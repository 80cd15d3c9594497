"""`rate`: one question of a survey."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ivr.actions import Listen
from ivr.call import Spoke
from ivr.dialogue import goals
from ivr.dialogue.choosing import spoken_key
from ivr.dialogue.progress import Progress
from ivr.dialogue.questions import Question
from ivr.dialogue.ways import Go, Way
from ivr.language.fields import Exit, Kind, goes, kind, setting
from ivr.language.values import Prompt, Reprompts

_SOLVED_KEYS = {"1": 1, "2": 0, "0": 0}


@kind("rate")
@dataclass(frozen=True)
class Rate(Question):
    """Ask for a rating and keep it in the call record, with its question, scale and direction. No answer is an answer too."""

    rate: Prompt = setting(Kind.PROMPT, "What the caller hears.", required=True, spoken=True)
    question: str = setting(Kind.CHOICE, "What is asked.", choices=("csat", "nps", "ces", "resolved"), required=True)
    from_: int = setting(Kind.WHOLE, "The lowest rating.", yaml_name="from", default=1, least=0, most=10)
    to: int = setting(Kind.WHOLE, "The highest rating; 10 is typed with two keys.", default=5, least=1, most=10)
    direction: str = setting(Kind.CHOICE, "Whether a high or a low figure is good.", choices=("up", "down"), default="up")
    silence: float = setting(Kind.DURATION, "How long to wait for an answer.", default=5.0, least=1, most=30)
    reprompts: Reprompts = setting(
        Kind.REPROMPTS, "What is said after silence or an unclear answer, one after another.", default=Reprompts()
    )
    next: str | None = goes(Exit.FALLS, "Where the call goes with or without an answer; without it, the step below.")

    gives_up: ClassVar[str] = "next"

    def enter(self, progress: Progress) -> Way:
        if progress.goal.get("told"):
            goals.concluded(progress, confirmed=None)
        return super().enter(progress)

    def pose(self, progress: Progress) -> None:
        progress.say(self.rate)

    def ears(self, progress: Progress) -> Listen:
        return Listen(digits=1 if self._yes_no() else len(str(self.to)), silence_seconds=round(self.silence))

    def hear_keys(self, progress: Progress, digits: str) -> Way | None:
        if self._yes_no():
            answer = _SOLVED_KEYS.get(digits[:1])
            return None if answer is None else self._rated(progress, answer, "keys")
        return self._rated(progress, int(digits), "keys") if digits.isascii() and digits.isdigit() else None

    def hear_speech(self, progress: Progress, spoke: Spoke) -> Way | None:
        if self._yes_no():
            yes = self.yes_or_no(progress, spoke)
            if yes is not None:
                return self._rated(progress, int(yes), "voice")
            key = spoken_key(progress, spoke.text, tuple(_SOLVED_KEYS))  # "press 1 for yes" is answered with "one", too
            return None if key is None else self._rated(progress, _SOLVED_KEYS[key], "voice")
        slot = progress.world.read_slot("number", spoke.text, progress.language, None, ())
        if slot is None:
            return None
        try:
            figure = float(slot.value)
        except (TypeError, ValueError):
            return None
        return self._rated(progress, int(figure), "voice") if figure == int(figure) else None

    def stumble(self, progress: Progress, how: str) -> Way:
        way = super().stumble(progress, how)
        if isinstance(way, Go):
            self._note(progress, None, None)
        return way

    def _yes_no(self) -> bool:
        """ "Was it resolved?" is answered with yes or no (1 or 0 in the record)."""
        return self.question == "resolved"

    def _rated(self, progress: Progress, answer: int, mode: str) -> Way | None:
        least, most = (0, 1) if self._yes_no() else (self.from_, self.to)
        if not least <= answer <= most:
            return None
        progress.assign(f"call.{self.question}", answer)
        self._note(progress, answer, mode)
        return progress.go()

    def _note(self, progress: Progress, answer: int | None, mode: str | None) -> None:
        scale = "0-1" if self._yes_no() else f"{self.from_}-{self.to}"
        progress.note("Surveyed", question=self.question, scale=scale, direction=self.direction, answer=answer, mode=mode)
