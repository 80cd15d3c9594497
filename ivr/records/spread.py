"""Medians and percentiles that can be merged: exact while there are few values, a t-digest (rank error well under 1 %) beyond."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field

import datasketches
import numpy

from ivr.records.database import percentile

MOST_EXACT = 1000
_COMPRESSION = 1000
_EXACT, _DIGEST = b"v", b"t"


@dataclass
class Spread:
    """A set of values of which percentiles are wanted."""

    values: list[float] = field(default_factory=list)
    digest: datasketches.tdigest_double | None = None

    def add(self, values: Iterable[float]) -> None:
        """Take values in."""
        self.values.extend(values)
        if self.digest is not None or len(self.values) > MOST_EXACT:
            self._fold()

    def merge(self, other: Spread) -> None:
        """Take in everything of `other`."""
        if other.digest is not None:
            self._fold()
            if self.digest is not None:
                self.digest.merge(other.digest)
        self.add(other.values)

    def _fold(self) -> None:
        if self.digest is None:
            self.digest = datasketches.tdigest_double(_COMPRESSION)
        if self.values:
            self.digest.update(numpy.asarray(self.values, dtype=float))
            self.values = []

    def percentile(self, share: float) -> float | None:
        """The value below which `share` (0..1) lie; None of nothing."""
        if self.digest is None:
            return percentile(self.values, share)
        return float(self.digest.get_quantile(share))

    def to_bytes(self) -> bytes:
        """For a column; read back by `from_bytes`."""
        if self.digest is None:
            return _EXACT + struct.pack(f"<{len(self.values)}d", *sorted(self.values))
        return _DIGEST + bytes(self.digest.serialize())

    @staticmethod
    def exact(values: bytes) -> bytes:
        """As `to_bytes`, of at most MOST_EXACT values given in order as 8-byte floats, little end first."""
        return _EXACT + values

    @classmethod
    def from_bytes(cls, kept: bytes | None) -> Spread:
        """What `to_bytes` wrote; an empty one of nothing."""
        if not kept:
            return cls()
        if kept[:1] == _EXACT:
            return cls(list(struct.unpack(f"<{(len(kept) - 1) // 8}d", kept[1:])))
        return cls([], datasketches.tdigest_double.deserialize(kept[1:]))
