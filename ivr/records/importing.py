"""History from other systems: calls in the record format of docs/api.md, all of a file or nothing.

A row is a CSV line or an NDJSON object with the record's fields; `call_id`, `started_at` and `outcome` are required. Rows become
records without a journal: they count in every figure, and cannot be recomputed.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ivr.records.columns import EPOCH
from ivr.records.database import REPORT_SECONDS
from ivr.records.parameters import BadQuery, read_time, read_zone
from ivr.records.record import RECORD_FIELDS, Outcome, SurveyAnswer
from ivr.records.repeats import earlier
from ivr.records.rollup_tables import mark_dirty
from ivr.records.saving import settle, survey_columns
from ivr.records.store import Store
from ivr.records.tables import calls, issues, legs, surveys, visits

MOST_PROBLEMS = 1000
_REQUIRED = ("call_id", "started_at", "outcome")
_TIMES = ("started_at", "queued_at", "answered_at", "ended_at")
_SECONDS = ("menu_seconds", "queue_seconds", "ring_seconds", "talk_seconds", "hold_seconds", "wrap_up_seconds")
_TEXTS = (
    "contact_id", "direction", "from_number", "to_number", "customer_id", "customer_name", "language", "flow", "revision", "queue", "agent", "ended_by",
    "disposition", "segment", "team", "entity",
)  # fmt: skip
# Computed here, or about figures: taken in an export's header, not read.
_IGNORED = frozenset((*RECORD_FIELDS, "fcr_excluded", "repeat_call_id", "repeat_seconds", "intent", "model", "abandoned_where", "attestation", "contact_handle_seconds", "wrap_up_pending", "corrected", "updated_at", "legs", "outside_talks", "queue_visits", "basis"))  # fmt: skip
_ABANDONED = {"abandoned_in_menu": "menu", "abandoned_in_queue": "queue", "abandoned_while_ringing": "ringing"}
_AT_ONCE = 900
_UTC = read_zone("UTC")


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be taken: its line in the file, and why."""

    line: int
    why: str


@dataclass(frozen=True)
class Imported:
    """How many calls were written, and which rows forbade it: with a bad row, nothing is written."""

    written: int
    bad: tuple[BadRow, ...] = ()


def _lines(text: str, form: str) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    """Line number and row, or what is wrong with the line."""
    if form == "ndjson":
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                try:
                    row = json.loads(line)
                    yield number, row if isinstance(row, dict) else "the line is not a JSON object"
                except ValueError as error:
                    yield number, f"the line is not JSON: {error}"
        return
    reader = csv.DictReader(io.StringIO(text))
    for found in reader:
        if None in found or None in found.values():
            yield reader.line_num, "the line has not as many cells as the header"
        else:
            # The export puts an apostrophe before what a spreadsheet would take for a formula.
            yield reader.line_num, {name: value[1:] if value[:1] == "'" else value for name, value in found.items()}


def read_rows(text: str, form: str) -> tuple[list[dict[str, Any]], list[BadRow]]:
    """Rows ready to be written, and the ones that cannot be. `form`: "csv" or "ndjson"."""
    rows: list[dict[str, Any]] = []
    bad: list[BadRow] = []
    seen: dict[str, int] = {}
    for line, given in _lines(text.lstrip("\ufeff"), form):
        if isinstance(given, str):
            bad.append(BadRow(line, given))
            continue
        row, problems = _read(given)
        call_id = str(row.get("call_id"))
        if call_id in seen:
            problems.append(f"call_id {call_id} stands in line {seen[call_id]} already")
        seen[call_id] = line
        bad.extend(BadRow(line, why) for why in problems)
        rows.append(row)
    return rows, bad[:MOST_PROBLEMS]


