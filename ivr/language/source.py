"""YAML read safely: a tree of text with positions, and every problem in words a supervisor understands.

All scalars stay text (`no` is "no", 0123 is "0123"); types come from whoever reads the tree. Nothing is composed or constructed
by the YAML library: the tree is built from its events with our own limits, so that hostile files cost little. Plain YAML only:
anchors, aliases, merge keys and tags are problems. Used for flows, translations and configuration alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from ivr.language.problems import Findings, quoted
from ivr.language.values import Position
from ivr.language.yaml_causes import Cause, cause_of

MOST_BYTES = 256 * 1024
MOST_NODES = 5_000
DEEPEST = 20
MOST_MENDS = 20
"""So many syntax mistakes are told in one run; each one told is mended in memory so that what follows can be read."""

_Parser = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # C0 and C1; U+0085 would also be a line's end to YAML
    "\u200b\u2028\u2029\u202a-\u202e\u2060\u2066-\u2069"  # no width, other line ends, turned direction: text that is not what it looks like
    "\ufeff\ufffe\uffff\ud800-\udfff]"
)
_CONTROL_NAMES = {"\x00": "a NUL character", "\x1b": "an escape character", "\x7f": "a delete character"}
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Node:
    """A part of a file: `at` is where it starts."""

    at: Position


@dataclass(frozen=True)
class Text(Node):
    """A scalar: always text. `style` is plain, single, double, literal or folded.

    `exact`: the value stands in the file as it is, on one line, from column `at.column + shift` on. `tail`: what follows on the line.
    """

    value: str
    style: str = "plain"
    exact: bool = True
    shift: int = 0
    tail: str = ""
    lines: int = 1

    def position(self, offset: int) -> Position:
        """Where character `offset` of the value stands; the start of the text where that cannot be told exactly."""
        if not self.exact:
            return self.at
        return Position(self.at.file, self.at.line, self.at.column + self.shift + offset)

    @property
    def empty(self) -> bool:
        """True for nothing at all, as after `key:` or `key: #`."""
        return self.value == "" and self.style == "plain"


@dataclass(frozen=True)
class Entry:
    """One `key: value` of a mapping."""

    key: Text
    value: Node


@dataclass(frozen=True)
class Mapping(Node):
    """`key: value` pairs in order, without duplicates (the first stays). `braces`: written in one line as {key: value}."""

    entries: tuple[Entry, ...] = ()
    braces: bool = False

    def get(self, key: str) -> Node | None:
        """The value under `key`, or None."""
        return next((entry.value for entry in self.entries if entry.key.value == key), None)

    def entry(self, key: str) -> Entry | None:
        """The pair under `key`, or None."""
        return next((entry for entry in self.entries if entry.key.value == key), None)

    def keys(self) -> list[str]:
        return [entry.key.value for entry in self.entries]

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)


@dataclass(frozen=True)
class Sequence(Node):
    """Items in order. `brackets`: written in one line as [one, two]."""

    items: tuple[Node, ...] = ()
    brackets: bool = False

    def __iter__(self) -> Iterator[Node]:
        return iter(self.items)


@dataclass(frozen=True)
class Source:
    """A file as read: `root` is None where nothing could be read (then there is a problem)."""

    file: str
    lines: list[str]
    root: Node | None


def what(node: Node | None) -> str:
    """What a node is, in a sentence: 'a list', '"text"', 'nothing'."""
    if isinstance(node, Mapping):
        return "a block of settings"
    if isinstance(node, Sequence):
        return "a list"
    if isinstance(node, Text) and not node.empty:
        return quoted(node.value)
    return "nothing"


def plain(node: Node | None) -> Any:
    """The tree as dicts, lists and text, for tests and small readers."""
    if isinstance(node, Mapping):
        return {entry.key.value: plain(entry.value) for entry in node}
    if isinstance(node, Sequence):
        return [plain(item) for item in node]
    return node.value if isinstance(node, Text) else None


def decode(content: bytes, file: str, findings: Findings) -> str | None:
    """Bytes of a file as text, or None with a problem (too large, not UTF-8)."""
    start = Position(file, 1, 1)
    if len(content) > MOST_BYTES:
        findings.add(start, "too-large", f"The file is larger than {MOST_BYTES // 1024} kB.", "Split it into several flows.")
        return None
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        findings.add(start, "encoding", "The file is saved as UTF-16.", "Save it as UTF-8.")
        return None
    try:
        return content.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        findings.add(Position(file, line, column), "encoding", "This character is not UTF-8.", "Save the file as UTF-8.")
        return None


def read_source(file: str, text: str, findings: Findings) -> Source:
    """Read YAML `text`; problems go to `findings`. Never raises for anything that `text` holds."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    start = Position(file, 1, 1)
    if len(text.encode("utf-8", "replace")) > MOST_BYTES:
        findings.add(start, "too-large", f"The file is larger than {MOST_BYTES // 1024} kB.", "Split it into several flows.")
        return Source(file, [], None)
    if _CONTROL.search(text):
        _tell_control(file, lines, findings)
    mended = [_CONTROL.sub(" ", line) for line in lines]
    for _ in range(MOST_MENDS):
        reading = _Reading(file, mended, Findings(findings.severities))
        try:
            root = reading.tree("\n".join(mended))
        except yaml.YAMLError:
            cause = cause_of(mended)
            _tell(cause, file, findings)
            if cause.mended is None or cause.mended == mended[cause.line - 1]:
                return Source(file, lines, None)
            mended[cause.line - 1] = cause.mended
            continue
        except _GivenUp:
            root = None
        for problem in reading.findings.found:
            findings.add(
                Position(problem.file, problem.line, problem.column),
                problem.rule,
                problem.message,
                problem.hint,
                length=problem.length,
            )
        return Source(file, lines, root)
    return Source(file, lines, None)


