"""Scripts and behaviours: what people at handsets do, and how a wrong script is refused."""

from __future__ import annotations

from typing import Any

import pytest
from voice_service import CALLER, Service

from ivr.carriers.local import LocalCarrier, PhoneBook, ScriptError, read_behaviour, read_script
from ivr.carriers.local.line import Kind

WHISPER = '<Gather numDigits="1" action="/accept" timeout="4"><Say>Press 1 to accept.</Say></Gather><Hangup/>'


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("script: [{sing: la}]", "sing"),
        ("script: [{press: abc}]", "keys 0-9"),
        ("script: [{hear: /(/}]", "not a regular expression"),
        ("script: [{wait: soon}]", "length of time"),
        ("script: [talk]", "needs a length of time"),
        ("steps: []", "under 'script:'"),
        ("{script: [], colour: red}", "colour"),
        ("script: [", "not YAML"),
        ("script: [{say: }]", "needs words"),
    ],
)
def test_a_wrong_script_is_refused_with_a_sentence(source: str, message: str) -> None:
    with pytest.raises(ScriptError, match=message.replace("(", r"\(")):
        read_script(source)


def test_a_script_keeps_keys_and_numbers_as_written() -> None:
    script = read_script("from: +447700900123\nscript:\n- press: 0123#\n- hear: [yes, /n.p/]\n- silence\n- never hear: error\n")
    assert script.from_number == "+447700900123"
    assert [str(step) for step in script.steps] == ["step 1: press 0123#", "step 2: hear yes, /n.p/", "step 3: silence"]
    assert str(script.never[0]) == "step 4: never hear error"


def test_unmet_expectations_are_told_with_what_was_heard(service: Service, carrier: LocalCarrier) -> None:
    service.documents["/voice/incoming"] = "<Say>Welcome to Acme.</Say><Say>An error.</Say>"
    truth = carrier.call(CALLER, "", [{"hear": "acme"}, {"hear": "goodbye"}, {"never hear": "error"}])
    assert truth.failures == (
        "step 2: hear goodbye: the call ended; last heard: 'An error.'",
        "step 3: never hear error: heard 'An error.'",
    )
    assert truth.script_finished is False


def test_silence_waits_for_the_prompts_time_to_run_out(service: Service, carrier: LocalCarrier) -> None:
    service.documents["/voice/incoming"] = '<Gather timeout="5"><Say>Well?</Say></Gather><Say>Still there?</Say>'
    truth = carrier.call(CALLER, "", ["silence", {"hear": "still there"}, "until end"])
    assert truth.failures == () and len(truth.of(Kind.NO_INPUT)) == 1


def test_an_agent_accepts_greets_and_answers(service: Service, carrier: LocalCarrier) -> None:
    carrier.behave("client:ana", {"name": "Agent Ana", "talks": "20s"})
    service.documents |= {
        "/voice/incoming": "<Dial><Client url='/whisper'>ana</Client></Dial><Say>Bye.</Say>",
        "/whisper": WHISPER,
        "/accept": "",
    }
    truth = carrier.call(
        CALLER,
        "",
        [{"hear": "this is ana"}, {"say": "my phone is broken"}, {"hear": "look that up"}, {"hear": "bye"}, "until end"],
    )
    assert truth.failures == ()
    agent = carrier.truths()[-1]
    assert "my phone is broken" in agent.heard and agent.ended_by == "callee"
    assert service.of("/accept")[0].fields["Digits"] == "1"


@pytest.mark.parametrize("behaviour", [{"hangs_up": "whisper"}, {"hangs_up": "accepted"}, "declines", "voicemail", "fax"])
def test_people_who_never_talk(service: Service, carrier: LocalCarrier, behaviour: Any) -> None:
    carrier.behave("client:*", behaviour)
    service.documents |= {
        "/voice/incoming": "<Dial timeout='20'><Client url='/whisper'>ben</Client></Dial><Say>Nobody.</Say>",
        "/whisper": WHISPER,
        "/accept": lambda asked: "" if asked.fields["Digits"] == "1" else "<Hangup/>",
    }
    truth = carrier.call(CALLER, "", [{"hear": "nobody"}, "until end"])
    assert truth.failures == () and truth.talk_seconds < 0.1


def test_behaviours_are_read_from_a_file_and_chance_is_seeded() -> None:
    text = """
default: {talks: 5-9s}
addresses:
  client:ana: {name: Ana, answers_after: 1-2s}
  client:ben: busy
  "+4420*": {kind: random, mixture: {busy: 1, voicemail: 1}}
  client:eva: {script: [{say: hello}, hang up]}
"""
    people = PhoneBook.read(text, seed=4)
    assert people.behaviour("client:ana").talks == (5.0, 9.0) and people.behaviour("client:ana").answers_after == (1.0, 2.0)
    assert people.behaviour("client:ben").kind == "busy" and people.behaviour("client:zoe").kind == "agent"
    kinds = [people.person("+442079460021").nature for _ in range(20)]
    again = PhoneBook.read(text, seed=4)
    assert kinds == [again.person("+442079460021").nature for _ in range(20)] and len(set(kinds)) == 2
    assert people.person("client:eva").name == "Agent Eva"


@pytest.mark.parametrize(
    "raw", ["sleepy", {"kind": "sleepy"}, {"talks": "long"}, {"colour": "red"}, {"mixture": {"sleepy": "1"}}, 7]
)
def test_a_wrong_behaviour_is_refused(raw: Any) -> None:
    with pytest.raises(ScriptError):
        read_behaviour(raw)
