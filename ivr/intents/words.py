"""The words of a language as data: digits, numbers, fillers, months, spelling alphabets, ways to say yes.

Each language is a folder with a `words.yaml` (and perhaps a `gloss.yaml`, see normalising.sense): those of the product are in `languages/`, those of a house in
`config/languages/`. A house's file of the same language adds to the product's; a new language needs its file only.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import yaml

from ivr.errors import IntentError

SHIPPED = Path(__file__).parent / "languages"


@dataclass(frozen=True)
class Words:
    """All tables of one language; keys are folded (lower case, no accents)."""

    language: str
    tables: dict[str, Any] = field(default_factory=dict)

    def table(self, name: str) -> dict[str, Any]:
        """The table of that name, folded; empty where the language has none."""
        found = self.tables.get(name)
        return found if isinstance(found, dict) else {}

    def listed(self, name: str) -> tuple[str, ...]:
        """The list of that name, folded; empty where the language has none."""
        return self._lists.get(name, ())

    def members(self, name: str) -> frozenset[str]:
        """The same list, for quick membership."""
        return self._sets.get(name, frozenset())

    @cached_property
    def _lists(self) -> dict[str, tuple[str, ...]]:
        return {name: tuple(found) for name, found in self.tables.items() if isinstance(found, list)}

    @cached_property
    def _sets(self) -> dict[str, frozenset[str]]:
        return {name: frozenset(found) for name, found in self._lists.items()}

    def text(self, name: str, default: str = "") -> str:
        """The single text of that name."""
        found = self.tables.get(name)
        return found if isinstance(found, str) else default


def fold(text: str) -> str:
    """Lower case without accents, so that "días", "dias" and "DÍAS" are one word. ñ stays: "ano" is not "año"."""
    kept = text.lower().replace("ñ", "\0")
    plain = "".join(c for c in unicodedata.normalize("NFKD", kept) if not unicodedata.combining(c))
    return plain.replace("\0", "ñ")


def primary(language: str) -> str:
    """The language without its country: "es-ES" -> "es"."""
    return re.split(r"[-_]", language.strip().lower() or "en")[0]


def _folded(value: Any) -> Any:
    if isinstance(value, dict):
        return {fold(str(key)): _folded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_folded(inner) for inner in value]
    if isinstance(value, str):
        return fold(value)
    return value


def _read(path: Path) -> dict[str, Any]:
    try:
        tables = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise IntentError(f"{path} cannot be read as YAML: {str(error)[:200]}") from error
    if not isinstance(tables, dict):
        raise IntentError(f"{path} must hold tables such as `fillers:` and `numbers:`")
    folded: dict[str, Any] = _folded(tables)
    return folded


def words_of(language: str, house_folder: Path | None = None) -> Words:
    """The words of `language` (any BCP 47 tag). A language nobody described has empty tables and still works for intents.

    `house_folder` is the config folder; its file is read again when it changes. Raises IntentError where a file is not YAML.
    """
    name = primary(language)
    if not re.fullmatch(r"[a-z]{2,8}", name):
        return Words(name)
    if house_folder is None:
        return _words(name, None, 0)
    path = house_folder / "languages" / name / "words.yaml"
    try:
        changed = path.stat().st_mtime_ns
    except OSError:
        return _words(name, None, 0)
    return _words(name, path, changed)


@lru_cache(maxsize=64)
def _words(name: str, house: Path | None, changed: int) -> Words:
    tables: dict[str, Any] = {}
    gloss = house.with_name("gloss.yaml") if house else None
    for path in (SHIPPED / name / "words.yaml", SHIPPED / name / "gloss.yaml", house, gloss):
        if path is None or not path.is_file():
            continue
        for key, value in _read(path).items():
            if isinstance(value, dict) and isinstance(tables.get(key), dict):
                tables[key] = {**tables[key], **value}
            elif isinstance(value, list) and isinstance(tables.get(key), list):
                tables[key] = [*tables[key], *(item for item in value if item not in tables[key])]
            else:
                tables[key] = value
    return Words(name, tables)


@lru_cache(maxsize=64)
def shipped_out_of_scope(language: str) -> tuple[str, ...]:
    """Sentences heard on telephones everywhere and meant for no line in particular, as they ship with the product."""
    name = primary(language)
    path = SHIPPED / name / "out_of_scope.txt"
    if not re.fullmatch(r"[a-z]{2,8}", name) or not path.is_file():
        return ()
    return tuple(line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
