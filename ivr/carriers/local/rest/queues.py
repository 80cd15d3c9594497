"""Queues and their members."""

from __future__ import annotations

from aiohttp import web

from ivr.carriers.local.exchange import Exchange
from ivr.carriers.local.pace import rfc2822
from ivr.carriers.local.queueing import Member, Queue
from ivr.carriers.local.rest.answers import Asked, Json, RestError, answering, not_found, page_of


def queue_json(queue: Queue, base: str) -> Json:
    """A queue resource."""
    uri = f"{base}/Queues/{queue.sid}"
    return {
        "sid": queue.sid,
        "account_sid": queue.exchange.account_sid,
        "friendly_name": queue.name,
        "current_size": len(queue.members),
        "max_size": queue.most,
        "average_wait_time": queue.average_wait_seconds,
        "date_created": rfc2822(queue.created_at),
        "date_updated": rfc2822(queue.updated_at),
        "uri": f"{uri}.json",
        "subresource_uris": {"members": f"{uri}/Members.json"},
    }


def member_json(queue: Queue, member: Member, base: str) -> Json:
    """A member resource."""
    return {
        "call_sid": member.leg.sid,
        "queue_sid": queue.sid,
        "position": queue.position(member),
        "wait_time": int(member.waited_seconds),
        "date_enqueued": rfc2822(member.since),
        "uri": f"{base}/Queues/{queue.sid}/Members/{member.leg.sid}.json",
    }


def _queue(asked: Asked) -> Queue:
    queue = asked.exchange.queues.get(asked.part("queue"))
    if queue is None:
        raise not_found(asked.request.path)
    return queue


def _member(asked: Asked, queue: Queue) -> Member:
    wanted = asked.part("call")
    for member in queue.members:
        if wanted in (member.leg.sid, "Front"):
            return member
    raise not_found(asked.request.path)


async def listing(asked: Asked) -> web.StreamResponse:
    """All queues."""
    return page_of(
        asked, "queues", [queue_json(q, asked.base) for q in asked.exchange.queues.values()], f"{asked.base}/Queues.json"
    )


async def create(asked: Asked) -> web.StreamResponse:
    """A queue by name; 22003 where it exists."""
    name = asked.needed("FriendlyName", 22001)
    if len(name) > 64:
        raise RestError(400, 20001, "FriendlyName is longer than 64 characters")
    if asked.exchange.queue(name, make=False):
        raise RestError(400, 22003, f"A queue named {name!r} exists")
    queue = asked.exchange.queue(name)
    assert queue is not None
    queue.most = asked.number("MaxSize", 1000, 1, 5000)
    return web.json_response(queue_json(queue, asked.base), status=201)


async def fetch(asked: Asked) -> web.StreamResponse:
    """One queue."""
    return web.json_response(queue_json(_queue(asked), asked.base))


async def update(asked: Asked) -> web.StreamResponse:
    """Change name or size."""
    queue = _queue(asked)
    queue.name = asked.text("FriendlyName", queue.name, most=64)
    queue.most = asked.number("MaxSize", queue.most, 1, 5000)
    return web.json_response(queue_json(queue, asked.base))


async def delete(asked: Asked) -> web.StreamResponse:
    """Forget an empty queue."""
    queue = _queue(asked)
    if queue.members:
        raise RestError(400, 22005, "The queue is not empty")
    del asked.exchange.queues[queue.sid]
    return web.Response(status=204)


async def members(asked: Asked) -> web.StreamResponse:
    """Who waits, first come first."""
    queue = _queue(asked)
    rows = [member_json(queue, member, asked.base) for member in queue.members]
    return page_of(asked, "queue_members", rows, f"{asked.base}/Queues/{queue.sid}/Members.json")


async def member(asked: Asked) -> web.StreamResponse:
    """One caller, or the Front one."""
    queue = _queue(asked)
    return web.json_response(member_json(queue, _member(asked, queue), asked.base))


async def dequeue(asked: Asked) -> web.StreamResponse:
    """Take a caller out of the queue to another document."""
    queue = _queue(asked)
    found = _member(asked, queue)
    document = asked.document(twiml=False)
    if document is None:
        raise RestError(400, 21205, "Url parameter is required")
    body = {**member_json(queue, found, asked.base), "position": 0}
    found.leg.take_over(document)
    return web.json_response(body)


def routes(exchange: Exchange) -> list[web.RouteDef]:
    """The resources' routes."""
    base = "/2010-04-01/Accounts/{account}/Queues"
    one = f"{base}/{{queue}}"
    return [
        web.get(f"{base}.json", answering(exchange, listing)),
        web.post(f"{base}.json", answering(exchange, create)),
        web.get(f"{one}.json", answering(exchange, fetch)),
        web.post(f"{one}.json", answering(exchange, update)),
        web.delete(f"{one}.json", answering(exchange, delete)),
        web.get(f"{one}/Members.json", answering(exchange, members)),
        web.get(f"{one}/Members/{{call}}.json", answering(exchange, member)),
        web.post(f"{one}/Members/{{call}}.json", answering(exchange, dequeue)),
    ]
