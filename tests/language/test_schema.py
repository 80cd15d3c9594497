"""The JSON Schema for editors: fresh, valid and agreeing with the reader on sound flows."""

from __future__ import annotations

import json
from pathlib import Path

import ivr.steps  # registers every kind of step
from ivr.language.fields import KINDS
from ivr.language.schema import flow_schema, schema_text
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
