"""The names a flow may use: what config/ offers, and the facts that are always there.

None means "not known here": then the rules about such names are off, so that a flow can be checked without its configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

READINGS = ("plain", "spell", "digits", "count", "money", "day", "date", "time", "moment", "name", "number")
"""How `{{ value | reading }}` can be spoken; carried out by `ivr.speaking` in the call's language."""

FIELD_TYPES = ("text", "number", "money", "date", "time", "yes_no", "digits", "list")
"""What a field of a fact holds. digits: a number that is a name (order number), kept as text."""

BUILT_IN: Mapping[str, Mapping[str, str]] = {
    "caller": {
        "number": "digits",
        "kind": "text",
        "known": "yes_no",
        "attestation": "text",
        "country": "text",
        "name": "text",
        "repeat": "yes_no",
        "calls_today": "number",
        "last_reason": "text",
        "last_agent": "text",
        "callback_promised": "yes_no",
        "callback_at": "time",
    },
    "call": {
        "language": "text",
        "reason": "text",
        "direction": "text",
        "to_number": "digits",
        "recording": "yes_no",
        "paid": "yes_no",
        "confirmation": "text",
        "csat": "number",
        "nps": "number",
        "ces": "number",
        "resolved": "number",
    },
    "queue": {
        "name": "text",
        "open": "yes_no",
        "staffed": "yes_no",
        "waiting": "number",
        "wait_minutes": "number",
        "position": "number",
        "waited_minutes": "number",
    },
    "now": {"hour": "number", "minute": "number", "weekday": "text", "time": "time", "date": "date"},
    "today": {
        "date": "date",
        "weekday": "text",
        "day": "number",
        "month": "number",
        "weekend": "yes_no",
        "holiday": "yes_no",
        "holiday_name": "text",
        "open": "yes_no",
    },
    "intent": {"name": "text", "confidence": "number"},
}
"""Facts that need no connector, with the type of each field."""

SETTABLE_BUILT_IN = ("call",)
"""Built-in facts that `ask: save` and `decide: set` may write to, any field."""


@dataclass(frozen=True)
class Connector:
    """A look-up of config/connectors.yaml: the arguments it takes and the typed fields of what it finds."""

    arguments: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Names:
    """Everything from config/ that a flow may name. `facts` are those that `facts:` may ask for when a call arrives."""

    queues: frozenset[str] | None = None
    skills: frozenset[str] | None = None
    agents_skills: tuple[Mapping[str, int], ...] | None = None
    intents: frozenset[str] | None = None
    connectors: Mapping[str, Connector] | None = None
    facts: Mapping[str, Mapping[str, str]] | None = None
    directory: frozenset[str] | None = None
    audio: frozenset[str] | None = None
    languages: frozenset[str] | None = None
    longest_to_person_seconds: float = 180.0
    longest_to_person_prompts: int = 12
