"""Lint rules. Importing this package registers them all: what readers enforce, what names mean, and what is proved of a flow."""

from ivr.language.rules import choices, knowledge, names, prompts, proofs, reading, rings, translations, values
from ivr.language.rules.checking import check
from ivr.language.rules.registry import RULES, Lint, Rule, severities

__all__ = [
    "RULES",
    "Lint",
    "Rule",
    "check",
    "choices",
    "knowledge",
    "names",
    "prompts",
    "proofs",
    "reading",
    "rings",
    "severities",
    "translations",
    "values",
]
