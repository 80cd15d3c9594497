"""`ivr calls import`: history from other systems."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import click

from ivr.cli.records_store import opened_store
from ivr.errors import RecordError
from ivr.records.importing import carry_on, import_calls
from ivr.records.store import utc_now

_TELL_SECONDS = 3.0


class _Told:
    """Tells every few seconds how far an import has come."""

    def __init__(self, name: str) -> None:
        self._name, self._next = name, time.monotonic() + _TELL_SECONDS

    def __call__(self, stage: str, done: int) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _TELL_SECONDS
            click.echo(f"{self._name}: {stage}, {done:,} done", err=True)


@contextmanager
def _opened(file: Path) -> Iterator[TextIO]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as source:
            yield source
    except OSError as error:
        raise RecordError(f"{file} cannot be read: {error.strerror}") from error


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--format", "form", type=click.Choice(("csv", "ndjson")), help="Default: by the file's name.")
def import_(file: Path, form: str | None) -> None:
    """Take in history from another system, in the record format of docs/api.md: all rows or none.

    May run beside a running service. One that was broken off is brought to its end by the next, or by the clock.

    Example: ivr calls import history.csv
    """
    with opened_store() as store, _opened(file) as source:
        carried_on = carry_on(store, utc_now())
        if carried_on:
            click.echo(f"Imports that had been broken off, and were brought to their end: {carried_on}", err=True)
        form = form or ("ndjson" if file.suffix in (".ndjson", ".jsonl") else "csv")
        done = import_calls(store, source, form, utc_now(), _Told(file.name))
    for row in done.bad:
        click.echo(f"{file}:{row.line}: {row.why}", err=True)
    if done.problems:
        more = done.problems - len(done.bad)
        raise RecordError(f"nothing was imported: {done.problems} problems" + (f", {more} of them not listed" if more else ""))
    click.echo(f"{done.written} calls imported")
