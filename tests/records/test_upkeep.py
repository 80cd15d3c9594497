"""What happens around records: import, erasing, retention, webhooks, checking, reports by the clock, tokens, the past board."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import httpx
import pytest
import sqlalchemy as sa

from ivr.errors import RecordError, StoreUnavailable
from ivr.records.checking import check_calls
from ivr.records.export import stream
from ivr.records.importing import import_calls
from ivr.records.migrations import newest
from ivr.records.occupancy import AgentState, record_states
from ivr.records.outbox import deliver_due, sign
from ivr.records.past_board import board_at
from ivr.records.query import list_calls, read_call_query
from ivr.records.repeats import repeat_of
from ivr.records.report_file import read_reports
from ivr.records.retention import apply_retention, erase_caller, export_caller
from ivr.records.saving import close_call, recompute
from ivr.records.schedules import due_at, period_of, run_due
from ivr.records.stats import figures, read_stats_query
from ivr.records.store import Store
from ivr.records.subscriptions import Subscription
from ivr.records.tables import calls, deliveries, events, metadata, utterances
from tests.records.conftest import NOW, MakeStore
from tests.records.journals import abandoned, answered, journal


def test_migrations_lead_to_the_tables(database_url: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    store = Store(database_url)
    assert store.upgrade() == (None, newest())
    assert store.upgrade() == (newest(), newest())
    store.ping()
    with store.engine.connect() as connection:
        own = {
            "compare_type": False,
            "include_name": lambda name, kind, parents: not str(name).startswith("events_"),
        }  # not its months
        context = MigrationContext.configure(connection, opts=own)
        assert compare_metadata(context, metadata) == []
    store.close()


def test_a_database_that_does_not_answer_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable), Store("postgresql+psycopg://127.0.0.1:1/none").reading():
        pass
    with pytest.raises(StoreUnavailable), Store(f"sqlite:///{tmp_path}/no/such/folder/x.sqlite").reading():
        pass


def test_a_journal_that_redis_forgot_is_taken_from_sql(store: Store) -> None:
    answered(store, "A", NOW)
    # Redis came back empty and counts from 1 again: the late note stands at a place that is taken.
    late = journal("A", NOW, (400, "RecordingKept", {"url": "/r/1", "seconds": 60}))[1:]
    record = close_call(store, late, NOW + timedelta(seconds=500))
    assert record.recording is not None
    assert record.talk_seconds == 60
    assert [n.seq for n in store.notes("A")] == list(range(1, 8))
    before = store.row("A")
    recompute(store, "A", NOW + timedelta(seconds=500))
    assert store.row("A") == before


def test_card_numbers_do_not_reach_the_journal(store: Store) -> None:
    close_call(
        store, journal("A", NOW, (5, "Heard", {"step": "ask", "mode": "speech", "text": "it is 4111 1111 1111 1111 thanks"})), NOW
    )
    assert "1111" not in json.dumps([n.data for n in store.notes("A")])


def test_history_is_imported_whole_and_found_again(store: Store) -> None:
    answered(store, "A", NOW)
    answered(store, "B", NOW + timedelta(hours=3))
    text = b"".join(stream(store, read_call_query({}), "csv", masked=False)).decode()
    mine = text.replace('"A"', '"X"').replace('"B"', '"Y"')
    with_bad = mine.replace('"answered"', '"ansered"', 1).replace('"10"', '"soon"', 1)
    refused = import_calls(store, with_bad, "csv", NOW)
    assert refused.written == 0
    assert {row.line for row in refused.bad} == {2}
    assert any("ansered" in row.why for row in refused.bad)
    assert store.row("X") is None
    assert import_calls(store, mine, "csv", NOW).written == 2
    assert import_calls(store, mine, "csv", NOW).written == 2
    row, own = store.row("X"), store.row("A")
    assert row is not None
    assert own is not None
    for name in ("from_number", "started_at", "queue_seconds", "talk_seconds", "handle_seconds", "outcome", "fcr", "intents"):
        assert row[name] == own[name], name
    assert "taken by this system" in import_calls(store, text, "csv", NOW).bad[0].why


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('{"call_id":"X"}', "started_at is missing"),
        ('{"call_id":"X","started_at":"yesterday","outcome":"answered"}', "is not a time"),
        (
            '{"call_id":"X","started_at":"2026-03-02T10:00:00Z","outcome":"answered","talk_seconds":-1}',
            "is not a number of seconds",
        ),
        (
            '{"call_id":"X","started_at":"2026-03-02T10:00:00Z","outcome":"answered","resolved":"perhaps"}',
            "neither true nor false",
        ),
        ('{"call_id":"X","started_at":"2026-03-02T10:00:00Z","outcome":"answered","colour":"red"}', "not a field"),
        ("[1]", "not a JSON object"),
        ("{", "not JSON"),
    ],
)
def test_bad_rows_are_listed_with_their_line(sqlite_store: MakeStore, line: str, why: str) -> None:
    good = '{"call_id":"G","started_at":"2026-03-02T10:00:00Z","outcome":"answered"}'
    found = import_calls(sqlite_store(), f"{good}\n{line}\n", "ndjson", NOW)
    assert found.written == 0
    assert [row.line for row in found.bad] == [2] * len(found.bad)
    assert any(why in row.why for row in found.bad)


def test_a_caller_is_erased_everywhere_with_a_receipt(tmp_path: Path) -> None:
    path = tmp_path / "ivr.sqlite"
    store = Store(f"sqlite:///{path}", clock=lambda: NOW, subscriptions=(Subscription("https://example.com/x", "s" * 20),))
    store.upgrade()
    number = "+447700900777"
    answered(store, "A", NOW, number=number)
    close_call(
        store,
        journal("B", NOW, (1, "Recognised", {"customer_id": "c9", "customer_name": "Quentin Rarename"}), (5, "Heard", {"step": "m", "mode": "speech", "text": "call Rarename"}),
                (5, "NotUnderstood", {"step": "m", "text": "call Rarename"}), (9, "Ended", {"ended_by": "caller"}), number=number),
        NOW,
    )  # fmt: skip
    answered(store, "C", NOW, number="+447700900123")
    known = export_caller(store, number)
    assert [call["call_id"] for call in known["calls"]] == ["A", "B"]
    assert known["calls"][1]["utterances"][0]["text"] == "call Rarename"
    ask = {"from": ["2026-03-02"], "to": ["2026-03-03"]}
    before = figures(store, read_stats_query(ask, store, NOW), NOW)["totals"]
    receipt = erase_caller(store, number, NOW, "sam")
    assert receipt.removed["calls"] == 2
    assert figures(store, read_stats_query(ask, store, NOW), NOW)["totals"]["aht_contact"] == before["aht_contact"]
    with pytest.raises(RecordError, match="nothing is kept"):
        erase_caller(store, number, NOW, "sam")
    store.close()
    for file in tmp_path.iterdir():
        kept = file.read_bytes()
        assert number.encode() not in kept
        assert b"Rarename" not in kept


def test_what_is_old_is_forgotten_by_class(store: Store) -> None:
    answered(store, "OLD", NOW - timedelta(days=900), number="+447700900777")
    answered(store, "MID", NOW - timedelta(days=500))
    answered(store, "NEW", NOW - timedelta(days=5))
    done = apply_retention(store, NOW)
    assert done["calls"] == 1
    assert done["events"] > 0
    assert apply_retention(store, NOW) == dict.fromkeys(done, 0)
    old = store.row("OLD")
    assert old is not None
    assert (old["from_number"], old["person"], old["handle_seconds"]) == (None, None, 65.0)
    assert store.notes("MID") == []
    assert store.notes("NEW") != []


class _Receiver(BaseHTTPRequestHandler):
    seen: ClassVar[list[tuple[dict[str, str], bytes]]] = []
    answers: ClassVar[list[int]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append((dict(self.headers), body))
        self.send_response(self.answers.pop(0) if self.answers else 204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


def test_webhooks_are_signed_sent_again_and_never_twice_for_one_happening(make_store: MakeStore) -> None:
    server = HTTPServer(("127.0.0.1", 0), _Receiver)
    Thread(target=server.serve_forever, daemon=True).start()
    _Receiver.seen.clear()
    _Receiver.answers[:] = [500]
    secret = "a secret of some length"
    url = f"http://127.0.0.1:{server.server_port}/calls"
    store = make_store(subscriptions=(Subscription(url, secret, ("call.completed", "survey.alert")),))
    notes = journal(
        "A",
        NOW,
        (10, "Connected", {"queue": "general", "agent": "ana", "leg_id": "L"}),
        (60, "Surveyed", {"question": "csat", "scale": "1-5", "direction": "up", "answer": "1"}),
        (70, "Ended", {"ended_by": "caller"}),
    )
    for _ in range(3):
        close_call(store, notes, NOW)
    with httpx.Client() as client:
        assert deliver_due(store, NOW, client) == 1  # two are due, one is refused
        assert deliver_due(store, NOW, client) == 0  # not yet again
        assert deliver_due(store, NOW + timedelta(seconds=6), client) == 1
        assert deliver_due(store, NOW + timedelta(days=2), client) == 0
    server.shutdown()
    server.server_close()
    assert len(_Receiver.seen) == 3
    assert {json.loads(body)["type"] for _, body in _Receiver.seen} == {"call.completed", "survey.alert"}
    for headers, body in _Receiver.seen:
        assert headers["Ivr-Signature"] == sign(secret, int(headers["Ivr-Timestamp"]), body.decode())
        assert json.loads(body)["id"] == headers["Ivr-Delivery"]
    with store.reading() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(deliveries).where(deliveries.c.due_at.is_not(None))) == 0


def test_checking_finds_what_was_changed_by_hand(store: Store) -> None:
    for n in range(5):
        answered(store, f"A{n}", NOW + timedelta(minutes=n), number=f"+44770090000{n}")
    assert check_calls(store, NOW, NOW + timedelta(days=1)).sound
    with store.writing() as connection:
        connection.execute(calls.update().where(calls.c.call_id == "A3").values(talk_seconds=999.0))
    found = check_calls(store, NOW, NOW + timedelta(days=1))
    assert [(d.call_id, d.field, d.stored, d.computed) for d in found.differences] == [("A3", "talk_seconds", 999.0, 60.0)]


def test_a_stay_with_an_unknown_end_does_not_add_up_and_is_listed(store: Store) -> None:
    close_call(
        store,
        journal(
            "A",
            NOW,
            (0, "Queued", {"queue": "general"}),
            (9, "Dequeued", {"queue": "general", "result": "eaten"}),
            (9, "Ended", {"ended_by": "caller"}),
        ),
        NOW,
    )
    ask = {"from": ["2026-03-02"], "to": ["2026-03-03"], "metrics": ["offered,answered"], "group_by": ["queue"]}
    row = figures(store, read_stats_query(ask, store, NOW), NOW)["reconciliation"][0]
    assert (row["adds_up"], row["unexplained"]) == (False, 1)
    assert "queue_result=unknown" in row["calls"]
    assert check_calls(store, NOW, NOW + timedelta(days=1)).unexplained == ("A",)


def test_a_repeat_caller_is_noticed_while_the_call_arrives(store: Store) -> None:
    answered(store, "A", NOW, agent="ana")
    found = repeat_of(store, None, "+447700900001", NOW + timedelta(hours=5))
    assert found is not None
    assert (found.call_id, found.agent, found.queue) == ("A", "ana", "general")
    assert 4.9 < found.hours_ago < 5
    assert repeat_of(store, None, "+447700900001", NOW + timedelta(days=9)) is None
    assert repeat_of(store, None, None, NOW) is None
    assert repeat_of(store, "c1", "+447700900999", NOW) is None


REPORTS = """
reports:
  daily:
    title: Yesterday
    at: "06:00"
    timezone: Europe/Madrid
    period: yesterday
    group_by: [queue]
    metrics: [contacts, aht, fcr]
    deliver: {file: "out/{date}.csv"}
