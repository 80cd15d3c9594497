"""`consent`: ask before recording."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ivr.actions import Listen
from ivr.call import Spoke
from ivr.dialogue.progress import Progress
from ivr.dialogue.questions import Question
from ivr.dialogue.ways import Go, Way
from ivr.language.fields import Exit, Kind, goes, kind, setting
from ivr.language.values import Prompt, Reprompts


@kind("consent")
@dataclass(frozen=True)
class Consent(Question):
    """Ask whether the talk may be recorded. Only a clear yes counts."""

    consent: Prompt = setting(Kind.PROMPT, "What the caller hears.", required=True, spoken=True)
    for_: str = setting(Kind.CHOICE, "What is asked for.", choices=("recording",), yaml_name="for", default="recording")
    reprompts: Reprompts = setting(
        Kind.REPROMPTS, "What is said after silence or an unclear answer, one after another.", default=Reprompts()
    )
    next: str | None = goes(Exit.FALLS, "Where the call goes with either answer; without it, the step below.")

    gives_up: ClassVar[str] = "next"

    def pose(self, progress: Progress) -> None:
        progress.say(self.consent)

    def ears(self, progress: Progress) -> Listen:
        return Listen(digits=1)

    def hear_keys(self, progress: Progress, digits: str) -> Way | None:
        return self._given(progress, {"1": True, "2": False}.get(digits[:1]))

    def hear_speech(self, progress: Progress, spoke: Spoke) -> Way | None:
        return self._given(progress, self.yes_or_no(progress, spoke))

    def stumble(self, progress: Progress, how: str) -> Way:
        way = super().stumble(progress, how)
        if isinstance(way, Go):
            self._given(progress, False)  # only a clear yes counts
        return way

    def _given(self, progress: Progress, answer: bool | None) -> Way | None:
        if answer is None:
            return None
        progress.assign("call.recording", answer)
        progress.note("Consented", what=self.for_, given=answer)
        return progress.go()
