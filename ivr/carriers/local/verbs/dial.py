"""<Dial> to people: Number, Client and Sip, up to ten at once; screening, bridging, and the action's result."""

from __future__ import annotations

import asyncio

from ivr.carriers.local.execution import DocumentFailed, Execution, LeftQueue, Page, performs, steer
from ivr.carriers.local.legs import HungUp, Leg, Request, Status, TakenOver
from ivr.carriers.local.line import Kind, Listener, PairMixer
from ivr.carriers.local.twiml import Verb
from ivr.carriers.local.verbs.dial_conference import dial_conference
from ivr.carriers.local.verbs.dial_queue import dial_queue

SCREEN_VERBS = frozenset({"Say", "Play", "Pause", "Gather", "Hangup", "Redirect"})
DEFAULT_RING_SECONDS = 30.0
DEFAULT_LIMIT_SECONDS = 14_400.0


@performs("Dial")
async def dial(execution: Execution, verb: Verb, page: Page) -> Page | None:
    """Connect the leg with somebody; then the action, or the next verb where there is none."""
    nouns = verb.children or ((Verb("Number", text=verb.text),) if verb.text else ())
    if not nouns:
        raise DocumentFailed(13201, "<Dial> with nobody to dial", page.address)
    if nouns[0].name == "Conference":
        fields = await dial_conference(execution, verb, nouns[0], page)
    elif nouns[0].name == "Queue":
        fields = await dial_queue(execution, verb, nouns[0], page)
    else:
        fields = await _dial_people(execution, verb, nouns, page)
    return await execution.action(verb, page, fields)


async def _dial_people(execution: Execution, verb: Verb, nouns: tuple[Verb, ...], page: Page) -> dict[str, str]:
    leg, exchange = execution.leg, execution.exchange
    shown = verb.get("callerId") or leg.from_number
    if shown not in (leg.from_number, leg.to_number) and not exchange.may_show(shown):
        leg.complain(13214, f"callerId {shown!r} is neither the call's nor the account's nor verified", url=page.address)
        return {"DialCallStatus": "failed", "DialBridged": "false"}
    children = [
        exchange.call_out(
            _address(noun),
            shown,
            direction="outbound-dial",
            parent=leg,
            callback=execution.callback(noun, "statusCallback", page, "completed"),
        )
        for noun in nouns
    ]
    ring_seconds = verb.seconds("timeout", DEFAULT_RING_SECONDS)
    hunting = leg.spawn(_hunt(execution, verb, list(zip(children, nouns, strict=True)), ring_seconds, page), "dial")
    ringback = leg.line.note(Kind.RINGBACK, verb.get("ringTone"), lasting=True)
    try:
        await leg.attend(asyncio.shield(hunting))
        accepted = hunting.result()
        leg.line.close(ringback)
        if accepted is None:
            return _unbridged(children)
        for child in children:
            if child is not accepted:
                child.hang_up("service")
        return await _bridge(execution, verb, accepted, page)
    except (HungUp, TakenOver) as gone:
        for child in children:
            child.hang_up("service" if isinstance(gone, TakenOver) else "caller")
        if isinstance(gone, HungUp):
            fields = _unbridged(children) if not hunting.done() else _bridged(hunting.result())
            if fields.get("DialBridged") == "false" and not any(child.answered_at for child in children):
                fields["DialCallStatus"] = exchange.switches.unanswered_dial_status
            execution.farewell(verb, page, fields)
        raise
    finally:
        hunting.cancel()
        leg.line.close(ringback)


def _address(noun: Verb) -> str:
    if noun.name == "Client":
        identity = next((child.text for child in noun.children if child.name == "Identity"), noun.text)
        return f"client:{identity}"
    return noun.text


async def _hunt(execution: Execution, verb: Verb, targets: list[tuple[Leg, Verb]], ring_seconds: float, page: Page) -> Leg | None:
    """Ring everybody (or one after another); returns the first leg that accepts."""
    if verb.yes("sequential"):
        for child, noun in targets:
            if await _try(child, noun, ring_seconds, execution, page):
                return child
        return None
    tasks = {child.spawn(_try(child, noun, ring_seconds, execution, page), "ringing"): child for child, noun in targets}
    try:
        for finished in asyncio.as_completed(tasks):
            await finished
            for task, child in tasks.items():
                if task.done() and not task.cancelled() and task.result():
                    return child
        return None
    finally:
        for task in tasks:
            task.cancel()


