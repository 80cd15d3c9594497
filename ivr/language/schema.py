"""JSON Schema (draft-07) of a flow, for completion and hover texts in any editor that speaks the YAML language server's protocol.

Made from the steps' declarations: the same sentences as in the documentation. Names of config/ become enumerations where they are given.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from ivr.language.fields import KINDS, Kind, Setting, Step
from ivr.language.migrations import FORMAT
from ivr.language.names import Names

Schema = dict[str, Any]
DRAFT = "http://json-schema.org/draft-07/schema#"


def flow_schema(names: Names | None = None) -> Schema:
    """The schema of one flow file."""
    known = names or Names()
    return {
        "$schema": DRAFT,
        "title": "A call flow",
        "description": "What callers hear and where their calls go. See docs/flow-language.md.",
        "type": "object",
        "additionalProperties": False,
        "required": ["flow", "format", "steps"],
        "properties": {
            "flow": {
                "description": "The flow's name, as `run` and reports use it.",
                "type": "string",
                "pattern": "^[a-z][a-z0-9_]*$",
            },
            "format": {"description": "The version of this language.", "enum": [FORMAT, str(FORMAT)]},
            "title": {"description": "What the flow is for, in a few words.", "type": "string"},
            "languages": _listed({"type": "string"}, "Languages of the flow; prompts are written here in the first one."),
            "facts": _listed(_name("fact", known), "Facts fetched when the call arrives."),
            "returns": {
                "description": "Whether the flow is meant to be `run` by another one, and comes back at its end.",
                **_FLAG,
            },
            "steps": {
                "description": "The steps by name. Without `next` a call goes on with the step below.",
                "type": "object",
                "minProperties": 1,
                "propertyNames": {"pattern": "^[a-z][a-z0-9_]*$"},
                "additionalProperties": {"anyOf": [{"$ref": f"#/definitions/{word}"} for word in sorted(KINDS)]},
            },
        },
        "definitions": {**{word: _step(word, cls, known) for word, cls in sorted(KINDS.items())}, **_shared(known)},
    }


def schema_text(names: Names | None = None) -> str:
    """The schema as it is written to flows/flow.schema.json."""
    return json.dumps(flow_schema(names), indent=2, ensure_ascii=False) + "\n"


def _step(word: str, cls: type[Step], names: Names) -> Schema:
    settings = {setting.yaml_name or name: setting for name, setting in cls.settings().items()}
    return {
        "description": (cls.__doc__ or "").strip(),
        "type": "object",
        "additionalProperties": False,
        "required": [name for name, setting in settings.items() if setting.required] or [word],
        "properties": {
            name: {"description": setting.doc, **setting_schema(setting, names)} for name, setting in settings.items()
        },
    }


_FLAG: Schema = {"anyOf": [{"type": "boolean"}, {"enum": ["yes", "no"]}]}
_TEXT: Schema = {"type": ["string", "number", "boolean"]}
_DURATION: Schema = {"type": "string", "pattern": r"^\d+(\.\d+)?\s?(ms|s|m|h)$"}


def _ref(name: str) -> Schema:
    return {"allOf": [{"$ref": f"#/definitions/{name}"}]}


def _listed(item: Schema, doc: str) -> Schema:
    return {"description": doc, "anyOf": [{"type": "array", "items": item}, item]}


def _enumerated(words: Iterable[str] | None) -> Schema:
    return {"type": "string", "enum": sorted(words)} if words else {"type": "string"}


def _name(of: str, names: Names) -> Schema:
    offered: dict[str, Iterable[str] | None] = {
        "queue": names.queues,
        "connector": names.connectors,
        "directory": names.directory,
        "intent": names.intents,
        "skill": names.skills,
        "fact": names.facts,
    }
    return _enumerated(offered.get(of))


def _number(setting: Setting, kind: str) -> Schema:
    schema: Schema = {"type": kind}
    if setting.least is not None:
        schema["minimum"] = setting.least
    if setting.most is not None:
        schema["maximum"] = setting.most
    return schema


_BY_KIND: dict[Kind, Callable[[Setting, Names], Schema]] = {
    Kind.PROMPT: lambda setting, names: _ref("prompt"),
    Kind.REPROMPTS: lambda setting, names: _ref("reprompts"),
    Kind.CONDITION: lambda setting, names: _ref("expression"),
    Kind.EXPRESSION: lambda setting, names: _ref("expression"),
    Kind.DURATION: lambda setting, names: _DURATION,
    Kind.NUMBER: lambda setting, names: _number(setting, "number"),
    Kind.WHOLE: lambda setting, names: _number(setting, "integer"),
    Kind.FLAG: lambda setting, names: _FLAG,
    Kind.CHOICE: lambda setting, names: {"enum": list(setting.choices)},
    Kind.CHOICES: lambda setting, names: {"type": "array", "items": {"enum": list(setting.choices)}},
    Kind.TEXT: lambda setting, names: _TEXT,
    Kind.NAME: lambda setting, names: _name(setting.of, names) if setting.of != "fact" else {"type": "string"},
    Kind.FACT_FIELD: lambda setting, names: {"type": "string", "pattern": r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$"},
    Kind.STEP: lambda setting, names: _ref("step_name"),
    Kind.MENU_OPTIONS: lambda setting, names: {"type": "array", "minItems": 1, "items": {"$ref": "#/definitions/menu_option"}},
    Kind.DECISIONS: lambda setting, names: {"type": "array", "minItems": 1, "items": {"$ref": "#/definitions/way"}},
    Kind.NEEDS: lambda setting, names: _ref("needs"),
    Kind.RINGS: lambda setting, names: {"type": "array", "items": {"$ref": "#/definitions/ring"}},
    Kind.VALUED: lambda setting, names: {
        "anyOf": [{"type": "number"}, {"type": "array", "items": {"$ref": "#/definitions/valued"}}]
    },
    Kind.OFFER: lambda setting, names: _ref("way"),
    Kind.ARGUMENTS: lambda setting, names: {"type": "object", "additionalProperties": {"$ref": "#/definitions/expression"}},
    Kind.ASSIGNMENTS: lambda setting, names: {"type": "object", "additionalProperties": {"$ref": "#/definitions/expression"}},
}


def setting_schema(setting: Setting, names: Names) -> Schema:
    """What a setting may hold."""
    return {**_BY_KIND[setting.kind](setting, names), "x-kind": str(setting.kind)}


def _object(properties: Schema, required: list[str]) -> Schema:
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}


def _shared(names: Names) -> Schema:
    """Definitions that several kinds of step use. Their names are no kinds of step."""
    level: Schema = {"description": "The least level: 1 basic, 2 good, 3 expert.", "enum": [1, 2, 3, "basic", "good", "expert"]}
    skills: Schema = {"type": "object", "additionalProperties": level}
    if names.skills:
        skills = {"type": "object", "additionalProperties": False, "properties": dict.fromkeys(sorted(names.skills), level)}
    variant = _object(
        {
            "when": {"description": "Said only where this holds.", "$ref": "#/definitions/expression"},
            "text": {"description": "What the caller hears.", **_TEXT},
            "audio": {"description": "A recording to play; the text is spoken where it is missing.", **_enumerated(names.audio)},
        },
        ["text"],
    )
    option = _object(
        {
            "when": {"description": "Offered only where this holds.", "allOf": [{"$ref": "#/definitions/expression"}]},
            "text": {
                "description": "Read aloud; without it the choice is only understood when spoken.",
                "allOf": [{"$ref": "#/definitions/prompt"}],
            },
            "key": {"description": "The key.", "enum": [*range(10), *[str(digit) for digit in range(10)], "star", "hash"]},
            "intent": {"description": "What the caller may say, by intent.", **_name("intent", names)},
            "go": {"description": "The step to go on with.", "allOf": [{"$ref": "#/definitions/step_name"}]},
        },
        ["go"],
    )
    option["anyOf"] = [{"required": ["key"]}, {"required": ["intent"]}]
    expression: Schema = {"description": 'Such as customer.tier == "gold" and queue.wait_minutes > 5', **_TEXT}
    when_and = {"when": {"$ref": "#/definitions/expression"}}
    return {
        "expression": expression,
        "step_name": {"description": "The name of a step of this flow, or `return`.", "type": "string"},
        "variant": variant,
        "prompt": {
            "anyOf": [
                _TEXT,
                {"$ref": "#/definitions/variant"},
                {"type": "array", "minItems": 1, "items": {"anyOf": [_TEXT, {"$ref": "#/definitions/variant"}]}},
            ]
        },
        "reprompts": {
            "anyOf": [
                {"type": "array", "items": {"$ref": "#/definitions/prompt"}},
                _TEXT,
                _object(
                    {
                        "silence": {"description": "After silence.", "type": "array", "items": {"$ref": "#/definitions/prompt"}},
                        "unclear": {
                            "description": "After an unclear answer.",
                            "type": "array",
                            "items": {"$ref": "#/definitions/prompt"},
                        },
                    },
                    [],
                ),
            ]
        },
        "menu_option": option,
        "way": _object({**when_and, "go": {"$ref": "#/definitions/step_name"}}, ["go"]),
        "needs": skills,
        "ring": _object({"after": _DURATION, "needs": {"$ref": "#/definitions/needs"}}, ["after", "needs"]),
        "valued": _object({**when_and, "value": {"type": "number"}}, ["value"]),
    }
