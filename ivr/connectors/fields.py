"""Fields of what a connector finds: text from outside becomes a typed, plain JSON value, or nothing.

text      at most 500 characters, without control characters
digits    digits only, kept as text (order numbers)
number    int or float
money     decimal text with two places ("41.90")
date      ISO date ("2026-11-24"); tables may write today, today+2, today-3
time      ISO local time or moment ("17:30", "2026-11-24T17:30:00+00:00")
yes_no    bool
list      texts, separated by commas in tables
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

LONGEST_TEXT = 500
MOST_ITEMS = 50
_RELATIVE = re.compile(r"today(?:([+-]\d{1,4}))?")
_YES = frozenset({"yes", "true", "1", "y"})
_NO = frozenset({"no", "false", "0", "n"})


def read_field(kind: str, value: Any, today: date | None = None) -> Any:
    """The value as `kind`, or None where it is empty or not of that kind. `today` makes relative dates work."""
    if value is None or isinstance(value, (dict, bytes)):
        return None
    if kind == "list":
        items = value if isinstance(value, list) else str(value).split(",")
        return [text for item in items[:MOST_ITEMS] if (text := _text(item))]
    if isinstance(value, list):
        return None
    if kind == "yes_no":
        word = str(value).strip().lower()
        return True if word in _YES else False if word in _NO else None
    if kind == "date":
        return _date(value, today)
    if kind == "time":
        return _time(value)
    text = _text(value)
    if text is None:
        return None
    if kind == "digits":
        return text if text.isascii() and text.isdigit() else None
    if kind in ("number", "money"):
        return _number(kind, text)
    return text


def _text(value: Any) -> str | None:
    text = "".join(c if c.isprintable() else " " for c in str(value)[:LONGEST_TEXT]).strip()
    return text or None


def _number(kind: str, text: str) -> Any:
    try:
        number = Decimal(text.replace(",", "") if re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d+)?", text) else text)
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number) >= 10**15:
        return None
    if kind == "money":
        return f"{number:.2f}"
    return int(number) if number == number.to_integral_value() else float(number)


def _date(value: Any, today: date | None) -> str | None:
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    text = str(value).strip()
    relative = _RELATIVE.fullmatch(text)
    if relative:
        return (today + timedelta(days=int(relative[1] or 0))).isoformat() if today else None
    try:
        return date.fromisoformat(text[:10]).isoformat() if re.match(r"\d{4}-\d{2}-\d{2}", text) else None
    except ValueError:
        return None


def _time(value: Any) -> str | None:
    if isinstance(value, (datetime, time)):
        return value.isoformat()
    text = str(value).strip()
    for reader in (time.fromisoformat, datetime.fromisoformat):
        try:
            return reader(text).isoformat() if len(text) <= 40 else None
        except ValueError:
            continue
    return None
