"""Asking a colleague before a caller is handed on: the caller is on hold, the colleague comes into the room, then one of the two leaves.

A colleague is found, held and rung as for any waiting call: the consult waits on the board under an id of its own (CX…), so that nobody
is in two calls and the phone is accepted by key. An entry of the directory is rung straight into the room.
"""

from __future__ import annotations

import secrets
from datetime import UTC
from typing import TYPE_CHECKING

from ivr.jobs.switchboard import CONSULT, is_consult
from ivr.jobs.talking import Handing, NoTalk, Talk, TalkRefused, Target
from ivr.notes import Note
from routing.model import Reservation, WaitingCall
from routing.model import Talk as HeldTalk

if TYPE_CHECKING:
    from ivr.jobs.wiring import Line

RING_SECONDS = 60.0  # so long a colleague is looked for while the caller is on hold
_NOTHING = dict.fromkeys(
    ("transfer", "transfer_state", "handed_context", "consult_token", "consult_leg", "consult_agent", "consult_queue"), ""
)

_OVER = frozenset({"completed", "busy", "no-answer", "failed", "canceled", "gone"})


def consult_of(call_id: str) -> str:
    """The id under which the consult of a call waits on the board."""
    return f"{CONSULT}{call_id[2:]}"


class Consults:
    """Consults of a line."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def start(self, call_id: str, target: Target, note: str, by: str) -> Talk:
        """Put the caller on hold and ring `target`. Raises NoTalk, TalkRefused, TargetUnknown."""
        line = self._line
        talk = line.talking.current(call_id)
        if talk.handing is not Handing.NOT:
            raise TalkRefused("the caller is being handed on already", ("complete", "cancel"))
        line.talking.check(talk, target)
        if not line.talking.begin(talk, Handing.RINGING, target, note, by, warm=True):
            raise TalkRefused("somebody else began to hand this caller on just now")
        line.calls.mark_talk(call_id, talk.token, held="1")
        line.calls.expect_consult(call_id, line.now().timestamp() + RING_SECONDS)
        line.outbox.push("settle_hold", call_id=call_id)
        if target.kind == "number":
            token = f"out-{secrets.token_hex(8)}"
            line.calls.mark_talk(call_id, talk.token, consult_token=token)
            line.outbox.push("ring_outside", call_id=call_id, token=token)
        elif not self._look_for(talk, target):
            self.cancel(call_id, "failed")
            raise TalkRefused(f"nobody can be rung for {target.kind} {target.name}")
        return line.talking.current(call_id)

    def _look_for(self, talk: Talk, target: Target) -> bool:
        line = self._line
        queue, sticky, seconds = line.talking.queue_for(talk, target)
        consult = consult_of(talk.call_id)
        now = line.board.now()
        line.calls.set_talk(
            consult,
            moved_to=talk.call_id,
            queue=queue,
            context=line.calls.talk(talk.call_id).get("handed_context", ""),
            arrived_at=str(now),
        )
        waiting = WaitingCall(
            consult,
            queue,
            now,
            dict(target.needs),
            sticky_agent=sticky,
            sticky_seconds=2 * RING_SECONDS if sticky else seconds,
            kind="callback",
        )
        entered = line.board.enter(waiting)
        line.switchboard.offer()
        return entered.accepted

    def accepted(self, reservation: Reservation, leg_id: str) -> str | None:
        """The colleague pressed the key: the room to join, or None where nobody waits for that any more."""
        line = self._line
        call_id = line.switchboard.journal_of(reservation.call_id)
        talk = Talk(call_id, line.calls.talk(call_id))
        if reservation.token in (talk.consult_token, talk.token):
            return talk.room  # told before
        accepted = line.board.accept(reservation.token)
        if accepted is None:
            return None
        line.switchboard.withdraw(accepted.lost)
        found = {
            "consult_token": accepted.token,
            "consult_leg": leg_id,
            "consult_agent": accepted.agent_id,
            "consult_queue": accepted.queue,
        }
        if not self._answered(talk, **found):
            line.board.talk_ended(accepted.agent_id, reservation.call_id, wrap_up=False)
            return None
        return talk.room

    def outside_answered(self, call_id: str, token: str, leg_id: str) -> None:
        """The number outside picked up and is in the room."""
        talk = Talk(call_id, self._line.calls.talk(call_id))
        if (
            talk.consult_token == token
            and not self._answered(talk, consult_leg=leg_id)
            and talk.handing is not Handing.CONSULTING
        ):
            self._line.outbox.push("hang_up", leg_id=leg_id)

    def _answered(self, talk: Talk, **found: str) -> bool:
        state = Handing.CONSULTING.value
        if not self._line.calls.swap_talk(
            talk.call_id, talk.token, "transfer_state", Handing.RINGING, transfer_state=state, **found
        ):
            return False
        self._line.calls.consult_over(talk.call_id)
        # From now on the agent may leave by hanging up without ending the room for the others.
        self._line.outbox.push("settle_ends", call_id=talk.call_id)
        return True

    def complete(self, call_id: str) -> None:
        """The agent leaves; caller and colleague talk. Raises NoTalk, TalkRefused."""
        line = self._line
        talk = line.talking.current(call_id)
        if talk.handing is not Handing.CONSULTING:
            allowed = ("cancel",) if talk.handing else ()
            raise TalkRefused("no colleague is on the line whom the caller could be handed to", allowed)
        consult = consult_of(call_id) if talk.consult_agent else call_id
        changes = {
            **_NOTHING,
            "agent": talk.consult_agent,
            "agent_leg": talk.consult_leg,
            "token": talk.consult_token,
            "waiting_id": consult,
            "queue": talk.consult_queue or talk.queue,
            "context": talk.handed_context,
            "held": "",
        }
        if not line.calls.swap_talk(call_id, talk.token, "transfer_state", Handing.CONSULTING, **changes):
            return  # another told it first
        line.switchboard.leg_ended(call_id, dict(talk.fields), "transferred")
        line.talking.ended(talk, "completed")
        if talk.consult_agent:
            self._note_connected(talk)
        line.outbox.push("hand_over", call_id=call_id, leg_id=talk.agent_leg, token=talk.token)
        if talk.supervisor_mode == "whisper":
            line.outbox.push("settle_supervision", call_id=call_id)

    def _note_connected(self, talk: Talk) -> None:
        now = self._line.now()
        about = {
            "queue": talk.consult_queue or talk.queue,
            "agent": talk.consult_agent,
            "reservation": talk.consult_token,
            "leg_id": talk.consult_leg,
            "ring_seconds": None,
            "team": self._line.switchboard.team_of(talk.consult_agent),
        }
        note = Note(talk.call_id, "Connected", now.astimezone(UTC), about)
        self._line.calls.append(talk.call_id, [note], happening=f"connected:{talk.consult_token}")

    def cancel(self, call_id: str, result: str = "cancelled") -> bool:
        """The caller goes on with the agent; the colleague is let go. False where there was nothing to cancel."""
        line = self._line
        talk = Talk(call_id, line.calls.talk(call_id))
        for state in (Handing.RINGING, Handing.CONSULTING):
            if line.calls.swap_talk(call_id, talk.token, "transfer_state", state, held="", **_NOTHING):
                self._let_go(talk)
                line.talking.ended(talk, result)
                line.outbox.push("settle_hold", call_id=call_id)
                line.outbox.push("settle_ends", call_id=call_id)
                return True
        return line.talking.give_up(call_id, talk.token, result)

    def _let_go(self, talk: Talk) -> None:
        """The colleague's phone stops ringing, or the colleague leaves the room and owes no wrap-up."""
        line = self._line
        line.calls.consult_over(talk.call_id)
        consult = consult_of(talk.call_id)
        left = line.board.leave(consult, "left")
        if left:
            line.switchboard.withdraw(left.reservations)
        if talk.consult_agent:
            line.board.talk_ended(talk.consult_agent, consult, wrap_up=False)
            line.switchboard.offer()
        if talk.consult_leg:
            line.outbox.push("hang_up", leg_id=talk.consult_leg)

    # What else may happen meanwhile

    def leg_over(self, call_id: str, token: str, leg_id: str, status: str) -> None:
        """A leg of an agent or a colleague ended, whatever it was about."""
        line = self._line
        talk = Talk(line.switchboard.journal_of(call_id), line.calls.talk(line.switchboard.journal_of(call_id)))
        if token and talk.token == token and talk.handing is Handing.CONSULTING:
            self._complete_quietly(talk.call_id)  # hanging up is the quickest way to hand over
        elif (
            talk.consult_token == token
            and talk.consult_leg in ("", leg_id)
            and talk.handing in (Handing.RINGING, Handing.CONSULTING)
        ):
            if talk.consult_agent or token.startswith("out-"):
                self.cancel(talk.call_id, "failed" if talk.handing is Handing.RINGING else "cancelled")
            else:
                line.switchboard.agent_leg_over(call_id, token, leg_id, status)
        elif is_consult(call_id) and talk.token != token:
            self._offer_over(call_id, token, leg_id, status)
        else:
            line.switchboard.agent_leg_over(call_id, token, leg_id, status)

    def _offer_over(self, consult: str, token: str, leg_id: str, status: str) -> None:
        """The offer to a colleague came to nothing, or the colleague's leg ended after all was over."""
        line = self._line
        held = line.board.reservation(token)
        line.switchboard.agent_leg_over(consult, token, leg_id, status)
        if held is not None:
            line.board.talk_ended(held.agent_id, consult, token, wrap_up=False)
        self.offer_refused(consult)

    def offer_refused(self, consult: str) -> None:
        """The one colleague who was asked for did not take it: the agent hears that at once. Others of a queue go on being rung."""
        call_id = self._line.switchboard.journal_of(consult)
        talk = Talk(call_id, self._line.calls.talk(call_id))
        if talk.handing is Handing.RINGING and talk.target and talk.target.kind == "agent":
            self.cancel(call_id, "failed")

    def agent_leaves(self, call_id: str, token: str) -> bool:
        """The agent is out of the room: True where that hands the caller over to the colleague."""
        talk = Talk(call_id, self._line.calls.talk(self._line.switchboard.journal_of(call_id)))
        if not token or talk.token != token or talk.handing is not Handing.CONSULTING:
            return False
        self._complete_quietly(self._line.switchboard.journal_of(call_id))
        return True

    def _complete_quietly(self, call_id: str) -> None:
        try:
            self.complete(call_id)
        except (NoTalk, TalkRefused):
            return  # over meanwhile, for another reason

    def caller_gone(self, call_id: str) -> None:
        """The caller hung up while a colleague was asked."""
        talk = Talk(call_id, self._line.calls.talk(call_id))
        if talk.handing in (Handing.RINGING, Handing.CONSULTING):
            self._let_go(talk)
            self._line.talking.ended(talk, "cancelled")

    def becomes_a_move(self, talk: Talk) -> bool:
        """The agent left while the colleague's phone rang, and the room with it: the caller is to wait for that colleague instead."""
        for state in (Handing.RINGING, Handing.CONSULTING):
            if self._line.calls.swap_talk(
                talk.call_id, talk.token, "transfer_state", state,
                transfer_state=Handing.MOVING.value, consult_token="", consult_leg="", consult_agent="", held="",
            ):  # fmt: skip
                self._let_go(talk)
                return True
        return False

    def check(self, held: HeldTalk) -> None:
        """A colleague has been on the line for very long: does the leg still live? Raises CarrierError."""
        status = self._line.carrier.status(held.leg_id)[0] if held.leg_id else "gone"
        if status in _OVER:
            self.leg_over(held.call_id, held.token, held.leg_id, status)
            self._line.board.talk_ended(held.agent_id, held.call_id, held.token, wrap_up=False)

    def sweep(self) -> None:
        """Consults that nobody took in time."""
        for call_id in self._line.calls.overdue_consults(self._line.now().timestamp()):
            talk = Talk(call_id, self._line.calls.talk(call_id))
            if talk.handing is Handing.RINGING:
                self.cancel(call_id, "failed")
