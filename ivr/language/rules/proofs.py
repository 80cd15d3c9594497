"""Proofs: what has to hold for every caller, whatever they do. A failing proof tells the way on which a caller meets the fault."""

from __future__ import annotations

from ivr.language.fields import Exit, Step
from ivr.language.flow import RETURN, Edge, Flow, needs_of
from ivr.language.problems import WARNING, quoted
from ivr.language.rules.names import named, place
from ivr.language.rules.prompts import longest_seconds
from ivr.language.rules.registry import Lint, declare, rule
from ivr.language.rules.ways import circles, edges_of, graph_of, leading_to, passive, told, ways_from
from ivr.language.values import Prompt, Reprompts


def falls(step: Step) -> bool:
    """Whether a kind of step goes on with the step below when nothing else is written."""
    return any(declared.exit is Exit.FALLS for declared in step.settings().values())


def to_person(step: Step) -> bool:
    """A step where the caller gets a person, or a person gets the caller's wish."""
    return bool(type(step).reaches_person)


_CHOICES = ("options", "decide")
"""Settings whose targets are lost where they could not be read: then nothing is said about what cannot be reached."""


@rule("unreachable", "A step that no caller comes to is either forgotten or wired wrongly.")
def unreachable(flow: Flow, lint: Lint) -> None:
    if any(setting in _CHOICES for missed in flow.unread.values() for setting in missed):
        return
    edges = graph_of(flow, lint)
    reached = ways_from(flow.first, edges)
    lost = [name for name in flow.steps if name not in reached]
    led_to = {edge.target for name in lost for edge in edges[name] if edge.target != name}
    covered: set[str] = set()
    # Steps behind a lost one are lost with it: the first of them is told, and of a lost circle the first in the file.
    for name in [*(name for name in lost if name not in led_to), *lost]:
        if name not in covered:
            covered |= set(ways_from(name, edges))
            step = flow.steps[name]
            lint.findings.add(
                step.positions[""],
                "unreachable",
                f"No way leads to {quoted(name)}.",
                "Name it in a `go` or `next`, or delete it.",
                length=len(name),
            )


@rule("falls-off-the-end", "Below the last step there is nothing: a call that goes on there would break off.")
def falls_off_the_end(flow: Flow, lint: Lint) -> None:
    if flow.returns:
        return
    last = next(reversed(flow.steps.values()))
    if (
        falls(last)
        and not any(edge.setting == "next" for edge in edges_of(flow, last.name))
        and "next" not in flow.unread.get(last.name, ())
    ):
        way = ways_from(flow.first, graph_of(flow, lint)).get(last.name, ())
        lint.findings.add(
            last.positions[""],
            "falls-off-the-end",
            f"After {quoted(last.name)} the call has nowhere to go.",
            "Write `next: ` and the name of a step, or add a `hangup` step below.",
            length=len(last.name),
            way=told(way, last.name),
        )


@rule("no-way-out", "A caller who does nothing, or a look-up that keeps failing, must not go round in a circle for ever.")
def no_way_out(flow: Flow, lint: Lint) -> None:
    edges = graph_of(flow, lint)
    reached = ways_from(flow.first, edges)
    for circle in circles(edges, passive):
        first = circle[0]
        closing = circle[-1]
        lint.findings.add(
            closing.at,
            "no-way-out",
            f"A call can go round from {quoted(first.source)} back to {quoted(first.source)} without the caller doing anything.",
            "Let one of its exits lead on: to an agent, a call back, voicemail or a goodbye.",
            way=told((*reached.get(first.source, ()), *circle)),
        )
    ends = frozenset(name for name, out in edges.items() if not out or any(edge.target == RETURN for edge in out))
    ending = leading_to(ends, edges)
    for name, step in flow.steps.items():
        if name in reached and name not in ending:
            lint.findings.add(
                step.positions[""],
                "no-way-out",
                f"From {quoted(name)} no way leads to an end of the call.",
                "Add one: an agent, voicemail or a goodbye.",
                length=len(name),
                way=told(reached[name], name),
            )
            return


