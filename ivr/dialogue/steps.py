"""The behaviour every kind of step has, on top of the settings it declares."""

from __future__ import annotations

from abc import abstractmethod

from ivr.actions import Continue
from ivr.call import CallEvent
from ivr.dialogue.progress import Progress
from ivr.dialogue.ways import Way
from ivr.language.fields import Step


class LiveStep(Step):
    """A step that a call can go through."""

    @abstractmethod
    def enter(self, progress: Progress) -> Way:
        """The call comes to this step."""

    def take(self, progress: Progress, event: CallEvent) -> Way:
        """Something happened while the call rests here. Events that mean nothing to the step let it begin anew."""
        return self.enter(progress)


def come_back(progress: Progress) -> Way:
    """End the turn with what was said so far and go on at once with the next one."""
    return progress.finish(Continue())
