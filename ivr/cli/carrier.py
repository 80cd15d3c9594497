"""`ivr carrier`: the local Twilio-compatible carrier as a process of its own."""

from __future__ import annotations

import asyncio
import json
import signal
from dataclasses import replace
from pathlib import Path

import click

from ivr.carriers.local import PhoneBook, Recognition, ScriptError, Station, StationSettings, Trouble
from ivr.carriers.local.station import DEFAULT_NUMBER, TEST_ACCOUNT_SID, TEST_AUTH_TOKEN
from ivr.configuration import load_configuration


def _configured(folder: str) -> tuple[list[str], dict[str, str]]:
    """The numbers and the agents' addresses with their names, as the service's own configuration has them."""
    if not Path(folder).is_dir():
        return [], {}
    configuration = load_configuration(Path(folder))
    agents = {agent.address: f"Agent {agent.name.split()[0]}" for agent in configuration.agents.values()}
    return list(configuration.numbers.lines), agents


def _people(agents_file: Path | None, names: dict[str, str], seed: int) -> PhoneBook:
    people = PhoneBook.read(agents_file.read_text(encoding="utf-8"), seed) if agents_file else PhoneBook(seed=seed)
    for address, name in names.items():
        known = people.behaviours.get(address)
        if known is None or not known.name:
            people.behaviours[address] = replace(known or people.behaviour(address), name=name)
    return people


async def _run(station: Station, as_json: bool) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await station.start()
    numbers = list(station.exchange.numbers)
    if as_json:
        ready = {
            "url": station.url,
            "control_token": station.control_token,
            "numbers": numbers,
            "account_sid": station.settings.account_sid,
        }
        click.echo(json.dumps(ready))
    else:
        click.echo(f"local carrier on {station.url}, numbers {', '.join(numbers)}, calls go to {station.settings.service_url}")
    await stop.wait()
    await station.stop()


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=0, show_default=True, type=click.IntRange(0, 65535), help="0: the kernel chooses.")
@click.option(
    "--service-url",
    envvar="IVR_PUBLIC_URL",
    required=True,
    help="Base address of the service; its /voice/incoming takes the calls.",
)
@click.option("--account-sid", envvar="TWILIO_ACCOUNT_SID", default=TEST_ACCOUNT_SID, help="Account, as the service has it.")
@click.option(
    "--auth-token",
    envvar="TWILIO_AUTH_TOKEN",
    default=TEST_AUTH_TOKEN,
    help="Token, as the service has it; better in TWILIO_AUTH_TOKEN.",
)
@click.option(
    "--control-token", envvar="IVR_CARRIER_CONTROL_TOKEN", default="", help="Guards /control/; made up where it is not given."
)
@click.option(
    "--numbers",
    multiple=True,
    help="A number of the account (repeat, or separate by commas). Default: those of config/numbers.yaml.",
)
@click.option("--caller-ids", multiple=True, envvar="IVR_CALLER_ID", help="Further numbers that the account may show.")
@click.option(
    "--agents-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="YAML: how agents' addresses behave."
)
@click.option(
    "--config",
    "config_dir",
    envvar="IVR_CONFIG_DIR",
    default="config",
    show_default=True,
    help="Where numbers and agents' names are read.",
)
@click.option(
    "--speed",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0.1, 10_000),
    help="Compress ringing, talk, prompts and silence.",
)
@click.option("--seed", default=1, show_default=True, help="For everything that is left to chance.")
@click.option(
    "--noise", default=0.0, show_default=True, type=click.FloatRange(0, 1), help="Share of spoken words lost or mistaken."
)
@click.option("--duplicate", default=0.0, type=click.FloatRange(0, 1), help="Probability that a callback comes twice or more.")
@click.option("--reorder", default=0.0, type=click.FloatRange(0, 1), help="Probability that a callback overtakes another.")
@click.option("--drop", default=0.0, type=click.FloatRange(0, 1), help="Probability that a status callback is lost.")
@click.option("--refuse", default=0.0, type=click.FloatRange(0, 1), help="Probability that a REST request gets 429.")
@click.option("--json", "as_json", is_flag=True, help="Print the ready line as JSON.")
def carrier(
    host: str, port: int, service_url: str, account_sid: str, auth_token: str, control_token: str, numbers: tuple[str, ...],
    caller_ids: tuple[str, ...], agents_file: Path | None, config_dir: str, speed: float, seed: int, noise: float,
    duplicate: float, reorder: float, drop: float, refuse: float, as_json: bool,
) -> None:  # fmt: skip
    """The local Twilio-compatible carrier alone.

    \b
    Example:
      ivr carrier --port 9090 --service-url http://127.0.0.1:8080 --speed 10
      ivr phone --carrier http://127.0.0.1:9090
    """
    configured, names = _configured(config_dir)
    given = [number.strip() for several in numbers for number in several.split(",") if number.strip()]
    settings = StationSettings(
        service_url=service_url,
        account_sid=account_sid,
        auth_token=auth_token,
        numbers=tuple(given or configured or [DEFAULT_NUMBER]),
        host=host,
        port=port,
        speed=speed,
        seed=seed,
        control_token=control_token,
        trouble=Trouble(callback_duplicate=duplicate, callback_reorder=reorder, callback_drop=drop, rest_429=refuse),
        recognition=Recognition(noise=noise),
        owned=tuple(number for several in caller_ids for number in several.replace(",", " ").split()),
    )
    try:
        people = _people(agents_file, names, seed)
    except ScriptError as error:
        raise ScriptError(f"{agents_file}: {error}") from error
    asyncio.run(_run(Station(settings, people), as_json))
