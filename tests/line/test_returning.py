"""Redis came back empty: who was signed in is signed in again, who was on the phone once that is over, and nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import redis

from ivr import keys
from ivr.carriers.local import LocalCarrier
from ivr.embedded import free_port
from ivr.jobs import floor_log, periodic, returning
from ivr.jobs.wiring import Line, open_line
from ivr.records.last_states import last_states
from ivr.records.occupancy import AgentState, record_states
from ivr.records.store import Store, utc_now
from ivr.settings import read_settings
from tests.line.running import ACCOUNT, TOKEN, environment
from webhooks.floor import Floor


@pytest.fixture
def carrier() -> Iterator[LocalCarrier]:
    port = free_port()
    with LocalCarrier(
        {"client:*": {"answers_after": "60s"}}, service_url="http://127.0.0.1:1", port=port, account_sid=ACCOUNT, auth_token=TOKEN
    ) as found:
        yield found


@pytest.fixture
def line(tmp_path: Path, redis_url: str, carrier: LocalCarrier) -> Iterator[Line]:
    """A line as its clock sees it, with agents in every state."""
    (tmp_path / "models").mkdir()
    settings = read_settings(environment(tmp_path, redis_url, tmp_path / "models", 1, carrier.url), port=1)
    found = open_line(settings, speech=False)
    found.store.prepare()
    found.configure_board()
    yield found
    found.store.close()


def states(line: Line) -> dict[str, str]:
    return {agent.agent_id: str(agent.state) for agent in line.board.snapshot().agents}


def lose_everything(line: Line) -> None:
    """What happened so far is in SQL; then the server is empty, and a clock looks round."""
    floor_log.follow(line)
    line.redis.flushall()
    floor_log.follow(line)
    periodic.follow_configuration(line)


def test_agents_are_signed_in_as_they_were(line: Line) -> None:
    first, second = sorted(states(line))[:2]
    line.board.set_state(first, "available")
    line.board.set_state(second, "break", "lunch")
    expected = states(line)
    lose_everything(line)
    assert states(line) == expected
    assert line.board.agent(second).reason == "lunch"
    floor_log.follow(line)
    kept = {state.agent: state.state for state in last_states(line.store, line.now() - timedelta(hours=1))}
    assert kept[first] == "available"


def test_nobody_comes_back_from_yesterday(line: Line) -> None:
    agent = sorted(states(line))[0]
    record_states(line.store, [AgentState(agent, line.now() - returning.MOST_AGE - timedelta(minutes=1), "available")])
    line.redis.flushall()
    line.configure_board()
    assert set(states(line).values()) == {"offline"}


def test_who_is_on_the_phone_comes_back_when_that_is_over(line: Line, carrier: LocalCarrier) -> None:
    talking, gone, signed_out, stays_out = sorted(states(line))[:4]
    now = line.now()
    record_states(
        line.store, [AgentState(agent, now, "talking", call_id="CA1") for agent in (talking, gone, signed_out, stays_out)]
    )
    leg = line.carrier.place(
        to=line.board.agents[talking].address, from_="+442079460000", url="http://127.0.0.1:1/", status_url="http://127.0.0.1:1/",
        ring_seconds=60,
    )  # fmt: skip
    line.redis.flushall()
    line.configure_board()
    assert set(states(line).values()) == {"offline"}  # nobody is rung before the carrier was asked
    line.board.set_state(signed_out, "available")
    line.board.set_state(signed_out, "offline")
    Floor(line).set_agent_state(stays_out, {"state": "offline"}, "a supervisor")
    assert returning.settle(line) == [gone]
    assert states(line)[talking] == "offline"
    line.carrier.hang_up(leg)
    assert returning.settle(line) == [talking]
    assert (states(line)[talking], states(line)[signed_out], states(line)[stays_out]) == ("available", "offline", "offline")
    assert not line.redis.exists(keys.RETURNING)


def test_the_latest_state_counts(database_url: str) -> None:
    store = Store(database_url, clock=utc_now)
    store.upgrade()
    now = utc_now()
    record_states(
        store,
        [
            AgentState("ana", now - timedelta(minutes=9), "available"),
            AgentState("ana", now - timedelta(minutes=3), "offline"),
            AgentState("ben", now - timedelta(minutes=5), "break", reason="lunch"),
            AgentState("old", now - timedelta(hours=5), "available"),
        ],
    )
    found = last_states(store, now - timedelta(hours=2))
    assert [(state.agent, state.state, state.reason) for state in found] == [("ana", "offline", None), ("ben", "break", "lunch")]
    store.close()


def test_without_the_database_everybody_signs_in_by_hand(line: Line, redis_client: redis.Redis) -> None:
    line.board.set_state(sorted(states(line))[0], "available")
    redis_client.flushall()
    (line.settings.data_dir / "ivr.sqlite").unlink(missing_ok=True)
    line.store.close()
    line.configure_board()
    assert set(states(line).values()) == {"offline"}
