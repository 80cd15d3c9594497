"""`callback`: promise to ring back."""

from __future__ import annotations

from dataclasses import dataclass

from ivr.language.fields import Exit, Kind, Step, goes, kind, setting
from ivr.language.values import Expression, Prompt


@kind("callback")
@dataclass(frozen=True)
class Callback(Step):
    """Promise a call back on the caller's own number; the place in the queue is kept."""

    callback: Prompt = setting(Kind.PROMPT, "What the caller hears.", required=True, spoken=True)
    queue: str | None = setting(Kind.NAME, "The queue, where the caller did not come from one.", of="queue")
    at: Expression | None = setting(Kind.EXPRESSION, "The time asked for, such as call.back_at; without it, as soon as it is the caller's turn.")
    refused: str | None = goes(Exit.MAY, "Where the call goes when the number cannot be rung back.", instead="next")
    next: str | None = goes(Exit.FALLS, "Where the call goes afterwards; without it, the step below.")
