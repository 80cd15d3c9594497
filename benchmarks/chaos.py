"""Whole calls while everything around them fails: processes killed, Redis stopped, callbacks repeated, swapped and lost, REST refused.

    python benchmarks/chaos.py --calls 200 --kills 10 --stops 4 --seed 1

Starts `ivr serve` (web, worker, clock, a Redis with its append-only file) and the local carrier, which is the only witness: every
figure is compared with its timeline of each call. Exit 1 where something did not hold:

    application errors      the caller heard the carrier's own apology
    dead air                nothing was heard or listened to for more than 4 s
    records                 none, several (by contact), or with times more than 2 s beside the truth
    double offers           an agent's phone was rung while another call rang or talked there
    agents not free         a minute after the last call, without a live leg
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from ivr.carriers.local import CallTruth, LocalCarrier, Trouble
from ivr.embedded import die_with_parent, free_port
from ivr.intents.training import ensure_current
from ivr.jobs.wiring import Line, open_line
from ivr.settings import read_settings

REPOSITORY = Path(__file__).parents[1]
ACCOUNT, TOKEN, NUMBER = "AC" + "7" * 32, "the-token-of-this-run", "+442079460000"
DEAD_AIR_SECONDS, OFF_SECONDS, CALL_SECONDS, RECORDS_SECONDS = 4.0, 2.0, 45.0, 120.0
WISHES: list[list[Any]] = [
    [{"hear": "/./"}, {"press": "0"}, {"talk": "10s"}, "hang up"],
    [{"hear": "/./"}, {"say": "where is my order"}, {"wait": "4s"}, "hang up"],
    [{"hear": "/./"}, {"press": "0"}, {"wait": "6s"}, "hang up"],
    [{"wait": "2s"}, "hang up"],
    [{"hear": "/./"}, {"press": "3"}, {"press": "1"}, {"talk": "5s"}, "hang up"],
]
TROUBLE = Trouble(
    callback_duplicate=0.3,
    callback_reorder=0.2,
    callback_delay=0.1,
    callback_drop=0.02,
    webhook_duplicate=0.05,
    rest_429=0.1,
    rest_500=0.05,
    rest_done_but_timed_out=0.03,
    rest_silence_seconds=4,
)


class Nemesis(threading.Thread):
    """Kills and stops the service's processes at seeded moments. Only processes below `parent` are touched."""

    def __init__(self, parent: int, kills: int, stops: int, over_seconds: float, chance: random.Random) -> None:
        super().__init__(daemon=True)
        self.parent = parent
        plan = ["web", "worker", "clock"] * (kills // 3 + 1)
        self.plan = sorted(
            [(chance.uniform(3, over_seconds), name) for name in plan[:kills]]
            + [(chance.uniform(3, over_seconds), "redis") for _ in range(stops)]
        )
        self.done: list[str] = []

    def children(self) -> dict[str, int]:
        """The service's processes by name."""
        return self._below(self.parent)

    def _below(self, parent: int) -> dict[str, int]:
        listed = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(parent)], capture_output=True, text=True, check=True)
        found = {}
        for row in listed.stdout.splitlines():
            pid, _, arguments = row.strip().partition(" ")
            words = arguments.split()
            found[words[3] if "ivr.cli" in words else "redis"] = int(pid)
        return found

    def run(self) -> None:
        started = time.monotonic()
        for moment, name in self.plan:
            time.sleep(max(0.0, started + moment - time.monotonic()))
            pid = self.children().get(name)
            if name == "web" and pid is not None:  # a gunicorn worker in the middle of its requests; its master starts another
                pid = next(iter(self._below(pid).values()), None)
            if pid is None:
                continue
            with suppress(ProcessLookupError):
                if name == "redis":
                    os.kill(pid, signal.SIGSTOP)
                    time.sleep(1.0)
                    os.kill(pid, signal.SIGCONT)
                else:
                    os.kill(pid, signal.SIGKILL)
                self.done.append(name)


