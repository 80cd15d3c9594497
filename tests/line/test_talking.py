"""Conversations steered by API, through the real carrier interface: hold, handing on, asking first, supervising, concluding."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from ivr.carriers.local import Trouble
from ivr.carriers.local.conferences import Conference
from ivr.carriers.local.station import Station
from ivr.records.tokens import create_token
from tests.line.running import Running, stranger

LINE = "+442079460000"
TALKATIVE = {"answers_after": "1s", "talks": "600s"}
Ask = Callable[..., httpx.Response]


@pytest.fixture
def ask(service: Running) -> Iterator[Ask]:
    """`ask(method, path, json)` as a supervisor."""
    headers = {"Authorization": f"Bearer {service.token('supervisor')}"}
    with httpx.Client(base_url=f"{service.url}/api/v1", headers=headers, timeout=20) as client:

        def request(method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
            return client.request(method, path, json=body)

        yield request


@pytest.fixture
def talking(service: Running) -> Iterator[str]:
    """A caller in a conversation with Chloe; ben is signed in for technical calls."""
    service.sign_in("chloe", "ben")
    for agent in ("chloe", "ben", "ana", "david"):
        service.carrier.behave(f"client:{agent}", TALKATIVE)
    service.carrier.behave("+442079460999", TALKATIVE)
    call_id = service.carrier.place(stranger(), LINE, [{"press": "0"}, {"talk": "900s"}])
    assert service.until(lambda: "Connected" in service.journal(call_id), 15)
    assert service.until(lambda: len(labels(service, call_id)) == 2)
    yield call_id
    service.carrier.hang_up(call_id)
    assert service.until(lambda: "Ended" in service.journal(call_id))


def room(service: Running, call_id: str) -> Conference | None:
    """The room the caller is in."""

    def found(station: Station) -> Conference | None:
        return next((c for c in station.exchange.conferences.values() if c.live and call_id in c.participants), None)

    return service.carrier.ask(found)


def labels(service: Running, call_id: str) -> set[str]:
    """Who is in the caller's room, by the first word of the label."""
    here = room(service, call_id)
    return {p.joining.label.partition("-")[0] + p.leg.sid for p in here.participants.values()} if here else set()


def held(service: Running, call_id: str) -> bool:
    here = room(service, call_id)
    return here is not None and here.participants[call_id].hold is not None


def outside_leg(service: Running) -> str:
    """The state of the latest leg to the head office."""
    legs = [leg for leg in service.carrier.truths() if leg.to_number == "+442079460999"]
    return legs[-1].status if legs else ""


def agent_of(service: Running, call_id: str) -> str:
    return service.line.calls.talk(call_id).get("agent", "")


def test_hold_and_resume(service: Running, talking: str, ask: Ask) -> None:
    answer = ask("PUT", f"/calls/{talking}/hold", {"held": True})
    assert answer.status_code == 200, answer.text
    assert answer.json()["held"] is True
    assert service.until(lambda: held(service, talking))
    assert ask("PUT", f"/calls/{talking}/hold", {"held": True}).status_code == 200
    assert service.until(lambda: "HoldStarted" in service.journal(talking))
    assert ask("PUT", f"/calls/{talking}/hold", {"held": False}).json()["held"] is False
    assert service.until(lambda: not held(service, talking))
    assert service.until(lambda: "HoldEnded" in service.journal(talking))
    service.carrier.hang_up(talking)
    record = service.record(talking)
    assert service.journal(talking).count("HoldStarted") == 1
    assert record["legs"][0]["hold_seconds"] > 0
    assert record["hold_seconds"] == record["legs"][0]["hold_seconds"]


