"""Promised callbacks, between the engine, the ledger and the carrier."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ivr.actions import PlaceCallback
from ivr.call import Session

if TYPE_CHECKING:
    from ivr.jobs.wiring import Line


class Promises:
    """Places, dials and settles callbacks of a line."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def place(self, session: Session, action: PlaceCallback) -> None:
        """Write a promise down."""

    def sweep(self) -> None:
        """Dial what is due."""

    def contact_over(self, call_id: str) -> None:
        """A callback's own call ended."""
