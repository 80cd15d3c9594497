"""A call's row as others see it: JSON values, masked numbers, flat cells."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ivr.records.record import BASIS_FIELDS, EXTRA_FIELDS, RECORD_FIELDS

LEG_FIELDS = (
    "leg_id", "agent", "team", "queue", "answered_at", "ended_at", "ring_seconds", "talk_seconds", "hold_seconds", "wrap_up_seconds", "handle_seconds",
    "wrap_up_capped", "wrap_up_pending", "ended", "disposition", "resolved",
)  # fmt: skip
VISIT_FIELDS = ("queue", "queued_at", "ended_at", "waited_seconds", "result", "cause")
FLAT_FIELDS = RECORD_FIELDS + EXTRA_FIELDS
_FLAGS = frozenset({"wrap_up_pending", "wrap_up_capped", "corrected", "by_callback", "transferred_inside", "self_service", "goal_confirmed", "survey_offered"})  # fmt: skip
_NUMBERS = frozenset({"from_number", "to_number"})
# What a spreadsheet takes for a formula; the full-width forms are turned into the plain ones by some of them.
_FORMULA = frozenset("=+-@\t\r\n＝＋－＠")


def rfc3339(at: datetime) -> str:
    """UTC with a Z, microseconds only where there are any."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def mask_number(number: str | None) -> str | None:
    """A number with only its ends readable: +44…9012."""
    if not number or len(number) < 8:
        return "…" if number else number
    return f"{number[:3]}…{number[-4:]}"


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    return rfc3339(value) if isinstance(value, datetime) else value


def _field(row: Mapping[str, Any], name: str, masked: bool) -> Any:
    value = row[name]
    if name in _FLAGS:
        return bool(value)
    if masked and name in _NUMBERS:
        return mask_number(value)
    if masked and name == "customer_name" and value:
        return "…"
    return plain(value)


def _basis(row: Mapping[str, Any]) -> dict[str, Any]:
    """What figures go by besides the fields. `handled` is of the contact: an agent talked with the caller, in this call or when calling back."""
    return {name: bool(row["contact_handled"]) if name == "handled" else _field(row, name, False) for name in BASIS_FIELDS}


def public_row(row: Mapping[str, Any], *, masked: bool) -> dict[str, Any]:
    """A row of `calls`, with `legs` and `visits` where the row carries them. `masked`: for readers who may not see numbers and names."""
    shown = {name: _field(row, name, masked) for name in RECORD_FIELDS}
    if "legs" in row:
        shown["legs"] = [{name: _field(leg, name, masked) for name in LEG_FIELDS} for leg in row["legs"]]
        shown["outside_talks"] = row["outside_talks"] or []
    if "visits" in row:
        shown["queue_visits"] = [{name: plain(visit[name]) for name in VISIT_FIELDS} for visit in row["visits"]]
    shown.update({name: _field(row, name, masked) for name in EXTRA_FIELDS})
    shown["basis"] = _basis(row)
    return shown


def digits(value: float) -> str:
    """A figure in full, to a millionth: sums of a month have more digits than the short forms of numbers show."""
    return f"{value:.6f}".rstrip("0").rstrip(".")


def csv_cell(value: Any) -> str:
    """A cell that no spreadsheet runs: text that starts like a formula (phone numbers do) gets an apostrophe in front."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    if isinstance(value, int):
        return str(value)
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":")) if isinstance(value, list | dict) else str(value)
    text = text.replace("\x00", "")
    return "'" + text if text[:1] in _FORMULA or text.lstrip()[:1] in _FORMULA else text
