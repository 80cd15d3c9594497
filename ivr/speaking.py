"""How values are spoken: the readings of `{{ fact.field | reading }}`, in the language of the call.

Texts are written for a voice: digits one by one in groups, money with the currency's name, days as people say them. Whatever the
value is, something is said: a value that is not what the reading expects is read plainly.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time
from babel.numbers import format_currency, format_decimal

LONGEST_VALUE = 300
_GROUP = 4
_CURRENCY = re.compile(r"[A-Z]{3}")
_YEAR = re.compile(r"[\s,]*(?:'de'|de)?\s*\by+\b")


@dataclass(frozen=True)
class Words:
    """The few words that no locale data holds."""

    plus: str = "plus"
    star: str = "star"
    hash: str = "hash"
    at: str = "at"
    dot: str = "dot"
    dash: str = "dash"
    underscore: str = "underscore"
    yes: str = "yes"
    no: str = "no"
    today: str = "today"
    tomorrow: str = "tomorrow"
    yesterday: str = "yesterday"
    conjunction: str = "and"
    figures: tuple[str, ...] = (
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    )  # fmt: skip


_WORDS = {
    "en": Words(),
    "es": Words(
        plus="más",
        star="asterisco",
        hash="almohadilla",
        at="arroba",
        dot="punto",
        dash="guion",
        underscore="guion bajo",
        yes="sí",
        no="no",
        today="hoy",
        tomorrow="mañana",
        yesterday="ayer",
        conjunction="y",
        figures=("cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez", "once", "doce"),
    ),
}


@dataclass(frozen=True)
class Reader:
    """Reads values aloud: call it with a reading's name and a value. `now` is local time; `currency` holds for money without one."""

    language: str
    now: datetime
    currency: str = "EUR"

    def __call__(self, reading: str, value: Any) -> str:
        """What is spoken; at most LONGEST_VALUE characters, without control characters."""
        how = getattr(self, f"_read_{reading}", self._read_plain)
        spoken: str = how(value)
        return (spoken if spoken.isprintable() else "".join(c if c.isprintable() else " " for c in spoken))[:LONGEST_VALUE]

    @property
    def words(self) -> Words:
        """The words of the language, English where it has none here."""
        return _WORDS.get(self.language.split("-")[0], _WORDS["en"])

    def _read_plain(self, value: Any) -> str:
        if isinstance(value, bool):
            return self.words.yes if value else self.words.no
        if isinstance(value, int | float | Decimal):
            return self._read_number(value)
        if isinstance(value, list | tuple):
            return self._joined([self._read_plain(part) for part in value])
        return str(value)

    def _read_number(self, value: Any) -> str:
        figure = _decimal(value)
        return str(value) if figure is None else format_decimal(figure, locale=_locale(self.language))

    def _read_count(self, value: Any) -> str:
        """Small whole numbers as words, others as figures; a list is counted."""
        figure = Decimal(len(value)) if isinstance(value, list | tuple) else _decimal(value)
        if figure is not None and figure == figure.to_integral_value() and 0 <= figure < len(self.words.figures):
            return self.words.figures[int(figure)]
        return self._read_number(value if figure is None else figure)

    def _read_spell(self, value: Any) -> str:
        """Character by character, with a pause after each four: "1 2 3 4, 5 6 7 8"."""
        named = {"+": self.words.plus, "*": self.words.star, "#": self.words.hash, "@": self.words.at, ".": self.words.dot}
        named |= {"-": self.words.dash, "_": self.words.underscore}
        spelled = [named.get(c, c.upper()) for c in str(value) if not c.isspace()]
        groups = [" ".join(spelled[start : start + _GROUP]) for start in range(0, len(spelled), _GROUP)]
        return ", ".join(groups)

    def _read_digits(self, value: Any) -> str:
        """As `spell`, leaving out what only structures a number on paper."""
        return self._read_spell(re.sub(r"[\s().\-/]", "", str(value)))

    def _read_email(self, value: Any) -> str:
        """An address as people say it: "ana at example dot com"."""
        named = {"@": self.words.at, ".": self.words.dot, "-": self.words.dash, "_": self.words.underscore}
        return " ".join(named.get(part, part) for part in re.split(r"([@.\-_])", str(value)) if part)

    def _read_money(self, value: Any) -> str:
        """An amount with its currency's name: "41.90 euros"; "41.90 GBP" brings its own currency."""
        amount, _, own = str(value).strip().partition(" ")
        figure = _decimal(amount)
        if figure is None:
            return str(value)
        currency = own if _CURRENCY.fullmatch(own) else self.currency
        places = "#,##0" if figure == figure.to_integral_value() else None
        return format_currency(
            figure, currency, places, locale=_locale(self.language), format_type="name", currency_digits=places is None
        )

    def _read_day(self, value: Any) -> str:
        """ "today", "tomorrow", "Tuesday, 24 November"; with the year where it is another one."""
        day = _day(value)
        if day is None:
            return str(value)
        today = self.now.date()
        near = {0: self.words.today, 1: self.words.tomorrow, -1: self.words.yesterday}.get((day - today).days)
        if near:
            return near
        locale = _locale(self.language)
        if day.year == today.year or timedelta(0) < day - today < timedelta(days=180):
            return format_date(day, _YEAR.sub("", locale.date_formats["full"].pattern), locale=locale)
        return format_date(day, "full", locale=locale)

    def _read_date(self, value: Any) -> str:
        day = _day(value)
        return str(value) if day is None else format_date(day, "long", locale=_locale(self.language))

    def _read_time(self, value: Any) -> str:
        moment = _time(value, self.now)
        return str(value) if moment is None else format_time(moment, "short", locale=_locale(self.language)).replace(" ", " ")

    def _read_moment(self, value: Any) -> str:
        """ "tomorrow, 10:00", and only the time where no day is known."""
        day, divided, clock = str(value).partition("T")
        return f"{self._read_day(day)}, {self._read_time(clock)}" if divided else self._read_time(value)

    def _read_name(self, value: Any) -> str:
        """A name as a voice should say it: no shouting, no figures, nothing but letters and what joins them."""
        kept = re.sub(r"[^\w\s'’.\-]|[\d_]", " ", str(value))
        return " ".join(part.capitalize() if part.isupper() or part.islower() else part for part in kept.split())

    def _joined(self, parts: list[str]) -> str:
        if len(parts) < 2:
            return "".join(parts)
        return f"{', '.join(parts[:-1])} {self.words.conjunction} {parts[-1]}"


@lru_cache(maxsize=64)
def _locale(language: str) -> Locale:
    for name in (language, language.split("-")[0]):
        try:
            return Locale.parse(name, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale("en")


def _decimal(value: Any) -> Decimal | None:
    if isinstance(value, bool):
        return None
    try:
        figure = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return figure if figure.is_finite() and abs(figure.adjusted()) <= 15 else None


def _day(value: Any) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value).strip()[:10])
    except ValueError:
        return None


def _time(value: Any, now: datetime) -> time | None:
    if isinstance(value, datetime):
        return value.astimezone(now.tzinfo).time() if value.tzinfo else value.time()
    if isinstance(value, time):
        return value
    text = str(value).strip()
    try:
        return time.fromisoformat(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.astimezone(now.tzinfo).time() if moment.tzinfo else moment.time()