@rule("no-person", "A line on which nobody can ever reach a person, a call back or voicemail.", severity=WARNING)
def no_person(flow: Flow, lint: Lint) -> None:
    runs = {name for each in lint.flows.values() for _, _, name, _ in named(each, "flow")}
    if flow.name in runs or flow.returns or any(flow.unread.values()):
        return
    inside = [flow, *(lint.flows[name] for _, _, name, _ in named(flow, "flow") if name in lint.flows)]
    if not any(to_person(step) for each in inside for step in each.steps.values()):
        lint.findings.add(
            flow.at,
            "no-person",
            f"No way through {quoted(flow.name)} leads to a person.",
            "Add a `queue`, `transfer`, `callback` or `voicemail` step.",
        )


@rule("long-way-to-person", "How long a caller who says nothing listens before a person, a call back or voicemail is reached.")
def long_way_to_person(flow: Flow, lint: Lint) -> None:
    if flow.returns:
        return
    edges = graph_of(flow, lint)
    if any(True for _ in circles(edges, passive)):
        return
    found = _longest(flow, edges)
    if found is None:
        return
    seconds, prompts, way = found
    limit, most = lint.names.longest_to_person_seconds, lint.names.longest_to_person_prompts
    if seconds > limit or prompts > most:
        what = f"about {seconds:.0f} seconds" if seconds > limit else f"{prompts} prompts"
        allowed = f"{limit:.0f} seconds" if seconds > limit else f"{most} prompts"
        last = way[-1]
        lint.findings.add(
            last.at,
            "long-way-to-person",
            f"A caller who says nothing hears {what} before {quoted(last.target)}; at most {allowed}.",
            "Shorten the prompts, or let an exit on the way lead there at once.",
            way=told(way),
        )


def _longest(flow: Flow, edges: dict[str, tuple[Edge, ...]]) -> tuple[float, int, tuple[Edge, ...]] | None:
    """The longest passive way from the start to a person: seconds, prompts, way. The passive graph has no circles here."""
    best: dict[str, tuple[float, int, tuple[Edge, ...]] | None] = {}
    order: list[str] = []
    seen: set[str] = set()
    work = [(flow.first, False)]
    while work:
        name, done = work.pop()
        if done:
            order.append(name)
        elif name not in seen:
            seen.add(name)
            work.append((name, True))
            if not to_person(flow.steps[name]):
                work += [(edge.target, False) for edge in edges[name] if passive(edge) and edge.target in edges]
    for name in order:
        step = flow.steps[name]
        if to_person(step):
            best[name] = (0.0, 0, ())
            continue
        longest: tuple[float, int, tuple[Edge, ...]] | None = None
        for edge in edges[name]:
            rest = best.get(edge.target) if passive(edge) else None
            if rest is not None:
                seconds, prompts = _heard(step, edge)
                candidate = (seconds + rest[0], prompts + rest[1], (edge, *rest[2]))
                longest = max(longest, candidate, key=lambda found: found[:2]) if longest else candidate
        best[name] = longest
    return best.get(flow.first)


def _heard(step: Step, edge: Edge) -> tuple[float, int]:
    """Seconds and prompts heard at a step before it is left by a passive edge; giving up means all reprompts and silences."""
    seconds, prompts = 0.0, 0
    for python_name, declared in step.settings().items():
        value = getattr(step, python_name, None)
        if declared.spoken and isinstance(value, Prompt) and value.variants:
            seconds, prompts = seconds + longest_seconds(value), prompts + 1
    for option in getattr(step, "options", ()):
        seconds += longest_seconds(option.text) if option.text else 0.0
    if edge.counted:
        reprompts: Reprompts = getattr(step, "reprompts", Reprompts())
        again = max(reprompts.silence, reprompts.unclear, key=len)
        seconds += sum(longest_seconds(prompt) for prompt in again)
        seconds += getattr(step, "silence", 5.0) * (len(again) + 1)
        prompts += len(again)
    return seconds, prompts


