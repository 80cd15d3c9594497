"""Many scripted calls at once against a running `ivr demo`: do all reach their end, how long do webhooks take, do the records agree?

    ivr demo --speed 5            # in another terminal
    python benchmarks/load.py --calls 200
    python benchmarks/load.py --calls 200 --trouble '{"callback_duplicate": 0.3, "rest_429": 0.2}'

Latency is what the carrier measures, from sending a webhook to its whole answer. Everything is compared with the carrier's own
timeline of each call, never with the service's word. Exit 1 where a call did not reach its end or a record is missing or differs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import sys
import time
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp

from ivr.carriers.local.control_client import ControlClient

RECORDS_WITHIN_SECONDS = 60.0
TIME_TOLERANCE_SECONDS = 1.0  # between a record's times and the carrier's
WISHES: list[list[Any]] = [
    [{"say": "where is my order"}, {"hear": "/./"}, {"wait": "4s"}, "hang up"],
    [{"say": "I want to talk to an agent"}, {"hear": "/./"}, {"wait": "90s"}, "hang up"],
    [{"say": "I would like to pay my bill"}, {"hear": "/./"}, {"wait": "3s"}, "hang up"],
    [{"say": "my router does not work"}, {"hear": "/./"}, {"wait": "60s"}, "hang up"],
    ["silence", {"hear": "/./"}, {"press": "0"}, {"wait": "20s"}, "hang up"],
    [{"wait": "2s"}, "hang up"],
]


def script(wish: list[Any]) -> list[Any]:
    """A whole caller: hears the greeting first."""
    return [{"hear": "/./"}, *wish]


async def one_call(
    control: ControlClient, number: str, from_number: str, wish: list[Any], after_seconds: float
) -> dict[str, Any]:
    """Place a call at its moment, wait for its end, return its truth."""
    await asyncio.sleep(after_seconds)
    placed = await control.place(to=number, script=script(wish), **{"from": from_number})
    async for _ in control.happenings(placed["call_sid"]):
        pass
    for _ in range(50):
        truth = await control.truth(placed["call_sid"])
        if truth["script_finished"] or truth["failures"]:
            return truth
        await asyncio.sleep(0.1)
    return truth


async def records(url: str, token: str, wanted: set[str]) -> dict[str, list[dict[str, Any]]]:
    """The service's records of the wanted calls, once it has written them all or the limit is over."""
    found: dict[str, list[dict[str, Any]]] = {}
    deadline = time.monotonic() + RECORDS_WITHIN_SECONDS
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session:
        while time.monotonic() < deadline:
            found, cursor = {}, ""
            while True:
                query = {"limit": "200", **({"cursor": cursor} if cursor else {})}
                async with session.get(f"{url}/api/v1/calls", params=query) as got:
                    got.raise_for_status()
                    page = await got.json()
                for record in page["calls"]:
                    if record["call_id"] in wanted:
                        found.setdefault(record["call_id"], []).append(record)
                cursor = page.get("next_cursor") or ""
                if not cursor:
                    break
            if set(found) == wanted:
                break
            await asyncio.sleep(1)
    return found


def differences(truth: dict[str, Any], of_call: list[dict[str, Any]]) -> list[str]:
    """What a call's records tell otherwise than the carrier."""
    if len(of_call) != 1:
        return [f"{len(of_call)} records"]
    record = of_call[0]
    wrong = []
    for name, told, true in (
        ("started_at", record["started_at"], truth["created_at"]),
        ("ended_at", record["ended_at"], truth["ended_at"]),
    ):
        apart = abs((datetime.fromisoformat(told) - datetime.fromisoformat(true)).total_seconds()) if told else float("inf")
        if apart > TIME_TOLERANCE_SECONDS:
            wrong.append(f"{name} is {apart:.2f} s apart")
    if abs((record["talk_seconds"] or 0.0) - truth["talk_seconds"]) > TIME_TOLERANCE_SECONDS:
        wrong.append(f"talk_seconds {record['talk_seconds']} against {truth['talk_seconds']}")
    return wrong


