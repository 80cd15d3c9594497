"""Reports by e-mail, against a real mail server on loopback."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from ivr.embedded import free_port
from ivr.records.schedules import run_due
from ivr.records.store import Store
from tests.records.conftest import NOW, MakeStore
from tests.records.journals import answered

REPORTS = """
reports:
  daily:
    title: "Añoche: übersicht"
    at: "05:00"
    period: yesterday
    group_by: [queue]
    metrics: [contacts]
    deliver: {email: [team@example.com, boss@example.com]}
"""
AT = datetime(2026, 3, 3, 5, 0, 30, tzinfo=UTC)
LATER = AT + timedelta(minutes=16)


class Postbox:
    """What the server does with mail: `refused` readers get 550, the first `busy` messages 451."""

    def __init__(self) -> None:
        self.taken: list[tuple[list[str], EmailMessage]] = []
        self.secure: list[bool] = []
        self.refused: set[str] = set()
        self.busy = 0
        self.farewell = "221 Bye"

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        if address in self.refused:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.busy:
            self.busy -= 1
            return "451 later, please"
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.taken.append((list(envelope.rcpt_tos), message))
        self.secure.append(session.ssl is not None)
        return "250 taken"

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        return self.farewell


class Listening(Controller):
    """On a port that the kernel chooses, known once it listens."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        super()._trigger_server()


@contextmanager
def serving(box: Postbox, **settings: Any) -> Iterator[dict[str, str]]:
    """The environment that leads to the server."""
    controller = Listening(box, hostname="127.0.0.1", port=0, **settings)
    controller.start()
    try:
        yield {"IVR_SMTP_HOST": "localhost", "IVR_SMTP_PORT": str(controller.port), "IVR_SMTP_FROM": "ivr@example.com"}
    finally:
        controller.stop()


@pytest.fixture
def box() -> Postbox:
    return Postbox()


@pytest.fixture
def reporting(sqlite_store: MakeStore, tmp_path: Path) -> Store:
    """A store with a call of yesterday; the report's file stands in `tmp_path`."""
    store = sqlite_store()
    answered(store, "A", NOW, queue="señal")
    (tmp_path / "reports.yaml").write_text(REPORTS, encoding="utf-8")
    return store


def knows(server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any) -> AuthResult:
    """One user."""
    right = isinstance(given, LoginPassword) and (given.login, given.password) == (b"ivr", b"password")
    return AuthResult(success=right, handled=False)


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """Whose certificates this process trusts."""
    made = trustme.CA()
    made.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    return made


