"""Conversations for the API (webhooks.api.context.Talks)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from ivr.jobs.supervision import Mode
from ivr.jobs.talking import Handing, NoTalk, Talk, TalkRefused, Target, TargetUnknown
from ivr.jobs.wiring import Line
from webhooks.api.context import NotNow, NotRight, NotThere
from webhooks.caller_context import context_of


class TalkDesk:
    """What agents and supervisors do in conversations. `own`: the agent whose conversations alone are concerned; None for all."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def talk(self, call_id: str, own: str | None) -> dict[str, Any]:
        with self._said(call_id):
            return _plain(self._mine(call_id, own))

    def hold(self, call_id: str, held: bool, own: str | None) -> dict[str, Any]:
        with self._said(call_id):
            self._mine(call_id, own)
            return _plain(self._line.talking.hold(call_id, held))

    def pause_recording(self, call_id: str, paused: bool, own: str | None) -> dict[str, Any]:
        with self._said(call_id):
            self._mine(call_id, own)
            return _plain(self._line.talking.pause_recording(call_id, paused))

    def hand_on(self, call_id: str, wanted: dict[str, Any], by: str, own: str | None) -> dict[str, Any]:
        unknown = sorted(set(wanted["needs"]) - set(self._line.configuration.skills))
        if unknown:
            raise NotRight(f'there is no skill "{unknown[0][:60]}"', allowed=tuple(sorted(self._line.configuration.skills)))
        target = Target(wanted["kind"], wanted["name"], wanted["needs"])
        with self._said(call_id):
            self._mine(call_id, own)
            begin = self._line.consults.start if wanted["ask_first"] else self._line.talking.hand_on
            return _plain(begin(call_id, target, wanted["note"], by))

    def complete(self, call_id: str, own: str | None) -> dict[str, Any]:
        with self._said(call_id):
            self._mine(call_id, own)
            self._line.consults.complete(call_id)
            return _plain(self._line.talking.current(call_id))

    def cancel(self, call_id: str, own: str | None) -> dict[str, Any]:
        with self._said(call_id):
            talk = self._mine(call_id, own)
            if not self._line.consults.cancel(call_id):
                raise TalkRefused(f"the caller of {talk.call_id} is not being handed on")
            return _plain(self._line.talking.current(call_id))

    def conclude(self, call_id: str, disposition: str | None, resolved: bool | None, own: str | None) -> dict[str, Any]:
        legs = [n for n in self._line.calls.journal(call_id) if n.kind == "Connected" and own in (None, n.data.get("agent"))]
        if not legs:
            raise NotThere(
                f"call {call_id[:80]} has no talk within the last day that you may conclude; see corrections for older ones"
            )
        self._line.talking.conclude(call_id, legs[-1].data, disposition, resolved)
        return {"call_id": call_id, "agent": legs[-1].data.get("agent"), "disposition": disposition, "resolved": resolved}

    def supervise(self, call_id: str, mode: str, supervisor: str, by: str) -> dict[str, Any]:
        with self._said(call_id):
            return _plain(self._line.supervision.join(call_id, Mode(mode), supervisor, by))

    def leave_supervision(self, call_id: str) -> dict[str, Any]:
        with self._said(call_id):
            talk = self._line.talking.current(call_id)
            if not self._line.supervision.leave(call_id):
                raise TalkRefused(f"no supervisor is in the conversation of {talk.call_id}")
            return _plain(self._line.talking.current(call_id))

    def context(self, call_id: str, own: str | None, *, masked: bool) -> dict[str, Any]:
        found = context_of(self._line, call_id, own, masked=masked)
        if found is None:
            raise NotThere(f"there is no call {call_id[:80]} in progress or of the last day")
        return found

    def _mine(self, call_id: str, own: str | None) -> Talk:
        talk = self._line.talking.current(call_id)
        if own is not None and own != talk.agent:
            raise NoTalk(f"call {call_id[:80]} is in no conversation of yours")
        return talk

    @contextmanager
    def _said(self, call_id: str) -> Iterator[None]:
        """The product's own refusals in the API's words."""
        try:
            yield
        except NoTalk as error:
            session = self._line.calls.load(call_id)
            if session is None:
                raise NotThere(f"there is no call {call_id[:80]} in progress") from error
            raise NotNow(str(error), {"call_id": call_id, "state": "ended" if session.ended else "not talking"}) from error
        except TalkRefused as error:
            now = Talk(call_id, self._line.calls.talk(call_id))
            raise NotNow(f"{error}.", {**_plain(now), **({"allowed": list(error.allowed)} if error.allowed else {})}) from error
        except TargetUnknown as error:
            raise NotRight(str(error), allowed=error.allowed) from error


def _plain(talk: Talk) -> dict[str, Any]:
    target = talk.target
    handing = talk.handing
    return {
        "call_id": talk.call_id,
        "queue": talk.queue,
        "agent": talk.agent or None,
        "since": datetime.fromtimestamp(float(talk.joined), UTC).isoformat().replace("+00:00", "Z") if talk.joined else None,
        "held": talk.held == "1",
        "recording": talk.recording or "off",
        "transfer": {
            "to": {target.kind: target.name},
            "state": handing.value,
            "with": talk.consult_agent or None,
        }
        if target and handing is not Handing.NOT
        else None,
        "supervisor": {"id": talk.supervisor, "mode": talk.supervisor_mode} if talk.supervisor else None,
        "allowed": _allowed(talk),
    }


def _allowed(talk: Talk) -> list[str]:
    """What may be asked of the conversation now."""
    recording = ["recording"] if talk.recording else []
    more = {
        Handing.NOT: ["hold", "transfer", "supervision"],
        Handing.RINGING: ["cancel", "supervision"],
        Handing.CONSULTING: ["complete", "cancel", "supervision"],
        Handing.MOVING: ["cancel"],
        Handing.AWAY: [],
    }
    return [*more[talk.handing], *recording]
