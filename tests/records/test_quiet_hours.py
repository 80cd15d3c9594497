"""Nobody is woken by a question: hours of the day, whose day it is, and how long a question is worth asking."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from ivr.numbers import zone_of
from ivr.records import texting
from ivr.records.quiet_hours import Hours, read_hours
from ivr.records.report_file import read_reports
from ivr.records.store import Store
from tests.records.conftest import NOW, MakeStore
from tests.records.journals import answered
from tests.records.test_texting import SURVEY

EVENING = datetime(2026, 3, 2, 19, 59, tzinfo=UTC)
MORNING = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "zone", "opening"),
    [
        ("2026-03-02T12:00:00+00:00", "Europe/London", "2026-03-02T12:00:00+00:00"),
        ("2026-03-02T08:59:59+00:00", "Europe/London", "2026-03-02T09:00:00+00:00"),
        ("2026-03-02T20:00:00+00:00", "Europe/London", "2026-03-03T09:00:00+00:00"),
        ("2026-03-02T12:00:00+00:00", "America/New_York", "2026-03-02T14:00:00+00:00"),
        ("2026-03-02T23:30:00+00:00", "Asia/Tokyo", "2026-03-03T00:00:00+00:00"),
        ("2026-03-28T21:00:00+00:00", "Europe/London", "2026-03-29T08:00:00+00:00"),  # clocks go forward in this night
        ("2026-10-24T21:00:00+00:00", "Europe/London", "2026-10-25T09:00:00+00:00"),  # and back in this one
    ],
)
def test_the_next_moment_at_which_a_text_may_be_sent(at: str, zone: str, opening: str) -> None:
    assert Hours().opening(datetime.fromisoformat(at), ZoneInfo(zone)) == datetime.fromisoformat(opening)


@pytest.mark.parametrize(
    ("text", "hours"),
    [("09:00-20:00", Hours(540, 1200)), ("00:00 - 24:00", Hours(0, 1440)), ("19:00-20:00", Hours(1140, 1200)), ("9-20", None), ("20:00-09:00", None),
     ("19:30-20:00", None), ("09:00-24:30", None), ("24:00-24:00", None), ("٠٩:00-20:00", None)],
)  # fmt: skip
def test_hours_as_they_are_written(text: str, hours: Hours | None) -> None:
    assert read_hours(text) == hours


@pytest.mark.parametrize(
    ("number", "zone"),
    [("+12125551234", "America/New_York"), ("+34600123456", None), ("+18005551234", None), ("+447700900123", None), ("+15551234567", None)],
)  # fmt: skip
def test_the_zone_that_a_number_tells(number: str, zone: str | None) -> None:
    assert zone_of(number) == zone


def due(store: Store, at: datetime) -> list[str]:
    """Contacts that are asked at `at`."""
    return [found.contact_id for found in texting.take_due(store, at, home_zone="Europe/London")]


def test_a_question_that_falls_due_in_the_evening_waits_for_the_morning(make_store: MakeStore) -> None:
    store = make_store(text_survey=SURVEY)
    answered(store, "A", EVENING)
    assert [due(store, EVENING + timedelta(minutes=minutes)) for minutes in (1, 5, 300)] == [[], [], []]
    assert due(store, MORNING - timedelta(seconds=1)) == []
    assert due(store, MORNING) == ["A"]
    assert due(store, MORNING) == []


def test_the_day_is_that_of_the_callers_number(sqlite_store: MakeStore) -> None:
    store = sqlite_store(text_survey=SURVEY)
    answered(store, "NEW_YORK", NOW, number="+12125551234")
    answered(store, "LONDON", NOW, number="+447700900002")
    assert due(store, NOW + timedelta(minutes=10)) == ["LONDON"]
    assert due(store, NOW + timedelta(hours=2)) == ["NEW_YORK"]


def test_what_cannot_be_asked_in_time_is_not_asked_and_asks_no_patience_of_the_next_call(sqlite_store: MakeStore) -> None:
    store = sqlite_store(text_survey=replace(SURVEY, ask_within=timedelta(hours=6)))
    answered(store, "A", EVENING)
    assert due(store, EVENING + timedelta(minutes=10)) == []
    assert due(store, MORNING) == []
    answered(store, "B", MORNING)
    assert due(store, MORNING + timedelta(minutes=5)) == ["B"]


def test_a_clock_that_was_away_for_a_day_asks_nobody(sqlite_store: MakeStore) -> None:
    store = sqlite_store(text_survey=SURVEY)
    answered(store, "A", EVENING)
    assert due(store, EVENING + timedelta(minutes=5)) == []  # put off until the morning
    assert due(store, EVENING + timedelta(hours=25)) == []


SECTION = """
text_survey:
  between: "10:00-18:30"
  ask_within: 12h
  questions:
    - question: nps
      ask: {en-GB: Would you recommend us?}
"""


def test_the_settings_are_read() -> None:
    found = read_reports(SECTION).text_survey
    assert found is not None
    assert (found.between, found.ask_within) == (Hours(600, 1110), timedelta(hours=12))


@pytest.mark.parametrize(
    ("written", "instead", "said"),
    [
        ('"10:00-18:30"', '"18:30-10:00"', 'reports.yaml:3:12: "18:30-10:00" is not hours of a day such as "09:00-20:00", an hour or more'),
        ("12h", "5m", 'reports.yaml:4:15: "ask_within" has to lie between 3600 s and 604800 s'),
    ],
)  # fmt: skip
def test_mistakes_are_told_with_their_place(written: str, instead: str, said: str) -> None:
    [problem] = read_reports(SECTION.replace(written, instead)).problems
    assert said in str(problem)
