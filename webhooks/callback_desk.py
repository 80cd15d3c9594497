"""Promised callbacks for the API (webhooks.api.context.Callbacks)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from ivr.jobs.wiring import Line
from ivr.records.parameters import BadQuery
from routing.callbacks import Callback, CallbackBusy, CallbackState, Mode
from routing.model import Unknown
from webhooks.api.context import NotNow, NotRight, NotThere

FARTHEST = timedelta(days=30)
_CHANGEABLE = ("at", "queue")


class CallbackDesk:
    """What supervisors' programs do with promises: see them, move them, take them back."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def all_callbacks(self, state: str | None) -> list[dict[str, Any]]:
        if state is not None and state not in set(CallbackState):
            raise BadQuery(f'there are no callbacks in state "{state[:40]}"', tuple(CallbackState), "state")
        return [_plain(promise) for promise in self._line.promises.ledger.all(state)]

    def change(self, callback_id: str, wanted: dict[str, Any], by: str) -> dict[str, Any]:
        unknown = sorted(set(wanted) - set(_CHANGEABLE))
        if unknown or not wanted:
            raise NotRight(f'unknown member "{unknown[0][:60]}"' if unknown else "say what to change", allowed=_CHANGEABLE)
        queue = wanted.get("queue")
        if queue is not None and queue not in self._line.board.queues:
            raise NotRight(f'there is no queue "{str(queue)[:60]}"', allowed=tuple(sorted(self._line.board.queues)))
        at = None if wanted.get("at") is None else self._moment(wanted["at"])
        with self._said(callback_id):
            return _plain(self._line.promises.move(callback_id, at=at, queue=queue, by=by))

    def cancel(self, callback_id: str, by: str) -> None:
        with self._said(callback_id):
            self._line.promises.cancel(callback_id, by=by)

    def _moment(self, text: object) -> float:
        try:
            at = datetime.fromisoformat(str(text))
        except ValueError as error:
            raise NotRight(f'at "{str(text)[:40]}" is not an RFC 3339 time, such as 2026-11-23T10:00:00Z') from error
        if at.tzinfo is None:
            raise NotRight(f'at "{str(text)[:40]}" has no zone: write 2026-11-23T10:00:00Z or …+01:00')
        now = self._line.now()
        if not now - timedelta(minutes=1) <= at <= now + FARTHEST:
            raise NotRight(f"at must be between now and {FARTHEST.days} days from now")
        return at.timestamp()

    @contextmanager
    def _said(self, callback_id: str) -> Iterator[None]:
        """Routing's own refusals in the API's words."""
        try:
            yield
        except Unknown as error:
            raise NotThere(f"there is no callback {callback_id[:80]}") from error
        except CallbackBusy as error:
            raise NotNow(str(error), _plain(self._line.promises.ledger.get(callback_id))) from error


def _plain(promise: Callback) -> dict[str, Any]:
    return {
        "id": promise.callback_id,
        "state": promise.state.value,
        "number": promise.number,
        "queue": promise.queue,
        "rings_first": "customer" if promise.mode is Mode.CUSTOMER_FIRST else "agent",
        "needs": dict(promise.needs),
        "at": _rfc3339(promise.at),
        "due_at": _rfc3339(promise.next_at) if promise.is_open else None,
        "arrived_at": _rfc3339(promise.arrived_at),
        "placed_at": _rfc3339(promise.placed_at),
        "attempts": promise.attempts,
        "last_result": promise.last_result or None,
        "changed_by": promise.changed_by or None,
        "call_id": promise.call_id,
        "contact_id": promise.contact_id,
        "language": promise.language,
        "reason": promise.context.get("reason"),
    }


def _rfc3339(seconds: float | None) -> str | None:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z") if seconds else None