def test_a_caller_is_handed_to_a_queue_without_asking(service: Running, talking: str, ask: Ask) -> None:
    answer = ask("POST", f"/calls/{talking}/transfer", {"to": {"queue": "technical"}, "note": "router blinks red"})
    assert answer.status_code == 202, answer.text
    assert service.until(lambda: agent_of(service, talking) == "ben" and service.line.calls.talk(talking).get("joined") != "", 15)
    assert service.until(lambda: len(labels(service, talking)) == 2)
    assert service.line.board.agent("chloe").state == "wrap_up"
    ben = next(t for t in reversed(service.carrier.truths()) if t.to_number == "client:ben")
    assert any("Chloe Martin hands on" in text and "router blinks red" in text for text in ben.heard)
    context = ask("GET", f"/calls/{talking}/context").json()
    assert context["why"]["handed_over"]["note"] == "router blinks red"
    teams = [note.data["team"] for note in service.line.calls.journal(talking) if note.kind == "Connected"]
    assert teams == ["support", "technical"]  # in the journal, so that a record computed again next year says the same
    service.carrier.hang_up(talking)
    record = service.record(talking)
    assert [leg["agent"] for leg in record["legs"]] == ["chloe", "ben"]
    assert record["legs"][0]["ended"] == "transferred"
    assert [visit["result"] for visit in record["visits"]] == ["answered", "answered"]
    assert (record["transfers"], record["outcome"], record["agent"]) == (1, "answered", "chloe")
    assert record["contact_id"] == talking


def test_a_caller_is_handed_to_an_agent_without_asking(service: Running, talking: str, ask: Ask) -> None:
    busy = ask("POST", f"/calls/{talking}/transfer", {"to": {"agent": "david"}})
    assert (busy.status_code, busy.json()["detail"]) == (409, "david is offline, not available.")
    service.line.board.set_state("david", "available")
    assert ask("POST", f"/calls/{talking}/transfer", {"to": {"agent": "david"}}).status_code == 202
    assert service.until(lambda: agent_of(service, talking) == "david" and len(labels(service, talking)) == 2, 15)
    service.carrier.hang_up(talking)
    assert [leg["agent"] for leg in service.record(talking)["legs"]] == ["chloe", "david"]


def test_a_caller_is_handed_to_a_number_outside(service: Running, talking: str, ask: Ask) -> None:
    service.carrier.behave("+442079460999", {"answers_after": "1s", "talks": "20s"})
    assert ask("POST", f"/calls/{talking}/transfer", {"to": {"number": "head_office"}}).status_code == 202
    assert service.until(lambda: "TransferEnded" in service.journal(talking), 20)
    ended = next(n for n in service.line.calls.journal(talking) if n.kind == "TransferEnded")
    assert ended.data["result"] == "completed"
    service.carrier.hang_up(talking)
    record = service.record(talking)
    assert (record["transfers"], len(record["legs"])) == (1, 1)
    [away] = ask("GET", f"/calls/{talking}").json()["outside_talks"]
    assert (away["to"], away["by"], away["warm"]) == ("head_office", "chloe", False)
    assert 0 < away["seconds"] <= ended.data["seconds"]  # the carrier counts in whole seconds


def test_a_caller_who_hangs_up_on_a_number_outside_was_connected_all_the_same(service: Running, talking: str, ask: Ask) -> None:
    service.carrier.behave("+442079460999", {"answers_after": "1s", "talks": "600s"})
    assert ask("POST", f"/calls/{talking}/transfer", {"to": {"number": "head_office"}}).status_code == 202
    assert service.until(lambda: outside_leg(service) == "in-progress", 20)
    service.carrier.hang_up(talking)
    assert service.until(lambda: "TransferEnded" in service.journal(talking))
    service.record(talking)
    record = ask("GET", f"/calls/{talking}").json()
    assert [(one["by"], one["warm"]) for one in record["outside_talks"]] == [("chloe", False)]
    assert (record["outcome"], record["transfers"]) == ("answered", 1)


def test_nobody_answers_outside_and_the_caller_waits_again(service: Running, talking: str, ask: Ask) -> None:
    service.carrier.behave("+442079460999", "busy")
    assert ask("POST", f"/calls/{talking}/transfer", {"to": {"number": "head_office"}}).status_code == 202
    assert service.until(lambda: "TransferEnded" in service.journal(talking), 20)
    service.line.switchboard.wrap_up_done("chloe", None, None)
    assert service.until(lambda: service.journal(talking).count("Connected") == 2, 15)
    ended = next(n for n in service.line.calls.journal(talking) if n.kind == "TransferEnded")
    assert ended.data["result"] == "failed"


