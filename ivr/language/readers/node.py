"""What every reader needs: the node as text, list or block, with its own sentence where it is something else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from ivr.language.problems import Findings, did_you_mean, quoted
from ivr.language.source import Mapping, Node, Sequence, Text, what
from ivr.language.values import Position

T = TypeVar("T")
P = ParamSpec("P")


class Unread(Exception):
    """Nothing usable remains; the problem is told already."""


@dataclass(frozen=True)
class Reading:
    """What readers need besides the node."""

    findings: Findings
    steps: tuple[str, ...] = ()
    """Names of the flow's steps, for targets."""


def wrong(reading: Reading, node: Node, message: str, hint: str = "", rule: str = "wrong-value") -> Unread:
    """Tell a problem about a whole node; to be raised."""
    length = len(node.value) + 2 * node.shift if isinstance(node, Text) and node.exact else 1
    reading.findings.add(node.at, rule, message, hint, length=length)
    return Unread()


def text_of(node: Node, reading: Reading, expected: str) -> Text:
    """The node as text that is not empty; `expected` completes "Write ..."."""
    if isinstance(node, Text) and node.empty and node.tail.strip().startswith("#"):
        at = Position(node.at.file, node.at.line, node.at.column + len(node.tail) - len(node.tail.lstrip()))
        reading.findings.add(
            at,
            "cut-short",
            "Everything from # on is a comment, so nothing is left here.",
            f'Put it in "quotes", or write {expected}.',
        )
        raise Unread
    if not isinstance(node, Text) or not node.value.strip():
        raise wrong(reading, node, f"There is {what(node)} here.", f"Write {expected}.")
    return node


def items_of(node: Node, reading: Reading, expected: str) -> tuple[Node, ...]:
    """The items of a list that is not empty."""
    if not isinstance(node, Sequence) or not node.items:
        raise wrong(
            reading,
            node,
            f"There is {what(node) if not isinstance(node, Sequence) else 'an empty list'} here.",
            f"Write {expected}.",
        )
    return node.items


def settings_of(node: Node, reading: Reading, allowed: tuple[str, ...], expected: str) -> Mapping:
    """The node as a mapping; settings that do not belong here are told."""
    if not isinstance(node, Mapping):
        raise wrong(reading, node, f"There is {what(node)} here.", f"Write {expected}.")
    for entry in node:
        if entry.key.value in allowed:
            continue
        if node.braces and isinstance(entry.value, Text) and entry.value.empty:
            reading.findings.add(
                entry.key.at,
                "needs-quotes",
                f"Inside {{ }} a comma ends a text, so {quoted(entry.key.value)} is taken for a setting.",
                'Put the whole text in "quotes".',
                length=len(entry.key.value),
            )
        else:
            reading.findings.add(
                entry.key.at,
                "unknown-setting",
                f"There is no setting {quoted(entry.key.value)} here.",
                did_you_mean(entry.key.value, allowed),
                length=len(entry.key.value),
            )
    return node


def kept(read: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T | None:
    """What `read` gives, or None where nothing could be read (its problem is told)."""
    try:
        return read(*arguments, **named)
    except Unread:
        return None
