"""Callers who are handed on by an agent, and the legs of those who are asked into a conversation."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ivr.actions import Action, Dial, Say
from ivr.call import Session, WaitEnded
from ivr.carriers.twilio import read, write
from ivr.engine import Turn
from ivr.jobs import waits
from ivr.jobs.talking import TRANSFER_RING_SECONDS, Handing, Talk
from ivr.jobs.wiring import Line
from webhooks.turns import Turns

Form = Mapping[str, str]
Route = Callable[..., Callable[[Callable[..., str]], object]]


class HandedOn:
    """Documents for callers who are handed on without being asked about first."""

    def __init__(self, line: Line, turns: Turns) -> None:
        self.line = line
        self.turns = turns

    def fetched(self, form: Form, call_id: str, token: str) -> str:
        """The caller comes out of the room: on to the queue, the agent or the number."""
        session, answer = self.line.calls.recall_turn(call_id, _delivery(token))
        if answer is not None:
            return answer
        talk = Talk(call_id, self.line.calls.talk(call_id))
        if session is None or talk.token != token or talk.handing is not Handing.MOVING:
            # Over or taken back meanwhile: what follows a talk in the flow follows now.
            return self.turns.turn(form, call_id, "talk", f"{session.turn if session else 0}")
        return self._move(session, talk)

    def instead(self, form: Form, call_id: str, of: str) -> str | None:
        """What a caller hears who comes back from a room or a number while being handed on; None where nothing of that is the case."""
        if of not in ("talk", "dial"):
            return None
        if form.get("CallStatus") == "completed":
            return self._gone_from_number(form, call_id) if of == "dial" else None
        talk = Talk(call_id, self.line.calls.talk(call_id))
        if talk.handing is Handing.NOT:
            return None
        session = self.line.calls.load(call_id)
        if session is None:
            return None
        if of == "dial":
            return self._back_from_number(form, session, talk) if talk.handing is Handing.AWAY else None
        # The agent was quicker to hang up than the carrier to fetch the caller, or did not wait for the colleague to answer.
        if talk.handing is Handing.MOVING or self.line.consults.becomes_a_move(talk):
            return self._move(session, Talk(call_id, self.line.calls.talk(call_id)))
        return None

    def _move(self, session: Session, talk: Talk) -> str:
        line, target = self.line, talk.target
        assert target is not None
        line.calls.is_back(talk.call_id)
        line.switchboard.leg_ended(talk.call_id, dict(talk.fields), "transferred")
        line.calls.end_talk(talk.call_id)
        line.switchboard.keep_waiting(talk.call_id, talk.fields)
        action: Action
        entry = line.configuration.numbers.directory.get(target.name)
        if target.kind == "number" and entry is not None:
            away = {name: talk.fields[name] for name in ("transfer", "agent_leg", "agent")}
            line.calls.set_talk(talk.call_id, transfer_state=Handing.AWAY.value, **away)
            action = Dial(entry.number, ring_seconds=TRANSFER_RING_SECONDS)
        else:
            line.talking.ended(talk, "completed")
            action = line.talking.wait_for(talk, target)
        return self._tell(session, (action,), _delivery(talk.token))

    def _back_from_number(self, form: Form, session: Session, talk: Talk) -> str:
        """The talk with the number outside is over, or nobody answered there: then back to the queue, in the old place."""
        line = self.line
        delivery = f"away:{session.turn}"
        _, talked = read.read_dial(form)
        line.talking.outside_over(session.call_id, talked)
        line.calls.set_talk(session.call_id, transfer_state="", transfer="", agent="", agent_leg="")
        if talked is not None or not talk.wait:
            event = WaitEnded(session.call_id, delivery, line.now(), result="talked")
            return self.turns.carry_out(session, event, delivery) or self.turns.apology()
        sorry = Say(line.phrase("transfer_failed", session.language), session.language)
        return self._tell(session, (sorry, waits.from_json(talk.wait)), delivery)

    def _gone_from_number(self, form: Form, call_id: str) -> str:
        """The caller hung up in (or before) a talk with a number outside, whoever connected the two."""
        _, talked = read.read_dial(form)
        self.line.talking.outside_over(call_id, talked)
        return write.empty()

    def _tell(self, session: Session, actions: tuple[Action, ...], delivery: str) -> str:
        """Store and write a document that no step of the flow asked for: the flow goes on after it as after any wait."""
        event = WaitEnded(session.call_id, delivery, self.line.now(), result="left")
        told = self.turns.store(session, Turn(session, actions, ()), event, delivery)
        return told or self.line.calls.answer(session.call_id, delivery) or self.turns.apology()


def add_talk_routes(webhook: Route, argument: Callable[[str], str], line: Line, handed_on: HandedOn) -> None:
    """The routes of this module, declared with the voice blueprint's own `webhook`."""

    @webhook("/handed-on")
    def handed_on_caller(form: dict[str, str], call_id: str) -> str:
        return handed_on.fetched(form, call_id, argument("token"))

    @webhook("/outside/status", subject="token")
    def outside_status(form: dict[str, str], call_id: str) -> str:
        status = read.read_status(form, call_id)
        if status.over:
            line.consults.leg_over(argument("call"), argument("token"), call_id, status.status)
        elif status.status == "in-progress":
            line.consults.outside_answered(argument("call"), argument("token"), call_id)
        return write.empty()

    @webhook("/supervisor/status", subject="id")
    def supervisor_status(form: dict[str, str], call_id: str) -> str:
        if read.read_status(form, call_id).over:
            line.supervision.leg_over(argument("call"), argument("id"))
        return write.empty()


def _delivery(token: str) -> str:
    return f"handed-on:{token}"
