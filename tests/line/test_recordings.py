"""What may never be recorded is not: keys pressed while the agent has paused the recording, a PIN and a card after the talk, also when the
carrier does not stop the recording in time. Checked against the carrier's own recordings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from ivr.carriers.local import Trouble
from ivr.carriers.local.line import Kind
from ivr.carriers.local.station import Station
from ivr.embedded import start_redis
from ivr.jobs import periodic
from tests.line.conversing import CARD
from tests.line.running import Running, running, stranger

LINE = "+442079460000"
FLOWS = Path(__file__).parent / "private_flows"
TALKATIVE = {"answers_after": "1s", "talks": "600s"}


@pytest.fixture(scope="module")
def private_service(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[Running]:
    """A service whose callers talk, recorded, and are then asked for a secret number and a card."""
    server = start_redis(tmp_path_factory.mktemp("private-redis"), keep=False)
    people = {"client:*": TALKATIVE}
    with running(
        tmp_path_factory.mktemp("private"), server.url, models, people=people, speed=20, IVR_FLOWS_DIR=str(FLOWS)
    ) as found:
        yield found
    server.stop()


@pytest.fixture
def recorded(private_service: Running) -> Iterator[tuple[Running, str]]:
    """A recorded talk with Chloe: the service, the call."""
    service = private_service
    service.carrier.make_trouble(Trouble())
    service.sign_in("chloe")
    service.carrier.behave("client:chloe", TALKATIVE)
    sid = service.carrier.place_by_hand(stranger(), LINE, patient=True)
    assert service.until(lambda: service.carrier.press(sid, "1"), 20)
    assert service.until(lambda: service.line.calls.talk(sid).get("recording") == "on", 30), service.journal(sid)
    yield service, sid
    service.carrier.make_trouble(Trouble())
    service.carrier.hang_up(sid)
    assert service.until(lambda: "Ended" in service.journal(sid))


def api(service: Running, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {service.token('supervisor')}"}
    answer = httpx.request(method, f"{service.url}/api/v1{path}", json=body, headers=headers, timeout=20)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def statuses(service: Running, sid: str) -> list[str]:
    """The states of a call's recordings at the carrier."""
    return service.carrier.ask(lambda station: [r.status for r in station.exchange.recordings.values() if r.call_sid == sid])


def heard(service: Running, sid: str, words: str) -> bool:
    return any(words in text for text in service.carrier.truth(sid).heard)


def pressed(service: Running, sid: str) -> list[tuple[str, bool]]:
    """Every key of the caller, and whether it is in a recording ("•": a key of something secret)."""

    def look(station: Station) -> list[tuple[str, bool]]:
        recordings = [r for r in station.exchange.recordings.values() if r.call_sid == sid]
        return [
            (entry["text"], any(r.holds(datetime.fromisoformat(entry["at"])) for r in recordings))
            for entry in service_entries(station, sid)
        ]

    return service.carrier.ask(look)


def service_entries(station: Station, sid: str) -> list[dict[str, Any]]:
    return [entry.to_dict() for entry in station.exchange.legs[sid].line.entries if entry.kind is Kind.PRESSED]


def ask_the_rest(service: Running, sid: str) -> None:
    """The secret number and the card, as they are asked for; nothing of either is in a recording."""
    assert service.until(lambda: heard(service, sid, "secret number"), 30), service.carrier.truth(sid).heard
    assert service.until(lambda: service.carrier.press(sid, "482193"), 10)
    assert service.until(lambda: heard(service, sid, "by card now"), 20), service.carrier.truth(sid).heard
    for keys in CARD:
        assert service.until(lambda keys=keys: service.carrier.press(sid, keys), 10), (
            keys,
            service.carrier.truth(sid).entries[-4:],
        )
    assert service.until(lambda: "Charged" in service.journal(sid), 20)
    [charged] = [note.data for note in service.line.calls.journal(sid) if note.kind == "Charged"]
    assert charged["result"] == "paid"
    secret = [recorded for key, recorded in pressed(service, sid) if key == "•"]
    assert len(secret) > len("482193") and not any(secret)


def test_keys_pressed_while_the_agent_has_paused_are_not_in_the_recording(recorded: tuple[Running, str]) -> None:
    service, sid = recorded
    service.carrier.press(sid, "4")
    for paused, status, keys in ((True, "paused", "7777"), (False, "in-progress", "5")):
        assert api(service, "PUT", f"/calls/{sid}/recording", {"paused": paused})["recording"] == ("paused" if paused else "on")
        assert service.until(lambda status=status: statuses(service, sid) == [status])
        service.carrier.press(sid, keys)
    assert [key for key, kept in pressed(service, sid) if kept] == ["4", "5"]
    service.carrier.hang_up(service.line.calls.talk(sid)["agent_leg"])
    ask_the_rest(service, sid)
    assert service.until(lambda: service.journal(sid).count("RecordingKept") == 1)
    [kept] = [note.data["seconds"] for note in service.line.calls.journal(sid) if note.kind == "RecordingKept"]
    [talk] = service.carrier.truth(sid).of(Kind.TALK)
    assert 0 <= kept <= talk["seconds"] + 1


def test_who_hangs_up_while_it_is_paused_leaves_a_recording_without_the_pause(recorded: tuple[Running, str]) -> None:
    service, sid = recorded
    api(service, "PUT", f"/calls/{sid}/recording", {"paused": True})
    assert service.until(lambda: statuses(service, sid) == ["paused"])
    service.carrier.press(sid, "7777")
    service.carrier.hang_up(sid)
    assert service.until(lambda: service.journal(sid).count("RecordingKept") == 1)
    assert pressed(service, sid)[-4:] == [("7", False)] * 4
    assert service.record(sid)["recording"]["kind"] == "call"


def test_nothing_private_is_asked_for_while_the_carrier_does_not_stop_the_recording(recorded: tuple[Running, str]) -> None:
    service, sid = recorded
    service.carrier.make_trouble(Trouble(rest_500=1.0))
    service.carrier.hang_up(service.line.calls.talk(sid)["agent_leg"])
    assert service.until(lambda: heard(service, sid, "One moment"), 30), service.journal(sid)
    assert statuses(service, sid) == ["in-progress"] and not heard(service, sid, "secret number")
    service.carrier.make_trouble(Trouble())
    ask_the_rest(service, sid)


def test_who_was_handed_on_and_reached_nobody_is_not_recorded_any_more(recorded: tuple[Running, str]) -> None:
    service, sid = recorded
    service.carrier.behave("client:ben", "no answer")
    service.line.board.set_state("ben", "available")
    headers = {"Authorization": f"Bearer {service.token('supervisor')}"}
    asked = {"to": {"queue": "technical"}}
    assert httpx.post(f"{service.url}/api/v1/calls/{sid}/transfer", json=asked, headers=headers).status_code == 202
    assert service.until(lambda: service.journal(sid).count("Queued") == 2, 20)
    assert statuses(service, sid) == ["in-progress"]
    periodic.end_wait(service.line, sid, "no_answer")
    ask_the_rest(service, sid)


def test_a_recording_that_is_never_stopped_ends_the_call_before_anything_private(recorded: tuple[Running, str]) -> None:
    service, sid = recorded
    service.carrier.make_trouble(Trouble(rest_500=1.0))
    service.carrier.hang_up(service.line.calls.talk(sid)["agent_leg"])
    assert service.until(lambda: service.carrier.truth(sid).ended_at is not None, 60), service.carrier.truth(sid).heard
    assert not heard(service, sid, "secret number")
    assert "cannot take your call" in service.carrier.truth(sid).heard[-1]
