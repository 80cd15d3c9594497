"""`say`: speak and go on."""

from __future__ import annotations

from dataclasses import dataclass

from ivr.dialogue import goals
from ivr.dialogue.progress import Progress
from ivr.dialogue.steps import LiveStep
from ivr.dialogue.ways import Way
from ivr.language.fields import Exit, Kind, goes, kind, setting
from ivr.language.values import Prompt


@kind("say")
@dataclass(frozen=True)
class Say(LiveStep):
    """Say something and go on with the next step."""

    say: Prompt = setting(Kind.PROMPT, "What the caller hears.", required=True, spoken=True)
    barge_in: bool = setting(Kind.FLAG, "Whether the caller may skip it by pressing a key; no for legal notices.", default=True)
    next: str | None = goes(Exit.FALLS, "Where the call goes afterwards; without it, the step below.")

    def enter(self, progress: Progress) -> Way:
        if progress.say(self.say, barge_in=self.barge_in):
            goals.told(progress, tuple(name for variant in self.say.variants for name in variant.text.names))
        return progress.go()
