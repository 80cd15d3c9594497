"""`ivr doctor`: is everything there that a call needs? Each finding comes with what to mend."""

from __future__ import annotations

import fcntl
import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import click

from ivr.cli.checkup import Finding, Grade, error, ok
from ivr.errors import SettingError
from ivr.settings import Settings, read_settings

_MARKS = {Grade.OK: ("ok", "green"), Grade.WARNING: ("warning", "yellow"), Grade.ERROR: ("error", "red")}


@click.command()
@click.option("--offline", is_flag=True, help="Leave out the carrier and the public address.")
@click.option("--quiet", is_flag=True, help="Only what has to be mended.")
@click.option("--json", "as_json", is_flag=True, help="For scripts: a list of findings.")
def doctor(offline: bool, quiet: bool, as_json: bool) -> None:
    """Check settings, Redis, database, carrier, public address, config/, flows/, speech model and disk; say what to mend.

    Changes nothing, and may run beside a running service. Exits 1 where something is an error; warnings do not count.

    \b
    Examples:
      ivr doctor
      ivr doctor --quiet --offline
      ivr doctor --json | jq '.[] | select(.grade == "error")'
    """
    findings = []
    for finding in examine(os.environ, offline=offline):
        if quiet and finding.grade == Grade.OK:
            continue
        findings.append(finding)
        if not as_json:
            _show(finding)
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2, ensure_ascii=False))
    errors = sum(finding.grade == Grade.ERROR for finding in findings)
    warnings = sum(finding.grade == Grade.WARNING for finding in findings)
    if not as_json:
        click.echo(f"\n{_count(errors, 'error')}, {_count(warnings, 'warning')}.")
    sys.exit(1 if errors else 0)


def examine(env: Mapping[str, str], *, offline: bool = False) -> Iterator[Finding]:
    """All findings, as they are made. Without readable settings there is only one."""
    try:
        settings = read_settings(with_demo(env))
    except SettingError as problem:
        yield error("settings", f"{problem}.", "docs/operations.md lists all settings.")
        return
    yield from _examine(settings, offline)


def _examine(settings: Settings, offline: bool) -> Iterator[Finding]:
    from ivr.cli import checkup_carrier, checkup_files, checkup_servers

    yield ok("settings", f"All settings can be read; data is kept in {settings.data_dir}.")
    yield from checkup_carrier.check_secrets(settings)
    yield from checkup_servers.check_disk(settings)
    yield from checkup_servers.check_redis(settings)
    yield from checkup_servers.check_jobs_redis(settings)
    yield from checkup_servers.check_database(settings)
    files = checkup_files.read_files(settings)
    yield from checkup_files.check_files(settings, files)
    yield from checkup_files.check_model(settings, files)
    if not offline:
        yield from checkup_carrier.check_carrier(settings, files)
        yield from checkup_carrier.check_public_address(settings, files)


def with_demo(env: Mapping[str, str]) -> dict[str, str]:
    """`env`, with the account and addresses of the demo running in the data folder where no carrier account is set."""
    found = dict(env)
    folder = Path(found.get("IVR_DATA_DIR", "").strip() or ".ivr").expanduser()
    if found.get("TWILIO_ACCOUNT_SID", "").strip() or not _is_running(folder):
        return found
    try:
        account = json.loads((folder / "demo_account.json").read_text(encoding="utf-8"))
        demo = json.loads((folder / "demo.json").read_text(encoding="utf-8"))
        return found | {
            "TWILIO_ACCOUNT_SID": account["account_sid"],
            "TWILIO_AUTH_TOKEN": account["auth_token"],
            "TWILIO_API_URL": demo["carrier_url"],
            "IVR_PUBLIC_URL": demo["url"],
        }
    except (OSError, ValueError, KeyError, TypeError):
        return found


def _is_running(folder: Path) -> bool:
    """Whether `ivr demo` or `ivr serve` holds this data folder."""
    try:
        with (folder / "running").open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _show(finding: Finding) -> None:
    word, colour = _MARKS[finding.grade]
    click.echo(f"{click.style(f'{word:<8}', fg=colour)} {finding.area:<9} {finding.found}")
    if finding.mend:
        click.echo(f"{'':<18} {finding.mend}")


def _count(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"
