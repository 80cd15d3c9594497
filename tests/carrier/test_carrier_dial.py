"""<Dial>, conferences and queues: who is connected with whom, and what the actions tell."""

from __future__ import annotations

import time
from typing import Any

import pytest
from voice_service import CALLER, SPEED, Service

from ivr.carriers.local import CallTruth, LocalCarrier, Switches
from ivr.carriers.local.legs import Request
from ivr.carriers.local.station import DEFAULT_NUMBER

STAY = ["until end"]
EVENTS = 'statusCallback="/status" statusCallbackEvent="initiated ringing answered completed"'


def dial(noun: str, attributes: str = "") -> str:
    return f'<Dial action="/dialled" {attributes}>{noun}</Dial>'


def called(carrier: LocalCarrier, address: str) -> CallTruth:
    """The latest leg to an address."""
    return [truth for truth in carrier.truths() if truth.to_number == address][-1]


@pytest.mark.parametrize(
    ("behaviour", "status", "bridged"),
    [
        ({"talks": "5s"}, "completed", "true"),
        ("busy", "busy", "false"),
        ("no answer", "no-answer", "false"),
        ("failed", "failed", "false"),
        ("declines", "completed", "false"),
        ("voicemail", "completed", "false"),
    ],
)
def test_the_actions_result(service: Service, carrier: LocalCarrier, behaviour: Any, status: str, bridged: str) -> None:
    carrier.behave("client:ana", behaviour)
    service.documents |= {
        "/voice/incoming": dial(f'<Client url="/whisper" {EVENTS}>ana</Client>', 'timeout="10"'),
        "/whisper": '<Gather numDigits="1" timeout="3" action="/accept"><Say>A call for you. Press 1.</Say></Gather><Hangup/>',
        "/accept": lambda asked: "" if asked.fields["Digits"] == "1" else "<Hangup/>",
        "/dialled": "<Hangup/>",
    }
    truth = carrier.call(CALLER, "", STAY)
    fields = service.of("/dialled")[0].fields
    assert (fields["DialCallStatus"], fields["DialBridged"]) == (status, bridged)
    assert ("DialCallDuration" in fields) == (status == "completed")
    child = called(carrier, "client:ana")
    assert child.parent_call_sid == truth.call_sid and fields["DialCallSid"] == child.call_sid
    for asked in service.of("/whisper"):
        assert (asked.fields["CallSid"], asked.fields["ParentCallSid"], asked.fields["Direction"]) == (
            child.call_sid,
            truth.call_sid,
            "outbound-dial",
        )


def test_the_legs_progress_is_told_in_order_with_numbers(service: Service, carrier: LocalCarrier) -> None:
    carrier.behave("client:ana", {"talks": "2s"})
    service.documents |= {"/voice/incoming": dial(f"<Client {EVENTS}>ana</Client>"), "/dialled": "<Hangup/>"}
    carrier.call(CALLER, "", STAY)
    assert carrier.until(lambda station: len(service.of("/status")) == 4)
    told = [asked.fields for asked in service.of("/status")]
    assert [fields["CallStatus"] for fields in told] == ["queued", "ringing", "in-progress", "completed"]
    assert [fields["SequenceNumber"] for fields in told] == ["0", "1", "2", "3"]
    assert told[-1]["CallbackSource"] == "call-progress-events" and "CallDuration" in told[-1] and "CallDuration" not in told[0]
    assert told[0]["Timestamp"].endswith("+0000")


def test_of_two_who_ring_the_first_wins_and_the_other_is_canceled(service: Service, carrier: LocalCarrier) -> None:
    carrier.behave("client:quick", {"answers_after": "2s", "talks": "3s"})
    carrier.behave("client:slow", {"answers_after": "20s"})
    service.documents |= {"/voice/incoming": dial("<Client>slow</Client><Client>quick</Client>"), "/dialled": "<Hangup/>"}
    carrier.call(CALLER, "", STAY)
    assert service.of("/dialled")[0].fields["DialCallSid"] == called(carrier, "client:quick").call_sid
    assert called(carrier, "client:slow").status == "canceled"


