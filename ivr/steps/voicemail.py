"""`voicemail`: take a message."""

from __future__ import annotations

from dataclasses import dataclass

from ivr.actions import Record
from ivr.call import CallEvent, Recorded, Silent
from ivr.dialogue import goals
from ivr.dialogue.progress import Progress
from ivr.dialogue.steps import LiveStep
from ivr.dialogue.ways import Way
from ivr.language.fields import Exit, Kind, goes, kind, setting
from ivr.language.values import Prompt

SHORTEST_SECONDS = 1.0
"""A shorter recording is somebody who hung up at the tone."""


@kind("voicemail", reaches_person=True)
@dataclass(frozen=True)
class Voicemail(LiveStep):
    """Record a message after the tone."""

    voicemail: Prompt = setting(Kind.PROMPT, "What the caller hears before the tone.", required=True, spoken=True)
    longest: float = setting(Kind.DURATION, "How long a message may be.", default=120.0, least=5, most=600)
    next: str | None = goes(Exit.FALLS, "Where the call goes afterwards; without it, the step below.")

    def enter(self, progress: Progress) -> Way:
        goals.dropped(progress)
        progress.say(self.voicemail)
        return progress.finish(Record(longest_seconds=round(self.longest)))

    def take(self, progress: Progress, event: CallEvent) -> Way:
        if isinstance(event, Recorded):
            if event.url and event.seconds >= SHORTEST_SECONDS:
                progress.note("VoicemailLeft", url=event.url, seconds=event.seconds, queue=progress.last_queue())
            return progress.go()
        if isinstance(event, Silent):
            return progress.go()
        return self.enter(progress)
