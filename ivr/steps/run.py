"""`run`: go through another flow and come back."""

from __future__ import annotations

from dataclasses import dataclass

from ivr.language.fields import Exit, Kind, Step, goes, kind, setting


@kind("run")
@dataclass(frozen=True)
class Run(Step):
    """Run another flow; when it ends, the call comes back here and goes on with `next`."""

    run: str = setting(Kind.NAME, "The flow.", of="flow", required=True)
    next: str | None = goes(Exit.FALLS, "Where the call goes when that flow ends; without it, the step below.")
