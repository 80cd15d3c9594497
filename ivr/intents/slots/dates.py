"""Spoken dates: "the day after tomorrow", "third of March", "next Tuesday", "en dos semanas", "el tres de marzo de dos mil veintiséis"."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from ivr.intents.slots.numbers import number_at, numbers_in, ordinal_at
from ivr.intents.slots.tokens import Phrases, as_corrected, one_of, phrases, tokenise
from ivr.intents.words import Words


@dataclass(frozen=True)
class Day:
    """A date and how sure it is; `named` where a month, a weekday or a day's own name was said."""

    value: date
    sureness: float
    named: bool


def read_date(text: str, words: Words, today: date) -> Day | None:
    """The date in `text`, seen from `today`. Without a year it is the next such day; a bare "the third" is the next third."""
    tokens = [token for token in tokenise(text) if token not in "-.#+"]
    return as_corrected(tokens, words, lambda said: _read(said, words, today))


def _read(tokens: Sequence[str], words: Words, today: date) -> Day | None:
    numbered = _numbered_month(tokens, words, today) or _in_that_month(tokens, words, today)
    if numbered is not None:
        return numbered
    if any(token in words.table("months") for token in tokens):
        # "may" and "march" are words of their own, so the others still get their turn, but never for "the 31st of February".
        named = _written(tokens, words, today) or _month_and_day(tokens, words, today)
        return (
            named or _so_long_from_now(tokens, words, today) or _relative(tokens, words, today) or _weekday(tokens, words, today)
        )
    for reader in (_named_day, _written, _so_long_from_now, _relative, _weekday, _day_of_month):
        found = reader(tokens, words, today)
        if found is not None:
            return found
    return None


def _day(year: int, month: int, day: int) -> date | None:
    return (
        date(year, month, day)
        if 1900 <= year <= 2200 and 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]
        else None
    )


def _coming(month: int, day: int, today: date) -> date | None:
    """The next such day, today included; the 29th of February waits for its year."""
    for year in range(today.year, today.year + 9):
        found = _day(year, month, day)
        if found is not None and found >= today:
            return found
    return None


def _written(tokens: Sequence[str], words: Words, today: date) -> Day | None:
    """ "3/4/2026", "03.04.26", "2026-04-03"."""
    for token in tokens:
        parts = [part for part in token.replace(".", "/").replace(":", "/").split("/") if part.isdigit()]
        if len(parts) not in (2, 3) or ("/" not in token and token.count(".") != 2) or ":" in token:
            continue
        numbers = [int(part) for part in parts]
        if len(parts[0]) == 4 and len(parts) == 3:
            found = _day(numbers[0], numbers[1], numbers[2])
        else:
            first, second = numbers[:2]
            day, month = (
                (first, second) if words.text("date_order", "day_first") == "day_first" or first > 12 else (second, first)
            )
            if month > 12:
                day, month = month, day
            found = _day(_full_year(numbers[2]), month, day) if len(numbers) == 3 else _coming(month, day, today)
        if found is not None:
            return Day(found, 1.0, True)
    if len(tokens) == 3 and all(token.isdigit() for token in tokens):
        year, month, day = (int(token) for token in tokens)
        if len(tokens[0]) == 4 and (found := _day(year, month, day)):
            return Day(found, 1.0, True)
        if len(tokens[2]) == 4 and (found := _day(day, month, year)):
            return Day(found, 1.0, True)
    return None


def _full_year(year: int) -> int:
    return year if year >= 100 else 2000 + year if year < 70 else 1900 + year


def _named_day(tokens: Sequence[str], words: Words, today: date) -> Day | None:
    """ "Christmas Eve", "nochevieja": the next one."""
    for _, _, day in phrases(words, "named_days").find(tokens):
        month, number = (int(part) for part in str(day).split("-"))
        found = _coming(month, number, today)
        if found is not None:
            return Day(found, 1.0, True)
    return None


def _numbered_month(tokens: Sequence[str], words: Words, today: date) -> Day | None:
    """ "the third of the fourth", "el tres del cuatro de dos mil veintisiete"."""
    of, the = {*one_of(words, "of"), "of"}, one_of(words, "day_words")
    for place in range(1, len(tokens) - 1):
        if tokens[place] not in of or any(token in words.table("months") for token in tokens):
            continue
        day = _day_number_ending(tokens, place, words)
        start = place + 1
        while start < len(tokens) and tokens[start] in the:
            start += 1
        month = _position(tokens, start, words)
        if day is None or month is None or not 1 <= month[0] <= 12:
            continue
        year = _year_at(tokens, month[1], words)
        found = _day(year, month[0], day) if year else _coming(month[0], day, today)
        if found is not None:
            return Day(found, 0.8, True)
    return None


