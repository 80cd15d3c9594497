"""The control API under /control/: place and steer calls, read the truth, set people's behaviour, make trouble. Guarded by a token."""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from aiohttp import web

from ivr.carriers.local.legs import Leg
from ivr.carriers.local.line import Entry
from ivr.carriers.local.nemesis import Nemesis, Trouble
from ivr.carriers.local.people.behaviour import read_behaviour
from ivr.carriers.local.people.script import ScriptError
from ivr.carriers.local.people.terminal import TerminalPerson
from ivr.carriers.local.texting import text_in
from ivr.carriers.local.truth import truth_of

if TYPE_CHECKING:
    from ivr.carriers.local.exchange import Exchange
    from ivr.carriers.local.station import Station

HEARTBEAT_SECONDS = 10.0
Respond = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Wrong(Exception):
    """A request that cannot be served; becomes HTTP `status` with a sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def percentile(values: list[float], share: float) -> float | None:
    """The value below which `share` of the sorted values lie (nearest rank); None of nothing."""
    return values[min(len(values) - 1, max(0, round(share * len(values)) - 1))] if values else None


class Control:
    """The answers of the control API."""

    def __init__(self, station: Station) -> None:
        self.station = station

    @property
    def exchange(self) -> Exchange:
        """The world, once the station has started."""
        return self.station.exchange

    def guarded(self, respond: Respond) -> Respond:
        """Check the token; turn Wrong and unreadable JSON into answers."""

        async def answer(request: web.Request) -> web.StreamResponse:
            given = request.headers.get("Authorization", "").removeprefix("Bearer ") or request.query.get("token", "")
            if not hmac.compare_digest(given.encode(), self.station.control_token.encode()):
                return web.json_response({"error": "the control token is missing or wrong"}, status=401)
            try:
                return await respond(request)
            except Wrong as wrong:
                return web.json_response({"error": str(wrong)}, status=wrong.status)
            except (ScriptError, ValueError, TypeError) as error:
                return web.json_response({"error": str(error)}, status=400)

        return answer

    async def body(self, request: web.Request) -> dict[str, Any]:
        """The JSON object of a request."""
        raw = await request.text()
        plain = json.loads(raw) if raw else {}
        if not isinstance(plain, dict):
            raise Wrong(400, "expected a JSON object")
        return plain

    def leg(self, request: web.Request) -> Leg:
        """The call named in the path."""
        leg: Leg | None = self.exchange.legs.get(request.match_info["sid"])
        if leg is None:
            raise Wrong(404, f"no call {request.match_info['sid']}")
        return leg

    def terminal(self, request: web.Request) -> TerminalPerson:
        """Whoever acts on the call by commands."""
        person = self.leg(request).person
        if not isinstance(person, TerminalPerson) or person.handset is None:
            raise Wrong(409, "nobody at a terminal holds this call's handset")
        return person

    # calls ------------------------------------------------------------------------------------------------------

    async def place(self, request: web.Request) -> web.StreamResponse:
        """POST {from, to, script | name, patient, fields}: a call comes in. Without a script it is steered by commands."""
        asked = await self.body(request)
        to = str(asked.get("to") or "")
        extra = {str(k): str(v) for k, v in dict(asked.get("fields") or {}).items()}
        if "script" in asked:
            leg = self.station.call(str(asked.get("from") or ""), to, asked["script"], extra)
        else:
            person = TerminalPerson(str(asked.get("name") or "Caller"), patient=bool(asked.get("patient", True)))
            leg = self.exchange.call_in(str(asked.get("from") or ""), to or next(iter(self.exchange.numbers), ""), person, extra)
        return web.json_response({"call_sid": leg.sid, "from": leg.from_number, "to": leg.to_number}, status=201)

    async def calls(self, request: web.Request) -> web.StreamResponse:
        """GET: all legs, oldest first, without timelines; `live=1`, `to=`, `from=` narrow."""
        query = request.query
        legs = [
            leg
            for leg in self.exchange.legs.values()
            if (not query.get("live") or leg.live)
            and query.get("to", leg.to_number) == leg.to_number
            and query.get("from", leg.from_number) == leg.from_number
        ]
        return web.json_response({"calls": [truth_of(leg, entries=bool(query.get("entries"))).to_dict() for leg in legs]})

    async def call(self, request: web.Request) -> web.StreamResponse:
        """GET: the truth about one leg, with its timeline."""
        return web.json_response(truth_of(self.leg(request)).to_dict())

    async def events(self, request: web.Request) -> web.StreamResponse:
        """GET: the timeline as server-sent events: `entry` when something begins, `closed` when it ends, `end` at the call's end."""
        leg = self.leg(request)
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )
        await response.prepare(request)
        at = int(request.query.get("since", "0"))
        lasting: dict[int, Entry] = {}
        while True:
            entries = leg.line.entries
            out = []
            for index, entry in list(lasting.items()):
                if entry.seconds is not None:
                    out.append(_sse("closed", {"index": index, **entry.to_dict()}))
                    del lasting[index]
            while at < len(entries):
                out.append(_sse("entry", {"index": at, **entries[at].to_dict()}))
                if entries[at].seconds is None:
                    lasting[at] = entries[at]
                at += 1
            if not leg.live:
                out.append(_sse("end", {"status": leg.status.value, "ended_by": leg.ended_by}))
            try:
                await response.write("".join(out or [": still here\n\n"]).encode())
            except ConnectionResetError:
                return response
            if not leg.live:
                await response.write_eof()
                return response
            await leg.line.changed(HEARTBEAT_SECONDS)

    async def say(self, request: web.Request) -> web.StreamResponse:
        """POST {text, sureness}: speak."""
        asked = await self.body(request)
        handset = self.terminal(request).handset
        assert handset is not None
        sureness = asked.get("sureness")
        taken = await handset.say(str(asked.get("text", ""))[:10_000], None if sureness is None else float(sureness), typed=True)
        return web.json_response({"taken": taken})

    async def press(self, request: web.Request) -> web.StreamResponse:
        """POST {keys}: press keys."""
        asked = await self.body(request)
        handset = self.terminal(request).handset
        assert handset is not None
        return web.json_response({"taken": await handset.press(str(asked.get("keys", ""))[:200])})

    async def act(self, request: web.Request) -> web.StreamResponse:
        """POST silence | answer | refuse | hangup."""
        action = request.match_info["action"]
        leg = self.leg(request)
        if action == "hangup":  # anybody's handset may be put down, a script's too
            leg.hang_up("caller" if leg.direction == "inbound" else "callee")
            return web.json_response({"taken": True})
        handset = self.terminal(request).handset
        assert handset is not None
        if action == "silence":
            return web.json_response({"taken": handset.stay_silent()})
        if action == "answer":
            return web.json_response({"taken": await handset.answer()})
        handset.refuse("busy")
        return web.json_response({"taken": True})

    # people -----------------------------------------------------------------------------------------------------

    async def set_person(self, request: web.Request) -> web.StreamResponse:
        """PUT behaviour of an address, or {"terminal": true}: its calls ring at a terminal."""
        asked = await self.body(request)
        address, people = request.match_info["address"], self.station.people
        if asked.pop("terminal", False):
            name = str(asked.get("name") or "Caller")
            people.waiting[address] = lambda: TerminalPerson(name)
        else:
            people.waiting.pop(address, None)
            people.behaviours[address] = read_behaviour(asked, base=people.default)
        return web.json_response({"address": address})

    async def forget_person(self, request: web.Request) -> web.StreamResponse:
        """DELETE: the address behaves like any other again."""
        self.station.people.waiting.pop(request.match_info["address"], None)
        self.station.people.behaviours.pop(request.match_info["address"], None)
        return web.Response(status=204)

    # the world --------------------------------------------------------------------------------------------------

    async def state(self, request: web.Request) -> web.StreamResponse:
        """GET: numbers, rooms, queues, messages, recordings, figures of the webhooks, and errors of this program."""
        exchange = self.exchange
        latencies = sorted(exchange.webhooks.latencies)
        return web.json_response(
            {
                "numbers": [asdict(number) for number in exchange.numbers.values()],
                "live_calls": sum(leg.live for leg in exchange.legs.values()),
                "calls": len(exchange.legs),
                "conferences": [
                    {"sid": c.sid, "name": c.name, "status": c.status, "participants": list(c.participants)}
                    for c in exchange.conferences.values()
                ],
                "queues": [
                    {"sid": q.sid, "name": q.name, "members": [m.leg.sid for m in q.members]} for q in exchange.queues.values()
                ],
                "messages": [asdict(message) | {"at": message.at.isoformat()} for message in exchange.messages.values()],
                "webhooks": {
                    "requests": exchange.webhooks.requests,
                    "failures": exchange.webhooks.failures,
                    "p50_seconds": percentile(latencies, 0.5),
                    "p99_seconds": percentile(latencies, 0.99),
                    "max_seconds": latencies[-1] if latencies else None,
                },
                "debugger": {str(code): count for code, count in sorted(exchange.debugger.counts.items())},
                "own_errors": exchange.own_errors[:20],
            }
        )

    async def text(self, request: web.Request) -> web.StreamResponse:
        """POST {from, to, text, sid}: a text message comes in; with the `sid` of an earlier one, that one is delivered again."""
        asked = await self.body(request)
        wanted = [str(asked.get(name) or "") for name in ("from", "to", "text", "sid")]
        if not wanted[0].startswith("+"):
            raise Wrong(400, "from is missing: expected a number such as +447700900123")
        message = text_in(self.exchange, *wanted)
        return web.json_response(asdict(message), status=201, dumps=lambda plain: json.dumps(plain, default=str))

    async def text_fate(self, request: web.Request) -> web.StreamResponse:
        """PUT {status, code}: what becomes of texts to this outside number from now on; DELETE: they are delivered again."""
        number = request.match_info["number"]
        if request.method == "DELETE":
            self.exchange.text_fates.pop(number, None)
            return web.Response(status=204)
        asked = await self.body(request)
        status = str(asked.get("status") or "")
        if status not in ("delivered", "undelivered", "failed"):
            raise Wrong(400, "status: expected delivered, undelivered or failed")
        self.exchange.text_fates[number] = (status, int(asked.get("code") or 0))
        return web.json_response({"number": number, "status": status, "code": self.exchange.text_fates[number][1]})

    async def forget_figures(self, request: web.Request) -> web.StreamResponse:
        """DELETE: count webhooks anew from now on (a benchmark begins)."""
        webhooks = self.exchange.webhooks
        webhooks.latencies.clear()
        webhooks.requests = webhooks.failures = 0
        return web.Response(status=204)

    async def debugger(self, request: web.Request) -> web.StreamResponse:
        """GET: the latest complaints, oldest first, and the counts by code."""
        debugger = self.exchange.debugger
        return web.json_response(
            {
                "counts": {str(code): count for code, count in sorted(debugger.counts.items())},
                "complaints": [c.to_dict() for c in debugger.complaints],
            }
        )

    async def nemesis(self, request: web.Request) -> web.StreamResponse:
        """GET what trouble is made and how often it struck; PUT {seed, …probabilities} to make other trouble."""
        if request.method == "PUT":
            asked = await self.body(request)
            known = {field.name for field in fields(Trouble)}
            if unknown := set(asked) - known - {"seed"}:
                raise Wrong(400, f"unknown: {', '.join(sorted(unknown))}; expected seed, {', '.join(sorted(known))}")
            seed = int(asked.pop("seed", self.station.settings.seed))
            self.exchange.nemesis = Nemesis(Trouble(**asked), seed)
        return web.json_response(self.exchange.nemesis.to_dict())


