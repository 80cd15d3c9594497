"""A scheduled report that is posted says what it is, of when, from whom, and which try does not count twice."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from ivr.records.outbox import sign
from ivr.records.report_file import read_reports
from ivr.records.schedules import run_due
from tests.records.conftest import NOW, MakeStore
from tests.records.journals import answered

SECRET = "a secret of twenty characters"
Taken = list[tuple[dict[str, str], str]]


@pytest.fixture
def receiver() -> Iterator[tuple[str, Taken]]:
    """An address that refuses the first post and takes the others, and what it was sent."""
    taken: Taken = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"])).decode()))
            self.send_response(500 if len(taken) == 1 else 204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/reports", taken
    server.shutdown()
    server.server_close()


def test_a_posted_report_is_signed_and_keeps_its_id(sqlite_store: MakeStore, tmp_path: Path, receiver: tuple[str, Taken]) -> None:
    address, taken = receiver
    store = sqlite_store()
    answered(store, "A", NOW)
    (tmp_path / "reports.yaml").write_text(
        "reports: {daily: {at: '06:00', timezone: Europe/Madrid, group_by: [queue], metrics: [contacts],"
        f" deliver: {{webhook: '{address}', secret_variable: S}}}}}}"
    )
    at = datetime(2026, 3, 3, 5, 0, 30, tzinfo=UTC)
    assert run_due(store, tmp_path, at, tmp_path, {"S": SECRET}) == []
    assert run_due(store, tmp_path, at + timedelta(minutes=16), tmp_path, {"S": SECRET}) == ["daily"]
    (first, _), (second, body) = taken
    assert first["Ivr-Delivery"] == second["Ivr-Delivery"]
    assert (second["Ivr-Report"], second["Ivr-From"], second["Ivr-To"]) == (
        "daily",
        "2026-03-01T23:00:00Z",
        "2026-03-02T23:00:00Z",
    )
    assert second["Ivr-Signature"] == sign(SECRET, int(second["Ivr-Timestamp"]), body)
    assert body.splitlines()[1].startswith('"general","1"')


def test_a_secret_that_is_not_there_is_told() -> None:
    [problem] = read_reports("reports: {a: {deliver: {webhook: 'https://example.com/x', secret_variable: NONE}}}", {}).problems
    assert "holds no secret" in str(problem)
