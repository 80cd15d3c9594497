"""<Redirect>, <Hangup>, <Reject>, <Leave>, <Start>: where a call goes next."""

from __future__ import annotations

from ivr.carriers.local.execution import DocumentFailed, Execution, LeftQueue, Page, performs
from ivr.carriers.local.legs import Request, Status
from ivr.carriers.local.twiml import Verb


@performs("Redirect")
async def redirect(execution: Execution, verb: Verb, page: Page) -> Page | None:
    """Another document takes over; an empty address is this one again."""
    link = verb.text or page.address
    if not link:
        raise DocumentFailed(11100, "<Redirect> to nowhere")
    return await execution.fetch(Request(execution.resolve(link, page), verb.get("method", "POST")))


@performs("Hangup")
async def hangup(execution: Execution, verb: Verb, page: Page) -> Page | None:
    """The leg ends; `attend` tells everybody above by HungUp."""
    execution.leg.end(Status.COMPLETED, "service")
    await execution.leg.interrupted()
    assert execution.leg.interruption is not None
    raise execution.leg.interruption


@performs("Reject")
async def reject(execution: Execution, verb: Verb, page: Page) -> Page | None:
    """Refuse a ringing call without answering; anywhere else it hangs up."""
    leg = execution.leg
    if leg.status is Status.RINGING:
        leg.end(Status.BUSY if verb.get("reason") == "busy" else Status.NO_ANSWER, "service")
    else:
        leg.end(Status.COMPLETED, "service")
    assert leg.interruption is not None
    raise leg.interruption


@performs("Leave")
async def leave(execution: Execution, verb: Verb, page: Page) -> Page | None:
    """Leave the queue whose wait document this is."""
    raise LeftQueue


@performs("Start")
async def start(execution: Execution, verb: Verb, page: Page) -> Page | None:
    """Start a recording beside the call."""
    for noun in verb.children:
        if noun.name == "Recording":
            execution.exchange.start_recording(
                execution.leg,
                "StartCallRecordingTwiML",
                channels=1 if noun.get("channels") == "mono" else 2,
                callback=execution.callback(noun, "recordingStatusCallback", page, "completed"),
            )
    return None
