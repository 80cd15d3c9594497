"""Which steps and exits of a bundle conversations have gone through."""

from __future__ import annotations

from dataclasses import dataclass, field

from ivr.dialogue.ways import exits_of
from ivr.flow_trials.running import Result
from ivr.language.bundle import Bundle


@dataclass
class Coverage:
    """Which steps and exits of a bundle have been gone through, by all trials so far."""

    bundle: Bundle
    steps: set[tuple[str, str]] = field(default_factory=set)
    ways: set[tuple[str, str, str]] = field(default_factory=set)

    def add(self, result: Result) -> None:
        """Count what one trial went through."""
        self.steps |= result.steps
        self.ways |= result.ways

    def every_step(self) -> list[tuple[str, str]]:
        """All (flow, step) of the bundle."""
        return [(flow.name, step) for flow in self.bundle.flows.values() for step in flow.steps]

    def every_way(self) -> list[tuple[str, str, str]]:
        """All (flow, step, exit) of the bundle."""
        return [
            (flow.name, step.name, exit_)
            for flow in self.bundle.flows.values()
            for step in flow.steps.values()
            for exit_ in exits_of(step)
        ]

    def missed_steps(self) -> list[tuple[str, str]]:
        """Steps that no trial came to."""
        return [step for step in self.every_step() if step not in self.steps]

    def missed_ways(self) -> list[tuple[str, str, str]]:
        """Exits that no trial took."""
        return [way for way in self.every_way() if way not in self.ways]