def test_a_colleague_is_asked_first(service: Running, talking: str, ask: Ask) -> None:
    begun = ask("POST", f"/calls/{talking}/transfer", {"to": {"agent": "ben"}, "ask_first": True, "note": "wants a new router"})
    assert begun.status_code == 202, begun.text
    assert begun.json()["transfer"]["state"] == "ringing"
    assert service.until(lambda: held(service, talking))
    early = ask("POST", f"/calls/{talking}/transfer/complete")
    assert (early.status_code, early.json()["current"]["allowed"]) == (409, ["cancel"])
    assert service.until(lambda: len(labels(service, talking)) == 3, 15)
    assert ask("PUT", f"/calls/{talking}/hold", {"held": False}).status_code == 409
    done = ask("POST", f"/calls/{talking}/transfer/complete")
    assert (done.status_code, done.json()["agent"], done.json()["transfer"]) == (200, "ben", None)
    assert service.until(lambda: len(labels(service, talking)) == 2 and not held(service, talking))
    assert service.line.board.agent("chloe").state == "wrap_up"
    assert service.line.board.agent("ben").state == "talking"
    service.carrier.hang_up(talking)
    record = service.record(talking)
    assert [leg["agent"] for leg in record["legs"]] == ["chloe", "ben"]
    assert record["legs"][0]["hold_seconds"] > 0
    today = f"{service.line.now():%Y-%m-%d}"
    occupied = ask("GET", f"/stats?from={today}&metrics=occupancy&group_by=agent").json()
    busy = {row["group"]["agent"]: row["figures"]["occupancy"] for row in occupied["rows"]}
    assert min(busy["chloe"]["numerator"], busy["ben"]["numerator"]) > 0
    assert len(record["visits"]) == 1  # the caller never waited in a queue again
    assert record["transfers"] == 1
    assert service.until(lambda: service.line.board.agent("ben").state == "wrap_up")


def test_the_agent_hands_over_by_hanging_up(service: Running, talking: str, ask: Ask) -> None:
    assert ask("POST", f"/calls/{talking}/transfer", {"to": {"queue": "technical"}, "ask_first": True}).status_code == 202
    assert service.until(lambda: len(labels(service, talking)) == 3, 15)
    chloe = service.line.calls.talk(talking)["agent_leg"]
    here = room(service, talking)
    assert here is not None
    assert service.until(lambda: not here.participants[chloe].joining.ends)
    service.carrier.hang_up(chloe)
    assert service.until(lambda: agent_of(service, talking) == "ben" and not held(service, talking))
    assert len(labels(service, talking)) == 2


def test_a_consult_is_cancelled(service: Running, talking: str, ask: Ask) -> None:
    assert ask("POST", f"/calls/{talking}/transfer", {"to": {"agent": "ben"}, "ask_first": True}).status_code == 202
    assert service.until(lambda: len(labels(service, talking)) == 3, 15)
    assert ask("DELETE", f"/calls/{talking}/transfer").json()["held"] is False
    assert service.until(lambda: len(labels(service, talking)) == 2 and not held(service, talking))
    assert service.until(lambda: service.line.board.agent("ben").state == "available")
    assert agent_of(service, talking) == "chloe"
    again = ask("DELETE", f"/calls/{talking}/transfer")
    assert again.status_code == 409
    service.carrier.hang_up(talking)
    record = service.record(talking)
    assert [leg["agent"] for leg in record["legs"]] == ["chloe"]
    assert record["transfers"] == 0


def test_a_colleague_who_refuses_costs_the_caller_only_the_hold(service: Running, talking: str, ask: Ask) -> None:
    service.carrier.behave("client:ben", "declines")
    assert ask("POST", f"/calls/{talking}/transfer", {"to": {"agent": "ben"}, "ask_first": True}).status_code == 202
    assert service.until(lambda: "TransferEnded" in service.journal(talking), 15)
    assert service.until(lambda: not held(service, talking))
    assert agent_of(service, talking) == "chloe"


