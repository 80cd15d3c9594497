"""`voicemail`: take a message."""

from __future__ import annotations

from dataclasses import dataclass

from ivr.language.fields import Exit, Kind, Step, goes, kind, setting
from ivr.language.values import Prompt


@kind("voicemail")
@dataclass(frozen=True)
class Voicemail(Step):
    """Record a message after the tone."""

    voicemail: Prompt = setting(Kind.PROMPT, "What the caller hears before the tone.", required=True, spoken=True)
    longest: float = setting(Kind.DURATION, "How long a message may be.", default=120.0, least=5, most=600)
    next: str | None = goes(Exit.FALLS, "Where the call goes afterwards; without it, the step below.")
