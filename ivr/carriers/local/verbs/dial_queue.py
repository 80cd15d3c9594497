"""<Dial><Queue>: fetch the caller who waits longest."""

from __future__ import annotations

import asyncio

from ivr.carriers.local.execution import Execution, Page
from ivr.carriers.local.legs import HungUp, Request, TakenOver
from ivr.carriers.local.line import Kind, PairMixer
from ivr.carriers.local.queueing import Bridge, Member, Queue
from ivr.carriers.local.twiml import Verb

DEFAULT_TIMEOUT_SECONDS = 30.0


async def dial_queue(execution: Execution, verb: Verb, noun: Verb, page: Page) -> dict[str, str]:
    """Wait for a caller, talk; returns the action's fields. An unknown queue is an error status at once."""
    leg, exchange = execution.leg, execution.exchange
    queue = exchange.queue(noun.text, make=False)
    if queue is None:
        leg.complain(13230, f"no queue {noun.text!r}: queues exist once somebody waited in them", url=page.address)
        return {"DialCallStatus": "failed", "DialBridged": "false"}
    try:
        async with asyncio.timeout(exchange.pace.real_seconds(verb.seconds("timeout", DEFAULT_TIMEOUT_SECONDS))):
            member = await leg.attend(queue.front())
    except TimeoutError:
        return {"DialCallStatus": "no-answer", "DialBridged": "false"}
    screen = Request(execution.resolve(noun.get("url"), page), noun.get("method", "POST")) if noun.get("url") else None
    return await _talk(execution, queue, member, Bridge(leg, screen))


async def _talk(execution: Execution, queue: Queue, member: Member, bridge: Bridge) -> dict[str, str]:
    leg, caller = execution.leg, member.leg
    queue.remove(member)
    member.taken.set_result(bridge)
    gone = asyncio.ensure_future(caller.interrupted())
    ready = asyncio.ensure_future(bridge.ready.wait())
    bridged = False
    try:
        await leg.attend(asyncio.wait({gone, ready}, return_when=asyncio.FIRST_COMPLETED))
        if bridge.ready.is_set() and caller.live:
            bridged = True
            pair = PairMixer(leg.line, caller.line)
            leg.line.connect(pair)
            caller.line.connect(pair)
            talks = [(line, line.note(Kind.TALK, queue.name, lasting=True)) for line in (leg.line, caller.line)]
            try:
                await leg.attend(asyncio.shield(gone))
            finally:
                for line, talk in talks:
                    if not line.ended:
                        line.connect(None)
                    line.close(talk)
    except (HungUp, TakenOver):
        bridge.over.set()
        raise
    finally:
        gone.cancel()
        ready.cancel()
        bridge.over.set()
    return {
        "DialCallStatus": "completed",
        "DialCallSid": caller.sid,
        "DialCallDuration": str(caller.talk_seconds),
        "DialBridged": str(bridged).lower(),
    }
