"""Numbers and dates of languages that have no tables here, read by libraries that know them.

Measured on speech, both are weaker than the tables (docs/intents.md), so they are asked last and dates only where a digit or more
than one word was said. text2num knows English, Spanish, French, German, Italian, Portuguese, Dutch, Catalan and Russian; dateparser some 200 languages.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation


def digits_written(text: str, language: str) -> str:
    """`text` with spoken numbers as digits; unchanged where text2num does not know the language."""
    import text_to_num

    try:
        return str(text_to_num.alpha2digit(text, language))
    except (ValueError, KeyError, NotImplementedError):
        return text


def number(text: str, language: str) -> Decimal | None:
    """The first number in `text`."""
    found = re.search(r"-?\d+(?:[.,]\d+)?", digits_written(text, language))
    try:
        return Decimal(found.group().replace(",", ".")) if found else None
    except InvalidOperation:
        return None


def day(text: str, language: str, today: date) -> date | None:
    """The date in `text`, seen from `today`."""
    import dateparser

    written = digits_written(text, language)
    if not re.search(r"\d", written) and len(written.split()) < 2:
        return None
    settings = {
        "RELATIVE_BASE": datetime.combine(today, time()),
        "PREFER_DATES_FROM": "future",
        "RETURN_AS_TIMEZONE_AWARE": False,
    }
    try:
        found = dateparser.parse(written, languages=[language], settings=settings)
    except ValueError:  # a language it does not know
        return None
    return found.date() if found else None
