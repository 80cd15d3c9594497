"""Lint rules: each is one small function, registered with its name, severity, reason and an example that breaks it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ivr.language.flow import RETURN, Flow
from ivr.language.names import Names
from ivr.language.problems import ERROR, WARNING, Findings, did_you_mean, quoted
from ivr.language.translations import Translations


@dataclass(frozen=True)
class Lint:
    """What the rules look at: all flows that could be read, translations, names of config/, and where problems go."""

    flows: Mapping[str, Flow]
    translations: Mapping[str, Translations]
    names: Names
    findings: Findings = field(repr=False)


Check = Callable[[Flow, Lint], None]


@dataclass(frozen=True)
class Rule:
    """`doc` says why a caller or supervisor is better off; `example` is a flow (its steps) that breaks the rule."""

    name: str
    severity: str
    doc: str
    example: str = ""
    check: Check | None = field(default=None, repr=False)


RULES: dict[str, Rule] = {}


def declare(name: str, doc: str, example: str = "", severity: str = ERROR) -> None:
    """Register a rule that readers enforce while they read."""
    RULES[name] = Rule(name, severity, doc, example)


def rule(name: str, doc: str, example: str = "", severity: str = ERROR) -> Callable[[Check], Check]:
    """Register a rule that looks at a flow that was read."""

    def register(check_: Check) -> Check:
        RULES[name] = Rule(name, severity, doc, example, check_)
        return check_

    return register


def severities() -> dict[str, str]:
    """Severity by rule name."""
    return {name: found.severity for name, found in RULES.items()}


def check(lint: Lint) -> None:
    """Run every rule on every flow."""
    for flow in lint.flows.values():
        for found in RULES.values():
            if found.check is not None:
                found.check(flow, lint)


@rule("unknown-step", "A `go` or an exit names a step that the flow does not have; a caller would be sent nowhere.")
def unknown_step(flow: Flow, lint: Lint) -> None:
    known = [*flow.steps, RETURN] if flow.returns else list(flow.steps)
    for step in flow.steps.values():
        for edge in flow.edges(step):
            if edge.setting and edge.target not in known:
                hint = did_you_mean(edge.target, flow.steps, "The flow has: ")
                if edge.target == RETURN:
                    hint = "`return` is for flows that another one runs: write `returns: yes` at the top of this flow."
                lint.findings.add(
                    edge.at, "unknown-step", f"There is no step {quoted(edge.target)}.", hint, length=len(edge.target)
                )


__all__ = ["ERROR", "RULES", "WARNING", "Lint", "Rule", "check", "declare", "rule", "severities"]
