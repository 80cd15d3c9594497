"""Words and letter groups of a sentence, weighted by how telling they are (TF-IDF).

Written here rather than taken from scikit-learn so that a saved model is plain numbers and text (never a pickle), and so that the
web process needs no scikit-learn. The weighting is the usual one: (1 + ln count) * (ln((1 + n) / (1 + in how many)) + 1), rows of length 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

WORDS_TOGETHER = (1, 2)
LETTERS_TOGETHER = (2, 5)
MOST_TERMS = 200_000


def word_terms(text: str) -> Counter[str]:
    """Single words and pairs of neighbours."""
    words = text.split()
    terms = Counter(f"w:{word}" for word in words)
    terms.update(f"w:{one} {two}" for one, two in pairwise(words))
    return terms


def letter_terms(text: str) -> Counter[str]:
    """Groups of 2 to 5 letters inside each word, its edges marked by spaces."""
    terms: Counter[str] = Counter()
    for word in text.split():
        edged = f" {word} "
        for length in range(LETTERS_TOGETHER[0], LETTERS_TOGETHER[1] + 1):
            if length >= len(edged):
                terms[f"c:{edged}"] += 1
                break
            terms.update(f"c:{edged[start : start + length]}" for start in range(len(edged) - length + 1))
    return terms


@dataclass(frozen=True)
class Vocabulary:
    """Terms seen in training with their weights. Words and letters are separate blocks, each of length 1."""

    terms: dict[str, int]
    weights: NDArray[np.float32]

    @property
    def width(self) -> int:
        return len(self.terms)

    @classmethod
    def learn(cls, texts: Sequence[str]) -> Vocabulary:
        """The terms of `texts` (the most frequent ones where there are too many)."""
        seen_in: Counter[str] = Counter()
        for text in texts:
            seen_in.update(word_terms(text).keys())
            seen_in.update(letter_terms(text).keys())
        kept = sorted(term for term, _ in seen_in.most_common(MOST_TERMS))
        weights = np.array([log((1 + len(texts)) / (1 + seen_in[term])) + 1 for term in kept], dtype=np.float32)
        return cls({term: column for column, term in enumerate(kept)}, weights)

    def row(self, text: str) -> tuple[list[int], NDArray[np.float32]]:
        """Columns and values of one text."""
        columns: list[int] = []
        values: list[NDArray[np.float32]] = []
        for block in (word_terms(text), letter_terms(text)):
            known = [(column, count) for term, count in block.items() if (column := self.terms.get(term)) is not None]
            if not known:
                continue
            places = [column for column, _ in known]
            weighed = np.array([1 + log(count) for _, count in known], dtype=np.float32) * self.weights[places]
            columns.extend(places)
            values.append(weighed / np.linalg.norm(weighed))
        return columns, np.concatenate(values) if values else np.zeros(0, dtype=np.float32)

    def matrix(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """One row per text."""
        starts, columns, values = [0], [], []
        for text in texts:
            places, weighed = self.row(text)
            columns.extend(places)
            values.append(weighed)
            starts.append(len(columns))
        joined = np.concatenate(values) if values else np.zeros(0, dtype=np.float32)
        return sparse.csr_matrix((joined, columns, starts), shape=(len(texts), self.width), dtype=np.float32)
