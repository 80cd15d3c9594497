"""The board of the running service, for commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import wraps
from typing import Any

import click
import redis

from ivr.embedded import address_in
from ivr.errors import IvrError, SettingError, StoreUnavailable
from ivr.sessions import connect
from ivr.settings import read_settings
from routing.board import Board
from routing.model import RoutingError


@contextmanager
def opened() -> Iterator[tuple[Board, redis.Redis, str]]:
    """The board of the running service: REDIS_URL, else the server that `ivr demo` or `ivr serve` started for itself. With its client and address."""
    settings = read_settings()
    address = settings.redis_url or address_in(settings.data_dir)
    if address is None:
        raise SettingError(f"no service found in {settings.data_dir}: start `ivr demo`, or set REDIS_URL to the service's Redis")
    client = connect(address, seconds=2.0)
    try:
        board = Board(client)
        board.load()
        yield board, client, address
    except redis.exceptions.RedisError as error:
        raise StoreUnavailable(f"Redis at {address.rpartition('@')[2]} does not answer: is the service running?") from error
    finally:
        client.close()


def in_sentences(command: Callable[..., None]) -> Callable[..., None]:
    """Routing's refusals are sentences already: shown as the command line shows its own."""

    @wraps(command)
    def told(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except RoutingError as error:
            raise IvrError(str(error)) from error

    return told


def moment_of(text: str) -> float:
    """A time that somebody typed, in seconds since the epoch; without a zone it is UTC. Raises UsageError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.UsageError(f'"{text}" is not a time: expected RFC 3339, such as 2026-11-22T10:15:30Z') from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def clock_time(at: float) -> str:
    """A moment for people."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}Z"
