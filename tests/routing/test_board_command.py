"""`ivr board`, `ivr callbacks`, `ivr calls why` against a real server."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis
from click.testing import CliRunner, Result

from ivr.cli import cli
from ivr.cli.records_store import opened_store
from ivr.records.occupancy import AgentState, record_states
from routing.board import Board
from routing.callbacks import Callback, Ledger
from routing.model import Agent, Queue, WaitingCall


@pytest.fixture
def board(redis_client: redis.Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Board:
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("IVR_DATA_DIR", str(tmp_path))
    live = Board(redis_client)
    live.configure(
        [Agent("ana", "Ana Ruiz"), Agent("ben", "Ben Cole", skills={"tech": 2})],
        [Queue("general", "General"), Queue("tech", needs={"tech": 1})],
    )
    live.set_state("ben", "available")
    live.enter(WaitingCall("CA1", "general", live.now()))
    live.accept(live.match()[0].token)
    live.enter(WaitingCall("CA2", "tech", live.now()))
    return live


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, words)


def test_the_floor_now(board: Board) -> None:
    shown = run("board")
    assert shown.exit_code == 0, shown.output
    assert "Ben Cole" in shown.output and "talking" in shown.output and "CA2" in shown.output
    found = json.loads(run("board", "--json").stdout)
    assert [queue["waiting"] for queue in found["queues"]] == [0, 1]


def test_the_floor_at_a_past_second(board: Board) -> None:
    then = datetime.now(UTC)
    time.sleep(0.02)
    board.leave("CA2", "hung_up")
    found = json.loads(run("board", "--at", then.isoformat(), "--json").stdout)
    assert [row["call_id"] for row in found["waiting"]] == ["CA2"]
    assert {row["agent_id"]: row["state"] for row in found["agents"]} == {"ana": "offline", "ben": "talking"}
    assert "CA2" in run("board", "--at", then.isoformat()).output
    early = run("board", "--at", "2020-01-01T00:00:00Z")
    assert early.exit_code == 2 and "does not reach back to 2020-01-01 00:00:00Z" in early.output
    assert "expected RFC 3339" in run("board", "--at", "yesterday").output


def test_before_the_log_the_records_tell(board: Board) -> None:
    then = datetime.now(UTC) - timedelta(days=2)
    with opened_store() as store:
        record_states(
            store, [AgentState("ana", then - timedelta(minutes=5), "available"), AgentState("ben", then, "break", None, "lunch")]
        )
    found = json.loads(run("board", "--at", (then + timedelta(seconds=1)).isoformat(), "--json").stdout)
    assert found["from"] == "records"
    assert {row["agent_id"]: row["state"] for row in found["agents"]} == {"ana": "available", "ben": "break"}
    assert "break" in run("board", "--at", (then + timedelta(seconds=1)).isoformat()).output


def test_why(board: Board) -> None:
    shown = run("calls", "why", "CA2")
    assert shown.exit_code == 0, shown.output
    assert "not ben: is talking" in shown.output and "not ana: is offline; lacks tech" in shown.output
    assert json.loads(run("calls", "why", "CA1", "--json").stdout)["answered_by"] == "ben"
    missing = run("calls", "why", "CA9")
    assert missing.exit_code == 1 and "not in the decision log" in str(missing.exception)


def test_callbacks(board: Board, redis_client: redis.Redis) -> None:
    Ledger(redis_client, board).place(Callback("cb1", "+447700900123", "general", board.now(), at=board.now() + 3600))
    listed = run("callbacks", "list")
    assert "cb1" in listed.output and "+447…23" in listed.output and "900123" not in listed.output
    assert json.loads(run("callbacks", "list", "--state", "scheduled", "--json").stdout)[0]["number"] == "+447700900123"
    assert "due at 2031-05-06 10:00:00Z" in run("callbacks", "move", "cb1", "--at", "2031-05-06T10:00:00Z").output
    assert run("callbacks", "cancel", "cb1").output == "cb1 is cancelled\n"
    again = run("callbacks", "move", "cb1", "--queue", "tech")
    assert again.exit_code == 1 and "callback cb1 is cancelled" in str(again.exception)
    assert run("callbacks", "move", "cb1").exit_code == 2


def test_without_a_service_one_line_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setenv("IVR_DATA_DIR", str(tmp_path))
    assert "start `ivr demo`" in str(run("board").exception)
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    assert "does not answer: is the service running?" in str(run("board").exception)
