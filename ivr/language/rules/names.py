"""Names that have to exist: steps, flows, queues, intents, connectors, skills, facts, recordings."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ivr.language.fields import Kind, Step
from ivr.language.flow import RETURN, Flow, expressions_of, needs_of, prompts_of
from ivr.language.names import BUILT_IN
from ivr.language.problems import did_you_mean, quoted
from ivr.language.rules.facts import facts_of, saved_by, settable
from ivr.language.rules.registry import Lint, rule
from ivr.language.values import FactName, Position


def place(step: Step, word: str, flow: Flow) -> Position:
    """Where the value of a setting stands; the step's name where it is not written."""
    return step.positions.get(word) or step.positions.get("") or flow.at


@rule("unknown-step", "A `go` or an exit names a step that the flow does not have; a caller would be sent nowhere.", met=True)
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


def named(flow: Flow, of: str) -> Iterator[tuple[Step, str, str, Position]]:
    """Every use of a name of config/ or of a flow: step, setting, name, place."""
    for step in flow.steps.values():
        for python_name, declared in step.settings().items():
            word = declared.yaml_name or python_name
            value = getattr(step, python_name, None)
            if declared.kind is Kind.NAME and declared.of == of and value:
                yield step, word, str(value), place(step, word, flow)
            elif of == "intent" and declared.kind is Kind.MENU_OPTIONS:
                for option in value or ():
                    if option.intent:
                        yield step, "intent", option.intent, option.positions.get("intent", option.at)


_NOUNS = {"directory": "entry"}


def tell_unknown(flow: Flow, lint: Lint, of: str, known: Collection[str] | None, where: str) -> None:
    """One problem for each use of a name that is not among `known` (None: not known here, nothing is told)."""
    if known is None:
        return
    for _, _, name, at in named(flow, of):
        if name not in known:
            lint.findings.add(
                at,
                f"unknown-{of}",
                f"There is no {_NOUNS.get(of, of)} {quoted(name)} in {where}.",
                did_you_mean(name, known, "There are: "),
                length=len(name),
            )


@rule("unknown-flow", "`run` names a flow that is not among the files.", met=True)
def unknown_flow(flow: Flow, lint: Lint) -> None:
    tell_unknown(flow, lint, "flow", lint.flows, "this folder")


@rule("unknown-queue", "A caller would wait in a queue that nobody serves.", met=True)
def unknown_queue(flow: Flow, lint: Lint) -> None:
    tell_unknown(flow, lint, "queue", lint.names.queues, "config/queues.yaml")


@rule("unknown-intent", "An intent without examples is never understood.")
def unknown_intent(flow: Flow, lint: Lint) -> None:
    known = lint.names.intents
    tell_unknown(flow, lint, "intent", None if known is None else known | SPOKEN_ALWAYS, "config/intents.yaml")


SPOKEN_ALWAYS = frozenset({"yes", "no"})
"""Understood without examples of their own."""


@rule("unknown-connector", "A look-up without a connector always fails.")
def unknown_connector(flow: Flow, lint: Lint) -> None:
    tell_unknown(flow, lint, "connector", lint.names.connectors, "config/connectors.yaml")


@rule("unknown-directory", "A transfer goes to a number that config/numbers.yaml allows, and to no other.")
def unknown_directory(flow: Flow, lint: Lint) -> None:
    tell_unknown(flow, lint, "directory", lint.names.directory, "the directory of config/numbers.yaml")


@rule("unknown-skill", "No agent can have a skill that is not in config/skills.yaml, so the caller would wait in vain.")
def unknown_skill(flow: Flow, lint: Lint) -> None:
    if lint.names.skills is None:
        return
    for step in flow.steps.values():
        for word, needs in needs_of(step):
            for skill in needs:
                if skill not in lint.names.skills:
                    hint = did_you_mean(skill, lint.names.skills, "There are: ")
                    lint.findings.add(
                        place(step, f"{word}.{skill}", flow),
                        "unknown-skill",
                        f"There is no skill {quoted(skill)} in config/skills.yaml.",
                        hint,
                        length=len(skill),
                    )


@rule("unknown-audio", "A recording that is not there is spoken by the machine instead.")
def unknown_audio(flow: Flow, lint: Lint) -> None:
    known = lint.names.audio
    if known is None:
        return
    for step in flow.steps.values():
        for said in prompts_of(step):
            for variant in said.prompt.variants:
                audio = variant.audio
                if audio and audio not in known and not audio.startswith("https://"):
                    hint = did_you_mean(audio, known, "There are: ")
                    lint.findings.add(
                        variant.text.at, "unknown-audio", f"There is no recording {quoted(audio)} in flows/audio.", hint
                    )


