"""The classifier proper: features of a sentence in, calibrated probabilities and an in-scope score out.

Features are the sentence's embedding (length 1) beside its word and letter weights (lexical.py) at less strength, scored by one linear
function per intent. Raw scores of a linear model are not probabilities: a temperature learnt by cross-validation over
the same phrases makes them so (Guo et al. 2017, "On Calibration of Modern Neural Networks"). Whether a sentence is in
scope is told by other signs, each put on the scale of the training phrases' own held-out scores: how high the best raw score
is, how near the closest phrase of that intent lies, and (against it, and less) how near the closest out-of-scope example lies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ivr.intents.encoders.seam import Vectors
from ivr.intents.lexical import Vocabulary

LEXICAL_SHARE = 0.3
COUNTEREXAMPLES_SHARE = 0.3
"""How much nearness to out-of-scope examples counts beside the two signs of being in scope."""
SAME_MEANING = 0.6
"""Cosine from which an out-of-scope example that is nearer than every phrase decides by itself."""
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Scores:
    """One sentence's scores: `probabilities` per intent, and `in_scope` (above the head's threshold: something this line serves)."""

    raw: Floats
    probabilities: Floats
    in_scope: float
    nearest: int  # row of the closest phrase of the best intent, -1 without embeddings
    cosine: float


@dataclass(frozen=True)
class Head:
    """A trained linear classifier with everything needed to score a sentence. Arrays are read only and may be shared."""

    intents: tuple[str, ...]
    vocabulary: Vocabulary
    lexical: Floats  # (terms, intents)
    meaning: Floats  # (encoder width, intents)
    bias: Floats
    temperature: float
    phrases: Vectors  # embeddings of the training phrases
    owners: NDArray[np.int32]  # the intent of each phrase
    counterexamples: Vectors  # embeddings of out-of-scope examples
    scope: tuple[float, ...]  # mean and deviation of: best raw score, cosine to the own phrase, cosine to the counterexample
    threshold: float  # in-scope scores below this are rejected
    nearness: float = 0.0  # how much the nearest phrase of each intent adds to its raw score

    def raw(self, texts: Sequence[str], vectors: Vectors) -> Floats:
        """Raw scores, one row per normalised text."""
        rows = np.tile(self.bias, (len(texts), 1)).astype(np.float32)
        if self.meaning.shape[0]:
            rows += vectors @ self.meaning if len(vectors) > 1 else weighed(vectors[0], self.meaning)
        for row, text in enumerate(texts):
            columns, values = self.vocabulary.row(text)
            if columns:
                rows[row] += LEXICAL_SHARE * weighed(values, self.lexical[columns])
        if self.nearness:
            likenesses = vectors @ self.phrases.T if len(vectors) > 1 else likeness(self.phrases, vectors[0])[None, :]
            rows += self.nearness * nearest_of_each(likenesses, self.owners, len(self.intents))
        return rows

    def probabilities(self, raw: Floats) -> Floats:
        """Calibrated probabilities of raw scores."""
        return softmax(raw / self.temperature)

    def score(self, text: str, vector: Vectors) -> Scores:
        """Everything about one normalised text; `vector` is its embedding (one row)."""
        raw = self.raw([text], vector)
        in_scope, nearest, cosine = self._scope_of_one(raw[0], vector[0])
        return Scores(raw[0], self.probabilities(raw)[0], in_scope, nearest, cosine)

    def _scope_of_one(self, raw: Floats, vector: Vectors) -> tuple[float, int, float]:
        """As `scope_scores`, looking only at the phrases it needs: there may be many thousands, and a caller waits."""
        best = int(raw.argmax())
        top = raw[best : best + 1]
        if not self.meaning.shape[0]:
            return float(in_scope(self.scope, top, None, None)[0]), -1, 0.0
        own = np.flatnonzero(self.owners == best)
        cosines = likeness(self.phrases[own], vector)
        nearest = int(cosines.argmax()) if len(own) else 0
        near = cosines[nearest : nearest + 1] if len(own) else np.full(1, -2.0, dtype=np.float32)
        against = likeness(self.counterexamples, vector).max(keepdims=True) if len(self.counterexamples) else None
        score = float(in_scope(self.scope, top, near, against)[0])
        if against is not None and against[0] >= SAME_MEANING and against[0] > likeness(self.phrases, vector).max():
            score = min(score, self.threshold - 1)
        return score, int(own[nearest]) if len(own) else 0, float(near[0])

    def scope_scores(self, raw: Floats, vectors: Vectors) -> tuple[Floats, NDArray[np.int64], Floats]:
        """In-scope score, nearest own phrase and its cosine, per row."""
        best = raw.argmax(axis=1)
        top = raw[np.arange(len(raw)), best]
        if not self.meaning.shape[0]:
            return in_scope(self.scope, top, None, None), np.full(len(raw), -1), np.zeros(len(raw), dtype=np.float32)
        cosines = vectors @ self.phrases.T
        nearest_of_all = cosines.max(axis=1)
        cosines[self.owners[None, :] != best[:, None]] = -2.0
        nearest = cosines.argmax(axis=1)
        near = cosines[np.arange(len(raw)), nearest]
        against = (vectors @ self.counterexamples.T).max(axis=1) if len(self.counterexamples) else None
        scores = in_scope(self.scope, top, near, against)
        if against is not None:
            told = (against >= SAME_MEANING) & (against > nearest_of_all)
            scores = np.where(told, np.minimum(scores, self.threshold - 1), scores)
        return scores, nearest, near


def nearest_of_each(likenesses: Floats, owners: NDArray[np.int32], width: int) -> Floats:
    """Per intent, the greatest likeness to a phrase of its own (-1 where it has none), from the likeness to every phrase."""
    found = np.full((len(likenesses), width), -1.0, dtype=np.float32)
    order = np.argsort(owners, kind="stable")
    intents, starts = np.unique(owners[order], return_index=True)
    found[:, intents] = np.maximum.reduceat(likenesses[:, order], starts, axis=1)
    return found


def likeness(rows: Vectors, vector: Vectors) -> Floats:
    """The product of each row with one vector.

    Not `rows @ vector`: the library behind it wakes a thread per core for products of this size, and where calls are busy on all cores
    waiting for them costs more than a hundred times the arithmetic (measured: docs/intents.md).
    """
    found: Floats = np.einsum("ij,j->i", rows, vector)
    return found


def weighed(weights: Floats, rows: Floats) -> Floats:
    """The sum of the rows, each times its weight, without waking threads either."""
    found: Floats = np.einsum("i,ij->j", weights, rows)
    return found


def in_scope(scope: Sequence[float], top: Floats, near: Floats | None, against: Floats | None) -> Floats:
    """The signs put together; those that are None do not count."""
    score = (top - scope[0]) / scope[1]
    if near is not None:
        score = score + (near - scope[2]) / scope[3]
    if against is not None:
        score = score - COUNTEREXAMPLES_SHARE * (against - scope[4]) / scope[5]
    return score


def softmax(scores: Floats) -> Floats:
    """Rows that sum to 1."""
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: Floats = (shifted / shifted.sum(axis=1, keepdims=True)).astype(np.float32)
    return shares
