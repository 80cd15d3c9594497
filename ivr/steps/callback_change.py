"""`callback_change`: move a promised call back, or take it back."""

from __future__ import annotations

from dataclasses import dataclass

from ivr.actions import ChangeCallback
from ivr.dialogue import goals
from ivr.dialogue.progress import Progress
from ivr.dialogue.steps import LiveStep
from ivr.dialogue.ways import Way
from ivr.language.fields import Exit, Kind, goes, kind, setting
from ivr.language.values import Expression, Prompt
from ivr.steps.callback import call_time


@kind("callback_change")
@dataclass(frozen=True)
class CallbackChange(LiveStep):
    """Move the call back that was promised to this caller's number to another time, or take it back. See caller.callback_promised."""

    callback_change: Prompt = setting(Kind.PROMPT, "What the caller hears when that is done.", required=True, spoken=True)
    at: Expression | None = setting(Kind.EXPRESSION, "The new time, such as call.back_at; without it, nobody rings any more.")
    none: str | None = goes(
        Exit.MAY,
        "Where the call goes when nothing is promised, or no time was said, or we are dialling at this moment (which the caller is told).",
        instead="next",
    )
    next: str | None = goes(Exit.FALLS, "Where the call goes afterwards; without it, the step below.")

    def enter(self, progress: Progress) -> Way:
        promised = progress.world.promised(progress.session.caller)
        at = call_time(progress.value(self.at), progress.world.local(progress.world.now)) if self.at is not None else None
        if promised is not None and promised.ringing:
            progress.phrase("callback_now")
            return progress.go("none")
        if promised is None or (self.at is not None and at is None):
            return progress.go("none")
        progress.say(self.callback_change)
        progress.act(ChangeCallback(promised.callback_id, at))
        progress.keep_all("caller", {"callback_promised": self.at is not None})
        goals.told(progress)
        return progress.go()
