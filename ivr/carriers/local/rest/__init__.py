"""The REST API's subset that the service uses: calls, conferences, queues, recordings, messages."""

from __future__ import annotations

from aiohttp import web

from ivr.carriers.local.exchange import Exchange
from ivr.carriers.local.rest import account, calls, conferences, messages, queues, recordings


def rest_routes(exchange: Exchange) -> list[web.RouteDef]:
    """All routes under /2010-04-01; whatever else is asked for there is Twilio's 20404."""
    return [
        *calls.routes(exchange),
        *conferences.routes(exchange),
        *queues.routes(exchange),
        *recordings.routes(exchange),
        *messages.routes(exchange),
        *account.routes(exchange),
    ]