def environment(folder: Path, port: int, carrier_port: int) -> dict[str, str]:
    """The service's settings; nothing of the caller's own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("IVR_", "TWILIO_", "REDIS_", "DATABASE_"))}
    return kept | {
        "IVR_DATA_DIR": str(folder),
        "IVR_FLOWS_DIR": str(REPOSITORY / "flows"),
        "IVR_CONFIG_DIR": str(REPOSITORY / "config"),
        "IVR_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "IVR_WEB_WORKERS": "2",
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "TWILIO_API_URL": f"http://127.0.0.1:{carrier_port}",
    }


def ready(url: str, seconds: float) -> bool:
    """Wait until the service says that it takes calls."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(OSError), urllib.request.urlopen(f"{url}/readyz", timeout=1) as answer:
            if answer.status == 200:
                return True
        time.sleep(0.2)
    return False


def differences(line: Line, truth: CallTruth) -> list[str]:
    """What the record of a call says otherwise than the carrier."""
    row = line.store.row(truth.call_sid)
    if row is None or row["ended_at"] is None:
        return ["no record"]
    found = []
    for name, at in (("started_at", truth.created_at), ("ended_at", truth.ended_at)):
        if at is None or abs((row[name] - at) / timedelta(seconds=1)) > OFF_SECONDS:
            found.append(f"{name} {row[name]} is not {at}")
    if abs((row["talk_seconds"] or 0) - truth.talk_seconds) > OFF_SECONDS:
        found.append(f"talk_seconds {row['talk_seconds']} is not {truth.talk_seconds}")
    if (truth.talk_seconds > 0) != (row["outcome"] == "answered") and not 0 < truth.talk_seconds < 0.5:
        found.append(f"outcome {row['outcome']} with {truth.talk_seconds} s of talk")
    return found


def _held_until(leg: CallTruth) -> Any:
    """Until when an agent was held: the end of the talk (the question afterwards, whether it was solved, holds nobody), else of the leg."""
    talks = [entry for entry in leg.entries if entry["kind"] == "talk"]
    if talks:
        return datetime.fromisoformat(talks[-1]["at"]) + timedelta(seconds=talks[-1].get("seconds") or 0.0)
    return leg.ended_at or leg.created_at


def rung_twice(truths: list[CallTruth]) -> list[str]:
    """Agents whose phone rang or talked twice at once, with both stretches of time."""
    spans: dict[str, list[Any]] = {}
    for leg in truths:
        if leg.to_number.startswith("client:"):
            spans.setdefault(leg.to_number, []).append((leg.created_at, _held_until(leg)))
    return [
        f"{who}: {earlier[0]:%T.%f}-{earlier[1]:%T.%f}, {later[0]:%T.%f}-{later[1]:%T.%f}"
        for who, times in spans.items()
        for earlier, later in pairwise(sorted(times))
        if later[0] < earlier[1]
    ]


def place_calls(carrier: LocalCarrier, calls: int, over_seconds: float, chance: random.Random) -> list[str]:
    """Callers arrive at random moments."""
    moments = sorted(chance.uniform(0, over_seconds) for _ in range(calls))
    started, sids = time.monotonic(), []
    for index, moment in enumerate(moments):
        time.sleep(max(0.0, started + moment - time.monotonic()))
        sids.append(carrier.place(f"+4477008{index:05d}", NUMBER, WISHES[index % len(WISHES)]))
    return sids


def run(arguments: argparse.Namespace, folder: Path) -> int:
    """The whole run; returns the exit code."""
    chance = random.Random(arguments.seed)
    port, carrier_port = free_port(), free_port()
    settings = environment(folder, port, carrier_port)
    ensure_current(REPOSITORY / "config", folder / "models")
    with (folder / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "ivr.cli", "serve", "--port", str(port)],
            env=settings,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
    try:
        if not ready(settings["IVR_PUBLIC_URL"], 90):
            print((folder / "serve.log").read_text(), file=sys.stderr)
            return 1
        nemesis = Nemesis(process.pid, arguments.kills, arguments.stops, arguments.over, chance)
        address = (folder / "redis" / "address").read_text()
        line = open_line(read_settings({**settings, "REDIS_URL": address}), speech=False)
        line.configure_board()
        carrier = LocalCarrier(
            {"client:*": {"answers_after": "1-3s", "talks": "8-12s"}}, service_url=settings["IVR_PUBLIC_URL"], port=carrier_port,
            account_sid=ACCOUNT, auth_token=TOKEN, speed=arguments.speed, numbers=(NUMBER,), trouble=TROUBLE, seed=arguments.seed,
        )  # fmt: skip
        with carrier:
            return _witness(arguments, line, carrier, nemesis, chance)
    finally:
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        if process.poll() is None:
            process.kill()


