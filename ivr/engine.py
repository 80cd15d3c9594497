"""One event in, one turn out: a call goes through its flow. Pure: everything from outside comes in through `world`.

`begin` takes an arriving call, `take_turn` everything afterwards. Neither raises, and the last action always ends the turn:
whatever breaks inside a step is noted, apologised for, and the caller is taken to a person, to voicemail or to an honest goodbye.
"""

from __future__ import annotations

import traceback
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from ivr.actions import Charge, Continue, Dial, Hangup, Join, Leave, Listen, Record, Wait
from ivr.call import Arrived, CallEvent, Charged, Continued, Ended, Frame, Recorded, Session
from ivr.dialogue import goals
from ivr.dialogue.handing_over import customer_name
from ivr.dialogue.progress import Progress, Turn, closest_language
from ivr.dialogue.questions import person_from
from ivr.dialogue.steps import LiveStep
from ivr.dialogue.ways import RETURN, Go, RunFlow, Stay, Way, voicemail_of
from ivr.language.bundle import Bundle
from ivr.notes import Note
from ivr.world import LookUp, World

__all__ = ["MOST_STEPS_A_CALL", "MOST_STEPS_A_TURN", "Turn", "begin", "take_turn"]

MOST_STEPS_A_TURN = 60
MOST_STEPS_A_CALL = 1000
DEEPEST_RUN = 10
FACTS_WITHIN_SECONDS = 1.0
"""A caller hears ringing meanwhile; without an answer by then the call goes on without the fact."""
BUILT_IN_LEARNED = ("caller", "today")
"""Built-in facts of which the world may know more than the carrier told."""
TURN_ENDING = (Listen, Record, Charge, Wait, Join, Dial, Continue, Leave, Hangup)


def begin(
    bundle: Bundle,
    flow_name: str,
    event: Arrived,
    *,
    contact_id: str,
    revision: str,
    world: World,
    language: str | None = None,
) -> Turn:
    """The first turn of a call: its facts, its language, and the flow up to the first question.

    `language` is that of the number dialled; the caller's own (customer.language) comes before it, the flow's first one after it.
    """
    flow = bundle.flows.get(flow_name)
    languages = flow.languages if flow else ("en-GB",)
    spoken = closest_language(language, languages) if language else None
    session = Session(
        call_id=event.call_id,
        contact_id=contact_id,
        caller=event.caller,
        to_number=event.to_number,
        direction=event.direction,
        started_at=event.at,
        language=spoken or languages[0],
        revision=revision,
        frames=(Frame(flow_name, flow.first if flow else ""),),
    )
    progress = Progress(bundle, session, event, world)
    return _walk(progress, lambda: _arrive(progress))


def take_turn(bundle: Bundle, session: Session, event: CallEvent, world: World) -> Turn:
    """What `event` leads to. Repeated, late and meaningless events are harmless: the caller hears the last question again."""
    progress = Progress(bundle, session, event, world)
    if isinstance(event, Ended):
        return _hung_up(progress)
    if session.ended:
        return _after_the_end(progress, event)
    return _walk(
        progress,
        lambda: _rest(progress).take(
            progress, Continued(event.call_id, event.event_id, event.at) if isinstance(event, Arrived) else event
        ),
    )


def _after_the_end(progress: Progress, event: CallEvent) -> Turn:
    """A carrier may tell of a message or a payment after it told of the end: that is written down, and nothing else happens."""
    session = progress.session
    notes: tuple[Note, ...] = ()
    if isinstance(event, Recorded | Charged):
        walked = _walk(progress, lambda: _rest(progress).take(progress, event))
        notes = tuple(note for note in walked.notes if note.kind in ("VoicemailLeft", "Charged"))
    return Turn(session.but(turn=session.turn + 1), (Hangup(),), notes, ())


def _walk(progress: Progress, first: Any) -> Turn:
    """Follow the way until the turn is over; whatever raises becomes a polite way out."""
    way: Way | None = None
    while not isinstance(way, Stay):
        try:
            way = first() if way is None else _follow(progress, way)
        except Exception as error:  # noqa: BLE001  a caller is on the line: a broken step must not end the call
            way = _broken(progress, error)
    turn = progress.turn()
    if turn.actions and isinstance(turn.actions[-1], TURN_ENDING):
        return turn
    return replace(turn, actions=(*turn.actions, Hangup()))


def _arrive(progress: Progress) -> Way:
    flow = progress.flow
    _learn(progress, (*flow.facts, *BUILT_IN_LEARNED))
    customer = progress.kept.get("customer", {})
    if customer.get("known"):
        progress.note(
            "Recognised",
            customer_id=_text(customer.get("id") or customer.get("customer_id")),
            customer_name=customer_name(customer),
            segment=_text(customer.get("segment") or customer.get("tier")),
            language=_text(customer.get("language")),
            method="number",
        )
        if customer.get("language"):
            own = closest_language(str(customer["language"]), flow.languages)
            progress.session = progress.session.but(language=own or progress.session.language)
    progress.note("LanguageSet", language=progress.session.language)
    return Go(flow.first)


