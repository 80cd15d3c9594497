"""`text`: send a text message."""

from __future__ import annotations

from dataclasses import dataclass

from ivr.language.fields import Exit, Kind, Step, goes, kind, setting
from ivr.language.values import Prompt


@kind("text")
@dataclass(frozen=True)
class Text(Step):
    """Send a text message to the caller's own number."""

    text: Prompt = setting(Kind.PROMPT, "The message.", required=True)
    say: Prompt | None = setting(Kind.PROMPT, "What the caller hears.", spoken=True)
    failed: str | None = goes(Exit.MAY, "Where the call goes when the number cannot take messages.", instead="next")
    next: str | None = goes(Exit.FALLS, "Where the call goes afterwards; without it, the step below.")
