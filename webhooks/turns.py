"""One webhook of a caller's leg: read, take the turn, write, store. At most three hops from route to effect."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

from ivr.actions import Action, ChangeCallback, Continue, Join, Leave, Pause, PlaceCallback, Say, Send, Wait
from ivr.call import Arrived, CallEvent, Session, WaitEnded
from ivr.carriers.twilio import read, write
from ivr.engine import Turn, begin, take_turn
from ivr.errors import StoreUnavailable
from ivr.jobs.ending import arrived_unheard, call_over
from ivr.jobs.links import Links
from ivr.jobs.promises import arrival_notes
from ivr.jobs.recordings import is_private, surely_stopped
from ivr.jobs.switchboard import TalkEnd
from ivr.jobs.wiring import Line
from routing.model import EnterResult

TURN_SECONDS = 3.5  # of the 4 s that a caller may be left in silence
MOST_RESUMED = 3
LATE_SECONDS = 2.0
MOMENT_SECONDS = 2
TOLD_WITHIN_SECONDS = 3.0
MOST_TOLD_BEFORE_SECONDS = 120.0
MOST_LATE_SECONDS = 86_400.0
_TRIES = 3
_AT_THE_TURN = frozenset({"listen", "record", "charge", "dial", "continue"})  # answers to the document of exactly that turn
_NOT_ENTERED = {
    EnterResult.FULL: "full",
    EnterResult.CLOSED: "closed",
    EnterResult.NOBODY: "nobody",
    EnterResult.IMPOSSIBLE: "nobody",
}

Form = Mapping[str, str]


class Turns:
    """Carries out callers' webhooks on a line. Every method returns a TwiML document."""

    def __init__(self, line: Line, links: Links) -> None:
        self.line = line
        self.links = links

    # The caller's events

    def arrive(self, form: Form, call_id: str, since: str = "") -> str:
        """A call comes in (or the carrier asks again for one that did). `since`: when it was first told of, where nobody could hear then."""
        session, answer = self.line.calls.recall_turn(call_id, "arrived")
        if answer is not None:
            return answer
        if session is not None:  # known, but not by this delivery: go on where it stands
            return self._again(session, form)
        return self._start(form, call_id, delivery="arrived", at=self._first_told(since))

    def turn(self, form: Form, call_id: str, of: str, number: str) -> str:
        """What came of an action: `of` names it, `number` is the turn whose document asked for it."""
        if of in ("queue", "talk") and form.get("CallStatus") == "completed":
            # The caller hung up meanwhile. The status callback tells so; where that is lost, the carrier is asked a moment later.
            self.line.calls.expect_back(call_id, self.line.now().timestamp() + TOLD_WITHIN_SECONDS)
            return write.empty()
        delivery = f"{of}:{number}"
        at_turn = int(number) if of in _AT_THE_TURN and number.isascii() and number.isdigit() else None
        for attempt in range(_TRIES):
            session, answer = self.line.calls.recall_turn(call_id, delivery, None if attempt else at_turn)
            if answer is not None:
                return answer
            if session is None:
                return self._start(form, call_id, delivery=delivery, interrupted=True)
            # The end counts as a turn of its own: what the caller did before may be told after it.
            told_late = session.ended and of in ("record", "charge") and number == str(session.turn - 1)
            if of not in ("queue", "talk", "wait_over", "requeue") and number != str(session.turn) and not told_late:
                return self._latest(session)
            end = self.line.switchboard.talk_over(call_id) if of == "talk" else None
            if end is TalkEnd.UNKNOWN:
                return self._latest(session)
            if end is TalkEnd.VANISHED and self.line.switchboard.waits_again(session):
                document = self._back_to_queue(session, delivery)
            else:
                event = self._event(form, session, of, delivery)
                if event is None:
                    return write.empty()
                document = self.carry_out(session, event, delivery)
            if document is not None:
                return document
        return self.line.calls.answer(call_id, delivery) or self.apology()

    def wait(self, form: Form, call_id: str, delivery: str) -> str:
        """What a waiting caller hears next; also the proof that the caller is still there."""
        for _ in range(_TRIES):
            session, answer = self.line.calls.recall_turn(call_id, delivery)
            if answer is not None:
                return answer
            if session is None:
                # Nothing is known of it any more: out of the queue, to be greeted anew by the document that follows.
                return write.write((Leave(),), self.links.plain, self._audio, self.apology_text())
            if not self.line.board.alive(call_id) and not self.line.calls.talk(call_id).get("token"):
                self.line.switchboard.waits_again(session)
            self.line.calls.alive(call_id)
            # The carrier counts its own queue; ours knows priorities.
            asked = replace(read.read_wait(form, call_id, delivery, self.line.now()), position=self.line.board.position(call_id))
            document = self.carry_out(session, asked, delivery)
            if document is not None:
                return document
        return self.line.calls.answer(call_id, delivery) or self.apology()

    def join(self, form: Form, call_id: str, token: str) -> str:
        """The caller is brought to the agent's room; back to the queue where the agent is gone already."""
        session = self.line.calls.load(call_id)
        talk = self.line.switchboard.caller_joins(call_id, token) if session else None
        if session is None:
            return self._start(form, call_id, delivery=f"join:{token}", interrupted=True)
        if talk is None:
            return self.turn(form, call_id, "talk", f"{session.turn}-{token[:8]}")
        return write.write(
            (Join(talk["room"], label=f"caller-{call_id}", ends=True),),
            self._links(session),
            self._audio,
            self.apology_text(session),
        )

    def callback_answered(self, form: Form, call_id: str, callback_id: str, token: str) -> str:
        """A customer whom we rang picked up: into the agent's room, or goodbye where nobody is there."""
        talk = self.line.promises.answered(callback_id, token, call_id, form.get("AnsweredBy", ""))
        session = self.line.calls.load(call_id) if talk else None
        if talk is None or session is None:
            return write.farewell("", self.line.language)
        if "room" not in talk:  # rung first, and the agent went away meanwhile
            waits = self.line.switchboard.waits_again(session)
            return (self._back_to_queue(session, f"answered:{token}") if waits else None) or self.apology()
        starts = bool(talk.get("joined"))  # else the agent's phone rings only now
        hello = () if starts else (Say(self.line.phrase("callback_hello", session.language), session.language),)
        return write.write(
            (*hello, Join(talk["room"], label=f"caller-{call_id}", starts=starts, ends=True)),
            self._links(session),
            self._audio,
            self.apology_text(session),
        )

    def callback_status(self, form: Form, call_id: str, callback_id: str, token: str) -> None:
        """News of the customer's leg of a callback."""
        status = read.read_status(form, call_id)
        if status.over:
            self.line.promises.leg_over(callback_id, token, call_id, status.status)
        self.over(form, call_id)

    def over(self, form: Form, call_id: str) -> None:
        """News of the caller's leg; only its end changes anything."""
        status = read.read_status(form, call_id)
        if status.over:
            at = self._told_late(status)
            if self.line.calls.load(call_id) is None:
                began = (at or self.line.now()) - timedelta(seconds=status.seconds or 0.0)
                arrived_unheard(self.line, self._arrived(form, call_id, began))
            call_over(self.line, call_id, status.status, status.seconds, at=at)
        else:
            self.line.calls.alive(call_id)

    def resume(self, form: Form, call_id: str) -> str | None:
        """Go on with a call whose document could not be fetched or read; None where it is not known, is over, or fails again and again."""
        session = self.line.calls.load(call_id)
        if session is None or session.ended:
            return None
        for attempt in range(MOST_RESUMED):
            if self.line.calls.append(call_id, [], happening=f"resumed:{attempt}"):
                return self._latest(session)
        return None

    def _told_late(self, status: read.LegStatus) -> datetime | None:
        """When a call ended, where the carrier tells it late; its time has seconds only, so ours is better otherwise."""
        now = self.line.now()
        return status.at if status.at and LATE_SECONDS < (now - status.at).total_seconds() < MOST_LATE_SECONDS else None

    # How a turn is carried out

    def _first_told(self, since: str) -> datetime | None:
        now = self.line.now()
        told = datetime.fromtimestamp(float(since), UTC) if re.fullmatch(r"\d{10}\.\d{3}", since, re.ASCII) else now
        return told if 0 < (now - told).total_seconds() < MOST_TOLD_BEFORE_SECONDS else None

    def _start(self, form: Form, call_id: str, *, delivery: str, interrupted: bool = False, at: datetime | None = None) -> str:
        """The first turn of a call; `interrupted`: a call in progress that nothing is known of any more."""
        arrived = self._arrived(form, call_id, at or self.line.now())
        live = self.line.live()
        flow, language = live.entry_for(arrived.to_number)
        world = live.world(TURN_SECONDS)
        turn = self.settled(
            lambda: begin(live.bundle, flow, arrived, contact_id=call_id, revision=live.revision, world=world, language=language)
        )
        turn = replace(turn, notes=(*arrival_notes(arrived, turn.session, flow), *turn.notes))
        if interrupted:
            sorry = Say(self.line.phrase("interrupted", turn.session.language), turn.session.language)
            turn = replace(turn, actions=(sorry, *turn.actions))
        document = self.store(None, turn, arrived, delivery)
        return document or self.line.calls.answer(call_id, delivery) or self.apology()

    def _arrived(self, form: Form, call_id: str, at: datetime) -> Arrived:
        numbers = self.line.configuration.numbers
        return read.read_arrival(form, call_id, at, shared=numbers.shared, home_region=numbers.home_region)

    def carry_out(self, session: Session, event: CallEvent, delivery: str) -> str | None:
        """Take the turn and store it; None where another delivery was quicker (read again and decide anew)."""
        return self.store(session, self.settled(lambda: self._take(session, event)), event, delivery)

    def settled(self, take: Callable[[], Turn]) -> Turn:
        """A turn whose caller hears only what is true: the callback that it moves or takes back is changed first, and where that is refused
        because it is dialled in this second, the turn is taken again and says so."""
        for _ in range(_TRIES):
            turn = take()
            if all(
                self.line.promises.change(action, by="caller") for action in turn.actions if isinstance(action, ChangeCallback)
            ):
                break
        return turn

    def _take(self, session: Session, event: CallEvent) -> Turn:
        live = self.line.live(session.revision)
        return take_turn(live.bundle, session, event, live.world(TURN_SECONDS))

    def store(self, before: Session | None, turn: Turn, event: CallEvent, delivery: str) -> str | None:
        """Write the turn's document and store both; None where another delivery was quicker."""
        turn, entered = self._enter(turn, event)
        if is_private(turn.actions) and not surely_stopped(self.line, turn.session.call_id):
            moment = Say(self.line.phrase("one_moment", turn.session.language), turn.session.language)
            turn = replace(turn, actions=(moment, Pause(MOMENT_SECONDS), Continue()))  # and asked then
        leave = next((action for action in turn.actions if isinstance(action, Leave)), None)
        if leave:
            self.line.calls.set_talk(turn.session.call_id, leave_result=leave.result)
        session = turn.session.but(turn=(before.turn if before else 0) + 1)
        document = write.write(turn.actions, self._links(session), self._audio, self.apology_text(session))
        stored = self.line.calls.commit(
            session, expected_turn=before.turn if before else None, notes=turn.notes, delivery=delivery, answer=document
        )
        if not stored:
            return None
        self._after(session, turn.actions)
        if before and before.ended:  # told after the end, such as the message of a caller who hung up while speaking
            self.line.calls.ask_record(session.call_id, ended=False)
        if entered:
            self.line.switchboard.offer()
        return document

    def _enter(self, turn: Turn, event: CallEvent) -> tuple[Turn, bool]:
        """Put the caller into the queue that the turn ends in; where that is not possible the flow's exit is taken at once."""
        for _ in range(_TRIES):
            wait = turn.actions[-1] if turn.actions else None
            if not isinstance(wait, Wait):
                return turn, False
            now = self.line.now()
            entered = self.line.switchboard.enter(turn.session, wait)
            if entered.accepted:
                note = self.line.switchboard.queued_note(turn.session, wait, entered, now)
                return replace(turn, notes=(*turn.notes, note)), True
            refused = WaitEnded(
                turn.session.call_id, f"{event.event_id}:refused", now, result=_NOT_ENTERED.get(entered.result, "failed")
            )
            further = self.settled(partial(self._take, turn.session, refused))
            turn = Turn(further.session, (*turn.actions[:-1], *further.actions), (*turn.notes, *further.notes))
        return turn, False

    def _after(self, session: Session, actions: tuple[Action, ...]) -> None:
        """Carry out what has no place in a document. Text and callback are promised to the caller only once they are written down."""
        for action in actions:
            if isinstance(action, Send):
                self.line.outbox.push("send_text", call_id=session.call_id, to_number=action.to_number, text=action.text)
            elif isinstance(action, PlaceCallback):
                self.line.promises.place(session, action)

    def _event(self, form: Form, session: Session, of: str, delivery: str) -> CallEvent | None:
        """The event that a webhook stands for; None where it changes nothing."""
        now = self.line.now()
        if of == "wait_over":
            result = form.get("_result", "no_answer")
            return WaitEnded(session.call_id, delivery, now, result=result)
        event = read.read_turn(form, session.call_id, of, delivery, now)
        if of == "queue" and isinstance(event, WaitEnded):
            if event.result in ("redirected", "hung_up"):
                return None
            result = event.result
            if result == "left":
                result = self.line.calls.talk(session.call_id).get("leave_result", "left")
            self.line.switchboard.leave(session.call_id, result)
            return replace(event, result=result)
        return event

    def _back_to_queue(self, session: Session, delivery: str) -> str | None:
        """The agent vanished before the talk began: the caller waits on, in the old place."""
        queue = self.line.calls.talk(session.call_id).get("queue", "")
        again = session.but(turn=session.turn + 1)
        sorry = Say(self.line.phrase("agent_lost", session.language), session.language)
        document = write.write((sorry, Wait(queue)), self._links(again), self._audio, self.apology_text(session))
        stored = self.line.calls.commit(again, expected_turn=session.turn, delivery=delivery, answer=document)
        return document if stored else None

    def _again(self, session: Session, form: Form) -> str:
        """The carrier starts a known call anew (its own retry after an error): go on politely where it stands."""
        return self.turn(form, session.call_id, "continue", str(session.turn))

    def _latest(self, session: Session) -> str:
        """A late or repeated answer to an older document: come back for the present one."""
        return self.turn({}, session.call_id, "continue", str(session.turn))

    # What documents are made of

    def _links(self, session: Session) -> Callable[[str], str]:
        def link(of: str) -> str:
            call, number = session.call_id, session.turn
            if of == "wait":
                return self.links.sealed("/voice/wait", call, turn=number)
            if of == "room":
                return self.links.sealed("/voice/room", call, call_id=call)
            if of == "recording":
                return self.links.sealed("/voice/recording", call)
            if of == "hold":
                return self.links.plain("/voice/hold")
            return self.links.sealed("/voice/turn", call, of=of, turn=number)

        return link

    def _audio(self, name: str) -> str | None:
        if name.startswith(("http://", "https://")):
            return name
        return self.links.plain(f"/audio/{name}") if self.line.has_audio(name) else None

    def apology_text(self, session: Session | None = None) -> str:
        return self.line.phrase("apology", session.language if session else None)

    def apology(self) -> str:
        """The document for when nothing else works."""
        return write.last_words(self.apology_text(), self.line.settings.fallback_number)

    def context_of(self, call_id: str) -> dict[str, object]:
        """What the agent shall know about a waiting caller."""
        try:
            found: dict[str, object] = json.loads(self.line.calls.talk(call_id).get("context") or "{}")
        except (StoreUnavailable, ValueError):
            return {}
        return found
