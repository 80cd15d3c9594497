"""`transfer`: connect to a number outside."""

from __future__ import annotations

from dataclasses import dataclass

from ivr.actions import Dial
from ivr.actions import Hangup as EndCall
from ivr.call import CallEvent, Transferred
from ivr.dialogue import goals
from ivr.dialogue.progress import Progress
from ivr.dialogue.steps import LiveStep
from ivr.dialogue.ways import Way
from ivr.language.fields import Exit, Kind, goes, kind, setting
from ivr.language.values import Prompt


@kind("transfer", reaches_person=True)
@dataclass(frozen=True)
class Transfer(LiveStep):
    """Connect the caller to a number of the directory (config/numbers.yaml); the call leaves this system."""

    transfer: str = setting(Kind.NAME, "The entry of the directory.", of="directory", required=True)
    text: Prompt | None = setting(Kind.PROMPT, "What the caller hears first.", spoken=True)
    ring: float = setting(Kind.DURATION, "How long to let it ring.", default=30.0, least=5, most=120)
    failed: str = goes(Exit.MUST, "Where the call goes when nobody answers.")

    def enter(self, progress: Progress) -> Way:
        goals.dropped(progress)
        number = progress.world.number_of(self.transfer)
        if number is None:
            return progress.go("failed")
        progress.say(self.text)
        progress.note("TransferStarted", leg_id=None, agent=None, to_kind="number", to=self.transfer, warm=False)
        return progress.finish(Dial(number, ring_seconds=round(self.ring)))

    def take(self, progress: Progress, event: CallEvent) -> Way:
        if not isinstance(event, Transferred):
            return self.enter(progress)
        talked = event.result == "talked"
        seconds = event.seconds if talked else None
        progress.note("TransferEnded", leg_id=None, result="completed" if talked else "failed", seconds=seconds)
        if talked:
            progress.left("handed_over")
            return progress.finish(EndCall())
        return progress.go("failed")
