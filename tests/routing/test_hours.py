"""Opening hours against a table of moments, over clock changes, midnight, holidays and overrides, in a dozen time zones."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from routing.hours import Hours, Override, Span, always, holiday_name


def span(text: str) -> Span:
    start, end = text.split("-")
    return Span(time.fromisoformat(start), time.fromisoformat(end) if end != "24:00" else time(0))


def week(text: str) -> dict[int, tuple[Span, ...]]:
    return dict.fromkeys(range(7), tuple(span(part) for part in text.split()))


# Zone, daily hours, then (moment in UTC, open?). Written by hand from the zones' published changes.
CHANGES = [
    # London 2026-03-29 01:00Z: 01:00 -> 02:00. 2026-10-25 01:00Z: 02:00 -> 01:00.
    ("Europe/London", "01:30-03:00", [("2026-03-29T00:59", False), ("2026-03-29T01:00", True), ("2026-03-29T01:59", True), ("2026-03-29T02:00", False)]),
    ("Europe/London", "01:15-01:45", [("2026-03-29T00:50", False), ("2026-03-29T01:00", False), ("2026-03-29T01:20", False)]),
    ("Europe/London", "01:30-02:00", [("2026-10-25T00:29", False), ("2026-10-25T00:30", True), ("2026-10-25T00:59", True), ("2026-10-25T01:00", False),
                                       ("2026-10-25T01:29", False), ("2026-10-25T01:30", True), ("2026-10-25T01:59", True), ("2026-10-25T02:00", False)]),
    ("Europe/Madrid", "08:00-20:00", [("2026-03-28T06:59", False), ("2026-03-28T07:00", True), ("2026-03-29T05:59", False), ("2026-03-29T06:00", True),
                                       ("2026-03-29T17:59", True), ("2026-03-29T18:00", False), ("2026-10-25T06:59", False), ("2026-10-25T07:00", True)]),
    ("America/New_York", "09:00-17:00", [("2026-03-07T13:59", False), ("2026-03-07T14:00", True), ("2026-03-08T12:59", False), ("2026-03-08T13:00", True),
                                          ("2026-11-01T13:59", False), ("2026-11-01T14:00", True), ("2026-11-01T21:59", True), ("2026-11-01T22:00", False)]),
    ("America/New_York", "02:30-03:30", [("2026-03-08T06:59", False), ("2026-03-08T07:00", True), ("2026-03-08T07:29", True), ("2026-03-08T07:30", False)]),
    ("America/St_Johns", "00:00-00:30", [("2026-06-01T02:29", False), ("2026-06-01T02:30", True), ("2026-06-01T02:59", True), ("2026-06-01T03:00", False)]),
    ("America/Sao_Paulo", "08:00-18:00", [("2026-01-15T10:59", False), ("2026-01-15T11:00", True), ("2026-07-15T20:59", True), ("2026-07-15T21:00", False)]),
    ("Asia/Kolkata", "09:30-18:30", [("2026-05-05T03:59", False), ("2026-05-05T04:00", True), ("2026-05-05T12:59", True), ("2026-05-05T13:00", False)]),
    ("Asia/Kathmandu", "10:00-11:00", [("2026-05-05T04:14", False), ("2026-05-05T04:15", True), ("2026-05-05T05:14", True), ("2026-05-05T05:15", False)]),
    # Lord Howe changes by half an hour: 2026-04-04T15:00Z 02:00 -> 01:30, 2026-10-03T15:30Z 02:00 -> 02:30.
    ("Australia/Lord_Howe", "01:30-02:00", [("2026-04-04T14:29", False), ("2026-04-04T14:30", True), ("2026-04-04T14:59", True), ("2026-04-04T15:00", True),
                                             ("2026-04-04T15:29", True), ("2026-04-04T15:30", False)]),
    ("Australia/Lord_Howe", "02:15-03:00", [("2026-10-03T15:29", False), ("2026-10-03T15:30", True), ("2026-10-03T15:59", True), ("2026-10-03T16:00", False)]),
    ("Pacific/Auckland", "22:00-06:00", [("2026-04-03T08:59", False), ("2026-04-03T09:00", True), ("2026-04-04T17:59", True), ("2026-04-04T18:00", False),
                                          ("2026-09-26T17:00", False), ("2026-09-26T16:59", True)]),
    ("Pacific/Apia", "00:00-24:00", [("2026-01-01T00:00", True), ("2026-06-30T23:59", True)]),
    ("Africa/Casablanca", "09:00-10:00", [("2026-02-10T07:59", False), ("2026-02-10T08:00", True), ("2026-03-01T09:00", True), ("2026-03-01T08:30", False)]),
    ("UTC", "23:30-00:30", [("2026-02-28T23:29", False), ("2026-02-28T23:30", True), ("2026-03-01T00:29", True), ("2026-03-01T00:30", False),
                             ("2028-02-29T23:45", True), ("2028-03-01T00:15", True)]),
]  # fmt: skip
CASES = [(zone, hours, moment, expected) for zone, hours, moments in CHANGES for moment, expected in moments]

ZONES = [
    "Europe/London", "Europe/Madrid", "America/New_York", "America/Los_Angeles", "America/St_Johns", "America/Santiago", "Asia/Kolkata",
    "Asia/Tokyo", "Australia/Lord_Howe", "Australia/Sydney", "Pacific/Auckland", "Africa/Cairo",
]  # fmt: skip


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(("zone", "hours", "moment", "expected"), CASES)
def test_open_at(zone: str, hours: str, moment: str, expected: bool) -> None:
    assert Hours("h", zone, week(hours)).open_at(at(moment)) is expected


@pytest.mark.parametrize("zone", ZONES[::2])
@pytest.mark.parametrize("hours", ["08:00-20:00", "22:00-06:00", "01:30-02:30", "00:00-01:00 13:00-14:00", "02:30-02:45"])
def test_next_change_is_the_first_minute_that_differs(zone: str, hours: str) -> None:
    """Over each clock change of 2026, against a walk minute by minute."""
    opening = Hours("h", zone, week(hours))
    for day in _change_days(zone):
        moment = datetime.combine(day, time(12), UTC) - timedelta(days=1)
        end = moment + timedelta(days=2)
        while moment < end:
            change = opening.next_change(moment)
            assert change is not None
            walk = moment.replace(second=0)
            while opening.open_at(walk) == opening.open_at(moment):
                walk += timedelta(minutes=1)
            assert change == (walk, not opening.open_at(moment)), (zone, hours, moment)
            moment = walk


def _change_days(zone: str) -> list[date]:
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]
    noon = [datetime.combine(day, time(12), ZoneInfo(zone)).utcoffset() for day in days]
    return [days[number] for number in range(1, 365) if noon[number] != noon[number - 1]] or [date(2026, 6, 1)]


def test_holidays_dates_and_overrides_take_precedence_in_that_order() -> None:
    opening = Hours(
        "line", "Europe/London", dict.fromkeys(range(5), (span("08:00-20:00"),)),
        dates={date(2026, 12, 24): (span("09:00-12:00"),), date(2026, 12, 26): ()},
        overrides=(Override(date(2026, 12, 24), date(2026, 12, 24), (), "water damage"), Override(date(2026, 12, 25), date(2026, 12, 25), (span("10:00-11:00"),))),
        country="GB", subdivision="ENG",
    )  # fmt: skip
    assert not opening.open_at(at("2026-12-24T10:00")) and opening.why_closed(at("2026-12-24T10:00")) == "water damage"
    assert opening.open_at(at("2026-12-25T10:30")) and opening.why_closed(at("2026-12-25T10:30")) is None
    assert opening.why_closed(at("2026-12-26T10:30")) == "holiday"
    assert not opening.open_at(at("2027-01-01T10:30")) and opening.why_closed(at("2027-01-01T10:30")) == "New Year's Day"
    assert opening.why_closed(at("2026-12-23T21:00")) == "out of hours"
    assert opening.next_opening(at("2026-12-25T11:00")) == at("2026-12-29T08:00")  # Monday 28 is the substitute day
    assert opening.next_opening(at("2026-12-29T09:00")) == at("2026-12-29T09:00")


def test_never_and_always() -> None:
    assert always().open_at(at("2026-01-01T00:00")) and always().next_change(at("2026-01-01T00:00")) is None
    never = Hours("never", "UTC", {})
    assert never.next_opening(at("2026-01-01T00:00")) is None
    assert always().why_closed(at("2026-01-01T00:00")) is None


def test_unknown_country_is_a_sentence() -> None:
    with pytest.raises(ValueError, match="no public holidays are known for 'XX'"):
        holiday_name("XX", None, date(2026, 1, 1))


@pytest.mark.parametrize("zone", ZONES)
def test_every_minute_around_clock_changes_follows_the_wall_clock(zone: str) -> None:
    """Against nothing but the clock on the wall: 2,880 minutes around each change, four kinds of hours."""
    for hours in ("08:00-20:00", "01:30-02:30", "22:00-06:00", "00:00-24:00"):
        opening = Hours("h", zone, week(hours))
        start, end = hours.replace("24:00", "99").split("-")
        for day in _change_days(zone)[:2]:
            first = datetime.combine(day, time(0), UTC) - timedelta(days=1)
            for minute in range(0, 2880, 5):
                moment = first + timedelta(minutes=minute)
                wall = moment.astimezone(ZoneInfo(zone)).strftime("%H:%M")
                expected = start <= wall < end if start < end else wall >= start or wall < end
                assert opening.open_at(moment) is expected, (zone, hours, moment, wall)
