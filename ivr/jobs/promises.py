"""Promised callbacks, between the engine, the ledger and the carrier.

Agent first: an agent is found as for any waiting caller and takes the callback by key; then the customer is rung into the agent's
room. A dial whose end was never told is asked of the carrier, never repeated blindly.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import structlog

from ivr.actions import ChangeCallback, PlaceCallback, Wait
from ivr.call import Arrived, Caller, CallerKind, Frame, Session
from ivr.errors import CarrierError
from ivr.jobs import waits
from ivr.jobs.promise_links import promise_link
from ivr.notes import Note
from routing.callbacks import Callback, CallbackBusy, CallbackRefused, CallbackState, Caps, DialResult, Ledger, Mode
from routing.model import AgentState, Unknown

if TYPE_CHECKING:
    from ivr.jobs.live import Live
    from ivr.jobs.wiring import Line

log = structlog.get_logger()

_DIAL_ENDS = {
    "busy": DialResult.BUSY,
    "no-answer": DialResult.NO_ANSWER,
    "failed": DialResult.FAILED,
    "canceled": DialResult.FAILED,
}
_NOTED = {
    DialResult.MACHINE: "no_answer",
    DialResult.REFUSED: "gave_up",
    DialResult.AGENT_GONE: "failed",
    DialResult.POSTPONED: "failed",
    DialResult.ABANDONED: "failed",
}
LONGEST_WAIT_SECONDS = 900.0
"""So long a customer who was rung first waits for an agent, where the one who was held does not come."""
PREFIX = "CB"


def is_callback(call_id: str) -> bool:
    """True for what waits on the board as a promise, not as a caller on the line."""
    return call_id.startswith(PREFIX)


class Promises:
    """Places, dials and settles callbacks of a line."""

    def __init__(self, line: Line) -> None:
        self._line = line
        rules = line.configuration.numbers.callbacks
        caps = Caps(rules.open_per_number, rules.per_number_per_day, rules.per_hour)
        self.ledger = Ledger(line.redis, line.board, caps)

    def place(self, session: Session, action: PlaceCallback) -> None:
        """Write a promise down. One for each call: told twice, it is the same promise."""
        if self._line.ringable(session.caller, action.number) is None:
            log.warning("callback not placed: config/numbers.yaml does not let us ring this number", call_id=session.call_id)
            return
        talk = self._line.calls.talk(session.call_id)
        now = self._line.now()
        at = datetime.fromisoformat(action.at).timestamp() if action.at else None
        promise = Callback(
            callback_id=f"{PREFIX}{session.call_id[2:]}",
            number=action.number,
            queue=action.queue,
            arrived_at=float(talk.get("arrived_at") or now.timestamp()),
            needs=action.needs,
            rings=action.rings,
            head_start_seconds=action.head_start_seconds,
            at=at,
            call_id=session.call_id,
            contact_id=session.contact_id,
            language=session.language,
            mode=self._mode(action.queue),
            context=action.context,
        )
        try:
            self.ledger.place(promise)
        except (CallbackRefused, Unknown) as error:
            # An earlier promise to the same number stands: the caller is rung all the same.
            log.warning("callback not placed", call_id=session.call_id, reason=str(error))
            return
        self._note(promise, "CallbackPlaced", number=action.number, queue=action.queue, at=action.at)
        if action.text:
            text = f"{action.text} {promise_link(self._line, promise)}"
            self._line.outbox.push("send_text", call_id=session.call_id, to_number=action.number, text=text)

    def owed(self, number: str) -> Callback | None:
        """The promise to a number, where the customer has not been reached yet: it can be moved or taken back, unless it is dialled now."""
        found = self.ledger.open_for(number)
        return found if found and found.state is not CallbackState.TALKING else None

    def change(self, action: ChangeCallback, by: str) -> bool:
        """What a caller asked for by keypad or voice. False, and nothing changed, for what is dialled at this moment, or over."""
        try:
            if action.at is None:
                self.cancel(action.callback_id, by=by)
            else:
                self.move(action.callback_id, at=datetime.fromisoformat(action.at).timestamp(), queue=None, by=by)
        except (Unknown, CallbackBusy) as error:
            log.warning("callback not changed", callback=action.callback_id, reason=str(error))
            return False
        return True

    def _mode(self, queue: str) -> Mode:
        configured = self._line.configuration.queues.get(queue)
        return Mode(configured.callbacks) if configured else Mode.AGENT_FIRST

    def move(self, callback_id: str, *, at: float | None, queue: str | None, by: str) -> Callback:
        """Another time or queue; whoever is being rung for it stops ringing. Raises Unknown, CallbackBusy."""
        moved = self.ledger.move(callback_id, at=at, queue=queue, by=by)
        self._line.switchboard.withdraw(moved.withdrawn)
        when = None if moved.at is None else datetime.fromtimestamp(moved.at, UTC).isoformat()
        self._note(moved, "CallbackMoved", queue=moved.queue, at=when, by=by)
        return moved

    def cancel(self, callback_id: str, by: str) -> Callback:
        """The promise is taken back; cancelling again changes nothing. Raises Unknown, CallbackBusy."""
        before = self.ledger.get(callback_id)
        cancelled = self.ledger.cancel(callback_id, by=by)
        if before.state != cancelled.state:
            self._line.switchboard.withdraw(cancelled.withdrawn)
            self._note(cancelled, "CallbackEnded", result="cancelled")
        return cancelled

    def sweep(self) -> None:
        """What is due: let promises wait on the board; ask the carrier about dials that were never heard of again."""
        for due in self.ledger.due():
            promise = due.callback
            if due.doubt:
                self._ask_carrier(promise)
                continue
            hours = self._line.board.queue(promise.queue).hours
            if hours is None or hours.open_at(self._line.now()):
                self._line.calls.set_talk(
                    promise.callback_id,
                    queue=promise.queue,
                    context=self._context(promise),
                    arrived_at=str(promise.arrived_at),
                    rings_first="customer" if promise.mode is Mode.CUSTOMER_FIRST else "agent",
                )
                self._line.board.enter(promise.waiting_call())
        self._line.switchboard.offer()

    def dial(self, callback_id: str, token: str, room: str) -> None:
        """Ring the customer: an agent waits in `room`, or is held for it. Not where that agent is gone already: nobody is rung for nobody."""
        promise = self.ledger.get(callback_id)
        if self._line.board.reservation(token) is None:
            if self._line.calls.talk(callback_id).get("token") == token:
                self._line.calls.end_talk(callback_id)
            return
        attempt = self.ledger.begin_dial(callback_id, token)
        if attempt is None:
            self._agent_free(callback_id, token)
            return
        first = self._line.calls.load(promise.call_id)
        if first is not None and self._line.ringable(first.caller, promise.number) is None:
            log.warning("callback given up: config/numbers.yaml does not let us ring this number any more", callback=callback_id)
            self.dial_over(callback_id, token, DialResult.REFUSED)
            return
        links = self._line.links
        try:
            leg = self._line.carrier.place(
                to=promise.number,
                from_=self._line.caller_id,
                url=links.sealed("/voice/callback/answered", callback_id, callback=callback_id, token=token),
                status_url=links.sealed("/voice/callback/status", callback_id, callback=callback_id, token=token),
                ring_seconds=30,
                machine=True,
            )
        except CarrierError as error:
            log.warning("callback could not be dialled", callback=callback_id, error=str(error))
            self.dial_over(callback_id, token, DialResult.FAILED)
            return
        self.ledger.dialled(callback_id, token, leg)
        self._note(promise, "CallbackDialled", attempt=attempt, leg_id=leg)

    def answered(self, callback_id: str, token: str, leg_id: str, answered_by: str) -> dict[str, str] | None:
        """The customer's phone was picked up: the conversation to join, or None where nobody is there to talk to."""
        if answered_by.startswith(("machine", "fax")):
            self.dial_over(callback_id, token, DialResult.MACHINE)
            return None
        talk = self._line.calls.talk(callback_id)
        promise = self.ledger.get(callback_id)
        if promise.mode is Mode.CUSTOMER_FIRST and talk.get("token") != token:
            return self._customer_there(promise, token, leg_id)
        if talk.get("token") != token or talk.get("agent_left"):
            self.dial_over(callback_id, token, DialResult.AGENT_GONE)
            return None
        self.ledger.dial_ended(callback_id, token, DialResult.ANSWERED)
        self._begin(promise, leg_id)
        self._line.calls.set_talk(leg_id, **talk)
        self._line.calls.set_talk(callback_id, moved_to=leg_id)
        return self._line.switchboard.caller_joins(leg_id, token)

    def _customer_there(self, promise: Callback, token: str, leg_id: str) -> dict[str, str] | None:
        """A customer who is rung first is on the line: now the agent's phone rings. Without `room` in what is returned nobody is held any
        more, and the customer waits in the queue, in the old place. None for a dial that is not the present one."""
        line = self._line
        if promise.dial_token != token:
            return None
        if line.calls.load(leg_id) is not None:
            return line.calls.talk(leg_id)  # told twice
        self.ledger.dial_ended(promise.callback_id, token, DialResult.ANSWERED)
        self._begin(promise, leg_id)
        place = promise.waiting_call()
        waited = max(0.0, line.now().timestamp() - place.arrived_at)
        wait = Wait(
            promise.queue,
            dict(promise.needs),
            rings=tuple((after, dict(needs)) for after, needs in promise.rings),
            head_start_seconds=promise.head_start_seconds,
            longest_wait_seconds=waited + LONGEST_WAIT_SECONDS,
            context=json.loads(self._context(promise)),
        )
        held = line.board.reservation(token)
        fields = {"queue": promise.queue, "context": json.dumps(wait.context), "wait": waits.to_json(wait)}
        if held is None or held.state is not AgentState.RESERVED:
            line.board.leave(promise.callback_id, "diverted")
            line.calls.set_talk(leg_id, arrived_at=str(place.arrived_at), **fields)
        else:
            room = line.switchboard.room(promise.callback_id, token)
            line.calls.set_talk(
                leg_id, arrived_at=str(place.arrived_at), room=room, token=token, waiting_id=promise.callback_id, joined="", agent_left="", **fields
            )  # fmt: skip
            line.calls.set_talk(promise.callback_id, moved_to=leg_id)
            line.switchboard.ring(held)
        return line.calls.talk(leg_id)

    def _begin(self, promise: Callback, leg_id: str) -> None:
        """The session of the call that we placed: where the first one waited, so that what follows the talk (the survey) follows here."""
        line = self._line
        first = line.calls.load(promise.call_id)
        caller = first.caller if first else Caller(CallerKind.PHONE, promise.number)
        now = line.now()
        live = line.live(first.revision if first else "")
        flow, step = _where_it_waited(live, first.queue_step if first else "", promise.queue)
        session = Session(
            call_id=leg_id,
            contact_id=promise.contact_id or promise.call_id,
            caller=caller,
            to_number=line.caller_id,
            direction="outbound",
            started_at=now,
            language=promise.language or line.language,
            revision=live.revision,
            frames=(Frame(flow, step),),
            facts=dict(first.facts) if first else {},
            intents=first.intents if first else (),
            pending_intents=first.pending_intents if first else (),
            turn=1,
        )
        arrived = Arrived(leg_id, f"arrived:{leg_id}", now, caller=caller, to_number=line.caller_id, direction="outbound")
        line.calls.commit(session, expected_turn=None, notes=arrival_notes(arrived, session, flow))

    def dial_over(self, callback_id: str, token: str, result: DialResult) -> None:
        """The dial came to nothing: the agent is free, the promise is tried again by rule."""
        before = self.ledger.get(callback_id)
        promise = self.ledger.dial_ended(callback_id, token, result)
        self._agent_free(callback_id, token)
        if before.state != promise.state:
            gave_up = promise.state == "gave_up"
            self._note(promise, "CallbackEnded", result="gave_up" if gave_up else _NOTED.get(result, str(result)))

    def leg_over(self, callback_id: str, token: str, leg_id: str, status: str) -> None:
        """The customer's leg ended, talked to or not."""
        promise = self.ledger.get(callback_id)
        if promise.dial_token == token and promise.state == "talking" and self._line.calls.load(leg_id) is not None:
            self._talk_over(promise, leg_id)
            return
        if promise.dial_token == token and promise.state == "dialling":
            self.dial_over(callback_id, token, _DIAL_ENDS.get(status, DialResult.NO_ANSWER))

    def _talk_over(self, promise: Callback, leg_id: str) -> None:
        """The customer's call is over. Who hung up before an agent came is rung again."""
        talked = any(note.kind == "Connected" for note in self._line.calls.journal(leg_id))
        result = DialResult.TALKED if talked else DialResult.ABANDONED
        after = self.ledger.dial_ended(promise.callback_id, promise.dial_token, result)
        if after.state != promise.state:
            noted = "talked" if talked else "gave_up" if after.state == "gave_up" else _NOTED[result]
            self._note(after, "CallbackEnded", result=noted)
        if not talked:
            self._line.switchboard.caller_gone(leg_id)
            self._line.calls.end_talk(promise.callback_id)

    def _ask_carrier(self, promise: Callback) -> None:
        try:
            status = self._line.carrier.status(promise.leg_id)[0] if promise.leg_id else "gone"
        except CarrierError:
            self.ledger.dial_lives(promise.callback_id)
            return
        if status in ("queued", "initiated", "ringing", "in-progress"):
            self.ledger.dial_lives(promise.callback_id)
        else:
            self.leg_over(promise.callback_id, promise.dial_token, promise.leg_id, status)

    def _agent_free(self, callback_id: str, token: str) -> None:
        """Nobody to talk to: the agent owes no wrap-up, and hears that it came to nothing."""
        line = self._line
        talk = line.calls.end_talk(callback_id)
        line.board.release(token, "lost", accepted=True)
        line.board.leave(callback_id, "diverted")
        if talk.get("agent_leg"):
            line.outbox.push("tell_agent_gone", leg_id=talk["agent_leg"], token=token, call_id=callback_id, joined=False)
        line.switchboard.offer()

    def _context(self, promise: Callback) -> str:
        return json.dumps({**promise.context, "callback": True})

    def _note(self, promise: Callback, kind: str, **fields: Any) -> None:
        """In the journal of the call that the promise came of; one that came of no call has none."""
        if not promise.call_id:
            return
        note = Note(promise.call_id, kind, self._line.now(), {"callback_id": promise.callback_id, **fields})
        self._line.calls.append(promise.call_id, [note])
        self._line.calls.ask_record(promise.call_id, ended=False)


