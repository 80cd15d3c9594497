"""What every source of facts has in common: it is asked with arguments and finds a row, finds nothing, or fails."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

Row = Mapping[str, Any]


class SourceFailed(Exception):
    """No answer: too slow, broken, refused, or nonsense. `str` is one short line without secrets."""


class Source(Protocol):
    """A table, a database or a service."""

    def find(self, arguments: Mapping[str, str], within_seconds: float, now: datetime) -> Row | None:
        """The raw fields found, or None; raises SourceFailed. `now` is the line's local time, for relative dates."""
        ...

    def at_hand(self) -> bool:
        """True where `find` answers out of memory, so that nothing can hang: such a source is asked without a thread of its own."""
        ...

    def close(self) -> None:
        """Let connections go."""
        ...
