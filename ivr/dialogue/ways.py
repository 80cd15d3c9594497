"""Where a call goes after a step, and the shortest way through a flow to a person or to its menu."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from ivr.language.fields import Step
from ivr.language.flow import Flow
from ivr.language.values import Offer, Option

RETURN = "return"
"""The reserved target: come back to the flow that ran this one."""

PERSON_KINDS = ("queue", "transfer", "callback", "voicemail")
"""Steps that lead to a person, the best first."""

MOST_DECIDES = 8
"""So many `decide` steps in a row are looked through for a person."""


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
    """Where to go from `start` for a person: the nearest queue, else transfer, callback, voicemail.

    A `decide` before it that leads to a person whatever its conditions say is where the call enters: Spanish callers are not
    sent to the English queue because it stands nearer.
    """
    came_from = _reachable(flow, start)
    near = [name for name in came_from if name in flow.steps]
    near += [name for name in flow.steps if name not in came_from]
    for kind in PERSON_KINDS:
        for name in near:
            if name not in without and flow.steps[name].kind == kind:
                return _entrance(flow, name, came_from, without)
    return None


def _entrance(flow: Flow, name: str, came_from: dict[str, str], without: frozenset[str]) -> str:
    before = came_from.get(name, "")
    while before and before not in without and flow.steps[before].kind == "decide" and _always_person(flow, before):
        name, before = before, came_from.get(before, "")
    return name


def _always_person(flow: Flow, name: str, deep: int = 0) -> bool:
    """Whether every way from a `decide` leads to a person, through other ones like it."""
    step = flow.steps.get(name)
    if step is None or deep > MOST_DECIDES:
        return False
    if step.kind in PERSON_KINDS:
        return True
    return step.kind == "decide" and all(_always_person(flow, target, deep + 1) for target in targets(flow, step))


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


def _reachable(flow: Flow, start: str) -> dict[str, str]:
    """Steps reachable from `start`, nearest first, each with the one it was reached from ("" for the start)."""
    came_from = {start: ""}
    waiting = deque([start])
    while waiting:
        name = waiting.popleft()
        if name not in flow.steps:
            continue
        for target in targets(flow, flow.steps[name]):
            if target not in came_from:
                came_from[target] = name
                waiting.append(target)
    return came_from
