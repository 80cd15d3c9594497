"""`decide`: choose the way by what is known."""

from __future__ import annotations

from dataclasses import dataclass

from ivr.language.fields import Kind, Step, kind, setting
from ivr.language.values import Expression, Option


@kind("decide")
@dataclass(frozen=True)
class Decide(Step):
    """Go where the first condition holds; the last choice has no condition. `set` keeps values as facts before choosing."""

    decide: tuple[Option, ...] = setting(Kind.DECISIONS, "The ways, each with `when` and `go`; the last without `when`.", required=True)
    set: dict[str, Expression] = setting(Kind.ASSIGNMENTS, "Facts to set first, such as `call.reason: \"refund\"`.", default={})
