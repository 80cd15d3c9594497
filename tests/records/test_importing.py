"""History from other systems: what an export holds comes back as it was."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from ivr.records.export import stream
from ivr.records.importing import Imported, import_calls
from ivr.records.query import read_call_query
from ivr.records.saving import close_call
from ivr.records.stats import figures, read_stats_query
from tests.records.conftest import NOW, MakeStore
from tests.records.journals import answered, journal


def test_an_export_imported_elsewhere_gives_the_same_figures(sqlite_store: MakeStore) -> None:
    store = sqlite_store()
    told = [("csat", "2", "1-5", "up"), ("nps", "10", "0-10", "up"), ("ces", "2", "1-7", "down"), ("resolved", "0", "0-1", "up")]
    for n, (question, answer, scale, direction) in enumerate(told):
        asked = {"question": question, "answer": answer, "scale": scale, "direction": direction, "mode": "text"}
        lines = [
            (0.0, "Queued", {"queue": "general"}),
            (9.0, "Connected", {"queue": "general", "agent": "ana", "leg_id": "L"}),
            (60.0, "LegEnded", {"leg_id": "L", "agent": "ana"}),
        ]
        notes = journal(
            f"A{n}",
            NOW - timedelta(days=9) + timedelta(hours=n),
            *lines,
            (60.0, "Ended", {"ended_by": "caller"}),
            (300.0, "Surveyed", asked),
            number=f"+44770090000{n}",
        )
        close_call(store, notes, NOW)
    ask = {
        "from": ["2026-02-20"],
        "to": ["2026-03-01"],
        "metrics": ["contacts,csat,nps,ces,fcr,fcr_survey,survey_response_rate,asa,talk"],
        "group_by": ["queue"],
    }
    before = figures(store, read_stats_query(ask, store, NOW), NOW)["rows"]
    exported = b"".join(stream(store, read_call_query({}), "csv", masked=False)).decode()
    elsewhere = sqlite_store()
    assert import_calls(elsewhere, exported, "csv", NOW) == Imported(4)
    assert import_calls(elsewhere, exported, "csv", NOW) == Imported(4)
    assert figures(elsewhere, read_stats_query(ask, elsewhere, NOW), NOW)["rows"] == before
    assert before[0]["figures"]["ces"]["value"] == 6


def test_an_imported_call_is_the_repeat_of_one_taken_here(sqlite_store: MakeStore) -> None:
    store = sqlite_store()
    answered(store, "A", NOW, number="+447700900001")
    assert (store.row("A") or {})["fcr"] is True
    text = 'call_id,started_at,outcome,from_number,queue\n"B","2026-03-03T12:00:00Z","abandoned_in_queue","+447700900001","general"\n'
    assert import_calls(store, text, "csv", NOW).bad == ()
    assert ((store.row("A") or {})["fcr"], (store.row("A") or {})["repeat_call_id"]) == (False, "B")


@pytest.mark.parametrize("survey", ["good", "[1]", '{"csat": 5}', '{"csat": {"score": "5"}}'])
def test_a_survey_of_another_form_is_not_imported(sqlite_store: MakeStore, survey: str) -> None:
    line = json.dumps({"call_id": "A", "started_at": "2026-03-02T12:00:00Z", "outcome": "answered", "survey": survey})
    assert "survey" in import_calls(sqlite_store(), line, "ndjson", NOW).bad[0].why
