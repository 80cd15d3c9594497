"""Reading history from other systems line by line: a CSV line or an NDJSON object with a record's fields (docs/api.md)."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TextIO

from ivr.records.columns import EPOCH
from ivr.records.parameters import BadQuery, read_time, read_zone
from ivr.records.record import LONGEST_CALL_SECONDS, RECORD_FIELDS, Outcome, SurveyAnswer

REQUIRED = ("call_id", "started_at", "outcome")
TIMES = ("started_at", "queued_at", "answered_at", "ended_at")
SECONDS = ("menu_seconds", "queue_seconds", "ring_seconds", "talk_seconds", "hold_seconds", "wrap_up_seconds")
TEXTS = (
    "contact_id", "direction", "from_number", "to_number", "customer_id", "customer_name", "language", "flow", "revision", "queue", "agent", "ended_by",
    "disposition", "segment", "team", "entity",
)  # fmt: skip
# Computed here, or about figures: taken in an export's header, not read.
_IGNORED = frozenset((*RECORD_FIELDS, "fcr_excluded", "repeat_call_id", "repeat_seconds", "intent", "model", "abandoned_where", "attestation", "contact_handle_seconds", "wrap_up_pending", "corrected", "updated_at", "legs", "outside_talks", "queue_visits", "basis"))  # fmt: skip
_KNOWN = _IGNORED.union(TEXTS)
_OUTCOMES = frozenset(Outcome)
_LONGEST_LINE = 1_000_000
_UTC = read_zone("UTC")


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be taken: its line in the file, and why."""

    line: int
    why: str


@dataclass(frozen=True)
class GoodRow:
    """A row ready to be taken; times are aware, durations seconds."""

    line: int
    values: dict[str, Any]


def read_rows(source: TextIO, form: str) -> Iterator[GoodRow | BadRow]:
    """What each line holds, or each thing that is wrong with it. `form`: "csv" or "ndjson". Memory does not grow with the file."""
    for line, given in (_objects if form == "ndjson" else _cells)(source):
        if isinstance(given, str):
            yield BadRow(line, given)
            continue
        values, problems = _read(given)
        if problems:
            yield from (BadRow(line, why) for why in problems)
        else:
            yield GoodRow(line, values)


def _lines(source: TextIO) -> Iterator[str]:
    """Lines of a bounded length. Raises ValueError for a longer one, and where the file is no UTF-8."""
    first = True
    while line := source.readline(_LONGEST_LINE):
        if len(line) == _LONGEST_LINE and not line.endswith("\n"):
            raise ValueError(f"the line is longer than {_LONGEST_LINE:,} characters")
        yield line.lstrip("\ufeff") if first else line
        first = False


def _objects(source: TextIO) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    number = 0
    try:
        for number, line in enumerate(_lines(source), 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                yield number, f"the line is not JSON: {error}"
                continue
            if not isinstance(row, dict):
                yield number, "the line is not a JSON object"
                continue
            unknown = next((name for name in row if name not in _KNOWN), None)
            yield number, row if unknown is None else f'"{unknown[:40]}" is not a field of a record'
    except ValueError as error:  # UnicodeDecodeError is one
        yield number + 1, f"nothing can be read from here on: {error}"


def _cells(source: TextIO) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    reader = csv.reader(_lines(source))
    header: list[str] | None = None
    try:
        for row in reader:
            if not row:
                continue
            if header is None:
                header = row
                unknown = [name for name in row if name not in _KNOWN]
                for name in unknown:
                    yield reader.line_num, f'"{name[:40]}" is not a field of a record'
            elif len(row) != len(header):
                yield reader.line_num, "the line has not as many cells as the header"
            else:
                # The export puts an apostrophe before what a spreadsheet would take for a formula.
                yield (
                    reader.line_num,
                    {name: value[1:] if value[0] == "'" else value for name, value in zip(header, row, strict=True) if value},
                )
    except csv.Error as error:
        yield reader.line_num, f"nothing can be read from here on: {error}"
    except ValueError as error:
        yield reader.line_num + 1, f"nothing can be read from here on: {error}"


def _read(given: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    problems: list[str] = []
    row: dict[str, Any] = {}
    get = given.get
    for name in REQUIRED:
        if get(name) in (None, ""):
            problems.append(f"{name} is missing")
    for name in TEXTS:
        value = get(name)
        if value is None or value == "":
            row[name] = None
            continue
        row[name] = text = str(value)
        if len(text) > 500:
            problems.append(f"{name} is longer than 500 characters")
    for name in TIMES:
        row[name] = _time(name, get(name), problems)
    for name in SECONDS:
        value = get(name) or 0.0
        try:
            row[name] = seconds = float(value)
        except (TypeError, ValueError):
            row[name] = seconds = -1.0
        if not 0 <= seconds <= LONGEST_CALL_SECONDS:
            problems.append(f'{name} "{str(value)[:20]}" is not a number of seconds')
    row["call_id"] = str(get("call_id") or "")[:200]
    row["outcome"] = outcome = str(get("outcome") or "")
    if outcome and outcome not in _OUTCOMES:
        problems.append(f'outcome "{outcome[:40]}" is not one of {", ".join(Outcome)}')
    row["intents"] = _intents(get("intents"), problems)
    row["resolved"] = _yes_no("resolved", get("resolved"), problems)
    row["survey"] = _survey(get("survey"), row["ended_at"] or row["started_at"], problems)
    try:
        row["transfers"] = int(get("transfers") or 0)
    except (TypeError, ValueError):
        row["transfers"] = 0
        problems.append("transfers is not a whole number")
    if row["started_at"] and row["ended_at"] and row["ended_at"] < row["started_at"]:
        problems.append("ended_at is before started_at")
    return row, problems


def _time(name: str, value: Any, problems: list[str]) -> datetime | None:
    if value is None or value == "":
        return None
    text = str(value)
    try:
        at = datetime.fromisoformat(text)  # what an export holds; whatever else is a time is read more slowly
        if at.tzinfo is UTC and 1971 <= at.year <= 2999:
            return at
    except ValueError:
        pass
    try:
        return read_time(name, text, _UTC)
    except BadQuery as error:
        problems.append(str(error))
        return None


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
    if value in (None, ""):
        return ()
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            problems.append("survey is not a JSON object")
            return ()
        if value is None:
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
