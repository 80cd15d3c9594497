"""`decide`: choose the way by what is known."""

from __future__ import annotations

from dataclasses import dataclass

from ivr.dialogue.progress import Progress
from ivr.dialogue.steps import LiveStep
from ivr.dialogue.ways import Go, Way
from ivr.language.fields import Kind, kind, setting
from ivr.language.values import Expression, Option


@kind("decide")
@dataclass(frozen=True)
class Decide(LiveStep):
    """Go where the first condition holds; the last choice has no condition. `set` keeps values as facts before choosing."""

    decide: tuple[Option, ...] = setting(
        Kind.DECISIONS, "The ways, each with `when` and `go`; the last without `when`.", required=True
    )
    set: dict[str, Expression] = setting(Kind.ASSIGNMENTS, 'Facts to set first, such as `call.reason: "refund"`.', default={})

    def enter(self, progress: Progress) -> Way:
        for name, expression in self.set.items():
            value = progress.value(expression)
            if value is not None:
                progress.assign(name, value)
        for number, option in enumerate(self.decide, start=1):
            if progress.holds(option.when):
                return Go(option.go, f"option {number}")
        raise LookupError(f"no choice of {self.name} holds")  # lint demands a last choice without a condition
