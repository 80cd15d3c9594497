"""One webhook turn over HTTP, beside a bare Flask + twilio "hello" on the same server in the same run.

    python -m benchmarks.turns [--seconds 8] [--connections 16]

Both are served by gunicorn with one worker process, loaded in turn (hello, turn, hello, turn …) so that a drifting machine is fair to
both. A turn is a signed key press in the main menu: signature, session from Redis, engine, TwiML, session and journal back in one
transaction. Figures per processor second come from the worker's own accounting, so that the load generator does not count.
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


async def caller(session: aiohttp.ClientSession, url: str, number: int, until: float, figures: Figures) -> None:
    """One caller who goes round in the menus: every request is a turn."""
    count = 0
    while time.perf_counter() < until:
        call = f"CA{number:08x}{count:08x}{time.time_ns() & 0xFFFFFFFFFFFFFFFF:016x}"
        count += 1
        fields = {
            "CallSid": call,
            "AccountSid": ACCOUNT,
            "From": f"+4477009{number:05d}",
            "To": "+442079460000",
            "CallStatus": "ringing",
            "Direction": "inbound",
        }
        text, _ = await post(session, f"{url}/voice/incoming", fields)
        for _ in range(20):
            action = re.search(r'action="([^"]+)"', text)
            if action is None or time.perf_counter() >= until:
                break
            text, took = await post(
                session, action[1].replace("&amp;", "&"), {**fields, "CallStatus": "in-progress", "Digits": "*"}
            )
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


async def load(kind: str, url: str, pids: list[int], seconds: float, connections: int, figures: Figures) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        before, began = processor_seconds(pids), time.perf_counter()
        until = began + seconds
        if kind == "turn":
            await asyncio.gather(*(caller(session, url, n, until, figures) for n in range(connections)))
        else:
            await asyncio.gather(*(greeter(session, url, until, figures) for _ in range(connections)))
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
    asked.add_argument("--connections", type=int, default=16)
    asked.add_argument("--threads", type=int, default=16, help="of both servers")
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
            asyncio.run(ready(f"http://127.0.0.1:{port}/healthz"))
            asyncio.run(ready(f"http://127.0.0.1:{hello_port}/"))
            hello, turn = Figures(), Figures()
            for round_number in range(options.rounds + 1):
                pair = (Figures(), Figures()) if round_number == 0 else (hello, turn)  # the first round warms up
                asyncio.run(
                    load(
                        "hello",
                        f"http://127.0.0.1:{hello_port}",
                        workers(theirs.pid),
                        options.seconds,
                        options.connections,
                        pair[0],
                    )
                )
                asyncio.run(
                    load("turn", f"http://127.0.0.1:{port}", workers(ours.pid), options.seconds, options.connections, pair[1])
                )
        finally:
            for process in (ours, theirs):
                process.terminate()
                process.wait(20)
            server.stop()
    rows = {"hello": hello.rows(), "turn": turn.rows()}
    rows["ratio"] = {
        "per_second": round(rows["turn"]["per_second"] / rows["hello"]["per_second"], 3),
        "per_processor_second": round(rows["turn"]["per_processor_second"] / rows["hello"]["per_processor_second"], 3),
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
