"""`say`: speak and go on."""

from __future__ import annotations

from dataclasses import dataclass

from ivr.language.fields import Exit, Kind, Step, goes, kind, setting
from ivr.language.values import Prompt


@kind("say")
@dataclass(frozen=True)
class Say(Step):
    """Say something and go on with the next step."""

    say: Prompt = setting(Kind.PROMPT, "What the caller hears.", required=True, spoken=True)
    barge_in: bool = setting(Kind.FLAG, "Whether the caller may skip it by pressing a key; no for legal notices.", default=True)
    next: str | None = goes(Exit.FALLS, "Where the call goes afterwards; without it, the step below.")
