"""`compute_record`: a journal in, a call record out. Pure: the same notes give the same record, whatever their order of arrival."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ivr.errors import RecordError
from ivr.notes import Note
from ivr.records.record import CallRecord, Excluded, Issue, Leg, Outcome, Rules, SurveyAnswer, Visit, VisitResult
from ivr.records.talking import Ends, open_offer, read_legs, read_outside, read_visits, seconds_between

_SELF_SERVICE_STEPS = frozenset({"menu", "ask", "answer", "lookup", "pay", "identify"})
_GAVE_UP = frozenset({"Silence", "NotUnderstood"})
_YES = frozenset({"yes", "true", "1", "sí", "si"})
_NO = frozenset({"no", "false", "2", "0"})


def compute_record(notes: Sequence[Note], rules: Rules | None = None) -> CallRecord:
    """The record of the call that `notes` belong to. Raises RecordError where the arrival is missing or two calls are mixed."""
    rules = rules or Rules()
    if len({n.call_id for n in notes}) > 1:
        raise RecordError("a record is computed from one call's journal; these notes are of several calls")
    # `at` first: notes of two processes may be written in another order than they happened.
    ordered = sorted(notes, key=lambda n: (n.at, n.seq))
    arrived = next((n for n in ordered if n.kind == "Arrived"), None)
    if arrived is None:
        raise RecordError(f"the journal of call {notes[0].call_id if notes else '?'} has no Arrived note")
    ends = Ends.of(ordered)
    legs = read_legs(ordered, ends, rules)
    visits = read_visits(ordered, ends)
    end = ends.last
    ended_at = max(end.at, arrived.at) if end else None
    first_leg = legs[0] if legs else None
    answered_at = first_leg.answered_at if first_leg else None
    queued_at = visits[0].queued_at if visits else None
    waits = [v for v in visits if answered_at is None or v.queued_at <= answered_at]
    ringing = open_offer(ordered, ended_at) if ended_at and not legs else None
    outcome, where = _outcome(ordered, legs, visits, ended_at is not None, ringing is not None, end)
    who = _who(ordered, arrived, rules)
    wishes = _wishes(ordered)
    intents = tuple(dict.fromkeys(str(n.data["intent"]) for n in wishes if n.kind != "GoalReached"))
    issues = _issues(wishes, visits, rules)
    survey = _survey(ordered)
    goals = _goals(ordered)
    asked = bool(
        intents
        or visits
        or legs
        or goals
        or any(n.kind in ("VoicemailLeft", "TransferStarted", "Answered", "Charged") for n in ordered)
    )
    contact_id = str(arrived.data.get("contact_id") or arrived.call_id)
    direction = str(arrived.data.get("direction") or "inbound")
    return CallRecord(
        call_id=arrived.call_id,
        contact_id=contact_id,
        direction=direction,
        attestation=arrived.data.get("attestation"),
        to_number=arrived.data.get("to_number"),
        **who,
        flow=arrived.data.get("flow"),
        revision=_text(arrived.data.get("revision")),
        intents=intents,
        intent=next((i.intent for i in issues if not i.topic.startswith("queue:")), intents[0] if intents else None),
        entity=next((i.entity for i in issues if i.entity), None),
        model=_text(_last(ordered, "Understood", "model")),
        queue=(first_leg.queue if first_leg and first_leg.queue else None) or (visits[-1].queue if visits else None),
        agent=first_leg.agent if first_leg else None,
        team=first_leg.team if first_leg else None,
        started_at=arrived.at,
        queued_at=queued_at,
        answered_at=answered_at,
        ended_at=ended_at,
        menu_seconds=seconds_between(arrived.at, queued_at or answered_at or ended_at),
        queue_seconds=round(sum(v.waited_seconds for v in waits), 3),
        ring_seconds=first_leg.ring_seconds if first_leg else seconds_between(ringing.at if ringing else None, ended_at),
        outcome=outcome,
        abandoned_where=where,
        ended_by=end.data.get("ended_by") if end else None,
        transfers=len(_transfers(ordered, legs)),
        transferred_inside=bool({"agent", "queue"} & set(_transfers(ordered, legs).values())),
        by_callback=bool(answered_at and any(n.kind == "CallbackDialled" and n.at <= answered_at for n in ordered))
        or direction == "outbound",
        disposition=next((leg.disposition for leg in reversed(legs) if leg.disposition), None),
        resolved=next((leg.resolved for leg in reversed(legs) if leg.resolved is not None), None),
        survey=survey,
        survey_offered=bool(survey) or _was_asked(ordered),
        recording=_recording(ordered),
        asked=asked,
        self_service=any(n.data.get("kind") in _SELF_SERVICE_STEPS for n in _of(ordered, "StepEntered")),
        goal_confirmed=any(g for g in goals),
        reasked=sum(1 for _ in _of(ordered, "Reasked")),
        excluded=_excluded(arrived.call_id, contact_id, direction, who, asked, rules),
        legs=legs,
        visits=visits,
        issues=issues,
        outside=read_outside(ordered, ends),
    )


def _of(notes: Iterable[Note], kind: str) -> Iterable[Note]:
    return (n for n in notes if n.kind == kind)


def _last(notes: Sequence[Note], kind: str, name: str) -> Any:
    return next((n.data[name] for n in reversed(notes) if n.kind == kind and n.data.get(name) is not None), None)


def _text(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)


def _who(notes: Sequence[Note], arrived: Note, rules: Rules) -> dict[str, Any]:
    """Who called: number, customer, and the person that repeats are counted for."""
    number = _text(arrived.data.get("from_number"))
    kind = str(arrived.data.get("caller_kind") or ("phone" if number else "withheld"))
    customer = _text(_last(notes, "Recognised", "customer_id"))
    person = None
    if customer:
        person = f"customer:{customer}"
    elif number and kind in ("phone", "sip", "client") and number not in rules.shared_numbers:
        person = f"number:{number}"
    return {
        "from_number": number,
        "caller_kind": kind,
        "customer_id": customer,
        "customer_name": _text(_last(notes, "Recognised", "customer_name")),
        "segment": _text(_last(notes, "Recognised", "segment")),
        "language": _text(
            _last(notes, "LanguageSet", "language") or _last(notes, "Recognised", "language") or arrived.data.get("language")
        ),
        "person": person,
    }


def _excluded(call_id: str, contact_id: str, direction: str, who: dict[str, Any], asked: bool, rules: Rules) -> Excluded | None:
    if contact_id != call_id:
        return Excluded.FOLLOW_UP
    if direction == "outbound":
        return Excluded.OUTBOUND
    if who["person"] is None:
        return Excluded.SHARED_NUMBER if who["from_number"] in rules.shared_numbers else Excluded.WITHHELD_NUMBER
    return None if asked else Excluded.NO_REQUEST


def _entity(value: Any) -> str:
    """An entity as text: `{"order": "12345"}` and "12345" are the same thing."""
    if isinstance(value, dict):
        return "/".join(_entity(v) for _, v in sorted(value.items()) if v not in (None, ""))
    return "" if value is None else str(value).strip().casefold()


def _wishes(notes: Sequence[Note]) -> list[Note]:
    """What tells of an intent: one that was understood, one heard beside it (unless the caller turned it down), a goal reached."""
    wanted = {str(n.data.get("intent")): n.data.get("wanted") is True for n in _of(notes, "AlsoWanted")}
    return [
        n
        for n in notes
        if n.data.get("intent")
        and (n.kind in ("Understood", "GoalReached") or (n.kind == "AlsoWanted" and wanted[str(n.data["intent"])]))
    ]


def _issues(wishes: Sequence[Note], visits: Sequence[Visit], rules: Rules) -> tuple[Issue, ...]:
    """What the call was about. A goal reached later may tell which order an intent was about."""
    entities: dict[str, str] = {}
    for note in wishes:
        intent = str(note.data["intent"])
        if intent not in rules.not_issues:
            entities[intent] = _entity(note.data.get("entity")) or entities.get(intent, "")
    found = {(rules.topics.get(intent, intent), entity): intent for intent, entity in reversed(entities.items())}
    issues = tuple(Issue(topic, entity, intent) for (topic, entity), intent in reversed(found.items()))
    if not issues and visits:  # nothing was said, but a queue was chosen
        issues = (Issue(f"queue:{visits[0].queue}", "", ""),)
    return issues


def _goals(notes: Sequence[Note]) -> list[bool]:
    """One entry per goal reached in self-service: whether the caller confirmed that it was what they wanted."""
    goals: list[bool] = []
    for note in notes:
        if note.kind == "GoalReached":
            goals.append(note.data.get("confirmed") is True)
        elif note.kind == "Answered" and note.data.get("helped") is not False:
            goals.append(note.data.get("helped") is True)
        elif (note.kind == "Charged" and note.data.get("result") == "paid") or (
            note.kind == "Dequeued" and note.data.get("result") == "solved"
        ):
            goals.append(True)
    return goals


def _survey(notes: Sequence[Note]) -> tuple[SurveyAnswer, ...]:
    """The last answer to each question: a caller who presses again means the second."""
    answers: dict[str, SurveyAnswer] = {}
    for note in _of(notes, "Surveyed"):
        data = note.data
        answer = SurveyAnswer(
            str(data.get("question")),
            _text(data.get("answer")),
            _text(data.get("scale")),
            _text(data.get("direction")),
            _text(data.get("mode")),
            note.at,
        )
        if answer.answer is not None or answer.question not in answers:
            answers[answer.question] = answer
    return tuple(answers.values())


def _was_asked(notes: Sequence[Note]) -> bool:
    """True where the caller was asked for a rating: by a step of the call, or by a text after it that is not known to have been lost."""
    kinds = {note.kind for note in notes}
    by_text = "SurveyAsked" in kinds and "SurveyUndelivered" not in kinds
    return by_text or any(note.data.get("kind") == "rate" for note in _of(notes, "StepEntered"))


def said_yes(answer: str | None) -> bool | None:
    """A caller's answer to "is it solved?"; None where it is neither."""
    word = (answer or "").strip().lower()
    return True if word in _YES else False if word in _NO else None