@pytest.mark.parametrize("status", ["no-answer", "canceled"])
def test_a_caller_who_leaves_while_it_rings(service: Service, status: str) -> None:
    service.documents |= {"/voice/incoming": dial("<Client>ana</Client>"), "/dialled": "<Say>Nobody hears this.</Say>"}
    people = {"client:ana": {"answers_after": "50s"}}
    with LocalCarrier(
        service_url=service.url, speed=SPEED, people=people, switches=Switches(unanswered_dial_status=status)
    ) as carrier:
        truth = carrier.call(CALLER, "", [{"wait": "5s"}, "hang up"])
        assert carrier.until(lambda station: len(service.of("/dialled")) == 1)
        fields = service.of("/dialled")[0].fields
        assert (fields["CallStatus"], fields["DialCallStatus"], fields["DialBridged"]) == ("completed", status, "false")
        assert called(carrier, "client:ana").status == "canceled" and truth.heard == []


def test_without_an_action_the_next_verb_runs(service: Service, carrier: LocalCarrier) -> None:
    carrier.behave("client:ana", "busy")
    service.documents["/voice/incoming"] = "<Dial><Client>ana</Client></Dial><Say>Nobody is free.</Say>"
    assert carrier.call(CALLER, "", STAY).heard == ["Nobody is free."]


def test_a_strangers_number_cannot_be_shown(service: Service, carrier: LocalCarrier) -> None:
    service.documents |= {
        "/voice/incoming": dial("<Number>+442079460021</Number>", 'callerId="+15005550006"'),
        "/dialled": "<Hangup/>",
    }
    truth = carrier.call(CALLER, "", STAY)
    assert service.of("/dialled")[0].fields["DialCallStatus"] == "failed"
    assert [problem["code"] for problem in truth.problems] == [13214]


def test_answer_on_bridge_keeps_the_call_ringing(service: Service, carrier: LocalCarrier) -> None:
    carrier.behave("client:ana", {"answers_after": "10s", "talks": "2s"})
    service.documents |= {"/voice/incoming": dial("<Client>ana</Client>", 'answerOnBridge="true"'), "/dialled": "<Hangup/>"}
    truth = carrier.call(CALLER, "", STAY)
    assert truth.answered_at and (truth.answered_at - truth.created_at).total_seconds() > 9 / SPEED


ROOM = (
    '<Dial action="/left"><Conference {attributes} beep="false" statusCallback="/conference" '
    'statusCallbackEvent="start end join leave mute hold">room-1</Conference></Dial><Say>Never.</Say>'
)


def test_a_conference_starts_with_two_and_ends_with_its_moderator(service: Service, carrier: LocalCarrier) -> None:
    service.documents |= {
        "/voice/incoming": lambda asked: ROOM.format(
            attributes='waitUrl="/music"' if asked.fields["From"] == CALLER else 'endConferenceOnExit="true"'
        ),
        "/music": "<Say>Please wait.</Say><Pause length='5'/><Redirect/>",
        "/left": "<Say>Your agent has left.</Say>",
    }
    waiting = carrier.place(
        CALLER,
        "",
        [{"hear": "please wait"}, {"hear": "i am here"}, {"say": "thank you"}, {"hear": "agent has left"}, "until end"],
    )
    assert carrier.until(
        lambda station: any("Please wait." in entry.text for entry in station.exchange.legs[waiting].line.entries)
    )
    moderator = carrier.place("+442079460021", "", [{"say": "I am here"}, {"hear": "thank you"}, "hang up"])
    caller, agent = carrier.wait(waiting), carrier.wait(moderator)
    assert caller.failures == agent.failures == ()
    assert caller.talk_seconds == pytest.approx(agent.talk_seconds, abs=0.2)
    assert carrier.until(lambda station: len(service.of("/conference")) == 6)
    told = [asked.fields for asked in service.of("/conference")]
    assert [fields["StatusCallbackEvent"] for fields in told] == [
        "participant-join",
        "conference-start",
        "participant-join",
        "participant-leave",
        "participant-leave",
        "conference-end",
    ]
    assert "From" not in told[0] and told[-1]["ReasonConferenceEnded"] == "participant-with-end-conference-on-exit-left"
    assert (told[4]["ReasonParticipantLeft"], told[3]["ReasonParticipantLeft"]) == (
        "moderator_ended_conference",
        "participant_hung_up",
    )
    left = {asked.fields["CallSid"]: asked.fields for asked in service.of("/left")}
    assert left[caller.call_sid]["DialCallStatus"] == "answered" and "DialCallDuration" not in left[caller.call_sid]


