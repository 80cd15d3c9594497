"""The opening hours of config/queues.yaml: weeks, holidays, single days."""

from __future__ import annotations

import re
from datetime import date, time
from itertools import pairwise

from ivr.configuration.model import Holidays, Hours, Override, Spans
from ivr.configuration.reading import Table
from ivr.language.problems import did_you_mean, quoted
from ivr.language.source import Text
from ivr.language.values import Position

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")
_EXAMPLE = 'Write it like "08:00-20:00", "09:00-12:00, 13:00-17:00" or closed.'


def read_hours(table: Table) -> dict[str, Hours]:
    """Weeks by name."""
    found = {}
    for name, week in table.entries("hours", "week of hours"):
        spans: dict[int, Spans] = {}
        for entry in week.node:
            key = entry.key.value
            if key == "holidays":
                continue
            days = _days(key)
            if days is None:
                week.taken.add(key)
                week.findings.add(
                    entry.key.at, "wrong-day", f"{quoted(key)} is no day.", "Write mon, tue, wed, thu, fri, sat or sun, or a range such as mon-fri.",
                    length=len(key),
                )  # fmt: skip
                continue
            value = read_spans(week, key)
            for day in days:
                if day in spans:
                    week.findings.add(
                        entry.key.at, "day-twice", f"{DAYS[day]} has its hours already.", "Name each day once.", length=len(key)
                    )
                spans[day] = value
        ignored = week.choice("holidays", ("open", "closed"), "closed")
        week.close()
        found[name] = Hours(name, tuple(spans.get(day, ()) for day in range(7)), ignored == "open")
    return found


def _days(text: str) -> list[int] | None:
    first, _, last = text.partition("-")
    if first not in DAYS or (last and last not in DAYS):
        return None
    start, end = DAYS.index(first), DAYS.index(last or first)
    return [day % 7 for day in range(start, end + 1 if end >= start else end + 8)]


def read_spans(table: Table, key: str) -> Spans:
    """The spans under `key`, which may be several in one text or a list."""
    spans: list[tuple[time, time]] = []
    for item in table.texts(key):
        if item.value == "closed":
            continue
        for part in item.value.split(","):
            span = _span(table, item, part.strip())
            if span is not None:
                spans.append(span)
    spans.sort()
    for (_, before), (after, _) in pairwise(spans):
        if before == time(0) or after < before:
            table.problem(key, "hours-overlap", f'The times of "{key}" overlap.', "Let one end before the next begins.")
            break
    return tuple(spans)


def _span(table: Table, item: Text, text: str) -> tuple[time, time] | None:
    parts = _SPAN.fullmatch(text)
    numbers = [int(part) for part in parts.groups()] if parts else []
    if (
        not numbers
        or numbers[1] > 59
        or numbers[3] > 59
        or numbers[0] > 23
        or numbers[2] > 24
        or (numbers[2] == 24 and numbers[3])
    ):
        table.findings.add(item.at, "wrong-hours", f"{quoted(text)} is no opening time.", _EXAMPLE, length=len(item.value))
        return None
    if numbers[2] * 60 + numbers[3] <= numbers[0] * 60 + numbers[1]:
        table.findings.add(
            item.at, "ends-before-start", f"{quoted(text)} ends before it starts.",
            "For a night, write the time until 24:00 here and the rest, from 00:00, under the next day.", length=len(item.value),
        )  # fmt: skip
        return None
    return time(numbers[0], numbers[1]), time(numbers[2] % 24, numbers[3])


def read_holidays(table: Table | None) -> Holidays:
    """Public holidays and dated exceptions."""
    if table is None:
        return Holidays()
    import holidays  # 60 ms, only where a country is named

    countries = holidays.list_supported_countries(include_aliases=False)
    country = table.text("country") or None
    if country is not None and country not in countries:
        table.problem(
            "country", "unknown-country", f"There is no country {quoted(country)}.", "Write its two letters, such as GB or ES."
        )
        country = None
    subdivision = table.text("subdivision") or None
    if subdivision is not None and (country is None or subdivision not in countries[country]):
        if country is not None:
            table.problem(
                "subdivision",
                "unknown-country",
                f"{country} has no part {quoted(subdivision)}.",
                did_you_mean(subdivision, countries[country]),
            )
        subdivision = None
    dates: dict[date, Spans] = {}
    days = table.table("dates")
    for key in days.names_written() if days is not None else ():
        day = _date(key)
        entry = days.node.entry(key) if days is not None else None
        if days is None or entry is None:
            continue
        if day is None:
            days.taken.add(key)
            days.findings.add(
                entry.key.at, "wrong-date", f"{quoted(key)} is no date.", "Write it like 2026-12-24.", length=len(key)
            )
        else:
            dates[day] = read_spans(days, key)
    table.close()
    return Holidays(country, subdivision, dates)


def read_overrides(root: Table, queues: frozenset[str]) -> tuple[Override, ...]:
    """Single days that differ, in the order written; two for the same queue and day are a problem."""
    found: list[tuple[Override, Position]] = []
    for table in root.items("overrides", "override"):
        for key, hint in (("from", "Add the first day, such as from: 2026-12-24."), ("hours", f"Add the hours. {_EXAMPLE}")):
            table.required(key, hint)
        queue = table.choice("queue", queues, "", "queue") or None
        first = table.read("from", _date, None, "a date such as 2026-12-24")
        last = table.read("to", _date, first, "a date such as 2026-12-24")
        spans, reason = read_spans(table, "hours"), table.text("reason", most=120)
        table.close()
        if first is None or last is None or (table.has("queue") and queue is None):
            continue
        if last < first:
            table.problem(
                "to", "ends-before-start", f"{last} lies before {first}.", "Let the last day be the first one or later."
            )
            continue
        for other, at in found:
            if (other.queue is None or queue is None or other.queue == queue) and first <= other.last and other.first <= last:
                table.problem(
                    "from",
                    "overrides-overlap",
                    f"The override of line {at.line} covers some of these days already.",
                    "Let each day have one override.",
                )
        found.append((Override(queue, first, last, spans, reason), table.node.at))
    return tuple(override for override, _ in found)


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None
