"""Sums of money: "forty one ninety", "cincuenta euros con diez", "three pounds fifty", "£1,204.50", "fifty pence"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from ivr.intents.slots.numbers import Number, number_at, written_decimal
from ivr.intents.slots.tokens import is_number, one_of, tokenise
from ivr.intents.words import Words

CENTS = Decimal("0.01")


@dataclass(frozen=True)
class Amount:
    """A sum with its currency (ISO 4217, "" where none was said)."""

    value: Decimal
    currency: str
    end: int


def read_amount(text: str, words: Words, needs_currency: bool = False) -> Amount | None:
    """The first sum in `text`; with `needs_currency` only one whose currency was said."""
    tokens = tokenise(text)
    for place in range(len(tokens)):
        found = amount_at(tokens, place, words)
        if found is not None and (found.currency or not needs_currency):
            return Amount(found.value.quantize(CENTS), found.currency, found.end)
    return None


def amount_at(tokens: Sequence[str], place: int, words: Words) -> Amount | None:
    """The sum that starts at `place`."""
    main, small = words.table("currency_main"), one_of(words, "currency_small")
    sign = ""
    if tokens[place] in main and not tokens[place].isalpha():
        sign, place = str(main[tokens[place]]), place + 1
    if place >= len(tokens):
        return None
    if is_number(tokens[place]) and not tokens[place].isdigit():
        value = written_decimal(tokens[place])
        if value is None:
            return None
        follows = place + 1 < len(tokens) and tokens[place + 1] in main
        return Amount(value, sign or (str(main[tokens[place + 1]]) if follows else ""), place + 1 + follows)
    first = number_at(tokens, place, words)
    if first is None:
        return None
    after = tokens[first.end] if first.end < len(tokens) else ""
    if after in small:
        return Amount(Decimal(first.value) / 100, _currency_of(words), first.end + 1)
    if after in main:
        currency, end = str(main[after]), first.end + 1
        cents, end = _cents(tokens, end, words)
        return Amount(Decimal(first.value) + cents, currency.upper(), end)
    decimals = _point(tokens, first.end, words)
    if decimals is not None:
        value, end = Decimal(f"{first.value}.{decimals[0]}"), decimals[1]
        follows = end < len(tokens) and tokens[end] in main
        return Amount(value, sign or (str(main[tokens[end]]) if follows else ""), end + follows)
    second = number_at(tokens, first.end, words) if first.end < len(tokens) else None
    if second is not None and _cents_beside(first, second):
        follows = second.end < len(tokens) and tokens[second.end] in main
        return Amount(
            Decimal(first.value) + Decimal(second.value) / 100,
            sign or (str(main[tokens[second.end]]) if follows else ""),
            second.end + follows,
        )
    return Amount(Decimal(first.value), sign, first.end)


def _cents_beside(first: Number, second: Number) -> bool:
    """ "forty one ninety" is 41.90; "four five" is nobody's sum."""
    return first.value > 0 and 10 <= second.value < 100


def _cents(tokens: Sequence[str], place: int, words: Words) -> tuple[Decimal, int]:
    """What follows the currency: "and ten cents", "fifty", "con veinte", "y medio"."""
    start, joined = place, False
    while place < len(tokens) and (tokens[place] in one_of(words, "and") or tokens[place] in one_of(words, "point")):
        place, joined = place + 1, True
    while joined and place < len(tokens) and tokens[place] in one_of(words, "one_before"):
        place += 1
    if place < len(tokens) and joined and tokens[place] in one_of(words, "half"):
        return Decimal("0.5"), place + 1
    number = number_at(tokens, place, words) if place < len(tokens) else None
    if number is None or number.value >= 100:
        return Decimal(0), start
    named = number.end < len(tokens) and tokens[number.end] in one_of(words, "currency_small")
    return Decimal(number.value) / 100, number.end + named


def _point(tokens: Sequence[str], place: int, words: Words) -> tuple[str, int] | None:
    """ "point nine nine", "coma noventa": the decimals as digits."""
    if place >= len(tokens) or tokens[place] not in one_of(words, "point"):
        return None
    digits, place = "", place + 1
    while place < len(tokens) and len(digits) < 2:
        number = number_at(tokens, place, words)
        if number is not None:
            digits += number.written or str(number.value)
            place = number.end
        elif tokens[place] in one_of(words, "zeros"):
            digits += "0"
            place += 1
        else:
            break
    return (digits, place) if digits else None


def _currency_of(words: Words) -> str:
    """The language's first currency, for "fifty pence" and "diez céntimos"."""
    return str(next(iter(words.table("currency_main").values()), "")).upper()
