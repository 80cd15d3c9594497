"""Callbacks where the customer's phone rings first, as the switchboard sees them: the agent is only held until the customer is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from routing.model import OfferResult, Reservation

if TYPE_CHECKING:
    from ivr.jobs.switchboard import Switchboard

HELD_SECONDS = 75.0
"""So long an agent is held while the customer may answer: ringing, and telling a person from a machine."""


def begins(switchboard: Switchboard, reservation: Reservation) -> bool:
    """Hold the agent of this offer and have the customer rung; False for any other offer."""
    call_id, token = reservation.call_id, reservation.token
    if reservation.kind != "callback" or switchboard.calls.talk(call_id).get("rings_first") != "customer":
        return False
    switchboard.board.hold(token, HELD_SECONDS)
    switchboard.outbox.push("dial_callback", callback_id=call_id, token=token, room=switchboard.room(call_id, token))
    return True


def waits_on(switchboard: Switchboard, call_id: str, token: str) -> None:
    """The agent of this offer does not come. A customer who is on the line for it waits in the queue like any caller."""
    moved, talk = switchboard.talk_of(call_id)
    if moved != call_id and talk.get("token") == token and not talk.get("joined"):
        switchboard.board.leave(call_id, "diverted")
        switchboard.outbox.push("fetch_caller", call_id=moved, number=token)


def hung_up(switchboard: Switchboard, talk: Mapping[str, str]) -> None:
    """The customer hung up before the agent came: the agent's phone stops ringing."""
    left = switchboard.board.leave(talk.get("waiting_id", ""), "hung_up")
    switchboard.withdraw(left.reservations if left else (), OfferResult.CALLER_LEFT)
