"""`ivr board`, `ivr callbacks` and the answer of `ivr calls why`: the floor for people at a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from functools import wraps
from typing import Any

import click
import redis

from ivr.cli.records_store import AS_JSON, show_json, show_table
from ivr.embedded import ADDRESS_FILE
from ivr.errors import IvrError, SettingError, StoreUnavailable
from ivr.sessions import connect
from ivr.settings import read_settings
from routing.board import Board
from routing.callbacks import Callback, CallbackState, Ledger
from routing.decisions import Decision, Floor
from routing.explain import explain, in_words
from routing.model import BoardNow, RoutingError


@contextmanager
def _opened() -> Iterator[tuple[Board, redis.Redis]]:
    """The board of the running service: REDIS_URL, else the server that `ivr demo` or `ivr serve` started for itself."""
    settings = read_settings()
    address = settings.redis_url
    if not address:
        path = settings.data_dir / "redis" / ADDRESS_FILE
        try:
            address = path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingError(
                f"no service found in {settings.data_dir}: start `ivr demo`, or set REDIS_URL to the service's Redis"
            ) from error
    client = connect(address, seconds=2.0)
    try:
        board = Board(client)
        board.load()
        yield board, client
    except redis.exceptions.RedisError as error:
        raise StoreUnavailable(f"Redis at {address.rpartition('@')[2]} does not answer: is the service running?") from error
    finally:
        client.close()


def _in_sentences(command: Callable[..., None]) -> Callable[..., None]:
    """Routing's refusals are sentences already: shown as the command line shows its own."""

    @wraps(command)
    def told(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except RoutingError as error:
            raise IvrError(str(error)) from error

    return told


def _decisions(board: Board) -> Iterator[Decision]:
    """The whole log, piece by piece."""
    after = "-"
    while rows := board.decisions(after):
        yield from rows
        after = rows[-1].entry_id


@click.command()
@click.option("--at", "moment", help="The floor at a past moment: an RFC 3339 time, such as 2026-11-22T10:15:30Z.")
@AS_JSON
@_in_sentences
def board(moment: str | None, as_json: bool) -> None:
    """Queues and agents, now or at a past second.

    The past is replayed from the decision log, which holds about the last day.

    Example: ivr board --at 2026-11-22T10:15:30Z
    """
    with _opened() as (live, _):
        if moment is not None:
            past = _past(live, _moment(moment))
            show_json(past) if as_json else _show_past(past)
            return
        now = live.snapshot()
    show_json(asdict(now)) if as_json else _show_now(now)


def _show_now(now: BoardNow) -> None:
    show_table(
        f"Queues at {_clock(now.at)}",
        ("queue", "open", "waiting", "callbacks", "longest wait", "signed in", "free"),
        [
            (q.queue_id, "yes" if q.open else "no", q.waiting, q.callbacks, _seconds(q.longest_wait_seconds), q.staffed, q.free)
            for q in now.queues
        ],
    )
    show_table(
        "Agents",
        ("agent", "name", "state", "for", "reason", "call"),
        [
            (a.agent_id, a.name, a.state.value.replace("_", " "), _seconds(now.at - a.since), a.reason or "", ", ".join(a.calls))
            for a in now.agents
        ],
    )
    if now.waiting:
        show_table(
            "Waiting",
            ("queue", "place", "call", "kind", "waited", "ringing at"),
            [(w.queue, w.position, w.call_id, w.kind, _seconds(w.waited_seconds), ", ".join(w.offered_to)) for w in now.waiting],
        )


def _past(live: Board, at: float) -> dict[str, Any]:
    floor = Floor()
    first: float | None = None
    for decision in _decisions(live):
        first = decision.at if first is None else first
        if decision.at > at:
            break
        floor.apply(decision)
    if first is None or first > at:
        raise click.UsageError(
            f"the decision log does not reach back to {_clock(at)}; it begins at {_clock(first) if first else 'no entry'}"
        )
    waiting = sorted(floor.waiting.values(), key=lambda state: state.call.arrived_at)
    return {
        "at": at,
        "agents": [
            {"agent_id": name, "state": record.state.value, "calls": sorted(record.held)}
            for name, record in sorted(floor.records.items())
        ],
        "waiting": [
            {
                "queue": state.call.queue,
                "call_id": state.call.call_id,
                "kind": state.call.kind,
                "waited_seconds": at - state.call.arrived_at,
            }
            for state in waiting
        ],
    }


def _show_past(past: dict[str, Any]) -> None:
    show_table(
        f"Agents at {_clock(past['at'])}",
        ("agent", "state", "call"),
        [(row["agent_id"], row["state"].replace("_", " "), ", ".join(row["calls"])) for row in past["agents"]],
    )
    show_table(
        "Waiting",
        ("queue", "call", "kind", "waited"),
        [(row["queue"], row["call_id"], row["kind"], _seconds(row["waited_seconds"])) for row in past["waiting"]],
    )


def show_why(call: str, as_json: bool) -> None:
    """What `ivr calls why` prints: the call's way through routing, with the reasons at each step."""
    with _opened() as (live, _):
        found = explain(call, _decisions(live))
    if found is None:
        raise IvrError(f"call {call} is not in the decision log: it never waited in a queue, or longer ago than the log reaches")
    show_json(asdict(found)) if as_json else click.echo(in_words(found))


@click.group()
def callbacks() -> None:
    """Promised callbacks: list, move, cancel."""


@callbacks.command("list")
@click.option("--state", type=click.Choice([state.value for state in CallbackState]), help="Only those in this state.")
@AS_JSON
@_in_sentences
def list_callbacks(state: str | None, as_json: bool) -> None:
    """Promised callbacks, the latest first. Numbers are shortened; --json shows them whole.

    Example: ivr callbacks list --state scheduled
    """
    with _opened() as (live, client):
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
@_in_sentences
def move(callback_id: str, moment: str | None, queue: str | None) -> None:
    """Move a callback to another time or queue.

    Example: ivr callbacks move cb-17 --at 2026-11-23T10:00:00Z
    """
    if moment is None and queue is None:
        raise click.UsageError("say what to change: --at, --queue, or both")
    with _opened() as (live, client):
        ledger = Ledger(client, live)
        moved = ledger.move(callback_id, at=None if moment is None else _moment(moment), queue=queue, by="command line")
    click.echo(f"{moved.callback_id} is due at {_clock(moved.next_at)} in queue {moved.queue}")


@callbacks.command()
@click.argument("callback_id")
@_in_sentences
def cancel(callback_id: str) -> None:
    """Cancel a callback.

    Example: ivr callbacks cancel cb-17
    """
    with _opened() as (live, client):
        Ledger(client, live).cancel(callback_id, by="command line")
    click.echo(f"{callback_id} is cancelled")


def _row(one: Callback) -> tuple[Any, ...]:
    due = _clock(one.next_at) if one.is_open else ""
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


def _moment(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.UsageError(f'"{text}" is not a time: expected RFC 3339, such as 2026-11-22T10:15:30Z') from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}Z"


def _seconds(seconds: float) -> str:
    minutes, rest = divmod(max(0, int(seconds)), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"
