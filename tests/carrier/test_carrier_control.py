"""The control API, `ivr carrier` and `ivr phone` as processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from voice_service import CALLER, Service

from ivr.carriers.local import LocalCarrier

MENU = (
    '<Gather input="dtmf speech" action="/voice/turn" speechTimeout="auto" actionOnEmptyResult="true"><Say>{text}</Say></Gather>'
)


def answer_turn(asked: object) -> str:
    fields = asked.fields  # type: ignore[attr-defined]
    said = fields.get("SpeechResult") or fields.get("Digits") or "nothing"
    return "<Say>Goodbye.</Say><Hangup/>" if "bye" in said.lower() else MENU.format(text=f"You gave {said} What else?")


@pytest.fixture
def talking(service: Service) -> Service:
    service.documents |= {"/voice/incoming": MENU.format(text="Welcome. What can I do?"), "/voice/turn": answer_turn}
    return service


@pytest.fixture
def control(carrier: LocalCarrier) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {carrier.control_token}"}
    with httpx.Client(base_url=f"{carrier.url}/control", headers=headers, timeout=20) as client:
        yield client


def test_the_token_guards_everything_but_health(carrier: LocalCarrier) -> None:
    assert httpx.get(f"{carrier.url}/healthz").json() == {"carrier": "local", "alive": True}
    for path in ("calls", "state", "debugger", "nemesis", "calls/CA1"):
        assert httpx.get(f"{carrier.url}/control/{path}").status_code == 401
    assert httpx.get(f"{carrier.url}/control/state?token={carrier.control_token}").status_code == 200


def test_a_call_by_commands_with_its_event_stream(talking: Service, carrier: LocalCarrier, control: httpx.Client) -> None:
    sid = control.post("/calls", json={"from": CALLER}).json()["call_sid"]
    heard, events = [], []
    with control.stream("GET", f"/calls/{sid}/events") as stream:
        for line in stream.iter_lines():
            if not line.startswith("data: "):
                events.append(line)
                continue
            plain = json.loads(line[6:])
            if plain.get("kind") == "say" and events[-1] == "event: entry":
                heard.append(plain["text"])
            if plain.get("kind") == "listening" and events[-1] == "event: entry":
                said = {
                    1: ("say", {"text": "my order"}),
                    2: ("press", {"keys": "12#"}),
                    3: ("silence", {}),
                    4: ("say", {"text": "bye"}),
                }[len(heard)]
                assert control.post(f"/calls/{sid}/{said[0]}", json=said[1]).json() == {"taken": True}
    assert heard == [
        "Welcome. What can I do?",
        "You gave My order. What else?",
        "You gave 12 What else?",
        "You gave nothing What else?",
        "Goodbye.",
    ]
    assert "event: end" in events
    truth = control.get(f"/calls/{sid}").json()
    assert truth["status"] == "completed" and truth["ended_by"] == "service"
    assert [call["call_sid"] for call in control.get("/calls").json()["calls"]] == [sid]
    state = control.get("/state").json()
    assert state["calls"] == 1 and state["live_calls"] == 0 and state["own_errors"] == [] and state["webhooks"]["p99_seconds"] > 0


def test_wrong_requests_get_a_sentence(talking: Service, control: httpx.Client) -> None:
    for method, path, body, status in [
        ("POST", "/calls", {"from": CALLER, "script": [{"sing": "la"}]}, 400),
        ("GET", "/calls/CA1", None, 404),
        ("PUT", "/nemesis", {"rest_418": 1}, 400),
        ("PUT", "/nemesis", {"rest_429": 7}, 400),
        ("PUT", "/people/client:ana", {"kind": "sleepy"}, 400),
        ("POST", "/calls", [1], 400),
    ]:
        answer = control.request(method, path, json=body)
        assert answer.status_code == status and len(answer.json()["error"]) > 5, (path, answer.text)


def test_trouble_and_people_are_set_while_it_runs(talking: Service, carrier: LocalCarrier, control: httpx.Client) -> None:
    assert control.put("/nemesis", json={"callback_drop": 1.0, "seed": 9}).json()["trouble"]["callback_drop"] == 1.0
    sid = control.post("/calls", json={"from": CALLER, "script": [{"say": "bye"}, "until end"]}).json()["call_sid"]
    assert carrier.wait(sid).failures == ()
    assert talking.of("/voice/status") == [] and control.get("/nemesis").json()["done"] == {"callback_drop": 1}
    assert control.put("/people/client:ana", json={"kind": "busy"}).status_code == 200
    assert carrier.ask(lambda station: station.people.behaviour("client:ana").kind) == "busy"
    assert control.delete("/people/client:ana").status_code == 204
    assert carrier.ask(lambda station: station.people.behaviour("client:ana").kind) == "agent"


def test_a_call_that_the_service_makes_rings_at_a_terminal(
    service: Service, carrier: LocalCarrier, control: httpx.Client
) -> None:
    control.put("/people/+447700900555", json={"terminal": True, "name": "Emma"})
    service.documents["/voice/incoming"] = "<Dial callerId='+442079460000'><Number>+447700900555</Number></Dial>"
    caller = carrier.place_by_hand(CALLER)
    assert carrier.until(lambda station: any(leg.status == "ringing" for leg in station.exchange.legs.values() if leg.parent))
    ringing = control.get("/calls", params={"to": "+447700900555", "live": "1"}).json()["calls"][0]["call_sid"]
    assert control.post(f"/calls/{ringing}/answer").json() == {"taken": True}
    assert control.post(f"/calls/{ringing}/say", json={"text": "Emma speaking"}).json() == {"taken": True}
    assert carrier.truth(caller).heard == ["Emma speaking"]
    control.post(f"/calls/{ringing}/hangup")
    assert carrier.wait(caller).ended_by == "service"


@pytest.fixture
def process(talking: Service, tmp_path: Path) -> Iterator[dict[str, str]]:
    """`ivr carrier` as a process, and what `ivr demo` would leave behind."""
    command = [
        sys.executable,
        "-m",
        "ivr.cli",
        "carrier",
        "--service-url",
        talking.url,
        "--numbers",
        "+442079460000",
        "--speed",
        "20",
        "--json",
    ]
    environment = {**os.environ, "IVR_CONFIG_DIR": str(tmp_path / "none"), "IVR_CARRIER_CONTROL_TOKEN": "secret-of-the-test"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as carrier:
        assert carrier.stdout is not None
        ready = json.loads(carrier.stdout.readline())
        (tmp_path / "demo.json").write_text(
            json.dumps({"carrier_url": ready["url"], "control_token": ready["control_token"], "number": "+442079460000"})
        )
        yield {**environment, "IVR_DATA_DIR": str(tmp_path)}
        carrier.send_signal(signal.SIGTERM)
        assert carrier.wait(10) == 0


def phone(environment: dict[str, str], *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ivr.cli", "phone", *arguments]
    return subprocess.run(command, input=typed, capture_output=True, text=True, env=environment, timeout=60, check=False)


def test_ivr_phone_in_a_pipe_and_with_a_script(talking: Service, process: dict[str, str], tmp_path: Path) -> None:
    done = phone(process, typed="my order\n#12#\n\nbye\n")
    assert done.returncode == 0, done.stderr
    for line in (
        "Line: Welcome. What can I do?",
        "You: my order",
        "Line: You gave 12 What else?",
        "Line: Goodbye.",
        "the other side hung up",
    ):
        assert line in done.stdout
    assert talking.of("/voice/incoming")[0].fields["From"] == "+447700900100"
    script = tmp_path / "caller.yaml"
    script.write_text('from: "+447700900123"\nscript:\n- hear: welcome\n- say: bye\n- hear: goodbye\n- until end\n')
    assert phone(process, "--script", str(script)).returncode == 0
    script.write_text("script:\n- hear: welcome\n- say: bye\n- hear: thank you\n")
    failed = phone(process, "--script", str(script))
    assert failed.returncode == 1 and "step 3: hear thank you: the call ended; last heard: 'Goodbye.'" in failed.stderr
    script.write_text("script:\n- sing: la\n")
    wrong = phone(process, "--script", str(script))
    assert wrong.returncode == 1 and wrong.stderr.startswith("ivr: ") and "Traceback" not in wrong.stderr


def test_ctrl_c_hangs_up(talking: Service, process: dict[str, str]) -> None:
    command = [sys.executable, "-m", "ivr.cli", "phone"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=process) as caller:
        assert caller.stdout is not None
        while "listening" not in caller.stdout.readline():
            time.sleep(0.01)
        caller.send_signal(signal.SIGINT)
        assert "you hung up" in caller.stdout.read()
        assert caller.wait(10) == 0


def test_without_a_demo_or_a_carrier_one_line_tells_what_to_do(tmp_path: Path) -> None:
    missing = phone({**os.environ, "IVR_DATA_DIR": str(tmp_path)})
    assert missing.returncode == 1 and "start `ivr demo`" in missing.stderr
    silent = phone({**os.environ}, "--carrier", "http://127.0.0.1:1", "--control-token", "x")
    assert silent.returncode == 1 and "does not answer" in silent.stderr and "Traceback" not in silent.stderr


def test_ivr_phone_waits_for_a_call(service: Service, process: dict[str, str], tmp_path: Path) -> None:
    demo = json.loads((tmp_path / "demo.json").read_text())
    headers = {"Authorization": f"Bearer {demo['control_token']}"}
    service.documents["/voice/incoming"] = "<Dial callerId='+442079460000'><Number>+447700900555</Number></Dial>"
    command = [sys.executable, "-m", "ivr.cli", "phone", "--wait", "--from", "+447700900555"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=process) as called:
        assert called.stdout is not None and called.stdin is not None
        assert "waiting for a call" in called.stdout.readline()
        caller = {"from": CALLER, "script": [{"say": "this is your callback"}, {"hear": "thank you"}, "hang up"]}
        placed = httpx.post(f"{demo['carrier_url']}/control/calls", headers=headers, json=caller).json()
        called.stdin.write("thank you\n")
        called.stdin.close()
        assert "Caller: this is your callback" in called.stdout.read()
        assert called.wait(10) == 0
    truth = httpx.get(f"{demo['carrier_url']}/control/calls/{placed['call_sid']}", headers=headers).json()
    assert truth["failures"] == [] and truth["script_finished"] is True
