"""Who is told of calls by webhook."""

from __future__ import annotations

from dataclasses import dataclass, field

KINDS = ("call.completed", "call.updated", "survey.alert")


@dataclass(frozen=True)
class Subscription:
    """Who wants to hear of what. `alert_below`: per survey question, the answer below which `survey.alert` is sent."""

    url: str
    secret: str = field(repr=False)
    kinds: tuple[str, ...] = ("call.completed",)
    alert_below: dict[str, float] = field(default_factory=lambda: {"csat": 3.0, "nps": 7.0})