def _position(tokens: Sequence[str], start: int, words: Words) -> tuple[int, int] | None:
    """An ordinal or a number and where it ends."""
    if start >= len(tokens):
        return None
    ordinal = ordinal_at(tokens, start, words)
    if ordinal is not None:
        return ordinal
    number = number_at(tokens, start, words)
    return (number.value, number.end) if number is not None else None


def _in_that_month(tokens: Sequence[str], words: Words, today: date) -> Day | None:
    """ "the fifth of next month", "el último día del mes", "the last day of November"."""
    shifts = phrases(words, "month_shifts").find(tokens)
    last = bool(phrases(words, "last_day").find(tokens))
    if not shifts and not last:
        return None
    named = next((int(words.table("months")[token]) for token in tokens if token in words.table("months")), None)
    if shifts:
        start, end, shift = shifts[0]
        month = _months_on(today.replace(day=1), int(shift))
        left = [*tokens[:start], *tokens[end:]]
    else:
        coming = _coming(named, 1, today.replace(day=1)) if named else today
        assert coming is not None  # every month has a first
        month, left = coming, list(tokens)
    if last:
        return Day(month.replace(day=calendar.monthrange(month.year, month.month)[1]), 0.9, True)
    found = next((at for place in range(len(left)) if (at := _position(left, place, words))), None)
    day = _day(month.year, month.month, found[0]) if found else None
    return Day(day, 1.0, True) if day is not None else None


def _month_and_day(tokens: Sequence[str], words: Words, today: date) -> Day | None:
    months = words.table("months")
    for place, token in enumerate(tokens):
        if token not in months:
            continue
        month = int(months[token])
        before = _day_number_ending(tokens, place, words)
        after = None if before is not None else _day_number_starting(tokens, place + 1, words)
        day = before if before is not None else after[0] if after else None
        if day is None or not 1 <= day <= 31:
            continue
        year = _year_at(tokens, after[1] if after else place + 1, words)
        found = _day(year, month, day) if year else _coming(month, day, today)
        if found is not None:
            return Day(found, 1.0, True)
    return None


def _day_number_ending(tokens: Sequence[str], end: int, words: Words) -> int | None:
    """The number just before a month: "third of", "twenty third", "3"."""
    fillers = {*one_of(words, "of"), "of", *one_of(words, "day_words")}
    while end > 0 and tokens[end - 1] in fillers:
        end -= 1
    for start in range(max(0, end - 3), end):
        ordinal = ordinal_at(tokens, start, words)
        if ordinal is not None and ordinal[1] == end:
            return ordinal[0]
        number = number_at(tokens, start, words)
        if number is not None and number.end == end and number.value <= 31:
            return number.value
    return None


def _day_number_starting(tokens: Sequence[str], start: int, words: Words) -> tuple[int, int] | None:
    """The number just after a month: "march the third", "march 3"."""
    while start < len(tokens) and tokens[start] in one_of(words, "day_words"):
        start += 1
    if start >= len(tokens):
        return None
    ordinal = ordinal_at(tokens, start, words)
    if ordinal is not None:
        return ordinal
    number = number_at(tokens, start, words)
    return (number.value, number.end) if number is not None and number.value <= 31 else None


def _year_at(tokens: Sequence[str], place: int, words: Words) -> int | None:
    """A year: "2026", "twenty twenty six", "nineteen eighty four", "two thousand and five", "de dos mil veintiséis"."""
    skip = {*one_of(words, "of"), *one_of(words, "and"), "of", "in", ","}
    while place < len(tokens) and tokens[place] in skip:
        place += 1
    if place >= len(tokens):
        return None
    first = number_at(tokens, place, words)
    if first is None:
        return None
    if 1900 <= first.value <= 2200:
        return first.value
    if first.value not in (18, 19, 20):
        two_digits = (first.written and len(first.written) == 2) or 31 < first.value < 100
        return _full_year(first.value) if two_digits else None
    rest = number_at(tokens, first.end, words) if first.end < len(tokens) else None
    if rest is not None and 10 <= rest.value < 100:
        return first.value * 100 + rest.value
    zero = first.end < len(tokens) - 1 and tokens[first.end] in {*one_of(words, "zeros"), *words.listed("digit_names")[:1]}
    digit = number_at(tokens, first.end + 1, words) if zero else None
    return first.value * 100 + digit.value if digit is not None and digit.value < 10 else None


