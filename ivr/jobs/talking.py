"""A conversation while it lasts: hold, recording, what came of it, and handing the caller on without asking first.

What shall be is written into the conversation (ivr.sessions, key `talk`) at once, fenced by its token; the carrier is brought in line by
commands that read it again, so that a repeated, late or overtaken command does no harm. Consulting first: ivr.jobs.consults.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ivr.actions import Wait
from ivr.errors import IvrError
from ivr.jobs.recordings import RUNNING
from ivr.redaction import redact
from routing.model import AgentState, Unknown, WaitingCall
from routing.policies import openings, serves

if TYPE_CHECKING:
    from ivr.jobs.wiring import Line

MOST_NOTE = 300
TRANSFER_RING_SECONDS = 30
_STICKY_MARGIN_SECONDS = 10.0


class Handing(StrEnum):
    """How far handing a caller on has come."""

    NOT = ""
    MOVING = "moving"  # without asking: the caller is being fetched out of the room
    AWAY = "away"  # talking to (or ringing) a number outside
    RINGING = "ringing"  # the caller is on hold, the colleague's phone rings
    CONSULTING = "consulting"  # the caller is on hold, the colleague is on the line


class NoTalk(IvrError):
    """The call is in no conversation."""


class TalkRefused(IvrError):
    """What was asked does not fit the conversation as it stands. `allowed`: what would."""

    def __init__(self, message: str, allowed: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.allowed = allowed


class TargetUnknown(IvrError):
    """There is nobody of that name to hand a caller to. `allowed`: who there is."""

    def __init__(self, message: str, allowed: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.allowed = allowed


@dataclass(frozen=True)
class Target:
    """Whom a caller is handed to: `kind` queue, agent or number (an entry of the directory). `needs`: of a queue's agents."""

    kind: str
    name: str
    needs: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Talk:
    """A conversation as it stands."""

    call_id: str
    fields: Mapping[str, str]

    def __getattr__(self, name: str) -> str:
        """A field of the conversation, "" where it is not set."""
        if name.startswith("__"):
            raise AttributeError(name)
        return self.fields.get(name, "")

    @property
    def handing(self) -> Handing:
        return Handing(self.fields.get("transfer_state", ""))

    @property
    def target(self) -> Target | None:
        """Whom the caller is being handed to."""
        plain = _plain(self.fields.get("transfer"))
        return Target(plain["kind"], plain["to"], plain.get("needs") or {}) if plain else None

    @property
    def context(self) -> dict[str, Any]:
        return _plain(self.fields.get("context"))


