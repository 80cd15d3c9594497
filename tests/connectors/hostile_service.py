"""A real HTTP server on loopback that misbehaves as told by the path."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Service:
    """What was asked of it: (method, path, headers, body)."""

    port: int
    requests: list[tuple[str, str, dict[str, str], str]] = field(default_factory=list)
    together: int = 0  # most slow requests that were in progress at once
    in_progress: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def running() -> Iterator[Service]:
    """Serve until the block ends."""
    stopped = threading.Event()

    class Answering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            service.requests.append((self.command, self.path, dict(self.headers), self.rfile.read(length).decode()))
            kind = self.path.split("?")[0].strip("/").split("/")[0]
            getattr(self, f"do_{kind}", self.do_order)()

        do_GET = do_POST = answer

        def reply(self, status: int, body: bytes, **headers: str) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_order(self) -> None:
            self.reply(200, json.dumps({"order": {"status": "on its way", "lines": [{"item": "lamp"}], "total": 41.9}}).encode())

        def do_missing(self) -> None:
            self.reply(404, b"{}")

        def do_broken(self) -> None:
            self.reply(500, b"oops")

        def do_nonsense(self) -> None:
            self.reply(200, b"<html>not json")

        def do_deep(self) -> None:
            self.reply(200, b"[" * 100_000)

        def do_list(self) -> None:
            self.reply(200, b"[1, 2]")

        def do_redirect(self) -> None:
            self.reply(302, b"", Location=f"http://127.0.0.1:{service.port}/order")

        def do_hang(self) -> None:
            stopped.wait(10)
            self.close_connection = True

        def do_drip(self) -> None:
            """A byte of the head now and then, for ever: no single read takes long."""
            self.drip(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 1000)

        def do_trickle(self) -> None:
            """The same with the body."""
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            self.drip(b"{" + b" " * 998 + b"}")

        def drip(self, content: bytes) -> None:
            for byte in content:
                if stopped.wait(0.05):
                    return
                try:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                except OSError:
                    return

        def do_huge(self) -> None:
            """A hundred megabytes, sent as fast as they are taken."""
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n")
            block = b" " * 65_536
            for _ in range(1600):
                try:
                    self.wfile.write(block)
                except OSError:
                    return

        def do_slow(self) -> None:
            with service.lock:
                service.in_progress += 1
                service.together = max(service.together, service.in_progress)
            stopped.wait(0.2)
            with service.lock:
                service.in_progress -= 1
            self.do_order()

        def do_cut(self) -> None:
            self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"order":')
            self.close_connection = True

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """Callers that hang up are what is tested."""

    server = Quiet(("127.0.0.1", 0), Answering)
    server.daemon_threads = True
    server.block_on_close = False
    service = Service(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        stopped.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


@contextmanager
def listener() -> Iterator[tuple[int, list[float]]]:
    """A trap: a port that notes every connection made to it."""
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.settimeout(0.02)
        seen: list[float] = []
        stopped = threading.Event()

        def watch() -> None:
            while not stopped.is_set():
                try:
                    connection, _ = trap.accept()
                except TimeoutError:
                    continue
                except OSError:
                    return
                seen.append(time.monotonic())
                connection.close()

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield trap.getsockname()[1], seen
        finally:
            stopped.set()
            thread.join(2)
