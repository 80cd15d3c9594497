"""Speaks to a running carrier's control API: for `ivr phone`, benchmarks and scripts."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import aiohttp

from ivr.errors import CarrierError, CarrierRefused, CarrierSilent

ANSWER_SECONDS = 20.0


@dataclass(frozen=True)
class Happening:
    """One server-sent event: `event` is entry, closed or end; `plain` its content."""

    event: str
    plain: dict[str, Any]


class ControlClient:
    """`async with ControlClient(url, token) as control: …`. Raises CarrierRefused or CarrierSilent with a sentence."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"}

    async def __aenter__(self) -> ControlClient:
        self._session = aiohttp.ClientSession(headers=self._headers, connector=aiohttp.TCPConnector(limit=0))
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._session.close()

    async def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """One request under /control/."""
        limit = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        try:
            async with self._session.request(method, f"{self.url}/control/{path}", json=body, timeout=limit) as got:
                plain: dict[str, Any] = await got.json() if got.content_type == "application/json" else {}
                if got.status >= 400:
                    raise CarrierRefused(f"the carrier at {self.url} refused: {plain.get('error', got.reason)}", got.status)
                return plain
        except (aiohttp.ClientError, TimeoutError) as error:
            raise CarrierSilent(f"the carrier at {self.url} does not answer: is `ivr demo` running?") from error

    async def place(self, **call: Any) -> dict[str, Any]:
        """Place a call; see `POST /control/calls`."""
        return await self.ask("POST", "calls", call)

    async def truth(self, call_sid: str) -> dict[str, Any]:
        """The truth about one call."""
        return await self.ask("GET", f"calls/{call_sid}")

    async def act(self, call_sid: str, action: str, **body: Any) -> bool:
        """say, press, silence, answer, hangup; returns whether somebody or something took it."""
        return bool((await self.ask("POST", f"calls/{call_sid}/{action}", body)).get("taken"))

    async def happenings(self, call_sid: str) -> AsyncIterator[Happening]:
        """The timeline as it grows, until the call's end."""
        address = f"{self.url}/control/calls/{call_sid}/events"
        try:
            async with self._session.get(address, timeout=aiohttp.ClientTimeout(total=None, sock_read=60)) as got:
                if got.status != 200:
                    raise CarrierRefused(f"the carrier at {self.url} refused: HTTP {got.status}", got.status)
                event = ""
                async for raw in got.content:
                    line = raw.decode().rstrip("\n")
                    if line.startswith("event: "):
                        event = line[7:]
                    elif line.startswith("data: "):
                        yield Happening(event, json.loads(line[6:]))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise CarrierError(f"the line to the carrier at {self.url} broke: {error}") from error
