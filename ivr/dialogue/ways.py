"""Where a call goes after a step, and the shortest way through a flow to a person or to its menu."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from ivr.language.bundle import Bundle
from ivr.language.fields import Step
from ivr.language.flow import Flow
from ivr.language.values import Offer, Option

RETURN = "return"
"""The reserved target: come back to the flow that ran this one."""

PERSON_KINDS = ("queue", "transfer", "callback", "voicemail")
"""Steps that lead to a person, the best first."""


@dataclass(frozen=True)
class Go:
    """Go on with `step`; None or "return": this flow is at its end. `by`: the exit taken ("next", "option 2"), for coverage."""

    step: str | None
    by: str = ""


@dataclass(frozen=True)
class RunFlow:
    """Go through `flow` and come back to `resume` of the present one."""

    flow: str
    resume: str | None
    by: str = ""


@dataclass(frozen=True)
class Stay:
    """The turn is over: an action that ends a turn was given, and the step goes on with the next event."""


Way = Go | RunFlow | Stay


def targets(flow: Flow, step: Step) -> Iterator[str]:
    """Every step of the flow that `step` may lead to, the ways of a caller in trouble first."""
    late: list[str] = []
    for name, declared in type(step).settings().items():
        value = getattr(step, name)
        if declared.exit is not None:
            target = flow.target(step.name, name)
            if target is not None:
                (late if name == "next" else []).append(target)
                if name != "next":
                    yield target
        elif isinstance(value, Offer):
            late.append(value.go)
        elif isinstance(value, tuple):
            late += [part.go for part in value if isinstance(part, Option)]
    yield from late


def way_to_person(flow: Flow, start: str, without: frozenset[str] = frozenset()) -> str | None:
    """The nearest step from `start` at which a person can be had (queue before transfer before callback before voicemail).

    A `decide` all of whose ways lead to such a step stands for them: it knows which queue is the caller's.
    """
    near = list(_reachable(flow, start))
    near += [name for name in flow.steps if name not in near]
    for kind in PERSON_KINDS:
        for name in near:
            if name not in without and _surely(flow, name, kind, without, frozenset()):
                return name
    return None


def _surely(flow: Flow, name: str, kind: str, without: frozenset[str], seen: frozenset[str]) -> bool:
    step = flow.steps.get(name)
    if step is None or name in seen or name in without:
        return False
    options = getattr(step, "decide", ())
    if step.kind == "decide" and options:
        return all(_surely(flow, option.go, kind, without, seen | {name}) for option in options)
    return step.kind == kind


def written_exit(step: Step, setting: str) -> str:
    """The exit as written in YAML that `setting` comes down to: an optional one that is not wired is another one's way."""
    declared = type(step).settings()[setting]
    if declared.instead is not None and not getattr(step, setting):
        return written_exit(step, declared.instead)
    return declared.yaml_name or setting


def exits_of(step: Step) -> tuple[str, ...]:
    """Every exit of a step by the name that `Go.by` gives it."""
    found: list[str] = []
    for name, declared in type(step).settings().items():
        value = getattr(step, name)
        if declared.exit is not None and (value or declared.instead is None):
            found.append(declared.yaml_name or name)
        elif isinstance(value, Offer):
            found.append(name)
        elif isinstance(value, tuple):
            found += [f"option {number}" for number, part in enumerate(value, start=1) if isinstance(part, Option)]
    return tuple(found)


def voicemail_of(flow: Flow) -> str | None:
    """The flow's first step that takes a message."""
    return next((name for name, step in flow.steps.items() if step.kind == "voicemail"), None)


def main_menu_of(flow: Flow) -> str | None:
    """The flow's first menu: where "main menu" leads."""
    return next((name for name, step in flow.steps.items() if step.kind == "menu"), None)


def flow_named(bundle: Bundle, name: str) -> Flow:
    """A flow of the bundle; raises LookupError where the pinned revision has none of that name."""
    return bundle.flows[name]


def _reachable(flow: Flow, start: str) -> Iterator[str]:
    seen = {start}
    waiting = deque([start])
    while waiting:
        name = waiting.popleft()
        if name not in flow.steps:
            continue
        yield name
        for target in targets(flow, flow.steps[name]):
            if target not in seen:
                seen.add(target)
                waiting.append(target)
