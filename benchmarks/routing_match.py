"""Server time of one match with 1,000, 10,000 and 100,000 agents, and matches per second of one Redis.

    python benchmarks/routing_match.py [--agents 1000 10000 100000] [--rounds 20] [--redis redis://...] [--json]

A match here is the whole script that looks at what changed, finds caller and agent by the policy, claims both and writes the decision
log. Its time is the processor time of the server's main thread (`INFO cpu`), so that neither network, nor Python, nor other programs on
a shared machine are in it. Agents have one of 20 skills at a level, and English; callers need one of the 20 skills, which some 5 % of the
agents have. In each round 300 callers enter, are matched, answered and let go; the median over the rounds is shown. `match` is measured
alone; enter, accept and ended include reading the command from the network, as they are sent one by one.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import redis

from ivr.embedded import start_redis
from routing.board import Board
from routing.model import Agent, AgentState, Queue, WaitingCall

SEED = 7
BATCH = 300
T = TypeVar("T")


def cpu(client: redis.Redis) -> float:
    """Processor seconds of the server's main thread so far."""
    found = client.info("cpu")
    return float(found["used_cpu_user_main_thread"]) + float(found["used_cpu_sys_main_thread"])


def measure(client: redis.Redis, count: int, rounds: int) -> dict[str, float]:
    """One board of `count` agents, all free."""
    client.flushall()
    chance = random.Random(SEED)
    now = [time.time()]
    board = Board(client, clock=lambda: now[0])
    agents = [Agent(f"a{n}", skills={f"s{chance.randrange(20)}": chance.randint(1, 3), "english": 2}) for n in range(count)]
    started = time.perf_counter()
    board.configure(agents, [Queue(f"q{n}", wrap_up_seconds=0, capacity=10**6) for n in range(4)])
    for agent in agents:
        board.run("presence", agent.agent_id, AgentState.AVAILABLE, "", "", "")
    for n in range(20):  # each kind of needs once, so that its agents are joined
        board.enter(WaitingCall(f"warm{n}", f"q{n % 4}", now[0], needs={f"s{n}": 1}))
        board.leave(f"warm{n}", "left")
    while client.zcard(board.keys.of("touched")):
        board.match(1000)
    ready_seconds = time.perf_counter() - started
    spent: dict[str, list[float]] = {"enter": [], "match": [], "accept": [], "ended": []}

    def timed(name: str, act: Callable[[], T]) -> T:
        before = cpu(client)
        answer = act()
        spent[name].append((cpu(client) - before) * 1e6 / BATCH)
        return answer

    for n in range(rounds):
        now[0] += 1
        calls = [WaitingCall(f"c{n}-{m}", f"q{m % 20 % 4}", now[0] - 0.001 * m, needs={f"s{m % 20}": 1}) for m in range(BATCH)]
        timed("enter", lambda calls=calls: [board.enter(call) for call in calls])
        offers = timed("match", lambda: board.match(BATCH))
        assert len(offers) == BATCH
        timed("accept", lambda offers=offers: [board.accept(one.token) for one in offers])
        timed("ended", lambda offers=offers: [board.talk_ended(one.agent_id, one.call_id) for one in offers])
        board.match(BATCH)
    middle = {name: statistics.median(values) for name, values in spent.items()}
    return {
        "agents": count, "matches": rounds * BATCH, "match_us": middle["match"], "match_us_least": min(spent["match"]),
        "enter_us": middle["enter"], "accept_us": middle["accept"], "talk_ended_us": middle["ended"],
        "matches_per_second": 1e6 / middle["match"], "calls_per_second": 1e6 / sum(middle.values()), "set_up_seconds": ready_seconds,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--redis", help="address of an empty server that may be wiped; default: a private one")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = None if options.redis else start_redis(Path(folder), keep=False)
        client = redis.Redis.from_url(options.redis or server.url)
        try:
            rows = [measure(client, count, options.rounds) for count in options.agents]
            about = client.info("server")
        finally:
            if server:
                server.stop()
    version = about.get("valkey_version") or about["redis_version"]
    if options.json:
        json.dump({"seed": SEED, "python": platform.python_version(), "server": version, "rows": rows}, sys.stdout, indent=1)
        return
    print(f"machine {platform.machine()}, Python {platform.python_version()}, server {version}, seed {SEED}")
    print(
        f"{'agents':>8} {'match us':>9} {'least':>6} {'enter us':>9} {'accept us':>9} {'ended us':>9} {'matches/s':>10} {'calls/s':>8}"
    )
    for row in rows:
        print(
            f"{row['agents']:>8,} {row['match_us']:>9.1f} {row['match_us_least']:>6.1f} {row['enter_us']:>9.1f} {row['accept_us']:>9.1f} "
            f"{row['talk_ended_us']:>9.1f} {row['matches_per_second']:>10,.0f} {row['calls_per_second']:>8,.0f}"
        )
    print(
        f"match at {rows[-1]['agents']:,} agents / match at {rows[0]['agents']:,}: {rows[-1]['match_us'] / rows[0]['match_us']:.2f}"
    )


if __name__ == "__main__":
    main()
