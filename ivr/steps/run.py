"""`run`: go through another flow and come back."""

from __future__ import annotations

from dataclasses import dataclass

from ivr.dialogue.progress import Progress
from ivr.dialogue.steps import LiveStep
from ivr.dialogue.ways import RunFlow, Way
from ivr.language.fields import Exit, Kind, goes, kind, setting


@kind("run")
@dataclass(frozen=True)
class Run(LiveStep):
    """Run another flow; when it ends, the call comes back here and goes on with `next`."""

    run: str = setting(Kind.NAME, "The flow.", of="flow", required=True)
    next: str | None = goes(Exit.FALLS, "Where the call goes when that flow ends; without it, the step below.")

    def enter(self, progress: Progress) -> Way:
        way = progress.go()
        return RunFlow(self.run, way.step, way.by)
