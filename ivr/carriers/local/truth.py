"""What really happened to a call, as the carrier saw it: the yardstick for the service's own records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ivr.carriers.local.legs import Leg
from ivr.carriers.local.line import Kind, longest_dead_air_seconds
from ivr.carriers.local.pace import now
from ivr.carriers.local.people.script import ScriptedPerson

AUDIBLE = frozenset({Kind.SAY, Kind.PLAY, Kind.PERSON})


@dataclass(frozen=True)
class CallTruth:
    """One leg from its beginning to now or its end. Times are wall-clock UTC; durations are wall-clock seconds.

    `entries` are the timeline in order (see Kind); `failures` are a script's unmet expectations; `problems` what the debugger
    complained about on this leg.
    """

    call_sid: str
    parent_call_sid: str
    direction: str
    from_number: str
    to_number: str
    status: str
    created_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    ended_by: str
    application_error: bool
    longest_dead_air_seconds: float
    queue_seconds: float
    talk_seconds: float
    entries: tuple[dict[str, Any], ...] = ()
    problems: tuple[dict[str, Any], ...] = ()
    failures: tuple[str, ...] = ()
    script_finished: bool | None = None  # None: nobody's script

    @property
    def heard(self) -> list[str]:
        """All that was said to the owner of the leg, in order."""
        return [entry["text"] for entry in self.entries if entry["kind"] in AUDIBLE]

    def of(self, kind: Kind) -> list[dict[str, Any]]:
        """The entries of one kind."""
        return [entry for entry in self.entries if entry["kind"] == kind.value]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__}
        for name in ("created_at", "answered_at", "ended_at"):
            plain[name] = plain[name].isoformat(timespec="milliseconds") if plain[name] else None
        return {**plain, "entries": list(self.entries), "problems": list(self.problems), "failures": list(self.failures)}


def truth_of(leg: Leg, *, entries: bool = True) -> CallTruth:
    """The truth about `leg`, now."""
    end = leg.ended_at or now()
    outcome = leg.person.outcome if isinstance(leg.person, ScriptedPerson) else None
    talked = sum(
        (entry.seconds if entry.seconds is not None else (end - entry.at).total_seconds())
        for entry in leg.line.entries
        if entry.kind is Kind.TALK
    )
    return CallTruth(
        call_sid=leg.sid,
        parent_call_sid=leg.parent.sid if leg.parent else "",
        direction=leg.direction,
        from_number=leg.from_number,
        to_number=leg.to_number,
        status=leg.status.value,
        created_at=leg.created_at,
        answered_at=leg.answered_at,
        ended_at=leg.ended_at,
        ended_by=leg.ended_by,
        application_error=leg.application_error,
        longest_dead_air_seconds=round(longest_dead_air_seconds(leg.line.entries, leg.answered_at, end), 3)
        if leg.answered_at
        else 0.0,
        queue_seconds=round(leg.queue_seconds, 3),
        talk_seconds=round(talked, 3),
        entries=tuple(entry.to_dict() for entry in leg.line.entries) if entries else (),
        problems=tuple(complaint.to_dict() for complaint in leg.exchange.debugger.of_call(leg.sid)),
        failures=tuple(outcome.failures) if outcome else (),
        script_finished=outcome.finished if outcome else None,
    )
