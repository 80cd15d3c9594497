"""`ivr serve` and `ivr demo`: everything on one machine, in one command."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from ivr.embedded import EmbeddedRedis, free_port, start_redis
from ivr.errors import SettingError
from ivr.jobs.supervisor import Child, Supervisor, require_free
from ivr.logs import configure as configure_logs
from ivr.settings import Settings, read_settings

_START_SECONDS = 60.0


def run_serve(host: str, port: int) -> None:
    """Web, worker and clock against the carrier in the environment, until Ctrl-C."""
    settings = read_settings(port=port)
    if not settings.account_sid:
        raise SettingError(
            "TWILIO_ACCOUNT_SID is missing: expected the carrier account's id (AC…); to try without one, use `ivr demo`"
        )
    require_free(host, port)
    with _running(settings) as (supervisor, environment):
        _start_service(supervisor, settings, environment, host, port)
        if supervisor.stopping.is_set():
            return
        click.echo(f"ivr: ready. The carrier's webhook for incoming calls: {settings.public_url}/voice/incoming")
        supervisor.run()


def run_demo(host: str, port: int, carrier_port: int, speed: float) -> None:
    """The service, the local carrier and sample data, until Ctrl-C."""
    started = time.monotonic()
    require_free(host, port)
    os.environ.setdefault("IVR_DATA_DIR", ".ivr")
    data_dir = Path(os.environ["IVR_DATA_DIR"]).expanduser().resolve()
    account = _demo_account(data_dir)
    carrier_port = carrier_port or free_port()
    public_url = f"http://{host if host != '0.0.0.0' else '127.0.0.1'}:{port}"
    os.environ.update(
        TWILIO_ACCOUNT_SID=account["account_sid"],
        TWILIO_AUTH_TOKEN=account["auth_token"],
        TWILIO_API_URL=f"http://127.0.0.1:{carrier_port}",
        IVR_PUBLIC_URL=public_url,
    )
    settings = read_settings(port=port)
    with _running(settings) as (supervisor, environment):
        carrier = _start_carrier(supervisor, settings, account, carrier_port, speed, environment)
        _start_service(supervisor, settings, environment, host, port)
        supervisor.wait_for(
            carrier, lambda: _answers(f"http://127.0.0.1:{carrier_port}/healthz"), _START_SECONDS, "the local carrier"
        )
        if supervisor.stopping.is_set():
            return
        token = _sign_in_agents(settings, environment)
        number = _main_number(settings)
        _write_private(
            data_dir / "demo.json",
            json.dumps(
                {
                    "carrier_url": f"http://127.0.0.1:{carrier_port}",
                    "control_token": account["control_token"],
                    "number": number,
                    "url": public_url,
                    "api_token": token,
                }
            ),
        )
        _welcome(settings, public_url, token, number, time.monotonic() - started)
        supervisor.run()


@contextmanager
def _running(settings: Settings) -> Iterator[tuple[Supervisor, dict[str, str]]]:
    """A supervisor with Redis behind it; everything is stopped at the end, whatever happens."""
    configure_logs("warning")
    logs = settings.data_dir / "logs"
    try:
        logs.mkdir(parents=True, exist_ok=True)
        lock = (settings.data_dir / "running").open("w")
    except OSError as error:
        raise SettingError(
            f'IVR_DATA_DIR is "{settings.data_dir}": it cannot be written ({error.strerror}); expected a folder of your own, such as .ivr'
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise SettingError(
                f"another service is running on {settings.data_dir}: stop it, or set IVR_DATA_DIR to another folder"
            ) from error
        supervisor = Supervisor(logs)
        supervisor.watch_signals()
        embedded: EmbeddedRedis | None = None
        environment: dict[str, str] = {}
        try:
            if not settings.redis_url:
                embedded = start_redis(settings.data_dir / "redis")
                environment["REDIS_URL"] = embedded.url
                os.environ["REDIS_URL"] = embedded.url
            yield supervisor, environment
        finally:
            supervisor.stop()
            if embedded:
                embedded.stop()


def _start_service(supervisor: Supervisor, settings: Settings, environment: Mapping[str, str], host: str, port: int) -> None:
    """Prepare the database, train where needed, then start web, worker and clock, and wait until calls can be taken."""
    from ivr.jobs.preparing import prepare

    public = {**environment, "IVR_PUBLIC_URL": settings.public_url}

    def start_web() -> Child:
        return supervisor.start("web", "web", "--host", host, "--port", str(port), environment=public)

    # Where speech was learned before, the web process can get ready meanwhile; it takes no call before the flows are there.
    web = start_web() if (settings.models_dir / "active").exists() else None
    prepare(read_settings(port=port))
    if supervisor.stopping.is_set():
        return
    web = web or start_web()
    supervisor.start("clock", "clock", environment=public)
    supervisor.start("worker", "worker", environment=public)
    supervisor.wait_for(
        web,
        lambda: _answers(f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}/readyz"),
        _START_SECONDS,
        "the web process",
    )


def _start_carrier(
    supervisor: Supervisor,
    settings: Settings,
    account: Mapping[str, str],
    port: int,
    speed: float,
    environment: Mapping[str, str],
) -> Child:
    secret = {"IVR_CARRIER_CONTROL_TOKEN": account["control_token"], **environment}
    return supervisor.start(
        "carrier", "carrier", "--port", str(port), "--service-url", settings.public_url, "--speed", str(speed), environment=secret
    )


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _demo_account(data_dir: Path) -> dict[str, str]:
    """The demo's own carrier account, made once."""
    path = data_dir / "demo_account.json"
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        if path.exists():
            known: dict[str, str] = json.loads(path.read_text())
            return known
        account = {
            "account_sid": f"AC{secrets.token_hex(16)}",
            "auth_token": secrets.token_hex(16),
            "control_token": secrets.token_urlsafe(16),
        }
        _write_private(path, json.dumps(account))
        return account
    except (OSError, ValueError) as error:
        raise SettingError(
            f'IVR_DATA_DIR is "{data_dir}": {path.name} cannot be read or written ({error}); expected a folder of your own, such as .ivr'
        ) from error


def _write_private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)


def _main_number(settings: Settings) -> str:
    from ivr.configuration import load_configuration

    return next(iter(load_configuration(settings.config_dir).numbers.lines), "+442079460000")


def _sign_in_agents(settings: Settings, environment: Mapping[str, str]) -> str:
    """Sign the demo's agents in and make a token for the reporting examples."""
    from ivr.jobs.preparing import demo_agents

    return demo_agents(read_settings(port=int(settings.public_url.rsplit(":", 1)[-1])))


def _welcome(settings: Settings, url: str, token: str, number: str, seconds: float) -> None:
    color = sys.stdout.isatty()

    def strong(text: str) -> str:
        return click.style(text, bold=True) if color else text

    program = Path(sys.argv[0])
    phone = "ivr phone"
    with suppress(ValueError):  # the program lies elsewhere: its plain name will do
        phone = f"{program.absolute().relative_to(Path.cwd())} phone"
    click.echo(f"\nReady in {seconds:.1f} s. A support line answers at {number}.\n")
    click.echo(f"  Call it          {strong(phone + ' --from +447700900101')}")
    click.echo(f"  API reference    {url}/api/docs")
    click.echo(f"  Calls, figures   {url}/api/v1/calls   {url}/api/v1/stats")
    click.echo(f"                   curl -H 'Authorization: Bearer {token}' {url}/api/v1/calls")
    click.echo(f"  Health           {url}/readyz   {url}/metrics")
    click.echo(f"  Logs             {settings.data_dir / 'logs'}")
    click.echo("\nCtrl-C stops everything.\n")
