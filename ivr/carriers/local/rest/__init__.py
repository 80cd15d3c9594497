"""The REST API's subset that the service uses: calls, conferences, queues, recordings, messages."""

from __future__ import annotations

from aiohttp import web

from ivr.carriers.local.exchange import Exchange
from ivr.carriers.local.rest import calls


def rest_routes(exchange: Exchange) -> list[web.RouteDef]:
    """All routes under /2010-04-01."""
    return [*calls.routes(exchange)]