"""


def test_a_report_is_made_once_by_whoever_looks_first(store: Store, tmp_path: Path) -> None:
    answered(store, "A", NOW)
    (tmp_path / "reports.yaml").write_text(REPORTS)
    before = datetime(2026, 3, 3, 4, 59, tzinfo=UTC)
    assert run_due(store, tmp_path, before, tmp_path) == ["daily"]  # the day before's, missed by less than a day
    assert run_due(store, tmp_path, before, tmp_path) == []
    at = datetime(2026, 3, 3, 5, 0, 30, tzinfo=UTC)
    assert run_due(store, tmp_path, at, tmp_path) == ["daily"]
    assert run_due(store, tmp_path, at, tmp_path) == []
    lines = (tmp_path / "out" / "2026-03-03.csv").read_text().splitlines()
    assert lines[1].startswith('"general","1","1","","provisional","65"') or lines[1].startswith(
        '"general","1","1","","final","65"'
    )


def test_a_report_that_cannot_be_delivered_is_tried_again(store: Store, tmp_path: Path) -> None:
    (tmp_path / "reports.yaml").write_text(REPORTS.replace('{file: "out/{date}.csv"}', "{email: [team@example.com]}"))
    at = datetime(2026, 3, 3, 5, 0, 30, tzinfo=UTC)
    assert run_due(store, tmp_path, at, tmp_path, env={}) == []
    (tmp_path / "reports.yaml").write_text(REPORTS)
    assert run_due(store, tmp_path, at + timedelta(minutes=1), tmp_path) == []  # still claimed
    assert run_due(store, tmp_path, at + timedelta(minutes=16), tmp_path) == ["daily"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("figures: {target: soon}", "length of time"),
        ("figures: {target_seconds: 20}", "no setting"),
        ("webhooks: [{url: 'http://example.com/x', secret_variable: S}]", "address"),
        ("webhooks: [{url: 'https://example.com/x', secret_variable: NONE}]", "secret"),
        ("reports: {a: {at: '25:00'}}", "time of day"),
        ("reports: {a: {metrics: [ahtt]}}", "ahtt"),
        ("reports: {a: {deliver: {file: '../x.csv'}}}", "leaves the data folder"),
        ("reports: {a: {timezone: Mars/Base}}", "time zone"),
        ("retention: {events: 1s}", "events"),
    ],
)
def test_mistakes_in_the_file_are_told_with_their_place(text: str, what: str) -> None:
    problems = read_reports(text, {"S": "x" * 20}).problems
    assert any(what in str(problem) for problem in problems), [str(p) for p in problems]
    assert all(str(p).startswith("reports.yaml:1:") for p in problems)


def test_the_shipped_file_is_sound() -> None:
    found = read_reports(Path("config/reports.yaml").read_text())
    assert found.problems == ()
    assert {r.name for r in found.reports} == {"daily", "weekly"}
    weekly = next(r for r in found.reports if r.name == "weekly")
    assert due_at(weekly, datetime(2026, 3, 3, 12, tzinfo=UTC)) is None
    due = due_at(weekly, datetime(2026, 3, 2, 12, tzinfo=UTC))
    assert due is not None
    assert [at.date().isoformat() for at in period_of(weekly, due)] == ["2026-02-23", "2026-03-02"]


def test_occupancy_comes_from_states_and_the_board_can_be_seen_at_a_past_second(store: Store) -> None:
    seen = [("available", 0), ("talking", 600), ("wrap_up", 900), ("available", 960), ("offline", 1200)]
    for state, second in seen:
        at = NOW + timedelta(seconds=second)
        record_states(store, [AgentState("ana", at, state, "support")])
    ask = {"from": ["2026-03-02"], "to": ["2026-03-03"], "metrics": ["occupancy"]}
    found = figures(store, read_stats_query(ask, store, NOW + timedelta(days=2)), NOW + timedelta(days=2))
    assert found["totals"]["occupancy"]["numerator"] == 360
    assert found["totals"]["occupancy"]["denominator"] == 1200
    halves = figures(store, read_stats_query({**ask, "group_by": ["half_hour,agent"]}, store, NOW), NOW + timedelta(days=2))
    assert [row["group"]["agent"] for row in halves["rows"]] == ["ana"]
    abandoned(store, "W", NOW + timedelta(seconds=100), wait=50)
    board = board_at(store, NOW + timedelta(seconds=120))
    assert [(w.call_id, w.waited_seconds) for w in board.waiting] == [("W", 20.0)]
    assert [(a.agent, a.state) for a in board.agents] == [("ana", "available")]
    assert board_at(store, NOW + timedelta(seconds=1300)).agents == ()
    record_states(store, [AgentState("ana", NOW, "available", "support")])


def test_what_was_not_understood_is_kept_for_the_inbox(store: Store) -> None:
    close_call(
        store,
        journal(
            "A", NOW, (5, "Heard", {"step": "main", "mode": "speech", "text": "my thing broke", "language": "en-GB"}),
            (5, "NotUnderstood", {"step": "main", "best": "technical_problem", "confidence": 0.3}), (9, "Heard", {"step": "main", "mode": "keys", "text": "2"}),
            (9, "Understood", {"step": "main", "intent": "technical_problem", "band": "key"}), (10, "Queued", {"queue": "technical"}), (99, "Ended", {"ended_by": "caller"}),
        ),
        NOW,
    )  # fmt: skip
    with store.reading() as connection:
        rows = connection.execute(sa.select(utterances)).mappings().all()
    assert [(r["text"], r["result"], r["best"], r["queue"], r["language"]) for r in rows] == [
        ("my thing broke", "not_understood", "technical_problem", "technical", "en-GB")
    ]
    with store.reading() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(events)) == 7


def test_increments_and_the_whole_end_with_the_same_rows(store: Store) -> None:
    clock = [NOW]
    store.clock = lambda: clock[0]
    pulled: dict[str, dict[str, object]] = {}
    since = NOW - timedelta(days=1)
    for n in range(15):
        clock[0] = NOW + timedelta(minutes=10 * n)
        answered(store, f"A{n % 10}", NOW + timedelta(minutes=n), talk=60 + n, number=f"+4477009001{n % 7:02d}")
        if n % 4 == 3:
            clock[0] += timedelta(minutes=5)
            query = read_call_query({"updated_since": [since.isoformat()], "limit": ["3"]})
            following = None
            while True:
                page = list_calls(store, query)
                following = following or page.as_of
                pulled.update({row["call_id"]: row for row in page.rows})
                if page.next_cursor is None:
                    break
                query = read_call_query({"updated_since": [since.isoformat()], "limit": ["3"], "cursor": [page.next_cursor]})
            since = following
    clock[0] += timedelta(hours=1)
    for row in list_calls(store, read_call_query({"updated_since": [since.isoformat()], "limit": ["500"]})).rows:
        pulled[row["call_id"]] = row
    assert sorted(pulled.values(), key=lambda r: str(r["call_id"])) == sorted(
        list_calls(store, read_call_query({"limit": ["500"]})).rows, key=lambda r: r["call_id"]
    )
