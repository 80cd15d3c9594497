"""An imported row as lines of the tables, in the values that databases keep: one call, and its leg, stay, issues and survey answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ivr.records.columns import to_micros
from ivr.records.fcr import exclusion, judge
from ivr.records.import_reading import SECONDS, TEXTS
from ivr.records.record import Rules
from ivr.records.saving import survey_columns
from ivr.records.tables import calls, issues, legs, surveys, visits

_SURVEYED = ("survey", "csat", "nps", "ces", "survey_resolved")
CALL_COLUMNS = (
    *TEXTS, "call_id", "outcome", "transfers", "resolved", "intents", "started_at", "queued_at", "answered_at", "ended_at", *SECONDS, "is_contact",
    "caller_kind", "person", "intent", "handle_seconds", "handled", "legs_handled", "transferred_inside", "abandoned_where", "asked", "survey_offered",
    *_SURVEYED, "contact_handled", "contact_handle_seconds", "fcr", "fcr_state", "fcr_excluded", "fcr_decided_at", "imported", "updated_at",
)  # fmt: skip
COLUMNS: dict[sa.Table, tuple[str, ...]] = {
    calls: CALL_COLUMNS,
    legs: ("call_id", "n", "started_at", "agent", "team", "queue", "answered_at", "ended_at", "handle_seconds", "resolved", "ring_seconds", "talk_seconds", "hold_seconds", "wrap_up_seconds"),
    visits: ("call_id", "n", "started_at", "queue", "queued_at", "ended_at", "waited_seconds", "result"),
    surveys: ("call_id", "n", "at", "question", "scale", "direction", "answer", "mode"),
    issues: ("call_id", "topic", "entity", "intent", "person", "contact_id", "started_at", "ended_at"),
}  # fmt: skip
UPDATED_AT = CALL_COLUMNS.index("updated_at")
_ABANDONED = {"abandoned_in_menu": "menu", "abandoned_in_queue": "queue", "abandoned_while_ringing": "ringing"}
_STAYS = {"abandoned_in_queue": "abandoned", "abandoned_while_ringing": "abandoned", "callback_requested": "callback"}
Lines = list[list[Any]]


def person_of(row: dict[str, Any], rules: Rules) -> str | None:
    """Who called, as figures count people; None for nobody in particular."""
    if row["customer_id"]:
        return f"customer:{row['customer_id']}"
    number = row["from_number"]
    return f"number:{number}" if number and number not in rules.shared_numbers else None


def end_of(row: dict[str, Any]) -> datetime:
    """When the call was over: what the row says, else its start and all its seconds."""
    if row["ended_at"]:
        return row["ended_at"]  # type: ignore[no-any-return]
    seconds = row["menu_seconds"] + row["queue_seconds"] + row["talk_seconds"] + row["hold_seconds"]
    return row["started_at"] + timedelta(seconds=seconds)  # type: ignore[no-any-return]


def parts_of(row: dict[str, Any], rules: Rules, now: datetime) -> list[Lines]:
    """The row's lines of each table of COLUMNS, in that order. The verdict is that of a contact which nobody repeated."""
    call_id, person, ended = row["call_id"], person_of(row, rules), end_of(row)
    contact_id = row["contact_id"] or call_id
    is_contact = contact_id == call_id
    agent, queue = row["agent"], row["queue"]
    handle = round(row["talk_seconds"] + row["hold_seconds"] + row["wrap_up_seconds"], 3)
    handled = int(bool(agent))
    topics = {rules.topics.get(i, i): i for i in reversed(row["intents"]) if i not in rules.not_issues}
    starts, ends, queued = to_micros(row["started_at"]), to_micros(ended), _micros(row["queued_at"])
    told = survey_columns(row["survey"]) if row["survey"] else dict.fromkeys(_SURVEYED)
    values: dict[str, Any] = {
        **row,
        "contact_id": contact_id,
        "direction": row["direction"] or "inbound",
        "intents": json.dumps(row["intents"], separators=(",", ":"), ensure_ascii=False),
        "started_at": starts,
        "queued_at": queued,
        "answered_at": _micros(row["answered_at"]),
        "ended_at": ends,
        "is_contact": int(is_contact),
        "caller_kind": "phone" if row["from_number"] else "withheld",
        "person": person,
        "intent": next(iter(reversed(topics.values())), None),
        "handle_seconds": handle,
        "handled": handled,
        "legs_handled": handled,
        "transferred_inside": int(row["transfers"] > 0),
        "abandoned_where": _ABANDONED.get(row["outcome"]),
        "asked": int(bool(row["intents"] or queue or agent)),
        "survey_offered": int(bool(row["survey"])),
        **told,
        "contact_handled": handled if is_contact else 0,
        "contact_handle_seconds": handle if is_contact else 0.0,
        "imported": 1,
        "updated_at": None,
    }
    known = {**values, "ended_at": ended, "repeat_seconds": None}
    verdict = judge(known, exclusion(known, rules.shared_numbers), now, rules.window_seconds)
    values.update(
        fcr=verdict.fcr, fcr_state=verdict.state, fcr_excluded=verdict.excluded, fcr_decided_at=_micros(verdict.decided_at)
    )
    if told["survey"] is not None:
        values["survey"] = json.dumps(told["survey"], separators=(",", ":"), ensure_ascii=False, sort_keys=True)
    return [
        [[values[name] for name in CALL_COLUMNS]],
        _legs(row, starts, ends, handle),
        _visits(row, starts, queued),
        [
            [call_id, n, to_micros(a.at), a.question, a.scale, a.direction, a.answer, a.mode]
            for n, a in enumerate(row["survey"], 1)
        ],
        _issues(row, topics, person if is_contact and values["direction"] == "inbound" else None, contact_id, (starts, ends)),
    ]


def _legs(row: dict[str, Any], starts: int, ends: int, handle: float) -> Lines:
    if not row["agent"]:
        return []
    answered = row["answered_at"] or row["started_at"] + timedelta(seconds=row["menu_seconds"] + row["queue_seconds"])
    seconds = [row[name] for name in ("ring_seconds", "talk_seconds", "hold_seconds", "wrap_up_seconds")]
    head = [row["call_id"], 1, starts, row["agent"], row["team"], row["queue"]]
    return [[*head, to_micros(answered.astimezone(UTC)), ends, handle, row["resolved"], *seconds]]


def _visits(row: dict[str, Any], starts: int, queued: int | None) -> Lines:
    if not row["queue"] or queued is None:
        return []
    result = "answered" if row["agent"] else _STAYS.get(row["outcome"], "diverted")
    left = queued + round(row["queue_seconds"] * 1_000_000)
    return [[row["call_id"], 1, starts, row["queue"], queued, left, row["queue_seconds"], result]]


def _issues(row: dict[str, Any], topics: dict[str, str], counted: str | None, contact_id: str, span: Sequence[int]) -> Lines:
    entity = (row["entity"] or "").casefold()
    tail = [counted, contact_id, *span]
    found = [[row["call_id"], topic, entity, intent, *tail] for topic, intent in topics.items()]
    if not found and row["queue"]:
        found = [[row["call_id"], f"queue:{row['queue']}", "", "", *tail]]
    return found


def _micros(at: datetime | None) -> int | None:
    return None if at is None else to_micros(at)
