"""Between calls and agents: puts callers into queues, offers them to agents, connects the two and clears up after them.

Everything here may be told twice, late or in another order: the board fences every offer with a token, the journal notes each
happening once, and commands to the carrier go through the outbox.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from ivr.actions import Wait
from ivr.call import Session
from ivr.jobs import customer_first, recordings, waits
from ivr.jobs.outbox import Outbox
from ivr.jobs.outlook import Outlook
from ivr.jobs.wrapping_up import WrapUps
from ivr.notes import Note
from ivr.sessions import Calls
from routing.board import Board
from routing.model import AgentState, Entered, EnterResult, Left, OfferResult, Released, Reservation, WaitingCall

# How an agent's leg that ended before accepting reads as the outcome of the offer.
_NOT_ACCEPTED = {
    "busy": OfferResult.BUSY,
    "no-answer": OfferResult.NO_ANSWER,
    "failed": OfferResult.FAILED,
    "canceled": OfferResult.CALLER_LEFT,
    "completed": OfferResult.NO_ANSWER,  # picked up (perhaps by a voicemail box) and never accepted
}
BROKE_OFF = "failed"
"""Why an agent's leg ended in the middle of a talk, where it was the agent's phone and nobody hung up."""
BACK_WITHIN_SECONDS = 3.0
CONSULT = "CX"
"""Begins the id under which a consult (ivr.jobs.consults) waits on the board."""
_KEPT_WHILE_WAITING = ("queue", "context", "wait", "arrived_at", "joined_at_moment", "recording")


def is_consult(call_id: str) -> bool:
    """True for what waits on the board as a question to a colleague."""
    return call_id.startswith(CONSULT)


class TalkEnd(StrEnum):
    """How a caller comes back from a room."""

    TALKED = "talked"
    VANISHED = "vanished"  # the agent was gone before the two were connected: the caller goes on waiting
    UNKNOWN = "unknown"  # no such conversation: told before, or long ago


class Switchboard:
    """See the module. `secret` makes room names that cannot be guessed: rooms are global in the carrier's account."""

    def __init__(
        self, board: Board, calls: Calls, outbox: Outbox, outlook: Outlook, secret: str, clock: Callable[[], float] = time.time,
        team_of: Callable[[str], str | None] = lambda agent_id: None,
    ) -> None:  # fmt: skip
        self.board = board
        self.calls = calls
        self.outbox = outbox
        self.outlook = outlook
        self.wrap_ups = WrapUps(self)
        self.team_of = team_of
        self._secret = secret.encode()
        self._clock = clock

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    def note(self, call_id: str, kind: str, *, happening: str = "", at: float | None = None, **fields: Any) -> bool:
        """Append one note; False where `happening` was noted before. What happens to a promise is noted with the call that it came of."""
        call_id = self.journal_of(call_id)
        moment = self.now() if at is None else datetime.fromtimestamp(at, UTC)
        return self.calls.append(call_id, [Note(call_id, kind, moment, fields)], happening=happening)

    def journal_of(self, call_id: str) -> str:
        """The call whose journal tells of `call_id`: itself, or for a promised callback (CB…) or a consult (CX…) the call it came of."""
        return f"CA{call_id[2:]}" if call_id.startswith(("CB", CONSULT)) else call_id

    def talk_of(self, call_id: str) -> tuple[str, dict[str, str]]:
        """The conversation with the id it goes by now: a callback's moves to the customer's leg once that is answered."""
        talk = self.calls.talk(call_id)
        moved = talk.get("moved_to")
        return (moved, self.calls.talk(moved)) if moved else (call_id, talk)

    # Waiting

    def enter(self, session: Session, wait: Wait, *, arrived_at: float | None = None) -> Entered:
        """Put a caller into a queue; calling it again for a waiting call changes nothing."""
        waiting = WaitingCall(
            call_id=session.call_id,
            queue=wait.queue,
            arrived_at=self.board.now() if arrived_at is None else arrived_at,
            needs=wait.needs,
            preferred=wait.preferred,
            rings=wait.rings,
            head_start_seconds=wait.head_start_seconds,
            sticky_agent=wait.sticky_agent,
            sticky_seconds=wait.sticky_seconds,
            longest_wait_seconds=wait.longest_wait_seconds,
        )
        hours = self.board.queue(wait.queue).hours
        if hours is not None and not hours.open_at(self.now()):
            return Entered(EnterResult.CLOSED)
        joined = self.outlook.joined(wait.queue, wait.needs)
        entered = self.board.enter(waiting)
        if entered.accepted:
            self.calls.set_talk(
                session.call_id,
                queue=wait.queue,
                context=json.dumps(wait.context),
                wait=waits.to_json(wait),
                arrived_at=str(waiting.arrived_at),
                joined_at_moment=joined,
            )
        return entered

    def queued_note(self, session: Session, wait: Wait, entered: Entered, at: datetime) -> Note:
        return Note(
            session.call_id,
            "Queued",
            at,
            {
                "queue": wait.queue,
                "needs": wait.needs,
                "head_start_seconds": wait.head_start_seconds,
                "position": entered.position,
            },
        )

    def offer(self) -> int:
        """Offer waiting callers to free agents; returns how many offers began."""
        reservations = self.board.match()
        for reservation in reservations:
            self._begin_offer(reservation)
        return len(reservations)

    def _begin_offer(self, reservation: Reservation) -> None:
        self.note(
            reservation.call_id,
            "Offered",
            queue=reservation.queue,
            agent=reservation.agent_id,
            reservation=reservation.token,
            leg_id=None,
        )
        if not customer_first.begins(self, reservation):
            self.ring(reservation)

    def ring(self, reservation: Reservation) -> None:
        """Let the phone of the agent who is held ring."""
        self.outbox.push(
            "ring_agent",
            token=reservation.token,
            call_id=reservation.call_id,
            agent_id=reservation.agent_id,
            address=reservation.address,
            queue=reservation.queue,
            ring_seconds=reservation.ring_seconds,
            kind=reservation.kind,
        )

    def leave(self, call_id: str, result: str) -> Left | None:
        """Take a call out of its queue (`result` as in note Dequeued); offers in progress are withdrawn. None: it waited nowhere."""
        left = self.board.leave(call_id, result)
        if left is None:
            return None
        self.withdraw(left.reservations, OfferResult.CALLER_LEFT)
        if result != "hung_up":
            recordings.ends(self, call_id, self.calls.talk(call_id))  # of an earlier talk
        self.note(call_id, "Dequeued", queue=left.queue, result=result, waited_seconds=round(left.waited_seconds, 3))
        return left

    def withdraw(self, reservations: Iterable[Reservation], result: OfferResult = OfferResult.LOST) -> None:
        """Offers that the board took back (the agent went away, say): their phones stop ringing."""
        for reservation in reservations:
            self._withdraw(reservation, result)

    def _withdraw(self, reservation: Reservation, result: OfferResult) -> None:
        self.note(
            reservation.call_id,
            "OfferEnded",
            happening=f"offer_over:{reservation.token}",
            queue=reservation.queue,
            agent=reservation.agent_id,
            reservation=reservation.token,
            leg_id=None,
            result=str(result),
            ring_seconds=None,
        )
        self.outbox.push("stop_ringing", token=reservation.token, leg_id=reservation.leg_id)
        customer_first.waits_on(self, reservation.call_id, reservation.token)

    # Offers

    def released(self, released: Released | None) -> None:
        """Note that an offer ended without a talk, and look for the next agent."""
        if released is None:
            return
        self.note(
            released.call_id,
            "OfferEnded",
            happening=f"offer_over:{released.token}",
            queue=released.queue,
            agent=released.agent_id,
            reservation=released.token,
            leg_id=released.leg_id or None,
            result=str(released.result),
            ring_seconds=round(released.rang_seconds, 3),
        )
        customer_first.waits_on(self, released.call_id, released.token)
        self.offer()

    def accepted(self, reservation: Reservation, leg_id: str) -> str | None:
        """The agent pressed the key: the room to join, or None where the offer is no longer good."""
        accepted = self.board.accept(reservation.token)
        if accepted is None:
            return None
        room = self.room(reservation.call_id, reservation.token)
        call_id, talk = self.talk_of(reservation.call_id)
        customer_there = call_id != reservation.call_id and talk.get("token") == reservation.token
        self.calls.set_talk(
            call_id if customer_there else reservation.call_id,
            room=room,
            agent=accepted.agent_id,
            agent_leg=leg_id,
            token=accepted.token,
            waiting_id=reservation.call_id,
            queue=accepted.queue,
            waited_seconds=str(round(accepted.waited_seconds, 3)),
            joined="",
            agent_left="",
        )
        if customer_there:
            self.caller_joins(call_id, reservation.token)
        elif reservation.kind == "callback":
            self.outbox.push("dial_callback", callback_id=reservation.call_id, token=reservation.token, room=room)
        else:
            self.outbox.push("join_caller", call_id=reservation.call_id, token=reservation.token)
        self.withdraw(accepted.lost)
        return room

    def room(self, call_id: str, token: str) -> str:
        """The name of the conversation's room."""
        return "talk-" + hmac.new(self._secret, f"{call_id}\0{token}".encode(), hashlib.sha256).hexdigest()[:24]

    # Talking

    def caller_joins(self, call_id: str, token: str) -> dict[str, str] | None:
        """The caller comes to the room: the conversation, or None where the agent is gone already (back to the queue then)."""
        talk = self.calls.talk(call_id)
        if talk.get("token") != token or talk.get("agent_left"):
            return None
        now = self._clock()
        if not talk.get("joined"):
            self.calls.set_talk(call_id, joined=str(now))
            at = datetime.fromtimestamp(now, UTC)
            waited = float(talk.get("waited_seconds") or 0)
            about = {
                "queue": talk.get("queue"), "agent": talk.get("agent"), "team": self.team_of(talk.get("agent", "")),
                "reservation": token, "leg_id": talk.get("agent_leg"),
            }  # fmt: skip
            self.calls.append(
                call_id,
                [
                    Note(call_id, "Dequeued", at, {"queue": talk.get("queue"), "result": "answered", "waited_seconds": waited}),
                    Note(call_id, "Connected", at, {**about, "ring_seconds": self._rang_seconds(call_id, token, at)}),
                ],
                happening=f"connected:{token}",
            )
            self.outlook.answered(talk.get("queue", ""), talk.get("joined_at_moment", ""), waited)
            if json.loads(talk.get("context") or "{}").get("record") and not talk.get("recording"):
                self.outbox.push("start_recording", call_id=call_id, token=token)
        return talk

    def _rang_seconds(self, call_id: str, token: str, until: datetime) -> float | None:
        """How long the agent's phone rang: from the offer to the talk."""
        for note in reversed(self.calls.journal(self.journal_of(call_id))):
            if note.kind == "Offered" and note.data.get("reservation") == token:
                return round((until - note.at).total_seconds(), 3)
        return None

    def agent_leg_over(self, call_id: str, token: str, leg_id: str, status: str, at: datetime | None = None) -> None:
        """An agent's leg ended, in whatever state the offer was. `at`: when, where that is found out late."""
        call_id, talk = self.talk_of(call_id)
        talking = talk.get("token") == token and self.calls.mark_talk(call_id, token, agent_left=str(self._clock()))
        if talking:
            self.leg_ended(call_id, talk, BROKE_OFF if status == BROKE_OFF else "agent_hung_up", at)
            # The caller's own document goes on by itself; who is not back in time is fetched.
            self.calls.expect_back(call_id, self._clock() + BACK_WITHIN_SECONDS)
        held = self.board.reservation(token) if status == BROKE_OFF else None
        if held is not None and held.state in (AgentState.TALKING, AgentState.WRAP_UP):
            # The room, or the caller who came out of it, was quicker to tell the end, and cannot tell why.
            self.wrap_ups.vanished(held.agent_id)
        if not talking:
            self.released(self.board.release(token, _NOT_ACCEPTED.get(status, OfferResult.FAILED)))

    def leg_ended(self, call_id: str, talk: dict[str, str], reason: str, at: datetime | None = None) -> None:
        """An agent's part in a conversation is over: the wrap-up begins. Told twice, it happens once. `at`: when, where that is found
        out late: the carrier's time, which has seconds only and may so lie before the talk began."""
        leg = talk.get("agent_leg", "")
        if not leg:
            return  # a customer who was rung first, and whose agent never came
        if reason == "agent_hung_up" and talk.get("transfer_state") == "moving":
            reason = "transferred"  # the room ends as the caller is fetched out of it
        when = max(at.timestamp(), float(talk.get("joined") or 0)) if at else None
        about = {"leg_id": leg, "agent": talk.get("agent"), "reason": reason}
        if not self.note(call_id, "LegEnded", happening=f"leg_over:{leg}", at=when, **about):
            return
        self.wrap_ups.begins(talk.get("agent", ""), talk.get("waiting_id") or call_id, leg, vanished=reason == BROKE_OFF)
        self.calls.ask_record(call_id, ended=False)

    def talk_over(self, call_id: str) -> TalkEnd:
        """The caller is back from the room."""
        self.calls.is_back(call_id)
        talk = self.calls.end_talk(call_id)
        if not talk.get("token"):
            return TalkEnd.UNKNOWN
        self.leg_ended(call_id, talk, "agent_hung_up" if talk.get("agent_left") else "room_closed")
        if talk.get("joined"):
            recordings.ends(self, call_id, talk)
            return TalkEnd.TALKED
        self.keep_waiting(call_id, talk)
        return TalkEnd.VANISHED

    def keep_waiting(self, call_id: str, talk: Mapping[str, str]) -> None:
        """What a caller who waits (again) keeps of the conversation that was."""
        kept = {name: talk[name] for name in _KEPT_WHILE_WAITING if name in talk}
        if kept:
            self.calls.set_talk(call_id, **kept)

    def waits_again(self, session: Session) -> bool:
        """Put a caller whose agent vanished back into the old place; False where that is not possible."""
        talk = self.calls.talk(session.call_id)
        if "wait" not in talk:
            return False
        wait = waits.from_json(talk["wait"])
        entered = self.enter(session, wait, arrived_at=float(talk.get("arrived_at") or self._clock()))
        if entered.accepted:
            self.note(
                session.call_id,
                "Queued",
                queue=wait.queue,
                needs=wait.needs,
                head_start_seconds=wait.head_start_seconds,
                position=entered.position,
            )
            self.offer()
        return entered.accepted

    def caller_gone(self, call_id: str, at: datetime | None = None) -> None:
        """The caller's call is over: free whoever was held for it. `at`: when, where that is found out late."""
        self.calls.is_back(call_id)
        talk = self.calls.end_talk(call_id)
        if talk.get("token"):
            self.leg_ended(call_id, talk, "caller_hung_up", at)
            if not talk.get("agent_leg"):
                customer_first.hung_up(self, talk)
            elif not talk.get("agent_left"):
                self.outbox.push(
                    "tell_agent_gone",
                    leg_id=talk.get("agent_leg", ""),
                    token=talk["token"],
                    call_id=call_id,
                    joined=bool(talk.get("joined")),
                )
        self.leave(call_id, "hung_up")
        self.offer()

    def room_of(self, token: str, leg_id: str) -> tuple[str, str] | None:
        """(room, call) of an accepted offer, where the agent's own document is asked for again; None for a stranger."""
        call_id = self.board.call_of(token)
        call_id, talk = self.talk_of(call_id) if call_id else (None, {})
        if call_id and talk.get("token") == token and talk.get("agent_leg") == leg_id and not talk.get("agent_left"):
            return talk["room"], call_id
        return None

    def agent_leaves_room(self, call_id: str, token: str, leg_id: str) -> None:
        """The agent is out of the room (the leg may go on for a moment)."""
        call_id, talk = self.talk_of(call_id)
        if not talk.get("agent_left") and self.calls.mark_talk(call_id, token, agent_left=str(self._clock())):
            self.leg_ended(call_id, talk, "agent_hung_up")
            self.calls.expect_back(call_id, self._clock() + BACK_WITHIN_SECONDS)

    def recording_kept(self, call_id: str, recording_id: str, url: str, seconds: str) -> None:
        """A recording can be fetched now."""
        length = float(seconds) if seconds.isascii() and seconds.isdigit() else None
        self.note(call_id, "RecordingKept", happening=f"recording:{recording_id}", url=url, seconds=length)
        self.calls.ask_record(call_id, ended=False)

    def wrap_up_done(self, agent_id: str, disposition: str | None, resolved: bool | None) -> bool:
        """An agent finished wrapping up; False where there was nothing to finish."""
        return self.wrap_ups.done(agent_id, disposition, resolved)
