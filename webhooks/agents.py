"""The agents' legs: an offer is heard, accepted with a key (a voicemail box never is), joined, and wrapped up by keypad where wanted."""

from __future__ import annotations

from collections.abc import Mapping

from ivr.actions import Action, Join, Play
from ivr.carriers.twilio import write
from ivr.carriers.twilio.read import LegStatus, RoomNews
from ivr.jobs.links import Links
from ivr.jobs.switchboard import is_consult
from ivr.jobs.wiring import Line


class AgentLegs:
    """Documents for agents' legs."""

    def __init__(self, line: Line, links: Links) -> None:
        self.line = line
        self.links = links

    def offer(self, leg_id: str, token: str) -> str:
        """The agent picked up: who is calling, why, and the key to press."""
        reservation = self.line.board.reservation(token)
        if reservation is None or not self.line.board.ringing(token, leg_id):
            return self._gone()
        return self._ask(token, reservation.call_id, 1)

    def _ask(self, token: str, call_id: str, number: int) -> str:
        about = self.line.about(call_id)
        return write.ask_keys(
            self.line.phrase("agent_offer_handed_on" if about["by"] else "agent_offer", None, **about),
            self.links.sealed("/voice/agent/reply", token, token=token, n=number),
            self.line.language,
        )

    def reply(self, form: Mapping[str, str], leg_id: str, token: str, number: str) -> str:
        """The agent pressed a key, or did not."""
        digits = form.get("Digits", "")
        reservation = self.line.board.reservation(token)
        consult = reservation is not None and is_consult(reservation.call_id)
        if reservation is not None and consult and digits.startswith("1"):
            room = self.line.consults.accepted(reservation, leg_id)
            return self._room(room, token, reservation.call_id, ends=False) if room else self._gone()
        if reservation is None:
            talk_room = self.line.switchboard.room_of(token, leg_id)
            return self._room(talk_room[0], token, talk_room[1]) if talk_room else self._gone()
        if digits.startswith("1"):
            room = self.line.switchboard.accepted(reservation, leg_id)
            return self._room(room, token, reservation.call_id) if room else self._gone()
        if digits.startswith("2"):
            self.line.switchboard.released(self.line.board.release(token, "rejected"))
            return write.farewell(self.line.phrase("agent_rejected", None), self.line.language)
        if number == "1":
            return self._ask(token, reservation.call_id, 2)
        self.line.switchboard.released(self.line.board.release(token, "no_answer"))
        return write.farewell(self.line.phrase("agent_missed", None), self.line.language)

    def _room(self, room: str, token: str, call_id: str, *, ends: bool = True) -> str:
        join = Join(room, label=f"agent-{token}", starts=True, ends=ends)
        return self._write(join, token, call_id)

    def _write(self, action: Action, token: str, call_id: str) -> str:
        def link(of: str) -> str:
            if of == "talk":
                return self.links.sealed("/voice/agent/after", token, token=token, call=call_id)
            if of == "room":
                return self.links.sealed("/voice/room", call_id, call_id=call_id)
            return self.links.plain("/voice/hold")

        return write.write((action,), link, lambda name: None, self.line.phrase("apology", None))

    def status(self, status: LegStatus, token: str, call_id: str) -> None:
        """News of an agent's leg."""
        held = self.line.board.reservation(token, ended=True)
        if status.status in ("ringing", "in-progress", "initiated", "queued"):
            if held is not None:
                self.line.legs.began(held.agent_id, status.call_id, token)
            if not self.line.board.ringing(token, status.call_id) and held is not None:
                # Dialled by a process that died before it could say so, or told late: the offer is over in any case.
                self.line.outbox.push("end_agent_leg", leg_id=status.call_id, agent_id=held.agent_id)
        elif status.over:
            if held is not None:
                self.line.legs.over(held.agent_id, status.call_id)
            self.line.consults.leg_over(call_id, token, status.call_id, status.status)

    def after(self, form: Mapping[str, str], leg_id: str, token: str, call_id: str) -> str:
        """The conversation is over for the agent: by keypad, was it solved?"""
        self.line.calls.append(call_id, [], happening=f"after:{leg_id}")  # out of the room: nobody has to fetch this leg
        if not self.line.consults.agent_leaves(call_id, token):
            self.line.switchboard.agent_leaves_room(call_id, token, leg_id)
        if is_consult(call_id) and self.line.board.reservation(token) is None:
            return write.farewell("", self.line.language)  # only asked: there is nothing to wrap up
        digits = form.get("Digits", "")
        if digits[:1] in ("1", "2"):
            self.line.switchboard.wrap_ups.said_by_keypad(call_id, token, leg_id, resolved=digits.startswith("1"))
            return write.farewell(self.line.phrase("agent_thanks", None), self.line.language)
        if form.get("CallStatus") == "completed" or "Digits" in form or "msg" in form:
            return write.farewell("", self.line.language)
        return write.ask_keys(
            self.line.phrase("agent_wrap_up", None),
            self.links.sealed("/voice/agent/after", token, token=token, call=call_id),
            self.line.language,
        )

    def room_news(self, news: RoomNews, call_id: str) -> None:
        """News of a conversation's room."""
        self.line.talking.room_news(call_id, news.what, news.happening)

    def music(self) -> str:
        """What is heard on hold."""
        audio = self.links.plain("/audio/hold.wav") if self.line.has_audio("hold.wav") else None
        return write.loop((Play("hold.wav"),), lambda name: audio)

    def _gone(self) -> str:
        return write.farewell(self.line.phrase("agent_too_late", None), self.line.language)
