"""`ivr doctor` against a real Redis, database, carrier and web process: all well, and each thing that can be wrong."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis
import sqlalchemy as sa
from click.testing import CliRunner
from werkzeug.serving import make_server

from ivr.carriers.local import LocalCarrier
from ivr.carriers.local.station import Station
from ivr.cli.checkup import Grade
from ivr.cli.checkup_carrier import check_public_address, is_private
from ivr.cli.checkup_files import read_files
from ivr.cli.doctor import doctor, examine
from ivr.configuration import load_configuration
from ivr.embedded import free_port
from ivr.jobs.wiring import open_line
from ivr.settings import read_settings
from webhooks.app import create_app

ROOT = Path(__file__).parents[2]
ACCOUNT = "AC" + "7" * 32
TOKEN = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def carrier() -> Iterator[LocalCarrier]:
    """The telephone network of the service below."""
    numbers = tuple(load_configuration(ROOT / "config").numbers.lines)
    service_url = f"http://127.0.0.1:{free_port()}"
    with LocalCarrier(service_url=service_url, account_sid=ACCOUNT, auth_token=TOKEN, numbers=numbers) as carrier:
        yield carrier


@pytest.fixture(scope="module")
def service(redis_server: object, carrier: LocalCarrier, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a running web process with a local carrier; no speech model, so that it starts at once."""
    folder = tmp_path_factory.mktemp("doctor")
    shutil.copytree(ROOT / "config", folder / "config")
    shutil.copytree(ROOT / "flows", folder / "flows")
    env = {
        "REDIS_URL": redis_server.url,  # type: ignore[attr-defined]
        "IVR_DATA_DIR": str(folder / "data"),
        "IVR_FLOWS_DIR": str(folder / "flows"),
        "IVR_CONFIG_DIR": str(folder / "config"),
        "IVR_PUBLIC_URL": carrier.settings.service_url,
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "TWILIO_API_URL": carrier.url,
    }
    settings = read_settings(env)
    line = open_line(settings, speech=False)
    line.store.prepare()
    line.revisions.publish_first(settings.flows_dir)
    server = make_server("127.0.0.1", urlsplit(settings.public_url).port or 0, create_app(settings, line), threaded=True)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    yield env
    server.shutdown()
    serving.join(5)
    server.server_close()
    line.store.close()


def found(env: dict[str, str], *, offline: bool = False) -> dict[str, list[str]]:
    """Errors and warnings by area, each with its advice."""
    told: dict[str, list[str]] = {}
    for finding in examine(env, offline=offline):
        if finding.grade != Grade.OK:
            assert finding.mend, finding
            told.setdefault(finding.area, []).append(f"{finding.grade}: {finding.found} {finding.mend}")
    return told


def test_a_sound_service_has_no_errors(service: dict[str, str]) -> None:
    told = found(service)
    assert [text for texts in told.values() for text in texts if text.startswith("error")] == []
    assert set(told) == {"redis", "speech"}  # the tests' Redis keeps nothing, and no model was trained


