"""The REST subset through Twilio's own client, and the nemesis behind it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client
from voice_service import CALLER, Service

from ivr.carriers.local import LocalCarrier, Trouble
from ivr.carriers.local.station import DEFAULT_NUMBER

ROOM = '<Dial action="/left"><Conference statusCallback="/conference" statusCallbackEvent="start end join leave mute hold modify">room</Conference></Dial>'
STAY = ["until end"]


class Elsewhere(TwilioHttpClient):
    def __init__(self, base: str, seconds: float = 3.0) -> None:
        super().__init__(timeout=seconds)
        self.base = base

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        asked = urlsplit(url)
        return super().request(method, f"{self.base}{asked.path}" + (f"?{asked.query}" if asked.query else ""), *args, **kwargs)


@pytest.fixture
def client(carrier: LocalCarrier) -> Iterator[Client]:
    yield Client(carrier.settings.account_sid, carrier.settings.auth_token, http_client=Elsewhere(carrier.url))


def test_a_call_is_placed_rings_is_answered_and_told(service: Service, carrier: LocalCarrier, client: Client) -> None:
    service.documents["/outbound"] = "<Say>Hello, this is your callback.</Say>"
    call = client.calls.create(
        to="+447700900555",
        from_=DEFAULT_NUMBER,
        url=f"{service.url}/outbound?token=a%20b",
        status_callback=f"{service.url}/status",
        status_callback_event=["initiated", "ringing", "answered", "completed"],
        machine_detection="Enable",
    )
    assert call.status == "queued" and call.direction == "outbound-api"
    truth = carrier.wait(call.sid)
    assert truth.heard == ["Hello, this is your callback."]
    asked = service.of("/outbound")[0]
    assert asked.signed and asked.fields["Direction"] == "outbound-api" and asked.fields["AnsweredBy"] == "human"
    assert carrier.until(lambda station: len(service.of("/status")) == 4)
    fetched = client.calls(call.sid).fetch()
    assert fetched.status == "completed" and fetched.end_time is not None and int(fetched.duration) >= 0
    assert [c.sid for c in client.calls.list(to="+447700900555", status="completed")] == [call.sid]


@pytest.mark.parametrize(
    ("changes", "code", "status"),
    [
        ({"to": ""}, 21201, 400),
        ({"to": "12"}, 21211, 400),
        ({"from_": "+15005550006"}, 21210, 400),
        ({"url": "not an address"}, 21205, 400),
        ({"url": None, "twiml": "<Response>" + "x" * 4000 + "</Response>"}, 32018, 400),
        ({"status_callback_event": ["answred"]}, 20001, 400),
    ],
)
def test_wrong_parameters_are_refused(service: Service, client: Client, changes: dict[str, Any], code: int, status: int) -> None:
    right = {"to": "+447700900555", "from_": DEFAULT_NUMBER, "url": f"{service.url}/outbound"}
    with pytest.raises(TwilioRestException) as refusal:
        client.calls.create(**{**right, **changes})
    assert (refusal.value.code, refusal.value.status) == (code, status)


def test_unknown_things_wrong_passwords_and_ended_calls(service: Service, carrier: LocalCarrier, client: Client) -> None:
    with pytest.raises(TwilioRestException) as refusal:
        client.calls("CA" + "0" * 32).fetch()
    assert (refusal.value.status, refusal.value.code) == (404, 20404)
    stranger = Client(carrier.settings.account_sid, "wrong", http_client=Elsewhere(carrier.url))
    with pytest.raises(TwilioRestException) as refusal:
        stranger.calls("CA" + "0" * 32).fetch()
    assert (refusal.value.status, refusal.value.code) == (401, 20003)
    service.documents["/voice/incoming"] = "<Hangup/>"
    truth = carrier.call(CALLER, "", STAY)
    with pytest.raises(TwilioRestException) as refusal:
        client.calls(truth.call_sid).update(url=f"{service.url}/next")
    assert refusal.value.code == 21220


def test_a_waiting_caller_is_redirected_out_of_the_queue(service: Service, carrier: LocalCarrier, client: Client) -> None:
    service.documents |= {
        "/voice/incoming": '<Enqueue action="/queued" waitUrl="/wait">support</Enqueue>',
        "/wait": "<Pause length='20'/>",
        "/queued": "<Say>Never followed.</Say>",
        "/join": "<Say>Connecting you.</Say>",
    }
    sid = carrier.place(CALLER, "", [{"hear": "connecting you"}, "until end"])
    assert carrier.until(lambda station: any(queue.members for queue in station.exchange.queues.values()))
    queue = client.queues.list()[0]
    assert (queue.friendly_name, queue.current_size) == ("support", 1)
    assert client.queues(queue.sid).members("Front").fetch().call_sid == sid
    client.calls(sid).update(url=f"{service.url}/join", method="POST")
    assert carrier.wait(sid).failures == ()
    assert carrier.until(lambda station: len(service.of("/queued")) == 1)
    fields = service.of("/queued")[0].fields
    assert (fields["QueueResult"], fields["CallStatus"]) == ("redirected", "in-progress")
    assert client.queues(queue.sid).fetch().current_size == 0


def test_hang_up_and_cancel(service: Service, carrier: LocalCarrier, client: Client) -> None:
    service.documents |= {"/voice/incoming": "<Pause length='600'/>"}
    sid = carrier.place(CALLER, "", STAY)
    assert carrier.until(lambda station: station.exchange.legs[sid].answered_at is not None)
    client.calls(sid).update(status="completed")
    assert (carrier.wait(sid).status, carrier.truth(sid).ended_by) == ("completed", "api")
    carrier.behave("client:ana", {"answers_after": "100s"})
    call = client.calls.create(to="client:ana", from_=DEFAULT_NUMBER, url=f"{service.url}/x")
    client.calls(call.sid).update(status="canceled")
    assert carrier.wait(call.sid).status == "canceled"


def test_hold_mute_coach_announce_and_kick(service: Service, carrier: LocalCarrier, client: Client) -> None:
    service.documents |= {
        "/voice/incoming": ROOM,
        "/hold": "<Say>Holding.</Say><Pause length='2'/>",
        "/announce": "<Say>Recorded line.</Say>",
        "/left": "<Hangup/>",
    }
    caller, agent = carrier.place_by_hand(CALLER), carrier.place_by_hand("+442079460021")
    assert carrier.until(lambda station: any(c.status == "in-progress" for c in station.exchange.conferences.values()))
    conference = client.conferences.list(friendly_name="room", status="in-progress")[0]
    participants = client.conferences(conference.sid).participants
    assert {p.call_sid for p in participants.list()} == {caller, agent}
    assert carrier.say(agent, "one") and carrier.truth(caller).heard == ["one"]
    held = participants(caller).update(hold=True, hold_url=f"{service.url}/hold")
    assert held.hold is True
    assert carrier.until(lambda station: "Holding." in [e.text for e in station.exchange.legs[caller].line.entries])
    assert service.of("/hold")[0].method == "GET", "HoldMethod defaults to GET"
    assert not carrier.say(agent, "two")
    participants(caller).update(hold=False)
    participants(agent).update(muted=True)
    assert not carrier.say(agent, "three") and carrier.say(caller, "four")
    participants(agent).update(muted=False, announce_url=f"{service.url}/announce")
    assert carrier.until(lambda station: "Recorded line." in [e.text for e in station.exchange.legs[agent].line.entries])
    boss = participants.create(
        to="client:boss", from_=DEFAULT_NUMBER, label="boss", coaching=True, call_sid_to_coach=agent, beep="false"
    )
    assert boss.status == "queued" and boss.coaching is True
    assert carrier.until(lambda station: boss.call_sid in station.exchange.conferences[conference.sid].participants)
    assert carrier.until(lambda station: any("this is Boss" in e.text for e in station.exchange.legs[agent].line.entries))
    assert not any("Boss" in text for text in carrier.truth(caller).heard)
    participants("boss").delete()
    assert carrier.wait(boss.call_sid).status == "completed"
    client.conferences(conference.sid).update(status="completed")
    carrier.wait(caller), carrier.wait(agent)
    assert carrier.until(lambda station: service.of("/conference")[-1].fields["StatusCallbackEvent"] == "conference-end")
    events = [asked.fields["StatusCallbackEvent"] for asked in service.of("/conference")]
    assert {"participant-hold", "participant-unhold", "participant-mute", "participant-unmute"} <= set(events)
    assert service.of("/conference")[-1].fields["ReasonConferenceEnded"] == "conference-ended-via-api"


def test_recordings_are_fetchable_only_later(service: Service, carrier: LocalCarrier, client: Client) -> None:
    service.documents["/voice/incoming"] = "<Pause length='600'/>"
    sid = carrier.place_by_hand(CALLER)
    assert carrier.until(lambda station: station.exchange.legs[sid].answered_at is not None)
    made = client.calls(sid).recordings.create(recording_status_callback=f"{service.url}/recording", recording_channels="dual")
    current = client.calls(sid).recordings("Twilio.CURRENT")
    assert current.update(status="paused", pause_behavior="silence").status == "paused"
    assert current.update(status="in-progress").status == "in-progress"
    media = f"{carrier.url}/2010-04-01/Accounts/{carrier.settings.account_sid}/Recordings/{made.sid}.wav"
    access = (carrier.settings.account_sid, carrier.settings.auth_token)
    assert httpx.get(media, auth=access).status_code == 404
    assert current.update(status="stopped").status == "stopped"
    assert carrier.until(lambda station: len(service.of("/recording")) == 1)
    assert service.of("/recording")[0].fields["RecordingStatus"] == "completed"
    assert httpx.get(media, auth=access).content[:4] == b"RIFF"
    assert client.recordings(made.sid).fetch().status == "completed"
    carrier.hang_up(sid)


def test_messages_are_sent_and_told(service: Service, carrier: LocalCarrier, client: Client) -> None:
    sent = client.messages.create(
        to=CALLER, from_=DEFAULT_NUMBER, body="Your order is on its way.", status_callback=f"{service.url}/status"
    )
    assert sent.status == "queued"
    assert carrier.until(
        lambda station: [a.fields["MessageStatus"] for a in service.of("/status")] == ["queued", "sent", "delivered"]
    )
    assert client.messages(sent.sid).fetch().status == "delivered"
    with pytest.raises(TwilioRestException) as refusal:
        client.messages.create(to=CALLER, from_=DEFAULT_NUMBER, body="x" * 1601)
    assert refusal.value.code == 21617


def test_lists_are_paged(service: Service, carrier: LocalCarrier, client: Client) -> None:
    service.documents["/voice/incoming"] = "<Hangup/>"
    sids = [carrier.call(CALLER, "", STAY).call_sid for _ in range(7)]
    assert [call.sid for call in client.calls.list(page_size=3)] == sids[::-1]


def test_the_nemesis_refuses_fails_and_does_without_answering(service: Service, carrier: LocalCarrier) -> None:
    client = Client(carrier.settings.account_sid, carrier.settings.auth_token, http_client=Elsewhere(carrier.url, 0.3))
    carrier.make_trouble(Trouble(rest_429=1.0))
    with pytest.raises(TwilioRestException) as refusal:
        client.calls("CA" + "0" * 32).fetch()
    assert (refusal.value.status, refusal.value.code) == (429, 20429)
    carrier.make_trouble(Trouble(rest_500=1.0))
    with pytest.raises(TwilioRestException) as refusal:
        client.calls("CA" + "0" * 32).fetch()
    assert refusal.value.status == 500
    carrier.make_trouble(Trouble(rest_done_but_timed_out=1.0, rest_silence_seconds=1.0))
    with pytest.raises(Exception, match="timed out"):
        client.calls.create(to="client:ana", from_=DEFAULT_NUMBER, url=f"{service.url}/x")
    assert [truth.to_number for truth in carrier.truths()] == ["client:ana"], "it was dialled all the same"
    carrier.make_trouble(Trouble())


def test_callbacks_come_twice_late_or_never_but_with_the_same_numbers(service: Service, carrier: LocalCarrier) -> None:
    service.documents["/voice/incoming"] = (
        "<Dial><Client statusCallback='/status' statusCallbackEvent='initiated ringing answered completed'>ana</Client></Dial>"
    )
    carrier.behave("client:ana", {"talks": "1s"})
    carrier.make_trouble(Trouble(callback_duplicate=1.0, callback_reorder=0.5), seed=3)
    carrier.call(CALLER, "", STAY)
    assert carrier.until(lambda station: {a.fields["SequenceNumber"] for a in service.of("/status")} == {"0", "1", "2", "3"})
    assert len(service.of("/status")) > 4
    carrier.make_trouble(Trouble(callback_drop=1.0))
    before = len(service.asked)
    carrier.call(CALLER, "", STAY)
    assert [
        asked.path for asked in service.asked[before:] if "status" in asked.path and "SequenceNumber" not in asked.fields
    ] == []
    with pytest.raises(ValueError, match="rest_429"):
        Trouble(rest_429=2.0)


@pytest.mark.parametrize("kind", ["calls", "conferences", "participants", "queues", "recordings", "messages"])
def test_resources_have_the_published_shape(service: Service, carrier: LocalCarrier, client: Client, kind: str) -> None:
    """Against Twilio's own OpenAPI document where TWILIO_OPENAPI names one; else against the client's model."""
    service.documents["/voice/incoming"] = ROOM
    sid, other = carrier.place_by_hand(CALLER), carrier.place_by_hand("+442079460021")
    assert carrier.until(lambda station: any(c.status == "in-progress" for c in station.exchange.conferences.values()))
    client.queues.create(friendly_name="support")
    client.messages.create(to=CALLER, from_=DEFAULT_NUMBER, body="hi")
    client.calls(sid).recordings.create()
    room = client.conferences.list()[0]
    paths = {"participants": f"Conferences/{room.sid}/Participants"}
    base = f"{carrier.url}/2010-04-01/Accounts/{carrier.settings.account_sid}/{paths.get(kind, kind.title())}.json"
    row = httpx.get(base, auth=(carrier.settings.account_sid, carrier.settings.auth_token)).json()[kind][0]
    assert {"sid", "call_sid"} & set(row) and row["uri"].startswith("/2010-04-01/Accounts/")
    if published := os.environ.get("TWILIO_OPENAPI"):
        _check_shape(Path(published), kind, row)
    carrier.hang_up(sid), carrier.hang_up(other)


def _check_shape(published: Path, kind: str, row: dict[str, Any]) -> None:
    import json

    names = {"participants": "conference.participant"}
    schemas = json.loads(published.read_text(encoding="utf-8"))["components"]["schemas"]
    properties = schemas[f"api.v2010.account.{names.get(kind, kind.removesuffix('s'))}"]["properties"]
    assert set(properties) - set(row) == set(), "fields that Twilio has and we lack"
    assert set(row) - set(properties) <= {"subresource_uris"}, "fields that Twilio does not have"
    types = {"string": str, "integer": int, "boolean": bool, "object": dict}
    for name, schema in properties.items():
        if row[name] is not None and schema.get("type") in types:
            assert isinstance(row[name], types[schema["type"]]), f"{kind}.{name} is {row[name]!r}, expected {schema['type']}"
        if row[name] is not None and "$ref" in schema:
            allowed = schemas[schema["$ref"].rpartition("/")[2]].get("enum")
            assert allowed is None or row[name] in allowed
