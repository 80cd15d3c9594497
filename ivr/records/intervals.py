"""Local time in SQL: which local hour, day, week or month an instant lies in, with clock changes right, on both engines.

A zone's offset is constant between two changes, and a report's range holds few of them: the offset becomes a CASE over the
instant, and everything else is whole-number arithmetic.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from ivr.records.columns import from_micros, to_micros
from ivr.records.rows import rfc3339

SECOND = 1_000_000
DAY = 86400 * SECOND
WIDTHS = {"quarter_hour": 900 * SECOND, "half_hour": 1800 * SECOND, "hour": 3600 * SECOND}
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
PERIODS = (*WIDTHS, "day", "week", "month", "weekday", "hour_of_day")


def offsets(zone: ZoneInfo, start: datetime, end: datetime) -> list[tuple[int, int]]:
    """`[(from_micros, offset_micros), …]`: the zone's offsets in [start, end), the first from `start` on."""

    def offset(at: datetime) -> timedelta:
        return at.astimezone(zone).utcoffset() or timedelta(0)

    found = [(to_micros(start), offset(start) // timedelta(microseconds=1))]
    step = timedelta(days=7)  # no zone changes twice within a week
    at = start
    while at < end:
        following = min(at + step, end)
        if offset(following) != offset(at):
            low, high = at, following
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) / 2
                low, high = (middle, high) if offset(middle) == offset(low) else (low, middle)
            change = high.replace(microsecond=0)
            found.append((to_micros(change), offset(high) // timedelta(microseconds=1)))
        at = following
    return found


def whole_half_hours(zone: ZoneInfo, start: datetime, end: datetime) -> bool:
    """True where every offset in the range is a multiple of 30 minutes, so that half-hours of UTC fit local ones."""
    return all(offset % WIDTHS["half_hour"] == 0 for _, offset in offsets(zone, start, end))


def period(name: str, micros: sa.ColumnElement[Any], zone: ZoneInfo, start: datetime, end: datetime) -> sa.ColumnElement[Any]:
    """A whole number that is equal for instants of the same period; `label` reads it."""
    changes = offsets(zone, start, end)
    offset: Any = sa.literal_column(str(changes[-1][1]))
    if len(changes) > 1:
        offset = sa.case(
            *((micros < since, sa.literal_column(str(before[1]))) for before, (since, _) in pairwise(changes)), else_=offset
        )
    local: sa.ColumnElement[Any] = micros + offset
    if name in WIDTHS:  # as an instant: the hour that comes twice in autumn is two hours
        start_of: sa.ColumnElement[Any] = _floor(local, WIDTHS[name]) - offset
        return start_of
    day: sa.ColumnElement[Any] = divide(local, DAY)
    if name == "day":
        return day
    if name == "week":
        return divide(day + 3, 7)
    if name == "weekday":
        return (day + 3) % 7
    if name == "hour_of_day":
        return divide(local, 3600 * SECOND) % 24
    months = _months(start.astimezone(zone), end.astimezone(zone))
    return sa.case(
        *((day < (first - datetime(1970, 1, 1, tzinfo=UTC)).days, sa.literal_column(str(n))) for first, n in months[1:]),
        else_=months[-1][1] + 1,
    )


def divide(value: sa.ColumnElement[Any], by: int) -> sa.ColumnElement[Any]:
    """Whole-number division, written out: SQLAlchemy's `//` would go through floating point on some engines."""
    return value.op("/", precedence=8)(sa.literal_column(str(by)))


def _floor(value: sa.ColumnElement[Any], width: int) -> sa.ColumnElement[Any]:
    return value - value % sa.literal_column(str(width))


def _months(start: datetime, end: datetime) -> list[tuple[datetime, int]]:
    """First days of the months from the one of `start` to the one after `end`, each with the number of the month before it."""
    found = []
    number = start.year * 12 + start.month - 1
    while number <= end.year * 12 + end.month:
        found.append((datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC), number - 1))
        number += 1
    return found


def label(name: str, value: int, zone: ZoneInfo) -> str:
    """A period as reports show it: "2026-10-25", "2026-W43", "2026-10", "monday", "14", or the local time it starts at."""
    if name in WIDTHS:
        local = from_micros(value).astimezone(zone)
        return rfc3339(local) if local.utcoffset() == timedelta(0) else local.isoformat()
    if name == "day":
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=value)).date().isoformat()
    if name == "week":
        year, week, _ = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=value * 7 - 3)).isocalendar()
        return f"{year}-W{week:02d}"
    if name == "month":
        return f"{value // 12:04d}-{value % 12 + 1:02d}"
    if name == "weekday":
        return WEEKDAYS[value]
    return f"{value:02d}"


def bounds(name: str, value: int, zone: ZoneInfo, start: datetime, end: datetime) -> tuple[datetime, datetime] | None:
    """The instants [from, to) of a period within [start, end); None for periods that come again (weekday, hour_of_day)."""
    if name in ("weekday", "hour_of_day"):
        return None
    if name in WIDTHS:
        first = from_micros(value)
        last = first + timedelta(microseconds=WIDTHS[name])
    elif name == "month":
        first, last = (datetime(n // 12, n % 12 + 1, 1, tzinfo=zone).astimezone(UTC) for n in (value, value + 1))
    else:
        days = (value, value + 1) if name == "day" else (value * 7 - 3, value * 7 + 4)
        first, last = (
            datetime.combine((date(1970, 1, 1) + timedelta(days=n)), datetime.min.time(), zone).astimezone(UTC) for n in days
        )
    return max(first, start), min(last, end)
