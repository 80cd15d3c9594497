"""Where lint rules are registered: name, severity, reason and the function that looks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ivr.language.flow import Flow
from ivr.language.names import Names
from ivr.language.problems import ERROR, Findings
from ivr.language.translations import Translations

T = TypeVar("T")


@dataclass(frozen=True)
class Lint:
    """What the rules look at: all flows that could be read, translations, names of config/, and where problems go."""

    flows: Mapping[str, Flow]
    translations: Mapping[str, Translations]
    names: Names
    findings: Findings = field(repr=False)
    kept: dict[tuple[str, str], Any] = field(default_factory=dict, repr=False)
    """What several rules need of a flow, computed once: by (what, flow)."""

    def once(self, what: str, flow: Flow, compute: Callable[[], T]) -> T:
        """`compute()`, or what it gave before for this flow."""
        if (what, flow.name) not in self.kept:
            self.kept[what, flow.name] = compute()
        found: T = self.kept[what, flow.name]
        return found


Check = Callable[[Flow, Lint], None]


@dataclass(frozen=True)
class Rule:
    """`doc` says why it matters to a caller or supervisor. `met`: callers meet the fault at a step, so the way there is told with it."""

    name: str
    severity: str
    doc: str
    met: bool = False
    check: Check | None = field(default=None, repr=False)


RULES: dict[str, Rule] = {}


def declare(name: str, doc: str, severity: str = ERROR, met: bool = False) -> None:
    """Register a rule that readers enforce while they read."""
    RULES[name] = Rule(name, severity, doc, met)


def rule(name: str, doc: str, severity: str = ERROR, met: bool = False) -> Callable[[Check], Check]:
    """Register a rule that looks at a flow that was read."""

    def register(check_: Check) -> Check:
        RULES[name] = Rule(name, severity, doc, met, check_)
        return check_

    return register


def severities() -> dict[str, str]:
    """Severity by rule name."""
    return {name: found.severity for name, found in RULES.items()}
