"""Reads flow tests (flows/tests/*.yaml, tests/calls/*.yaml): plain YAML with positions, every mistake told with its place.

The format is in docs/flow-tests.md. It names nothing of a carrier: the same file runs through the engine and, with a scripted
caller, through HTTP.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ivr.language.problems import Findings, Problem, did_you_mean, quoted
from ivr.language.source import Entry, Mapping, Node, Sequence, Text, decode, plain, read_source, what
from ivr.language.values import Position
from ivr.rehearsal import PLAIN_TIME, Given
from ivr.world import LookUp, QueueNow

VERBS = {
    "hears": "one or more pieces of text that are said before the caller's next turn",
    "hears_not": "text that must not be said there",
    "at": "the step in which the call rests",
    "says": "what the caller says",
    "presses": "keys (0-9, star, hash), one or more",
    "silent": "the caller stays silent",
    "waits": "time passes while the caller waits in a queue (30s, 2m)",
    "queue": "how the wait ends: talked, no_answer, closed, nobody, full or failed",
    "transfer": "how the transfer ends: talked, busy, no_answer or failed",
    "records": "the caller leaves a recording so long (20s)",
    "pays": "how the payment ends: paid, declined, cancelled or failed",
    "hangs_up": "the caller hangs up",
}
"""Every line a conversation may have, with what it means."""

SETTINGS = ("test", "flow", "from", "to", "at", "language", "given", "call", "ends", "record", "notes", "only")
GIVEN = ("facts", "lookups", "queues", "understood", "answers", "secrets")
_WORDS = {
    "queue": ("talked", "no_answer", "closed", "nobody", "full", "failed", "callback", "solved", "left"),
    "transfer": ("talked", "busy", "no_answer", "failed"),
    "pays": ("paid", "declined", "cancelled", "failed"),
}
_DURATION = re.compile(r"(\d{1,5})\s*(s|m|h)")
_UNIT = {"s": 1, "m": 60, "h": 3600}
_KEYS = {"star": "*", "hash": "#"}
_KEY_TEXT = re.compile(r"[0-9*#]{1,64}")


@dataclass(frozen=True)
class Line:
    """One line of a conversation. `texts` for hears, says, at and endings; `seconds` for waits, records and a talk."""

    verb: str
    at: Position
    texts: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class Trial:
    """One conversation: who calls, what is given, what happens line by line, and what must hold at the end.

    `record` maps fields of the call record to what they must be, `notes` is a list of (kind, fields) that must be in the journal.
    `only` is "engine" for a conversation that cannot run through HTTP (it gives what only a rehearsal can be given).
    """

    title: str
    at: Position
    flow: str
    caller: str = "withheld"
    to_number: str = ""
    language: str | None = None
    moment: str = ""
    given: Given = field(default_factory=Given)
    lines: tuple[Line, ...] = ()
    ends: str | None = None
    record: dict[str, Any] = field(default_factory=dict)
    notes: tuple[tuple[str, dict[str, Any]], ...] = ()
    only: str = ""

    def started_at(self, timezone: str) -> datetime:
        """When the call comes in: `at` in the line's own time zone."""
        if not self.moment:
            return PLAIN_TIME
        when = datetime.fromisoformat(self.moment)
        return (when if when.tzinfo else when.replace(tzinfo=ZoneInfo(timezone))).astimezone(UTC)


def read_trials(paths: list[Path], root: Path | None = None) -> tuple[list[Trial], tuple[Problem, ...]]:
    """The conversations of files and folders, in order of their names, and everything that is wrong with them."""
    findings = Findings()
    trials: list[Trial] = []
    for path in paths:
        files = sorted(path.rglob("*.yaml")) if path.is_dir() else [path]
        for file in files:
            shown = file.relative_to(root).as_posix() if root and file.is_relative_to(root) else file.as_posix()
            text = decode(file.read_bytes(), shown, findings)
            if text is not None:
                trials += read_text(shown, text, findings)
    return trials, findings.sorted()


def read_text(file: str, text: str, findings: Findings) -> list[Trial]:
    """The conversations of one file: a single one, or a list of them."""
    root = read_source(file, text, findings).root
    nodes = root.items if isinstance(root, Sequence) else (root,) if root is not None else ()
    reader = _Reader(findings)
    found = [reader.trial(node) for node in nodes]
    return [trial for trial in found if trial is not None]


def line_of(verb: str, text: str) -> tuple[Line | None, str]:
    """One line of a conversation from its parts, or None and what is wrong with it."""
    findings = Findings()
    at = Position("", 1, 1)
    node: Node = Mapping(at, (Entry(Text(at, verb), Text(at, text)),))
    line = _Reader(findings).line(node)
    problem = findings.found[0] if findings.found else None
    return line, f"{problem.message} {problem.hint}" if problem else ""