def test_somebody_outside_is_asked_first(service: Running, talking: str, ask: Ask) -> None:
    assert ask("POST", f"/calls/{talking}/transfer", {"to": {"number": "head_office"}, "ask_first": True}).status_code == 202
    assert service.until(lambda: len(labels(service, talking)) == 3, 15)
    assert service.until(lambda: ask("GET", f"/calls/{talking}/talk").json()["transfer"]["state"] == "consulting")
    assert ask("POST", f"/calls/{talking}/transfer/complete").json()["agent"] is None
    assert service.until(lambda: len(labels(service, talking)) == 2 and not held(service, talking))
    assert service.until(lambda: service.line.board.agent("chloe").state == "wrap_up")
    service.line.switchboard.wrap_up_done("chloe", None, None)
    service.carrier.hang_up(talking)
    record = service.record(talking)
    [talk] = ask("GET", f"/calls/{talking}").json()["outside_talks"]
    assert (talk["to"], talk["by"], talk["warm"]) == ("head_office", "chloe", True)
    ended = (record["ended_at"] - record["legs"][0]["ended_at"]).total_seconds()
    assert 0 < talk["seconds"] <= ended + 1  # and no part of Chloe's handle time
    assert [leg["ended"] for leg in record["legs"]] == ["transferred"]


def test_the_caller_gives_up_while_a_colleague_is_asked(service: Running, talking: str, ask: Ask) -> None:
    assert ask("POST", f"/calls/{talking}/transfer", {"to": {"agent": "ben"}, "ask_first": True}).status_code == 202
    assert service.until(lambda: len(labels(service, talking)) == 3, 15)
    service.carrier.hang_up(talking)
    assert service.until(lambda: service.line.board.agent("ben").state == "available")
    assert service.until(lambda: service.line.board.agent("chloe").state == "wrap_up")


def test_a_supervisor_listens_whispers_and_takes_part(service: Running, talking: str, ask: Ask) -> None:
    refused = ask("PUT", f"/calls/{talking}/supervision", {"mode": "listen", "supervisor": "ben"})
    assert (refused.status_code, "take a break" in refused.json()["detail"]) == (409, True)
    assert ask("PUT", f"/calls/{talking}/supervision", {"mode": "listen", "supervisor": "nobody"}).status_code == 422
    assert ask("PUT", f"/calls/{talking}/supervision", {"mode": "listen", "supervisor": "ana"}).status_code == 200
    assert service.until(lambda: len(labels(service, talking)) == 3, 15)
    here = room(service, talking)
    assert here is not None
    ana = next(p for p in here.participants.values() if p.joining.label.startswith("supervisor"))
    assert ana.muted
    chloe = service.line.calls.talk(talking)["agent_leg"]
    assert service.until(lambda: service.line.calls.talk(talking)["supervisor_leg"] == ana.leg.sid)
    assert ask("PUT", f"/calls/{talking}/supervision", {"mode": "whisper", "supervisor": "ana"}).status_code == 200
    assert service.until(lambda: not ana.muted and ana.coach_sid == chloe)
    assert ask("PUT", f"/calls/{talking}/supervision", {"mode": "barge", "supervisor": "ana"}).status_code == 200
    assert service.until(lambda: not ana.muted and not ana.coach_sid)
    assert ask("DELETE", f"/calls/{talking}/supervision").json()["supervisor"] is None
    assert service.until(lambda: len(labels(service, talking)) == 2)
    assert service.until(lambda: "SupervisionEnded" in service.journal(talking))
    assert service.journal(talking).count("SupervisionStarted") == 3


