"""What a sentence encoder must offer, and the one for machines too small for any."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Span = tuple[int, int]
"""From this character to before that one."""


class Encoder(Protocol):
    """Turns sentences into vectors whose cosine tells how alike their meanings are."""

    @property
    def name(self) -> str:
        """Names weights and tokeniser exactly: two encoders with one name give equal vectors."""
        ...

    @property
    def width(self) -> int:
        """Length of a vector; 0 where the encoder knows nothing of meaning."""
        ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One row of length 1 per text (zeros for an empty text)."""
        ...

    def encode_parts(self, text: str, spans: Sequence[Span]) -> tuple[Vectors, Vectors]:
        """The row of `text`, and one for each part of it, roughly: as the part sounds within the whole, at no cost of its own."""
        ...


class NoEncoder:
    """No embeddings: only the words and letters themselves count (the small backend)."""

    name = "none"
    width = 0

    def encode(self, texts: Sequence[str]) -> Vectors:
        return np.zeros((len(texts), 0), dtype=np.float32)

    def encode_parts(self, text: str, spans: Sequence[Span]) -> tuple[Vectors, Vectors]:
        return self.encode([text]), self.encode([""] * len(spans))
