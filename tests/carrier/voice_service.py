"""A small webhook service for the carrier's tests: documents by path, every request kept."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from ivr.carriers.local.signature import sign

SPEED = 50.0
CALLER = "+447700900123"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>'


@dataclass
class Asked:
    """One webhook as it came in."""

    path: str
    method: str
    fields: dict[str, str]
    headers: dict[str, str]
    signed: bool
    query: dict[str, str] = field(default_factory=dict)


Answer = str | bytes | Callable[[Asked], Any]


class Service:
    """`documents` maps a path to TwiML verbs (the `<Response>` is added), whole bytes, or a function of the request."""

    def __init__(self, auth_token: str) -> None:
        self.auth_token = auth_token
        self.documents: dict[str, Answer] = {}
        self.asked: list[Asked] = []
        self.delay_seconds: dict[str, float] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.url = ""

    def start(self) -> None:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)

    async def _start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        fields = parse_qsl(await request.text(), keep_blank_values=True)
        address = f"{self.url}{request.raw_path}"
        signature = request.headers.get("X-Twilio-Signature", "")
        signed = signature == sign(self.auth_token, address, fields if request.method == "POST" else ())
        asked = Asked(request.path, request.method, dict(fields), dict(request.headers), signed, dict(request.query))
        self.asked.append(asked)
        if seconds := self.delay_seconds.get(request.path):
            await asyncio.sleep(seconds)
        answer = self.documents.get(request.path)
        if callable(answer):
            answer = answer(asked)
        if isinstance(answer, web.Response):
            return answer
        if answer is None:
            known = request.path in ("/voice/status", "/conference", "/status", "/recording", "/ignored")
            return web.Response(status=204) if known else web.Response(status=404, text="no such document")
        body = answer if isinstance(answer, bytes) else f"{HEAD}<Response>{answer}</Response>".encode()
        return web.Response(body=body, content_type="text/xml")

    def of(self, path: str) -> list[Asked]:
        """The requests for one path."""
        return [asked for asked in self.asked if asked.path == path]
