"""`answer`: answer a question from config/answers.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from ivr.actions import Listen
from ivr.call import Keyed, Spoke
from ivr.dialogue import goals
from ivr.dialogue.progress import Progress
from ivr.dialogue.questions import Question
from ivr.dialogue.ways import Way
from ivr.language.fields import Exit, Kind, goes, kind, setting
from ivr.language.values import Prompt, Reprompts


@kind("answer")
@dataclass(frozen=True)
class Answer(Question):
    """Answer a question from config/answers.yaml by meaning, then ask whether it helped."""

    answer: Prompt = setting(
        Kind.PROMPT, "What the caller hears; skipped where the question was heard already.", required=True, spoken=True
    )
    helped: Prompt | None = setting(Kind.PROMPT, "How it is asked whether that helped.")
    reprompts: Reprompts = setting(
        Kind.REPROMPTS, "What is said after silence or an unclear answer, one after another.", default=Reprompts()
    )
    unknown: str = goes(Exit.MUST, "Where the call goes when there is no good answer or it did not help.")
    next: str | None = goes(Exit.FALLS, "Where the call goes when it helped; without it, the step below.", chosen=True)

    gives_up: ClassVar[str] = "unknown"

    def enter(self, progress: Progress) -> Way:
        if progress.heard_now:
            way = self._tell(progress, progress.heard_now)
            if way is not None:
                return way
        return super().enter(progress)

    def pose(self, progress: Progress) -> None:
        progress.say(self.answer)

    def ears(self, progress: Progress) -> Listen:
        return Listen(keys=False)

    def hear_keys(self, progress: Progress, digits: str) -> Way | None:
        return None

    def hear_speech(self, progress: Progress, spoke: Spoke) -> Way | None:
        way = self._tell(progress, spoke.text)
        if way is None:
            progress.phrase("no_answer_known")
        return way

    def settle(self, progress: Progress, asking: dict[str, Any], event: Keyed | Spoke) -> Way | None:
        helped = self.yes_or_no(progress, event)
        if helped is None:
            return None
        self.close_aside(progress)
        return self._done(progress, asking["question"], helped)

    def unsettled(self, progress: Progress, asking: dict[str, Any]) -> Way:
        return self._done(progress, asking["question"], None)

    def _tell(self, progress: Progress, question: str) -> Way | None:
        found = progress.world.answer(question, progress.language)
        if found is None:
            return None
        goals.going_on(progress)
        progress.speak(found.text)
        goals.told(progress)
        if self.helped is None or not progress.say(self.helped):
            progress.phrase("ask_helped")
        return self.open_aside(progress, {"kind": "helped", "question": found.question})

    def _done(self, progress: Progress, question: str, helped: bool | None) -> Way:
        progress.note("Answered", question=question, helped=helped)
        if helped is False:
            return progress.go("unknown")
        if progress.goal.get("told"):
            goals.concluded(progress, confirmed=helped)
        return progress.go()
