"""One webhook turn over HTTP, beside a bare Flask + twilio "hello" on the same server in the same run.

    python -m benchmarks.turns [--seconds 8] [--connections 4] [--threads 4]

Both are served by gunicorn with one worker process, loaded in turn (hello, arrivals, turns, hello …) so that a drifting machine is
fair to both. Three kinds of request are told apart:

    hello      a signed form is sent, one sentence comes back: what server, framework and TwiML cost without any product
    arrival    /voice/incoming: the first turn of a call, with all that is looked up about its caller
    turn       /voice/turn: a key is pressed, and answered: signature, session, engine, TwiML, session and journal stored. Each call
               goes the same way: to Spanish and back, an order asked for by its number, told, and back to the main menu

Figures per processor second come from the worker's own accounting, so that the load generator does not count.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import hmac
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from ivr.embedded import free_port, start_redis
from ivr.jobs.preparing import prepare
from ivr.settings import read_settings

ORDER = "92958778"  # config/sample/orders.csv: delivered
KEYS = ("9", "9", "1", ORDER, "1", "9", "9", "1", ORDER, "1")
_NEXT = re.compile(r'action="([^"]+)"|<Redirect[^>]*>([^<]+)<')
ACCOUNT, TOKEN = "AC" + "7" * 32, "token-of-the-benchmark"
HELLO = """
from flask import Flask
from twilio.twiml.voice_response import VoiceResponse
app = Flask(__name__)
@app.post("/hello")
def hello():
    document = VoiceResponse()
    document.say("Hello")
    return str(document), 200, {"Content-Type": "text/xml"}
"""


@dataclass
class Figures:
    """What one kind of request cost."""

    seconds: list[float] = field(default_factory=list)
    elapsed: float = 0.0
    processor: float = 0.0

    def rows(self) -> dict[str, float]:
        ordered = sorted(self.seconds)
        return {
            "requests": len(ordered),
            "per_second": round(len(ordered) / self.elapsed, 1),
            "per_processor_second": round(len(ordered) / self.processor, 1),
            "p50_ms": round(1000 * statistics.median(ordered), 2),
            "p99_ms": round(1000 * ordered[int(len(ordered) * 0.99)], 2),
        }


@dataclass
class Call:
    """A call in progress: what the carrier sends with every webhook, and the document it was given last."""

    fields: dict[str, str]
    document: str


def sign(url: str, fields: dict[str, str]) -> str:
    text = url + "".join(name + fields[name] for name in sorted(fields))
    return base64.b64encode(hmac.new(TOKEN.encode(), text.encode(), hashlib.sha1).digest()).decode()


def processor_seconds(pids: list[int]) -> float:
    total = 0.0
    for pid in pids:
        parts = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
        total += (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")
    return total


def workers(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=True)
    return [int(word) for word in listed.stdout.split()]


async def post(session: aiohttp.ClientSession, url: str, fields: dict[str, str]) -> tuple[str, float]:
    began = time.perf_counter()
    async with session.post(url, data=fields, headers={"X-Twilio-Signature": sign(url, fields)}) as answer:
        text = await answer.text()
        assert answer.status == 200, (answer.status, text[:300])
    return text, time.perf_counter() - began


def incoming(call: str, number: int) -> dict[str, str]:
    """The fields that the carrier sends with a call."""
    return {
        "CallSid": call,
        "AccountSid": ACCOUNT,
        "From": f"+4477008{number % 100_000:05d}",
        "To": "+442079460000",
        "CallStatus": "ringing",
        "Direction": "inbound",
    }


async def arrive(
    session: aiohttp.ClientSession, url: str, number: int, until: float, figures: Figures, calls: list[Call]
) -> None:
    """Calls come in, one after the other; each stays in the main menu."""
    while time.perf_counter() < until:
        sid = f"CA{number:04x}{len(calls):012x}{time.time_ns() & 0xFFFFFFFFFFFFFFFF:016x}"
        fields = incoming(sid, len(calls))
        text, took = await post(session, f"{url}/voice/incoming", fields)
        figures.seconds.append(took)
        calls.append(Call({**fields, "CallStatus": "in-progress"}, text))


async def press(session: aiohttp.ClientSession, until: float, figures: Figures, calls: list[Call]) -> None:
    """Callers press keys, each in a call of its own until that is through."""
    while calls:
        call, pressed = calls.pop(), list(reversed(KEYS))
        while pressed:
            if time.perf_counter() >= until:
                return
            found = _NEXT.search(call.document)
            if found is None:
                raise SystemExit(f"the call does not go on: {call.document}")
            keys = {"Digits": pressed.pop()} if found[1] else {}  # a document may also just come back for more
            address = (found[1] or found[2]).replace("&amp;", "&")
            call.document, took = await post(session, address, {**call.fields, **keys})
            figures.seconds.append(took)


async def greeter(session: aiohttp.ClientSession, url: str, until: float, figures: Figures) -> None:
    fields = {
        "CallSid": "CA" + "0" * 32,
        "AccountSid": ACCOUNT,
        "From": "+447700900100",
        "To": "+442079460000",
        "CallStatus": "in-progress",
        "Digits": "3",
    }
    while time.perf_counter() < until:
        _, took = await post(session, f"{url}/hello", fields)
        figures.seconds.append(took)


async def load(
    kind: str, url: str, pids: list[int], seconds: float, connections: int, figures: Figures, calls: list[Call]
) -> None:
    """Load one server for `seconds`, or until there is no call left to press keys in."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        before, began = processor_seconds(pids), time.perf_counter()
        until = began + seconds
        if kind == "hello":
            await asyncio.gather(*(greeter(session, url, until, figures) for _ in range(connections)))
        elif kind == "arrival":
            await asyncio.gather(*(arrive(session, url, n, until, figures, calls) for n in range(connections)))
        else:
            await asyncio.gather(*(press(session, until, figures, calls) for _ in range(connections)))
        figures.elapsed += time.perf_counter() - began
        figures.processor += processor_seconds(pids) - before


