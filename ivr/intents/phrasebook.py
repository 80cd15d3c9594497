"""config/intents.yaml as written by supervisors, with the place of every phrase.

format: 1
bands: {sure_at: 0.55, confirm_below: 0.8}        # house defaults, read by the engine's house
intents:
  order_status:
    title: Where an order is
    phrases:
      en: [where is my order, has my parcel been sent]
      es: [dónde está mi pedido]
    not_this:                                      # sounds alike, but belongs to nothing on this line
      en: [where is your shop]
out_of_scope:                                      # added to what ships with the product
  en: [what's the weather tomorrow]
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from ivr.errors import IntentError
from ivr.intents.words import primary
from ivr.language.problems import Findings, did_you_mean, quoted
from ivr.language.values import Position

FILE = "intents.yaml"
MOST_BYTES = 8 * 1024 * 1024
LONGEST_PHRASE = 500
NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
_TOP = ("format", "bands", "intents", "out_of_scope")
_OF_INTENT = ("title", "phrases", "not_this")
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Phrase:
    """One example of what callers say. `intent` is None for out-of-scope speech."""

    text: str
    intent: str | None
    language: str
    at: Position


@dataclass(frozen=True)
class Phrasebook:
    """All phrases of a line, in the order they were written. `titles` maps an intent to what people call it."""

    phrases: tuple[Phrase, ...]
    titles: dict[str, str]
    bands: dict[str, float]
    file: str = FILE

    @property
    def intents(self) -> tuple[str, ...]:
        return tuple(self.titles)

    @property
    def languages(self) -> tuple[str, ...]:
        """Every language that some intent has phrases in, in order of appearance."""
        return tuple(dict.fromkeys(phrase.language for phrase in self.phrases if phrase.intent is not None))

    def of(self, language: str) -> tuple[Phrase, ...]:
        """The intents' phrases in that language (country ignored)."""
        return tuple(p for p in self.phrases if p.language == primary(language) and p.intent is not None)

    def negatives(self, language: str) -> tuple[Phrase, ...]:
        """Out-of-scope examples in that language."""
        return tuple(p for p in self.phrases if p.language == primary(language) and p.intent is None)

    @property
    def fingerprint(self) -> str:
        """Changes when anything changes that training depends on; moving phrases to other lines does not count."""
        digest = hashlib.sha256()
        for phrase in self.phrases:
            digest.update(f"{phrase.language}\0{phrase.intent or ''}\0{phrase.text}\n".encode())
        for intent, title in self.titles.items():
            digest.update(f"{intent}\0{title}\n".encode())
        return digest.hexdigest()


def read_phrasebook(folder: Path) -> tuple[Phrasebook, Findings]:
    """The phrasebook in a config folder, and what is wrong with it. Raises IntentError where nothing can be read at all."""
    path = folder / FILE
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise IntentError(f"{path} cannot be read: {error.strerror}") from error
    if len(raw) > MOST_BYTES:
        raise IntentError(f"{path} is larger than {MOST_BYTES // 1024 // 1024} MB; split off what is not a phrase")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise IntentError(f"{path} is not UTF-8 text at byte {error.start}; save it as UTF-8") from error
    return parse_phrasebook(text, FILE)


def parse_phrasebook(text: str, file: str = FILE) -> tuple[Phrasebook, Findings]:
    """The same from text, for the console's unsaved draft."""
    findings = Findings({"unknown-setting": "warning"})
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=_Loader)):
            raise IntentError(f"{file} uses YAML anchors; write the phrases out")
        root = yaml.compose(text, Loader=_Loader)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else file
        raise IntentError(f"{place}: this is not YAML: {getattr(error, 'problem', None) or 'it cannot be read'}") from error
    reader = _Reader(file, findings)
    return reader.book(root), findings


