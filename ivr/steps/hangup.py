"""`hangup`: say goodbye and end the call."""

from __future__ import annotations

from dataclasses import dataclass

from ivr.language.fields import Kind, Step, kind, setting
from ivr.language.values import Prompt


@kind("hangup")
@dataclass(frozen=True)
class Hangup(Step):
    """Say goodbye and end the call. A flow that another one runs comes back by reaching its end or `return` instead."""

    hangup: Prompt | None = setting(Kind.PROMPT, "What the caller hears; may be left empty.", spoken=True)