def test_labels_are_unique_and_coaching_needs_the_coached_one(service: Service, carrier: LocalCarrier) -> None:
    service.documents["/voice/incoming"] = lambda asked: (
        "<Dial><Conference participantLabel='caller'>r</Conference></Dial><Say>Refused.</Say>"
        if asked.fields["From"] != "+442079460030"
        else f"<Dial><Conference coach='CA{'0' * 32}'>r</Conference></Dial><Say>Refused.</Say>"
    )
    first = carrier.place(CALLER, "", STAY)
    assert carrier.until(lambda station: station.exchange.legs[first].line.mixer is not None)
    second = carrier.call("+442079460021", "", STAY)
    third = carrier.call("+442079460030", "", STAY)
    assert second.heard == third.heard == ["Refused."]
    assert [problem["code"] for problem in second.problems + third.problems] == [16025, 13240]
    carrier.hang_up(first)


def test_a_wait_document_may_only_make_music(service: Service, carrier: LocalCarrier) -> None:
    service.documents |= {"/voice/incoming": ROOM.format(attributes='waitUrl="/music"'), "/music": "<Gather/><Say>Music.</Say>"}
    sid = carrier.place(CALLER, "", [{"hear": "music"}, "hang up"])
    assert [problem["code"] for problem in carrier.wait(sid).problems] == [13238]


WAIT = {
    "/voice/incoming": '<Enqueue action="/queued" waitUrl="/wait">support</Enqueue><Say>Never.</Say>',
    "/wait": "<Say>You are waiting.</Say><Pause length='10'/>",
    "/queued": "<Say>The wait is over.</Say>",
}


def test_the_wait_document_is_asked_again_and_again(service: Service, carrier: LocalCarrier) -> None:
    service.documents |= WAIT
    truth = carrier.call(CALLER, "", [{"hear": "waiting"}, {"hear": "waiting"}, {"hear": "waiting"}, "hang up"])
    assert truth.failures == ()
    fields = [asked.fields for asked in service.of("/wait")]
    assert (
        len(fields) >= 3
        and fields[0]["QueuePosition"] == "1"
        and fields[0]["CurrentQueueSize"] == "1"
        and fields[0]["QueueSid"].startswith("QU")
    )
    assert carrier.until(lambda station: len(service.of("/queued")) == 1)
    queued = service.of("/queued")[0].fields
    assert (queued["QueueResult"], queued["CallStatus"]) == ("hangup", "completed") and "QueueTime" in queued


def test_leave_a_full_queue_and_a_broken_wait(service: Service, carrier: LocalCarrier) -> None:
    service.documents |= {
        **WAIT,
        "/wait": '<Gather numDigits="1" action="/key"><Say>Press 1 to leave.</Say></Gather>',
        "/key": "<Leave/>",
    }
    assert carrier.call(CALLER, "", [{"press": "1"}, {"hear": "wait is over"}, "until end"]).failures == ()
    assert service.of("/queued")[-1].fields["QueueResult"] == "leave"
    service.documents["/wait"] = b"<broken"
    carrier.call(CALLER, "", STAY)
    assert service.of("/queued")[-1].fields["QueueResult"] == "error"
    carrier.ask(lambda station: [setattr(queue, "most", 0) for queue in station.exchange.queues.values()])
    carrier.call(CALLER, "", STAY)
    full = service.of("/queued")[-1].fields
    assert full["QueueResult"] == "queue-full" and "QueueSid" not in full


def test_an_instant_wait_document_is_a_request_storm(service: Service, carrier: LocalCarrier) -> None:
    service.documents |= {**WAIT, "/wait": ""}
    truth = carrier.call(CALLER, "", [{"wait": "30s"}, "hang up"])
    assert "storm" in truth.problems[0]["message"] and len(service.of("/wait")) <= 3