class _Reader:
    def __init__(self, file: str, findings: Findings) -> None:
        self.file = file
        self.findings = findings

    def at(self, node: yaml.Node) -> Position:
        return Position(self.file, node.start_mark.line + 1, node.start_mark.column + 1)

    def pairs(self, node: yaml.Node | None, what: str) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
        """Entries of a block; a problem where it is not one, or a key comes twice."""
        if not isinstance(node, yaml.MappingNode):
            if node is not None:
                self.findings.add(
                    self.at(node), "wrong-shape", f"{what} must be a block of settings.", "Write `name: …` lines, indented."
                )
            return
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value) if isinstance(key, yaml.ScalarNode) else ""
            if name in seen:
                self.findings.add(self.at(key), "twice", f"{quoted(name)} stands here twice.", "Join the two.")
                continue
            seen.add(name)
            yield name, key, value

    def book(self, root: yaml.Node | None) -> Phrasebook:
        titles: dict[str, str] = {}
        phrases: list[Phrase] = []
        bands: dict[str, float] = {}
        for name, key, value in self.pairs(root, "The file"):
            if name == "intents":
                for intent, place, settings in self.pairs(value, "`intents`"):
                    if not NAME.fullmatch(intent):
                        self.findings.add(
                            self.at(place),
                            "name",
                            f"{quoted(intent)} cannot name an intent.",
                            "Use a-z, 0-9 and _, such as order_status.",
                        )
                        continue
                    titles[intent] = self.intent(intent, settings, phrases)
            elif name == "out_of_scope":
                phrases.extend(self.phrases(value, None))
            elif name == "bands":
                bands = self.bands(value)
            elif name not in _TOP:
                self.findings.add(
                    self.at(key), "unknown-setting", f"{quoted(name)} is not a setting of {self.file}.", did_you_mean(name, _TOP)
                )
        if not titles and not self.findings.found:
            at = self.at(root) if root is not None else Position(self.file, 1, 1)
            self.findings.add(at, "no-intents", "There is no intent.", "Write `intents:` and under it at least two.")
        return Phrasebook(tuple(phrases), titles, bands, self.file)

    def intent(self, intent: str, settings: yaml.Node, phrases: list[Phrase]) -> str:
        title = intent.replace("_", " ")
        for name, key, value in self.pairs(settings, f"Intent {intent}"):
            if name == "title" and isinstance(value, yaml.ScalarNode):
                title = str(value.value).strip() or title
            elif name == "phrases":
                phrases.extend(self.phrases(value, intent))
            elif name == "not_this":
                phrases.extend(self.phrases(value, None))
            elif name not in _OF_INTENT:
                hint = did_you_mean(name, _OF_INTENT)
                self.findings.add(self.at(key), "unknown-setting", f"{quoted(name)} is not a setting of an intent.", hint)
        return title

    def phrases(self, node: yaml.Node, intent: str | None) -> Iterator[Phrase]:
        for language, key, listed in self.pairs(node, "Phrases"):
            if not re.fullmatch(r"[a-z]{2,3}", primary(language)):
                self.findings.add(
                    self.at(key), "language", f"{quoted(language)} is not a language.", "Write a code such as en or es."
                )
                continue
            if not isinstance(listed, yaml.SequenceNode):
                self.findings.add(
                    self.at(listed), "wrong-shape", f"Phrases in {language} must be a list.", "Put a dash before each phrase."
                )
                continue
            for item in listed.value:
                if not isinstance(item, yaml.ScalarNode) or not str(item.value).strip():
                    self.findings.add(
                        self.at(item), "wrong-shape", "A phrase is text.", "A phrase with `: ` in it needs quotes around it."
                    )
                elif len(item.value) > LONGEST_PHRASE:
                    self.findings.add(
                        self.at(item),
                        "too-long",
                        f"This phrase has {len(item.value)} characters; nobody says that.",
                        "Shorten it.",
                    )
                else:
                    yield Phrase(str(item.value).strip(), intent, primary(language), self.at(item))

    def bands(self, node: yaml.Node) -> dict[str, float]:
        found: dict[str, float] = {}
        for name, _, value in self.pairs(node, "`bands`"):
            try:
                share = float(str(value.value))
            except ValueError:
                share = -1.0
            if not 0 <= share <= 1:
                self.findings.add(self.at(value), "wrong-shape", f"`{name}` must be from 0 to 1.", "Write a number such as 0.6.")
                continue
            found[name] = share
        return found


def read_csv(path: Path, language: str = "en") -> list[Phrase]:
    """Phrases of a CSV with header `text,intent`. Raises IntentError naming the line."""
    try:
        raw = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise IntentError(f"{path} cannot be read as UTF-8 text: {error}") from error
    rows = csv.DictReader(io.StringIO(raw, newline=""), strict=True)
    if not rows.fieldnames or not {"text", "intent"} <= set(rows.fieldnames):
        raise IntentError(f"{path}: the first line must be `text,intent`, and is {quoted(','.join(rows.fieldnames or ['']))}")
    found: list[Phrase] = []
    try:
        for row in rows:
            if not (row["text"] or "").strip() or not (row["intent"] or "").strip():
                raise IntentError(f"{path}:{rows.line_num}: a row needs both a text and an intent")
            found.append(Phrase(row["text"].strip(), row["intent"].strip(), language, Position(str(path), rows.line_num, 1)))
    except csv.Error as error:
        raise IntentError(f"{path}:{rows.line_num}: this is not CSV: {error}") from error
    if not found:
        raise IntentError(f"{path} has no rows")
    return found


def texts_of(phrases: Sequence[Phrase]) -> list[str]:
    """The texts alone."""
    return [phrase.text for phrase in phrases]
