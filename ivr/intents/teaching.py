"""From an inbox's group to understood: phrases added to config/intents.yaml, a version trained, before and after shown, then activated.

Nothing a caller meets changes until the version is activated.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ivr.errors import IntentError
from ivr.intents import figures
from ivr.intents.encoders.onnx import default_encoder
from ivr.intents.encoders.seam import Encoder
from ivr.intents.evaluation import cross_validated
from ivr.intents.inbox import Utterance
from ivr.intents.model import save
from ivr.intents.phrasebook import FILE, Phrase, Phrasebook, parse_phrasebook, read_phrasebook
from ivr.intents.recogniser import Recogniser
from ivr.intents.shelf import Shelf
from ivr.intents.training import PhraseCache, recipe_of, train_model, training_lock
from ivr.intents.words import fold, primary
from ivr.language.problems import did_you_mean, quoted

OUT_OF_SCOPE = "out_of_scope"
_PLAIN = re.compile(r"[^\W_][\w' ,.¿?¡!áéíóúüñ\-]*")


@dataclass(frozen=True)
class Changed:
    """A sentence that the new version understands otherwise; an intent of None means out of scope."""

    text: str
    language: str
    before: str | None
    before_confidence: float
    after: str | None
    after_confidence: float


@dataclass(frozen=True)
class BeforeAfter:
    """What a new version changes. `held_out` maps language to intent ("" for all) to accuracy before and after on phrases held out."""

    version: str
    added: tuple[str, ...]
    held_out: dict[str, dict[str, tuple[float, float]]] = field(default_factory=dict)
    changed: tuple[Changed, ...] = ()
    compared: int = 0

    def per_intent(self) -> dict[str, dict[str, int]]:
        """How many utterances each intent wins and loses."""
        table: dict[str, dict[str, int]] = {}
        for change in self.changed:
            table.setdefault(change.after or "(out of scope)", {"won": 0, "lost": 0})["won"] += 1
            table.setdefault(change.before or "(out of scope)", {"won": 0, "lost": 0})["lost"] += 1
        return table

    def to_plain(self) -> dict[str, Any]:
        """For `--json` and the console."""
        held_out = {language: {name: list(pair) for name, pair in table.items()} for language, table in self.held_out.items()}
        changed = [vars(change) for change in self.changed]
        return {
            "version": self.version,
            "added": list(self.added),
            "held_out": held_out,
            "compared": self.compared,
            "changed": changed,
            "per_intent": self.per_intent(),
        }


def with_phrases(text: str, intent: str, language: str, added: Sequence[str], file: str = FILE) -> str:
    """`text` of intents.yaml with phrases added below the intent's last one in that language; comments and order stay.

    An intent of OUT_OF_SCOPE means the file's own list of what nobody here can help with. Raises IntentError where there is no such
    intent or its list is not written one phrase a line.
    """
    book, _ = parse_phrasebook(text, file)
    if intent not in (*book.titles, OUT_OF_SCOPE):
        raise IntentError(f"{file} has no intent {quoted(intent)}. {did_you_mean(intent, book.titles)}".strip())
    mine = _of_list(book, text, intent, language)
    fresh = _fresh(added, {phrase.text for phrase in mine})
    if not fresh:
        raise IntentError(f"{intent} has these phrases already")
    if not mine:
        raise IntentError(f"{intent} has no phrases in {primary(language)} yet; write the first one into {file} by hand")
    last = max(phrase.at.line for phrase in mine)
    lines = text.split("\n")
    found = re.match(r"(\s*)- ", lines[last - 1])
    if found is None:
        raise IntentError(
            f"{file}:{last}: the phrases of {intent} are not written one a line with a dash; rewrite the list so, or add by hand"
        )
    written = [f"{found.group(1)}- {_scalar(item)}" for item in fresh]
    draft = "\n".join([*lines[:last], *written, *lines[last:]])
    again, _ = parse_phrasebook(draft, file)
    if [p.text for p in _of_list(again, draft, intent, language)] != [*(p.text for p in mine), *fresh]:
        raise IntentError(f"{file}:{last}: adding there would change more than the list; add the phrases by hand")
    return draft


def _of_list(book: Phrasebook, text: str, intent: str, language: str) -> list[Phrase]:
    """The phrases of an intent, or of the list under `out_of_scope:` (not those of an intent's own `not_this`)."""
    if intent != OUT_OF_SCOPE:
        return [phrase for phrase in book.of(language) if phrase.intent == intent]
    blocks = [place for place, line in enumerate(text.split("\n"), 1) if re.match(r"[^\s#]", line)]
    first = next((place for place in blocks if text.split("\n")[place - 1].startswith(f"{OUT_OF_SCOPE}:")), 0)
    after = next((place for place in blocks if place > first), len(text) + 1)
    return [phrase for phrase in book.negatives(language) if first and first <= phrase.at.line < after]


def _fresh(added: Sequence[str], known: set[str]) -> list[str]:
    """The phrases that are not there yet, without the full stop that recognisers set; each once, whatever its case."""
    told = {fold(text) for text in known}
    found: list[str] = []
    for line in added:
        item = " ".join(line.split()).rstrip(".,;! ")
        if item and fold(item) not in told:
            told.add(fold(item))
            found.append(item)
    return found


def _scalar(text: str) -> str:
    """`text` as YAML: bare where that is safe."""
    return (
        text
        if _PLAIN.fullmatch(text) and text.strip() == text and not text.endswith((",", "-"))
        else json.dumps(text, ensure_ascii=False)
    )


def teach(
    config_folder: Path,
    models_folder: Path,
    intent: str,
    language: str,
    added: Sequence[str],
    recent: Sequence[Utterance] = (),
    *,
    encoder: Encoder | None = None,
) -> BeforeAfter:
    """Add phrases, train a version, compare it with the active one; `recent` are the utterances to compare on.

    The version lies on the shelf afterwards and intents.yaml holds the phrases; callers meet neither before `activate`.
    """
    encoder = encoder or default_encoder()
    path = config_folder / FILE
    old_book, _ = read_phrasebook(config_folder)
    draft = with_phrases(path.read_text(encoding="utf-8-sig"), intent, language, added)
    new_book, _ = parse_phrasebook(draft)
    shelf = Shelf(models_folder)
    before = Recogniser(shelf.load(), encoder)
    version, cache = recipe_of(new_book, config_folder, encoder), PhraseCache(encoder, models_folder / "cache")
    with training_lock(models_folder):
        if not shelf.usable(version):
            save(train_model(new_book, config_folder, cache), models_folder)
        # Before the file: a background worker that sees the new file finds it trained and leaves the activation to a person.
        (models_folder / "trained").write_text(f"{version}\n", encoding="utf-8")
        replacement = path.with_suffix(".yaml.draft")
        replacement.write_text(draft, encoding="utf-8")
        replacement.replace(path)
    after = Recogniser(shelf.load(version), encoder)
    known = {(phrase.intent, phrase.language, phrase.text) for phrase in old_book.phrases}
    fresh = [phrase for phrase in new_book.phrases if (phrase.intent, phrase.language, phrase.text) not in known]
    held_out = {primary(language): _held_out(old_book, fresh, primary(language), config_folder, cache)}
    return BeforeAfter(version, tuple(phrase.text for phrase in fresh), held_out, differences(before, after, recent), len(recent))


def _held_out(
    book: Phrasebook, fresh: Sequence[Phrase], language: str, house: Path, encoder: Encoder
) -> dict[str, tuple[float, float]]:
    """Accuracy per intent on the same held-out phrases of the old book, without and with the fresh ones to learn from; "" is all of them."""
    tables = []
    for more in ((), fresh):
        judged, _ = cross_validated(book, language, house, encoder, more)
        table = {name: row["recall"] for name, row in figures.per_intent(judged).items() if row["count"]}
        tables.append({"": figures.accuracy(judged), **table})
    return {name: (tables[0].get(name, 0.0), tables[1][name]) for name in tables[1]}


def differences(before: Recogniser, after: Recogniser, recent: Sequence[Utterance]) -> tuple[Changed, ...]:
    """Sentences that two versions understand differently, each once."""
    found: list[Changed] = []
    for text, language in dict.fromkeys((row.text, row.language or before.model.default_language) for row in recent):
        old, new = before.understand(text, language), after.understand(text, language)
        meant = [None if u.out_of_scope or u.best is None else u.best.intent for u in (old, new)]
        if meant[0] != meant[1]:
            sure = [u.best.confidence if u.best else 0.0 for u in (old, new)]
            found.append(Changed(text, language, meant[0], sure[0], meant[1], sure[1]))
    return tuple(found)
