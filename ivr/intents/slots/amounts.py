"""Sums of money: "forty one ninety", "cincuenta euros con diez", "three pounds fifty", "£1,204.50", "fifty pence"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from ivr.intents.slots.numbers import Number, number_at, written_decimal
from ivr.intents.slots.tokens import as_corrected, is_number, one_of, phrases, tokenise
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
    return as_corrected(tokenise(text), words, lambda said: _first_amount(said, words, needs_currency))


def _first_amount(tokens: Sequence[str], words: Words, needs_currency: bool) -> Amount | None:
    for place in range(len(tokens)):
        found = _told_at(tokens, place, words) or amount_at(tokens, place, words)
        if found is not None and (found.currency or not needs_currency):
            return Amount(found.value.quantize(CENTS), found.currency, found.end)
    return None


def _told_at(tokens: Sequence[str], place: int, words: Words) -> Amount | None:
    """Sums without a number: "a pound fifty", "half a pound", "euro y medio", "a tenner"."""
    main, articles, half = words.table("currency_main"), one_of(words, "one_before"), one_of(words, "half")
    known = phrases(words, "known_sums").at(tokens, place)
    if known:
        return Amount(Decimal(str(known[0])), _currency_of(words), place + known[1])
    token, start = tokens[place], place
    value = Decimal("0.5") if token in half else Decimal(1) if token in articles else None
    if value is not None:
        start += 1
        start += token in half and start < len(tokens) and tokens[start] in articles
    if start >= len(tokens) or tokens[start] not in main or not tokens[start].isalpha():
        return None
    cents, end = _cents(tokens, start + 1, words)
    if value is None:  # "euro y medio" counts, a bare "euros" does not
        return (
            Amount(1 + cents, str(main[token]).upper(), end)
            if cents == Decimal("0.5") and not _counted(tokens, place, words)
            else None
        )
    return Amount(value + cents, str(main[tokens[start]]).upper(), end)


def _counted(tokens: Sequence[str], place: int, words: Words) -> bool:
    """Whether a number stands right before `place`."""
    return place > 0 and number_at([tokens[place - 1]], 0, words) is not None


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
    half, end = _half(tokens, first.end, words)
    if half and end < len(tokens) and tokens[end] in main:
        return Amount(first.value + half, str(main[tokens[end]]).upper(), end + 1)
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
    small_change = _below_ten(tokens, first.end, words)
    if small_change is not None and first.value > 0:
        return Amount(first.value + small_change[0], sign, small_change[1])
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
    small_change = _below_ten(tokens, place, words)
    if small_change is not None:
        return small_change
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


def _below_ten(tokens: Sequence[str], place: int, words: Words) -> tuple[Decimal, int] | None:
    """ "oh five" after the pounds: five pence."""
    if place + 1 >= len(tokens) or tokens[place] not in {*one_of(words, "zeros"), *words.listed("digit_names")[:1]}:
        return None
    number = number_at(tokens, place + 1, words)
    if number is None or not 0 < number.value < 10:
        return None
    return Decimal(number.value) / 100, number.end


def _half(tokens: Sequence[str], place: int, words: Words) -> tuple[Decimal, int]:
    """ "and a half" between a number and its currency."""
    if place >= len(tokens) or tokens[place] not in one_of(words, "and"):
        return Decimal(0), place
    place += 1
    while place < len(tokens) and tokens[place] in one_of(words, "one_before"):
        place += 1
    return (Decimal("0.5"), place + 1) if place < len(tokens) and tokens[place] in one_of(words, "half") else (Decimal(0), place)


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
