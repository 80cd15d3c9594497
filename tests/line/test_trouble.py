"""Trouble on every side of a call: the carrier repeats, swaps and loses what it tells, refuses what it is asked; people hang up at
every moment; Redis and the database go away. What must hold is checked against the carrier's own timeline, never against our word."""

from __future__ import annotations

import itertools
import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from ivr.carriers.local import CallTruth, Trouble
from ivr.carriers.local.legs import Status
from ivr.carriers.local.line import Kind
from ivr.records.tokens import create_token
from tests.line.running import Running, stranger

LINE = "+442079460000"
SEED = 20261122
DEAD_AIR_SECONDS = 4.0
FREE = ("available", "wrap_up")
TALK: list[Any] = [{"press": "0"}, {"talk": "4s"}, "hang up"]

before: set[str] = set()
"""Legs of earlier tests."""


@pytest.fixture
def troubled(service: Running) -> Iterator[Running]:
    """The service; whatever trouble a test makes ends with it."""
    print(f"seed {SEED}")
    before.update(leg.call_sid for leg in service.carrier.truths())
    yield service
    service.carrier.make_trouble(Trouble(), SEED)


def check(service: Running, truth: CallTruth, outcome: str | tuple[str, ...], *, within_seconds: float = 1.0) -> dict[str, Any]:
    """What holds for every call whatever happens: no application error, no dead air, one record that tells the truth."""
    assert not truth.application_error, truth.entries[-8:]
    assert truth.longest_dead_air_seconds < DEAD_AIR_SECONDS, truth.entries
    record = service.record(truth.call_sid, 25)
    assert record["outcome"] in ((outcome,) if isinstance(outcome, str) else outcome), service.journal(truth.call_sid)
    for name, at in (("started_at", truth.created_at), ("ended_at", truth.ended_at)):
        assert at is not None
        assert abs((record[name] - at) / timedelta(seconds=1)) < within_seconds, (name, record[name], at)
    assert abs(record["talk_seconds"] - truth.talk_seconds) < within_seconds, (record["talk_seconds"], truth.talk_seconds)
    notes = service.journal(truth.call_sid)
    assert notes.count("Arrived") == 1
    assert notes.count("Ended") == 1
    return record


def held_until(leg: CallTruth) -> datetime:
    """Until when an agent was held: the end of the talk (the question afterwards, whether it was solved, holds nobody), else of the leg."""
    talks = leg.of(Kind.TALK)
    if talks:
        return datetime.fromisoformat(talks[-1]["at"]) + timedelta(seconds=talks[-1].get("seconds") or 0.0)
    return leg.ended_at or leg.created_at


def check_agents(service: Running, *agents: str) -> None:
    """Nobody was rung twice at once, and everybody is free again."""
    spans: dict[str, list[tuple[Any, Any, Any]]] = {}
    for leg in service.carrier.truths():
        if leg.to_number.startswith("client:") and leg.call_sid not in before:
            assert leg.ended_at is not None or leg.status in ("queued", "ringing", "in-progress")
            spans.setdefault(leg.to_number, []).append((leg.created_at, held_until(leg), leg.entries))
    for address, times in spans.items():
        for one, other in itertools.pairwise(sorted(times, key=lambda time: time[0])):
            assert other[0] >= one[1] - timedelta(milliseconds=50), f"{address} was rung twice at once: {one} and {other}"
    for agent in agents:
        assert service.until(lambda agent=agent: service.line.board.agent(agent).state in FREE, 10), service.line.board.agent(
            agent
        )


@pytest.mark.parametrize(
    "trouble",
    [
        Trouble(callback_duplicate=1.0, webhook_duplicate=1.0),
        Trouble(callback_reorder=1.0, callback_delay=0.5, callback_delay_seconds=0.3, callback_duplicate=0.3),
        Trouble(rest_429=0.3, rest_500=0.2),
        Trouble(rest_done_but_timed_out=0.5, rest_silence_seconds=5),
    ],
    ids=["everything twice", "everything swapped", "REST refuses", "REST did it and says nothing"],
)
def test_a_talk_in_trouble_is_one_talk(troubled: Running, trouble: Trouble) -> None:
    troubled.sign_in("chloe", "elena")
    troubled.carrier.make_trouble(trouble, SEED)
    sids = [troubled.carrier.place(stranger(), LINE, TALK) for _ in range(2)]
    truths = [troubled.carrier.wait(sid) for sid in sids]
    troubled.carrier.make_trouble(Trouble(), SEED)
    for truth in truths:
        assert truth.failures == ()
        record = check(troubled, truth, "answered", within_seconds=2.0 if trouble.callback_delay else 1.0)
        assert len(record["legs"]) == 1
    check_agents(troubled, "chloe", "elena")


