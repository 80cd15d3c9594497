"""Spoken numbers: "two thousand and five", "veintitrés", "forty five hundred", "three point one", mixed with digits as written.

Numbers that only stand side by side stay apart ("twenty three forty one" is 23, 41): what they mean together is for the
reader of the kind asked for (digits, money, a year, a time) to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from ivr.intents.slots.tokens import as_corrected, is_number, one_of, phrases, tokenise, without
from ivr.intents.words import Words


@dataclass(frozen=True)
class Number:
    """A whole number in a sentence. `parts` are the summands as spoken (20, 3); `written` the digits where it was not spoken."""

    value: int
    start: int
    end: int
    parts: tuple[int, ...] = ()
    written: str | None = None


def units(words: Words) -> dict[str, int]:
    """Every word that is a number by itself."""
    return {word: int(value) for word, value in words.table("numbers").items()}


def number_at(tokens: Sequence[str], start: int, words: Words) -> Number | None:
    """The longest number that starts at `start`."""
    table, hundred, thousand = words.table("numbers"), one_of(words, "hundred"), words.table("thousand")
    joiners, articles = one_of(words, "and"), one_of(words, "one_before")
    total, current, place = 0, -1, start  # current: what is counted below the next thousand, -1 for nothing yet
    below = 10**12  # a thousand after a million, never a million after a thousand
    parts: list[int] = []
    written: str | None = None
    while place < len(tokens):
        token = tokens[place]
        if current < 0 and not parts and token.isascii() and token.isdigit() and len(token) <= 12:
            written, current = token, int(token)
            parts.append(current)
        elif token in table and written is None:
            value = int(table[token])
            if not _joins(current, value):
                break
            current = max(current, 0) + value
            parts.append(value)
        elif token in hundred and (0 < current < 100 or (current < 0 and not parts and place > start)):
            parts.append(100)
            current = max(current, 1) * 100
        elif (
            token in thousand
            and int(thousand[token]) < below
            and (0 < current < 1000 or (current < 0 and total == 0 and _bare(token, thousand)))
        ):
            below = int(thousand[token])
            total += max(current, 1) * below
            parts.append(below)
            current = -1
            written = None
        elif (
            token in articles
            and not parts
            and place + 1 < len(tokens)
            and (tokens[place + 1] in hundred or tokens[place + 1] in thousand)
        ):
            parts.append(1)
            current = 1
        elif token in joiners and parts and place + 1 < len(tokens) and _joined(tokens[place + 1], current, total, table, words):
            pass
        else:
            break
        place += 1
    if not parts:
        return None
    only = written if place == start + 1 else None
    return Number(total + max(current, 0), start, place, tuple(parts), only)


def _bare(token: str, thousand: dict[str, str]) -> bool:
    """Spanish says "mil" for one thousand; a million always has its number before it."""
    return int(thousand[token]) == 1000


def _joins(current: int, value: int) -> bool:
    """Whether `value` may be added to what was counted: units to tens, tens to hundreds, anything to nothing."""
    if current < 0:
        return True
    if value == 0 or current == 0:
        return False
    if value < 10:
        return current % 10 == 0 and current % 100 != 10
    return current % 100 == 0 if value < 100 else False


def _joined(token: str, current: int, total: int, table: dict[str, str], words: Words) -> bool:
    """Whether "and" before `token` goes on with the number: "one hundred and five", "treinta y uno", never "four and five"."""
    if token not in table:
        return False
    if words.text("tens_joiner") and current % 100 >= 20 and int(table[token]) < 10:
        return current % 10 == 0
    return (current < 0 and total > 0) or (current >= 100 and _joins(current, int(table[token])))


def numbers_in(tokens: Sequence[str], words: Words) -> list[Number]:
    """All whole numbers, from left to right."""
    found, place = [], 0
    while place < len(tokens):
        number = number_at(tokens, place, words)
        if number is None:
            place += 1
        else:
            found.append(number)
            place = number.end
    return found


def read_number(text: str, words: Words) -> Decimal | None:
    """The one number in `text`, with decimals ("three point one four", "dos y medio") and sign; None where there is none."""
    return as_corrected(without(tokenise(text), words, "about"), words, lambda said: _one_number(said, words))


def _one_number(tokens: list[str], words: Words) -> Decimal | None:
    told = phrases(words, "told_numbers").find(tokens)
    if told:
        return Decimal(str(told[0][2]))
    for place, token in enumerate(tokens):
        if is_number(token) and not token.isdigit():
            return _negative(tokens, place, written_decimal(token), words)
        if token in ("#",):
            continue
        number = number_at(tokens, place, words)
        if (
            number is not None
            and token in one_of(words, "one_before")
            and number_at(tokens[number.end : number.end + 1], 0, words)
        ):
            continue  # "un ocho" is an eight
        if number is not None:
            whole = Decimal(number.value)
            decimals = _decimals(tokens, number.end, words)
            if decimals:
                whole = Decimal(f"{number.value}.{decimals}")
            elif _half_follows(tokens, number.end, words):
                whole += Decimal("0.5")
            return _negative(tokens, place, whole, words)
        if token in one_of(words, "zeros") and len(tokens) == 1:
            return Decimal(0)
    if any(token in one_of(words, "half") for token in tokens):
        return Decimal("0.5")
    return None


def _negative(tokens: Sequence[str], place: int, value: Decimal | None, words: Words) -> Decimal | None:
    if value is not None and place and tokens[place - 1] in {"-", *one_of(words, "minus")}:
        return -value
    return value


def _decimals(tokens: Sequence[str], place: int, words: Words) -> str:
    """Digits after "point": each spoken one by one, or as a number ("coma veinticinco")."""
    if place >= len(tokens) or tokens[place] not in one_of(words, "point"):
        return ""
    digits, place = "", place + 1
    while place < len(tokens):
        number = number_at(tokens, place, words)
        if number is not None:
            digits += number.written or str(number.value)
            place = number.end
        elif tokens[place] in one_of(words, "zeros"):
            digits += "0"
            place += 1
        else:
            break
    return digits


def _half_follows(tokens: Sequence[str], place: int, words: Words) -> bool:
    """ "and a half", "y medio"."""
    rest = list(tokens[place : place + 3])
    if not rest or rest[0] not in one_of(words, "and"):
        return False
    found = [token for token in rest[1:] if token not in one_of(words, "one_before")]
    return bool(found) and found[0] in one_of(words, "half")


def written_decimal(token: str) -> Decimal | None:
    """ "1,234.50", "1.234,50", "12,5" as a number: the last sign parts decimals unless three digits follow it and it comes alone."""
    if ":" in token or "/" in token:
        return None
    signs = [c for c in token if c in ".,"]
    plain = token
    if len(set(signs)) == 2:
        decimal = signs[-1]
        plain = token.replace("," if decimal == "." else ".", "").replace(decimal, ".")
    elif signs:
        tail = token.rsplit(signs[0], 1)[1]
        grouped = len(tail) == 3 and token.split(signs[0])[0] not in ("", "0")
        plain = token.replace(signs[0], "" if grouped or len(signs) > 1 else ".")
    try:
        return Decimal(plain)
    except InvalidOperation:
        return None


def ordinal_at(tokens: Sequence[str], start: int, words: Words) -> tuple[int, int] | None:
    """ "third", "twenty third", "3rd", "primero": the number and where it ends."""
    table = words.table("ordinals")
    if start < len(tokens) and tokens[start] in table:
        return int(table[tokens[start]]), start + 1
    tens = words.table("numbers").get(tokens[start]) if start < len(tokens) else None
    if (
        tens is not None
        and int(tens) in (20, 30)
        and start + 1 < len(tokens)
        and tokens[start + 1] in table
        and int(table[tokens[start + 1]]) < 10
    ):
        return int(tens) + int(table[tokens[start + 1]]), start + 2
    if (
        tokens[start].isdigit()
        and start + 1 < len(tokens)
        and tokens[start + 1] in one_of(words, "ordinal_endings")
        and len(tokens[start]) <= 2
    ):
        return int(tokens[start]), start + 2
    hyphened = tokens[start].split("-")
    if len(hyphened) == 2:
        return ordinal_at(hyphened, 0, words)
    return None


def phrase_length(tokens: Sequence[str], place: int, words: Words, table: str) -> int:
    """How many words of a phrase of `table` start at `place`."""
    return phrases(words, table).starts(tokens, place) if place < len(tokens) else 0