def secured(authority: trustme.CA) -> dict[str, Any]:
    """A server that takes mail after STARTTLS and a login alone."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return {"tls_context": context, "require_starttls": True, "authenticator": knows, "auth_required": True}


def test_a_report_arrives_as_an_attachment(reporting: Store, box: Postbox, tmp_path: Path) -> None:
    with serving(box) as env:
        assert run_due(reporting, tmp_path, AT, tmp_path, env) == ["daily"]
        assert run_due(reporting, tmp_path, LATER, tmp_path, env) == []
    [(readers, message)] = box.taken
    assert readers == ["team@example.com", "boss@example.com"]
    assert (message["Subject"], message["From"]) == ("Añoche: übersicht, 2026-03-03", "ivr@example.com")
    assert message["To"] == "team@example.com, boss@example.com"
    [attachment] = message.iter_attachments()
    assert (attachment.get_filename(), attachment.get_content_type()) == ("daily-2026-03-03.csv", "text/csv")
    payload = attachment.get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert payload.decode("utf-8").splitlines()[1].startswith('"señal","1"')


def test_json_is_sent_as_json(reporting: Store, box: Postbox, tmp_path: Path) -> None:
    (tmp_path / "reports.yaml").write_text(REPORTS.replace("    deliver", "    format: json\n    deliver"), encoding="utf-8")
    with serving(box) as env:
        run_due(reporting, tmp_path, AT, tmp_path, env)
    [attachment] = box.taken[0][1].iter_attachments()
    assert (attachment.get_filename(), attachment.get_content_type()) == ("daily-2026-03-03.json", "application/json")


def test_with_a_user_nothing_is_said_before_starttls(
    reporting: Store, box: Postbox, tmp_path: Path, authority: trustme.CA
) -> None:
    with serving(box, **secured(authority)) as env:
        login = {**env, "IVR_SMTP_USER": "ivr", "IVR_SMTP_PASSWORD": "password"}
        assert run_due(reporting, tmp_path, AT, tmp_path, {**login, "IVR_SMTP_PASSWORD": "wrong"}) == []
        assert run_due(reporting, tmp_path, LATER, tmp_path, login) == ["daily"]
    assert box.secure == [True]


def test_a_password_that_cannot_be_sent_stops_no_other_report(
    reporting: Store, box: Postbox, tmp_path: Path, authority: trustme.CA
) -> None:
    (tmp_path / "reports.yaml").write_text(REPORTS + '  file:\n    at: "05:00"\n    deliver: {file: out.csv}\n', encoding="utf-8")
    with serving(box, **secured(authority)) as env:
        login = {**env, "IVR_SMTP_USER": "ivr", "IVR_SMTP_PASSWORD": "pässword"}
        assert run_due(reporting, tmp_path, AT, tmp_path, login) == ["file"]


def test_a_certificate_that_nobody_vouches_for_gets_no_password(reporting: Store, box: Postbox, tmp_path: Path) -> None:
    with serving(box, **secured(trustme.CA())) as env:
        login = {**env, "IVR_SMTP_USER": "ivr", "IVR_SMTP_PASSWORD": "password"}
        assert run_due(reporting, tmp_path, AT, tmp_path, login) == []
    assert box.taken == []


def test_a_server_without_starttls_gets_no_password(reporting: Store, box: Postbox, tmp_path: Path) -> None:
    with serving(box, authenticator=knows, auth_require_tls=False) as env:
        assert run_due(reporting, tmp_path, AT, tmp_path, {**env, "IVR_SMTP_USER": "ivr", "IVR_SMTP_PASSWORD": "password"}) == []
    assert box.taken == []


def test_who_is_refused_does_not_make_the_others_get_it_twice(reporting: Store, box: Postbox, tmp_path: Path) -> None:
    box.refused = {"boss@example.com"}
    with serving(box) as env:
        assert run_due(reporting, tmp_path, AT, tmp_path, env) == ["daily"]
        assert run_due(reporting, tmp_path, LATER, tmp_path, env) == []
    assert [readers for readers, _ in box.taken] == [["team@example.com"]]


def test_where_everybody_is_refused_it_is_tried_again(reporting: Store, box: Postbox, tmp_path: Path) -> None:
    box.refused = {"boss@example.com", "team@example.com"}
    with serving(box) as env:
        assert run_due(reporting, tmp_path, AT, tmp_path, env) == []
        box.refused = set()
        assert run_due(reporting, tmp_path, LATER, tmp_path, env) == ["daily"]
    assert len(box.taken) == 1


def test_a_server_that_is_away_or_busy_gets_it_later_and_once(reporting: Store, box: Postbox, tmp_path: Path) -> None:
    away = {"IVR_SMTP_HOST": "127.0.0.1", "IVR_SMTP_PORT": str(free_port())}
    assert run_due(reporting, tmp_path, AT, tmp_path, away) == []
    box.busy = 1
    with serving(box) as env:
        assert (
            run_due(reporting, tmp_path, AT + timedelta(minutes=5), tmp_path, env) == []
        )  # a quarter of an hour later, not sooner
        assert run_due(reporting, tmp_path, LATER, tmp_path, env) == []
        assert box.taken == []
        for minutes in (32, 48, 64):
            run_due(reporting, tmp_path, AT + timedelta(minutes=minutes), tmp_path, env)
    assert len(box.taken) == 1


def test_a_farewell_that_goes_wrong_sends_nothing_twice(reporting: Store, box: Postbox, tmp_path: Path) -> None:
    box.farewell = "421 go away"
    with serving(box) as env:
        assert run_due(reporting, tmp_path, AT, tmp_path, env) == ["daily"]
        assert run_due(reporting, tmp_path, LATER, tmp_path, env) == []
    assert len(box.taken) == 1


def test_every_try_has_the_same_id(reporting: Store, box: Postbox, tmp_path: Path) -> None:
    with serving(box) as env:
        run_due(reporting, tmp_path, AT, tmp_path, env)
    first = box.taken[0][1]["Message-ID"]
    assert first.endswith("@example.com>")
    assert box.taken[0][1]["Date"] == "Tue, 03 Mar 2026 05:00:00 +0000"


def test_a_title_over_several_lines_is_one_subject(reporting: Store, box: Postbox, tmp_path: Path) -> None:
    text = REPORTS.replace('"Añoche: übersicht"', '"Figures\\nBcc: everybody@example.com"')
    (tmp_path / "reports.yaml").write_text(text, encoding="utf-8")
    with serving(box) as env:
        assert run_due(reporting, tmp_path, AT, tmp_path, env) == ["daily"]
    assert box.taken[0][1]["Subject"] == "Figures Bcc: everybody@example.com, 2026-03-03"