class _Reader:
    def __init__(self, findings: Findings) -> None:
        self.findings = findings

    def trial(self, node: Node) -> Trial | None:
        if not isinstance(node, Mapping):
            self.findings.add(
                node.at, "wrong-value", f"A flow test is a block of settings, not {what(node)}.", "See docs/flow-tests.md."
            )
            return None
        self.known(node, SETTINGS, "setting of a flow test")
        missing = [name for name in ("test", "call") if node.get(name) is None]
        if node.get("flow") is None and node.get("to") is None:
            missing.append("flow")
        for name in missing:
            self.findings.add(
                node.at, "missing-setting", f"The flow test has no {quoted(name)}.", "Add it; see docs/flow-tests.md."
            )
        if missing:
            return None
        moment = self.text(node, "at")
        if moment and _moment(moment) is None:
            self.wrong(node.get("at"), "is no time", "Write it like 2026-11-24T10:00.")
            moment = ""
        return Trial(
            title=self.text(node, "test"),
            at=node.at,
            flow=self.text(node, "flow"),
            caller=self.text(node, "from") or "withheld",
            to_number=self.text(node, "to"),
            language=self.text(node, "language") or None,
            moment=moment,
            given=self.given(node.get("given")),
            lines=self.lines(node.get("call")),
            ends=self.text(node, "ends") or None,
            record={name: _typed(value) for name, value in self.pairs(node.get("record"))},
            notes=self.expected_notes(node.get("notes")),
            only=self.text(node, "only"),
        )

    # --- the conversation

    def lines(self, node: Node | None) -> tuple[Line, ...]:
        if not isinstance(node, Sequence):
            self.wrong(node, "is no conversation", "Write a list: `- says: …`, `- hears: …`.")
            return ()
        return tuple(line for line in (self.line(item) for item in node) if line is not None)

    def line(self, node: Node) -> Line | None:
        if isinstance(node, Text):
            verb, value = node.value, None
            key: Node = node
        elif isinstance(node, Mapping) and len(node.entries) == 1:
            entry = node.entries[0]
            verb, value, key = entry.key.value, entry.value, entry.key
        else:
            self.wrong(node, "is no line of a conversation", "Write one `verb: text` after each dash.")
            return None
        if verb not in VERBS:
            self.findings.add(
                key.at, "unknown-line", f"Nobody {quoted(verb)} in a conversation.", did_you_mean(verb, VERBS), length=len(verb)
            )
            return None
        texts = self.texts(value)
        if verb in ("silent", "hangs_up"):
            return Line(verb, key.at)
        if not texts:
            self.wrong(value or key, "says nothing", f"Write {VERBS[verb]}.")
            return None
        if verb == "presses":
            texts = tuple(_KEYS.get(text, text.replace(" ", "")) for text in texts)
            if not all(_KEY_TEXT.fullmatch(text) for text in texts):
                self.wrong(value, "are no keys", "Write 0-9, star or hash.")
                return None
        seconds = 0.0
        if verb in ("waits", "records"):
            seconds = _seconds(texts[0]) or 0.0
            if not seconds:
                self.wrong(value, "is no length of time", "Write it like 30s or 2m.")
                return None
        if verb in _WORDS:
            word, _, length = texts[0].partition(" ")
            if word not in _WORDS[verb]:
                self.wrong(value, "cannot end this", did_you_mean(word, _WORDS[verb]))
                return None
            texts, seconds = (word,), _seconds(length) or (60.0 if word == "talked" else 0.0)
        return Line(verb, key.at, texts, seconds)

    # --- what is given and expected

    def given(self, node: Node | None) -> Given:
        if node is None:
            return Given()
        if isinstance(node, Mapping):
            self.known(node, GIVEN, "thing that can be given")
        pairs = dict(self.pairs(node))
        return Given(
            facts={name: self.outcome(value) for name, value in self.pairs(pairs.get("facts"))},
            lookups={
                name: tuple(self.outcome(item) for item in (value.items if isinstance(value, Sequence) else (value,)))
                for name, value in self.pairs(pairs.get("lookups"))
            },
            queues={name: self.queue(value) for name, value in self.pairs(pairs.get("queues"))},
            understood={_sentence(name): self.meanings(value) for name, value in self.pairs(pairs.get("understood"))},
            answers={name: str(plain(value)) for name, value in self.pairs(pairs.get("answers"))},
            secrets={name: str(plain(value)) for name, value in self.pairs(pairs.get("secrets"))},
        )

    def outcome(self, node: Node) -> LookUp:
        """Fields of what is found, or not_found or failed."""
        if isinstance(node, Mapping):
            return LookUp("found", {entry.key.value: _typed(entry.value) for entry in node})
        word = node.value if isinstance(node, Text) else ""
        if word not in ("not_found", "failed"):
            self.wrong(node, "is no outcome", "Write fields, not_found or failed.")
            return LookUp("not_found")
        return LookUp(word)

    def queue(self, node: Node) -> QueueNow:
        known = ("open", "staffed", "waiting", "wait_minutes", "position")
        if isinstance(node, Mapping):
            self.known(node, known, "field of a queue")
        fields = {name: _typed(value) for name, value in self.pairs(node) if name in known}
        try:
            return QueueNow(
                open=bool(fields.get("open", True)),
                staffed=bool(fields.get("staffed", True)),
                waiting=int(fields.get("waiting", 0)),
                wait_minutes=float(fields["wait_minutes"]) if "wait_minutes" in fields else None,
                position=int(fields["position"]) if "position" in fields else None,
            )
        except (TypeError, ValueError):
            self.wrong(node, "is no state of a queue", "Write numbers, yes and no.")
            return QueueNow()

    def meanings(self, node: Node) -> dict[str, float]:
        if isinstance(node, Text) and node.value == "out_of_scope":
            return {}
        found: dict[str, float] = {}
        for name, value in self.pairs(node):
            if name == "also":  # a second intent of the same sentence
                found |= {f"also {other}": meant for other, meant in self.meanings(value).items()}
                continue
            share = _typed(value)
            if isinstance(share, float | int) and 0 <= share <= 1:
                found[name] = float(share)
            else:
                self.wrong(value, "is no confidence", "Write a number from 0 to 1.")
        return found

    def expected_notes(self, node: Node | None) -> tuple[tuple[str, dict[str, Any]], ...]:
        """`- GoalReached: {intent: order_status}` one below the other, or a single block of them."""
        blocks = node.items if isinstance(node, Sequence) else (node,) if node is not None else ()
        return tuple(
            (kind, {name: _typed(value) for name, value in self.pairs(fields)})
            for block in blocks
            for kind, fields in self.pairs(block)
        )

    # --- small readers

    def pairs(self, node: Node | None) -> list[tuple[str, Node]]:
        if node is None or (isinstance(node, Text) and node.empty):
            return []
        if not isinstance(node, Mapping):
            self.wrong(node, "is not what is expected here", "Write `name: value`.")
            return []
        return [(entry.key.value, entry.value) for entry in node]

    def text(self, node: Mapping, name: str) -> str:
        found = node.get(name)
        if found is not None and not isinstance(found, Text):
            self.wrong(found, "is not what is expected here", f"Write a text after {name}.")
        return found.value if isinstance(found, Text) else ""

    def texts(self, node: Node | None) -> tuple[str, ...]:
        items = node.items if isinstance(node, Sequence) else (node,)
        return tuple(item.value for item in items if isinstance(item, Text) and not item.empty)

    def known(self, node: Mapping, names: tuple[str, ...], title: str) -> None:
        for entry in node:
            if entry.key.value not in names:
                name = entry.key.value
                self.findings.add(
                    entry.key.at,
                    "unknown-setting",
                    f"There is no {title} {quoted(name)}.",
                    did_you_mean(name, names),
                    length=len(name),
                )

    def wrong(self, node: Node | None, told: str, hint: str) -> None:
        at = node.at if node is not None else Position("?", 1, 1)
        self.findings.add(at, "wrong-value", f"{what(node)} {told}.", hint)


def _typed(node: Node) -> Any:
    """Text as a value: yes and no, numbers, nothing; lists and blocks of them. Quoted text stays text."""
    if isinstance(node, Sequence):
        return [_typed(item) for item in node]
    if isinstance(node, Mapping):
        return {entry.key.value: _typed(entry.value) for entry in node}
    if not isinstance(node, Text):
        return None
    if node.style != "plain":
        return node.value
    plain_words: dict[str, Any] = {"yes": True, "no": False, "null": None, "nothing": None, "": None}
    if node.value in plain_words:
        return plain_words[node.value]
    for reader in (int, float):
        converted = _number(reader, node.value)
        if converted is not None:
            return converted
    return node.value


def _number(reader: Callable[[str], Any], text: str) -> Any:
    if not re.fullmatch(r"-?(0|[1-9]\d{0,14})(\.\d{1,6})?", text):
        return None  # 0123 and the like are names, not numbers
    try:
        return reader(text)
    except ValueError:
        return None


def _seconds(text: str) -> float | None:
    found = _DURATION.fullmatch(text.strip())
    return float(int(found[1]) * _UNIT[found[2]]) if found else None


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _sentence(text: str) -> str:
    return " ".join(text.casefold().split())
