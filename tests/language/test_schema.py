"""The JSON Schema for editors: fresh, valid and agreeing with the reader on sound flows."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import ivr.steps  # registers every kind of step
from ivr.language.fields import KINDS
from ivr.language.schema import flow_schema, schema_text
from tests.language.pages import STEPS
from tests.language.world_of_names import NAMES

assert ivr.steps
ROOT = Path(__file__).parents[2]


def test_the_file_in_the_repository_is_fresh() -> None:
    written = (ROOT / "flows" / "flow.schema.json").read_text(encoding="utf-8")
    assert written == schema_text(), "run: ivr flows schema -o flows/flow.schema.json"


def references(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [found for value in node.values() for found in references(value)]
    return [found for item in node for found in references(item)] if isinstance(node, list) else []


def test_every_reference_leads_somewhere() -> None:
    schema = flow_schema()
    for reference in references(schema):
        assert reference.removeprefix("#/definitions/") in schema["definitions"]


def test_every_setting_of_every_kind_is_described() -> None:
    schema = flow_schema()
    for word, cls in KINDS.items():
        described = schema["definitions"][word]["properties"]
        for name, setting in cls.settings().items():
            assert described[setting.yaml_name or name]["description"] == setting.doc


def test_only_what_draft_07_knows() -> None:
    text = schema_text(NAMES)
    for newer in ("prefixItems", "unevaluatedProperties", "dependentRequired", "$defs", "$dynamicRef"):
        assert newer not in text


def test_names_become_completions() -> None:
    schema = flow_schema(NAMES)
    assert schema["definitions"]["queue"]["properties"]["queue"]["enum"] == ["general", "technical"]
    assert schema["definitions"]["menu_option"]["properties"]["intent"]["enum"] == sorted(NAMES.intents or ())
    json.dumps(schema)


def refused(value: Any, schema: dict[str, Any], root: dict[str, Any], place: str = "$") -> list[str]:
    """What a draft-07 validator says about `value`, for the words that the schema uses."""
    told: list[str] = []
    if "$ref" in schema:
        return refused(value, root["definitions"][schema["$ref"].removeprefix("#/definitions/")], root, place)
    told += [] if "enum" not in schema or value in schema["enum"] else [f"{place}: {value!r} not in enum"]
    types = schema.get("type", [])
    if types and not any(
        isinstance(value, TYPES[name]) and (name == "boolean" or not isinstance(value, bool))
        for name in ([types] if isinstance(types, str) else types)
    ):
        return [*told, f"{place}: {value!r} is no {types}"]
    for part in schema.get("allOf", []):
        told += refused(value, part, root, place)
    if "anyOf" in schema and all(refused(value, part, root, place) for part in schema["anyOf"]):
        told.append(f"{place}: nothing of anyOf fits {value!r}")
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        told.append(f"{place}: {value!r} against pattern")
    if isinstance(value, (int, float)) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        told.append(f"{place}: {value!r} out of bounds")
    if isinstance(value, list):
        told += [f"{place}: empty"] if len(value) < schema.get("minItems", 0) else []
        for number, item in enumerate(value):
            told += refused(item, schema.get("items", {}), root, f"{place}[{number}]")
    if isinstance(value, dict):
        told += [f"{place}: no {name}" for name in schema.get("required", []) if name not in value]
        for name, item in value.items():
            inner = schema.get("properties", {}).get(name, schema.get("additionalProperties", {}))
            told += [f"{place}: unknown {name}"] if inner is False else refused(item, inner, root, f"{place}.{name}")
            told += refused(name, schema.get("propertyNames", {}), root, f"{place} name")
    return told


class EditorYaml(yaml.SafeLoader):
    """Editors read YAML 1.2, in which only true and false are truth values: `intent: yes` is text."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:bool" or first in "tTfF"]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,), "number": (int, float), "integer": (int,), "boolean": (bool,), "array": (list,), "object": (dict,),
}  # fmt: skip


@pytest.mark.parametrize(
    "path", [*sorted((ROOT / "flows").glob("*.yaml")), *sorted(STEPS.glob("*.yaml"))], ids=lambda path: path.stem
)
def test_sound_flows_fit_the_schema(path: Path) -> None:
    schema = flow_schema()
    document = yaml.load(path.read_text(encoding="utf-8"), Loader=EditorYaml)
    assert refused(document, schema, schema) == []


def test_slips_do_not_fit_the_schema() -> None:
    schema = flow_schema()
    flow = yaml.load((STEPS / "queue.yaml").read_text(encoding="utf-8"), Loader=EditorYaml)
    for step, setting, value in (
        ("adviser", "longest_wiat", "5m"),
        ("adviser", "longest_wait", "5 minutes"),
        ("adviser", "needs", ["english"]),
    ):
        broken = {**flow, "steps": {**flow["steps"], step: {**flow["steps"][step], setting: value}}}
        assert refused(broken, schema, schema)
