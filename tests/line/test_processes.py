"""`ivr serve` as an operator runs it: real processes, killed and interrupted."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from ivr.carriers.local import LocalCarrier
from ivr.embedded import free_port
from ivr.jobs.wiring import open_line
from ivr.settings import read_settings
from routing.model import AgentState
from tests.line.running import ACCOUNT, BEHAVIOUR, TOKEN, environment

LINE = "+442079460000"


@dataclass
class Service:
    """`ivr serve` in a process of its own."""

    process: subprocess.Popen[bytes]
    environment: dict[str, str]
    url: str
    log: Path

    def children(self) -> dict[str, int]:
        """Its processes by name (web, worker, clock, valkey-server …) with their ids; gunicorn's own workers are not counted."""
        found = {}
        listed = subprocess.run(
            ["ps", "-o", "pid=,args=", "--ppid", str(self.process.pid)], capture_output=True, text=True, check=True
        )
        for row in listed.stdout.splitlines():
            pid, _, arguments = row.strip().partition(" ")
            words = arguments.split()
            found[words[3] if "ivr.cli" in words else Path(words[0]).name] = int(pid)
        return found

    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


def wait_until(true: object, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if callable(true) and true():
            return True
        time.sleep(0.05)
    return False


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except OSError:
        return False


@contextmanager
def serving(folder: Path, models: Path, carrier_port: int) -> Iterator[Service]:
    port = free_port()
    settings = environment(folder, "", models, port, f"http://127.0.0.1:{carrier_port}", IVR_WEB_WORKERS="2")
    settings.pop("REDIS_URL")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("IVR_", "TWILIO_", "REDIS_", "DATABASE_"))}
    log = folder / "serve.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "ivr.cli", "serve", "--port", str(port)],
            env={**kept, **settings},
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    service = Service(process, {**kept, **settings}, f"http://127.0.0.1:{port}", log)
    try:
        assert wait_until(lambda: service.ready() or process.poll() is not None, 60), log.read_text()
        assert process.poll() is None, log.read_text()
        yield service
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(20)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[tuple[Service, LocalCarrier]]:
    carrier_port = free_port()
    with serving(tmp_path_factory.mktemp("serve"), models, carrier_port) as service:
        carrier = LocalCarrier(
            {"client:*": BEHAVIOUR},
            service_url=service.url,
            port=carrier_port,
            account_sid=ACCOUNT,
            auth_token=TOKEN,
            speed=4.0,
            numbers=(LINE,),
        )
        with carrier:
            yield service, carrier


def redis_url(service: Service) -> str:
    for word in Path(f"/proc/{service.children()['clock']}/environ").read_text().split("\0"):
        if word.startswith("REDIS_URL="):
            return word.partition("=")[2]
    raise AssertionError("the clock has no REDIS_URL")


def test_killing_the_web_process_loses_neither_call_nor_record(network: tuple[Service, LocalCarrier]) -> None:
    service, carrier = network
    line = open_line(read_settings({**service.environment, "REDIS_URL": redis_url(service)}), speech=False)
    line.configure_board()
    line.board.set_state("chloe", AgentState.AVAILABLE)
    sid = carrier.place_by_hand("+447700951001", LINE, patient=True)
    assert wait_until(lambda: any("press 0" in text for text in carrier.truth(sid).heard), 20), carrier.truth(sid).heard
    before = service.children()["web"]
    os.killpg(before, signal.SIGKILL)  # the web process and its workers: it leads its own session
    assert wait_until(lambda: service.children().get("web", before) != before and service.ready(), 40)
    assert carrier.press(sid, "0")
    assert wait_until(lambda: any("How can I help" in text for text in carrier.truth(sid).heard), 30), carrier.truth(sid).entries[
        -8:
    ]
    assert wait_until(lambda: any("content" in text for text in carrier.truth(sid).heard) or carrier.press(sid, "1"), 30)
    carrier.hang_up(sid)
    truth = carrier.wait(sid, 60)
    assert not truth.application_error
    assert wait_until(lambda: (line.store.row(sid) or {}).get("outcome") == "answered", 30)
    row = line.store.row(sid)
    assert row is not None
    assert row["agent"] == "chloe"
    line.store.close()


