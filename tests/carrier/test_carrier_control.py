"""The control API, `ivr carrier` and `ivr phone` as processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from voice_service import CALLER, Service

from ivr.carriers.local import LocalCarrier
from ivr.cli.phone import phone
from ivr.errors import IvrError

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
def process(talking: Service, carrier: LocalCarrier, tmp_path: Path) -> dict[str, str]:
    """The environment of a process beside a running demo: what `ivr demo` leaves behind."""
    demo = {"carrier_url": carrier.url, "control_token": carrier.control_token, "number": "+442079460000"}
    (tmp_path / "demo.json").write_text(json.dumps(demo))
    return {**os.environ, "IVR_DATA_DIR": str(tmp_path)}


def typed_phone(environment: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "ivr.cli", "phone", *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


def test_ivr_carrier_as_a_process(talking: Service, tmp_path: Path) -> None:
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
        "50",
        "--json",
    ]
    environment = {**os.environ, "IVR_CONFIG_DIR": str(tmp_path / "none"), "IVR_CARRIER_CONTROL_TOKEN": "secret-of-the-test"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as carrier:
        assert carrier.stdout is not None
        ready = json.loads(carrier.stdout.readline())
        assert ready["control_token"] == "secret-of-the-test" and ready["numbers"] == ["+442079460000"]
        played = CliRunner().invoke(
            phone,
            [
                "--carrier",
                ready["url"],
                "--control-token",
                "secret-of-the-test",
                "--script",
                _script(tmp_path, "- say: bye\n- until end\n"),
            ],
        )
        assert played.exit_code == 0, played.output
        carrier.send_signal(signal.SIGTERM)
        assert carrier.wait(20) == 0


def _script(folder: Path, steps: str) -> str:
    path = folder / "caller.yaml"
    path.write_text(f'from: "+447700900123"\nscript:\n- hear: welcome\n{steps}')
    return str(path)


def test_ivr_phone_in_a_pipe(talking: Service, process: dict[str, str]) -> None:
    with typed_phone(process) as caller:
        shown, _ = caller.communicate("my order\n#12#\n\nbye\n", timeout=60)
    assert caller.returncode == 0
    for line in (
        "Line: Welcome. What can I do?",
        "You: my order",
        "Line: You gave 12 What else?",
        "Line: Goodbye.",
        "the other side hung up",
    ):
        assert line in shown
    assert talking.of("/voice/incoming")[0].fields["From"] == "+447700900100"


@pytest.mark.parametrize(
    ("steps", "code", "message"),
    [
        ("- say: bye\n- hear: goodbye\n- until end\n", 0, ""),
        ("- say: bye\n- hear: thank you\n", 1, "step 3: hear thank you: the call ended; last heard: 'Goodbye.'"),
        ("- sing: la\n", 1, "step 2: sing"),
    ],
)
def test_ivr_phone_plays_a_script(process: dict[str, str], tmp_path: Path, steps: str, code: int, message: str) -> None:
    played = CliRunner(env=process).invoke(phone, ["--script", _script(tmp_path, steps)])
    assert played.exit_code == code, played.output
    assert message in played.output + str(played.exception)
    assert not played.exception or isinstance(played.exception, SystemExit | IvrError)


def test_without_a_demo_or_a_carrier_one_line_tells_what_to_do(tmp_path: Path) -> None:
    missing = CliRunner(env={"IVR_DATA_DIR": str(tmp_path)}).invoke(phone)
    assert isinstance(missing.exception, IvrError) and "start `ivr demo`" in str(missing.exception)
    silent = CliRunner().invoke(phone, ["--carrier", "http://127.0.0.1:1", "--control-token", "x"])
    assert isinstance(silent.exception, IvrError) and "does not answer" in str(silent.exception)


def test_who_speaks_where_only_keys_count_was_silent(talking: Service, process: dict[str, str]) -> None:
    keys_only = '<Gather input="dtmf" numDigits="4" action="/voice/turn" actionOnEmptyResult="true"><Say>Your PIN?</Say></Gather>'
    talking.documents["/voice/incoming"] = keys_only
    with typed_phone(process) as caller:
        shown, _ = caller.communicate("what PIN\nbye\n", timeout=60)
    assert "nobody heard: what PIN" in shown
    assert "You gave nothing What else?" in shown
    assert caller.returncode == 0


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_whatever_ends_the_phone_hangs_up(talking: Service, process: dict[str, str], ending: signal.Signals) -> None:
    with typed_phone(process) as caller:
        assert caller.stdout is not None
        while "listening" not in caller.stdout.readline():
            pass
        caller.send_signal(ending)
        assert "you hung up" in caller.stdout.read()
        assert caller.wait(20) == 0


def test_ivr_phone_waits_for_a_call(service: Service, process: dict[str, str], carrier: LocalCarrier) -> None:
    service.documents["/voice/incoming"] = "<Dial callerId='+442079460000'><Number>+447700900555</Number></Dial>"
    with typed_phone(process, "--wait", "--from", "+447700900555") as called:
        assert called.stdout is not None and called.stdin is not None
        assert "waiting for a call" in called.stdout.readline()
        sid = carrier.place(CALLER, "", [{"say": "this is your callback"}, {"hear": "thank you"}, "hang up"])
        called.stdin.write("thank you\n")
        called.stdin.close()
        assert "Caller: this is your callback" in called.stdout.read()
        assert called.wait(20) == 0
    assert carrier.wait(sid).failures == ()


def test_texts_come_in_signed_are_answered_and_stop_blocks(
    service: Service, carrier: LocalCarrier, control: httpx.Client
) -> None:
    service.documents["/text/incoming"] = lambda asked: f"<Message>You wrote {asked.fields['Body']}</Message>"
    sent = control.post("texts", json={"from": CALLER, "text": "5"}).json()
    control.post("texts", json={"from": CALLER, "text": "", "sid": sent["sid"]})  # the same message once more
    assert carrier.until(lambda station: len(station.exchange.webhooks.latencies) == 2)
    asked = [request for request in service.asked if request.path == "/text/incoming"]
    assert [(request.signed, request.fields["MessageSid"], request.fields["Body"]) for request in asked] == [
        (True, sent["sid"], "5")
    ] * 2
    assert carrier.until(lambda station: len(station.exchange.messages) == 3)
    assert [m.body for m in carrier.texts(CALLER) if m.direction == "outbound-reply"] == ["You wrote 5", "You wrote 5"]
    carrier.text(CALLER, "Stop")
    assert carrier.until(lambda station: any(c.code == 21610 for c in station.exchange.debugger.complaints))
    assert control.get("state").json()["messages"][0]["direction"] == "inbound"
    assert control.post("texts", json={"text": "5"}).status_code == 400