def test_an_agent_fetches_the_one_who_waits_longest(service: Service, carrier: LocalCarrier) -> None:
    service.documents |= {**WAIT, "/screen": "<Say>You are next.</Say>"}
    waiting = carrier.place(
        CALLER, "", [{"hear": "you are next"}, {"hear": "hello"}, {"say": "hi"}, {"hear": "wait is over"}, "until end"]
    )
    assert carrier.until(lambda station: any(queue.members for queue in station.exchange.queues.values()))
    service.documents["/voice/incoming"] = '<Dial action="/dialled"><Queue url="/screen">support</Queue></Dial>'
    service.documents["/dialled"] = "<Hangup/>"
    agent = carrier.call("+442079460021", "", [{"say": "hello"}, {"hear": "hi"}, "hang up"])
    caller = carrier.wait(waiting)
    assert caller.failures == agent.failures == ()
    assert service.of("/screen")[0].fields["DequeingCallSid"] == agent.call_sid
    assert service.of("/queued")[0].fields["QueueResult"] == "bridged" and len(service.of("/queued")) == 1


def test_a_queue_that_nobody_ever_waited_in_is_unknown(service: Service, carrier: LocalCarrier) -> None:
    service.documents |= {"/voice/incoming": dial("<Queue>nowhere</Queue>"), "/dialled": "<Hangup/>"}
    carrier.call(CALLER, "", STAY)
    assert service.of("/dialled")[0].fields["DialCallStatus"] == "failed"


def test_dead_air_is_the_time_a_slow_service_leaves_the_caller_in(service: Service, carrier: LocalCarrier) -> None:
    service.documents |= {"/voice/incoming": "<Say>One moment.</Say><Redirect>/slow</Redirect>", "/slow": "<Say>Here I am.</Say>"}
    service.delay_seconds["/slow"] = 0.7
    started = time.monotonic()
    truth = carrier.call(CALLER, DEFAULT_NUMBER, STAY)
    assert 0.6 < truth.longest_dead_air_seconds < time.monotonic() - started


def test_a_wait_document_does_not_wait_for_somebody_at_a_keyboard(service: Service, carrier: LocalCarrier) -> None:
    service.documents |= {
        **WAIT,
        "/wait": '<Gather numDigits="1" timeout="3" action="/key"><Say>Press 1 to leave.</Say></Gather>',
        "/key": "<Leave/>",
    }
    sid = carrier.place_by_hand(CALLER, patient=True)
    assert carrier.until(lambda station: len(service.of("/wait")) >= 3)
    carrier.hang_up(sid)


def test_the_star_ends_a_dialled_call_where_that_is_wanted(service: Service, carrier: LocalCarrier) -> None:
    service.documents |= {
        "/voice/incoming": dial("<Client>ana</Client>", 'hangupOnStar="true"'),
        "/dialled": "<Say>Back again.</Say>",
    }
    truth = carrier.call(CALLER, "", [{"talk": "1s"}, {"press": "1*"}, {"hear": "back again"}, "until end"])
    assert truth.failures == () and called(carrier, "client:ana").ended_by == "service"


def test_a_taken_over_leg_of_a_dial_lives_on_and_the_other_goes_to_its_action(service: Service, carrier: LocalCarrier) -> None:
    service.documents |= {
        "/voice/incoming": dial("<Client>ana</Client>"),
        "/dialled": "<Say>Back again.</Say>",
        "/elsewhere": "<Say>Other desk.</Say>",
    }
    sid = carrier.place(CALLER, "", [{"hear": "back again"}, "until end"])
    assert carrier.until(lambda station: any(leg.parent and leg.line.company() for leg in station.exchange.legs.values()))
    child = called(carrier, "client:ana").call_sid
    carrier.ask(lambda station: station.exchange.legs[child].take_over(Request(f"{service.url}/elsewhere")))
    assert carrier.wait(sid).failures == ()
    assert "Other desk." in carrier.wait(child).heard
    assert "DialCallDuration" not in service.of("/dialled")[0].fields
