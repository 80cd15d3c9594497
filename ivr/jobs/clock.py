"""The clock: carries out carrier commands as they come, and does every periodic task, each leased to one clock at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import redis
import structlog
from prometheus_client import Counter, Gauge

from ivr.errors import CarrierError, IvrError
from ivr.jobs import figures, floor_log, periodic, texting
from ivr.jobs.commands import Commands
from ivr.jobs.comparing import compare
from ivr.jobs.leases import Lease
from ivr.jobs.wiring import Line, open_line
from ivr.sessions import connect
from ivr.settings import Settings
from routing.model import RoutingError

log = structlog.get_logger()

COMMANDS = Counter("ivr_carrier_commands_total", "Carrier commands by kind and result.", ["kind", "result"])
WAITING_COMMANDS = Gauge("ivr_carrier_commands_waiting", "Carrier commands not yet taken.")

# What may go wrong in one round without ending the clock: the next round tries again.
PASSING = (
    IvrError,
    RoutingError,
    redis.exceptions.RedisError,
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RuntimeError,
)


@dataclass
class Task:
    """Something done every `seconds`, by one clock at a time."""

    name: str
    seconds: float
    do: Callable[[Line], object]
    due: float = 0.0
    lease: Lease | None = field(default=None, repr=False)


TASKS = (
    ("sweep", 1.0, periodic.sweep),
    ("records", 1.0, periodic.ask_for_records),
    ("recall", 1.0, periodic.fetch_callers),
    ("callbacks", 1.0, periodic.due_callbacks),
    ("consults", 1.0, periodic.end_consults),
    ("commands", 5.0, periodic.hand_out_again),
    ("ends", 10.0, periodic.find_lost_ends),
    ("reconcile", 15.0, periodic.reconcile),
    ("compare", 30.0, compare),
    ("configuration", 2.0, periodic.follow_configuration),
    ("states", 1.0, floor_log.follow),
    ("history", 10.0, periodic.keep_history),
    ("webhooks", 5.0, figures.deliver_webhooks),
    ("surveys", 5.0, texting.ask_by_text),
    ("text news", 300.0, texting.ask_for_news),
    ("rollups", 30.0, figures.keep_rollups),
    ("fcr", 60.0, periodic.decide_fcr),
    ("imports", 15.0, periodic.finish_imports),
    ("reports", 60.0, periodic.run_reports),
    ("retention", 3600.0, periodic.keep_retention),
)


class Clock:
    """Runs until `stop` is set. `executors` threads carry out commands side by side."""

    def __init__(self, settings: Settings, executors: int = 8) -> None:
        self.line = open_line(settings, speech=False)
        # Waiting for the next command blocks a connection for seconds: it has its own, with a longer limit.
        self._patient = connect(settings.redis_url or "", seconds=5.0)
        self.commands = Commands(self.line, self.line.links)
        self.stop = threading.Event()
        self._threads = [threading.Thread(target=self._execute, name=f"commands-{n}", daemon=True) for n in range(executors)]
        self._tasks = [
            Task(name, seconds, do, lease=Lease(self.line.redis, name, max(5.0, seconds * 2))) for name, seconds, do in TASKS
        ]

    def run(self) -> None:
        """Work until `stop` is set; leases are given back."""
        self.line.configure_board()
        for thread in self._threads:
            thread.start()
        slow = threading.Thread(
            target=self._rounds, args=([t for t in self._tasks if t.seconds >= 15],), name="slow", daemon=True
        )
        slow.start()
        self._rounds([t for t in self._tasks if t.seconds < 15])
        for thread in (*self._threads, slow):
            thread.join(timeout=5)
        for task in self._tasks:
            if task.lease:
                try:
                    task.lease.give_back()
                except redis.exceptions.RedisError:
                    log.info("lease not given back: it runs out by itself", task=task.name)

    def _rounds(self, tasks: list[Task]) -> None:
        while not self.stop.is_set():
            for task in tasks:
                now = time.monotonic()
                if now < task.due or self.stop.is_set():
                    continue
                task.due = now + task.seconds
                try:
                    if task.lease is None or task.lease.hold():
                        task.do(self.line)
                except PASSING as error:
                    log.warning(
                        "periodic task failed",
                        task=task.name,
                        error=str(error),
                        exc_info=not isinstance(error, (IvrError, redis.exceptions.RedisError)),
                    )
            pause = min((task.due for task in tasks), default=time.monotonic() + 1) - time.monotonic()
            self.stop.wait(max(0.01, min(pause, 1.0)))

    def _execute(self) -> None:
        outbox = self.line.outbox_over(self._patient)
        while not self.stop.is_set():
            try:
                taken = outbox.take(1)
            except redis.exceptions.RedisError:
                self.stop.wait(0.5)
                continue
            if taken is None:
                continue
            command, text = taken
            try:
                self.commands.carry_out(command)
                COMMANDS.labels(command.kind, "done").inc()
            except CarrierError:
                COMMANDS.labels(command.kind, "refused").inc()
                continue  # stays taken: handed out again after a while
            except PASSING as error:
                COMMANDS.labels(command.kind, "failed").inc()
                log.error("carrier command broke", kind=command.kind, error=str(error), exc_info=True)
                continue
            try:
                outbox.done(text)
            except redis.exceptions.RedisError:
                log.info("command not ticked off: it is handed out again and found done", kind=command.kind)