class Talking:
    """Conversations of a line."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def current(self, call_id: str) -> Talk:
        """The conversation of a call. Raises NoTalk."""
        fields = self._line.calls.talk(call_id)
        if not fields.get("token") or not fields.get("joined") or fields.get("agent_left"):
            raise NoTalk(f"call {call_id[:80]} is in no conversation")
        return Talk(call_id, fields)

    # Hold and recording

    def hold(self, call_id: str, held: bool) -> Talk:
        """Put the caller on hold or take the caller back; the same again changes nothing. Raises NoTalk, TalkRefused."""
        talk = self.current(call_id)
        self._only_here(talk)
        self._line.calls.mark_talk(call_id, talk.token, held="1" if held else "")
        self._line.outbox.push("settle_hold", call_id=call_id)
        return self.current(call_id)

    def room_news(self, call_id: str, what: str, happening: str) -> None:
        """News of a room. Only hold has to be noted from here: who joined and left is known from the legs' own webhooks."""
        if what not in ("hold", "unhold"):
            return
        call_id, talk = self._line.switchboard.talk_of(call_id)
        kind = "HoldStarted" if what == "hold" else "HoldEnded"
        self._line.switchboard.note(call_id, kind, happening=happening, leg_id=talk.get("agent_leg"), agent=talk.get("agent"))

    def pause_recording(self, call_id: str, paused: bool) -> Talk:
        """Silence the recording while something private is said, or go on. Raises NoTalk, TalkRefused."""
        talk = self.current(call_id)
        if talk.recording not in RUNNING:
            raise TalkRefused("this conversation is not recorded: the caller was not asked, or said no")
        self._line.calls.mark_talk(call_id, talk.token, recording="paused" if paused else "on")
        self._line.outbox.push("settle_recording", call_id=call_id)
        return self.current(call_id)

    def conclude(self, call_id: str, leg: Mapping[str, Any], disposition: str | None, resolved: bool | None) -> None:
        """What came of the talk on `leg` (`leg_id`, `agent`), said during it or later; the wrap-up goes on."""
        self._line.switchboard.note(
            call_id,
            "Concluded",
            leg_id=leg.get("leg_id"),
            agent=leg.get("agent"),
            disposition=None if disposition is None else redact(disposition)[:200],
            resolved=resolved,
        )
        self._line.calls.ask_record(call_id, ended=False)

    # Handing on

    def check(self, talk: Talk, target: Target) -> None:
        """Whether `target` could take the caller now. Raises TargetUnknown, TalkRefused."""
        line = self._line
        if target.kind == "queue":
            if target.name not in line.board.queues:
                raise TargetUnknown(f'there is no queue "{target.name[:60]}"', tuple(sorted(line.board.queues)))
            now = line.outlook.queue_now(target.name, dict(target.needs))
            if not now.open or not now.staffed:
                raise TalkRefused(f"queue {target.name} {'has nobody signed in for that' if now.open else 'is closed'}")
        elif target.kind == "agent":
            self._check_agent(talk, target.name)
        elif target.name not in line.configuration.numbers.directory:
            directory = tuple(sorted(line.configuration.numbers.directory))
            raise TargetUnknown(f'the directory has no entry "{target.name[:60]}"', directory)

    def _check_agent(self, talk: Talk, name: str) -> None:
        try:
            agent = self._line.board.agent(name)
        except Unknown as error:
            raise TargetUnknown(f'there is no agent "{name[:60]}"', tuple(sorted(self._line.board.agents))) from error
        if name == talk.agent:
            raise TalkRefused(f"{name} is the one who talks to the caller")
        if agent.state is not AgentState.AVAILABLE:
            raise TalkRefused(f"{name} is {agent.state.value.replace('_', ' ')}, not available")

    def hand_on(self, call_id: str, target: Target, note: str, by: str) -> Talk:
        """Hand the caller on without asking first: the agent is free at once. Raises NoTalk, TalkRefused, TargetUnknown."""
        talk = self.current(call_id)
        self._only_here(talk)
        self.check(talk, target)
        if not self.begin(talk, Handing.MOVING, target, note, by, warm=False):
            raise TalkRefused("somebody else began to hand this caller on just now")
        self._line.outbox.push("move_caller", call_id=call_id, token=talk.token)
        return self.current(call_id)

    def begin(self, talk: Talk, handing: Handing, target: Target, note: str, by: str, *, warm: bool) -> bool:
        """Write down and note that handing on begins; False where it has begun already."""
        line = self._line
        about = {"kind": target.kind, "to": target.name, "needs": dict(target.needs), "warm": warm, "by": by[:100]}
        configured = line.configuration.agents.get(talk.agent)
        context = {
            **talk.context,
            "handed_over": {
                "by": talk.agent,
                "by_name": configured.name if configured else talk.agent,
                "note": redact(note)[:MOST_NOTE],
                "asked_first": warm,
            },
        }
        began = line.calls.swap_talk(
            talk.call_id, talk.token, "transfer_state", "", transfer_state=handing.value, transfer=json.dumps(about), handed_context=json.dumps(context)
        )  # fmt: skip
        if began:
            line.switchboard.note(
                talk.call_id,
                "TransferStarted",
                leg_id=talk.agent_leg,
                agent=talk.agent,
                to_kind=target.kind,
                to=target.name,
                warm=warm,
            )
        return began

    def ended(self, talk: Talk, result: str) -> None:
        """Note what came of handing on: completed, cancelled or failed."""
        self._line.switchboard.note(talk.call_id, "TransferEnded", leg_id=talk.agent_leg or None, result=result)

    def outside_over(self, call_id: str, seconds: float | None) -> None:
        """Note that the caller is back from, or hung up on, a number outside that was dialled without asking first. `seconds`: of the talk
        there; None: nobody talked. Noted once, also where the carrier tells of it only after the end of the call."""
        journal = self._line.calls.journal(call_id)
        begun = next((n for n in reversed(journal) if n.kind == "TransferStarted" and n.data.get("to_kind") == "number"), None)
        if begun is None or any(n.kind == "TransferEnded" and n.seq > begun.seq for n in journal):
            return
        self._line.switchboard.note(
            call_id,
            "TransferEnded",
            happening=f"outside_over:{begun.seq}",
            leg_id=begun.data.get("leg_id"),
            result="failed" if seconds is None else "completed",
            seconds=seconds,
        )
        self._line.calls.ask_record(call_id, ended=False)

    def give_up(self, call_id: str, token: str, result: str) -> bool:
        """The caller stays with the agent after all; False where there was nothing to give up."""
        talk = Talk(call_id, self._line.calls.talk(call_id))
        if not self._line.calls.swap_talk(call_id, token, "transfer_state", Handing.MOVING, transfer_state="", transfer=""):
            return False
        self.ended(talk, result)
        return True

    def wait_for(self, talk: Talk, target: Target) -> Wait:
        """How the caller waits for `target`. The time waited so far counts as a head start."""
        before = _plain(talk.fields.get("wait"))
        queue, sticky, seconds = self.queue_for(talk, target)
        waited = float(talk.waited_seconds or 0)
        return Wait(
            queue,
            dict(target.needs),
            head_start_seconds=float(before.get("head_start_seconds") or 0.0) + waited,
            sticky_agent=sticky,
            sticky_seconds=seconds,
            context=_plain(talk.fields.get("handed_context")) or talk.context,
        )

    def queue_for(self, talk: Talk, target: Target) -> tuple[str, str | None, float]:
        """The queue in which the caller waits for `target`, with the agent to wait for alone and for how many seconds."""
        board = self._line.board
        if target.kind == "queue":
            return target.name, None, 0.0
        agent = board.agents.get(target.name)
        names = [talk.queue, *(name for name in board.queues if name != talk.queue)]
        for name in names:
            if agent and name in board.queues and serves(agent, openings(WaitingCall(talk.call_id, name, 0.0), board.queues)[0]):
                return name, target.name, board.queue(name).ring_seconds + _STICKY_MARGIN_SECONDS
        return talk.queue, target.name, TRANSFER_RING_SECONDS

    def _only_here(self, talk: Talk) -> None:
        if talk.handing is Handing.MOVING:
            raise TalkRefused("the caller is being handed on", ("cancel",))
        if talk.handing is not Handing.NOT:
            raise TalkRefused("the caller is on hold while a colleague is asked", ("complete", "cancel"))


def _plain(text: str | None) -> dict[str, Any]:
    """JSON kept in a field; empty where there is none."""
    try:
        found: dict[str, Any] = json.loads(text or "{}")
    except ValueError:
        return {}
    return found
