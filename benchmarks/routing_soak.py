"""Soak of the live board: many processes, random kill -9, duplicated, late, swapped and lost messages; nothing may go wrong.

    python benchmarks/routing_soak.py [--matches 1000000] [--processes 8] [--agents 200] [--seed 1] [--speed 20] [--kill-every 0.5] [--least-kills 3] [--most-minutes 60] [--json]

Every process lets calls enter, matches, rings, accepts, releases and ends talks, and repeats messages of others late. The parent kills
one of them every half second and starts another, sweeps, and asks "the carrier" about talks. What really happened is kept apart from the board
(keys `truth:…`) and judged against it:

- two calls for one agent, or two agents for one call, at the same time: a violation;
- a caller whose waiting was confirmed, and who in the end was neither served nor let go: a lost call;
- a lease that is still there more than a second (of the board's time) after a sweep could have freed it: an orphan.

The board's time runs `--speed` times faster than the wall's, so that leases run out within the run.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path

import redis

from ivr.embedded import die_with_parent, start_redis
from routing.board import Board
from routing.model import Agent, AgentChoice, OfferResult, Policy, Queue, WaitingCall

RESULTS = (OfferResult.NO_ANSWER, OfferResult.REJECTED, OfferResult.BUSY, OfferResult.FAILED)


def clock_of(start: float, speed: float) -> Callable[[], float]:
    """The board's time: the wall's since `start`, faster."""
    return lambda: start + (time.time() - start) * speed


def floor(agents: int) -> tuple[list[Agent], list[Queue]]:
    """Agents with one of five skills, some of capacity two; three queues, one of which rings several phones."""
    people = [
        Agent(f"a{number}", skills={f"s{number % 5}": 1 + number % 3, "english": 2}, capacity=2 if number % 10 == 0 else 1)
        for number in range(agents)
    ]
    queues = [
        Queue("general", wrap_up_seconds=0, capacity=10**6, missed_after=0),
        Queue("skilled", wrap_up_seconds=2, capacity=10**6, missed_after=3, policy=Policy("best", agent=AgentChoice.BEST_SKILL)),
        Queue(
            "all",
            wrap_up_seconds=0,
            capacity=10**6,
            missed_after=0,
            policy=Policy("all", agent=AgentChoice.RING_ALL, ring_at_once=3),
        ),
    ]
    return people, queues


def work(url: str, name: str, seed: int, start: float, speed: float, agents: int) -> None:
    """One process until it is killed."""
    die_with_parent()
    chance = random.Random(f"{seed}/{name}")
    client = redis.Redis.from_url(url, decode_responses=True)
    board = Board(client, clock=clock_of(start, speed))
    board.load()
    mine: list[tuple[str, str, str]] = []
    talks: list[tuple[str, str, str]] = []
    calls = 0
    while not client.exists("truth:stop"):
        for _ in range(min(5, agents - int(client.zcard(board.keys.of("all"))))):
            calls += 1
            enter(client, board, chance, f"{name}-{calls}")
        for one in board.match(8):
            mine.append((one.token, one.agent_id, one.call_id))
            client.lpush("truth:tokens", one.token)
            client.incr("truth:matches")
        chance.shuffle(mine)
        waiting, mine = mine, []
        for offer in waiting:
            token, agent_id, call_id = offer
            act = chance.random()
            if act < 0.03:
                continue  # every message of this offer is lost
            if act < 0.10:
                board.release(token, chance.choice(RESULTS))
            elif act < 0.20:
                board.ringing(token, "leg")
                mine.append(offer)
            elif board.accept(token):
                begin_talk(client, token, agent_id, call_id)
                talks.append(offer)
        while talks and chance.random() < 0.8:
            end_talk(client, board, *talks.pop(chance.randrange(len(talks))))
        if chance.random() < 0.3:
            rumours(client, board, chance)
        if chance.random() < 0.1:
            for left in client.zrandmember(board.keys.of("all"), 1):
                client.sadd("truth:left", left)
                board.leave(left, "hung_up")
        if chance.random() < 0.1:
            board.set_state(f"a{chance.randrange(agents)}", chance.choice(("available", "available", "available", "break")))


def enter(client: redis.Redis, board: Board, chance: random.Random, call_id: str) -> None:
    """A caller, sometimes told twice. What the board confirmed is written down."""
    call = WaitingCall(
        call_id, chance.choice(("general", "skilled", "all")), board.now(), head_start_seconds=chance.choice((0.0, 30.0)),
        needs={f"s{chance.randrange(5)}": 1} if chance.random() < 0.5 else {}, rings=((5.0, {}),), longest_wait_seconds=100_000,
    )  # fmt: skip
    if board.enter(call).accepted:
        client.sadd("truth:entered", call_id)
        if chance.random() < 0.1:
            board.enter(call)


def rumours(client: redis.Redis, board: Board, chance: random.Random) -> None:
    """Messages about offers of others, late and twice."""
    token = client.lindex("truth:tokens", chance.randrange(200))
    if token:
        for _ in range(chance.randint(1, 3)):
            board.ringing(str(token), "leg") if chance.random() < 0.5 else board.release(str(token), chance.choice(RESULTS))


def begin_talk(client: redis.Redis, token: str, agent_id: str, call_id: str) -> None:
    """Written after the board's word: whatever is written already is a violation."""
    if client.sadd(f"truth:agent:{agent_id}", token) and client.scard(f"truth:agent:{agent_id}") > (
        2 if int(agent_id[1:]) % 10 == 0 else 1
    ):
        client.rpush(
            "truth:violations", f"{agent_id} talks to more callers than it may: {client.smembers(f'truth:agent:{agent_id}')}"
        )
    other = client.set(f"truth:call:{call_id}", token, nx=True, get=True)
    if other:
        client.rpush("truth:violations", f"{call_id} talks in {other} and {token}")


