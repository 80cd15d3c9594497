"""Past calls for `ivr simulate --from-records`: the call export (CSV or NDJSON), read into what the simulator learns from.

Columns used: `queue, queued_at, queue_seconds, handle_seconds, outcome, agent`, as in docs/api.md; others are ignored. Calls that
never reached a queue teach nothing about staff and are left out.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ivr.errors import RecordError
from routing.simulation_recorded import PastCall

NEEDED = ("queue", "queued_at", "queue_seconds", "handle_seconds", "outcome", "agent")
_ANSWERED = frozenset({"answered", "transferred_out"})
_NOT_A_NAME = re.compile(r"[^a-z0-9_]+")


def load_recorded(file: Path, timezone: str, date: str | None = None) -> list[PastCall]:
    """Calls of a file (`-`: standard input), on `date` alone where one is given. RecordError says what is wrong and in which line."""
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise RecordError(f'"{timezone}" is no time zone. Write one such as Europe/London.') from error
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise RecordError(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise RecordError(f"{file} is not UTF-8 text.") from error
    calls = [call for call in past_calls(rows(text, str(file)), zone, str(file)) if date is None or call.day == date]
    if not calls:
        raise RecordError(f"{file} holds no call that reached a queue{f' on {date}' if date else ''}.")
    return calls


def rows(text: str, file: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """(line, columns) of a CSV with a header, or of NDJSON."""
    if text.lstrip().startswith("{"):
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                try:
                    row = json.loads(line)
                except ValueError as error:
                    raise RecordError(f"{file}:{number}: this is no JSON object.") from error
                if not isinstance(row, dict):
                    raise RecordError(f"{file}:{number}: this is no JSON object.")
                yield number, row
        return
    reader = csv.DictReader(io.StringIO(text))
    missing = [name for name in NEEDED if name not in (reader.fieldnames or ())]
    if missing:
        raise RecordError(
            f"{file}:1: the columns {', '.join(missing)} are missing. Export them with: ivr calls export --format csv."
        )
    for row in reader:
        yield reader.line_num, row


def past_calls(records: Iterable[tuple[int, Mapping[str, Any]]], zone: ZoneInfo, file: str) -> Iterator[PastCall]:
    """Records (line, columns) as past calls, in the local time of `zone`."""
    for line, record in records:
        if not record.get("queue") or not record.get("queued_at"):
            continue
        try:
            local = datetime.fromisoformat(str(record["queued_at"])).astimezone(zone)
            waited_seconds = _seconds(record.get("queue_seconds"))
            handling_seconds = _seconds(record.get("handle_seconds"))
        except ValueError as error:
            raise RecordError(f"{file}:{line}: {error}.") from error
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        answered = record.get("outcome") in _ANSWERED and handling_seconds is not None and bool(record.get("agent"))
        yield PastCall(
            local.date().isoformat(),
            # Wall-clock difference: shifts and arrivals are told by the clock on the wall, also on days of 23 and 25 hours.
            (local.replace(tzinfo=None) - midnight.replace(tzinfo=None)).total_seconds(),
            _name(str(record["queue"])),
            waited_seconds or 0.0,
            handling_seconds if answered else None,
            _name(str(record["agent"])) if answered else None,
        )


def _seconds(value: object) -> float | None:
    if value in (None, ""):
        return None
    seconds = float(str(value))
    if not 0 <= seconds < math.inf:
        raise ValueError(f"{value} is no number of seconds")
    return seconds


def _name(text: str) -> str:
    """A name as scenarios allow it."""
    plain = _NOT_A_NAME.sub("_", text.lower()).strip("_")
    return plain if plain[:1].isalpha() else f"n_{plain}"