def _sse(event: str, plain: dict[str, Any]) -> str:
    return f"event: {event}\ndata: {json.dumps(plain, ensure_ascii=False)}\n\n"


async def _alive(request: web.Request) -> web.StreamResponse:
    return web.json_response({"carrier": "local", "alive": True})


def control_routes(station: Station) -> list[web.RouteDef]:
    """All routes under /control/."""
    control = Control(station)
    guarded = control.guarded
    return [
        web.get("/healthz", _alive),
        web.get("/control/healthz", _alive),
        web.get("/control/state", guarded(control.state)),
        web.delete("/control/figures", guarded(control.forget_figures)),
        web.get("/control/debugger", guarded(control.debugger)),
        web.get("/control/nemesis", guarded(control.nemesis)),
        web.put("/control/nemesis", guarded(control.nemesis)),
        web.get("/control/calls", guarded(control.calls)),
        web.post("/control/calls", guarded(control.place)),
        web.get("/control/calls/{sid}", guarded(control.call)),
        web.get("/control/calls/{sid}/events", guarded(control.events)),
        web.post("/control/calls/{sid}/say", guarded(control.say)),
        web.post("/control/calls/{sid}/press", guarded(control.press)),
        web.post("/control/calls/{sid}/{action:silence|answer|refuse|hangup}", guarded(control.act)),
        web.post("/control/texts", guarded(control.text)),
        web.put("/control/texts/{number}", guarded(control.text_fate)),
        web.delete("/control/texts/{number}", guarded(control.text_fate)),
        web.put("/control/people/{address}", guarded(control.set_person)),
        web.delete("/control/people/{address}", guarded(control.forget_person)),
    ]
