"""E-mail addresses and postcodes spelled out: "john dot smith at gmail dot com", "S W one A one double A"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ivr.intents.slots.codes import Piece, pieces_of, readings
from ivr.intents.slots.matching import nearest_known
from ivr.intents.slots.numbers import number_at
from ivr.intents.slots.tokens import as_corrected, phrases, tokenise, without_lead_in
from ivr.intents.words import Words, fold

_WRITTEN = {"a": "[a-z]", "A": "[a-z]", "9": r"\d", " ": r"\s?"}
_EMAIL = re.compile(r"[a-z0-9ñ][a-z0-9ñ._+\-]{0,63}@[a-z0-9][a-z0-9\-]{0,62}(?:\.[a-z0-9\-]{1,62})*\.[a-z]{2,24}")


def read_email(text: str, words: Words, known: tuple[str, ...] = ()) -> tuple[str, float] | None:
    """The address in `text`, lower case; None where it is not whole."""
    # "no" may be part of an address
    found = as_corrected(tokenise(text), words, lambda said: _email(said, words), short=False)
    return None if found is None else nearest_known([found[0]], known) or found


def _email(tokens: list[str], words: Words) -> tuple[str, float] | None:
    signs = phrases(words, "email_signs")
    at = next((place for place in range(len(tokens)) if (hit := signs.at(tokens, place)) and hit[0] == "@"), len(tokens))
    tokens = [*without_lead_in(tokens[:at], words, "lead_ins"), *tokens[at:]]
    written = "".join(_email_parts(tokens, words))
    found = _EMAIL.search(written)
    if found is None:
        return None
    return found.group(), 0.9 if _spelled(tokens) else 1.0


def _spelled(tokens: list[str]) -> bool:
    return "@" not in tokens


def _email_parts(tokens: list[str], words: Words) -> Iterator[str]:
    """What each word adds to the address."""
    signs, names, ignored = phrases(words, "email_signs"), phrases(words, "email_known"), phrases(words, "email_ignored")
    place = 0
    while place < len(tokens):
        skipped = ignored.starts(tokens, place)
        if skipped:
            place += skipped
            continue
        for table in (signs, names):
            hit = table.at(tokens, place)
            if hit:
                yield str(hit[0])
                place += hit[1]
                break
        else:
            piece = _spelled_piece(tokens, place, words)
            yield piece[0]
            place = piece[1]


def _spelled_piece(tokens: list[str], place: int, words: Words) -> tuple[str, int]:
    """A letter said as such, a repeated one, a number, else the word itself."""
    token = tokens[place]
    named = phrases(words, "letter_names").at(tokens, place)
    if named and (named[1] > 1 or (len(token) > 1 and _beside_a_letter(tokens, place))):  # "double u"; the "ene" of "a ene a"
        return str(named[0]), place + named[1]
    times = phrases(words, "repeats").at(tokens, place)
    if times and place + times[1] < len(tokens):
        after = tokens[place + times[1]]
        number = number_at(tokens, place + times[1], words)
        if number is not None and number.value < 10:
            return str(number.value) * int(times[0]), number.end
        if len(after) == 1:
            return after * int(times[0]), place + times[1] + 1
    if len(token) == 1 and token.isalpha():
        cue = phrases(words, "as_in").starts(tokens, place + 1) if place + 1 < len(tokens) else 0
        if (
            cue
            and place + 1 + cue < len(tokens)
            and tokens[place + 1 + cue].startswith(token)
            and len(tokens[place + 1 + cue]) > 1
        ):
            return token, place + cue + 2
        return token, place + 1
    number = number_at(tokens, place, words)
    if number is not None:
        return number.written or str(number.value), number.end
    return token.replace("'", ""), place + 1


def _beside_a_letter(tokens: list[str], place: int) -> bool:
    return any(
        0 <= beside < len(tokens) and len(tokens[beside]) == 1 and tokens[beside].isalpha() for beside in (place - 1, place + 1)
    )


def read_postcode(text: str, words: Words, known: tuple[str, ...] = ()) -> tuple[str, float] | None:
    """The postcode in `text` in one of the shapes of the language's table ("A9 9AA": A is a letter, 9 a digit)."""
    shapes = words.listed("postcode_shapes")
    for shape in shapes:
        as_written = re.search(r"\b" + "".join(_WRITTEN.get(sign, "") for sign in shape) + r"\b", fold(text))
        if as_written and not shape.replace(" ", "").isdigit():
            code = _spaced(as_written.group().replace(" ", "").upper(), shape.upper())
            return nearest_known([code], known) or (code, 1.0)
    said = as_corrected(tokenise(text), words, lambda tokens: _spelled_postcode(tokens, shapes, words), short=False)
    return None if said is None else nearest_known([said], known) or (said, 1.0)


def _spelled_postcode(tokens: list[str], shapes: tuple[str, ...], words: Words) -> str | None:
    tokens = [token for token in without_lead_in(tokens, words, "lead_ins") if token not in ".-_/#+:"]
    spread = pieces_of(tokens, words, letters=True)
    for shape in sorted(shapes, key=len, reverse=True):
        plain = shape.replace(" ", "").upper()
        for start in range(len(spread)):
            for end in range(start + 1, len(spread) + 1):
                if spread[end - 1].end - spread[start].start > 3 * len(plain):
                    break
                for reading in readings(spread[start:end]):
                    fitted = _fit(reading.upper(), plain)
                    if fitted and _alone(spread, start, end, plain):
                        return _spaced(fitted, shape)
    return None


def _fit(reading: str, shape: str) -> str:
    """`reading` in the shape, O and I taken for 0 and 1 where the shape asks for a digit; "" where it does not fit."""
    if len(reading) != len(shape):
        return ""
    fitted = ""
    for heard, wanted in zip(reading, shape, strict=True):
        if wanted == "9":
            heard = {"O": "0", "I": "1"}.get(heard, heard)
            if not heard.isdigit():
                return ""
        else:
            if not heard.isalpha():
                return ""
        fitted += heard
    return fitted


def _alone(pieces: list[Piece], start: int, end: int, shape: str) -> bool:
    """A row of digits is a postcode only where no more digits touch it."""
    if not shape.isdigit():
        return True
    touching = [pieces[p] for p in (start - 1, end) if 0 <= p < len(pieces)]
    return not any(
        piece.readings[0].isdigit() and (piece.end == pieces[start].start or piece.start == pieces[end - 1].end)
        for piece in touching
    )


def _spaced(code: str, shape: str) -> str:
    gap = shape.find(" ")
    return code if gap < 0 else f"{code[:gap]} {code[gap:]}"
