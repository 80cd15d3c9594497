"""`ivr warehouse`: records for a columnar engine, and the figures as SQL views over them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import click

from ivr.cli.records_store import opened_store
from ivr.errors import RecordError
from ivr.records.measures import default_thresholds
from ivr.records.parameters import read_range, read_zone
from ivr.records.warehouse import export_changes, export_days
from ivr.records.warehouse_views import ENGINES, views


@click.group()
def warehouse() -> None:
    """Records for a columnar engine (DuckDB, ClickHouse): Parquet files by day, without persons, and every figure as a view.

    Example: ivr warehouse export warehouse
    """


@warehouse.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--from", "start", help="First day (UTC), included: write these days anew, whatever changed.")
@click.option("--to", "end", help="Last day, excluded.")
def export(folder: Path, start: str | None, end: str | None) -> None:
    """Bring the files in FOLDER up to date: days with new or changed calls are written anew, each whole or not at all.

    Example: ivr warehouse export warehouse --from 2026-11-01 --to 2026-12-01
    """
    with opened_store() as store:
        if start is None and end is None:
            written = export_changes(store, folder)
        elif start is None or end is None:
            raise RecordError("give both --from and --to, or neither for all that changed")
        else:
            first, last = read_range({"from": [start], "to": [end]}, read_zone("UTC"))
            assert first is not None and last is not None  # both were given
            days = (last - first) // timedelta(days=1)
            written = export_days(store, folder, (first.date() + timedelta(days=n) for n in range(days)))
        count, rows = 0, 0
        for _, calls_of_day in written:
            count, rows = count + 1, rows + calls_of_day
    click.echo(f"{count} {'day' if count == 1 else 'days'} written, {rows} {'call' if rows == 1 else 'calls'} in them")


@warehouse.command(name="views")
@click.option("--engine", type=click.Choice(ENGINES), default="duckdb", show_default=True)
@click.option(
    "--at",
    "place",
    default="warehouse",
    show_default=True,
    help="Where the engine finds the files: a folder, or an address of object storage.",
)
def views_(engine: str, place: str) -> None:
    """Print CREATE VIEW statements: one view per figure, with the definitions and thresholds of this line.

    Example: ivr warehouse views --engine clickhouse --at https://storage.example.com/bucket/ivr
    """
    with opened_store() as store:
        click.echo(views(engine, place, default_thresholds(store.rules)), nl=False)
