"""Phrases in, a model version out. Everything slow about understanding happens here, never while somebody is on the line."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from ivr.errors import IntentError
from ivr.intents.encoders.onnx import default_encoder
from ivr.intents.encoders.seam import Encoder, Span, Vectors
from ivr.intents.fitting import fit
from ivr.intents.model import LanguageModel, Model, save, version_of
from ivr.intents.normalising import normalise, sense
from ivr.intents.phrasebook import Phrase, Phrasebook, read_phrasebook
from ivr.intents.shelf import Shelf
from ivr.intents.words import Words, shipped_out_of_scope, words_of

RECIPE = "6"  # raise it when learning or normalising changes, so that the same phrases make a new version
BORROWED_FROM = "en"
NAME_UP_TO = 30  # an intent with more phrases than this learns nothing from its own name
LIKE_A_PHRASE = 0.5  # cosine from which a shipped out-of-scope example may be what this very line is for
_MEANS_SOMETHING = re.compile(r"[^\W\d_]{3,}")


class PhraseCache:
    """Embeddings of phrases seen before, kept beside the models: adding one intent encodes only its own phrases."""

    def __init__(self, encoder: Encoder, folder: Path | None) -> None:
        self.encoder = encoder
        self._path = folder / f"phrases-{hashlib.sha256(encoder.name.encode()).hexdigest()[:12]}.npz" if folder else None
        self._known: dict[str, int] = {}
        self._rows: Vectors = np.zeros((0, encoder.width), dtype=np.float32)
        if self._path and self._path.is_file():
            try:
                with np.load(self._path, allow_pickle=False) as stored:
                    keys, rows = stored["keys"], stored["rows"]
            except (OSError, ValueError, KeyError):
                return  # a broken cache costs seconds, nothing else
            if rows.shape == (len(keys), encoder.width):
                self._known = {str(key): row for row, key in enumerate(keys)}
                self._rows = rows

    @property
    def name(self) -> str:
        """As the encoder's: it may stand in for it."""
        return self.encoder.name

    @property
    def width(self) -> int:
        return self.encoder.width

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Embeddings of normalised texts."""
        if not self.encoder.width:
            return self.encoder.encode(texts)
        keys = [hashlib.sha256(text.encode()).hexdigest()[:32] for text in texts]
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._known}
        if missing:
            fresh = self.encoder.encode(list(missing.values()))
            for row, key in enumerate(missing, len(self._rows)):
                self._known[key] = row
            self._rows = np.vstack([self._rows, fresh])
            self._keep()
        return self._rows[[self._known[key] for key in keys]]

    def encode_parts(self, text: str, spans: Sequence[Span]) -> tuple[Vectors, Vectors]:
        """Not kept: a caller's sentence comes once."""
        return self.encoder.encode_parts(text, spans)

    def _keep(self) -> None:
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle, draft = tempfile.mkstemp(suffix=".npz", dir=self._path.parent)
            with os.fdopen(handle, "wb") as file:
                np.savez(file, keys=np.array(list(self._known)), rows=self._rows)
            Path(draft).replace(self._path)
        except OSError:
            return  # the next training encodes again


def learnable(phrases: Sequence[Phrase], words: Words) -> tuple[list[str], list[str]]:
    """Normalised texts and their intents: the phrases, and each intent's own name where it says something."""
    texts, labels = [], []
    for phrase in phrases:
        text = normalise(phrase.text, words)
        if text and phrase.intent is not None:
            texts.append(text)
            labels.append(phrase.intent)
    for intent, count in Counter(labels).items():
        name = normalise(intent.replace("_", " "), words)
        if count <= NAME_UP_TO and len(_MEANS_SOMETHING.findall(name)) >= 2 and words.language == "en" and name not in texts:
            texts.append(name)
            labels.append(intent)
    return texts, labels


def counterexamples(own: Vectors, negatives: Sequence[Phrase], words: Words, cache: PhraseCache) -> Vectors:
    """Embeddings of out-of-scope speech: the house's own, and of what ships with the product whatever is like no phrase of this line."""
    if not cache.encoder.width:
        return own[:0]
    shipped = [text for line in shipped_out_of_scope(words.language) if (text := normalise(line, words))]
    house = [text for phrase in negatives if (text := normalise(phrase.text, words))]
    vectors = cache.encode([sense(text, words) for text in (*shipped, *house)])
    common = vectors[: len(shipped)]
    kept = common[(common @ own.T).max(axis=1) < LIKE_A_PHRASE] if len(common) else common
    return np.concatenate([kept, vectors[len(shipped) :]])


