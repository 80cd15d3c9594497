"""Values typed on a keypad: digits with their kind's own reading. None where the keys are no such value."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time
from typing import Any

from ivr.keypad import keys_for


def typed_value(kind: str, digits: str, length: int | None, today: date, known: Sequence[str] = ()) -> Any:
    """The value of `kind` that `digits` stand for: plain JSON, as speech gives it too.

    digits, postcode: as typed. alnum: the one of the caller's own codes (`known`) whose letters lie on these keys, so that 2123 is
    A123; else as typed. number: a whole number. money: pounds and pence apart by *, else whole. date: DDMM (the next such
    day) or DDMMYYYY, as ISO. time: HHMM, as HH:MM. moment: a time, or DDMM and HHMM, as ISO day and time. yes_no: 1 or 2. Names, e-mail addresses and text cannot be typed.
    """
    plain = digits.isascii() and digits.isdigit()
    if kind in ("digits", "postcode"):
        return digits if plain and (length is None or len(digits) == length) else None
    if kind == "alnum":
        own = [value for value in known if keys_for(value) == digits]
        return own[0] if len(own) == 1 else digits if plain and (length is None or len(digits) == length) else None
    if kind == "number":
        return int(digits) if plain and len(digits) <= 15 else None
    if kind == "money":
        whole, star, part = digits.partition("*")
        if not (whole.isdigit() and len(whole) <= 9) or (star and not (part.isdigit() and len(part) <= 2)):
            return None
        return f"{int(whole)}.{part.ljust(2, '0')}" if star else f"{int(whole)}.00"
    if kind == "date" and plain:
        return _date(digits, today)
    if kind == "moment" and plain and len(digits) == 8:
        day, clock = _date(digits[:4], today), _time(digits[4:])
        return f"{day}T{clock}" if day and clock else None
    if kind in ("time", "moment") and plain and len(digits) in (3, 4):
        return _time(digits)
    if kind == "yes_no":
        return {"1": True, "2": False}.get(digits)
    return None


def _time(digits: str) -> str | None:
    hour, minute = int(digits[:-2]), int(digits[-2:])
    return time(hour, minute).strftime("%H:%M") if hour < 24 and minute < 60 else None


def _date(digits: str, today: date) -> str | None:
    day, month = int(digits[:2] or 0), int(digits[2:4] or 0)
    try:
        if len(digits) == 8:
            return date(int(digits[4:]), month, day).isoformat()
        if len(digits) == 4:
            this_year = date(today.year, month, day)
            return (this_year if this_year >= today else date(today.year + 1, month, day)).isoformat()
    except ValueError:
        return None
    return None
