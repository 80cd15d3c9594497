"""Carrying out what the outbox holds: one method per command. Each first looks whether it is still wanted."""

from __future__ import annotations

import hashlib

import structlog

from ivr.errors import CarrierError, CarrierRefused
from ivr.jobs.links import Links
from ivr.jobs.outbox import Command
from ivr.jobs.periodic import check_life
from ivr.jobs.settling import Settling
from ivr.jobs.texting import send_text
from ivr.jobs.wiring import Line
from ivr.notes import Note
from ivr.records.text_reach import wants_none

log = structlog.get_logger()


class Commands(Settling):
    """Carrier commands of a line."""

    def __init__(self, line: Line, links: Links) -> None:
        self.line = line
        self.links = links

    def carry_out(self, command: Command) -> None:
        """Do what `command` says; what the carrier refuses is noted and its consequences drawn, never raised."""
        method = getattr(self, command.kind, None)
        if method is None or command.kind.startswith("_") or command.kind == "carry_out":
            log.error("unknown command", kind=command.kind)
            return
        try:
            method(**command.arguments)
        except CarrierError as error:
            log.warning("carrier command failed", kind=command.kind, error=str(error), tries=command.tries)
            raise

    def ring_agent(
        self, *, token: str, call_id: str, agent_id: str, address: str, queue: str, ring_seconds: float, kind: str
    ) -> None:
        """Ring an agent for a reservation."""
        board, legs = self.line.board, self.line.legs
        with legs.dialling(agent_id) as alone:
            if board.reservation(token) is None or board.leg_of(token):
                return  # the caller left, the lease ran out, or it rings already
            if not alone:
                log.warning("agent not rung: the phone is being dialled for another call", agent=agent_id)
                self.line.switchboard.released(board.release(token, "failed"))
                return
            self._ring(token, call_id, agent_id, address, ring_seconds)

    def _ring(self, token: str, call_id: str, agent_id: str, address: str, ring_seconds: float) -> None:
        board, legs = self.line.board, self.line.legs
        try:
            for old, offer in legs.up(agent_id).items():
                if offer != token and board.reservation(offer) is None:
                    self._end_leg(old, agent_id)  # of a call that is over: asked to end, but nobody knows yet that it has
            leg = self.line.carrier.place(
                to=address,
                from_=self.line.caller_id,
                url=self.links.sealed("/voice/agent/offer", token, token=token),
                status_url=self.links.sealed("/voice/agent/status", token, token=token, call=call_id),
                ring_seconds=max(5, int(ring_seconds)),
            )
        except CarrierError as error:
            result = (
                "unreachable"
                if isinstance(error, CarrierRefused) and 400 <= error.status < 500 and error.status != 429
                else "failed"
            )
            self.line.switchboard.released(board.release(token, result))
            log.warning("agent could not be rung", agent=agent_id, error=str(error))
            return
        legs.began(agent_id, leg, token)
        if not board.ringing(token, leg):
            self._end_leg(leg, agent_id)  # the caller left while it was being dialled

    def _end_leg(self, leg_id: str, agent_id: str) -> None:
        self.line.carrier.hang_up(leg_id)
        self.line.legs.over(agent_id, leg_id)

    def end_agent_leg(self, *, leg_id: str, agent_id: str) -> None:
        """Nothing is left to do on an agent's leg: end it where it is still up."""
        if leg_id in self.line.legs.up(agent_id):
            self._end_leg(leg_id, agent_id)

    def stop_ringing(self, *, token: str, leg_id: str) -> None:
        """Let an agent's phone stop ringing. A leg that was not yet known when the offer ended is looked up now."""
        leg_id = leg_id or self.line.board.leg_of(token) or ""
        if leg_id:
            self.line.carrier.hang_up(leg_id)

    def join_caller(self, *, call_id: str, token: str) -> None:
        """Bring the caller out of the queue into the agent's room."""
        talk = self.line.calls.talk(call_id)
        if talk.get("token") != token or talk.get("joined"):
            return
        if not self.line.carrier.redirect(call_id, self.links.sealed("/voice/join", call_id, token=token)):
            self.line.switchboard.caller_gone(call_id)
            check_life(self.line, call_id)

    def tell_agent_gone(self, *, leg_id: str, token: str, call_id: str, joined: bool) -> None:
        """The caller hung up: the agent's leg goes on to its end. Where both were in the room it does so by itself, but a caller who was
        just coming in may never have arrived there: then the agent would wait in an empty room."""
        if joined and not self.line.calls.append(call_id, [], happening=f"after:{leg_id}"):
            return  # came out of the room already
        if leg_id:
            self.line.carrier.redirect(leg_id, self.links.sealed("/voice/agent/after", token, token=token, call=call_id))

    def end_wait(self, *, call_id: str, result: str, number: str) -> None:
        """Take a caller out of the queue's music to the step's exit."""
        if not self.line.carrier.redirect(
            call_id, self.links.sealed("/voice/turn", call_id, of="wait_over", turn=number, r=result)
        ):
            check_life(self.line, call_id)

    def fetch_caller(self, *, call_id: str, number: str) -> None:
        """The agent is gone and the caller did not come back from the room by itself."""
        if not self.line.carrier.redirect(call_id, self.links.sealed("/voice/turn", call_id, of="talk", turn=number)):
            check_life(self.line, call_id)

    def dial_callback(self, *, callback_id: str, token: str, room: str) -> None:
        """Ring a customer to whom a callback was promised."""
        self.line.promises.dial(callback_id, token, room)

    def hang_up(self, *, leg_id: str) -> None:
        """End a leg."""
        self.line.carrier.hang_up(leg_id)

    def send_text(self, *, call_id: str, to_number: str, text: str) -> None:
        """Send a text message, at most once, unless its reader wants none."""
        once = hashlib.sha256(f"{to_number}\0{text}".encode()).hexdigest()[:16]
        welcome = not wants_none(self.line.store, to_number)
        if not self.line.calls.append(call_id, [], happening=f"text:{once}"):
            return
        if not welcome or send_text(self.line, to_number, text, about=call_id) is None:
            self.line.calls.append(call_id, [Note(call_id, "Texted", self.line.now(), {"text": text, "result": "refused"})])
