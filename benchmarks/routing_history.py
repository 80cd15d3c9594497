"""Time to say why a call went where it went, and how the floor stood, from a decision log of 200,000 entries.

    python benchmarks/routing_history.py [--entries 200000] [--agents 300] [--seed 1] [--json]

A floor on which all agents are busy most of the time writes the log, with the checkpoints that `ivr clock` writes. Then calls from all
parts of the log are explained, and the floor at as many moments is read, each from its checkpoint; one call is also explained by reading
the whole log. Times are the wall's, of this process and the server together.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import redis

from ivr.embedded import start_redis
from routing.board import Board
from routing.board_log import BEGINNING
from routing.decisions import Decision
from routing.explain import explain
from routing.model import Agent, Queue, WaitingCall

CALLS = 40


def write_log(board: Board, client: redis.Redis, now: list[float], options: argparse.Namespace) -> int:
    """A day of calls, until the log is full; returns how many calls there were."""
    chance = random.Random(options.seed)
    board.configure(
        [Agent(f"a{n}", skills={f"s{n % 5}": 1 + n % 3}) for n in range(options.agents)],
        [Queue("general", wrap_up_seconds=0, capacity=10**6)],
    )
    for n in range(options.agents):
        board.set_state(f"a{n}", "available")
    calls, talks = 0, []
    while client.xlen(board.keys.of("log")) < options.entries:
        for _ in range(options.agents // 10):
            calls += 1
            now[0] += 0.5
            board.enter(WaitingCall(f"c{calls}", "general", now[0], needs={f"s{chance.randrange(5)}": 1}))
        for offer in board.match(options.agents):
            board.accept(offer.token)
            talks.append((offer.agent_id, offer.call_id))
        while len(talks) > 0.9 * options.agents:
            board.talk_ended(*talks.pop(chance.randrange(len(talks))))
        board.history.keep()
    return calls


def measure(options: argparse.Namespace, url: str) -> dict[str, object]:
    """The figures, by name."""
    client = redis.Redis.from_url(url, decode_responses=True)
    now = [1_800_000_000.0]
    start = now[0]
    calls = write_log(Board(client, clock=lambda: now[0]), client, now, options)
    board = Board(client, clock=lambda: now[0])
    board.load()
    why: list[float] = []
    at: list[float] = []
    for n in range(CALLS):
        began = time.perf_counter()
        past = board.history.of_call(f"c{1 + (calls - 1) * n // CALLS}")
        assert past and explain(f"c{1 + (calls - 1) * n // CALLS}", past[1], past[0])
        why.append(time.perf_counter() - began)
        began = time.perf_counter()
        assert board.history.at(start + (now[0] - start) * (n + 1) / CALLS)
        at.append(time.perf_counter() - began)
    checkpoints = [str(name) for name in client.zrange(board.keys.of("checkpoints"), 0, -1)]
    began = time.perf_counter()
    explain(f"c{calls}", every(board))
    return {
        "entries": client.xlen(board.keys.of("log")), "agents": options.agents, "calls": calls, "seed": options.seed,
        "why_median_seconds": statistics.median(why), "why_longest_seconds": max(why),
        "board_at_median_seconds": statistics.median(at), "board_at_longest_seconds": max(at),
        "why_by_the_whole_log_seconds": time.perf_counter() - began,
        "checkpoints": len(checkpoints), "checkpoint_bytes": sum(int(client.strlen(board.keys.of("checkpoint", name))) for name in checkpoints),
        "python": platform.python_version(), "machine": platform.machine(),
    }  # fmt: skip


def every(board: Board) -> Iterator[Decision]:
    """All decisions of the log."""
    after = BEGINNING
    while rows := board.decisions(after):
        yield from rows
        after = rows[-1].entry_id


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=200_000)
    parser.add_argument("--agents", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = start_redis(Path(folder), keep=False)
        try:
            found = measure(options, server.url)
        finally:
            server.stop()
    if options.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name.replace('_', ' '):32} {value:.3f}" if isinstance(value, float) else f"{name.replace('_', ' '):32} {value}")


if __name__ == "__main__":
    main()