def test_trouble_on_the_line_changes_nothing(service: Running, talking: str, ask: Ask) -> None:
    service.carrier.make_trouble(Trouble(callback_duplicate=0.6, callback_reorder=0.5, webhook_duplicate=0.6, rest_429=0.2))
    try:
        assert ask("POST", f"/calls/{talking}/transfer", {"to": {"queue": "technical"}, "ask_first": True}).status_code == 202
        assert service.until(lambda: len(labels(service, talking)) == 3, 15)
        assert service.until(lambda: ask("POST", f"/calls/{talking}/transfer/complete").status_code == 200)
        assert service.until(lambda: len(labels(service, talking)) == 2 and not held(service, talking))
        service.line.switchboard.wrap_up_done("chloe", None, None)
        assert ask("POST", f"/calls/{talking}/transfer", {"to": {"agent": "chloe"}}).status_code == 202
        assert service.until(lambda: agent_of(service, talking) == "chloe" and len(labels(service, talking)) == 2, 20)
        service.carrier.hang_up(talking)
        record = service.record(talking)
    finally:
        service.carrier.make_trouble(Trouble())
    assert [leg["agent"] for leg in record["legs"]] == ["chloe", "ben", "chloe"]
    assert record["transfers"] == 2
    assert [visit["result"] for visit in record["visits"]] == ["answered", "answered"]
    assert service.until(lambda: service.line.board.agent("ben").state in ("wrap_up", "available"))


def test_what_came_of_it_is_said_during_the_talk(service: Running, talking: str, ask: Ask) -> None:
    answer = ask("PUT", f"/calls/{talking}/disposition", {"disposition": "refund explained", "resolved": True})
    assert answer.json()["agent"] == "chloe"
    service.carrier.hang_up(talking)
    record = service.record(talking)
    assert (record["disposition"], record["resolved"], record["wrap_up_pending"]) == ("refund explained", True, True)


def test_what_does_not_fit_is_refused(service: Running, talking: str, ask: Ask) -> None:
    for body, status, words in (
        ({"to": {"queue": "sales"}}, 422, "no queue"),
        ({"to": {"agent": "zoe"}}, 422, "no agent"),
        ({"to": {"number": "+441234567890"}}, 422, "directory"),
        ({"to": {"agent": "chloe"}}, 409, "talks to the caller"),
        ({"to": {"queue": "billing"}, "needs": {"french": 2}}, 422, "no skill"),
        ({"to": {"queue": "technical", "agent": "ben"}}, 422, "one target"),
        ({"to": {"queue": "technical"}, "colour": "red"}, 422, "unknown member"),
        ({}, 422, "one target"),
    ):
        answer = ask("POST", f"/calls/{talking}/transfer", body)
        assert (answer.status_code, words in answer.json()["detail"]) == (status, True), answer.text
    assert ask("PUT", f"/calls/{talking}/recording", {"paused": True}).status_code == 409
    assert ask("PUT", f"/calls/{talking}/hold", {"held": "yes"}).status_code == 422
    assert ask("GET", "/calls/CA00000000000000000000000000000000/talk").status_code == 404
    assert ask("POST", f"/calls/{talking}/transfer/complete").status_code == 409
    viewer = {"Authorization": f"Bearer {service.token('viewer')}"}
    assert httpx.put(f"{service.url}/api/v1/calls/{talking}/hold", json={"held": True}, headers=viewer).status_code == 403
    assert service.journal(talking).count("TransferStarted") == 0


def test_a_recording_begins_pauses_and_goes_on(service: Running, talking: str, ask: Ask) -> None:
    token = service.line.calls.talk(talking)["token"]
    service.line.outbox.push("start_recording", call_id=talking, token=token)
    assert service.until(lambda: service.line.calls.talk(talking).get("recording") == "on")

    def recording() -> str:
        return service.carrier.ask(
            lambda station: next(
                (r.status for r in station.exchange.running_recordings.values() if r.call_sid == talking), "none"
            )
        )

    assert recording() == "in-progress"
    assert ask("PUT", f"/calls/{talking}/recording", {"paused": True}).json()["recording"] == "paused"
    assert service.until(lambda: recording() == "paused")
    assert ask("PUT", f"/calls/{talking}/recording", {"paused": False}).json()["recording"] == "on"
    assert service.until(lambda: recording() == "in-progress")
    service.carrier.hang_up(service.line.calls.talk(talking)["agent_leg"])
    assert service.until(lambda: recording() == "none")  # what follows with the caller alone is not recorded
    assert service.until(lambda: "RecordingKept" in service.journal(talking))


