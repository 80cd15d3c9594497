"""Running all rules, and telling with each fault the way on which a caller meets it."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace

from ivr.language.flow import Flow
from ivr.language.problems import Problem
from ivr.language.rules.registry import RULES, Lint
from ivr.language.rules.ways import graph_of, told, ways_from


def check(lint: Lint) -> None:
    """Run every rule on every flow; problems go to `lint.findings`."""
    for flow in lint.flows.values():
        for found in RULES.values():
            if found.check is not None:
                found.check(flow, lint)
    by_file = {flow.at.file: flow for flow in lint.flows.values()}
    for number, problem in enumerate(lint.findings.found):
        flow_of = by_file.get(problem.file)
        if flow_of is not None and not problem.way and problem.rule in RULES and RULES[problem.rule].met:
            lint.findings.found[number] = replace(problem, way=_way_to(problem, flow_of, lint))


def _way_to(problem: Problem, flow: Flow, lint: Lint) -> tuple[str, ...]:
    """The shortest way to the step that a problem stands in; empty for the first step and for one that no way leads to."""
    steps = list(flow.steps.values())
    begins = [step.positions[""].line for step in steps]
    number = bisect_right(begins, problem.line) - 1
    if number < 0:
        return ()
    ways = lint.once("ways", flow, lambda: ways_from(flow.first, graph_of(flow, lint)))
    return told(ways.get(steps[number].name, ()))