async def ready(url: str) -> None:
    async with aiohttp.ClientSession() as session:
        for _ in range(600):
            try:
                async with session.get(url) as answer:
                    if answer.status < 500:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)
    raise SystemExit(f"{url} did not come up")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--seconds", type=float, default=8.0, help="load for so long each time")
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--connections", type=int, default=4)
    asked.add_argument("--threads", type=int, default=4, help="of both servers")
    options = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = start_redis(Path(folder) / "redis")
        port, hello_port = free_port(), free_port()
        environment = {
            **os.environ,
            "REDIS_URL": server.url, "IVR_DATA_DIR": f"{folder}/data", "TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": TOKEN,
            "IVR_PUBLIC_URL": f"http://127.0.0.1:{port}",
        }  # fmt: skip
        (Path(folder) / "hello.py").write_text(HELLO)
        prepare(read_settings(environment, port=port))
        ours = subprocess.Popen(
            [sys.executable, "-m", "ivr.cli", "web", "--port", str(port), "--workers", "1", "--threads", str(options.threads)],
            env=environment,
        )
        theirs = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "-k", "gthread", "-w", "1", "--threads", str(options.threads), "--keep-alive", "75", "-b", f"127.0.0.1:{hello_port}",
             "--chdir", folder, "--log-level", "error", "hello:app"],
            env=environment,
        )  # fmt: skip
        try:
            url, hello_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{hello_port}"
            asyncio.run(ready(f"{url}/healthz"))
            asyncio.run(ready(f"{hello_url}/"))
            kinds = {name: Figures() for name in ("hello", "arrival", "turn")}
            for round_number in range(options.rounds + 1):
                calls: list[Call] = []
                for kind, figures in kinds.items():
                    address, process = (hello_url, theirs) if kind == "hello" else (url, ours)
                    seconds = options.seconds / 4 if kind == "arrival" else options.seconds
                    counted = figures if round_number else Figures()  # the first round warms up
                    asyncio.run(load(kind, address, workers(process.pid), seconds, options.connections, counted, calls))
        finally:
            for process in (ours, theirs):
                process.terminate()
                process.wait(20)
            server.stop()
    rows = {name: figures.rows() for name, figures in kinds.items()}
    rows["turn_to_hello"] = {
        name: round(rows["turn"][name] / rows["hello"][name], 3) for name in ("per_second", "per_processor_second")
    }
    print(
        json.dumps(
            {
                "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.python_implementation()} {platform.python_version()}",
                "connections": options.connections,
                **rows,
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
