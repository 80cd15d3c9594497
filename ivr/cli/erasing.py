"""Erasing a caller from everything this service keeps: live state, promised calls back, records; and saying what is left elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import redis

from ivr.errors import RecordError, StoreUnavailable
from ivr.records.database import REPORT_SECONDS
from ivr.records.retention import Receipt, calls_of, erase_caller
from ivr.records.saving import close_call
from ivr.records.store import Store
from ivr.records.utterances import taught_by
from ivr.sessions import Calls
from routing.board import Board
from routing.callbacks import CallbackBusy, Ledger

_REWRITE_SECONDS = 20.0
_LONGEST_FILE = 64 << 20
_SHORTEST_TEXT = 8  # "yes" stands in every file of examples


@dataclass(frozen=True)
class Erased:
    """What was removed, and what this program must not remove by itself.

    `live`: rows per kind in Redis, None where no service was found. `left`: files that still hold the number, or a phrase of the
    caller that somebody took over as an example: to be edited by hand, and the intents trained again.
    """

    receipt: Receipt
    live: dict[str, int] | None
    left: tuple[str, ...]


def erase_everywhere(
    store: Store, caller: str, now: datetime, by: str, *, client: redis.Redis | None, folders: Sequence[Path]
) -> Erased:
    """Erase a caller, given as a number in E.164 or a customer id. `folders`: where files are looked through for what is left.

    Live state goes first: what is still to be recorded would otherwise bring the caller back. Raises RecordError where nothing is
    kept of the caller or a call of theirs is in progress, StoreUnavailable where Redis or the database does not answer.
    """
    with store.reading(REPORT_SECONDS) as connection:
        known = calls_of(connection, caller)
    live = None if client is None else _erase_live(store, client, caller, known, now)
    with store.reading(REPORT_SECONDS) as connection:
        known = calls_of(connection, caller)
        taught = [text for text in taught_by(connection, known) if len(text) >= _SHORTEST_TEXT]
    receipt = erase_caller(store, caller, now, by) if known else _nothing_recorded(store, caller, now, by, live)
    return Erased(receipt, live, tuple(files_with([caller, *taught] if len(caller) >= _SHORTEST_TEXT else taught, folders)))


def _nothing_recorded(store: Store, caller: str, now: datetime, by: str, live: dict[str, int] | None) -> Receipt:
    if live and any(live.values()):
        return erase_caller(store, caller, now, by, also_without_calls=True)
    raise RecordError("nothing is kept of this caller")


def _erase_live(store: Store, client: redis.Redis, caller: str, known: Sequence[str], now: datetime) -> dict[str, int]:
    calls = Calls(client)
    found = sorted({*known, *(calls.calls_with(caller) if caller.startswith("+") else ())})
    if calls.in_progress(found):
        raise RecordError("a call of this caller is in progress: try again when it is over")
    for call_id in found:  # the figures keep the call, also where its record was still to be made
        journal = calls.journal(call_id)
        if journal and any(note.kind == "Arrived" for note in journal):
            close_call(store, journal, now)
    try:
        ledger = Ledger(client, Board(client))
        removed = {"calls": calls.forget(found), "callbacks": ledger.forget(caller)}
        _rewrite_log(client)
    except CallbackBusy as error:
        raise RecordError("this caller is being called back: try again when the call is over") from error
    except redis.exceptions.RedisError as error:
        raise StoreUnavailable(f"Redis does not answer: {type(error).__name__}") from error
    return removed


def _rewrite_log(client: redis.Redis) -> None:
    """What was deleted stays in the append-only file until that is written anew."""
    if not client.info("persistence").get("aof_enabled"):
        return
    client.bgrewriteaof()
    until = time.monotonic() + _REWRITE_SECONDS
    while time.monotonic() < until:
        state = client.info("persistence")
        if not state.get("aof_rewrite_in_progress") and not state.get("aof_rewrite_scheduled"):
            return
        time.sleep(0.02)
    raise StoreUnavailable("Redis has not rewritten its append-only file yet: erase again")


def files_with(texts: Sequence[str], folders: Iterable[Path]) -> Iterator[str]:
    """`path:line` of the first line of every file that holds one of `texts`; databases have no lines."""
    wanted = [text.encode() for text in texts]
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if not path.is_file() or path.is_symlink() or path.stat().st_size > _LONGEST_FILE:
                continue
            content = path.read_bytes()
            places = [content.find(text) for text in wanted]
            first = min((place for place in places if place >= 0), default=None)
            if first is not None:
                line = content.count(b"\n", 0, first) + 1
                yield f"{path}:{line}"