def test_a_second_wish_goes_along_to_the_agent(service: Running, ask: Ask) -> None:
    service.sign_in("ben")
    service.carrier.behave("client:ben", TALKATIVE)
    script = [{"say": "my router is broken and also I want to change my address"}, {"press": "1"}, {"talk": "900s"}]
    call_id = service.carrier.place(stranger(), LINE, script)
    assert service.until(lambda: "Connected" in service.journal(call_id), 20)
    ben = next(t for t in reversed(service.carrier.truths()) if t.to_number == "client:ben")
    assert any("about something is broken, and also change address" in text for text in ben.heard), ben.heard
    for moment in ("talking", "wrapping up"):
        why = ask("GET", f"/calls/{call_id}/context").json()["why"]
        assert (why["intents"], why["also_wanted"]) == (["technical_problem"], ["change_address"]), moment
        if moment == "talking":
            service.carrier.hang_up(service.line.calls.talk(call_id)["agent_leg"])
            assert service.until(lambda: service.line.calls.load(call_id).handed_intents == ("change_address",))
    service.carrier.hang_up(call_id)
    service.record(call_id)
    assert ask("GET", f"/calls/{call_id}").json()["intents"] == ["technical_problem", "change_address"]


def test_the_agent_gets_what_is_known(service: Running, ask: Ask) -> None:
    service.sign_in("chloe")
    service.carrier.behave("client:chloe", TALKATIVE)
    script = [
        {"hear": "Hello Isla"},
        {"say": "where is my order"},
        {"hear": "being packed"},
        {"say": "I want to talk to a person"},
        {"talk": "900s"},
    ]
    call_id = service.carrier.place("+447700900104", LINE, script)
    assert service.until(lambda: "Connected" in service.journal(call_id), 20)
    context = ask("GET", f"/calls/{call_id}/context").json()
    assert (context["who"]["name"], context["who"]["number"]) == ("Isla Green", "+447700900104")
    assert "order_status" in context["why"]["intents"]
    assert next(said["text"] for said in context["said"]).lower().startswith("where is my order")
    assert context["facts"]["order"]["number"]
    assert context["waited_seconds"] > 0
    assert context["lately"]["days"] == 30
    agent = create_token(service.line.store, role="agent", name="ben", agent="ben", now=service.line.now()).secret
    other = httpx.get(f"{service.url}/api/v1/calls/{call_id}/context", headers={"Authorization": f"Bearer {agent}"})
    assert other.status_code == 404  # it was never Ben's
    viewer = httpx.get(
        f"{service.url}/api/v1/calls/{call_id}/context", headers={"Authorization": f"Bearer {service.token('viewer')}"}
    ).json()
    assert "Isla" not in json.dumps(viewer)
    assert "+447700900104" not in json.dumps(viewer)
    why = ask("GET", f"/calls/{call_id}/why").json()
    assert (why["queue"], why["answered_by"]) == ("general", "chloe")
    ben = next(one for one in why["steps"][0]["moment"]["excluded"] if one["agent_id"] == "ben")
    assert any("offline" in rule for rule in ben["rules"])
    service.carrier.hang_up(call_id)


def test_a_change_based_on_an_older_state_is_refused(service: Running, ask: Ask) -> None:
    service.sign_in("chloe")
    seen = ask("GET", "/agents/chloe").json()
    assert ask("PUT", "/agents/chloe/state", {"state": "break", "reason": "lunch", "epoch": seen["epoch"]}).status_code == 200
    stale = ask("PUT", "/agents/chloe/state", {"state": "offline", "epoch": seen["epoch"]})
    assert (stale.status_code, stale.json()["current"]["state"]) == (409, "break")
    assert ask("PUT", "/agents/chloe/state", {"state": "offline", "epoch": "17"}).status_code == 422