def end_talk(client: redis.Redis, board: Board, token: str, agent_id: str, call_id: str) -> None:
    """Taken back before the board is told."""
    client.sadd("truth:done", call_id)
    client.srem(f"truth:agent:{agent_id}", token)
    client.delete(f"truth:call:{call_id}")
    board.talk_ended(agent_id, call_id)
    board.talk_ended(agent_id, call_id)


class Soak:
    """The parent: starts, kills, sweeps, judges."""

    def __init__(self, options: argparse.Namespace, url: str) -> None:
        self.options = options
        self.url = url
        self.client = redis.Redis.from_url(url, decode_responses=True)
        self.start = time.time()
        self.board = Board(self.client, clock=clock_of(self.start, options.speed))
        self.board.configure(*floor(options.agents))
        for number in range(options.agents):
            self.board.set_state(f"a{number}", "available")
        self.chance = random.Random(options.seed)
        self.workers: list[BaseProcess] = []
        self.names: list[str] = []
        self.started = self.kills = 0
        self.latest_lease_seconds = 0.0

    def begin(self, place: int) -> None:
        name = f"w{self.started}"
        self.started += 1
        # Forked, not started anew: importing takes longer than a process lives here.
        process = multiprocessing.get_context("fork").Process(
            target=work, args=(self.url, name, self.options.seed, self.start, self.options.speed, self.options.agents)
        )
        process.start()
        if place < len(self.workers):
            self.workers[place], self.names[place] = process, name
        else:
            self.workers.append(process)
            self.names.append(name)

    def run(self) -> dict[str, object]:
        for place in range(self.options.processes):
            self.begin(place)
        next_kill = time.time() + self.options.kill_every
        while self.goes_on():
            if time.time() > next_kill:
                place = self.chance.randrange(len(self.workers))
                self.workers[place].kill()
                self.workers[place].join()
                self.kills += 1
                self.begin(place)
                next_kill = time.time() + self.options.kill_every
            self.sweep()
            time.sleep(1 / self.options.speed)
        seconds = time.time() - self.start
        matches = int(self.client.get("truth:matches") or 0)
        self.client.set("truth:stop", "1")
        for worker in self.workers:
            worker.join()
        self.names = []
        self.drain()
        violations = self.client.lrange("truth:violations", 0, -1)
        done = self.client.sdiff("truth:entered", "truth:done", "truth:left")
        lost = [call_id for call_id in done if not self.board.alive(call_id)]
        return {
            "matches": matches, "kills": self.kills, "processes": self.options.processes, "agents": self.options.agents,
            "calls": int(self.client.scard("truth:entered")), "seconds": round(seconds, 1), "matches_per_second": round(matches / seconds),
            "violations": violations, "lost_calls": lost, "held_in_the_end": self.held(), "seed": self.options.seed,
            "longest_lease_overrun_seconds": round(self.latest_lease_seconds, 2),
        }  # fmt: skip

    def goes_on(self) -> bool:
        """Until there were enough matches and enough kills, the time is over, or something went wrong."""
        most = self.options.most_minutes
        if self.client.llen("truth:violations") or (most and time.time() - self.start > 60 * most):
            return False
        return int(self.client.get("truth:matches") or 0) < self.options.matches or self.kills < self.options.least_kills

    def sweep(self) -> None:
        before = self.board.now()
        swept = self.board.sweep(2000)
        # What was due before this sweep began must be gone after it: an orphan is healed by the first sweep after its lease.
        rest = self.client.zrangebyscore(self.board.keys.of("leases"), "-inf", before, withscores=True)
        self.latest_lease_seconds = max([self.latest_lease_seconds, *(before - score for _, score in rest)])
        for talk in swept.talks:
            owner = self.client.sismember(f"truth:agent:{talk.agent_id}", talk.token)
            alive = owner and any(talk.call_id.startswith(f"{name}-") for name in self.names)
            if not owner or (not alive and self.chance.random() < 0.5) or self.board.now() - talk.since > 600:
                end_talk(self.client, self.board, talk.token, talk.agent_id, talk.call_id)

    def drain(self) -> None:
        """Everybody is gone: leases run out, talks are asked about, until nobody is held."""
        deadline = time.time() + 60
        while time.time() < deadline and self.held():
            swept = self.board.sweep(2000)
            for talk in swept.talks:
                end_talk(self.client, self.board, talk.token, talk.agent_id, talk.call_id)
            time.sleep(1 / self.options.speed)

    def held(self) -> int:
        """Agents who hold a call."""
        return sum(bool(agent.calls) for agent in self.board.snapshot().agents)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--matches", type=int, default=1_000_000)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--agents", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--speed", type=float, default=20.0)
    parser.add_argument("--kill-every", type=float, default=0.5, help="seconds between kills")
    parser.add_argument(
        "--least-kills", type=int, default=3, help="goes on until so many processes were killed, however fast it is"
    )
    parser.add_argument("--most-minutes", type=float, help="end after so long, with as many matches as there were")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = start_redis(Path(folder), keep=False)
        try:
            found = Soak(options, server.url).run()
        finally:
            server.stop()
    if options.json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name.replace('_', ' '):32} {value}")
    if found["violations"] or found["lost_calls"] or found["held_in_the_end"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
