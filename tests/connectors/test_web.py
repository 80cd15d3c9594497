"""HTTP sources against a real server that hangs, drips, floods, lies and redirects: always an answer in time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hostile_service import Service, listener, running

from ivr.connectors.asking import SourceFailed
from ivr.connectors.web import HttpService

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
LOOPBACK = ("127.0.0.0/8",)
READ = {"status": "order.status", "item": "order.lines.0.item", "total": "order.total", "none": "order.missing.deeper"}


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with running() as found:
        yield found


def source(service: Service, path: str, **more: object) -> HttpService:
    return HttpService(f"{service.url}/{path}", read=READ, networks=LOOPBACK, **more)  # type: ignore[arg-type]


def test_fields_are_taken_from_their_places(service: Service) -> None:
    found = source(service, "order").find({}, 1.0, NOW)

    assert found == {"status": "on its way", "item": "lamp", "total": 41.9, "none": None}


def test_arguments_cannot_leave_their_place_in_the_address(service: Service) -> None:
    asked = source(
        service,
        "order/{number}",
        query={"q": "{number}"},
        headers={"Authorization": "Bearer ${TOKEN}"},
        environment={"TOKEN": "s3cret"},
    )
    asked.find({"number": "../admin?x=1#y/ä"}, 1.0, NOW)

    method, path, headers, _ = service.requests[-1]
    assert (method, path) == ("GET", "/order/..%2Fadmin%3Fx%3D1%23y%2F%C3%A4?q=..%2Fadmin%3Fx%3D1%23y%2F%C3%A4")
    assert headers["Authorization"] == "Bearer s3cret"


def test_a_body_is_json_and_arguments_stay_text(service: Service) -> None:
    source(service, "order", method="POST", body={"number": "{number}", "fixed": "yes"}).find(
        {"number": '1", "admin": "1'}, 1.0, NOW
    )

    assert service.requests[-1][3] == '{"number": "1\\", \\"admin\\": \\"1", "fixed": "yes"}'


def test_what_is_not_there_is_not_found(service: Service) -> None:
    assert source(service, "missing").find({}, 1.0, NOW) is None


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("broken", "127.0.0.1 answered 500"),
        ("nonsense", "127.0.0.1 answered something that is not JSON"),
        ("deep", "127.0.0.1 answered something that is not JSON"),
        ("list", "127.0.0.1 answered no JSON object"),
        ("redirect", "127.0.0.1 answered 302"),
        ("hang", "127.0.0.1 did not answer within 0.3 s"),
        ("drip", "127.0.0.1 did not answer within 0.3 s"),
        ("trickle", "127.0.0.1 did not answer within 0.3 s"),
        ("huge", "the answer is larger than 256 kB"),
        ("cut", "127.0.0.1 cannot be reached (RemoteProtocolError)"),
    ],
)
def test_misbehaviour_ends_in_time_with_one_line(service: Service, path: str, told: str) -> None:
    started = time.monotonic()
    with pytest.raises(SourceFailed) as failed:
        source(service, path).find({}, 0.3, NOW)

    assert str(failed.value) == told
    assert time.monotonic() - started < 3.0


def test_nobody_listening(service: Service) -> None:
    with pytest.raises(SourceFailed, match="cannot be reached"):
        HttpService("http://127.0.0.1:1/", networks=LOOPBACK, read=READ).find({}, 0.3, NOW)


def test_a_name_that_leads_inside_is_never_connected_to() -> None:
    with listener() as (port, connections):
        inside = HttpService(f"http://orders.example.com:{port}/", read=READ, resolver=lambda host, at: ["127.0.0.1"])
        with pytest.raises(SourceFailed) as failed:
            inside.find({}, 0.5, NOW)

        assert str(failed.value) == "orders.example.com leads to 127.0.0.1, which is not a public address"
        assert connections == []


def test_one_bad_address_among_good_ones_is_enough_to_refuse() -> None:
    mixed = HttpService("https://orders.example.com/", read=READ, resolver=lambda host, at: ["93.184.216.34", "10.0.0.7"])

    with pytest.raises(SourceFailed, match=r"leads to 10\.0\.0\.7"):
        mixed.find({}, 0.5, NOW)


def test_a_second_answer_of_the_name_server_is_not_asked_for(service: Service) -> None:
    """Rebinding: public when it is checked, private when it is connected to."""
    answers = [["127.0.0.1"], ["10.1.2.3"]]
    asked: list[str] = []

    def resolver(host: str, port: int) -> list[str]:
        asked.append(host)
        return answers[min(len(asked), len(answers)) - 1]

    HttpService(f"http://orders.example.com:{service.port}/order", read=READ, networks=LOOPBACK, resolver=resolver).find(
        {}, 1.0, NOW
    )

    assert asked == ["orders.example.com"]
    assert service.requests[-1][2]["Host"] == f"orders.example.com:{service.port}"


def test_proxies_of_the_environment_are_not_used(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    with listener() as (port, connections):
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
        assert source(service, "order").find({}, 1.0, NOW) is not None
        assert connections == []
