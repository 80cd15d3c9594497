"""`hangup`: say goodbye and end the call."""

from __future__ import annotations

from dataclasses import dataclass

from ivr.actions import Hangup as EndCall
from ivr.dialogue import goals
from ivr.dialogue.progress import Progress
from ivr.dialogue.steps import LiveStep
from ivr.dialogue.ways import Way
from ivr.language.fields import Kind, kind, setting
from ivr.language.values import Prompt


@kind("hangup")
@dataclass(frozen=True)
class Hangup(LiveStep):
    """Say goodbye and end the call. A flow that another one runs comes back by reaching its end or `return` instead."""

    hangup: Prompt | None = setting(Kind.PROMPT, "What the caller hears; may be left empty.", spoken=True)

    def enter(self, progress: Progress) -> Way:
        if progress.goal.get("told"):
            goals.concluded(progress, confirmed=None)
        progress.say(self.hangup)
        progress.left("hangup")
        return progress.finish(EndCall())
