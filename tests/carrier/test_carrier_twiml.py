"""The strict reader, pair by pair: a document and the code it gets."""

from __future__ import annotations

import pytest

from ivr.carriers.local.debugger import Severity
from ivr.carriers.local.twiml import read_answer, read_twiml

ERRORS = [
    (b"", "text/xml", 11770),
    (b"<Response>" + b"x" * 65_600 + b"</Response>", "text/xml", 11750),
    (b"<Response/>", "", 12300),
    (b"<Response/>", "application/json", 12300),
    (b"<Response><Say>a & b</Say></Response>", "text/xml", 12100),
    (b"<Response><Say>\x01</Say></Response>", "text/xml", 12100),
    (b' <?xml version="1.0"?><Response/>', "text/xml", 12100),
    (b"\xef\xbb\xbf<Response/>", "text/xml", 12100),
    (b'<!DOCTYPE x [<!ENTITY a "b">]><Response/>', "text/xml", 12100),
    (b"<response/>", "text/xml", 12102),
    (b"<html/>", "text/html", 12102),
    (b"<Response><Dial><Conference>a</Conference><Number>+4420</Number></Dial></Response>", "text/xml", 13000),
    (b"<Response><Dial>" + b"<Client>a</Client>" * 11 + b"</Dial></Response>", "text/xml", 13250),
    (b"<Response><Enqueue>" + b"q" * 65 + b"</Enqueue></Response>", "text/xml", 14205),
    (b"<Response><Redirect>http://under_score.example/</Redirect></Response>", "text/xml", 11100),
]

WARNINGS = [
    ("<Gather bargein='true'/>", 12200),
    ("<say>hello</say>", 12200),
    ("<Foo/>", 12200),
    ("stray text", 12200),
    ("<Say/>", 13520),
    ("<Say>" + "x" * 4097 + "</Say>", 13521),
    ("<Say voice='Polly.Amy'>" + "x" * 3001 + "</Say>", 13521),
    ("<Say>hi <Play>x</Play></Say>", 13510),
    ("<Gather><Dial>+442079460000</Dial></Gather>", 13320),
    ("<Gather timeout='soon'/>", 13313),
    ("<Gather numDigits='0'/>", 13314),
    ("<Gather finishOnKey='12'/>", 13310),
    ("<Gather input='voice'/>", 13326),
    ("<Gather method='PUT'/>", 13312),
    ("<Gather speechTimeout='fast'/>", 13327),
    ("<Gather language='english please'/>", 13331),
    ("<Gather speechModel='best'/>", 13334),
    ("<Gather input='speech' speechTimeout='auto' speechModel='phone_call'/>", 13335),
    (f"<Gather hints='{','.join(['a'] * 501)}'/>", 13330),
    (f"<Gather hints='{'a' * 101}'/>", 13330),
    ("<Gather actionOnEmptyResult='yes'/>", 13338),
    ("<Play digits='12x'>http://host.example/a.wav</Play>", 13430),
    ("<Play/>", 13410),
    ("<Pause length='long'/>", 13910),
    ("<Dial timeout='2'><Number>+442079460000</Number></Dial>", 13212),
    ("<Dial><Say>no</Say></Dial>", 13210),
    ("<Dial><Sip>not-sip</Sip></Dial>", 13241),
    ("<Dial><Conference beep='loud'>a</Conference></Dial>", 13233),
    ("<Record maxLength='1'/>", 13614),
    ("<Reject reason='rude'/>", 13810),
]


@pytest.mark.parametrize(("body", "media_type", "code"), ERRORS)
def test_an_error_forbids_the_document(body: bytes, media_type: str, code: int) -> None:
    document = read_answer(body, media_type)
    assert document.error is not None and document.error.code == code


@pytest.mark.parametrize(("verbs", "code"), WARNINGS)
def test_a_warning_drops_the_attribute_or_element(verbs: str, code: int) -> None:
    document = read_twiml(f"<Response>{verbs}</Response>")
    assert document.error is None
    assert [fault.code for fault in document.faults] == [code]
    assert all(fault.severity is Severity.WARNING for fault in document.faults)


def test_what_is_right_gets_no_complaint() -> None:
    document = read_twiml(
        '<?xml version="1.0" encoding="UTF-8"?><Response><!-- said --><Say voice="Polly.Amy" language="en-GB">Hello <break time="1s"/> '
        '<sub alias="doctor">Dr</sub> Ruiz &amp; son</Say><Gather input="dtmf speech" action="/turn" hints="a,b" speechTimeout="2" '
        'speechModel="phone_call" actionOnEmptyResult="true"><Say>What now?</Say><Pause length="1"/></Gather>'
        '<Dial action="/done"><Conference statusCallbackEvent="start end join leave" waitUrl="">room</Conference></Dial>'
        '<Enqueue waitUrl="/wait" action="/queued">q</Enqueue></Response>'
    )
    assert document.faults == ()
    assert document.verbs[0].text == "Hello doctor Ruiz & son"
    assert [verb.name for verb in document.verbs] == ["Say", "Gather", "Dial", "Enqueue"]


def test_plain_text_that_is_no_twiml_is_read_aloud() -> None:
    assert read_answer(b"Hello there", "text/plain").verbs[0].text == "Hello there"
    assert read_answer(b"<Response><Say>Hi</Say></Response>", "text/plain; charset=utf-8").verbs[0].text == "Hi"
