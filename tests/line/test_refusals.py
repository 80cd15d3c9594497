"""What comes in over the webhooks from anybody: unsigned, replayed, oversized, illegal; and webhooks while nothing works behind them."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode
from xml.etree.ElementTree import fromstring

import pytest
from flask.testing import FlaskClient
from twilio.request_validator import RequestValidator

from ivr.embedded import EmbeddedRedis, start_redis
from ivr.jobs.wiring import Line, open_line
from ivr.settings import read_settings
from tests.line.running import ACCOUNT, TOKEN, environment
from webhooks.app import create_app

PUBLIC = "http://127.0.0.1:1"
CALL = "CA" + "a" * 32


@dataclass
class Web:
    """The web application without a network: `post` signs as the carrier does."""

    client: FlaskClient
    line: Line
    redis_server: EmbeddedRedis
    folder: Path

    def post(
        self, path: str, fields: dict[str, str] | None = None, *, token: str = TOKEN, signature: str | None = None
    ) -> tuple[int, str]:
        path = path.removeprefix(PUBLIC)
        form = {
            "CallSid": CALL,
            "AccountSid": ACCOUNT,
            "From": "+447700900123",
            "To": "+442079460000",
            "CallStatus": "in-progress",
            **(fields or {}),
        }
        signed = RequestValidator(token).compute_signature(PUBLIC + path, form) if signature is None else signature
        answer = self.client.post(
            path, data=urlencode(form, errors="surrogatepass"), content_type="application/x-www-form-urlencoded",
            headers={"X-Twilio-Signature": signed} if signed else {},
        )  # fmt: skip
        return answer.status_code, answer.get_data(as_text=True)

    def document(self, path: str, fields: dict[str, str] | None = None) -> str:
        """The TwiML of a signed request, which must be readable."""
        status, text = self.post(path, fields)
        assert status == 200, text
        assert fromstring(text).tag == "Response"
        return text

    def next_link(self, text: str, of: str = "/voice/turn") -> str:
        found = re.search(rf'{re.escape(PUBLIC)}({re.escape(of)}[^"<]*)', text)
        assert found, text
        return found[1].replace("&amp;", "&")


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    redis_server = start_redis(tmp_path / "redis", keep=False)
    folder = tmp_path / "line"
    folder.mkdir()
    (tmp_path / "models").mkdir()
    settings = read_settings(environment(folder, redis_server.url, tmp_path / "models", 1, "http://127.0.0.1:2"), port=1)
    line = open_line(settings)
    line.store.prepare()
    line.revisions.publish_first(settings.flows_dir)
    line.configure_board()
    yield Web(create_app(settings, line).test_client(), line, redis_server, folder)
    line.store.close()
    redis_server.process.send_signal(signal.SIGCONT)
    redis_server.stop()


def test_who_is_not_the_carrier_is_refused_before_anything_is_read(web: Web) -> None:
    assert web.post("/voice/incoming", signature="")[0] == 403
    assert web.post("/voice/incoming", signature="é")[0] == 403
    assert web.post("/voice/incoming", token="another account's token")[0] == 403
    genuine = RequestValidator(TOKEN).compute_signature(f"{PUBLIC}/voice/incoming", {"CallSid": CALL})
    assert web.post("/voice/incoming", signature=genuine)[0] == 403  # of other fields
    assert web.client.get("/voice/incoming").status_code == 405
    assert web.line.calls.open_count() == 0


def test_another_account_and_odd_ids_are_refused(web: Web) -> None:
    assert web.post("/voice/incoming", {"AccountSid": "AC" + "9" * 32})[0] == 400
    for sid in ("", "CA1", "CA" + "A" * 32, f"{CALL}\n", "*", "CA" + "b" * 31 + "}"):
        assert web.post("/voice/incoming", {"CallSid": sid})[0] == 400
    assert web.line.calls.open_count() == 0


def test_a_replayed_webhook_is_answered_again_and_done_once(web: Web) -> None:
    first = web.document("/voice/incoming")
    assert web.document("/voice/incoming") == first
    link = web.next_link(first)
    answer = web.document(link, {"Digits": "3"})
    notes = len(web.line.calls.journal(CALL))
    assert web.document(link, {"Digits": "3"}) == answer
    assert web.document(link, {"Digits": "4"}) == answer
    assert len(web.line.calls.journal(CALL)) == notes


def test_a_link_serves_only_the_call_it_was_made_for(web: Web) -> None:
    link = web.next_link(web.document("/voice/incoming"))
    assert web.post(link, {"CallSid": "CA" + "b" * 32, "Digits": "1"})[0] == 403
    assert web.post(link.replace("of=listen", "of=charge"), {"Result": "success"})[0] == 403
    assert web.post("/voice/agent/reply?token=1&n=1", {"Digits": "1"})[0] == 403
    assert web.post("/voice/room?call_id=" + CALL)[0] == 403


def test_too_large_and_too_many(web: Web) -> None:
    assert web.post("/voice/incoming", {"Pad": "x" * 70_000})[0] == 413
    assert web.post("/voice/incoming", {f"F{n}": "" for n in range(10_000)})[0] in (403, 413)
    assert web.post("/voice/incoming", {f"F{n}": "" for n in range(1_000)})[0] in (403, 413)


@pytest.mark.parametrize(
    "said",
    [
        "<Response><Dial>+19005550199</Dial></Response>",
        "a\x00b\x08c\x1f\x7f\ufffe\uffff",
        "]]> &amp; {{ customer.name }} {% x %} %s %(a)s ${x}",
        "word " * 2_000,
        "\u202e\u0000\U0001f600" * 50,
        "4111 1111 1111 1111",
    ],
)
def test_what_callers_say_never_breaks_or_enters_the_document(web: Web, said: str) -> None:
    link = web.next_link(web.document("/voice/incoming", {"CallerName": said[:2000]}))
    text = web.document(link, {"SpeechResult": said, "Confidence": "0.9"})
    assert "19005550199" not in text
    assert "{{" not in text
    journal = " ".join(str(note.data) for note in web.line.calls.journal(CALL))
    assert "4111 1111" not in journal


@pytest.mark.parametrize(
    "number", ["anonymous", "+266696687", "", "sip:eve@example.com", "client:bob", "'; DROP TABLE calls; --", "+" * 5000, "тест"]
)
def test_odd_callers_are_served(web: Web, number: str) -> None:
    assert "Gather" in web.document("/voice/incoming", {"From": number})


@pytest.mark.parametrize(
    "fields",
    [
        {"Digits": "1" * 1000}, {"Digits": "'"}, {"Confidence": "nan", "SpeechResult": "yes"}, {"Confidence": "1e999", "SpeechResult": "yes"},
        {"RecordingUrl": "file:///etc/passwd"}, {"QueueTime": "-1"}, {"CallStatus": "☃"},
    ],
)  # fmt: skip
def test_odd_fields_never_break_a_call(web: Web, fields: dict[str, str]) -> None:
    link = web.next_link(web.document("/voice/incoming"))
    assert web.post(link, fields)[0] in (200, 400)
    assert web.post("/voice/status", {**fields, "CallDuration": "-3"})[0] in (200, 400)


def test_without_redis_and_database_the_caller_is_asked_to_wait_then_told_the_truth(web: Web) -> None:
    first = web.document("/voice/incoming")
    web.redis_server.stop()
    web.line.store.close()
    (web.folder / "data").rename(web.folder / "gone")
    told = web.document("/voice/fallback")
    assert "cannot take your call" in told
    for start in ("/voice/incoming", web.next_link(first)):
        text, redirects = web.document(start), 0
        while "One moment" in text:
            redirects += 1
            text = web.document(web.next_link(text, start.partition("?")[0]))
        assert redirects == 3
        assert "cannot take your call" in text
    wait = web.line.links.sealed("/voice/wait", CALL, turn=1)
    assert "<Play>" in web.document(wait)
    for path in ("/voice/status", "/voice/hold"):
        web.document(path, {"CallStatus": "completed"})
    for route, subject, query in (
        ("/voice/agent/offer", "t", {"token": "t"}), ("/voice/agent/reply", "t", {"token": "t", "n": 1}), ("/voice/agent/after", "t", {"token": "t", "call": CALL}),
        ("/voice/agent/status", "t", {"token": "t", "call": CALL}), ("/voice/join", CALL, {"token": "t"}), ("/voice/recording", CALL, {}),
        ("/voice/callback/answered", "c", {"callback": "c", "token": "t"}), ("/voice/callback/status", "c", {"callback": "c", "token": "t"}),
        ("/voice/room", CALL, {"call_id": CALL}),
    ):  # fmt: skip
        web.document(
            web.line.links.sealed(route, subject, **query), {"CallStatus": "completed", "StatusCallbackEvent": "participant-hold"}
        )


def test_a_moment_without_redis_costs_a_moment(web: Web) -> None:
    first = web.document("/voice/incoming")
    os.kill(web.redis_server.process.pid, signal.SIGSTOP)
    text = web.document(web.next_link(first), {"Digits": "3"})
    assert "One moment" in text
    os.kill(web.redis_server.process.pid, signal.SIGCONT)
    again = web.document(web.next_link(text))
    assert "<Gather" in again
    assert "One moment" not in again
    kinds = [note.kind for note in web.line.calls.journal(CALL)]
    assert kinds.count("Arrived") == 1


def test_a_call_that_is_not_known_any_more_is_greeted_anew_also_from_the_queue(web: Web) -> None:
    link = web.next_link(web.document("/voice/incoming"))
    web.line.redis.flushall()
    text = web.document(link, {"Digits": "3"})
    assert "we were interrupted" in text
    web.line.redis.flushall()
    left = web.document(web.line.links.sealed("/voice/wait", CALL, turn=4))
    assert "<Leave" in left
    anew = web.document(web.line.links.sealed("/voice/turn", CALL, of="queue", turn=4), {"QueueResult": "leave"})
    assert "we were interrupted" in anew


def test_the_fallback_goes_on_with_a_known_call_but_not_for_ever(web: Web) -> None:
    web.document("/voice/incoming")
    for _ in range(3):
        assert "<Gather" in web.document("/voice/fallback", {"ErrorCode": "11200"})
    assert "cannot take your call" in web.document("/voice/fallback", {"ErrorCode": "12100"})
