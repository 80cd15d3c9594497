"""Everything on one machine: starts the processes, starts again what dies, stops all of them together."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import click

from ivr.embedded import die_with_parent
from ivr.errors import SettingError

_STOP_SECONDS = 8.0


@dataclass
class Child:
    """One process of ours: `ivr` with `arguments`."""

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    deaths: list[float] = field(default_factory=list)

    def start(self, log: Path) -> None:
        """Start it; its output goes to `log`."""
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ivr.cli", *self.arguments],
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,  # Ctrl-C reaches only the parent, which then stops its children in order
                preexec_fn=die_with_parent,
            )
        self.started = time.monotonic()


def port_in_use(host: str, port: int) -> bool:
    """True where another program listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
        return False


def require_free(host: str, port: int) -> None:
    """Raises SettingError with one line where the port is taken."""
    if port_in_use(host, port):
        raise SettingError(
            f"port {port} on {host} is in use: stop the program that uses it, or choose another with --port {port + 1}"
        )


class Supervisor:
    """Starts children in order and keeps them running until told to stop. Every process it starts, it ends."""

    def __init__(self, log_folder: Path) -> None:
        self._folder = log_folder
        self._children: list[Child] = []
        self.stopping = threading.Event()

    def watch_signals(self) -> None:
        """Ctrl-C and TERM mean: stop everything."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self.stopping.set())

    def start(self, name: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Child:
        """Start `ivr ARGUMENTS` as `name`; its output goes to NAME.log."""
        child = Child(name, arguments, {**os.environ, **(environment or {})})
        child.start(self._folder / f"{name}.log")
        self._children.append(child)
        return child

    def wait_for(self, child: Child, ready: object, seconds: float, what: str) -> None:
        """Wait until `ready()` is true. Raises SettingError with the log's last line where the child ends or takes too long."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self.stopping.is_set():
            if callable(ready) and ready():
                return
            if child.process and child.process.poll() is not None:
                break
            time.sleep(0.05)
        if self.stopping.is_set():
            return
        lines = (self._folder / f"{child.name}.log").read_text(errors="replace").strip().splitlines()
        raise SettingError(
            f"{what} did not start: {lines[-1] if lines else 'it said nothing'} (see {self._folder / (child.name + '.log')})"
        )

    def run(self) -> None:
        """Until a signal comes: start again what died, more slowly each time it dies soon."""
        while not self.stopping.wait(0.25):
            for child in self._children:
                if child.process is None or child.process.poll() is None:
                    continue
                now = time.monotonic()
                child.deaths = [moment for moment in child.deaths if now - moment < 60] + [now]
                pause = min(0.1 * 2 ** (len(child.deaths) - 1), 10.0)
                click.echo(f"ivr: {child.name} ended ({child.process.returncode}); starting it again in {pause:.1f} s", err=True)
                if self.stopping.wait(pause):
                    break
                child.start(self._folder / f"{child.name}.log")

    def stop(self) -> None:
        """End all children, the last started first, and wait for them."""
        self.stopping.set()
        alive = [child for child in reversed(self._children) if child.process and child.process.poll() is None]
        for child in alive:
            _signal(child, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        for child in alive:
            assert child.process is not None
            try:
                child.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal(child, signal.SIGKILL)
                child.process.wait()


def _signal(child: Child, number: int) -> None:
    """To the child and whatever it started itself: it leads its own session."""
    assert child.process is not None
    try:
        os.killpg(child.process.pid, number)
    except (ProcessLookupError, PermissionError):
        child.process.send_signal(number)
