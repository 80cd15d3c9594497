"""Reads config/phrases.yaml (and the bands of config/intents.yaml) into the `House`, telling every mistake with its place."""

from __future__ import annotations

from pathlib import Path

from ivr.house import COMMANDS, PHRASES, SAYINGS, House, Wording
from ivr.language.problems import Findings, Problem, did_you_mean, quoted
from ivr.language.source import Mapping, Node, Sequence, Text, decode, read_source, what
from ivr.language.values import Position

PHRASES_FILE = "phrases.yaml"
INTENTS_FILE = "intents.yaml"
LONGEST_PHRASE = 600
_SETTINGS = ("format", "close_margin", "currency", "music", "command_keys", "languages")
_KEYS = {**{digit: digit for digit in "0123456789"}, "star": "*", "hash": "#"}


def load_house(folder: Path) -> tuple[House, tuple[Problem, ...]]:
    """The house as configured; what cannot be read keeps its default and is told as a problem. A missing file is no problem."""
    findings = Findings()
    reader = _Reader(findings)
    house = reader.house(_root(folder / PHRASES_FILE, findings))
    return reader.with_bands(house, _root(folder / INTENTS_FILE, Findings())), findings.sorted()


def read_house(folder: Path) -> House:
    """The house alone, for those who run calls: mistakes keep their defaults and are told by `ivr doctor`."""
    return load_house(folder)[0]


def _root(path: Path, findings: Findings) -> Mapping | None:
    if not path.is_file():
        return None
    text = decode(path.read_bytes(), path.name, findings)
    root = read_source(path.name, text, findings).root if text is not None else None
    return root if isinstance(root, Mapping) else None


class _Reader:
    def __init__(self, findings: Findings) -> None:
        self.findings = findings

    def house(self, root: Mapping | None) -> House:
        if root is None:
            return House()
        self._only(root, _SETTINGS, "setting")
        plain = House()
        languages = {
            entry.key.value: self._wording(entry.value, entry.key.value)
            for entry in self._pairs(root.get("languages"), "languages")
        }
        return House(
            sure_at=plain.sure_at,
            confirm_below=plain.confirm_below,
            close_margin=self._share(root, "close_margin", plain.close_margin),
            languages={**plain.languages, **languages},
            command_keys=self._command_keys(root.get("command_keys")) or plain.command_keys,
            waiting_music=self._text(root, "music", plain.waiting_music),
            currency=self._text(root, "currency", plain.currency),
        )

    def with_bands(self, house: House, intents: Mapping | None) -> House:
        """The thresholds that the intents' own file sets (its mistakes are told where intents are read)."""
        bands = intents.get("bands") if intents is not None else None
        if not isinstance(bands, Mapping):
            return house
        quiet = _Reader(Findings())
        return House(
            quiet._share(bands, "sure_at", house.sure_at),
            quiet._share(bands, "confirm_below", house.confirm_below),
            quiet._share(bands, "close_margin", house.close_margin),
            house.languages,
            house.command_keys,
            house.waiting_music,
            house.currency,
        )

    def _wording(self, node: Node, language: str) -> Wording:
        pairs = {entry.key.value: entry for entry in self._pairs(node, f"language {quoted(language)}")}
        if isinstance(node, Mapping):
            self._only(node, ("phrases", "commands", "fillers", "intents"), "setting")
        phrases = self._named(pairs["phrases"].value if "phrases" in pairs else None, PHRASES, "phrase")
        if language.split("-")[0] != "en":
            missing = sorted(set(PHRASES) - set(phrases))
            if missing:
                self.findings.add(
                    node.at,
                    "missing-phrase",
                    f"The language {quoted(language)} has no wording for {', '.join(missing)}.",
                    "Add it; until then callers hear English there.",
                )
        commands = {
            entry.key.value: self._list(entry.value)
            for entry in self._pairs(pairs["commands"].value if "commands" in pairs else None, "commands")
        }
        if "commands" in pairs and isinstance(pairs["commands"].value, Mapping):
            self._only(pairs["commands"].value, (*COMMANDS, *SAYINGS), "command")
        intents = self._named(pairs["intents"].value if "intents" in pairs else None, None, "intent")
        fillers = self._list(pairs["fillers"].value) if "fillers" in pairs else ()
        return Wording(phrases, commands, fillers, intents)

    def _named(self, node: Node | None, known: object, title: str) -> dict[str, str]:
        found = {}
        for entry in self._pairs(node, f"{title}s"):
            if isinstance(known, dict) and entry.key.value not in known:
                self.findings.add(
                    entry.key.at,
                    f"unknown-{title}",
                    f"There is no {title} {quoted(entry.key.value)}.",
                    did_you_mean(entry.key.value, known),
                )
            elif isinstance(entry.value, Text) and 0 < len(entry.value.value) <= LONGEST_PHRASE:
                found[entry.key.value] = entry.value.value
            else:
                self.findings.add(entry.value.at, "wrong-value", f"{what(entry.value)} cannot be said.", "Write a sentence.")
        return found

    def _command_keys(self, node: Node | None) -> dict[str, str]:
        found = {}
        for entry in self._pairs(node, "command_keys"):
            key = _KEYS.get(entry.value.value) if isinstance(entry.value, Text) else None
            if key is None or entry.key.value not in COMMANDS:
                self.findings.add(
                    entry.key.at,
                    "wrong-value",
                    f"{quoted(entry.key.value)} is no command with a key.",
                    "Write one such as repeat: star.",
                )
            else:
                found[key] = entry.key.value
        return found

    def _share(self, node: Mapping, name: str, default: float) -> float:
        text = self._text(node, name, "")
        if not text:
            return default
        try:
            share = float(text)
        except ValueError:
            share = -1.0
        if 0.0 <= share <= 1.0:
            return share
        found = node.get(name)
        self.findings.add(
            (found or node).at, "wrong-value", f"{quoted(text)} is no share.", "Write a number from 0 to 1, such as 0.15."
        )
        return default

    def _text(self, node: Mapping, name: str, default: str) -> str:
        found = node.get(name)
        return found.value if isinstance(found, Text) else default

    def _list(self, node: Node) -> tuple[str, ...]:
        items = node.items if isinstance(node, Sequence) else (node,)
        return tuple(item.value for item in items if isinstance(item, Text) and not item.empty)

    def _pairs(self, node: Node | None, title: str) -> Mapping:
        if isinstance(node, Mapping):
            return node
        if node is not None:
            self.findings.add(node.at, "wrong-value", f"{title}: {what(node)}.", "Write one `name: value` on each line.")
        return Mapping(node.at if node is not None else Position(PHRASES_FILE, 1, 1))

    def _only(self, node: Mapping, known: tuple[str, ...], title: str) -> None:
        for entry in node:
            if entry.key.value not in known:
                self.findings.add(
                    entry.key.at,
                    f"unknown-{title}",
                    f"There is no {title} {quoted(entry.key.value)}.",
                    did_you_mean(entry.key.value, known),
                )