async def _try(child: Leg, noun: Verb, ring_seconds: float, execution: Execution, page: Page) -> bool:
    """Ring one; after the answer its screening document decides. The document's end accepts, <Hangup> declines."""
    child.ring()
    if not await child.picked_up(ring_seconds):
        return False
    if not noun.get("url"):
        return True
    screening = Execution(child, allowed=SCREEN_VERBS, nesting_code=13201)
    try:
        await screening.run(Request(execution.resolve(noun.get("url"), page), noun.get("method", "POST")))
    except DocumentFailed as failure:
        child.complain(failure.code, str(failure), url=failure.address)
        child.end(Status.COMPLETED, "carrier")
        return False
    except (HungUp, LeftQueue):
        return False
    except TakenOver as taken:
        _let_go(child, taken)
        return False
    return child.live


def _let_go(child: Leg, taken: TakenOver) -> None:
    """A child with another document lives on by itself."""
    child.resume()
    child.steered = True
    child.spawn(steer(child, taken.request), "documents")


async def _bridge(execution: Execution, verb: Verb, child: Leg, page: Page) -> dict[str, str]:
    leg, exchange = execution.leg, execution.exchange
    if leg.status is Status.RINGING:
        leg.answer()
    pair = PairMixer(leg.line, child.line)
    leg.line.connect(pair)
    child.line.connect(pair)
    talks = [(line, line.note(Kind.TALK, "", lasting=True)) for line in (leg.line, child.line)]
    recording = None
    if verb.get("record", "do-not-record") not in ("do-not-record", "false"):
        recording = exchange.start_recording(
            leg,
            "DialVerb",
            channels=2 if verb.get("record").endswith("dual") else 1,
            callback=execution.callback(verb, "recordingStatusCallback", page, "completed"),
        )
    star = Listener(keys=True, speech=False) if verb.yes("hangupOnStar") else None
    leg.line.listen(star)
    waits = [asyncio.ensure_future(child.interrupted()), asyncio.ensure_future(_star(star))]
    try:
        limit = exchange.pace.real_seconds(verb.seconds("timeLimit", DEFAULT_LIMIT_SECONDS))
        await leg.attend(asyncio.wait(waits, timeout=limit, return_when=asyncio.FIRST_COMPLETED))
    finally:
        for waiting in waits:
            waiting.cancel()
        leg.line.listen(None)
        for line, talk in talks:
            if not line.ended:
                line.connect(None)
            line.close(talk)
        if recording:
            recording.end()
    fields = _bridged(child)
    if recording:
        fields["RecordingUrl"] = recording.url
    if isinstance(child.interruption, TakenOver):
        _let_go(child, child.interruption)
        del fields["DialCallDuration"]
    else:
        child.hang_up("service")
    return fields


async def _star(listener: Listener | None) -> None:
    """Returns when the caller presses the star, where that ends the dialled call."""
    await (listener.star() if listener else asyncio.Event().wait())


def _bridged(child: Leg | None) -> dict[str, str]:
    assert child is not None
    return {
        "DialCallStatus": "completed",
        "DialCallSid": child.sid,
        "DialCallDuration": str(child.talk_seconds),
        "DialBridged": "true",
    }


def _unbridged(children: list[Leg]) -> dict[str, str]:
    """Nobody talked. An answered leg (declined, or a machine) still counts as completed."""
    told = next((child for child in children if child.answered_at), children[-1])
    statuses = {child.status for child in children}
    status = next((status for status in (Status.BUSY, Status.NO_ANSWER, Status.FAILED) if status in statuses), Status.NO_ANSWER)
    fields = {
        "DialCallStatus": "completed" if told.answered_at else status.value,
        "DialCallSid": told.sid,
        "DialBridged": "false",
    }
    return {**fields, "DialCallDuration": str(told.talk_seconds)} if told.answered_at else fields