def learn(
    phrases: Sequence[Phrase], negatives: Sequence[Phrase], words: Words, cache: PhraseCache, borrowed: Sequence[Phrase] = ()
) -> LanguageModel:
    """One language's part of a model. Raises IntentError where there are fewer than two intents.

    `borrowed` are English phrases of the same intents: a language that is glossed into English for the encoder learns from them too.
    """
    texts, labels = learnable(phrases, words)
    if len(set(labels)) < 2:
        raise IntentError(f"{words.language}: at least two intents with phrases are needed")
    own_count = len(texts)
    senses = [sense(text, words) for text in texts]
    if words.table("gloss") and cache.encoder.width:
        english = words_of(BORROWED_FROM)
        more, their_labels = learnable([phrase for phrase in borrowed if phrase.intent in labels], english)
        texts, labels, senses = [*texts, *more], [*labels, *their_labels], [*senses, *more]
    own = cache.encode(senses)
    fitted = fit(texts, labels, own, counterexamples(own, negatives, words, cache), own_count)
    return LanguageModel(fitted.head, tuple(texts), words)


def recipe_of(book: Phrasebook, house: Path | None, encoder: Encoder) -> str:
    """The version that training `book` makes: it changes with the phrases, the words of its languages, the encoder and the way of learning."""
    words = {language: [words_of(language, house).tables, shipped_out_of_scope(language)] for language in book.languages}
    return version_of(book.fingerprint, encoder.name, RECIPE + json.dumps(words, sort_keys=True, ensure_ascii=False))


def train_model(book: Phrasebook, house: Path | None, cache: PhraseCache) -> Model:
    """A model of a phrasebook, not yet saved."""
    languages = {
        language: learn(book.of(language), book.negatives(language), words_of(language, house), cache, book.of(BORROWED_FROM))
        for language in book.languages
    }
    if not languages:
        raise IntentError(f"{book.file} has no phrases")
    return Model(
        version=recipe_of(book, house, cache.encoder),
        encoder=cache.encoder.name,
        fingerprint=book.fingerprint,
        languages=languages,
        titles=book.titles,
        trained_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def train(
    config_folder: Path, models_folder: Path, *, activate: bool = True, encoder: Encoder | None = None, by: str = ""
) -> str:
    """Train from `config_folder/intents.yaml`, keep the version on the shelf and (by default) activate it; returns the version.

    Raises IntentError with the reason; then the active model stays as it was. One training at a time per models folder.
    """
    encoder = encoder or default_encoder()
    book, findings = read_phrasebook(config_folder)
    errors = [problem for problem in findings.sorted() if problem.severity == "error"]
    if errors:
        raise IntentError("the intents cannot be trained:\n" + "\n".join(str(problem) for problem in errors[:20]))
    shelf = Shelf(models_folder)
    with training_lock(models_folder):
        version = recipe_of(book, config_folder, encoder)
        if not shelf.usable(version):
            save(train_model(book, config_folder, PhraseCache(encoder, models_folder / "cache")), models_folder)
        (models_folder / "trained").write_text(f"{version}\n", encoding="utf-8")
        if activate:
            shelf.activate(version, by, "train")
    return version


@contextmanager
def training_lock(models_folder: Path) -> Iterator[None]:
    """One training at a time per models folder, over all processes of the machine."""
    try:
        models_folder.mkdir(parents=True, exist_ok=True)
        lock = (models_folder / ".training").open("w")
    except OSError as error:
        raise IntentError(f"{models_folder} cannot be written: {error.strerror}") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def ensure_current(config_folder: Path, models_folder: Path, *, encoder: Encoder | None = None) -> str | None:
    """Train and activate where config/intents.yaml changed since the last training; None where there was nothing to do.

    For a background worker. A version activated or rolled back by hand stays until the phrases change.
    """
    encoder = encoder or default_encoder()
    book, _ = read_phrasebook(config_folder)
    wanted = recipe_of(book, config_folder, encoder)
    shelf = Shelf(models_folder)
    try:
        last = (models_folder / "trained").read_text(encoding="utf-8").strip()
    except OSError:
        last = ""
    if shelf.active and last == wanted:
        return None
    return train(config_folder, models_folder, encoder=encoder, by="background")
