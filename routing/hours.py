"""Opening hours: weekly times, holidays and one-off overrides in a time zone. Pure; the moment comes from the caller.

Times are wall-clock times of the zone. When clocks go back, a time that happens twice is open both times; when they go
forward, the hour that does not happen is simply absent, and a span that starts inside it starts at the change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
_EAST_MOST = timedelta(hours=15)  # further ahead of UTC than any zone
_LOOK_AHEAD_DAYS = 400  # a year's closure is found; beyond that "no known change" is the honest answer


@dataclass(frozen=True)
class Span:
    """Open from `start` until `end` (exclusive), wall-clock. `end` at or before `start` runs past midnight; equal means 24 hours."""

    start: time
    end: time

    def minutes(self) -> float:
        """Length in wall-clock minutes."""
        length = (self.end.hour * 60 + self.end.minute) - (self.start.hour * 60 + self.start.minute)
        return length if length > 0 else length + 24 * 60


ALL_DAY = Span(time(0), time(0))


@dataclass(frozen=True)
class Override:
    """On the days `first`..`last` (inclusive) these spans replace the weekly times; no spans: closed."""

    first: date
    last: date
    spans: tuple[Span, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class Hours:
    """When a queue is open. Precedence: override, then dated holiday, then public holiday (closed), then the weekly times.

    `week` maps 0 (Monday) .. 6 to spans; a day that is missing is closed. `dates` are holidays with their own spans (empty:
    closed). `country` and `subdivision` (ISO 3166) close on public holidays. A span past midnight belongs to the day it starts on.
    """

    name: str = "always"
    zone: str = "UTC"
    week: Mapping[int, tuple[Span, ...]] = field(default_factory=dict)
    dates: Mapping[date, tuple[Span, ...]] = field(default_factory=dict)
    overrides: tuple[Override, ...] = ()
    country: str | None = None
    subdivision: str | None = None

    def spans_on(self, day: date) -> tuple[Span, ...]:
        """The spans that start on `day`."""
        for override in reversed(self.overrides):  # the latest written wins where two overlap (lint names the overlap)
            if override.first <= day <= override.last:
                return override.spans
        if day in self.dates:
            return self.dates[day]
        if self.country and holiday_name(self.country, self.subdivision, day):
            return ()
        return self.week.get(day.weekday(), ())

    def why_closed(self, moment: datetime) -> str | None:
        """Why it is closed at `moment` (override's reason, holiday's name, "out of hours"), or None where it is open."""
        if self.open_at(moment):
            return None
        day = moment.astimezone(ZoneInfo(self.zone)).date()
        for override in reversed(self.overrides):
            if override.first <= day <= override.last:
                return override.reason or "override"
        if day in self.dates and not self.dates[day]:
            return "holiday"
        if day not in self.dates and self.country:
            return holiday_name(self.country, self.subdivision, day) or "out of hours"
        return "out of hours"

    def open_at(self, moment: datetime) -> bool:
        """Whether it is open at `moment` (aware)."""
        local = moment.astimezone(ZoneInfo(self.zone))
        wall, today = local.time().replace(tzinfo=None), local.date()
        for span in self.spans_on(today):
            if span.start <= wall and (wall < span.end or span.end <= span.start):
                return True
        return any(span.end <= span.start and wall < span.end for span in self.spans_on(today - DAY))

    def next_change(self, moment: datetime) -> tuple[datetime, bool] | None:
        """The next moment (UTC) at which it opens (True) or closes (False); None where nothing changes within 400 days."""
        zone = ZoneInfo(self.zone)
        now_open = self.open_at(moment)
        local_day = moment.astimezone(zone).date()
        pending: set[datetime] = set()
        for offset in range(-1, _LOOK_AHEAD_DAYS):
            day = local_day + offset * DAY
            for span in self.spans_on(day):
                last = day + DAY if span.end <= span.start else day
                pending.update(_moments(day, span.start, zone))
                pending.update(_moments(last, span.end, zone))
            # a wall-clock span can also open or close because clocks go back into or out of it
            pending.update(_changes_on(day, zone))
            # no later day has edges before this moment, wherever the zone lies
            settled = sorted(edge for edge in pending if edge <= datetime.combine(day + DAY, time(0), UTC) - _EAST_MOST)
            for edge in settled:
                if edge > moment and self.open_at(edge) != now_open:
                    return edge.astimezone(UTC), not now_open
            pending.difference_update(settled)
        return None

    def next_opening(self, moment: datetime) -> datetime | None:
        """`moment` itself where it is open, else when it opens next (UTC), or None where that is not known."""
        if self.open_at(moment):
            return moment.astimezone(UTC)
        change = self.next_change(moment)
        return change[0] if change else None


def always() -> Hours:
    """Open at all times."""
    return Hours(week=dict.fromkeys(range(7), (ALL_DAY,)))


def _moments(day: date, wall: time, zone: ZoneInfo) -> list[datetime]:
    """The moments (UTC) at which the wall clock shows `wall`: one, two when clocks go back, the change itself when it is skipped."""
    found = []
    for fold in (0, 1):
        moment = datetime.combine(day, wall, zone).replace(fold=fold).astimezone(UTC)
        if moment.astimezone(zone).replace(tzinfo=None) == datetime.combine(day, wall):
            found.append(moment)
    return found or _changes_on(day, zone)


@lru_cache(maxsize=4096)
def _zone_changes(day: date, zone_name: str) -> tuple[datetime, ...]:
    zone = ZoneInfo(zone_name)
    start = datetime.combine(day, time(0), UTC) - _EAST_MOST
    found = []
    for half_hours in range(108):
        left, right = start + timedelta(minutes=30 * half_hours), start + timedelta(minutes=30 * (half_hours + 1))
        if left.astimezone(zone).utcoffset() != right.astimezone(zone).utcoffset():
            while right - left > timedelta(seconds=1):
                middle = left + (right - left) / 2
                if middle.astimezone(zone).utcoffset() == left.astimezone(zone).utcoffset():
                    left = middle
                else:
                    right = middle
            found.append(right.replace(microsecond=0))
    return tuple(found)


def _changes_on(day: date, zone: ZoneInfo) -> list[datetime]:
    """Clock changes (UTC) on or around `day`."""
    return list(_zone_changes(day, zone.key))


@lru_cache(maxsize=64)
def _calendar(country: str, subdivision: str | None, year: int) -> Mapping[date, str]:
    import holidays  # 60 ms: only lines that close on public holidays pay for it

    calendar: Mapping[date, str] = holidays.country_holidays(country, subdiv=subdivision, years=year)
    return calendar


def holiday_name(country: str, subdivision: str | None, day: date) -> str | None:
    """The public holiday's name on `day`, or None. Raises ValueError for a country or subdivision that is not known."""
    try:
        return _calendar(country, subdivision, day.year).get(day)
    except NotImplementedError as error:
        place = country if subdivision is None else f"{country}-{subdivision}"
        raise ValueError(f"no public holidays are known for {place!r}; use two-letter codes such as GB, ES, US") from error
