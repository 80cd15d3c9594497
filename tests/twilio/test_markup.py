"""Our own markup says what the carrier's library would say, for every verb and any text."""

from __future__ import annotations

from xml.etree.ElementTree import canonicalize, fromstring

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twilio.twiml import TwiML
from twilio.twiml.voice_response import Dial, Gather, VoiceResponse

from ivr.carriers.twilio.markup import Value, clean, document, element, words

ADDRESS = "https://ivr.example/voice/turn?of=listen&turn=3&k=0a"


def library(*verbs: TwiML) -> str:
    response = VoiceResponse()
    for verb in verbs:
        response.append(verb)
    return str(response)


def test_an_empty_document_is_the_library_s() -> None:
    assert document() == library()


def test_a_question_is_the_library_s() -> None:
    gather = Gather(
        input="dtmf speech", action=ADDRESS, method="POST", timeout=4, action_on_empty_result=True, barge_in=False, num_digits=1,
        finish_on_key="#", hints="order, bill", language="en-GB", profanity_filter=False, speech_timeout="auto",
    )  # fmt: skip
    gather.say('Press 1 <now> & "wait"', language="es-ES")
    gather.play("https://ivr.example/audio/a.wav?x=1&y=2")
    gather.pause(length=2)
    ours = element(
        "Gather",
        element("Say", words('Press 1 <now> & "wait"'), language="es-ES"),
        element("Play", words("https://ivr.example/audio/a.wav?x=1&y=2")),
        element("Pause", length=2),
        input="dtmf speech", action=ADDRESS, method="POST", timeout=4, actionOnEmptyResult=True, bargeIn=False, numDigits=1,
        finishOnKey="#", hints="order, bill", language="en-GB", profanityFilter=False, speechTimeout="auto",
    )  # fmt: skip
    assert document(ours) == library(gather)


def test_a_room_is_the_library_s() -> None:
    dial = Dial(action=ADDRESS, method="POST", caller_id=None)
    dial.conference(
        "talk-1", start_conference_on_enter=True, end_conference_on_exit=False, participant_label="agent & co", wait_url=ADDRESS,
        status_callback_event="start end", status_callback=ADDRESS,
    )  # fmt: skip
    conference = element(
        "Conference", words("talk-1"), startConferenceOnEnter=True, endConferenceOnExit=False, participantLabel="agent & co",
        waitUrl=ADDRESS, statusCallbackEvent="start end", statusCallback=ADDRESS,
    )  # fmt: skip
    assert document(element("Dial", conference, action=ADDRESS, method="POST", callerId=None)) == library(dial)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.text(st.characters(codec=None), max_size=60))
def test_any_text_reads_back_as_it_was_without_what_xml_cannot_hold(text: str) -> None:
    read = fromstring(document(element("Say", words(text), voice=text)))[0]
    assert read.get("voice") == clean(text)
    assert (read.text or "") == clean(text).replace("\r\n", "\n").replace("\r", "\n")  # every reader of XML does that to text


@pytest.mark.parametrize("value", ["\t", "\n", "\r", '"', "&amp;", "a\u00a0b", "\ue000", "\U0001f600"])
def test_odd_characters_of_attributes_are_escaped_as_the_library_does(value: str) -> None:
    attributes: dict[str, Value] = {"language": value}
    says = VoiceResponse()
    says.say("x", language=value)
    assert canonicalize(document(element("Say", words("x"), **attributes))) == canonicalize(str(says))
