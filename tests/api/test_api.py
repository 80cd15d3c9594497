"""The API as a reporting job meets it: pages, bulk, refusals, access."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import pyarrow.parquet as pq
import pytest
from flask import Flask
from flask.testing import FlaskClient

from ivr.records.record import EXTRA_FIELDS, RECORD_FIELDS, FcrState, Outcome
from ivr.records.rows import csv_cell, mask_number
from ivr.records.store import Store
from ivr.records.tokens import ROLES, SCOPES, create_token, revoke_token
from tests.api.conftest import NOW, Ask
from webhooks.api import ApiContext, api_blueprint
from webhooks.api.openapi import document
from webhooks.api.problems import TYPES
from webhooks.api.routes import ROUTES


def test_pages_join_to_the_whole(ask: Ask) -> None:
    whole = ask("/calls").json["calls"]
    assert [c["started_at"] for c in whole] == sorted(c["started_at"] for c in whole)
    found, cursor = [], None
    while True:
        page = ask("/calls?limit=5" + (f"&cursor={cursor}" if cursor else "")).json
        found += page["calls"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == whole
    assert len(whole) == 12
    assert set(RECORD_FIELDS) | set(EXTRA_FIELDS) | {"legs", "outside_talks", "queue_visits", "basis"} == set(whole[0])
    assert ask("/calls?order=desc&limit=1").json["calls"][0] == whole[-1]


def test_a_cursor_goes_on_with_its_own_query_only(ask: Ask) -> None:
    cursor = ask("/calls?limit=5&queue=general").json["next_cursor"]
    assert len(ask(f"/calls?limit=1&queue=general&cursor={cursor}").json["calls"]) == 1
    for other in ("", "queue=technical", "queue=general&order=desc", "queue=general&updated_since=2026-01-01"):
        refused = ask(f"/calls?{other}&cursor={cursor}")
        assert (refused.status_code, refused.json["parameter"]) == (400, "cursor")
        assert "same parameters" in refused.json["detail"]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("queue=general", 7), ("queue=general&queue=technical", 12), ("agent=ben", 5), ("outcome=answered", 10), ("outcome=abandoned_in_queue", 2),
        ("caller=%2B447700900003", 1), ("caller=+447700900003", 1), ("flow=support&revision=1", 12), ("revision=9", 0), ("fcr=true", 10), ("fcr_state=excluded", 2),
        ("agent=(none)", 2), ("agent=(none)&agent=ben", 7), ("intent=(none)", 12), ("caller=(none)", 1), ("stay_queue=(none)", 0), ("leg_team=(none)", 12),
        ("weekday=monday&from=2026-03-01&to=2026-03-08", 12), ("weekday=sunday&from=2026-03-01&to=2026-03-08", 0),
        ("hour_of_day=22&from=2026-03-01&to=2026-03-08&tz=Asia/Tokyo", 0), ("hour_of_day=18&hour_of_day=19&from=2026-03-01&to=2026-03-08&tz=Asia/Tokyo", 11),
        ("from=2026-03-02T10:00:00Z", 2), ("from=2026-03-02T10:00:00Z&to=2026-03-02T11:00:00Z", 1), ("to=2026-03-02", 0),
        ("from=2026-03-02T09:00:00 00:00&to=2026-03-02T09:05:00Z", 5), ("counted_in=service_level", 12), ("counted_in=service_level.numerator", 10),
        ("updated_since=2026-03-02T11:00:00Z", 12), ("updated_since=2026-03-02T13:00:00Z", 0), ("queue_result=abandoned", 2),
    ],
)  # fmt: skip
def test_filters(ask: Ask, query: str, count: int) -> None:
    answer = ask(f"/calls?{query}")
    assert answer.status_code == 200, answer.json
    assert len(answer.json["calls"]) == count


@pytest.mark.parametrize(
    ("path", "says", "allowed"),
    [
        ("/calls?ques=general", "unknown parameter", "queue"),
        ("/calls?outcome=answerd", 'Did you mean "answered"', "answered"),
        ("/calls?from=2026-03-03&to=2026-03-02", "later than", None),
        ("/calls?from=2026-03-03&to=2026-03-03", "later than", None),
        ("/calls?from=yesterday", "not a time", None),
        ("/calls?from=2026-03-02T10:00:00", "has no zone", None),
        ("/calls?from=1990-01-01&to=2026-01-01", "longer than", None),
        ("/calls?tz=Mars", "not a time zone", None),
        ("/calls?limit=0", "1 to 500", None),
        ("/calls?limit=5000", "1 to 500", None),
        ("/calls?cursor=bm9uc2Vuc2U", "cursor", None),
        ("/calls?cursor=!!!", "cursor", None),
        ("/calls?weekday=monday", "from", None),
        ("/calls?order=up", "order", "desc"),
        ("/calls?counted_in=ahtt", "unknown metric", "aht_contact"),
        ("/calls?counted_in=occupancy", "agents' states", "fcr"),
        ("/fcr?group_by=queue", "unknown parameter", "queue"),
        ("/calls?updated_since=2026-03-02T11:00:00Z&order=desc", "order of change", "asc"),
        ("/calls.csv?limit=5", "no pages", None),
        ("/calls?queue=" + "x" * 300, "200 characters", None),
        ("/stats?metrics=ahtt", "unknown metric", "aht_leg"),
        ("/stats?group_by=colour", "cannot group by", "queue"),
        ("/stats?group_by=queue,agent,hour,day", "at most 3", "queue"),
        ("/stats?queu=general", "unknown parameter", "queue"),
        ("/stats?target_seconds=never", "number of seconds", None),
        ("/stats?metrics=occupancy&group_by=queue", "cannot be given by", "agent"),
        ("/stats?source=guess", "source", "rows"),
        ("/stats?from=2026-03-02&to=2026-03-01", "later than", None),
    ],
)
def test_bad_queries_name_what_is_allowed(ask: Ask, path: str, says: str, allowed: str | None) -> None:
    answer = ask(path)
    assert answer.status_code == 400
    assert answer.mimetype == "application/problem+json"
    assert answer.json["type"] == "/api/docs#bad-query"
    assert says in answer.json["detail"]
    assert allowed is None or allowed in answer.json["allowed"]


def test_bulk_forms_hold_the_same_rows(ask: Ask) -> None:
    listed = ask("/calls").json["calls"]
    lines = [json.loads(line) for line in ask("/calls.ndjson").text.splitlines()]
    assert lines == listed
    by_accept = ask("/calls", headers={"Accept": "text/csv"})
    assert by_accept.mimetype == "text/csv"
    assert by_accept.data == ask("/calls.csv").data
    rows = list(csv.DictReader(io.StringIO(by_accept.text)))
    assert [r["call_id"] for r in rows] == [c["call_id"] for c in listed]
    assert rows[0]["from_number"] == "'+447700900000"
    table = pq.read_table(io.BytesIO(ask("/calls.parquet").data)).to_pylist()
    assert [r["call_id"] for r in table] == [c["call_id"] for c in listed]
    assert table[0]["from_number"] == "+447700900000"
    assert table[0]["handle_seconds"] == listed[0]["handle_seconds"]
    assert ask("/calls.parquet").data == ask("/calls.parquet").data
    assert ask("/calls.csv?queue=nothing").text.count("\r\n") == 1
    assert pq.read_table(io.BytesIO(ask("/calls.parquet?queue=nothing").data)).num_rows == 0


@pytest.mark.parametrize("text", ["=1+1", "+44770090", "-2", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1", "＠x"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert csv_cell(text) == "'" + text


def test_plain_cells_stay_as_they_are() -> None:
    assert [csv_cell(v) for v in ("ana", "", None, 1.5, 2.0, True, ["a"], 7)] == ["ana", "", "", "1.5", "2", "true", '["a"]', "7"]


def test_one_call_with_its_events(ask: Ask) -> None:
    call = ask("/calls/A3").json
    assert (call["agent"], call["legs"][0]["talk_seconds"], call["queue_visits"][0]["result"]) == ("ben", 60.0, "answered")
    assert [e["kind"] for e in ask("/calls/A3/events").json["events"]] == [
        "Arrived",
        "Queued",
        "Connected",
        "LegEnded",
        "Ended",
        "WrappedUp",
    ]
    assert ask("/calls/none").status_code == 404
    assert ask("/calls/none/events").json["type"] == "/api/docs#not-found"


def test_figures_come_with_all_that_defines_them(ask: Ask) -> None:
    found = ask("/stats?from=2026-03-02&to=2026-03-03&group_by=queue&metrics=aht_contact,fcr,service_level,offered").json
    general = next(row for row in found["rows"] if row["group"]["queue"] == "general")["figures"]
    assert general["aht_contact"]["numerator"] == 325
    assert general["aht_contact"]["denominator"] == 5
    assert general["fcr"]["completeness"] == "provisional"
    assert general["service_level"]["value"] == pytest.approx(5 / 7, abs=1e-6)
    assert all(row["adds_up"] for row in found["reconciliation"])
    assert ask(general["fcr"]["calls"].removeprefix("/api/v1")).json["calls"]
    assert ask("/stats?metrics=aht").json["totals"]["aht_contact"]["value"] == 65
    assert "occupancy" in ask("/stats?metrics=all&group_by=agent").json["definitions"]
    assert "occupancy" not in ask("/stats?metrics=all&group_by=queue").json["definitions"]
    fcr = ask("/fcr?from=2026-03-02&to=2026-03-03").json
    assert fcr["counted"] == 10
    assert fcr["excluded"]["reasons"] == {"unserved": 1, "withheld_number": 1}
    assert set(fcr["methods"]) == {"verdict", "combined", "repeat_call", "disposition", "survey"}
    assert fcr["methods"]["disposition"]["completeness"] == "provisional"  # the day is not over
    assert sum(row["counted"] for row in fcr["blame"]["agent"]) == fcr["counted"]
    nobody = ask("/fcr?from=2026-03-02&to=2026-03-03&intent=(none)").json
    assert nobody["excluded"] == fcr["excluded"] and nobody["blame"] == fcr["blame"]
    assert nobody["estimates"] == fcr["estimates"]


def test_every_route_refuses_without_a_token_and_below_its_scope(client: FlaskClient, api_store: Store) -> None:
    nothing = create_token(api_store, name="nothing", role="viewer", now=NOW, scopes=()).secret
    empty = create_token(api_store, name="empty", role="viewer", now=NOW, scopes=("callers:erase",)).secret
    for route in ROUTES:
        path = "/api/v1" + route.path.replace("<", "").replace(">", "")
        bare = client.open(path, method=route.method)
        assert (bare.status_code, bare.json["type"]) == (401, "/api/docs#no-token"), path
        assert bare.headers["WWW-Authenticate"].startswith("Bearer")
        for token in (empty, nothing):
            refused = client.open(path, method=route.method, headers={"Authorization": f"Bearer {token}"})
            assert (refused.status_code, refused.json["scope"]) == (403, route.scopes[0]), path
        assert set(route.scopes) <= set(SCOPES)


def test_tokens_that_are_wrong_revoked_or_expired(client: FlaskClient, api_store: Store) -> None:
    revoked = create_token(api_store, name="r", role="admin", now=NOW)
    revoke_token(api_store, revoked.token_id, NOW)
    expired = create_token(api_store, name="e", role="admin", now=NOW, expires_at=NOW - timedelta(seconds=1))
    for text, why in (
        (revoked.secret, "revoked"),
        (expired.secret, "expired"),
        ("ivr_wrong", "not known"),
        ("secret", "start with ivr_"),
        ("ivr_" + "x" * 5000, ""),
    ):
        answer = client.get("/api/v1/calls", headers={"Authorization": f"Bearer {text}"})
        assert answer.status_code == 401
        assert why in answer.json["detail"]
    assert client.get("/api/v1/calls", headers={"Authorization": "Basic abc"}).json["type"] == "/api/docs#no-token"


def test_numbers_are_masked_for_those_who_may_not_see_them(ask: Ask) -> None:
    seen = ask("/calls", role="viewer").text + ask("/calls.csv", role="viewer").text + ask("/calls/A3/events", role="viewer").text
    assert "447700900003" not in seen
    assert ask("/calls/A3", role="viewer").json["from_number"] == "+44…0003"
    assert pq.read_table(io.BytesIO(ask("/calls.parquet", role="viewer").data)).to_pylist()[0]["from_number"] == "+44…0000"
    assert ask("/calls?caller=%2B447700900003", role="viewer").json["scope"] == "calls:unmask"
    assert ask("/calls/A3", role="reporting").json["from_number"] == "+447700900003"
    assert mask_number("1234") == "…"


def test_an_agent_reads_their_own_calls_only(ask: Ask) -> None:
    mine = ask("/calls", role="agent", agent="ana").json["calls"]
    assert {c["agent"] for c in mine} == {"ana"}
    assert ask("/calls/A3", role="agent", agent="ana").status_code == 404
    assert ask("/calls/A3/events", role="agent", agent="ana").status_code == 404
    assert ask("/calls/A3", role="agent", agent="ben").status_code == 200
    assert "A3" not in ask("/calls.ndjson", role="agent", agent="ana").text
    assert ask("/stats", role="agent", agent="ana").status_code == 403
    assert ask("/agents/ben/state", role="agent", agent="ana", method="PUT", json={"state": "break"}).status_code == 404


def test_states_are_checked_before_they_are_passed_on(ask: Ask) -> None:
    def put(agent: str, **body: object) -> tuple[int, dict[str, object]]:
        answer = ask(f"/agents/{agent}/state", method="PUT", json=body)
        return answer.status_code, answer.json

    assert put("ana", state="break", reason="lunch") == (200, {"agent_id": "ana", "state": "break"})
    assert put("ana", state="asleep")[0] == 422
    assert put("ana", state="available", colour="red")[0] == 422
    assert put("ana", state="wrap_up_done", resolved="yes")[0] == 422
    assert put("ana", state="available", reason="x" * 500)[0] == 422
    status, problem = put("ben", state="break")
    assert (status, problem["current"]) == (409, {"agent_id": "ben", "state": "talking"})
    assert put("eva", state="break")[0] == 404
    assert ask("/agents/ana/state", method="PUT", data="state=break").json["type"] == "/api/docs#bad-body"
    assert ask("/agents/ana/state", method="PUT", data="[1]", content_type="application/json").status_code == 400
    assert ask("/agents/ana/state", method="PUT", data="{" * 2_000_000, content_type="application/json").status_code == 413
    assert ask("/agents/ana/state").json["state"] == "break"
    assert ask("/live/stream").text.startswith("retry: 2000\n\nid: 1\nevent: live\ndata: {")


def test_a_correction_needs_a_reason_and_is_on_record(ask: Ask) -> None:
    def post(**body: object) -> int:
        return ask("/calls/A5/corrections", method="POST", json=body).status_code

    assert post(field="resolved", value=False) == 422
    assert post(field="handle_seconds", value=1, reason="x") == 422
    assert post(field="resolved", value="no", reason="x") == 422
    assert post(field="resolved", value=False, reason="heard the recording") == 201
    assert ask("/calls/A5").json["fcr"] is False
    assert ask("/calls/A5/corrections").json["corrections"][0]["reason"] == "heard the recording"
    assert post(field="resolved", value=None, reason="taken back") == 201
    assert ask("/calls/A5").json["fcr"] is True
    assert ask("/calls/A5/corrections", role="viewer", method="POST", json={}).status_code == 403


def test_what_is_not_there(ask: Ask) -> None:
    assert ask("/nothing").json["type"] == "/api/docs#not-found"
    wrong = ask("/calls", method="POST", json={})
    assert (wrong.status_code, wrong.headers["Allow"]) == (405, "GET")
    assert ask("/flows").json["type"] == "/api/docs#unavailable"
    assert ask("/callbacks").status_code == 503


def test_a_token_that_asks_too_often_is_told_when_to_come_back(api_store: Store) -> None:
    app = Flask("limited")
    app.register_blueprint(api_blueprint(ApiContext(api_store, clock=lambda: NOW, calls_per_minute=3)))
    token = create_token(api_store, name="busy", role="viewer", now=NOW).secret
    answers = [app.test_client().get("/api/v1/calls", headers={"Authorization": f"Bearer {token}"}) for _ in range(5)]
    assert [a.status_code for a in answers] == [200, 200, 200, 429, 429]
    assert int(answers[-1].headers["Retry-After"]) > 0


def test_a_database_that_is_away_is_503(tmp_path: object) -> None:
    app = Flask("away")
    app.register_blueprint(api_blueprint(ApiContext(Store("postgresql+psycopg://127.0.0.1:1/none"), clock=lambda: NOW)))
    answer = app.test_client().get("/api/v1/calls", headers={"Authorization": "Bearer ivr_x"})
    assert (answer.status_code, answer.json["type"], answer.headers["Retry-After"]) == (503, "/api/docs#unavailable", "5")


def test_the_document_and_the_page_describe_every_route(client: FlaskClient) -> None:
    described = client.get("/api/v1/openapi.json").json
    assert described == json.loads(json.dumps(document()))
    operations = [(m, p) for p, found in described["paths"].items() for m in found]
    assert len(operations) == len(ROUTES)
    assert len({o["operationId"] for found in described["paths"].values() for o in found.values()}) == len(ROUTES)
    page = client.get("/api/docs")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    for route in ROUTES:
        assert "/api/v1" + route.path.replace("<", "{").replace(">", "}") in page.text
    for name in (*TYPES, *SCOPES):
        assert name in page.text
    assert "http://" not in page.text
    assert "<script" not in page.text


def test_answers_hold_what_the_document_promises(ask: Ask) -> None:
    schema = document()["components"]["schemas"]["Call"]
    call = ask("/calls/A3").json
    assert set(schema["required"]) <= set(call)
    assert set(call) <= set(schema["properties"])
    assert call["outcome"] in tuple(Outcome)
    assert call["fcr_state"] in tuple(FcrState)
    assert {role for role, scopes in ROLES.items() if "callers:erase" in scopes} == {"admin"}
