"""From actions to TwiML: always well-formed, never empty, no verb that the flow did not ask for."""

from __future__ import annotations

from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.actions import Action, Charge, Continue, Dial, Hangup, Join, Leave, Listen, Pause, Play, Record, Say, Wait
from ivr.carriers.twilio import write

HOSTILE = [
    "</Say><Dial>+1900</Dial><Say>",
    "]]><Dial>1</Dial>",
    "<speak><break time='99s'/></speak>",
    "\x00\x01\x02\x0b\x1f",
    "￾￿",
    "\ud800 half",
    "‮right to left‬",
    "👩‍👩‍👧‍👦",
    "&amp;&lt;&#x3c;",
    "a" * 20_000,
    "",
    " \t\n",
    "{{ customer.name }}",
    '" onload="x',
]


def links(of: str) -> str:
    return f"https://ivr.example/voice/turn?of={of}&turn=3"


def document(*actions: Action) -> Element:
    text = write.write(
        actions, links, lambda name: f"https://ivr.example/audio/{name}" if name.endswith(".wav") else None, "Sorry."
    )
    assert text.startswith("<?xml")
    assert len(text.encode()) <= 64_000
    root = fromstring(text)
    assert root.tag == "Response"
    assert len(root)
    return root


def tags(root: Element) -> list[str]:
    return [child.tag for child in root]


def test_speaking_and_hanging_up() -> None:
    root = document(Say("Hello & welcome <b>", "es-ES"), Pause(2), Hangup())
    assert tags(root) == ["Say", "Pause", "Hangup"]
    assert (root[0].text, root[0].get("language")) == ("Hello & welcome <b>", "es-ES")


def test_nothing_to_do_is_an_apology() -> None:
    assert tags(document()) == ["Say", "Hangup"]


def test_a_question_takes_keys_and_speech_and_silence_comes_back() -> None:
    root = document(Listen((Say("What do you need?", "en-GB"),), hints=("order", "a, b"), silence_seconds=4))
    assert tags(root) == ["Gather", "Redirect"]
    gather = root[0]
    assert gather.get("input") == "dtmf speech"
    assert gather.get("actionOnEmptyResult") == "true"
    assert gather.get("timeout") == "4"
    assert gather.get("speechTimeout") == "auto"
    assert gather.get("speechModel") is None  # with it, "auto" is refused by the carrier
    assert gather.get("hints") == "order, a  b"
    assert gather.get("profanityFilter") == "false"
    assert gather[0].text == "What do you need?"
    assert gather.get("action") == root[1].text == links("listen")


def test_a_secret_is_keyed_only() -> None:
    gather = document(Listen((Say("Your PIN"),), secret=True, digits=4))[0]
    assert gather.get("input") == "dtmf"
    assert gather.get("numDigits") == "4"


def test_hints_keep_to_the_carrier_s_limits() -> None:
    gather = document(Listen((Say("x"),), hints=tuple(f"{'w' * 150} {i}" for i in range(700))))[0]
    hints = (gather.get("hints") or "").split(", ")
    assert len(hints) <= 500
    assert all(len(hint) <= 100 for hint in hints)


def test_waiting_talking_recording_paying() -> None:
    assert document(Wait("general"))[0].attrib == {
        "action": links("queue"), "method": "POST", "waitUrl": links("wait"), "waitUrlMethod": "POST",
    }  # fmt: skip
    conference = document(Join("talk-1", "caller", starts=True, ends=True))[0][0]
    assert conference.text == "talk-1"
    assert (conference.get("startConferenceOnEnter"), conference.get("endConferenceOnExit")) == ("true", "true")
    record = document(Record(longest_seconds=90))[0]
    assert (record.get("maxLength"), record.get("action")) == ("90", links("record"))
    pay = document(Charge("41.90", "EUR", "Order 1", "en-GB"))[0]
    assert (pay.tag, pay.get("chargeAmount"), pay.get("currency")) == ("Pay", "41.90", "eur")
    dial = document(Dial("+442079460000", 20))[0]
    assert (dial.text, dial.get("timeout"), dial.get("action")) == ("+442079460000", "20", links("dial"))
    assert tags(document(Continue())) == ["Redirect"]
    assert tags(document(Leave("callback"))) == ["Leave"]


def test_a_recording_that_is_missing_is_spoken() -> None:
    assert tags(document(Play("a.wav", "Hello"), Hangup())) == ["Play", "Hangup"]
    assert tags(document(Play("gone", "Hello"), Hangup())) == ["Say", "Hangup"]
    assert tags(document(Play("gone"), Hangup())) == ["Pause", "Hangup"]


def test_long_speech_is_split_at_words_not_lost() -> None:
    words = " ".join(f"word{i}" for i in range(1500))
    root = document(Say(words), Hangup())
    said = [child.text or "" for child in root if child.tag == "Say"]
    assert all(len(part) <= 3000 for part in said)
    assert " ".join(said).split() == words.split()


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("where", ["say", "listen", "hints", "room", "queue", "pay"])
def test_hostile_text_stays_text(text: str, where: str) -> None:
    action: Action = {
        "say": Say(text),
        "listen": Listen((Say(text),)),
        "hints": Listen((Say("x"),), hints=(text,)),
        "room": Join(text or "r", text or "l"),
        "queue": Wait(text or "q"),
        "pay": Charge("1.00", "EUR", text),
    }[where]
    root = document(action, Hangup())
    allowed = {"Say", "Gather", "Redirect", "Dial", "Conference", "Enqueue", "Pay", "Hangup"}
    assert {element.tag for element in root.iter()} <= allowed | {"Response"}
    if where != "room":
        assert not list(root.iter("Dial"))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(st.text(st.characters(codec=None), max_size=300), min_size=1, max_size=6))
def test_any_text_gives_a_document_that_can_be_read(texts: list[str]) -> None:
    root = document(*(Say(text) for text in texts), Listen(tuple(Say(text) for text in texts), hints=tuple(texts)))
    assert {element.tag for element in root.iter()} <= {"Response", "Say", "Gather", "Redirect"}


def test_last_words() -> None:
    assert tags(fromstring(write.last_words("Sorry."))) == ["Say", "Hangup"]
    assert tags(fromstring(write.last_words("Sorry.", "+442079460000"))) == ["Say", "Dial"]
