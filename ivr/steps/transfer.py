"""`transfer`: connect to a number outside."""

from __future__ import annotations

from dataclasses import dataclass

from ivr.language.fields import Exit, Kind, Step, goes, kind, setting
from ivr.language.values import Prompt


@kind("transfer")
@dataclass(frozen=True)
class Transfer(Step):
    """Connect the caller to a number of the directory (config/numbers.yaml); the call leaves this system."""

    transfer: str = setting(Kind.NAME, "The entry of the directory.", of="directory", required=True)
    text: Prompt | None = setting(Kind.PROMPT, "What the caller hears first.", spoken=True)
    ring: float = setting(Kind.DURATION, "How long to let it ring.", default=30.0, least=5, most=120)
    failed: str = goes(Exit.MUST, "Where the call goes when nobody answers.")