def _tell_control(file: str, lines: list[str], findings: Findings) -> None:
    """Characters that nobody sees, at most `MOST_MENDS` of them."""
    told = 0
    for number, line in enumerate(lines, start=1):
        for found in _CONTROL.finditer(line):
            character = found.group()
            name = _CONTROL_NAMES.get(character, f"a control character (U+{ord(character):04X})")
            if _TURNING.match(character):
                name = f"a character that turns the direction of writing (U+{ord(character):04X})"
            findings.add(Position(file, number, found.start() + 1), "control-character", f"There is {name} here.", "Delete it.")
            told += 1
            if told >= MOST_MENDS:
                return


def _tell(cause: Cause, file: str, findings: Findings) -> None:
    findings.add(Position(file, cause.line, cause.column), cause.rule, cause.message, cause.hint, length=cause.length)


class _Refused(Node):
    """Stands for an alias: told already, and left out of the tree."""


class _GivenUp(Exception):
    """A limit was passed: the problem is told, the rest of the file is not read."""


_STYLES = {None: "plain", "": "plain", "'": "single", '"': "double", "|": "literal", ">": "folded"}


@dataclass
class _Open:
    """A mapping or sequence being read."""

    at: Position
    is_mapping: bool
    in_line: bool
    items: list[Node] = field(default_factory=list)
    entries: dict[str, Entry] = field(default_factory=dict)
    key: Text | None = None


