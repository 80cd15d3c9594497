"""Reading settings into typed values, with a sentence and a position for everything that is wrong.

`Table` is one mapping of a file. Each reader takes one setting; what cannot be read becomes a problem and the default is used, so
that all problems come in one run. `close` notes the settings nobody took.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from ivr.language.problems import Findings, did_you_mean, quoted
from ivr.language.source import Mapping, Node, Sequence, Text, read_source, what
from ivr.language.values import Position

T = TypeVar("T")
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)\s*(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_NUMBER = re.compile(r"-?\d{1,12}(\.\d{1,9})?")
LONGEST_TEXT = 500


def seconds_of(text: str) -> float | None:
    """`1m30s` → 90.0; None where it is no length of time."""
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text.replace(" ", ""):
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def float_of(text: str) -> float | None:
    """`-1.5` → -1.5; None where it is no plain number."""
    return float(text) if _NUMBER.fullmatch(text) else None


def whole_of(text: str) -> int | None:
    """`12` → 12; None where it is no whole number."""
    return int(text) if _NUMBER.fullmatch(text) and "." not in text else None


def share_of(text: str) -> float | None:
    """`80%` → 0.8; None where it is no share."""
    value = float_of(text.removesuffix("%").strip()) if text.endswith("%") else None
    return value / 100 if value is not None and 0 <= value <= 100 else None


@dataclass
class Table:
    """Settings below one name. `title` names it in messages: `queue "general"`."""

    findings: Findings
    node: Mapping
    title: str
    taken: set[str] = field(default_factory=set)

    def at(self, key: str) -> Position:
        """Where the value of `key` stands; the table's own place where it is not written."""
        value = self.node.get(key)
        return value.at if value is not None else self.node.at

    def problem(self, key: str, rule: str, message: str, hint: str = "") -> None:
        """Note a problem under the value of `key`."""
        value = self.node.get(key)
        length = len(value.value) if isinstance(value, Text) and value.exact else 1
        self.findings.add(self.at(key), rule, message, hint, length=length)

    def has(self, key: str) -> bool:
        """True where the setting is written."""
        return self.node.get(key) is not None

    def names_written(self) -> list[str]:
        """The names of the settings, in order."""
        return [entry.key.value for entry in self.node]

    def required(self, key: str, hint: str) -> bool:
        """True where the setting is written; otherwise a problem that says what to add."""
        if self.has(key):
            return True
        self.findings.add(self.node.at, "missing-setting", f'The {self.title} has no "{key}".', hint)
        return False

    def text(self, key: str, default: str = "", *, expected: str = "a text", most: int = LONGEST_TEXT) -> str:
        """A text of at most `most` characters."""
        self.taken.add(key)
        node = self.node.get(key)
        if node is None:
            return default
        if not isinstance(node, Text) or node.empty:
            self.problem(key, "wrong-value", f'"{key}" is {what(node)}.', f"Write {expected}.")
            return default
        if len(node.value) > most:
            self.problem(key, "wrong-value", f'"{key}" is longer than {most} characters.', "Shorten it.")
            return default
        return node.value

    def read(self, key: str, reader: Callable[[str], T | None], default: T, expected: str) -> T:
        """What `reader` makes of the text; it returns None for what is not `expected`."""
        text = self.text(key, expected=expected)
        if not text:
            return default
        value = reader(text)
        if value is None:
            self.problem(key, "wrong-value", f"{quoted(text)} is not {expected}.")
            return default
        return value

    def duration(self, key: str, default: float, least: float = 0.0, most: float = 366 * 86400.0) -> float:
        """Seconds, written 400ms, 30s, 5m, 1h or 2d."""
        value = self.read(key, seconds_of, default, "a length of time such as 30s, 5m or 1h")
        return self._within(key, value, least, most, default, " s")

    def number(self, key: str, default: float, least: float, most: float) -> float:
        """A number between `least` and `most`."""
        return self._within(key, self.read(key, float_of, default, "a number"), least, most, default)

    def whole(self, key: str, default: int, least: int, most: int) -> int:
        """A whole number between `least` and `most`."""
        return int(self._within(key, self.read(key, whole_of, default, "a whole number"), least, most, default))

    def _within(self, key: str, value: float, least: float, most: float, default: float, unit: str = "") -> float:
        if least <= value <= most:
            return value
        self.problem(key, "out-of-range", f'"{key}" has to lie between {least:g}{unit} and {most:g}{unit}.')
        return default

    def flag(self, key: str, default: bool) -> bool:
        """yes or no."""
        return self.read(key, {"yes": True, "no": False}.get, default, "yes or no")

    def share(self, key: str, default: float) -> float:
        """A share as 0..1, written 80%."""
        return self.read(key, share_of, default, "a share such as 80%")

    def choice(self, key: str, words: Collection[str], default: str, noun: str = "", hint: str = "") -> str:
        """One of `words`; with `noun`, a name of that sort, and the rule is unknown-NOUN. `hint` where the words are too many to list."""
        text = self.text(key, expected=f"one of: {', '.join(words)}")
        if not text or text in words:
            return text or default
        rule = f"unknown-{noun.replace(' ', '-')}" if noun else "wrong-value"
        self.problem(key, rule, f"There is no {noun or key} {quoted(text)}.", hint or did_you_mean(text, words))
        return default

    def texts(self, key: str) -> list[Text]:
        """A list of texts; a single text counts as a list of one."""
        self.taken.add(key)
        node = self.node.get(key)
        if node is None:
            return []
        items = node.items if isinstance(node, Sequence) else (node,)
        found = [item for item in items if isinstance(item, Text) and not item.empty]
        if len(found) != len(items):
            self.problem(key, "wrong-value", f'"{key}" holds something that is no text.', "Write a list such as [one, two].")
        return found

    def names(self, key: str, words: Collection[str], noun: str, hint: str = "") -> tuple[str, ...]:
        """A list of names of that sort; others are problems with the nearest name."""
        found = []
        for item in self.texts(key):
            if item.value in words:
                found.append(item.value)
            else:
                self.unknown(item, noun, words, hint)
        return tuple(found)

    def unknown(self, item: Text, noun: str, words: Collection[str], hint: str = "") -> None:
        """Note that `item` names nothing there is."""
        rule = f"unknown-{noun.replace(' ', '-')}"
        told = hint or did_you_mean(item.value, words)
        self.findings.add(item.at, rule, f"There is no {noun} {quoted(item.value)}.", told, length=len(item.value))

    def table(self, key: str, title: str = "") -> Table | None:
        """The settings below `key`, or None where they are not written."""
        self.taken.add(key)
        node = self.node.get(key)
        if node is None:
            return None
        if not isinstance(node, Mapping):
            self.problem(key, "wrong-value", f'"{key}" is {what(node)}.', 'Write settings below it, each as "name: value".')
            return None
        return Table(self.findings, node, title or f'"{key}" of the {self.title}')

    def items(self, key: str, title: str) -> Iterator[Table]:
        """The blocks of a list."""
        self.taken.add(key)
        node = self.node.get(key)
        for item in node.items if isinstance(node, Sequence) else [node] if node is not None else []:
            if isinstance(item, Mapping):
                yield Table(self.findings, item, title)
            else:
                self.findings.add(
                    item.at, "wrong-value", f'"{key}" holds {what(item)}.', 'Write a list of blocks, each line "name: value".'
                )

    def entries(self, key: str, noun: str) -> Iterator[tuple[str, Table]]:
        """The named blocks below `key`; a name that cannot be one is a problem."""
        whole = self.table(key)
        for entry in whole.node if whole is not None else ():
            name = entry.key.value
            if not _NAME.fullmatch(name):
                self.findings.add(
                    entry.key.at, "wrong-name", f"{quoted(name)} cannot be the name of anything.",
                    "Use small letters, digits and _, beginning with a letter.", length=len(name),
                )  # fmt: skip
            elif isinstance(entry.value, Mapping):
                yield name, Table(self.findings, entry.value, f'{noun} "{name}"')
            else:
                self.findings.add(
                    entry.value.at,
                    "wrong-value",
                    f'The {noun} "{name}" is {what(entry.value)}.',
                    'Write its settings below it, each as "name: value".',
                )

    def mapping(self, key: str, most: int = 2000) -> dict[str, str]:
        """Texts by name."""
        table = self.table(key)
        return {} if table is None else {name: table.text(name, most=most) for name in table.names_written()}

    def close(self) -> None:
        """Note every setting that nobody took."""
        for entry in self.node:
            name = entry.key.value
            if name not in self.taken:
                self.findings.add(
                    entry.key.at, "unknown-setting", f"{quoted(name)} is no setting of the {self.title}.", did_you_mean(name, self.taken),
                    length=len(name),
                )  # fmt: skip


def root_table(file: str, text: str, findings: Findings) -> Table:
    """A file's outermost settings; where nothing can be read that is a problem and the table is empty."""
    source = read_source(file, text, findings)
    node: Node | None = source.root
    if isinstance(node, Mapping):
        return Table(findings, node, f"file {file}")
    start = Position(file, 1, 1)
    if node is not None and not (isinstance(node, Text) and node.empty):
        findings.add(
            node.at, "wrong-value", f"The file holds {what(node)}.", 'A configuration file holds settings, each as "name: value".'
        )
    return Table(findings, Mapping(start, ()), f"file {file}")