def _so_long_from_now(tokens: Sequence[str], words: Words, today: date) -> Day | None:
    """ "in three days", "two weeks ago", "hace dos días", "dentro de un mes"."""
    days = words.table("day_units")
    months = {**dict.fromkeys(words.listed("month_units"), 1), **dict.fromkeys(words.listed("year_units"), 12)}
    ago, from_now = phrases(words, "ago"), phrases(words, "from_now")
    after, since = phrases(words, "after_words"), one_of(words, "counted_from")
    for place, token in enumerate(tokens):
        if token not in days and token not in months:
            continue
        start, count = _count_before(tokens, place, words)
        if count is None:
            continue
        past = ago.starts(tokens, place + 1) > 0 or _ends_with(tokens, start, ago)
        if (
            not past
            and not _ends_with(tokens, start, from_now)
            and not (place + 1 < len(tokens) and (after.starts(tokens, place + 1) or tokens[place + 1] in since))
        ):
            continue
        sign = -1 if past else 1
        if token in months:
            value = _months_on(today, sign * count * months[token])
        else:
            value = _beginning(tokens, place, words, today) + timedelta(days=sign * count * int(days[token]))
        return Day(value, 1.0, True)
    return None


def _beginning(tokens: Sequence[str], place: int, words: Words, today: date) -> date:
    """From when the days are counted: today, unless "from tomorrow" follows."""
    if place + 1 < len(tokens) and tokens[place + 1] in one_of(words, "counted_from"):
        named = phrases(words, "relative_days").at(tokens, place + 2) if place + 2 < len(tokens) else None
        if named:
            return today + timedelta(days=int(named[0]))
    return today


def _count_before(tokens: Sequence[str], place: int, words: Words) -> tuple[int, int | None]:
    if place and tokens[place - 1] in one_of(words, "one_before"):
        return place - 1, 1
    for start in range(max(0, place - 4), place):
        number = number_at(tokens, start, words)
        if number is not None and number.end == place and number.value <= 1000:
            return start, number.value
    return place, None


def _ends_with(tokens: Sequence[str], end: int, table: Phrases) -> bool:
    return any(table.starts(tokens, start) == end - start for start in range(max(0, end - 3), end))


def _months_on(day: date, count: int) -> date:
    month = day.month - 1 + count
    year, month = day.year + month // 12, month % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def _relative(tokens: Sequence[str], words: Words, today: date) -> Day | None:
    # The "mañana" of "por la mañana" is the morning, not tomorrow.
    parts = [hit for name in ("morning", "afternoon") for hit in phrases(words, name).find(tokens)]
    hits = phrases(words, "relative_days").find(tokens)
    found = [hit for hit in hits if not any(start < hit[0] and hit[1] <= end for start, end, _ in parts)]
    if not found:
        return None
    shift = int(max(found, key=lambda hit: hit[1] - hit[0])[2])
    weekday = _weekday(tokens, words, today + timedelta(days=shift)) if abs(shift) == 7 else None
    if weekday is not None:
        return weekday
    return Day(today + timedelta(days=shift), 1.0 if abs(shift) != 7 else 0.6, True)


def _weekday(tokens: Sequence[str], words: Words, today: date) -> Day | None:
    """ "Tuesday" and "this Tuesday" are the next one after today; "next Tuesday" is in next week in English, the next one in Spanish."""
    table = words.table("weekdays")
    for place, token in enumerate(tokens):
        if token not in table or (place and tokens[place - 1] in one_of(words, "denied")):
            continue
        weekday = int(table[token])
        ahead = (weekday - today.weekday()) % 7 or 7
        before, after = tokens[place - 1] if place else "", tokens[place + 1 : place + 3]
        if before in one_of(words, "last") or (after and after[0] in one_of(words, "last")):
            return Day(today - timedelta(days=(today.weekday() - weekday) % 7 or 7), 1.0, True)
        later = phrases(words, "week_later")
        if (after and later.starts(tokens, place + 1)) or _ends_with(tokens, place, phrases(words, "week_before_day")):
            return Day(today + timedelta(days=ahead + 7), 1.0, True)
        if before in one_of(words, "following_week"):
            # People disagree about "next Friday" on a Monday: the flow reads it back.
            monday = today - timedelta(days=today.weekday()) + timedelta(days=7)
            return Day(monday + timedelta(days=weekday), 0.7 if ahead + today.weekday() < 7 else 1.0, True)
        return Day(today + timedelta(days=ahead), 1.0, True)
    return None


def _day_of_month(tokens: Sequence[str], words: Words, today: date) -> Day | None:
    """ "the twenty third", "el día cinco", "5": the next day with that number, less surely."""
    day: int | None = None
    for place in range(len(tokens)):
        ordinal = ordinal_at(tokens, place, words)
        if ordinal is not None:
            day = ordinal[0]
            break
    if day is None:
        numbers = numbers_in(tokens, words)
        marked = phrases(words, "day_words").find(tokens)
        if len(numbers) == 1 and (marked or len(tokens) == numbers[0].end - numbers[0].start):
            day = numbers[0].value
    if day is None or not 1 <= day <= 31:
        return None
    for ahead in range(13):
        month = _months_on(today.replace(day=1), ahead)
        found = _day(month.year, month.month, day)
        if found is not None and found >= today:
            return Day(found, 0.8, False)
    return None
