"""The debugger: what was wrong with a document, an attribute or an answer, by Twilio's error code."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from ivr.carriers.local.pace import now

KEPT = 10_000  # oldest complaints go first; the counts go on


class Severity(StrEnum):
    """An error ends the document (fallback or hang-up); a warning lets the call go on, wrongly."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Complaint:
    """One entry. `code` as in Twilio's error dictionary; `url` is the document's address."""

    code: int
    message: str
    severity: Severity = Severity.ERROR
    call_sid: str = ""
    url: str = ""
    at: datetime = field(default_factory=now)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {**asdict(self), "at": self.at.isoformat(), "severity": self.severity.value}


class Debugger:
    """Collects complaints and counts them by code."""

    def __init__(self) -> None:
        self.complaints: deque[Complaint] = deque(maxlen=KEPT)
        self.counts: Counter[int] = Counter()
        self._of_call: dict[str, list[Complaint]] = {}

    def add(self, complaint: Complaint) -> None:
        """Note a complaint."""
        self.complaints.append(complaint)
        self.counts[complaint.code] += 1
        self._of_call.setdefault(complaint.call_sid, []).append(complaint)

    def of_call(self, call_sid: str) -> list[Complaint]:
        """The complaints about one call, oldest first."""
        return list(self._of_call.get(call_sid, ()))

    def forget(self, call_sid: str) -> None:
        """The call is forgotten; its complaints stay in the counts and among the latest."""
        self._of_call.pop(call_sid, None)