def _recording(notes: Sequence[Note]) -> dict[str, Any] | None:
    for kind in ("RecordingKept", "VoicemailLeft"):
        note = next(iter(_of(notes, kind)), None)
        if note is not None:
            return {
                "kind": "call" if kind == "RecordingKept" else "voicemail",
                "url": note.data.get("url"),
                "seconds": note.data.get("seconds"),
            }
    return None


def _transfers(notes: Sequence[Note], legs: Sequence[Leg]) -> dict[str, str]:
    """Leg -> kind of target, of transfers by agents that were carried out."""
    started = {
        str(n.data.get("leg_id")): str(n.data.get("to_kind")) for n in _of(notes, "TransferStarted") if n.data.get("agent")
    }
    done = {str(n.data.get("leg_id")) for n in _of(notes, "TransferEnded") if n.data.get("result") == "completed"}
    done |= {str(leg.leg_id) for leg in legs if leg.ended == "transferred"}
    return {
        leg_id: started.get(leg_id, "agent")
        for leg_id in sorted(done)
        if leg_id in started or leg_id in {str(leg.leg_id) for leg in legs}
    }


def _outcome(
    notes: Sequence[Note], legs: Sequence[Leg], visits: Sequence[Visit], over: bool, ringing: bool, end: Note | None
) -> tuple[Outcome, str | None]:
    """The outcome and, for an abandoned call, where: the strongest thing that happened to the caller decides."""
    if legs:
        on_hold = _left_on_hold(notes, end)
        return Outcome.ANSWERED, "hold" if on_hold else None
    last_visit = visits[-1] if visits else None
    if any(n.kind == "CallbackPlaced" for n in notes) and not any(
        n.kind == "CallbackEnded" and n.data.get("result") == "cancelled" for n in notes
    ):
        return Outcome.CALLBACK_REQUESTED, None
    if any(n.kind == "VoicemailLeft" for n in notes):
        return Outcome.VOICEMAIL, None
    if any(n.kind == "TransferEnded" and n.data.get("result") == "completed" for n in notes):
        return Outcome.TRANSFERRED_OUT, None
    if last_visit is not None and last_visit.result is VisitResult.ABANDONED:
        return (Outcome.ABANDONED_WHILE_RINGING, "ringing") if ringing else (Outcome.ABANDONED_IN_QUEUE, "queue")
    if _goals(notes):
        return Outcome.SELF_SERVED, None
    if any(v.cause in ("closed", "nobody") for v in visits):
        return Outcome.CLOSED, None
    left = next((n for n in reversed(notes) if n.kind == "LeftFlow"), None)
    by_caller = (end is not None and end.data.get("ended_by") == "caller") or (
        left is not None and left.data.get("reason") == "hung_up_by_caller"
    )
    broken = any(n.kind == "Failed" for n in notes) or (left is not None and left.data.get("reason") == "failed")
    unreached = end is not None and end.data.get("status") in ("failed", "busy", "no-answer", "canceled")
    if not by_caller and (broken or unreached):
        return Outcome.FAILED, None
    if last_visit is not None and last_visit.result is VisitResult.WAITING:
        return Outcome.ABANDONED_IN_QUEUE, "queue"
    if over and not by_caller and not _gave_up(notes) and left is not None and left.data.get("reason") == "hangup":
        return Outcome.SELF_SERVED, None  # the flow said all it had to say, and rang off
    return Outcome.ABANDONED_IN_MENU, "menu"


def _gave_up(notes: Sequence[Note]) -> bool:
    """True where the last thing heard of the caller was silence or nothing that was understood."""
    word = next(
        (n.kind for n in reversed(notes) if n.kind in _GAVE_UP or n.kind in ("Understood", "SlotFilled", "GoalReached", "Heard")),
        None,
    )
    return word in _GAVE_UP


def _left_on_hold(notes: Sequence[Note], end: Note | None) -> bool:
    """True where the caller hung up while on hold."""
    if end is None or end.data.get("ended_by") != "caller":
        return False
    talk = (n.kind for n in reversed(notes) if n.kind in ("HoldStarted", "HoldEnded", "Connected") and n.at < end.at)
    return next(talk, None) == "HoldStarted"