def _learn(progress: Progress, wanted: tuple[str, ...]) -> None:
    """Fetch facts about the caller; those that cannot be had are simply not known."""
    if not wanted:
        return
    found = progress.world.facts_of(progress.session.caller, wanted, FACTS_WITHIN_SECONDS)
    for name in wanted:
        answer = found.get(name, LookUp("not_found"))
        if name not in BUILT_IN_LEARNED:
            progress.note("LookedUp", connector=name, result=answer.result, ms=round(answer.ms, 1), cached=answer.cached)
            progress.kept[name] = (
                {**answer.fields, "known": True} if answer.result == "found" else {**answer.fields, "known": False}
            )
            if name == "customer":
                progress.kept[name]["identified"] = False
        elif answer.fields:
            progress.kept[name] = dict(answer.fields)


def _follow(progress: Progress, way: Way) -> Way:
    by = "" if isinstance(way, Stay) else way.by
    if by:
        progress.ways.append((progress.session.frame.flow, progress.session.frame.step, by))
    if isinstance(way, RunFlow):
        return _run(progress, way)
    if isinstance(way, Go) and way.step is not None and way.step != RETURN:
        return _enter(progress, way.step)
    return _flow_over(progress)


def _enter(progress: Progress, name: str) -> Way:
    if progress.steps_taken >= MOST_STEPS_A_TURN:
        raise RuntimeError("too many steps in one turn")
    if progress.session.steps + progress.steps_taken >= MOST_STEPS_A_CALL:
        raise RuntimeError("too many steps in one call")
    progress.steps_taken += 1
    progress.session = progress.session.but(frames=(*progress.session.frames[:-1], Frame(progress.session.frame.flow, name)))
    progress.memory.clear()
    step = _rest(progress)
    visit = progress.visits[progress.place] = progress.visits.get(progress.place, 0) + 1
    progress.note("StepEntered", flow=progress.session.frame.flow, step=name, kind=step.kind, visit=visit)
    return step.enter(progress)


def _rest(progress: Progress) -> LiveStep:
    step = progress.step
    if not isinstance(step, LiveStep):
        raise TypeError(f"{type(step).__name__} has no behaviour")
    return step


def _run(progress: Progress, way: RunFlow) -> Way:
    frames = progress.session.frames
    if len(frames) >= DEEPEST_RUN:
        raise RecursionError("too many flows inside each other")
    flow = progress.bundle.flows[way.flow]
    here = Frame(frames[-1].flow, frames[-1].step, way.resume or RETURN)
    progress.session = progress.session.but(frames=(*frames[:-1], here, Frame(flow.name, flow.first)))
    _learn(progress, tuple(name for name in flow.facts if name not in progress.kept))
    return Go(flow.first)


def _flow_over(progress: Progress) -> Way:
    """The flow is at its end: back to the one that ran it, or goodbye."""
    frames = progress.session.frames[:-1]
    if frames:
        progress.session = progress.session.but(frames=frames)
        return Go(frames[-1].resume)
    if progress.goal.get("told"):
        goals.concluded(progress, confirmed=None)
    progress.phrase("goodbye")
    progress.left("hangup")
    return progress.finish(Hangup())


def _hung_up(progress: Progress) -> Turn:
    if progress.goal.get("told"):
        goals.concluded(progress, confirmed=None)
    resting = progress.bundle.flows.get(progress.session.frame.flow)
    step = resting.steps.get(progress.session.frame.step) if resting else None
    progress.left("handed_over" if step is not None and step.kind == "transfer" else "hung_up_by_caller")
    progress.finish(Hangup())
    return progress.turn()


def _broken(progress: Progress, error: Exception) -> Way:
    """Something inside broke: note it, apologise, and take the caller to a person, then to voicemail, then say goodbye."""
    session = progress.session
    progress.note("Failed", where=progress.place, error=_told_error(error))
    progress.session = session.but(failures=session.failures + 1)
    progress.forget_actions()
    broken = frozenset({session.frame.step})
    failures = progress.session.failures
    flow = progress.bundle.flows.get(session.frame.flow)
    if flow is not None and progress.session.steps + progress.steps_taken < MOST_STEPS_A_CALL:
        progress.steps_taken = min(progress.steps_taken, MOST_STEPS_A_TURN - 5)
        if failures <= 2:
            way = person_from(progress, broken)
            if way is not None:
                progress.phrase("apology_person")
                return way
        voicemail = voicemail_of(flow)
        if failures <= 4 and voicemail is not None and voicemail not in broken:
            progress.phrase("apology")
            return Go(voicemail)
    progress.phrase("apology_end")
    progress.left("failed")
    return progress.finish(Hangup())


def _told_error(error: Exception) -> str:
    """Kind and place of an error, without its text, which may hold what the caller said."""
    last = traceback.extract_tb(error.__traceback__)[-1:]
    place = "".join(f" at {PurePath(frame.filename).name}:{frame.lineno}" for frame in last)
    return f"{type(error).__name__}{place}"


def _text(value: object) -> str | None:
    return None if value is None else str(value)
