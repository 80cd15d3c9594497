"""The whole service in this test process: real Redis, real database, real HTTP, the local carrier; only the processes are threads."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rq import Queue
from werkzeug.serving import make_server

from ivr.carriers.local import LocalCarrier
from ivr.embedded import free_port
from ivr.jobs import periodic, worker
from ivr.jobs.clock import Clock
from ivr.jobs.wiring import Line, open_line, use_line
from ivr.records.tokens import create_token
from ivr.settings import Settings, read_settings
from routing.model import AgentState
from webhooks.app import create_app

REPOSITORY = Path(__file__).parents[2]
ACCOUNT = "AC" + "5" * 32
TOKEN = "the-carriers-token-of-this-test"
BEHAVIOUR = {"answers_after": "1s", "talks": "6s"}
"""How agents behave unless a test says otherwise: they answer at once, talk briefly and hang up."""

_strangers = itertools.count(50_000)


def stranger() -> str:
    """A number that nobody has called from before, in any test of this process: somebody who calls twice is treated differently."""
    return f"+4477009{next(_strangers)}"


@dataclass
class Running:
    """A running service. `line` is the web process's line; `carrier` the telephone network around it."""

    settings: Settings
    line: Line
    carrier: LocalCarrier
    url: str
    clock: Clock | None = None
    stops: list[Any] = field(default_factory=list)

    def sign_in(self, *agents: str) -> None:
        """These agents are available, without anything left of earlier tests; the others are offline."""
        for agent_id in self.line.configuration.agents:
            self.carrier.behave(self.line.configuration.agents[agent_id].address, BEHAVIOUR)
            self.until(
                lambda agent_id=agent_id: self.line.board.agent(agent_id).state not in ("reserved", "ringing", "talking"), 20
            )
            self.line.switchboard.wrap_up_done(agent_id, None, None)
            self.line.board.set_state(agent_id, AgentState.AVAILABLE if agent_id in agents else AgentState.OFFLINE)
            self.until(lambda agent_id=agent_id: self.line.board.agent(agent_id).ready_at is None or agent_id not in agents, 20)

    def record(self, call_id: str, seconds: float = 15.0) -> dict[str, Any]:
        """The call's record once its journal is in SQL, computed by the real job on a real queue."""
        deadline = time.monotonic() + seconds
        while True:
            self.work()
            row = self.line.store.row(call_id)
            if row is not None and row["ended_at"] is not None and call_id not in self.line.calls.records_due():
                return row
            if time.monotonic() > deadline:
                raise AssertionError(f"no record of {call_id}; journal: {[n.kind for n in self.line.calls.journal(call_id)]}")
            time.sleep(0.1)

    def work(self) -> None:
        """Let a worker do what is due. Jobs belong to a process, and this one may run several services."""
        use_line(self.line)
        periodic.ask_for_records(self.line)
        client = worker.jobs_client(self.settings)
        worker.QuietWorker([Queue(worker.RECORDS, connection=client)], connection=client).work(burst=True, logging_level="ERROR")

    def journal(self, call_id: str) -> list[str]:
        """The kinds of a call's notes."""
        return [note.kind for note in self.line.calls.journal(call_id)]

    def until(self, true: Any, seconds: float = 10.0) -> bool:
        """Wait until `true()` holds, looking every few milliseconds."""
        deadline = time.monotonic() + seconds
        while not true():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def token(self, role: str = "supervisor") -> str:
        return create_token(self.line.store, role=role, name="test", now=self.line.now()).secret


def environment(folder: Path, redis_url: str, models: Path, port: int, carrier_url: str, **more: str) -> dict[str, str]:
    """The service's environment: everything in `folder`, nothing of this machine's own."""
    data = folder / "data"
    data.mkdir(exist_ok=True)
    if not (data / "models").exists():
        (data / "models").symlink_to(models)
    return {
        "REDIS_URL": redis_url,
        "IVR_DATA_DIR": str(data),
        "IVR_FLOWS_DIR": str(REPOSITORY / "flows"),
        "IVR_CONFIG_DIR": str(REPOSITORY / "config"),
        "IVR_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "TWILIO_API_URL": carrier_url,
        **more,
    }


@contextmanager
def running(
    folder: Path,
    redis_url: str,
    models: Path,
    *,
    people: Mapping[str, Any] | None = None,
    speed: float = 8.0,
    ticking: bool = True,
    **more: str,
) -> Iterator[Running]:
    """Start it all; stop it all."""
    port, carrier_port = free_port(), free_port()
    settings = read_settings(environment(folder, redis_url, models, port, f"http://127.0.0.1:{carrier_port}", **more), port=port)
    line = open_line(settings)
    line.store.prepare()
    line.revisions.publish_first(settings.flows_dir)
    line.configure_board()
    server = make_server("127.0.0.1", port, create_app(settings, line), threaded=True)
    serving = threading.Thread(target=server.serve_forever, name="web", daemon=True)
    serving.start()
    carrier = LocalCarrier(
        people,
        service_url=settings.public_url,
        port=carrier_port,
        account_sid=ACCOUNT,
        auth_token=TOKEN,
        speed=speed,
        numbers=tuple(line.configuration.numbers.lines),
    ).start()
    found = Running(settings, line, carrier, settings.public_url)
    ticking_thread: threading.Thread | None = None
    if ticking:
        found.clock = Clock(settings)
        ticking_thread = threading.Thread(target=found.clock.run, name="clock", daemon=True)
        ticking_thread.start()
    try:
        yield found
    finally:
        carrier.stop()
        if found.clock and ticking_thread:
            found.clock.stop.set()
            ticking_thread.join(10)
        server.shutdown()
        serving.join(5)
        server.server_close()
        line.store.close()
