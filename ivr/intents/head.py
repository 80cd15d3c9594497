"""The classifier proper: features of a sentence in, calibrated probabilities and an in-scope score out.

Features are the sentence's embedding (length 1) beside its word and letter weights (lexical.py) at less strength, scored by one linear
function per intent. Raw scores of a linear model are not probabilities: a temperature learnt by cross-validation over
the same phrases makes them so (Guo et al. 2017, "On Calibration of Modern Neural Networks"). Whether a sentence is in
scope is told by two other signs, each put on the scale of the training phrases' own held-out scores: how high the best raw score
is, and how near the closest phrase of that intent lies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ivr.intents.encoders.seam import Vectors
from ivr.intents.lexical import Vocabulary

LEXICAL_SHARE = 0.3
NOTHING = ""  # the class of out-of-scope phrases, where there are any
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
    scope: tuple[float, float, float, float]  # mean and deviation of the best raw score, mean and deviation of the cosine
    threshold: float  # in-scope scores below this are rejected

    def raw(self, texts: Sequence[str], vectors: Vectors) -> Floats:
        """Raw scores, one row per normalised text."""
        rows = np.tile(self.bias, (len(texts), 1)).astype(np.float32)
        if self.meaning.shape[0]:
            rows += vectors @ self.meaning
        for row, text in enumerate(texts):
            columns, values = self.vocabulary.row(text)
            if columns:
                rows[row] += LEXICAL_SHARE * (values @ self.lexical[columns])
        return rows

    def probabilities(self, raw: Floats) -> Floats:
        """Calibrated probabilities of raw scores."""
        return softmax(raw / self.temperature)

    def score(self, text: str, vector: Vectors) -> Scores:
        """Everything about one normalised text; `vector` is its embedding (one row)."""
        raw = self.raw([text], vector)
        in_scope, nearest, cosine = self.scope_scores(raw, vector)
        return Scores(raw[0], self.probabilities(raw)[0], float(in_scope[0]), int(nearest[0]), float(cosine[0]))

    def scope_scores(self, raw: Floats, vectors: Vectors) -> tuple[Floats, NDArray[np.int64], Floats]:
        """In-scope score, nearest own phrase and its cosine, per row."""
        best = raw.argmax(axis=1)
        top = raw[np.arange(len(raw)), best]
        mean, deviation, near_mean, near_deviation = self.scope
        if not self.meaning.shape[0]:
            return (top - mean) / deviation, np.full(len(raw), -1), np.zeros(len(raw), dtype=np.float32)
        cosines = vectors @ self.phrases.T
        cosines[self.owners[None, :] != best[:, None]] = -2.0
        nearest = cosines.argmax(axis=1)
        near = cosines[np.arange(len(raw)), nearest]
        return (top - mean) / deviation + (near - near_mean) / near_deviation, nearest, near


def softmax(scores: Floats) -> Floats:
    """Rows that sum to 1."""
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: Floats = (shifted / shifted.sum(axis=1, keepdims=True)).astype(np.float32)
    return shares