def rung_twice_at_once(legs: list[dict[str, Any]]) -> list[str]:
    """Addresses that the service had on two live legs at the same moment: an agent is offered one call at a time."""
    found = []
    by_address: dict[str, list[tuple[str, str]]] = {}
    for leg in legs:
        if leg["direction"] != "inbound":
            by_address.setdefault(leg["to_number"], []).append((leg["created_at"], leg["ended_at"] or "9"))
    for address, spans in by_address.items():
        ordered = sorted(spans)
        if any(later[0] < earlier[1] for earlier, later in pairwise(ordered)):
            found.append(address)
    return found


async def run(arguments: argparse.Namespace) -> int:
    """The whole benchmark; returns the exit code."""
    demo = json.loads((Path(os.environ.get("IVR_DATA_DIR", ".ivr")) / "demo.json").read_text(encoding="utf-8"))
    chance = random.Random(arguments.seed)
    async with ControlClient(demo["carrier_url"], demo["control_token"]) as control:
        await control.ask("DELETE", "figures")
        await control.ask("PUT", "nemesis", {**json.loads(arguments.trouble), "seed": arguments.seed})
        before = {leg["call_sid"] for leg in (await control.ask("GET", "calls"))["calls"]}
        started = time.monotonic()
        calls = []
        for index in range(arguments.calls):
            from_number = f"+4477009{chance.randrange(100):02d}{index % 1000:03d}"
            calls.append(
                one_call(
                    control, demo["number"], from_number, WISHES[index % len(WISHES)], index * arguments.over / arguments.calls
                )
            )
        truths = await asyncio.gather(*calls)
        seconds = time.monotonic() - started
        state = await control.ask("GET", "state")
        legs = [leg for leg in (await control.ask("GET", "calls"))["calls"] if leg["call_sid"] not in before]
        struck = (await control.ask("GET", "nemesis"))["done"]
        await control.ask("PUT", "nemesis", {})
    by_sid = await records(demo["url"], demo["api_token"], {truth["call_sid"] for truth in truths})
    unfinished = {truth["call_sid"]: truth["failures"] for truth in truths if truth["failures"] or truth["application_error"]}
    wrong = {truth["call_sid"]: found for truth in truths if (found := differences(truth, by_sid.get(truth["call_sid"], [])))}
    twice = rung_twice_at_once(legs)
    dead_air = sorted(truth["longest_dead_air_seconds"] for truth in truths)
    result = {
        "calls": len(truths),
        "seconds": round(seconds, 1),
        "reached_their_end": len(truths) - len(unfinished),
        "application_errors": sum(truth["application_error"] for truth in truths),
        "talked_with_an_agent": sum(truth["talk_seconds"] > 0 for truth in truths),
        "webhooks": state["webhooks"],
        "dead_air_p99_seconds": dead_air[int(0.99 * (len(dead_air) - 1))],
        "dead_air_max_seconds": dead_air[-1],
        "agents_rung_twice_at_once": twice,
        "trouble": struck,
        "records": len(by_sid),
        "records_that_differ": len(wrong),
        "debugger": state["debugger"],
        "carrier_errors": state["own_errors"],
        "seed": arguments.seed,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
    }
    print(json.dumps(result, indent=2))
    for sid, why in list(unfinished.items())[:5] + list(wrong.items())[:5]:
        print(f"{sid}: {why}", file=sys.stderr)
    return 1 if unfinished or wrong or twice else 0


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--over", type=float, default=5.0, help="seconds over which the calls arrive; they last longer")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--trouble", default="{}", help='what the carrier does wrong, such as {"callback_duplicate": 0.3, "rest_429": 0.2}'
    )
    sys.exit(asyncio.run(run(parser.parse_args())))


if __name__ == "__main__":
    main()
