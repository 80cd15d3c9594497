"""Spoken times of day: "half past six", "quarter to nine", "five thirty in the afternoon", "las siete y cuarto de la tarde", "17:30"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ivr.intents.slots.numbers import number_at
from ivr.intents.slots.tokens import as_corrected, one_of, phrases, tokenise
from ivr.intents.words import Words

GUESSED_AFTERNOON = range(1, 8)
"""Hours taken for the afternoon where nobody said which half of the day: shops and call centres rest before eight."""


@dataclass(frozen=True)
class Clock:
    """A time of day and how sure it is (less where morning or afternoon had to be guessed); `named` where it can only be a time."""

    hour: int
    minute: int
    sureness: float
    named: bool

    def __str__(self) -> str:
        return f"{self.hour:02d}:{self.minute:02d}"


def read_time(text: str, words: Words) -> Clock | None:
    """The time of day in `text`; None where there is none."""
    tokens = [token for token in tokenise(text) if token not in "-.#+"]
    return as_corrected(tokens, words, lambda said: _read(said, words))


def _read(tokens: Sequence[str], words: Words) -> Clock | None:
    fixed = phrases(words, "noon").find(tokens)
    half_of_day = _half_of_day(tokens, words)
    found = _from_parts(tokens, words)
    if found is None:
        if fixed:
            written = str(fixed[-1][2]).split(":")
            return Clock(int(written[0]), int(written[1]), 1.0, True)
        return None
    hour, minute, named = found
    if hour > 24 or abs(minute) > 59 or (hour == 24 and minute > 0):
        return None
    if hour in (0, 24) or hour > 12:
        return _clock(hour, minute, 1.0, True)
    if hour == 12 and phrases(words, "night").find(tokens):
        return _clock(0, minute, 1.0, True)
    if half_of_day and hour == 12 and minute < 0:  # a quarter to twelve in the morning is before noon
        return _clock(12 if half_of_day == "morning" else 24, minute, 1.0, True)
    if half_of_day:
        return _clock(hour % 12 + (12 if half_of_day == "afternoon" else 0), minute, 1.0, True)
    if _leading_zero(tokens):
        return _clock(hour, minute, 1.0, True)
    return _clock(hour + 12 if hour in GUESSED_AFTERNOON else hour, minute, 0.7, named)


def _clock(hour: int, minute: int, sureness: float, named: bool) -> Clock:
    """The hour and so many minutes past it, or before it where they are negative."""
    total = (hour * 60 + minute) % (24 * 60)
    return Clock(total // 60, total % 60, sureness, named)


def _half_of_day(tokens: Sequence[str], words: Words) -> str:
    for name in ("afternoon", "morning"):
        if phrases(words, name).find(tokens):
            return name
    return ""


def _leading_zero(tokens: Sequence[str]) -> bool:
    """ "07:30" is the morning."""
    return any(token.startswith("0") and len(token) > 1 and token[0].isdigit() for token in tokens)


def _from_parts(tokens: Sequence[str], words: Words) -> tuple[int, int, bool] | None:
    """The hour said, minutes past it (negative: before it), and whether it can only be a time."""
    for start, end, _ in phrases(words, "minutes_before").find(tokens):  # "diez para las seis"
        hour, minute = _hour_after(tokens, end, words), _minutes_ending(tokens, start, words)
        if hour is not None and minute is not None:
            return hour, -minute, True
    past, before = one_of(words, "past"), one_of(words, "before")
    for place, token in enumerate(tokens):
        if token in past or token in before:
            if words.listed("hour_words"):  # the hour comes first: "las siete y cuarto", "las nueve menos diez"
                found = _hour_then_minutes(tokens, place, token in before, words)
            else:
                found = _minutes_then_hour(tokens, place, token in before, words)
            if found is not None:
                return found
    for place, token in enumerate(tokens):
        if token in one_of(words, "half_hour") and not words.listed("hour_words"):
            hour = _hour_after(tokens, place + 1, words)  # British "half nine"
            if hour is not None:
                return hour, 30, True
        if ":" in token or ("." in token and token.replace(".", "", 1).isdigit() and len(token.split(".")[1]) == 2):
            parts = token.replace(".", ":").split(":")
            if len(parts) in (2, 3) and all(part.isdigit() for part in parts):
                return int(parts[0]), int(parts[1]), True
    return _spoken_like_a_number(tokens, words)


def _minutes_then_hour(tokens: Sequence[str], place: int, subtract: bool, words: Words) -> tuple[int, int, bool] | None:
    """ "ten past six", "quarter to nine", "half past two"."""
    hour = _hour_after(tokens, place + 1, words)
    if hour is None:
        return None
    minute = _minutes_ending(tokens, place, words)
    if minute is None:
        return None
    return hour, -minute if subtract else minute, True


def _hour_then_minutes(tokens: Sequence[str], place: int, subtract: bool, words: Words) -> tuple[int, int, bool] | None:
    """ "las siete y media", "las nueve menos cuarto"."""
    hour = next(
        (
            number.value
            for start in range(max(0, place - 2), place)
            if (number := number_at(tokens, start, words)) and number.end == place
        ),
        None,
    )
    minute = _minutes_starting(tokens, place + 1, words)
    if hour is None or minute is None or hour > 24:
        return None
    return hour, -minute if subtract else minute, True


def _hour_after(tokens: Sequence[str], start: int, words: Words) -> int | None:
    while start < len(tokens) and phrases(words, "hour_words").starts(tokens, start):
        start += phrases(words, "hour_words").starts(tokens, start)
    number = number_at(tokens, start, words) if start < len(tokens) else None
    if number is not None and number.value <= 24:
        return number.value
    fixed = phrases(words, "noon").at(tokens, start) if start < len(tokens) else None
    return int(str(fixed[0]).split(":")[0]) if fixed else None


def _minutes_ending(tokens: Sequence[str], end: int, words: Words) -> int | None:
    if end and tokens[end - 1] in one_of(words, "minute_words"):
        end -= 1
    if end and tokens[end - 1] in one_of(words, "half_hour"):
        return 30
    if end and tokens[end - 1] in one_of(words, "quarter"):
        return 15
    for start in range(max(0, end - 2), end):
        number = number_at(tokens, start, words)
        if number is not None and number.end == end and 0 < number.value < 60:
            return number.value
    return None


def _minutes_starting(tokens: Sequence[str], start: int, words: Words) -> int | None:
    if start >= len(tokens):
        return None
    if tokens[start] in one_of(words, "half_hour"):
        return 30
    quarter = phrases(words, "quarter").starts(tokens, start)
    if quarter:
        return 15
    number = number_at(tokens, start, words)
    return number.value if number is not None and 0 < number.value < 60 else None


def _spoken_like_a_number(tokens: Sequence[str], words: Words) -> tuple[int, int, bool] | None:
    """ "five thirty", "nine", "seventeen oh five", "1730", "nine o'clock"."""
    exact = phrases(words, "oclock").find(tokens)
    for place in range(len(tokens)):
        number = number_at(tokens, place, words)
        if number is None:
            continue
        if number.written and len(number.written) in (3, 4) and number.value % 100 < 60 and number.value < 2400:
            return number.value // 100, number.value % 100, False
        if number.value > 24 and number.value % 100 == 0 and number.value <= 2400:
            return number.value // 100, 0, False  # "seventeen hundred"
        if number.value > 24:
            continue
        minute, end = 0, number.end
        if end < len(tokens):
            if tokens[end] in {*one_of(words, "zeros"), *words.listed("digit_names")[:1]}:
                end += 1
            follows = number_at(tokens, end, words) if end < len(tokens) else None
            if follows is not None and follows.value < 60 and (follows.value >= 10 or end > number.end):
                minute = follows.value
        marked = bool(exact) or bool(phrases(words, "hour_words").find(tokens[:place])) or bool(_half_of_day(tokens, words))
        return number.value, minute, marked
    return None