def _end_of(carrier: LocalCarrier, sid: str) -> CallTruth:
    """The whole call; one that does not end is hung up and shown, and its record will say otherwise than its script."""
    try:
        return carrier.wait(sid, CALL_SECONDS)
    except TimeoutError as error:
        print(f"{sid} does not end: {error}", file=sys.stderr)
        carrier.hang_up(sid)
        return carrier.wait(sid, 10)


def _witness(arguments: argparse.Namespace, line: Line, carrier: LocalCarrier, nemesis: Nemesis, chance: random.Random) -> int:
    for agent_id in line.configuration.agents:
        line.board.set_state(agent_id, "available")
    keeping = threading.Event()

    def no_wrap_ups() -> None:
        while not keeping.wait(0.5):
            for agent_id in line.configuration.agents:
                with suppress(Exception):  # Redis may be stopped at this moment; tried again in half a second
                    if line.board.agent(agent_id).state == "missed":
                        line.board.set_state(agent_id, "available")
                    line.switchboard.wrap_up_done(agent_id, None, None)

    threading.Thread(target=no_wrap_ups, daemon=True).start()
    started = time.monotonic()
    nemesis.start()
    truths = [_end_of(carrier, sid) for sid in place_calls(carrier, arguments.calls, arguments.over, chance)]
    seconds = time.monotonic() - started
    nemesis.join(60)
    struck = carrier.ask(lambda station: dict(station.exchange.nemesis.done))
    carrier.make_trouble(Trouble(), arguments.seed)
    deadline = time.monotonic() + RECORDS_SECONDS
    wrong = {truth.call_sid: differences(line, truth) for truth in truths}
    while any(wrong.values()) and time.monotonic() < deadline:
        time.sleep(2)
        with suppress(Exception):  # the database may be busy: looked at again
            wrong = {truth.call_sid: differences(line, truth) for truth in truths}
    keeping.set()
    stuck = [
        agent_id
        for agent_id in line.configuration.agents
        if line.board.agent(agent_id).state in ("reserved", "ringing", "talking")
    ]
    silences = sorted(truth.longest_dead_air_seconds for truth in truths)
    result = {
        "calls": len(truths),
        "seconds": round(seconds, 1),
        "killed_or_stopped": {name: nemesis.done.count(name) for name in sorted(set(nemesis.done))},
        "carrier_trouble": struck,
        "talked": sum(truth.talk_seconds > 0 for truth in truths),
        "application_errors": sum(truth.application_error for truth in truths),
        "dead_air_over_4_s": sum(silence > DEAD_AIR_SECONDS for silence in silences),
        "dead_air_max_seconds": silences[-1],
        "records_missing_or_different": sum(bool(found) for found in wrong.values()),
        "agents_rung_twice_at_once": rung_twice(carrier.truths()),
        "agents_not_free": stuck,
        "seed": arguments.seed,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
    }
    print(json.dumps(result, indent=2))
    for sid, found in [(sid, found) for sid, found in wrong.items() if found][:10]:
        print(f"{sid}: {'; '.join(found)}", file=sys.stderr)
    bad = (
        "application_errors",
        "dead_air_over_4_s",
        "records_missing_or_different",
        "agents_rung_twice_at_once",
        "agents_not_free",
    )
    return 1 if any(result[name] for name in bad) else 0


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument(
        "--over", type=float, default=60.0, help="seconds over which the calls arrive and the processes are killed"
    )
    parser.add_argument("--kills", type=int, default=9, help="kill -9 of web, worker and clock in turn")
    parser.add_argument("--stops", type=int, default=3, help="how often Redis hangs for a second")
    parser.add_argument("--speed", type=float, default=8.0)
    parser.add_argument("--seed", type=int, default=1)
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(run(parser.parse_args(), Path(folder)))


if __name__ == "__main__":
    main()
