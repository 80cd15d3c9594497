"""Facts at arrival and one look-up, from the sample tables and from an HTTP service on loopback: p50 and p99 in milliseconds.

python benchmarks/connectors.py [--calls 2000]
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from ivr.configuration import load_configuration
from ivr.configuration.model import Configuration, Connector, HttpSource
from ivr.connectors import Connectors
from ivr.numbers import caller_of

CONFIG = Path(__file__).parents[1] / "config"


class Orders(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else every answer waits 40 ms for an acknowledgement

    def do_GET(self) -> None:
        body = json.dumps({"order": {"status": "on its way"}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


def timed(what: str, calls: int, ask: Any) -> None:
    spent = []
    for n in range(calls):
        started = time.perf_counter()
        ask(n)
        spent.append((time.perf_counter() - started) * 1000)
    spent.sort()
    print(f"{what:<44} p50 {spent[calls // 2]:6.2f} ms   p99 {spent[calls * 99 // 100]:6.2f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2000)
    calls = parser.parse_args().calls
    print(f"Python {platform.python_version()}, {platform.machine()}, {calls} each")
    started = time.perf_counter()
    configuration = load_configuration(CONFIG)
    print(f"{'reading config/ (first time)':<44}     {(time.perf_counter() - started) * 1000:6.1f} ms")
    sample = Connectors(configuration, CONFIG)
    callers = [caller_of(f"+4477009001{n:02d}") for n in range(28)]
    timed(
        "customer, order and invoice at arrival",
        calls,
        lambda n: sample.facts_of(callers[n % 28], ("customer", "order", "invoice"), 1.0),
    )
    timed("one order by number, table", calls, lambda n: sample.look_up("order_by_number", {"number": "48213507"}, 1.0))

    server = ThreadingHTTPServer(("127.0.0.1", 0), Orders)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    source = HttpSource(
        f"http://127.0.0.1:{server.server_address[1]}/{{number}}", read={"status": "order.status"}, networks=("127.0.0.0/8",)
    )
    service = Connector("orders", "orders", source, {"number": "number"}, {"status": "text"}, cache_seconds=60.0)
    web = Connectors(Configuration(connectors={"orders": service}), CONFIG)
    timed("one order by number, HTTP", calls, lambda n: web.look_up("orders", {"number": str(n)}, 1.0))
    timed("one order by number, HTTP, kept answer", calls, lambda n: web.look_up("orders", {"number": "7"}, 1.0))
    server.shutdown()
    web.close()
    sample.close()


if __name__ == "__main__":
    sys.exit(main())
