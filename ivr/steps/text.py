"""`text`: send a text message."""

from __future__ import annotations

from dataclasses import dataclass

from ivr.actions import Send
from ivr.dialogue import goals
from ivr.dialogue.progress import Progress
from ivr.dialogue.steps import LiveStep
from ivr.dialogue.ways import Way
from ivr.language.fields import Exit, Kind, goes, kind, setting
from ivr.language.values import Prompt


@kind("text")
@dataclass(frozen=True)
class Text(LiveStep):
    """Send a text message to the caller's own number."""

    text: Prompt = setting(Kind.PROMPT, "The message.", required=True)
    say: Prompt | None = setting(Kind.PROMPT, "What the caller hears.", spoken=True)
    failed: str | None = goes(Exit.MAY, "Where the call goes when the number cannot take messages.", instead="next")
    next: str | None = goes(Exit.FALLS, "Where the call goes afterwards; without it, the step below.")

    def enter(self, progress: Progress) -> Way:
        number = progress.world.reachable_number(progress.session.caller, "text")
        message = progress.text_of(self.text)
        if number is None or not message:
            progress.note("Texted", text=message, result="refused")
            return progress.go("failed")
        progress.say(self.say)
        progress.act(Send(message, number))
        progress.note("Texted", text=message, result="sent")
        goals.told(progress)
        return progress.go()
