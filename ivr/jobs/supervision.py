"""A supervisor in a conversation: listening (heard by nobody), whispering (heard by the agent alone), or taking part.

The supervisor is rung at the address that config/agents.yaml has for them: no other number is ever dialled.
"""

from __future__ import annotations

import secrets
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ivr.errors import CarrierError
from ivr.jobs.talking import Talk, TalkRefused, TargetUnknown
from ivr.records.audit import append
from routing.model import SIGNED_IN, AgentState, Unknown

if TYPE_CHECKING:
    from ivr.jobs.wiring import Line

RING_SECONDS = 20
_NOBODY = dict.fromkeys(("supervisor", "supervisor_mode", "supervisor_id", "supervisor_leg", "supervisor_token"), "")
_DIALLING = "dialling"


class Mode(StrEnum):
    """Who hears the supervisor."""

    LISTEN = "listen"
    WHISPER = "whisper"
    BARGE = "barge"


class Supervision:
    """Supervisors of a line's conversations."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def join(self, call_id: str, mode: Mode, supervisor: str, by: str) -> Talk:
        """Ring `supervisor` into the conversation, or change how the one who is in it takes part.

        Every beginning is written into the audit log. Raises NoTalk, TalkRefused, TargetUnknown.
        """
        line = self._line
        talk = line.talking.current(call_id)
        if talk.supervisor and talk.supervisor != supervisor:
            raise TalkRefused(f"{talk.supervisor} is in this conversation already")
        if not talk.supervisor:
            self._check(talk, supervisor)
            ticket = secrets.token_hex(8)
            fields = {"supervisor": supervisor, "supervisor_mode": mode.value, "supervisor_id": ticket, "supervisor_leg": ""}
            if not line.calls.swap_talk(call_id, talk.token, "supervisor", "", **fields):
                raise TalkRefused("another supervisor joined just now")
        else:
            line.calls.mark_talk(call_id, talk.token, supervisor_mode=mode.value)
        line.switchboard.note(call_id, "SupervisionStarted", supervisor=supervisor, mode=mode.value, by=by[:100])
        with line.store.writing() as connection:
            append(connection, by, f"call.{mode.value}", call_id, {"supervisor": supervisor, "agent": talk.agent}, at=line.now())
        line.outbox.push("settle_supervision", call_id=call_id)
        return line.talking.current(call_id)

    def _check(self, talk: Talk, supervisor: str) -> None:
        try:
            now = self._line.board.agent(supervisor)
        except Unknown as error:
            raise TargetUnknown(f'there is no agent "{supervisor[:60]}"', tuple(sorted(self._line.board.agents))) from error
        if supervisor in (talk.agent, talk.consult_agent):
            raise TalkRefused(f"{supervisor} is in this conversation as an agent")
        if now.state in SIGNED_IN and now.state is not AgentState.BREAK:
            state = now.state.value.replace("_", " ")
            raise TalkRefused(f"{supervisor} is {state} and may be rung for a call: take a break or sign out first")

    def leave(self, call_id: str) -> bool:
        """The supervisor goes; False where none was there."""
        talk = Talk(call_id, self._line.calls.talk(call_id))
        if not talk.supervisor:
            return False
        self._over(talk)
        if talk.supervisor_leg not in ("", _DIALLING):
            self._line.outbox.push("hang_up", leg_id=talk.supervisor_leg)
        return True

    def leg_over(self, call_id: str, ticket: str) -> None:
        """The supervisor's leg ended, or was never answered."""
        talk = Talk(call_id, self._line.calls.talk(call_id))
        if talk.supervisor_id == ticket:
            self._over(talk)
        else:  # the conversation ended first
            self._note_end(call_id, ticket, None)

    def _over(self, talk: Talk) -> None:
        self._line.calls.swap_talk(talk.call_id, talk.token, "supervisor_id", talk.supervisor_id, **_NOBODY)
        self._note_end(talk.call_id, talk.supervisor_id, talk.supervisor)

    def _note_end(self, call_id: str, ticket: str, supervisor: str | None) -> None:
        self._line.switchboard.note(call_id, "SupervisionEnded", happening=f"supervision_over:{ticket}", supervisor=supervisor)

    def settle(self, call_id: str) -> None:
        """Bring the carrier in line with what is wanted. Raises CarrierError."""
        line = self._line
        talk = Talk(call_id, line.calls.talk(call_id))
        if not talk.supervisor_id:
            return
        if talk.supervisor_leg not in ("", _DIALLING):
            line.carrier.participant(talk.room, talk.supervisor_leg, _part(talk))
        elif line.calls.swap_talk(call_id, talk.token, "supervisor_leg", "", supervisor_leg=_DIALLING):
            self._ring(talk)

    def _ring(self, talk: Talk) -> None:
        line = self._line
        ticket = talk.supervisor_id
        try:
            leg = line.carrier.invite(
                talk.room,
                to=line.board.agents[talk.supervisor].address,
                from_=line.caller_id,
                label=f"supervisor-{ticket}",
                status_url=line.links.sealed("/voice/supervisor/status", ticket, id=ticket, call=talk.call_id),
                ring_seconds=RING_SECONDS,
                changes={**_part(talk), "start_conference_on_enter": False, "end_conference_on_exit": False, "beep": "false"},
            )
        except CarrierError:
            self.leg_over(talk.call_id, ticket)
            raise
        now = Talk(talk.call_id, line.calls.talk(talk.call_id))
        # Where all was over meanwhile, the supervisor would be alone in a room of that name.
        wanted = now.supervisor_id == ticket and line.calls.swap_talk(
            talk.call_id, now.token, "supervisor_leg", _DIALLING, supervisor_leg=leg
        )
        if not wanted:
            line.carrier.hang_up(leg)
        elif now.supervisor_mode != talk.supervisor_mode:
            line.carrier.participant(now.room, leg, _part(now))


def _part(talk: Talk) -> dict[str, Any]:
    """How the carrier lets the supervisor take part."""
    if talk.supervisor_mode == Mode.WHISPER:
        return {"muted": False, "coaching": True, "call_sid_to_coach": talk.agent_leg}
    return {"muted": talk.supervisor_mode == Mode.LISTEN, "coaching": False}