@rule("unknown-argument", "A connector is asked with the arguments that config/connectors.yaml gives it.")
def unknown_argument(flow: Flow, lint: Lint) -> None:
    for step, _, name, _ in named(flow, "connector"):
        connector = (lint.names.connectors or {}).get(name)
        if connector is None or "with" in flow.unread.get(step.name, ()):
            continue
        given = getattr(step, "with_", {})
        at = place(step, "with", flow)
        for argument in given:
            if argument not in connector.arguments:
                hint = did_you_mean(argument, connector.arguments, f"{name} takes: ")
                lint.findings.add(
                    place(step, f"with.{argument}", flow),
                    "unknown-argument",
                    f"{quoted(name)} takes no argument {quoted(argument)}.",
                    hint,
                    length=len(argument),
                )
        for argument in connector.arguments:
            if argument not in given:
                lint.findings.add(
                    at,
                    "unknown-argument",
                    f"{quoted(name)} is not told {quoted(argument)}.",
                    f"Write `with: {{{argument}: fact.field}}`.",
                )


def facts_read(flow: Flow) -> Iterator[tuple[Step, FactName]]:
    """Every use of a fact in expressions and prompts."""
    for step in flow.steps.values():
        for used in expressions_of(step):
            for name in used.expression.names:
                yield step, name
        for said in prompts_of(step):
            for variant in said.prompt.variants:
                for name in variant.text.names:
                    yield step, name


@rule("unknown-fact", "A condition on a misspelt fact is never true, and a prompt with one is never said.")
def unknown_fact(flow: Flow, lint: Lint) -> None:
    known = facts_of(lint)
    offered = lint.names.facts
    for fact in flow.facts:
        at = flow.positions.get(f"facts.{fact}", flow.positions.get("facts", flow.at))
        if fact in BUILT_IN:
            lint.findings.add(at, "unknown-fact", f"{quoted(fact)} is always there.", "Delete it from `facts`.", length=len(fact))
        elif offered is not None and fact not in offered:
            hint = did_you_mean(fact, offered, "There are: ")
            lint.findings.add(
                at, "unknown-fact", f"No connector delivers the fact {quoted(fact)} when a call arrives.", hint, length=len(fact)
            )
    for _, name in facts_read(flow):
        tell_unknown_fact(name, known, lint)


def tell_unknown_fact(name: FactName, known: dict[str, dict[str, str] | None], lint: Lint) -> None:
    """A fact or field that nothing sets."""
    if name.root not in known:
        hint = did_you_mean(name.root, known, "Facts here: ")
        if lint.names.facts is not None and name.root in lint.names.facts:
            hint = f"Add {name.root} to `facts` at the top of the flow."
        lint.findings.add(name.at, "unknown-fact", f"There is no fact {quoted(name.root)}.", hint, length=len(name.root))
        return
    fields = known[name.root]
    if fields is not None and name.field not in fields and name.field != "known":
        hint = did_you_mean(name.field or "", fields, f"{name.root} has: ")
        lint.findings.add(
            name.at, "unknown-fact", f"{quoted(name.root)} has no field {quoted(name.field or '')}.", hint, length=len(str(name))
        )


@rule("reserved-fact", "Built-in facts are kept by the program; a flow that wrote to them would fool itself.")
def reserved_fact(flow: Flow, lint: Lint) -> None:
    for step in flow.steps.values():
        for root, _, _ in saved_by(step):
            if not settable(root):
                word = "set" if "set" in step.positions else "save"
                lint.findings.add(
                    place(step, word, flow),
                    "reserved-fact",
                    f"{quoted(root)} is built in and cannot be written.",
                    "Choose another name, or call.…",
                )


@rule("run-needs-return", "A flow that is run has to come back; one that does not would end the caller's way.")
def run_needs_return(flow: Flow, lint: Lint) -> None:
    for _, _, name, at in named(flow, "flow"):
        inner = lint.flows.get(name)
        if inner is not None and not inner.returns:
            lint.findings.add(
                at,
                "run-needs-return",
                f"{quoted(name)} does not come back.",
                f"Write `returns: yes` at the top of {inner.at.file}.",
            )


@rule("run-loop", "Flows that run each other in a circle would never come to an end.")
def run_loop(flow: Flow, lint: Lint) -> None:
    for _, _, name, at in named(flow, "flow"):
        way = _way_back(name, flow.name, lint, ())
        if way:
            lint.findings.add(
                at, "run-loop", f"{quoted(name)} leads back to this flow.", "Go on with a step instead.", way=(flow.name, *way)
            )


def _way_back(start: str, wanted: str, lint: Lint, seen: tuple[str, ...]) -> tuple[str, ...]:
    if start == wanted:
        return (start,)
    if start in seen or start not in lint.flows:
        return ()
    for _, _, name, _ in named(lint.flows[start], "flow"):
        way = _way_back(name, wanted, lint, (*seen, start))
        if way:
            return (start, *way)
    return ()
