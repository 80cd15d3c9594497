"""Calls: create, fetch, list, redirect, end."""

from __future__ import annotations

import re
from functools import partial

from aiohttp import web

from ivr.carriers.local.exchange import Exchange
from ivr.carriers.local.execution import steer
from ivr.carriers.local.legs import Leg, Request, Status
from ivr.carriers.local.pace import rfc2822
from ivr.carriers.local.rest.answers import Asked, Json, RestError, answering, not_found, page_of

CALL_EVENTS = ("initiated", "ringing", "answered", "completed")
DEFAULT_RING_SECONDS = 60


def call_json(leg: Leg, base: str) -> Json:
    """A call resource."""
    uri = f"{base}/Calls/{leg.sid}"
    parts = ("events", "notifications", "payments", "recordings", "siprec", "streams", "transcriptions", "user_defined_messages")
    return {
        "sid": leg.sid,
        "account_sid": leg.exchange.account_sid,
        "parent_call_sid": leg.parent.sid if leg.parent else None,
        "phone_number_sid": None,
        "from": leg.from_number,
        "from_formatted": leg.from_number,
        "to": leg.to_number,
        "to_formatted": leg.to_number,
        "status": leg.status.value,
        "direction": leg.direction,
        "date_created": rfc2822(leg.created_at),
        "date_updated": rfc2822(leg.updated_at),
        "start_time": rfc2822(leg.answered_at or (leg.created_at if not leg.live else None)),
        "end_time": rfc2822(leg.ended_at),
        "duration": None if leg.live else str(leg.talk_seconds),
        "answered_by": leg.answered_by or None,
        "api_version": "2010-04-01",
        "caller_name": None,
        "forwarded_from": leg.extra_fields.get("ForwardedFrom"),
        "group_sid": None,
        "price": None,
        "price_unit": "USD",
        "queue_time": str(round(leg.queue_seconds * 1000)),
        "trunk_sid": None,
        "uri": f"{uri}.json",
        "subresource_uris": {part: f"{uri}/{''.join(word.title() for word in part.split('_'))}.json" for part in parts},
    }


def find_leg(asked: Asked, sid: str) -> Leg:
    """A call by its sid; raises 20404."""
    leg = asked.exchange.legs.get(sid)
    if leg is None:
        raise not_found(asked.request.path)
    return leg


def dialled_address(asked: Asked) -> tuple[str, str]:
    """To and From of a new call, checked."""
    to, shown = asked.needed("To", 21201), asked.needed("From", 21213)
    if not re.fullmatch(r"\+[1-9]\d{6,14}|client:[\w.@+-]{1,121}(\?.*)?|sips?:[^@\s]+@[^@\s]+", to):
        raise RestError(400, 21211, f"The phone number you are attempting to call, {to[:60]}, is not valid.")
    if re.fullmatch(r"\+\d+", shown) and not asked.exchange.may_show(shown) and not asked.fields.get("CallToken"):
        raise RestError(400, 21210, f"The source phone number provided, {shown}, is not yet verified for your account.")
    return to, shown


async def ring_then_steer(leg: Leg, request: Request, ring_seconds: int, send_digits: str = "") -> None:
    """Ring; once it is answered run its document."""
    leg.ring()
    if await leg.picked_up(ring_seconds):
        leg.steered = True
        await steer(leg, request)


async def create(asked: Asked) -> web.StreamResponse:
    """Place a call. It is queued when the answer goes out and rings a moment later."""
    to, shown = dialled_address(asked)
    document = asked.document()
    if document is None:
        raise RestError(400, 21205, "Url parameter is required")
    ring_seconds = asked.number("Timeout", DEFAULT_RING_SECONDS, 1, 600)
    asked.text("SendDigits", most=32)
    callback = asked.status_callback("StatusCallback", CALL_EVENTS, ["completed"])
    fallback_url = asked.address("FallbackUrl")
    fallback = Request(fallback_url, asked.method("FallbackMethod")) if fallback_url else None
    leg = asked.exchange.call_out(to, shown, callback=callback, fallback=fallback)
    if asked.text("MachineDetection"):
        leg.detects_machines = True
    if limit := asked.fields.get("TimeLimit"):
        leg.time_limit_seconds = asked.number("TimeLimit", int(limit) if limit.isdigit() else -1, 1, 86_400)
    body = call_json(leg, asked.base)
    leg.spawn(ring_then_steer(leg, document, ring_seconds), "call")
    return web.json_response(body, status=201)


async def fetch(asked: Asked) -> web.StreamResponse:
    """One call."""
    return web.json_response(call_json(find_leg(asked, asked.part("sid")), asked.base))


async def update(asked: Asked) -> web.StreamResponse:
    """Redirect a live call, end it, or cancel it before it is answered."""
    leg = find_leg(asked, asked.part("sid"))
    if not leg.live:
        raise RestError(400, 21220, f"Call {leg.sid} is not in-progress. Cannot redirect.")
    wanted = asked.text("Status")
    if wanted and wanted not in ("completed", "canceled"):
        raise RestError(400, 21218, f"Status {wanted!r} is neither completed nor canceled")
    document = asked.document()
    if document and not wanted and leg.status is not Status.IN_PROGRESS and leg.direction != "inbound":
        raise RestError(400, 21220, f"Call {leg.sid} is not in-progress. Cannot redirect.")
    if wanted == "canceled":
        if leg.status is Status.IN_PROGRESS:
            raise RestError(400, 21220, "A call in progress cannot be canceled: complete it")
        leg.end(Status.CANCELED, "api")
    elif wanted == "completed":
        leg.hang_up("api")
    elif document:
        leg.take_over(document)
    elif callback := asked.address("StatusCallback"):
        leg.callback = asked.status_callback("StatusCallback", CALL_EVENTS, ["completed"])
        assert callback
    else:
        raise RestError(400, 20001, "Url, Twiml or Status is required")
    return web.json_response(call_json(leg, asked.base))


async def listing(asked: Asked) -> web.StreamResponse:
    """Calls, newest first; filters To, From, Status, ParentCallSid."""
    query = asked.request.query
    legs = [
        leg
        for leg in reversed(asked.exchange.legs.values())
        if query.get("To", leg.to_number) == leg.to_number
        and query.get("From", leg.from_number) == leg.from_number
        and query.get("Status", leg.status.value) == leg.status.value
        and query.get("ParentCallSid") in (None, leg.parent.sid if leg.parent else "")
    ]
    return page_of(asked, "calls", [partial(call_json, leg, asked.base) for leg in legs], f"{asked.base}/Calls.json")


async def delete(asked: Asked) -> web.StreamResponse:
    """Forget an ended call."""
    leg = find_leg(asked, asked.part("sid"))
    if leg.live:
        raise RestError(409, 20009, "Cannot delete a call in progress")
    del asked.exchange.legs[leg.sid]
    return web.Response(status=204)


def routes(exchange: Exchange) -> list[web.RouteDef]:
    """The resource's routes."""
    base = "/2010-04-01/Accounts/{account}/Calls"
    return [
        web.post(f"{base}.json", answering(exchange, create)),
        web.get(f"{base}.json", answering(exchange, listing)),
        web.get(f"{base}/{{sid}}.json", answering(exchange, fetch)),
        web.post(f"{base}/{{sid}}.json", answering(exchange, update)),
        web.delete(f"{base}/{{sid}}.json", answering(exchange, delete)),
    ]
