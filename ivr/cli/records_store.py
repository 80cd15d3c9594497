"""Opening the store of records for a command, and showing what it gives."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from ivr.records.opening import open_store
from ivr.records.store import Store
from ivr.settings import read_settings

AS_JSON = click.option("--json", "as_json", is_flag=True, help="For scripts.")


@contextmanager
def opened_store() -> Iterator[Store]:
    """The store that the environment names, at the current schema."""
    settings = read_settings()
    store = open_store(settings.database_url, settings.config_dir)
    try:
        store.prepare()
        yield store
    finally:
        store.close()


def show_json(value: Any) -> None:
    """JSON on standard output."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A table fit for the terminal; plain text in a pipe."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    Console(width=None if Console().is_terminal else 200).print(table)


def arguments(pairs: Sequence[tuple[str, Any]]) -> dict[str, list[str]]:
    """Options as the query parameters that the API reads: one reader for both."""
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        for one in value if isinstance(value, tuple | list) else [value]:
            if one is not None:
                found.setdefault(name, []).append(str(one))
    return found
