"""The end of a callback's talk that nobody told: the carrier is asked, so that the number is not taken for ever."""

from __future__ import annotations

import redis
from floors import Hall

from routing.callbacks import TALK_CHECK_SECONDS, Callback, DialResult, Ledger
from routing.model import Agent, Queue


def test_a_talk_whose_end_was_lost_is_asked_about_now_and_then(redis_client: redis.Redis) -> None:
    floor = Hall(redis_client, [Agent("ana")], [Queue("general")])
    ledger = Ledger(redis_client, floor.board)
    ledger.place(Callback("cb1", "+447700900123", "general", floor.clock.now))
    assert ledger.open_for("+447700900123") is not None
    assert ledger.begin_dial("cb1", "t1") == 1
    ledger.dial_ended("cb1", "t1", DialResult.ANSWERED)
    floor.clock.pass_seconds(TALK_CHECK_SECONDS - 1)
    assert ledger.due() == []
    floor.clock.pass_seconds(1)
    [due] = ledger.due()
    assert (due.callback.state, due.doubt) == ("talking", True)
    ledger.dial_lives("cb1")
    floor.clock.pass_seconds(TALK_CHECK_SECONDS - 1)
    assert ledger.due() == []
    ledger.dial_ended("cb1", "t1", DialResult.TALKED)
    assert ledger.open_for("+447700900123") is None
    floor.clock.pass_seconds(3600)
    assert ledger.due() == []


def test_who_hung_up_before_an_agent_came_is_rung_again(redis_client: redis.Redis) -> None:
    floor = Hall(redis_client, [Agent("ana")], [Queue("general")])
    ledger = Ledger(redis_client, floor.board)
    ledger.place(Callback("cb1", "+447700900123", "general", floor.clock.now))
    ledger.begin_dial("cb1", "t1")
    ledger.dial_ended("cb1", "t1", DialResult.ANSWERED)
    after = ledger.dial_ended("cb1", "t1", DialResult.ABANDONED)
    assert (after.state, after.last_result, after.attempts) == ("scheduled", "abandoned", 1)
    assert after.next_at == floor.clock.now + 300
