"""The facts an expression or prompt can see: what is remembered, and the built-in ones worked out when asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ivr.call import CallerKind, Session
from ivr.world import QueueNow, World

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Seen(Mapping[str, Mapping[str, Any]]):
    """Facts by name, each a mapping of fields. Built-in ones are made on first use and kept for the turn.

    A field that is not known (None) is not there at all, so that a prompt that needs it is skipped.
    """

    def __init__(
        self, remembered: Mapping[str, Mapping[str, Any]], built_in: Mapping[str, Callable[[], Mapping[str, Any]]]
    ) -> None:
        self._remembered = remembered
        self._built_in = built_in
        self._made: dict[str, Mapping[str, Any]] = {}

    def __getitem__(self, root: str) -> Mapping[str, Any]:
        make = self._built_in.get(root)
        if make is None:
            return self._remembered[root]
        if root not in self._made:
            self._made[root] = {name: value for name, value in make().items() if value is not None}
        return self._made[root]

    def get(self, root: str, default: Any = None) -> Any:
        """The fact, or `default`: asked for by every condition, and most facts are not there."""
        return self[root] if root in self._built_in else self._remembered.get(root, default)

    def __iter__(self) -> Iterator[str]:
        yield from self._built_in
        yield from (root for root in self._remembered if root not in self._built_in)

    def __len__(self) -> int:
        return len(set(self._built_in) | set(self._remembered))

    def forget(self, *roots: str) -> None:
        """Make these anew when they are next asked for."""
        for root in roots:
            self._made.pop(root, None)


def caller_fact(session: Session, learned: Mapping[str, Any]) -> dict[str, Any]:
    """Fact `caller`: what the carrier says, and what earlier calls tell (`learned`)."""
    caller = session.caller
    return {
        "repeat": False,
        "callback_promised": False,
        **learned,
        "number": caller.number if caller.kind is CallerKind.PHONE else None,
        "kind": caller.kind.value,
        "known": caller.known_number,
        "attestation": caller.attestation.value,
        "country": caller.country,
        "name": caller.name,
    }


def call_fact(session: Session, kept: Mapping[str, Any], language: str) -> dict[str, Any]:
    """Fact `call`: this call, and whatever the flow keeps under it."""
    return {"paid": False, **kept, "language": language, "direction": session.direction, "to_number": session.to_number}


def now_fact(world: World) -> dict[str, Any]:
    """Fact `now`, in the line's own time zone."""
    local = world.local(world.now)
    return {
        "hour": local.hour,
        "minute": local.minute,
        "weekday": WEEKDAYS[local.weekday()],
        "time": local.strftime("%H:%M"),
        "date": local.date().isoformat(),
    }


def today_fact(world: World, learned: Mapping[str, Any]) -> dict[str, Any]:
    """Fact `today`: the date, and what the calendar of config/queues.yaml says about it (`learned`)."""
    local = world.local(world.now)
    return {
        "holiday": False,
        **learned,
        "date": local.date().isoformat(),
        "weekday": WEEKDAYS[local.weekday()],
        "day": local.day,
        "month": local.month,
        "weekend": local.weekday() >= 5,
    }


def queue_fact(name: str, state: QueueNow, waited_seconds: float | None) -> dict[str, Any]:
    """Fact `queue`: how the queue of this step (or the one waited in last) stands; unknown fields are left out."""
    return {
        "name": name,
        "open": state.open,
        "staffed": state.staffed,
        "waiting": state.waiting,
        "wait_minutes": state.wait_minutes,
        "position": state.position,
        "waited_minutes": None if waited_seconds is None else waited_seconds / 60,
    }
