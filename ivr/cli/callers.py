"""`ivr callers`: what is kept about a caller."""

from __future__ import annotations

import getpass
from dataclasses import asdict

import click

from ivr.cli.erasing import erase_everywhere
from ivr.cli.records_store import opened_store, show_json
from ivr.embedded import address_in
from ivr.errors import SettingError
from ivr.records.retention import export_caller
from ivr.records.store import utc_now
from ivr.records.text_reach import allow_texts, last_unreached, stop_texts, wants_none
from ivr.sessions import connect
from ivr.settings import E164, read_settings


@click.group()
def callers() -> None:
    """What is kept about a caller: export it, erase it, keep to whether they want texts.

    Example: ivr callers export +447700900123
    """


@callers.command()
@click.argument("caller")
def export(caller: str) -> None:
    """Everything kept about a caller, as JSON. CALLER is a number in E.164 or a customer id.

    Example: ivr callers export +447700900123 > answer.json
    """
    with opened_store() as store:
        show_json(export_caller(store, caller))


@callers.command()
@click.argument("number")
@click.option("--stop", "wanted", flag_value="stop", help="No more texts to this number.")
@click.option("--allow", "wanted", flag_value="allow", help="Texts are welcome again.")
def texts(number: str, wanted: str | None) -> None:
    """Whether a number wants text messages; with --stop or --allow, what its owner said. NUMBER is in E.164.

    Example: ivr callers texts +447700900123 --stop
    """
    if not E164.match(number):
        raise SettingError(f'"{number}" is no number: expected one in international form, such as +447700900123')
    with opened_store() as store:
        if wanted == "stop":
            stop_texts(store, number, utc_now(), f"command of {getpass.getuser()}")
        elif wanted == "allow":
            allow_texts(store, number)
        none = wants_none(store, number)
        unreached = last_unreached(store, number)
    click.echo(f"{number} {'gets no texts' if none else 'may get texts'}")
    if unreached is not None:
        click.echo(f"The last text did not reach it, on {unreached.at:%Y-%m-%d} (the carrier's code {unreached.code}).")


@callers.command()
@click.argument("caller")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(caller: str, yes: bool) -> None:
    """Erase a caller: journals and utterances go, records lose the person, figures stay. Prints a receipt.

    Example: ivr callers erase +447700900123 --yes
    """
    if not yes:
        click.confirm("Erase this caller for good?", abort=True)
    settings = read_settings()
    address = settings.redis_url or address_in(settings.data_dir)
    client = None if address is None else connect(address, seconds=5.0)
    try:
        with opened_store() as store:
            folders = [folder for folder in (settings.data_dir, settings.config_dir) if folder.is_dir()]
            erased = erase_everywhere(store, caller, utc_now(), getpass.getuser(), client=client, folders=folders)
    finally:
        if client is not None:
            client.close()
    show_json({**asdict(erased.receipt), "live": erased.live, "left": erased.left})
