from __future__ import annotations

from voice_service import CALLER, Service

from ivr.carriers.local import LocalCarrier


def test_a_call_hears_a_prompt_answers_and_is_hung_up(service: Service, carrier: LocalCarrier) -> None:
    service.documents["/voice/incoming"] = (
        '<Gather input="dtmf speech" action="/voice/turn" speechTimeout="auto"><Say>Welcome. How can I help?</Say></Gather>'
    )
    service.documents["/voice/turn"] = "<Say>Your order is on its way.</Say><Hangup/>"
    truth = carrier.call(
        CALLER,
        "",
        [{"hear": "how can i help"}, {"say": "where is my order", "sureness": "0.9"}, {"hear": "/on its way/"}, "until end"],
    )
    assert truth.failures == ()
    assert truth.heard == ["Welcome. How can I help?", "Your order is on its way."]
    assert (truth.status, truth.ended_by) == ("completed", "service")
    first, second = service.of("/voice/incoming")[0], service.of("/voice/turn")[0]
    assert first.fields["CallStatus"] == "ringing" and first.signed and first.fields["CallSid"] == truth.call_sid
    assert second.fields["SpeechResult"] == "Where is my order." and second.fields["Confidence"] == "0.9" and second.signed
    assert carrier.until(lambda station: len(service.of("/voice/status")) == 1)
    assert service.of("/voice/status")[0].fields["CallStatus"] == "completed"
