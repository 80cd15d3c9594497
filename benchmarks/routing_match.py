"""Server time of one match with 1,000, 10,000 and 100,000 agents, and matches per second of one Redis.

    python benchmarks/routing_match.py [--agents 1000 10000 100000] [--matches 2000] [--redis redis://...] [--json]

A match here is the whole script that looks at what changed, finds caller and agent by the policy, claims both and writes the
decision log. Server time comes from `INFO commandstats` (EVALSHA's own microseconds), so neither network nor Python is in it.
Agents have one of 20 skills at a level and one of 4 queues; callers need one skill, which some 5 % of the agents have.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import sys
import tempfile
import time
from pathlib import Path

import redis

from ivr.embedded import start_redis
from routing.board import Board
from routing.model import Agent, AgentState, Queue, WaitingCall

SEED = 7


def _agents(count: int, chance: random.Random) -> list[Agent]:
    return [Agent(f"a{n}", skills={f"s{chance.randrange(20)}": chance.randint(1, 3), "english": 2}) for n in range(count)]


def measure(client: redis.Redis, count: int, matches: int) -> dict[str, float]:
    """One board of `count` agents, all free; `matches` calls are answered, talked and wrapped up one after another."""
    client.flushall()
    chance = random.Random(SEED)
    now = [time.time()]
    board = Board(client, clock=lambda: now[0])
    agents = _agents(count, chance)
    queues = [Queue(f"q{n}", wrap_up_seconds=0, capacity=10**6) for n in range(4)]
    started = time.perf_counter()
    board.configure(agents, queues)
    for agent in agents:
        board.run("presence", agent.agent_id, AgentState.AVAILABLE.value, "", "", "")
    for n in range(20):  # each kind of needs once, so that its agents are joined
        board.enter(WaitingCall(f"warm{n}", f"q{n % 4}", now[0], needs={f"s{n}": 1}))
        board.leave(f"warm{n}", "left")
    while client.zcard(board.keys.of("touched")):
        board.match(1000)
    ready_seconds = time.perf_counter() - started
    micros: dict[str, float] = {"match": 0.0, "enter": 0.0, "accept": 0.0, "ended": 0.0}

    def timed(name: str, act):  # type: ignore[no-untyped-def]
        before = client.info("commandstats").get("cmdstat_evalsha", {}).get("usec", 0)
        answer = act()
        micros[name] += client.info("commandstats")["cmdstat_evalsha"]["usec"] - before
        return answer

    done = 0
    began = time.perf_counter()
    for n in range(matches):
        now[0] += 0.05
        skill = n % 20
        call = WaitingCall(f"c{n}", f"q{skill % 4}", now[0], needs={f"s{skill}": 1})
        timed("enter", lambda call=call: board.enter(call))
        for reservation in timed("match", lambda: board.match(10)):
            done += 1
            timed("accept", lambda token=reservation.token: board.accept(token))
            timed("ended", lambda one=reservation: board.talk_ended(one.agent_id, one.call_id))
    seconds = time.perf_counter() - began
    whole = sum(micros.values()) / done
    return {
        "agents": count, "matches": done, "match_us": micros["match"] / done, "enter_us": micros["enter"] / done,
        "accept_us": micros["accept"] / done, "talk_ended_us": micros["ended"] / done, "whole_call_us": whole,
        "matches_per_second_of_server": 1e6 / (micros["match"] / done), "calls_per_second_of_server": 1e6 / whole,
        "set_up_seconds": ready_seconds, "loop_seconds": seconds,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--matches", type=int, default=2000)
    parser.add_argument("--redis", help="address of an empty server that may be wiped; default: a private one")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = None if options.redis else start_redis(Path(folder), keep=False)
        client = redis.Redis.from_url(options.redis or server.url)
        try:
            rows = [measure(client, count, options.matches) for count in options.agents]
            version = client.info("server").get("valkey_version") or client.info("server")["redis_version"]
        finally:
            if server:
                server.stop()
    if options.json:
        json.dump({"seed": SEED, "python": platform.python_version(), "server": version, "rows": rows}, sys.stdout, indent=1)
        return
    print(f"machine {platform.machine()}, Python {platform.python_version()}, server {version}, seed {SEED}")
    print(
        f"{'agents':>8} {'match us':>9} {'enter us':>9} {'accept us':>9} {'talk ended us':>13} {'whole call us':>13} {'matches/s':>10}"
    )
    for row in rows:
        print(
            f"{row['agents']:>8,} {row['match_us']:>9.1f} {row['enter_us']:>9.1f} {row['accept_us']:>9.1f} {row['talk_ended_us']:>13.1f} "
            f"{row['whole_call_us']:>13.1f} {row['matches_per_second_of_server']:>10,.0f}"
        )


if __name__ == "__main__":
    main()