def test_the_command_tells_and_exits_by_errors(service: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in service.items():
        monkeypatch.setenv(name, value)
    sound = CliRunner().invoke(doctor, ["--json", "--offline"])
    assert sound.exit_code == 0
    assert {entry["area"] for entry in json.loads(sound.stdout)} >= {"settings", "disk", "redis", "database", "config", "flows"}
    monkeypatch.setenv("IVR_LOG_LEVEL", "loud")
    broken = CliRunner().invoke(doctor, ["--quiet"])
    assert broken.exit_code == 1
    assert 'IVR_LOG_LEVEL is "loud": expected debug' in broken.stdout
    assert "1 error, no warnings." in broken.stdout


def test_a_redis_that_throws_keys_away(service: dict[str, str]) -> None:
    client = redis.Redis.from_url(service["REDIS_URL"])
    client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        (text, _) = sorted(found(service, offline=True)["redis"])
        assert text.startswith("error: When memory runs out it throws keys away (allkeys-lru)")
    finally:
        client.config_set("maxmemory-policy", "noeviction")


def test_a_redis_that_is_away(service: dict[str, str]) -> None:
    (text,) = found({**service, "REDIS_URL": f"redis://:secret@127.0.0.1:{free_port()}/0"}, offline=True)["redis"]
    assert "does not answer" in text
    assert "secret" not in text


def test_a_database_of_another_schema(service: dict[str, str], tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'old.sqlite'}"
    settings = read_settings({**service, "DATABASE_URL": url})
    line = open_line(settings, speech=False)
    line.store.prepare()
    with line.store.engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0001'"))
    line.store.close()
    (text,) = found({**service, "DATABASE_URL": url}, offline=True)["database"]
    assert "at revision 0001" in text
    assert "`ivr db upgrade`" in text


def test_a_database_that_is_not_there_yet_is_not_made(service: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "none.sqlite"
    assert "database" not in found({**service, "DATABASE_URL": f"sqlite:///{path}"}, offline=True)
    assert not path.exists()


def test_mistakes_in_files_are_told_with_their_place(service: dict[str, str], tmp_path: Path) -> None:
    shutil.copytree(ROOT / "config", tmp_path / "config")
    shutil.copytree(ROOT / "flows", tmp_path / "flows")
    queues = tmp_path / "config" / "queues.yaml"
    queues.write_text(queues.read_text().replace("hours: always", "hours: alwayz", 1))
    phrases = tmp_path / "config" / "phrases.yaml"
    phrases.write_text(phrases.read_text() + "\nmusik: none.wav\n")
    (tmp_path / "config" / "intents.yaml").write_text("intents: [\n")
    survey = tmp_path / "flows" / "after_call_survey.yaml"
    survey.write_text(survey.read_text().replace("steps:", "stepz:", 1))
    told = found({**service, "IVR_CONFIG_DIR": str(tmp_path / "config"), "IVR_FLOWS_DIR": str(tmp_path / "flows")}, offline=True)
    assert any(text.startswith("error: queues.yaml:") and '"always"' in text for text in told["config"])
    assert any("phrases.yaml:" in text and "musik" in text for text in told["phrases"])
    assert any("this is not YAML" in text for text in told["intents"])
    assert any("after_call_survey.yaml:" in text and "stepz" in text for text in told["flows"])


def test_a_main_flow_that_does_not_exist(service: dict[str, str]) -> None:
    (text,) = found({**service, "IVR_MAIN_FLOW": "suport"}, offline=True)["flows"]
    assert text.startswith('error: IVR_MAIN_FLOW is "suport"')


def test_wrong_credentials(service: dict[str, str]) -> None:
    told = found({**service, "TWILIO_AUTH_TOKEN": "f" * 32})
    assert told["carrier"] == ["error: The carrier refuses the credentials. Mend TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN."]
    assert "does not believe the carrier's signature" in told["address"][0]


def test_numbers_whose_calls_go_elsewhere(service: dict[str, str]) -> None:
    told = found({**service, "IVR_PUBLIC_URL": f"http://127.0.0.1:{free_port()}"})
    assert all(text.startswith("error: Calls to +") and "/voice/incoming" in text for text in told["numbers"])
    assert "does not answer" in told["address"][0]


@pytest.mark.parametrize(
    ("url", "method", "said"),
    [
        ("", "POST", "go to nowhere: "),
        ("https://elsewhere.example.com/text/incoming", "POST", "go to https://elsewhere.example.com/text/incoming: "),
        ("{here}/text/incoming", "GET", "come here by GET, which is refused: "),
    ],
)
def test_texts_that_do_not_come_here(
    service: dict[str, str], carrier: LocalCarrier, tmp_path: Path, url: str, method: str, said: str
) -> None:
    def point(station: Station, sms_url: str, sms_method: str) -> None:
        numbers = station.exchange.numbers
        numbers.update({name: replace(number, sms_url=sms_url, sms_method=sms_method) for name, number in numbers.items()})

    shutil.copytree(ROOT / "config", tmp_path / "config")
    reports = tmp_path / "config" / "reports.yaml"
    asking = {**service, "IVR_CONFIG_DIR": str(tmp_path / "config")}
    here = service["IVR_PUBLIC_URL"]
    carrier.ask(lambda station: point(station, url.format(here=here), method))
    try:
        told = found(service)["texts"]  # a flow texts, and nobody is asked
        assert {text.partition(":")[0] for text in told} == {"warning"}
        reports.write_text(reports.read_text(encoding="utf-8").replace("share: 0%", "share: 100%"), encoding="utf-8")
        first, *others = found(asking)["texts"]
    finally:
        carrier.ask(lambda station: point(station, f"{here}/text/incoming", "POST"))
    assert first.startswith("error: Texts to +44")  # the number that texts are sent from
    assert f"{said}answers to the survey and STOP are lost." in first
    assert first.endswith(f"Set its messaging webhook to {here}/text/incoming (POST).")
    assert all(text.startswith("warning: Texts to ") for text in others)
    assert "texts" not in found(asking)


def test_a_sender_that_is_not_the_accounts_hears_no_replies(service: dict[str, str]) -> None:
    (text,) = found({**service, "IVR_CALLER_ID": "+442079461234"})["texts"]
    assert text.startswith("warning: Texts are sent from +442079461234, which is not a number of this account")


def test_no_account_is_a_warning(service: dict[str, str]) -> None:
    told = found({**service, "TWILIO_ACCOUNT_SID": "", "TWILIO_AUTH_TOKEN": ""})
    assert told["carrier"][0].startswith("warning: There is no carrier account")
    assert "address" not in told


def test_payments_want_https(service: dict[str, str]) -> None:
    settings = read_settings({**service, "TWILIO_API_URL": "", "IVR_PUBLIC_URL": "http://ivr.example.com"})
    open_words, payment = islice(check_public_address(settings, read_files(settings)), 2)  # the third would ask the internet
    assert (open_words.grade, payment.grade) == (Grade.WARNING, Grade.ERROR)
    assert payment.found == "Payments need https, and http://ivr.example.com has none (flows that pay: support)."


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("http://127.0.0.1:8080", True),
        ("http://localhost", True),
        ("https://10.1.2.3", True),
        ("https://[::1]", True),
        ("http://redis:6379", True),
        ("https://ivr.example.com", False),
        ("https://8.8.8.8", False),
    ],
)
def test_what_the_carrier_can_reach(address: str, private: bool) -> None:
    assert is_private(address) is private