def _read(given: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    problems: list[str] = []
    row: dict[str, Any] = {}
    for name in given:
        if name not in _TEXTS and name not in _IGNORED:
            problems.append(f'"{str(name)[:40]}" is not a field of a record')
    for name in _REQUIRED:
        if given.get(name) in (None, ""):
            problems.append(f"{name} is missing")
    for name in _TEXTS:
        value = given.get(name)
        row[name] = None if value in (None, "") else str(value)
        if value is not None and len(str(value)) > 500:
            problems.append(f"{name} is longer than 500 characters")
    for name in _TIMES:
        value = given.get(name)
        row[name] = None
        if value not in (None, ""):
            try:
                row[name] = read_time(name, str(value), _UTC)
            except BadQuery as error:
                problems.append(str(error))
    for name in _SECONDS:
        try:
            row[name] = float(given.get(name) or 0)
        except (TypeError, ValueError):
            row[name] = -1.0
        if not 0 <= row[name] <= 7 * 86400:
            problems.append(f'{name} "{str(given.get(name))[:20]}" is not a number of seconds')
    row["call_id"] = str(given.get("call_id") or "")[:200]
    row["outcome"] = str(given.get("outcome") or "")
    if row["outcome"] and row["outcome"] not in tuple(Outcome):
        problems.append(f'outcome "{row["outcome"][:40]}" is not one of {", ".join(Outcome)}')
    row["intents"] = _intents(given.get("intents"), problems)
    row["resolved"] = _yes_no("resolved", given.get("resolved"), problems)
    row["survey"] = _survey(given.get("survey"), row["ended_at"] or row["started_at"], problems)
    try:
        row["transfers"] = int(given.get("transfers") or 0)
    except (TypeError, ValueError):
        problems.append("transfers is not a whole number")
    if row["started_at"] and row["ended_at"] and row["ended_at"] < row["started_at"]:
        problems.append("ended_at is before started_at")
    return row, problems


def _intents(value: Any, problems: list[str]) -> list[str]:
    if isinstance(value, str) and value.startswith("["):
        try:
            value = json.loads(value)
        except ValueError:
            problems.append("intents is not a JSON list")
            return []
    if isinstance(value, str):
        return [word.strip() for word in value.split(";") if word.strip()]
    if value is None or (isinstance(value, list) and all(isinstance(v, str) for v in value)):
        return list(value or [])
    problems.append("intents is not a list of texts")
    return []


def _survey(value: Any, at: datetime | None, problems: list[str]) -> tuple[SurveyAnswer, ...]:
    """Answers as an export has them: `{"csat": {"answer": "4", "scale": "1-5", "direction": "up", "mode": "voice"}}`."""
    if isinstance(value, str) and value:
        try:
            value = json.loads(value)
        except ValueError:
            problems.append("survey is not a JSON object")
            return ()
    if value in (None, ""):
        return ()
    parts = ("answer", "scale", "direction", "mode")
    if not isinstance(value, dict) or not all(
        isinstance(answer, dict) and set(answer) <= set(parts) for answer in value.values()
    ):
        problems.append('survey is not an object of answers such as {"csat": {"answer": "4", "scale": "1-5"}}')
        return ()
    answers = []
    for question, answer in value.items():
        texts = {name: None if answer.get(name) in (None, "") else str(answer[name]) for name in parts}
        if len(question) > 80 or any(len(text or "") > 80 for text in texts.values()):
            problems.append("survey holds something longer than 80 characters")
        answers.append(SurveyAnswer(question, **texts, at=at or EPOCH))
    return tuple(answers)


def _yes_no(name: str, value: Any, problems: list[str]) -> bool | None:
    if value in (None, ""):
        return None
    if value in (True, "true", "True"):
        return True
    if value in (False, "false", "False"):
        return False
    problems.append(f"{name} is neither true nor false")
    return None


def import_calls(store: Store, text: str, form: str, now: datetime) -> Imported:
    """Take in a file. Calls that are known already are replaced where they were imported, and refused where they were taken here."""
    rows, bad = read_rows(text, form)
    if bad:
        return Imported(0, tuple(bad))
    with store.writing(REPORT_SECONDS * 10) as connection:
        own: list[str] = []
        for start in range(0, len(rows), 900):
            ids = [row["call_id"] for row in rows[start : start + 900]]
            own += connection.scalars(sa.select(calls.c.call_id).where(calls.c.call_id.in_(ids), calls.c.imported == 0))
        if own:
            return Imported(
                0,
                tuple(
                    BadRow(0, f"call {call_id} was taken by this system: its record comes from its journal")
                    for call_id in own[:MOST_PROBLEMS]
                ),
            )
        _forget(connection, [row["call_id"] for row in rows])
        parts = [_parts(store, row) for row in rows]
        for table in (calls, legs, visits, issues, surveys):
            written = [line for part in parts for line in part[table]]
            for start in range(0, len(written), _AT_ONCE):
                connection.execute(table.insert(), written[start : start + _AT_ONCE])
        # Repeats are looked for when all rows are there: a file need not be in order, and may hold the repeat of a call taken here.
        given = {row["call_id"] for row in rows}  # each of these looks for its own repeat
        for row, part in zip(rows, parts, strict=True):
            call_id, person = row["call_id"], part[calls][0]["person"]
            concerned = set(earlier(connection, call_id, person, row["started_at"])) - given
            times = [row["started_at"], *([row["queued_at"]] if row["queued_at"] else [])]
            settle(store, connection, call_id, row["contact_id"] or call_id, now, also=concerned, times=times)
    return Imported(len(rows))


def _forget(connection: sa.Connection, call_ids: list[str]) -> None:
    """Take away what was imported under these ids before; the half-hours it counted in are computed again."""
    for start in range(0, len(call_ids), _AT_ONCE):
        ids = call_ids[start : start + _AT_ONCE]
        mark_dirty(connection, connection.scalars(sa.select(calls.c.started_at).where(calls.c.call_id.in_(ids))))
        for table in (calls, legs, visits, issues, surveys):
            connection.execute(table.delete().where(table.c.call_id.in_(ids)))


def _parts(store: Store, row: dict[str, Any]) -> dict[sa.Table, list[dict[str, Any]]]:
    """A row as lines of the tables: one call, and its leg, stay, issues and survey answers where it had any."""
    call_id = row["call_id"]
    contact_id = row["contact_id"] or call_id
    handle = round(row["talk_seconds"] + row["hold_seconds"] + row["wrap_up_seconds"], 3)
    person = f"customer:{row['customer_id']}" if row["customer_id"] else None
    if person is None and row["from_number"] and row["from_number"] not in store.rules.shared_numbers:
        person = f"number:{row['from_number']}"
    topics = {store.rules.topics.get(i, i): i for i in reversed(row["intents"]) if i not in store.rules.not_issues}
    ended_at = row["ended_at"] or row["started_at"] + timedelta(
        seconds=row["menu_seconds"] + row["queue_seconds"] + row["talk_seconds"] + row["hold_seconds"]
    )
    agent = row["agent"]
    values = {
        **{name: row[name] for name in (*_TEXTS, *_TIMES, *_SECONDS, "call_id", "outcome", "intents", "resolved", "transfers")},
        "contact_id": contact_id, "direction": row["direction"] or "inbound", "is_contact": int(contact_id == call_id), "caller_kind": "phone" if row["from_number"] else "withheld",
        "person": person, "intent": next(iter(reversed(topics.values())), None), "ended_at": ended_at, "handle_seconds": handle, "handled": int(bool(agent)),
        "legs_handled": int(bool(agent)), "transferred_inside": int(row["transfers"] > 0), "abandoned_where": _ABANDONED.get(row["outcome"]),
        "asked": int(bool(row["intents"] or row["queue"] or agent)), "fcr_state": "provisional", "imported": 1, "updated_at": store.clock(),
    }  # fmt: skip
    values.update(survey_columns(row["survey"]), survey_offered=int(bool(row["survey"])))
    parts: dict[sa.Table, list[dict[str, Any]]] = {calls: [values], legs: [], visits: []}
    parts[surveys] = [{"call_id": call_id, "n": n, **vars(a)} for n, a in enumerate(row["survey"], 1)]
    part = {"call_id": call_id, "started_at": row["started_at"]}
    if agent:
        answered_at = row["answered_at"] or row["started_at"].astimezone(UTC) + timedelta(
            seconds=row["menu_seconds"] + row["queue_seconds"]
        )
        seconds = {name: row[name] for name in ("ring_seconds", "talk_seconds", "hold_seconds", "wrap_up_seconds")}
        parts[legs].append(
            {
                **part,
                "n": 1,
                "agent": agent,
                "team": row["team"],
                "queue": row["queue"],
                "answered_at": answered_at,
                "ended_at": ended_at,
                "handle_seconds": handle,
                "resolved": row["resolved"],
                **seconds,
            },
        )
    if row["queue"] and row["queued_at"]:
        result = (
            "answered"
            if agent
            else {
                "abandoned_in_queue": "abandoned",
                "abandoned_while_ringing": "abandoned",
                "callback_requested": "callback",
            }.get(row["outcome"], "diverted")
        )
        left = row["queued_at"] + timedelta(seconds=row["queue_seconds"])
        parts[visits].append(
            {
                **part,
                "n": 1,
                "queue": row["queue"],
                "queued_at": row["queued_at"],
                "ended_at": left,
                "waited_seconds": row["queue_seconds"],
                "result": result,
            },
        )
    counted = person if contact_id == call_id and values["direction"] == "inbound" else None
    found = [
        {
            **part,
            "topic": t,
            "entity": (row["entity"] or "").casefold(),
            "intent": i,
            "person": counted,
            "contact_id": contact_id,
            "ended_at": ended_at,
        }
        for t, i in topics.items()
    ]
    if not found and row["queue"]:
        found = [
            {
                **part,
                "topic": f"queue:{row['queue']}",
                "entity": "",
                "intent": "",
                "person": counted,
                "contact_id": contact_id,
                "ended_at": ended_at,
            }
        ]
    parts[issues] = found
    return parts
