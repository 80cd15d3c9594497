"""Rings of a queue (`relax`): each has to let somebody in whom those before it do not."""

from __future__ import annotations

from collections.abc import Mapping

from ivr.language.flow import Flow
from ivr.language.problems import WARNING
from ivr.language.rules.names import place
from ivr.language.rules.registry import Lint, rule
from ivr.language.values import Ring


@rule(
    "ring-widens-nothing",
    "A ring that asks for as much as the needs before it, or begins when the wait is over, finds nobody: its caller waits as if it were not there.",
    severity=WARNING,
)
def ring_widens_nothing(flow: Flow, lint: Lint) -> None:
    for step in flow.steps.values():
        rings: tuple[Ring, ...] = getattr(step, "relax", ())
        longest: float = getattr(step, "longest_wait", float("inf"))
        before: list[Mapping[str, int]] = [getattr(step, "needs", {})]
        for ring in sorted(rings, key=lambda one: one.after_seconds):
            if ring.after_seconds >= longest:
                why = f"The ring after {ring.after_seconds:g} s begins when the caller no longer waits: longest_wait is {longest:g} s."
                mend = "Let it begin earlier, or let the caller wait longer."
            elif any(_asks_as_much(ring.needs, needs) for needs in before):
                why = f"The ring after {ring.after_seconds:g} s lets nobody in who was not asked before."
                mend = "Ask for a lower level or for fewer skills, or leave the ring out."
            else:
                before.append(ring.needs)
                continue
            lint.findings.add(place(step, "relax", flow), "ring-widens-nothing", why, mend)


def _asks_as_much(ring: Mapping[str, int], needs: Mapping[str, int]) -> bool:
    """Whether everybody who meets `ring` meets `needs` too."""
    return all(ring.get(skill, 0) >= level for skill, level in needs.items())
