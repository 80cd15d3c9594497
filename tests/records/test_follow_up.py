"""Who gave up waiting and should be called: by the API's query and from the shell."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from ivr.cli.calls import calls as calls_command
from ivr.records.query import list_calls, read_call_query
from ivr.records.saving import close_call
from ivr.records.store import Store
from tests.records.conftest import NOW
from tests.records.journals import abandoned, answered, journal


def _plant(store: Store) -> None:
    """One caller to call, and everybody who must not be on the list."""
    abandoned(store, "DUE", NOW, wait=90, number="+447700900001")
    abandoned(store, "AGAIN", NOW, wait=90, number="+447700900002")
    answered(store, "AGAIN2", NOW + timedelta(minutes=10), number="+447700900002")
    abandoned(store, "WITHHELD", NOW, wait=90, number=None)
    answered(store, "SERVED", NOW, number="+447700900003")
    abandoned(store, "REACHED", NOW, wait=90, number="+447700900004")
    back = journal(
        "REACHED2", NOW + timedelta(minutes=5), (3, "Connected", {"queue": "general", "agent": "ana", "leg_id": "L"}), (60, "Ended", {"ended_by": "caller"}),
        number="+442071838750", direction="outbound", contact_id="REACHED",
    )  # fmt: skip
    close_call(store, back, NOW + timedelta(minutes=10))


def test_the_list_holds_those_whom_nobody_reached(store: Store) -> None:
    _plant(store)
    found = list_calls(store, read_call_query({"follow_up": ["due"], "from": ["2026-03-02"], "to": ["2026-03-03"]}))
    assert [row["call_id"] for row in found.rows] == ["DUE"]


def test_from_the_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "flows").mkdir()
    monkeypatch.setenv("IVR_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    store = Store(f"sqlite:///{tmp_path / 'ivr.sqlite'}")
    store.upgrade()
    _plant(store)
    store.close()
    done = CliRunner().invoke(calls_command, ["list", "--follow-up", "due", "--queue", "general", "--json"])
    assert [row["from_number"] for row in json.loads(done.stdout)] == ["+447700900001"]
    refused = CliRunner().invoke(calls_command, ["list", "--follow-up", "soon"])
    assert refused.exit_code != 0
