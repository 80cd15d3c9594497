"""When people may be texted, and when they are asleep: by the wall clock of where their number belongs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

_WRITTEN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\s*-\s*([01]\d|2[0-4]):([0-5]\d)", re.ASCII)
_WHOLE_DAY = 24 * 60
_SHORTEST = 60  # minutes: what came due just after the closing is then asked within a day, also where clocks go back


@dataclass(frozen=True)
class Hours:
    """From `opens` until before `closes`, minutes since local midnight, every day of the week."""

    opens: int = 9 * 60
    closes: int = 20 * 60

    def opening(self, at: datetime, zone: ZoneInfo) -> datetime:
        """`at` itself where it lies within these hours of `zone`, else the moment at which they begin next, in UTC."""
        local = at.astimezone(zone)
        minute = local.hour * 60 + local.minute
        if self.opens <= minute < self.closes:
            return at
        day = local.date() if minute < self.opens else local.date() + timedelta(days=1)
        return datetime.combine(day, time(self.opens // 60, self.opens % 60), zone).astimezone(UTC)


def read_hours(text: str) -> Hours | None:
    """`09:00-20:00` as hours; 24:00 is the end of a day. None where it is no such span of an hour or more."""
    found = _WRITTEN.fullmatch(text)
    if found is None:
        return None
    opens, closes = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
    return Hours(opens, closes) if opens + _SHORTEST <= closes <= _WHOLE_DAY else None
