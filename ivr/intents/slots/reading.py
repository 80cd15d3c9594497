"""One reader per kind of value, and the search for values in a whole sentence."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from ivr.intents.normalising import clean
from ivr.intents.slots import libraries
from ivr.intents.slots.addresses import read_email, read_postcode
from ivr.intents.slots.amounts import Amount, read_amount
from ivr.intents.slots.codes import longest_run, pieces_of, read_code
from ivr.intents.slots.dates import Day, read_date
from ivr.intents.slots.numbers import read_number
from ivr.intents.slots.replies import read_name, read_yes_no
from ivr.intents.slots.times import read_time
from ivr.intents.slots.tokens import tokenise
from ivr.intents.words import Words, words_of
from ivr.world import Slot

WRITTEN_AS_SAID = ("name", "email", "text")
_JOINED = re.compile(r"(?<=[^\W\d_])-(?=[^\W\d_])")  # of "forty-four"; "3-4" stays, and kinds where the sign is part of the value
SHORTEST_CODE = 4  # fewer digits in a sentence are a quantity or a house number, not an order number


@dataclass(frozen=True)
class Asked:
    """What a reader may use to decide between readings."""

    words: Words
    length: int | None
    known: tuple[str, ...]
    today: date


def _digits(text: str, asked: Asked) -> Slot | None:
    found = read_code(text, asked.words, asked.length, asked.known)
    return Slot("digits", found[0], text, found[1]) if found else None


def _alnum(text: str, asked: Asked) -> Slot | None:
    found = read_code(text, asked.words, asked.length, asked.known, letters=True)
    if found is None:
        return None
    value = found[0] if found[0] in asked.known else found[0].upper()
    return Slot("alnum", value, text, found[1])


def _number(text: str, asked: Asked) -> Slot | None:
    found = read_number(text, asked.words)
    if found is None and not asked.words.table("numbers"):
        found = libraries.number(text, asked.words.language)
    if found is None:
        return None
    return Slot("number", int(found) if found == found.to_integral_value() else float(found), text)


def _money(text: str, asked: Asked) -> Slot | None:
    found = read_amount(text, asked.words)
    return Slot("money", f"{found.value:.2f}", text, 1.0 if found.currency else 0.9) if found else None


def _date(text: str, asked: Asked) -> Slot | None:
    found = read_date(text, asked.words, asked.today)
    if found is not None:
        return Slot("date", found.value.isoformat(), text, found.sureness)
    if asked.words.table("months"):
        return None
    other = libraries.day(text, asked.words.language, asked.today)
    return Slot("date", other.isoformat(), text, 0.7) if other else None


def _time(text: str, asked: Asked) -> Slot | None:
    found = read_time(text, asked.words)
    return Slot("time", str(found), text, found.sureness) if found else None


def _moment(text: str, asked: Asked) -> Slot | None:
    """A time, with its day where one is said: "tomorrow at ten"."""
    clock = _time(text, asked)
    if clock is None:
        return None
    day = _date(text, asked)
    if day is None:
        return Slot("moment", clock.value, text, clock.sureness)
    return Slot("moment", f"{day.value}T{clock.value}", text, min(day.sureness, clock.sureness))


def _yes_no(text: str, asked: Asked) -> Slot | None:
    found = read_yes_no(text, asked.words)
    return Slot("yes_no", found[0], text, found[1]) if found else None


def _name(text: str, asked: Asked) -> Slot | None:
    found = read_name(text, asked.words, asked.known)
    return Slot("name", found[0], text, found[1]) if found else None


def _email(text: str, asked: Asked) -> Slot | None:
    found = read_email(text, asked.words, asked.known)
    return Slot("email", found[0], text, found[1]) if found else None


def _postcode(text: str, asked: Asked) -> Slot | None:
    found = read_postcode(text, asked.words, asked.known)
    return Slot("postcode", found[0], text, found[1]) if found else None


def _text(text: str, asked: Asked) -> Slot | None:
    plain = clean(text)
    return Slot("text", plain, text) if plain else None


READERS: dict[str, Callable[[str, Asked], Slot | None]] = {
    "digits": _digits,
    "alnum": _alnum,
    "number": _number,
    "money": _money,
    "date": _date,
    "time": _time,
    "moment": _moment,
    "yes_no": _yes_no,
    "name": _name,
    "email": _email,
    "postcode": _postcode,
    "text": _text,
}
KINDS = tuple(READERS)


def read_slot(
    kind: str,
    text: str,
    language: str,
    length: int | None = None,
    known: tuple[str, ...] = (),
    *,
    today: date | None = None,
    house: Path | None = None,
) -> Slot | None:
    """`text` as a value of `kind`; None where it holds none. Bounded time for any text; never raises for what was said.

    Values: digits, alnum, name, email, postcode, text: text; number: a number; money: decimal text with two places; date: ISO 8601;
    time: "HH:MM"; moment: the same, or with the day that was said "2026-11-24T10:00"; yes_no: true or false. `known` are values of this caller; one that is said, or nearly, is preferred and
    returned as it is written there (sureness below 1 where something was mended). `today` is the caller's date, for "tomorrow".
    `house` is the config folder with further languages.
    """
    reader = READERS.get(kind)
    if reader is None:
        raise ValueError(f"{kind!r} is not a kind of value; known: {', '.join(KINDS)}")
    plain = clean(text)
    if not plain:
        return None
    if kind not in WRITTEN_AS_SAID:
        plain = _JOINED.sub(" ", plain)
    return reader(plain, Asked(words_of(language, house), length, known, today or datetime.now(UTC).date()))


def find_slots(text: str, words: Words, today: date | None = None) -> tuple[Slot, ...]:
    """Values that stand in a sentence and cannot be mistaken: a row of digits, a sum with its currency, a named date, an e-mail address."""
    written = clean(text)
    plain = _JOINED.sub(" ", written)
    tokens = tokenise(plain)
    found: list[Slot] = []
    money = read_amount(plain, words, needs_currency=True)
    if money is not None:
        found.append(Slot("money", f"{money.value:.2f}", plain, 1.0))
    day = read_date(plain, words, today or datetime.now(UTC).date()) if _names_a_day(tokens, words) else None
    if day is not None and day.named:
        found.append(Slot("date", day.value.isoformat(), plain, day.sureness))
    clock = read_time(plain, words)
    if clock is not None and clock.named:
        found.append(Slot("time", str(clock), plain, clock.sureness))
    email = read_email(written, words)
    if email is not None:
        found.append(Slot("email", email[0], plain, email[1]))
    run = longest_run(pieces_of([token for token in tokens if token not in ".-_/#+:"], words, letters=False))
    digits = "".join(piece.readings[0] for piece in run)
    if len(digits) >= SHORTEST_CODE and not _sum_of(money, digits) and not _year_of(day, digits):
        found.append(Slot("digits", digits, plain, 1.0))
    return tuple(found)


def _names_a_day(tokens: list[str], words: Words) -> bool:
    return any(token in words.table("months") or token in words.table("weekdays") for token in tokens) or any(
        " ".join(tokens).find(phrase) >= 0 for phrase in words.table("relative_days")
    )


def _sum_of(money: Amount | None, digits: str) -> bool:
    """Whether the digits are those of the sum that was said."""
    return money is not None and Decimal(digits) in (money.value, money.value * 100)


def _year_of(day: Day | None, digits: str) -> bool:
    return day is not None and digits == str(day.value.year)