def test_killing_clock_and_worker_in_a_queue_costs_a_moment(network: tuple[Service, LocalCarrier]) -> None:
    service, carrier = network
    line = open_line(read_settings({**service.environment, "REDIS_URL": redis_url(service)}), speech=False)
    line.configure_board()
    assert wait_until(lambda: line.board.agent("chloe").state in ("available", "wrap_up"), 30)
    children = service.children()
    for name in ("clock", "worker"):
        os.kill(children[name], signal.SIGKILL)
    line.switchboard.wrap_up_done("chloe", None, None)
    truth = carrier.call("+447700951002", LINE, [{"press": "0"}, {"talk": "60s", "within": "5m"}, "until end"], seconds=150)
    assert truth.failures == ()
    assert wait_until(lambda: (line.store.row(truth.call_sid) or {}).get("outcome") == "answered", 40)
    line.store.close()


def test_ctrl_c_leaves_no_process(tmp_path: Path, models: Path) -> None:
    with serving(tmp_path, models, free_port()) as service:
        children = list(service.children().values())
        assert len(children) == 4
        service.process.send_signal(signal.SIGINT)
        service.process.wait(20)
        assert service.process.returncode == 0
    assert wait_until(lambda: not any(alive(pid) for pid in children), 5)


def test_kill_9_of_the_supervisor_leaves_no_process(tmp_path: Path, models: Path) -> None:
    with serving(tmp_path, models, free_port()) as service:
        children = list(service.children().values())
        service.process.kill()
        service.process.wait(10)
    assert wait_until(lambda: not any(alive(pid) for pid in children), 15)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"TWILIO_ACCOUNT_SID": ""}, "TWILIO_ACCOUNT_SID is missing"),
        ({"TWILIO_ACCOUNT_SID": "AC1"}, "TWILIO_ACCOUNT_SID is malformed"),
        ({"TWILIO_AUTH_TOKEN": ""}, "TWILIO_AUTH_TOKEN is missing"),
        ({"IVR_CALLER_ID": "0207"}, 'IVR_CALLER_ID is "0207"'),
        ({"REDIS_URL": "http://x"}, "REDIS_URL"),
        ({"REDIS_URL": "redis://127.0.0.1:1/0"}, "Redis"),
        ({"DATABASE_URL": "mysql://x/y"}, "DATABASE_URL"),
        ({"IVR_FLOWS_DIR": "nowhere"}, "IVR_FLOWS_DIR"),
        ({"IVR_DATA_DIR": "/proc/ivr"}, "IVR_DATA_DIR"),
        ({"IVR_PUBLIC_URL": "ivr.example.com"}, "IVR_PUBLIC_URL"),
    ],
)
def test_a_bad_setting_stops_the_start_with_one_line(change: dict[str, str], says: str, tmp_path: Path, models: Path) -> None:
    settings = environment(tmp_path, "", models, free_port(), "http://127.0.0.1:1")
    settings.pop("REDIS_URL")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("IVR_", "TWILIO_", "REDIS_", "DATABASE_"))}
    done = subprocess.run(
        [sys.executable, "-m", "ivr.cli", "serve", "--port", str(free_port())],
        env={**kept, **settings, **change}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    lines = [row for row in done.stderr.splitlines() if row.strip()]
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("ivr: ")
    assert says in lines[0]
    assert TOKEN not in done.stderr


def test_a_port_in_use_is_said_in_one_line(tmp_path: Path, models: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = environment(tmp_path, "", models, port, "http://127.0.0.1:1")
        settings.pop("REDIS_URL")
        done = subprocess.run(
            [sys.executable, "-m", "ivr.cli", "serve", "--port", str(port)],
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert (
        done.stderr.strip()
        == f"ivr: port {port} on 127.0.0.1 is in use: stop the program that uses it, or choose another with --port {port + 1}"
    )
