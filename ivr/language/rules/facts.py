"""Which facts a flow can know, with the type of each field. None for the fields means: not known here, anything goes."""

from __future__ import annotations

from collections.abc import Iterator

from ivr.language.fields import Kind, Step
from ivr.language.names import BUILT_IN, SETTABLE_BUILT_IN, Names
from ivr.language.rules.registry import Lint
from ivr.language.values import FactName

Fields = dict[str, str] | None
SET_BY_STEPS = {"customer": {"identified": "yes_no"}}
"""Fields that a step of this program sets: `identify`."""

_AS_TYPE = {
    "digits": "digits",
    "number": "number",
    "money": "money",
    "date": "date",
    "time": "time",
    "moment": "time",
    "yes_no": "yes_no",
}


def saved_by(step: Step) -> Iterator[tuple[str, str | None, str]]:
    """What a step sets: (fact, field or None for all of them, type)."""
    for python_name, declared in step.settings().items():
        value = getattr(step, python_name, None)
        if not value:
            continue
        if declared.kind is Kind.FACT_FIELD:
            root, _, field_name = str(value).partition(".")
            yield root, field_name, _AS_TYPE.get(getattr(step, "as_", ""), "text")
        elif declared.kind is Kind.NAME and declared.of == "fact":
            yield str(value), None, ""
        elif declared.kind is Kind.ASSIGNMENTS:
            for name in value:
                root, _, field_name = name.partition(".")
                yield root, field_name, "text"


def fields_of_lookup(step: Step, names: Names) -> Fields:
    """The fields that a look-up delivers, or None where its connector is not known."""
    connectors = names.connectors
    found = connectors.get(getattr(step, "lookup", "")) if connectors is not None else None
    return dict(found.fields) if found is not None and found.fields else None


def facts_of(lint: Lint) -> dict[str, Fields]:
    """Every fact that any flow of the bundle can know: a flow that is run sees what the one that runs it has set."""
    if ("facts", "") not in lint.kept:
        lint.kept["facts", ""] = _facts_of(lint)
    found: dict[str, Fields] = lint.kept["facts", ""]
    return found


def _facts_of(lint: Lint) -> dict[str, Fields]:
    known: dict[str, Fields] = {name: dict(fields) for name, fields in BUILT_IN.items()}
    for flow in lint.flows.values():
        for fact in flow.facts:
            declared = lint.names.facts.get(fact) if lint.names.facts is not None else None
            _merge(known, fact, dict(declared) if declared else None)
    for flow in lint.flows.values():
        for step in flow.steps.values():
            if flow.unread.get(step.name):
                continue
            for root, field_name, type_name in saved_by(step):
                _merge(known, root, {field_name: type_name} if field_name else fields_of_lookup(step, lint.names))
    for root, extra in SET_BY_STEPS.items():
        if root in known:
            _merge(known, root, extra)
    return known


def _merge(known: dict[str, Fields], fact: str, fields: Fields) -> None:
    if fact in known and known[fact] is None:
        return
    known[fact] = None if fields is None else {**(known.get(fact) or {}), **fields}


def type_of(name: FactName, known: dict[str, Fields]) -> str | None:
    """The type of a fact's field, or None where it is not known."""
    if name.field == "known":
        return "yes_no"
    fields = known.get(name.root)
    return fields.get(name.field or "") if fields else None


def settable(root: str) -> bool:
    """Whether flows may write to this fact."""
    return root not in BUILT_IN or root in SETTABLE_BUILT_IN
