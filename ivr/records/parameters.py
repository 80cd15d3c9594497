"""Reading what somebody asks for: times, ranges, zones, names. Every refusal says what was expected."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from ivr.errors import RecordError

LONGEST_RANGE = timedelta(days=3700)


class BadQuery(RecordError):
    """A query cannot be answered as asked. `allowed` lists what may stand there, where that is a closed set."""

    def __init__(self, message: str, allowed: Sequence[str] = (), parameter: str = "") -> None:
        super().__init__(message + (f" Allowed: {', '.join(allowed)}." if allowed else ""))
        self.detail = message
        self.allowed = tuple(allowed)
        self.parameter = parameter


def nearest(name: str, allowed: Sequence[str]) -> str:
    """' Did you mean "x"?' for a name that is almost one of `allowed`, else nothing."""
    close = difflib.get_close_matches(name, allowed, 1)
    return f' Did you mean "{close[0]}"?' if close else ""


def read_zone(text: str | None) -> ZoneInfo:
    """A time zone by its IANA name; UTC by default. Raises BadQuery."""
    name = (text or "UTC").strip()
    if name not in available_timezones():
        raise BadQuery(f'tz "{name[:60]}" is not a time zone; give an IANA name such as Europe/Madrid', parameter="tz")
    return ZoneInfo(name)


_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def read_time(name: str, text: str, zone: ZoneInfo) -> datetime:
    """A date (midnight in `zone`) or an RFC 3339 time, as UTC. Raises BadQuery."""
    # A plus sign in a URL that nobody escaped arrives as a space.
    text = re.sub(r"(\d) (\d\d:?\d\d)$", r"\1+\2", text.strip())
    try:
        if _DAY.fullmatch(text):
            return datetime.combine(date.fromisoformat(text), datetime.min.time(), zone).astimezone(UTC)
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise BadQuery(f'{name} "{text[:40]}" has no zone: end it with Z or an offset such as +01:00', parameter=name)
        if not 1971 <= at.year <= 2999:
            raise ValueError
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadQuery(
            f'{name} "{text[:40]}" is not a time: give a date such as 2026-11-22, or 2026-11-22T08:00:00Z', parameter=name
        ) from None


def read_range(arguments: Mapping[str, Sequence[str]], zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
    """`from` and `to` out of request arguments: a half-open interval. Raises BadQuery for a reversed or unreasonably long one."""
    start, end = (read_time(name, arguments[name][0], zone) if arguments.get(name) else None for name in ("from", "to"))
    if start is not None and end is not None:
        if end <= start:
            raise BadQuery("`to` must be later than `from`: the interval is [from, to)", parameter="to")
        if end - start > LONGEST_RANGE:
            raise BadQuery(f"the interval is longer than {LONGEST_RANGE.days} days; pull it in parts", parameter="to")
    return start, end


def read_seconds(arguments: Mapping[str, Sequence[str]], name: str, default: float | None, most: float = 3600) -> float | None:
    """A number of seconds above 0 out of request arguments; `default` where it is not given. Raises BadQuery."""
    if not arguments.get(name):
        return default
    try:
        value = float(arguments[name][0])
    except ValueError:
        value = -1.0
    if not 0 < value <= most:
        raise BadQuery(f"{name} must be a number of seconds, above 0 and at most {most:g}", parameter=name)
    return value