def test_a_late_callback_does_not_fetch_a_caller_out_of_the_survey(troubled: Running) -> None:
    troubled.sign_in("chloe")
    troubled.carrier.behave("client:chloe", {"answers_after": "1s", "talks": "2s"})
    troubled.carrier.make_trouble(Trouble(callback_duplicate=1.0, callback_delay=1.0, callback_delay_seconds=4.0), SEED)
    sid = troubled.carrier.place_by_hand(stranger(), LINE, patient=True)
    assert troubled.until(lambda: troubled.carrier.press(sid, "0"))
    assert troubled.until(lambda: any("solved" in text for text in troubled.carrier.truth(sid).heard), 15)
    step = troubled.line.calls.load(sid)
    time.sleep(4.5)  # all late callbacks are in, and the clock has looked for callers who did not come back
    assert troubled.line.calls.load(sid) == step
    troubled.carrier.hang_up(sid)
    check(troubled, troubled.carrier.wait(sid), "answered", within_seconds=3.0)


def test_lost_ends_are_found_out_by_asking(troubled: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ivr.jobs.periodic.SILENT_SECONDS", 0.5)
    troubled.sign_in("chloe")
    troubled.carrier.make_trouble(Trouble(callback_drop=1.0), SEED)
    truth = troubled.carrier.call(stranger(), LINE, TALK)
    menu = troubled.carrier.call(stranger(), LINE, [{"hear": "Hello"}, "hang up"])
    from ivr.jobs import periodic

    assert troubled.until(lambda: periodic.reconcile(troubled.line) or troubled.line.calls.open_count() == 0, 10)
    check(troubled, truth, "answered", within_seconds=2.0)
    assert any(note.kind == "Ended" and note.data["inferred"] for note in troubled.line.calls.journal(truth.call_sid))
    check(troubled, menu, "abandoned_in_menu", within_seconds=2.0)
    check_agents(troubled, "chloe")


@pytest.mark.parametrize("moment", ["whisper", "accepted"])
def test_an_agent_who_hangs_up_at_the_worst_moment_costs_the_caller_nothing(troubled: Running, moment: str) -> None:
    troubled.sign_in("chloe")
    troubled.carrier.behave("client:chloe", {"answers_after": "1s", "hangs_up": moment})
    sid = troubled.carrier.place(stranger(), LINE, [{"press": "0"}, {"talk": "4s"}, "hang up"])
    assert troubled.until(lambda: troubled.journal(sid).count("Offered") > 0, 15)
    assert troubled.until(lambda: troubled.line.board.agent("chloe").state not in ("reserved", "ringing"), 15)
    troubled.line.board.set_state("elena", "available")
    troubled.line.switchboard.offer()
    truth = troubled.carrier.wait(sid)
    assert truth.failures == ()
    record = check(troubled, truth, "answered")
    assert record["agent"] == "elena"
    check_agents(troubled, "elena")


def test_an_agent_whose_phone_breaks_off_wraps_up_nothing_and_is_back_with_a_sign_of_life(troubled: Running) -> None:
    troubled.sign_in("chloe")
    troubled.carrier.behave("client:chloe", {"answers_after": "1s", "talks": "600s"})
    sid = troubled.carrier.place(stranger(), LINE, [{"press": "0"}, {"talk": "600s"}])
    assert troubled.until(lambda: "Connected" in troubled.journal(sid), 15)
    leg = troubled.line.calls.talk(sid)["agent_leg"]
    troubled.carrier.ask(lambda station: station.exchange.legs[leg].end(Status.FAILED, "carrier"))
    assert troubled.until(lambda: troubled.line.board.agent("chloe").state == "unreachable")
    assert troubled.until(lambda: "WrappedUp" in troubled.journal(sid))
    troubled.carrier.hang_up(sid)
    [part] = check(troubled, troubled.carrier.wait(sid), "answered")["legs"]
    assert (part["wrap_up_pending"], part["wrap_up_capped"]) == (False, False)
    assert part["wrap_up_seconds"] < 3  # nothing, or what passed until the carrier said that the phone broke off
    token = create_token(troubled.line.store, role="agent", name="chloe", agent="chloe", now=troubled.line.now()).secret
    with httpx.Client(base_url=f"{troubled.url}/api/v1", headers={"Authorization": f"Bearer {token}"}) as client:
        assert client.put("/agents/chloe/heartbeat").json()["state"] == "available"
        assert client.put("/agents/ben/heartbeat").status_code == 404
    troubled.line.board.set_state("chloe", "offline")


@pytest.mark.parametrize("moment", ["menu", "queued", "offered", "ringing", "whisper", "accepted", "talking", "survey"])
def test_a_caller_who_hangs_up_at_any_moment_leaves_nobody_behind(troubled: Running, moment: str) -> None:
    service = troubled
    if moment != "queued":
        service.sign_in("chloe")
    else:
        service.sign_in()
        service.line.board.set_state("chloe", "break")
    service.carrier.behave(
        "client:chloe",
        {"answers_after": "4s" if moment in ("offered", "ringing") else "0s", "talks": "2s" if moment == "survey" else "60s"},
    )
    sid = service.carrier.place_by_hand(stranger(), LINE, patient=True)

    def agent_heard(words: str) -> bool:
        return any(
            words in text
            for leg in service.carrier.truths()
            if leg.to_number == "client:chloe" and leg.ended_at is None
            for text in leg.heard
        )

    reached = {
        "menu": lambda: bool(service.carrier.truth(sid).heard),
        "queued": lambda: "Queued" in service.journal(sid),
        "offered": lambda: "Offered" in service.journal(sid),
        "ringing": lambda: service.line.board.agent("chloe").state == "ringing",
        "whisper": lambda: agent_heard("Press 1 to take it"),
        "accepted": lambda: "token" in service.line.calls.talk(sid),
        "talking": lambda: "Connected" in service.journal(sid),
        "survey": lambda: any("solved" in text for text in service.carrier.truth(sid).heard),
    }
    if moment != "menu":
        assert service.until(lambda: service.carrier.press(sid, "0")), service.carrier.truth(sid).entries
    assert service.until(reached[moment], 20), service.journal(sid)
    service.carrier.hang_up(sid)
    truth = service.carrier.wait(sid)
    outcomes = {"menu": "abandoned_in_menu", "talking": "answered", "survey": "answered"}
    check(service, truth, outcomes.get(moment, ("abandoned_in_queue", "abandoned_while_ringing", "answered")))

    def live() -> list[Any]:
        return [leg.entries for leg in service.carrier.truths() if leg.to_number == "client:chloe" and leg.ended_at is None]

    assert service.until(lambda: not live(), 10), live()[0][-12:]
    if moment != "queued":
        check_agents(service, "chloe")
    assert service.line.board.position(sid) is None


def test_a_caller_who_hangs_up_while_leaving_a_message_has_left_it(troubled: Running) -> None:
    troubled.sign_in()
    sid = troubled.carrier.place_by_hand(stranger(), LINE, patient=True)
    assert troubled.until(lambda: troubled.carrier.press(sid, "0"))
    assert troubled.until(lambda: any(entry["kind"] == "recording" for entry in troubled.carrier.truth(sid).entries), 15)
    troubled.carrier.say(sid, "Please ring me back about my order, it has not come and I am waiting for it. " * 3)
    troubled.carrier.hang_up(sid)
    check(troubled, troubled.carrier.wait(sid), "voicemail")


def test_two_callers_and_one_agent_are_served_one_after_the_other(troubled: Running) -> None:
    troubled.sign_in("chloe")
    troubled.carrier.behave("client:chloe", {"answers_after": "1s", "talks": "4s"})
    first = troubled.carrier.place(stranger(), LINE, TALK)
    second = troubled.carrier.place(stranger(), LINE, TALK)
    troubled.until(lambda: troubled.line.switchboard.wrap_up_done("chloe", None, None), 20)
    for sid in (first, second):
        check(troubled, troubled.carrier.wait(sid), "answered")
    check_agents(troubled, "chloe")


def test_an_agent_who_signs_out_while_ringing_is_left_in_peace(troubled: Running) -> None:
    troubled.sign_in("chloe")
    troubled.carrier.behave("client:chloe", "no answer")
    sid = troubled.carrier.place(stranger(), LINE, TALK)
    assert troubled.until(lambda: troubled.line.board.agent("chloe").state == "ringing", 15)
    troubled.line.board.set_state("elena", "available")
    troubled.line.switchboard.withdraw(troubled.line.board.set_state("chloe", "offline").withdrawn)
    troubled.line.switchboard.offer()
    truth = troubled.carrier.wait(sid)
    record = check(troubled, truth, "answered")
    assert record["agent"] == "elena"
    assert [leg.status for leg in troubled.carrier.truths() if leg.to_number == "client:chloe"][-1] != "in-progress"
    assert troubled.line.board.agent("chloe").state == "offline"


def test_consent_starts_a_recording_of_the_talk_and_of_nothing_else(troubled: Running) -> None:
    for consent in ("1", "2"):
        troubled.sign_in("chloe")
        troubled.carrier.behave("client:chloe", {"answers_after": "1s", "talks": "12s"})
        sid = troubled.carrier.place_by_hand(stranger(), LINE, patient=True)
        assert troubled.until(
            lambda sid=sid: bool(troubled.carrier.truth(sid).heard) and troubled.carrier.say(sid, "I want to make a complaint")
        )
        assert troubled.until(lambda sid=sid: any("record" in text for text in troubled.carrier.truth(sid).heard), 15)
        assert troubled.until(lambda sid=sid, consent=consent: troubled.carrier.press(sid, consent))

        def recordings(sid: str = sid) -> list[str]:
            return troubled.carrier.ask(
                lambda station: [found.status for found in station.exchange.recordings.values() if found.call_sid == sid]
            )

        assert troubled.until(lambda sid=sid: "Connected" in troubled.journal(sid), 20)
        assert troubled.until(lambda: bool(recordings()), 3 if consent == "1" else 0.5) == (consent == "1")
        assert troubled.until(lambda sid=sid: any("solved" in text for text in troubled.carrier.truth(sid).heard), 20)
        assert troubled.until(lambda: "in-progress" not in recordings(), 3)
        troubled.carrier.hang_up(sid)
        check(troubled, troubled.carrier.wait(sid), "answered")


def test_a_locked_database_loses_no_record_and_writes_none_twice(troubled: Running) -> None:
    troubled.sign_in("chloe")
    file = str(troubled.settings.data_dir / "ivr.sqlite")
    path = troubled.settings.database_url.removeprefix("sqlite:///") or file
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        truth = troubled.carrier.call(stranger(), LINE, TALK)
        assert truth.failures == ()
        assert truth.longest_dead_air_seconds < DEAD_AIR_SECONDS
    finally:
        holder.execute("ROLLBACK")
        holder.close()
    check(troubled, truth, "answered")


def test_redis_hanging_for_a_moment_cuts_nobody_off(troubled: Running) -> None:
    troubled.sign_in("chloe")
    waiting = troubled.carrier.place_by_hand(stranger(), LINE, patient=True)
    menu = troubled.carrier.place_by_hand(stranger(), LINE, patient=True)
    for sid in (waiting, menu):
        assert troubled.until(lambda sid=sid: bool(troubled.carrier.truth(sid).heard), 15)
    pid = troubled.line.redis.info("server")["process_id"]
    os.kill(pid, signal.SIGSTOP)
    try:
        assert troubled.until(lambda: troubled.carrier.press(waiting, "0"))
        assert troubled.until(lambda: any("One moment" in text for text in troubled.carrier.truth(waiting).heard), 10)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert troubled.until(lambda: "One moment" not in troubled.carrier.truth(waiting).heard[-1], 15), troubled.carrier.truth(
        waiting
    ).entries
    assert troubled.until(lambda: troubled.carrier.press(waiting, "0"))
    assert troubled.until(lambda: "Connected" in troubled.journal(waiting), 20), troubled.journal(waiting)
    for sid in (waiting, menu):
        troubled.carrier.hang_up(sid)
    check(troubled, troubled.carrier.wait(waiting), "answered")
    check(troubled, troubled.carrier.wait(menu), "abandoned_in_menu")
    check_agents(troubled, "chloe")


def test_a_board_that_lost_everything_is_configured_again(service: Running) -> None:
    service.line.redis.flushall()
    assert service.until(lambda: bool(service.line.redis.exists(service.line.board.keys.of("config"))), 15)
    service.sign_in("chloe")
    truth = service.carrier.call(stranger(), LINE, [{"press": "0"}, {"talk": "30s"}, "until end"])
    assert truth.failures == ()
    assert not truth.application_error
    assert service.record(truth.call_sid)["agent"] == "chloe"
