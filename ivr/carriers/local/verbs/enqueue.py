"""<Enqueue>: wait in a queue, hearing the wait document again and again, until somebody or something ends the wait."""

from __future__ import annotations

import asyncio

from ivr.carriers.local.conferences import INSTANT_SECONDS, STORM_BRAKE_SECONDS, carrier_music
from ivr.carriers.local.execution import DocumentFailed, Execution, LeftQueue, Page, performs
from ivr.carriers.local.legs import HungUp, Request, TakenOver
from ivr.carriers.local.line import Kind
from ivr.carriers.local.queueing import Bridge, Member, Queue
from ivr.carriers.local.twiml import Verb

WAIT_VERBS = frozenset({"Play", "Say", "Pause", "Hangup", "Redirect", "Leave", "Gather"})
ADVICE = 0  # no code of Twilio's: it would simply storm


@performs("Enqueue")
async def enqueue(execution: Execution, verb: Verb, page: Page) -> Page | None:
    """Wait; then request the action with QueueResult, or run the next verb where there is none."""
    leg = execution.leg
    queue = execution.exchange.queue(verb.text or verb.get("workflowSid"))
    assert queue is not None
    if "maxQueueSize" in verb.attributes:
        queue.most = int(verb.get("maxQueueSize"))
    if len(queue.members) >= queue.most:
        return await execution.action(verb, page, {"QueueResult": "queue-full"})
    member = queue.add(leg)
    leg.line.note(Kind.QUEUED, queue.name, queue_sid=queue.sid)
    bridged = False
    try:
        result = await _wait(execution, verb, page, queue, member)
        if isinstance(result, Bridge):
            bridged = True
            await leg.attend(result.over.wait())
            result = "bridged"
    except HungUp:
        queue.remove(member)
        execution.farewell(verb, page, _outcome("bridged" if bridged else "hangup", queue, member))
        raise
    except TakenOver:
        queue.remove(member)
        execution.farewell(verb, page, _outcome("redirected-from-bridged" if bridged else "redirected", queue, member))
        raise
    finally:
        queue.remove(member)
    return await execution.action(verb, page, _outcome(result, queue, member))


def _outcome(result: str, queue: Queue, member: Member) -> dict[str, str]:
    return {"QueueResult": result, "QueueSid": queue.sid, "QueueTime": str(round(member.leg.queue_seconds))}


async def _wait(execution: Execution, verb: Verb, page: Page, queue: Queue, member: Member) -> str | Bridge:
    """Returns how the wait ended: leave, error, or the bridge that fetched the caller (its screen document has been heard)."""
    leg = execution.leg
    music = leg.spawn(_music(execution, verb, page, queue, member), "wait music")
    try:
        await leg.attend(asyncio.wait({music, member.taken}, return_when=asyncio.FIRST_COMPLETED))
    finally:
        music.cancel()
        await asyncio.wait({music})
    if not member.taken.done():
        ended: str = music.result()
        return ended
    bridge = member.taken.result()
    if bridge.screen is not None:
        extra = {"QueueSid": queue.sid, "QueueTime": str(round(leg.queue_seconds)), "DequeingCallSid": bridge.leg.sid}
        screening = Execution(leg, allowed=frozenset({"Play", "Say", "Pause", "Redirect"}), extra=lambda: extra)
        try:
            await screening.run(bridge.screen)
        except DocumentFailed as failure:
            leg.complain(failure.code, str(failure), url=failure.address)
    bridge.ready.set()
    return bridge


async def _music(execution: Execution, verb: Verb, page: Page, queue: Queue, member: Member) -> str:
    leg = execution.leg
    if "waitUrl" not in verb.attributes:
        await carrier_music(leg)
    if not verb.get("waitUrl"):
        await asyncio.Event().wait()
    waiting = Execution(leg, allowed=WAIT_VERBS, extra=lambda: queue.fields(member))
    warned = False
    while True:
        started = execution.exchange.loop.time()
        heard = len(leg.line.entries)
        try:
            await waiting.run(Request(waiting.resolve(verb.get("waitUrl"), page), verb.get("waitUrlMethod", "POST")))
        except LeftQueue:
            return "leave"
        except DocumentFailed as failure:
            leg.complain(failure.code, str(failure), url=failure.address)
            return "error"
        except (HungUp, TakenOver):
            return "hangup"
        audible = any(entry.kind in (Kind.SAY, Kind.PLAY, Kind.PAUSE, Kind.LISTENING) for entry in leg.line.entries[heard:])
        if not audible and execution.exchange.loop.time() - started < max(INSTANT_SECONDS, STORM_BRAKE_SECONDS):
            if not warned:
                leg.complain(
                    ADVICE, "the wait document is over at once and would be requested in a storm: put a <Pause> or <Play> in it"
                )
                warned = True
            await asyncio.sleep(STORM_BRAKE_SECONDS)
