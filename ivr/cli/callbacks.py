"""`ivr callbacks`: promised callbacks for people at a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any

import click

from ivr.cli.live_board import clock_time, in_sentences, moment_of, opened
from ivr.cli.records_store import AS_JSON, show_json, show_table
from ivr.jobs.promises import Promises
from ivr.jobs.wiring import open_line
from ivr.settings import read_settings
from routing.callbacks import Callback, CallbackState, Ledger


@contextmanager
def _promises() -> Iterator[Promises]:
    """The promises of the running service, with all that follows a change: phones stop ringing, and the call's journal tells of it."""
    with opened() as (_, _, address):
        line = open_line(replace(read_settings(), redis_url=address), speech=False)
        try:
            line.board.load()
            yield line.promises
        finally:
            line.store.close()


@click.group()
def callbacks() -> None:
    """Promised callbacks: list, move, cancel."""


@callbacks.command("list")
@click.option("--state", type=click.Choice([state.value for state in CallbackState]), help="Only those in this state.")
@AS_JSON
@in_sentences
def list_callbacks(state: str | None, as_json: bool) -> None:
    """Promised callbacks, the latest first. Numbers are shortened; --json shows them whole.

    Example: ivr callbacks list --state scheduled
    """
    with opened() as (live, client, _):
        found = Ledger(client, live).all(state)
    if as_json:
        show_json([asdict(one) for one in found])
        return
    show_table(
        "Callbacks",
        ("callback", "number", "queue", "state", "due", "attempts", "last result", "changed by"),
        [_row(one) for one in found],
    )


@callbacks.command()
@click.argument("callback_id")
@click.option("--at", "moment", help="Another time: RFC 3339, such as 2026-11-23T10:00:00Z.")
@click.option("--queue", help="Another queue.")
@in_sentences
def move(callback_id: str, moment: str | None, queue: str | None) -> None:
    """Move a callback to another time or queue. Whoever is being rung for it stops ringing.

    Example: ivr callbacks move cb-17 --at 2026-11-23T10:00:00Z
    """
    if moment is None and queue is None:
        raise click.UsageError("say what to change: --at, --queue, or both")
    with _promises() as promises:
        moved = promises.move(callback_id, at=None if moment is None else moment_of(moment), queue=queue, by="command line")
    click.echo(f"{moved.callback_id} is due at {clock_time(moved.next_at)} in queue {moved.queue}")


@callbacks.command()
@click.argument("callback_id")
@in_sentences
def cancel(callback_id: str) -> None:
    """Cancel a callback. Whoever is being rung for it stops ringing.

    Example: ivr callbacks cancel cb-17
    """
    with _promises() as promises:
        promises.cancel(callback_id, by="command line")
    click.echo(f"{callback_id} is cancelled")


def _row(one: Callback) -> tuple[Any, ...]:
    due = clock_time(one.next_at) if one.is_open else ""
    return (
        one.callback_id,
        f"{one.number[:4]}…{one.number[-2:]}",
        one.queue,
        one.state,
        due,
        one.attempts,
        one.last_result,
        one.changed_by,
    )
