"""Carrier commands of conversations: each reads what shall be and brings the carrier in line with it, whatever was asked before."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import structlog

from ivr.errors import CarrierRefused
from ivr.jobs import recordings
from ivr.jobs.links import Links
from ivr.jobs.talking import TRANSFER_RING_SECONDS, Handing, Talk

if TYPE_CHECKING:
    from ivr.jobs.wiring import Line

log = structlog.get_logger()

_TRIES = 5
_PAUSE_SECONDS = 0.2  # somebody who is just joining is in the room a moment later


class Settling:
    """Commands of `ivr.jobs.commands.Commands` about conversations. Every method may raise CarrierError."""

    line: Line
    links: Links

    def _talk(self, call_id: str) -> Talk:
        return Talk(call_id, self.line.calls.talk(call_id))

    def _settle(self, call_id: str, do: Callable[[Talk], Any], wanted: Callable[[Talk], Any]) -> None:
        """Do it until it is done for what is wanted by then: two commands may overtake each other."""
        for _ in range(_TRIES):
            talk = self._talk(call_id)
            if not talk.token:
                return
            done = do(talk)
            if done and wanted(self._talk(call_id)) == wanted(talk):
                return
            if not done:
                time.sleep(_PAUSE_SECONDS)

    def settle_hold(self, *, call_id: str) -> None:
        """Hold the caller, or take the caller back."""
        self._settle(
            call_id, lambda talk: self.line.carrier.participant(talk.room, call_id, self._hold(talk)), lambda talk: talk.held
        )

    def _hold(self, talk: Talk) -> dict[str, Any]:
        return {"hold": bool(talk.held), "hold_url": self.links.plain("/voice/hold"), "hold_method": "POST"}

    def settle_ends(self, *, call_id: str) -> None:
        """Whether the room ends with the agent: not while a colleague is on the line to take over."""

        def ends(talk: Talk) -> bool:
            return talk.handing is not Handing.CONSULTING

        self._settle(
            call_id,
            lambda talk: self.line.carrier.participant(talk.room, talk.agent_leg, {"end_conference_on_exit": ends(talk)}),
            ends,
        )

    def settle_recording(self, *, call_id: str) -> None:
        """Pause the recording, or let it go on."""
        words = {"on": "in-progress", "paused": "paused"}
        self._settle(
            call_id,
            lambda talk: talk.recording not in words or self.line.carrier.recording(call_id, words[talk.recording]),
            lambda talk: talk.recording,
        )

    def start_recording(self, *, call_id: str, token: str) -> None:
        """Record a conversation, at most once: the caller agreed, which the queue step found out."""
        talk = self._talk(call_id)
        if talk.token != token or not self.line.calls.append(call_id, [], happening="recording"):
            return
        self.line.carrier.record(call_id, self.links.sealed("/voice/recording", call_id))
        if not self.line.calls.swap_talk(call_id, token, "recording", "", recording="on"):
            self.line.carrier.recording(call_id, "stopped")  # the talk ended just now

    def stop_recording(self, *, call_id: str) -> None:
        """The talk is over: what follows with the caller alone is not recorded."""
        recordings.stop(self.line, call_id)

    def settle_supervision(self, *, call_id: str) -> None:
        """Ring a supervisor, or change how one takes part."""
        self.line.supervision.settle(call_id)

    def move_caller(self, *, call_id: str, token: str) -> None:
        """Fetch a caller who is handed on out of the room."""
        talk = self._talk(call_id)
        if talk.token != token or talk.handing is not Handing.MOVING:
            return
        try:
            self.line.carrier.redirect(call_id, self.links.sealed("/voice/handed-on", call_id, token=token))
        except CarrierRefused as error:
            log.warning("caller could not be handed on", call_id=call_id, error=str(error))
            self.line.talking.give_up(call_id, token, "failed")

    def ring_outside(self, *, call_id: str, token: str) -> None:
        """Ring an entry of the directory into the room, at most once."""
        talk = self._talk(call_id)
        entry = self.line.configuration.numbers.directory.get(talk.target.name) if talk.target else None
        if talk.consult_token != token or entry is None or not self.line.calls.append(call_id, [], happening=f"outside:{token}"):
            return
        try:
            leg = self.line.carrier.invite(
                talk.room,
                to=entry.number,
                from_=self.line.caller_id,
                label=f"outside-{token}",
                status_url=self.links.sealed("/voice/outside/status", token, token=token, call=call_id),
                ring_seconds=TRANSFER_RING_SECONDS,
                changes={"start_conference_on_enter": False, "end_conference_on_exit": False, "beep": "false"},
            )
        except CarrierRefused as error:
            log.warning("outside could not be rung", call_id=call_id, error=str(error))
            self.line.consults.cancel(call_id, "failed")
            return
        if not self.line.calls.swap_talk(call_id, talk.token, "consult_token", token, consult_leg=leg):
            self.line.carrier.hang_up(leg)

    def hand_over(self, *, call_id: str, leg_id: str, token: str) -> None:
        """The colleague has the caller: the room now ends with the colleague, and the agent goes to the wrap-up."""
        talk = self._talk(call_id)
        if talk.token and talk.token != token:
            self.line.carrier.participant(talk.room, talk.agent_leg, {"end_conference_on_exit": True})
            self.line.carrier.participant(talk.room, leg_id, {"end_conference_on_exit": False})
            self.line.carrier.participant(talk.room, call_id, self._hold(talk))
        self.line.carrier.redirect(leg_id, self.links.sealed("/voice/agent/after", token, token=token, call=call_id))
