"""From ring to record through real HTTP: what callers hear, whom they reach, what is written down."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.line.running import Running, stranger

LINE = "+442079460000"
GEORGE = "+447700900103"  # a customer without an order under way
OLIVER = "+447700900101"  # a customer whose order is being packed


def seconds(first: datetime, last: datetime) -> float:
    return (last - first) / timedelta(seconds=1)


def test_a_spoken_question_is_answered_and_recorded(service: Running) -> None:
    truth = service.carrier.call(
        OLIVER,
        LINE,
        [
            {"hear": "Hello Oliver"},
            {"say": "where is my order"},
            {"hear": "being packed"},
            {"say": "no that is all"},
            "until end",
        ],
    )
    assert truth.failures == ()
    assert not truth.application_error
    assert truth.problems == ()
    record = service.record(truth.call_sid)
    assert record["outcome"] == "self_served"
    assert record["customer_name"] == "Oliver Hughes"
    assert record["intents"] == ["order_status"]
    assert record["revision"] == "1"
    assert record["fcr"] is True
    assert record["fcr_state"] == "provisional"
    assert abs(seconds(truth.created_at, record["started_at"])) < 1
    assert truth.ended_at is not None
    assert abs(seconds(truth.ended_at, record["ended_at"])) < 1


def test_a_caller_reaches_an_agent_and_answers_the_survey(service: Running) -> None:
    service.sign_in("chloe")
    truth = service.carrier.call(
        GEORGE,
        LINE,
        [
            {"hear": "Hello George"},
            {"say": "I would like to talk to a person"},
            {"hear": "How can I help"},
            {"notice": "solved"},
            {"press": "1"},
            {"notice": "content"},
            {"press": "5"},
            "until end",
        ],
    )
    assert truth.failures == ()
    assert not truth.application_error
    record = service.record(truth.call_sid)
    assert record["outcome"] == "answered"
    assert record["queue"] == "general"
    assert record["agent"] == "chloe"
    assert len(record["legs"]) == 1
    assert abs(record["talk_seconds"] - truth.talk_seconds) < 1
    assert abs(record["queue_seconds"] - truth.queue_seconds) < 1
    answers = {survey["question"]: survey["answer"] for survey in record["surveys"]}
    assert answers == {"resolved": "1", "csat": "5"}
    agent = service.line.board.agent("chloe")
    assert agent.state in ("wrap_up", "available")


def test_wrap_up_comes_later_and_the_record_follows(service: Running) -> None:
    service.sign_in("chloe")
    truth = service.carrier.call(stranger(), LINE, [{"press": "0"}, {"talk": "30s"}, {"wait": "1s"}, "hang up"])
    first = service.record(truth.call_sid)
    assert first["wrap_up_pending"]
    service.line.switchboard.wrap_up_done("chloe", "refund explained", True)
    second = service.record(truth.call_sid)
    assert second["disposition"] == "refund explained"
    assert second["resolved"] is True
    assert second["legs"][0]["wrap_up_seconds"] > 0
    assert second["handle_seconds"] >= first["handle_seconds"]


def test_silence_and_wrong_keys_end_with_a_person(service: Running) -> None:
    service.sign_in("chloe")
    truth = service.carrier.call(
        stranger(), LINE, ["silence", {"press": "8"}, {"say": "blue bananas sing"}, {"talk": "20s"}, "hang up"]
    )
    assert truth.failures == ()
    assert not truth.application_error
    assert service.record(truth.call_sid)["outcome"] == "answered"


def test_nobody_signed_in_means_voicemail_not_waiting(service: Running) -> None:
    truth = service.carrier.call(
        stranger(), LINE, [{"press": "0"}, {"hear": "after the tone"}, {"say": "please ring me"}, "until end"]
    )
    assert not truth.application_error
    record = service.record(truth.call_sid)
    assert record["outcome"] == "voicemail"


def test_hanging_up_in_the_menu_and_in_the_queue(service: Running) -> None:
    menu = service.carrier.call(stranger(), LINE, [{"hear": "Hello"}, "hang up"])
    assert service.record(menu.call_sid)["outcome"] == "abandoned_in_menu"
    service.sign_in("chloe")
    service.carrier.behave("client:chloe", "no answer")
    queue = service.carrier.call(stranger(), LINE, [{"press": "0"}, {"wait": "3s"}, "hang up"])
    record = service.record(queue.call_sid)
    assert record["outcome"] in ("abandoned_in_queue", "abandoned_while_ringing")
    assert service.until(lambda: service.line.board.agent("chloe").state == "available")


@pytest.mark.parametrize("behaviour", ["no answer", "busy", "voicemail", "reject", "declines"])
def test_an_agent_who_cannot_take_it_costs_only_a_moment(service: Running, behaviour: str) -> None:
    service.sign_in("chloe")
    service.carrier.behave("client:chloe", behaviour)
    sid = service.carrier.place(stranger(), LINE, [{"press": "0"}, {"talk": "20s"}, {"wait": "1s"}, "hang up"])
    assert service.until(lambda: "OfferEnded" in service.journal(sid), 15)
    service.line.board.set_state("david", "available")
    truth = service.carrier.wait(sid)
    assert truth.failures == ()
    record = service.record(sid)
    assert record["agent"] == "david"
    assert not any("voicemail" in text for text in truth.heard)


def test_withheld_numbers_are_nobody_in_particular(service: Running) -> None:
    for number in ("anonymous", "+266696687"):
        truth = service.carrier.call(number, LINE, [{"hear": "welcome to Acme"}, "hang up"])
        assert truth.failures == ()
        record = service.record(truth.call_sid)
        assert record["customer_id"] is None
        assert record["fcr_state"] == "excluded"


def test_a_spanish_caller_is_served_in_spanish(service: Running) -> None:
    service.sign_in("ana")
    truth = service.carrier.call(
        stranger(), LINE, [{"press": "9"}, {"say": "quiero hablar con una persona"}, {"talk": "20s"}, {"wait": "1s"}, "hang up"]
    )
    assert truth.failures == ()
    record = service.record(truth.call_sid)
    assert (record["language"], record["queue"], record["agent"]) == ("es-ES", "spanish", "ana")
