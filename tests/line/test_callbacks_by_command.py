"""`ivr callbacks` on the running service: what follows a change follows here as it does by API."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from ivr.cli import cli
from routing.callbacks import Callback
from tests.line.running import Running


def run(*words: str) -> str:
    found = CliRunner().invoke(cli, ["callbacks", *words])
    assert found.exit_code == 0, found.output
    return found.output


def test_cancelling_stops_the_phone_that_rings_and_is_noted(service: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = service.settings
    for name, value in (
        ("REDIS_URL", settings.redis_url),
        ("IVR_DATA_DIR", settings.data_dir),
        ("IVR_CONFIG_DIR", settings.config_dir),
    ):
        monkeypatch.setenv(name, str(value))
    service.sign_in("chloe")
    service.carrier.behave("client:chloe", {"answers_after": "100s"})
    call_id = f"CA{0:031}7"
    service.line.promises.ledger.place(
        Callback(f"CB{call_id[2:]}", "+447700900711", "general", service.line.now().timestamp(), call_id=call_id)
    )
    assert service.until(lambda: service.line.board.agent("chloe").state == "ringing", 20)
    ringing = [truth for truth in service.carrier.truths() if truth.to_number == "client:chloe"][-1].call_sid
    assert run("cancel", f"CB{call_id[2:]}") == f"CB{call_id[2:]} is cancelled\n"
    assert service.until(lambda: service.carrier.truth(ringing).ended_at is not None, 15)
    assert service.until(lambda: service.line.board.agent("chloe").state == "available", 15)
    assert service.journal(call_id)[-1] == "CallbackEnded"
    run("cancel", f"CB{call_id[2:]}")
    assert service.journal(call_id).count("CallbackEnded") == 1
