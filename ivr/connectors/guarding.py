"""Protection around a source: answers kept for a while, and a source that keeps failing is left alone. Driven by a given clock."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

MOST_ENTRIES = 10_000


@dataclass
class Cache:
    """Answers by arguments for `seconds`; the oldest go when there are too many. A kept None is an answer, too."""

    seconds: float
    clock: Callable[[], float]
    _kept: OrderedDict[Any, tuple[float, Any]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: Any) -> tuple[bool, Any]:
        """(kept, value)."""
        with self._lock:
            until, value = self._kept.get(key, (0.0, None))
            return (until > self.clock(), value) if key in self._kept else (False, None)

    def put(self, key: Any, value: Any) -> None:
        """Keep an answer."""
        if self.seconds <= 0:
            return
        with self._lock:
            self._kept[key] = (self.clock() + self.seconds, value)
            self._kept.move_to_end(key)
            while len(self._kept) > MOST_ENTRIES:
                self._kept.popitem(last=False)


@dataclass
class CircuitBreaker:
    """Open after `failures` in a row; after `rest_seconds` one question is let through, and its answer decides."""

    failures: int
    rest_seconds: float
    clock: Callable[[], float]
    _in_a_row: int = 0
    _closed_until: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def lets_through(self) -> bool:
        """True where the source may be asked now."""
        with self._lock:
            if self._in_a_row < self.failures:
                return True
            if self.clock() < self._closed_until:
                return False
            self._closed_until = self.clock() + self.rest_seconds  # only this one asks; the others wait for its answer
            return True

    def note(self, ok: bool) -> None:
        """Tell how a question went."""
        with self._lock:
            self._in_a_row = 0 if ok else self._in_a_row + 1
            if self._in_a_row >= self.failures:
                self._closed_until = self.clock() + self.rest_seconds
