"""`identify`: make sure that callers are who their number says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ivr.actions import Listen
from ivr.call import Spoke
from ivr.dialogue import goals
from ivr.dialogue.progress import Progress
from ivr.dialogue.questions import Question
from ivr.dialogue.ways import Way
from ivr.language.fields import Exit, Kind, goes, kind, setting
from ivr.language.values import Prompt, Reprompts


@kind("identify")
@dataclass(frozen=True)
class Identify(Question):
    """Step-up identification. Tries are limited per call, caller and account; afterwards customer.identified is yes."""

    identify: Prompt = setting(Kind.PROMPT, "What the caller hears.", required=True, spoken=True)
    by: str = setting(Kind.CHOICE, "What the caller proves it with.", choices=("pin", "order_number"), required=True)
    length: int = setting(Kind.WHOLE, "How many digits it has.", least=4, most=16, default=4)
    silence: float = setting(Kind.DURATION, "How long to wait for an answer.", default=5.0, least=1, most=30)
    reprompts: Reprompts = setting(
        Kind.REPROMPTS, "What is said after silence or a wrong answer, one after another.", default=Reprompts()
    )
    failed: str = goes(Exit.MUST, "Where the call goes when it did not succeed or no try is left.", chosen=True)
    next: str | None = goes(Exit.FALLS, "Where the call goes on success; without it, the step below.", chosen=True)

    gives_up: ClassVar[str] = "failed"

    def enter(self, progress: Progress) -> Way:
        if progress.known("customer.identified") is True:
            return progress.go()
        goals.not_yet(progress)
        return super().enter(progress)

    def pose(self, progress: Progress) -> None:
        progress.say(self.identify)

    def ears(self, progress: Progress) -> Listen:
        spoken = self.by != "pin"
        return Listen(speech=spoken, digits=self.length, silence_seconds=round(self.silence), secret=not spoken)

    def keeps_secret(self) -> bool:
        return self.by == "pin"

    def hear_keys(self, progress: Progress, digits: str) -> Way | None:
        return self._check(progress, digits) if len(digits) == self.length and digits.isascii() and digits.isdigit() else None

    def hear_speech(self, progress: Progress, spoke: Spoke) -> Way | None:
        slot = progress.world.read_slot("digits", spoke.text, progress.language, self.length, ())
        return None if slot is None or len(str(slot.value)) != self.length else self._check(progress, str(slot.value))

    def _check(self, progress: Progress, value: str) -> Way | None:
        right, left = progress.world.check_secret(progress.session, self.by, value)
        progress.note("Identified", method=self.by, ok=right, tries=left)
        if right:
            goals.going_on(progress)
            progress.assign("customer.identified", True)
            return progress.go()
        if left <= 0:
            return progress.go("failed")
        return self.stumble(progress, "unclear")
