"""Which facts are known at which step: nothing is read that no way has set, and no caller meets silence where a fact may be missing."""

from __future__ import annotations

from collections import deque

from ivr.language.expressions import CompiledExpression
from ivr.language.fields import Exit, Step
from ivr.language.flow import Edge, Flow, prompts_of
from ivr.language.names import BUILT_IN
from ivr.language.problems import WARNING, quoted
from ivr.language.rules.facts import SET_BY_STEPS, facts_of, saved_by
from ivr.language.rules.names import facts_read
from ivr.language.rules.registry import Lint, rule
from ivr.language.rules.ways import graph_of, told, ways_from
from ivr.language.values import Expression, FactName, Variant

ALWAYS_THERE = {
    "caller": ("kind", "known", "attestation", "repeat"),
    "call": ("language", "direction", "to_number"),
    "now": tuple(BUILT_IN["now"]),
    "today": tuple(field for field in BUILT_IN["today"] if field not in ("holiday_name", "open")),
}
"""Fields of built-in facts that no call lacks."""


def sets_on(step: Step, edge: Edge) -> frozenset[str]:
    """What is known after leaving `step` by `edge`: "order" for the whole fact, "order.number" for one field."""
    succeeded = edge.setting in ("", "next") and any(d.exit is Exit.FALLS for d in step.settings().values())
    decided = any(declared.kind == "decisions" for declared in step.settings().values())
    saved = {root if field is None else f"{root}.{field}" for root, field, _ in saved_by(step)} if succeeded or decided else set()
    if succeeded and "by" in step.settings():
        saved |= {f"{root}.{field}" for root, fields in SET_BY_STEPS.items() for field in fields}
    return frozenset(saved) | guarded(edge.when)


def guarded(when: Expression | None) -> frozenset[str]:
    """Facts that must be there for a condition to hold."""
    return when.certain if isinstance(when, CompiledExpression) else frozenset()


def is_known(name: FactName, known: frozenset[str]) -> bool:
    return (
        name.field == "known" or name.root in known or str(name) in known or (name.field or "") in ALWAYS_THERE.get(name.root, ())
    )


@rule("fact-not-set", "No fact is read where no way has set it: the condition would never hold, the sentence never be said.")
def fact_not_set(flow: Flow, lint: Lint) -> None:
    if flow.returns or flow.unread:
        return
    possible = _possible(flow, lint)
    known = facts_of(lint)
    for step, name in facts_read(flow):
        at_step = possible.get(step.name)
        if at_step is None or name.root in BUILT_IN or name.root not in known or name.field == "known":
            continue
        own = {root for root, _, _ in saved_by(step)} if hasattr(step, "set") else set()
        if name.root not in at_step | own:
            way = ways_from(flow.first, graph_of(flow, lint)).get(step.name, ())
            lint.findings.add(
                name.at,
                "fact-not-set",
                f"Nothing on any way to {quoted(step.name)} has set {quoted(name.root)}.",
                f"Add {name.root} to `facts` at the top, or look it up before.",
                length=len(str(name)),
                way=told(way, step.name),
            )


def _possible(flow: Flow, lint: Lint) -> dict[str, frozenset[str]]:
    """By step, the facts that at least one way to it has set."""
    edges = graph_of(flow, lint)
    state: dict[str, frozenset[str]] = {flow.first: frozenset(flow.facts)}
    queue = deque([flow.first])
    while queue:
        name = queue.popleft()
        step = flow.steps[name]
        inner = lint.flows.get(getattr(step, "run", "") or "")
        brought = frozenset(root for each in (inner.steps.values() if inner else ()) for root, _, _ in saved_by(each))
        after = state[name] | frozenset(root for root, _, _ in saved_by(step)) | brought
        for edge in edges[name]:
            before = state.get(edge.target)
            if edge.target in edges and (before is None or not after <= before):
                state[edge.target] = after | (before or frozenset())
                queue.append(edge.target)
    return state


@rule(
    "may-be-silent",
    "Where a fact may be missing and no other variant is left, the caller hears nothing at all.",
    severity=WARNING,
)
def may_be_silent(flow: Flow, lint: Lint) -> None:
    if flow.returns or flow.unread:
        return
    certain = _certain(flow, lint)
    for step in flow.steps.values():
        known = certain.get(step.name)
        if known is None:
            continue
        for said in prompts_of(step):
            if said.role == "option":
                continue
            missing = _silent_without(said.prompt.variants, known)
            if missing is not None:
                lint.findings.add(
                    missing.at,
                    "may-be-silent",
                    f"Where {missing} is not known, {quoted(step.name)} says nothing.",
                    "Add a last variant without it.",
                    length=len(str(missing)),
                    way=told(_way_without(flow, lint, step.name, missing), step.name),
                )


def _silent_without(variants: tuple[Variant, ...], known: frozenset[str]) -> FactName | None:
    """The fact whose absence leaves a prompt without words; None where something is said in any case."""
    missing: FactName | None = None
    for variant in variants:
        lacking = next((name for name in variant.text.names if not is_known(name, known | guarded(variant.when))), None)
        if variant.when is None and lacking is None:
            return None
        missing = missing or lacking
    return missing


def _certain(flow: Flow, lint: Lint) -> dict[str, frozenset[str]]:
    """By step, the facts that every way to it has set."""
    edges = graph_of(flow, lint)
    state: dict[str, frozenset[str]] = {flow.first: frozenset()}
    queue = deque([flow.first])
    while queue:
        name = queue.popleft()
        for edge in edges[name]:
            if edge.target not in edges:
                continue
            after = state[name] | sets_on(flow.steps[name], edge)
            before = state.get(edge.target)
            merged = after if before is None else before & after
            if merged != before:
                state[edge.target] = merged
                queue.append(edge.target)
    return state


def _way_without(flow: Flow, lint: Lint, step_name: str, missing: FactName) -> tuple[Edge, ...]:
    """The shortest way to a step on which nothing sets the fact."""

    def leaves_unset(edge: Edge) -> bool:
        return not is_known(missing, sets_on(flow.steps[edge.source], edge))

    return ways_from(flow.first, graph_of(flow, lint), leaves_unset).get(step_name, ())