def _where_it_waited(live: Live, queue_step: str, queue: str) -> tuple[str, str]:
    """(flow, step) that a call placed for a promise stands at: where its caller waited, else a step that waits for the promise's queue."""
    flow, _, step = queue_step.partition(".")
    flows = live.bundle.flows
    if flow in flows and step in flows[flow].steps:
        return flow, step
    entry, _ = live.entry_for("")
    for name in (entry, *flows):
        for found in flows[name].steps.values():
            if found.kind == "queue" and getattr(found, "queue", None) == queue:
                return name, found.name
    return entry, flows[entry].first


def arrival_notes(arrived: Arrived, session: Session, flow: str) -> list[Note]:
    """The journal's first line: who called whom, into which flow."""
    caller = arrived.caller
    return [
        Note(
            arrived.call_id,
            "Arrived",
            arrived.at,
            {
                "from_number": caller.number or (caller.raw if caller.kind in (CallerKind.SIP, CallerKind.CLIENT) else None),
                "caller_kind": caller.kind.value,
                "to_number": arrived.to_number,
                "direction": arrived.direction,
                "attestation": caller.attestation.value,
                "forwarded_from": arrived.forwarded_from,
                "flow": flow,
                "revision": session.revision,
                "language": session.language,
                "contact_id": session.contact_id,
            },
        )
    ]