@dataclass
class _Reading:
    """Builds the tree from the parser's events."""

    file: str
    lines: list[str]
    findings: Findings
    nodes: int = 0

    def tree(self, text: str) -> Node | None:
        """The document's root; raises yaml.YAMLError for broken syntax."""
        stack: list[_Open] = []
        root: Node | None = None
        documents = 0
        for event in yaml.parse(text, Loader=_Parser):
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self.findings.add(
                        self.at(event),
                        "plain-yaml-only",
                        "A second document begins here (---).",
                        "One file holds one flow: delete this line.",
                    )
                    break
                continue
            done: Node | None = None
            if isinstance(event, yaml.AliasEvent):
                self.count(event, len(stack))
                self.refuse(
                    event, f"*{event.anchor} repeats another part of the file.", "Write it out; reuse is by `run` and `go`."
                )
                done = Text(self.at(event), "")
            elif isinstance(event, yaml.ScalarEvent):
                self.count(event, len(stack))
                self.refuse_extras(event)
                done = self.text(event)
            elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
                self.count(event, len(stack))
                self.refuse_extras(event)
                stack.append(_Open(self.at(event), isinstance(event, yaml.MappingStartEvent), bool(event.flow_style)))
            elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                ended = stack.pop()
                done = (
                    Mapping(ended.at, tuple(ended.entries.values()), ended.in_line)
                    if ended.is_mapping
                    else Sequence(ended.at, tuple(ended.items), ended.in_line)
                )
            if done is not None:
                if stack:
                    self.put(stack[-1], done)
                elif not isinstance(done, _Refused):
                    root = done
        return root

    def at(self, event: Any) -> Position:
        return Position(self.file, event.start_mark.line + 1, event.start_mark.column + 1)

    def count(self, event: Any, depth: int) -> None:
        """Enforce the limits on nodes and depth."""
        self.nodes += 1
        if self.nodes > MOST_NODES:
            self.findings.add(
                self.at(event),
                "too-large",
                f"The file has more than {MOST_NODES} parts.",
                "Split it into several flows that `run` one another.",
            )
            raise _GivenUp
        if depth >= DEEPEST:
            self.findings.add(
                self.at(event),
                "too-deep",
                f"This is nested more than {DEEPEST} levels deep.",
                "No setting needs that; check the brackets.",
            )
            raise _GivenUp

    def refuse(self, event: Any, message: str, hint: str, length: int = 1) -> None:
        self.findings.add(self.at(event), "plain-yaml-only", message, hint, length=length)

    def refuse_extras(self, event: Any) -> None:
        """Anchors and tags."""
        if event.anchor is not None:
            self.refuse(event, f"&{event.anchor} names a part of the file for reuse.", "Delete it; reuse is by `run` and `go`.")
        if (event.tag is not None and event.tag != "!") or (event.tag == "!" and getattr(event, "style", None) is None):
            shown_tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self.refuse(
                event,
                f"{quoted(shown_tag)} is a YAML tag, so this text would not be read as it stands.",
                'If it is part of a sentence, put the whole sentence in "quotes"; otherwise delete it.',
                length=len(shown_tag),
            )

    def text(self, event: Any) -> Text:
        """A scalar with what is needed to point into it."""
        line_index, column_index = event.start_mark.line, event.start_mark.column
        style = _STYLES.get(event.style, "plain")
        line = self.lines[line_index] if line_index < len(self.lines) else ""
        shift = 1 if style in ("single", "double") else 0
        begin = column_index + shift
        # A tag or an anchor stands before the text itself: then columns inside cannot be told.
        exact = style in ("plain", "single", "double") and line[begin : begin + len(event.value)] == event.value
        tail = ""
        if event.end_mark.line < len(self.lines) and style == "plain":
            tail = self.lines[event.end_mark.line][event.end_mark.column :]
        return Text(self.at(event), event.value, style, exact, shift, tail, event.end_mark.line - line_index + 1)

    def put(self, into: _Open, done: Node) -> None:
        """Add a finished node to the mapping or sequence around it."""
        if not into.is_mapping:
            if not isinstance(done, _Refused):
                into.items.append(done)
            return
        if into.key is None:
            if isinstance(done, Text):
                into.key = done
            else:
                self.findings.add(
                    done.at,
                    "plain-yaml-only",
                    "The name of a setting cannot be a list or a block.",
                    'If a text starts here, put it in "quotes".',
                )
                into.key = Text(done.at, f"\x00{len(into.entries)}")
            return
        key, into.key = into.key, None
        if key.value == "<<" and key.style == "plain":
            self.findings.add(
                key.at,
                "plain-yaml-only",
                "<< merges another part of the file.",
                "Write the settings out; reuse is by `run` and `go`.",
                length=2,
            )
            return
        if key.value.startswith("\x00") or isinstance(done, _Refused):
            return
        if key.value in into.entries:
            first = into.entries[key.value].key.at
            self.findings.add(
                key.at,
                "duplicate-key",
                f"{quoted(key.value)} stands here twice; the first is on line {first.line}.",
                "Keep one of the two.",
                length=len(key.value),
            )
            return
        into.entries[key.value] = Entry(key, done)