@rule("nobody-has-skill", "A caller whose needs no agent meets would wait in vain.", met=True)
def nobody_has_skill(flow: Flow, lint: Lint) -> None:
    agents = lint.names.agents_skills
    if agents is None:
        return
    for step in flow.steps.values():
        required = [(word, needs) for word, needs in needs_of(step) if word != "preferred"]
        if not required or any(skill not in (lint.names.skills or needs) for _, needs in required for skill in needs):
            continue
        met = [
            any(all(agent.get(skill, 0) >= level for skill, level in needs.items()) for agent in agents) for _, needs in required
        ]
        word, needs = required[-1] if not any(met) else required[0]
        told_needs = " and ".join(f"{skill} {level}" for skill, level in needs.items())
        if not any(met):
            lint.findings.add(
                place(step, word, flow), "nobody-has-skill", f"No agent has {told_needs}.", "Ask for less, or add `relax`."
            )
        elif not met[0]:
            lint.findings.add(
                place(step, word, flow),
                "nobody-until-relaxed",
                f"No agent has {told_needs}, so every caller waits until the needs are relaxed.",
                "Ask for less from the start.",
            )


declare("nobody-until-relaxed", "Needs that nobody meets only make every caller wait until they are relaxed.", severity=WARNING)


@rule(
    "callback-without-queue",
    "A promised call back keeps a place in a queue; where the caller comes from none, the step has to name one.",
)
def callback_without_queue(flow: Flow, lint: Lint) -> None:
    edges = graph_of(flow, lint)
    queues = {name for name, step in flow.steps.items() if _has_exit(step, "offer_callback")}
    way_around = ways_from(flow.first, edges, lambda edge: edge.source not in queues)
    for name, step in flow.steps.items():
        if (
            "queue" in step.settings()
            and _has_exit(step, "refused")
            and not getattr(step, "queue", None)
            and name in way_around
            and not flow.returns
        ):
            lint.findings.add(
                step.positions[""],
                "callback-without-queue",
                f"{quoted(name)} can be reached without having been in a queue.",
                "Write `queue: ` and its name.",
                length=len(name),
                way=told(way_around[name], name),
            )


def _has_exit(step: Step, word: str) -> bool:
    return word in step.settings()


@rule("record-without-consent", "A talk may be recorded only after the caller was asked.")
def record_without_consent(flow: Flow, lint: Lint) -> None:
    asked = {name for name, step in flow.steps.items() if getattr(step, "for_", None) == "recording"}
    edges = graph_of(flow, lint)
    unasked = ways_from(flow.first, edges, lambda edge: edge.source not in asked)
    for name, step in flow.steps.items():
        if getattr(step, "record", False) and name in unasked and not flow.returns:
            lint.findings.add(
                place(step, "record", flow),
                "record-without-consent",
                f"{quoted(name)} records the talk, and on this way the caller was never asked.",
                "Put a `consent` step before it.",
                way=told(unasked[name], name),
            )


@rule("silent-goodbye", "A call that just breaks off leaves the caller wondering what went wrong.", severity=WARNING)
def silent_goodbye(flow: Flow, lint: Lint) -> None:
    edges = graph_of(flow, lint)
    for name, step in flow.steps.items():
        ends_call = not edges[name] and "hangup" in step.settings()
        if not ends_call or getattr(step, "hangup", None) is not None or "hangup" in flow.unread.get(name, ()):
            continue
        before = [
            edge
            for out in edges.values()
            for edge in out
            if edge.target == name and "say" not in flow.steps[edge.source].settings()
        ]
        if before or name == flow.first:
            reached = ways_from(flow.first, edges)
            way = (*reached.get(before[0].source, ()), before[0]) if before else ()
            lint.findings.add(
                step.positions[""],
                "silent-goodbye",
                f"{quoted(name)} ends the call without a word.",
                "Write what the caller hears.",
                way=told(way, name),
            )
