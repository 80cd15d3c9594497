"""Digits and letters said one by one: order numbers, account numbers, reference codes.

What was said can often be read in more than one way ("twenty three" is 23 or 20 3; "oh" is 0 or the letter), so a reading is a row of
pieces, each with alternatives, the likeliest first. The length asked for and the values known of this caller decide between them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from ivr.intents.slots.matching import nearest_known
from ivr.intents.slots.numbers import Number, number_at
from ivr.intents.slots.tokens import is_number, one_of, phrases, tokenise
from ivr.intents.words import Words, fold

MOST_READINGS = 64
_MIXED = re.compile(r"\b(?=[a-z]*\d)(?=\d*[a-z])[a-z\d]{4,}\b")


@dataclass(frozen=True)
class Piece:
    """Part of a code with its alternatives; `start` and `end` are words of the sentence."""

    readings: tuple[str, ...]
    start: int
    end: int


def pieces_of(tokens: Sequence[str], words: Words, letters: bool) -> list[Piece]:
    """The parts of `tokens` that may belong to a code."""
    found: list[Piece] = []
    place = 0
    while place < len(tokens):
        piece = _piece(tokens, place, words, letters)
        if piece is None:
            place += 1
            continue
        found.append(piece)
        place = piece.end
    return found


def _piece(tokens: Sequence[str], place: int, words: Words, letters: bool) -> Piece | None:
    token = tokens[place]
    if letters and phrases(words, "letter_names").starts(tokens, place) > 1:  # before "double": "double u" is a letter
        return _letter(tokens, place, words)
    several = _plural(tokens, place, words)
    if several is not None:
        return several
    times = phrases(words, "repeats").at(tokens, place)
    if times and place + times[1] < len(tokens):
        repeated = _piece(tokens, place + times[1], words, letters)
        if repeated is not None:
            # "double twenty" is 2020 for some; of "double 57462" only the 5 can be meant, if anything is: it stays as it is
            multiplied = tuple(reading * int(times[0]) for reading in repeated.readings if len(reading) <= 2)
            return Piece(multiplied or repeated.readings, place, repeated.end)
    if letters:
        spelled = _letter(tokens, place, words)
        if spelled is not None:
            return spelled
    if token in one_of(words, "zeros"):
        return Piece(("0", "o") if letters else ("0",), place, place + 1)
    number = number_at(tokens, place, words)
    if number is not None:
        in_a_row = number.end < len(tokens) and words.table("numbers").get(tokens[number.end], "10") in "0123456789"
        return Piece(_digit_readings(number, in_a_row), place, number.end)
    if is_number(token) and not any(sign in token for sign in ":/"):
        return Piece((token.replace(",", "").replace(".", ""),), place, place + 1)
    if letters and len(token) > 1 and token.isalnum() and any(c.isdigit() for c in token):
        return Piece((token,), place, place + 1)
    return None


def _plural(tokens: Sequence[str], place: int, words: Words) -> Piece | None:
    """ "three fives", "cuatro ceros"."""
    if place + 1 >= len(tokens) or tokens[place + 1] not in words.table("digit_plurals"):
        return None
    count = number_at(tokens, place, words)
    if count is None or count.end != place + 1 or not 1 < count.value < 10:
        return None
    return Piece((str(words.table("digit_plurals")[tokens[place + 1]]) * count.value,), place, place + 2)


def _letter(tokens: Sequence[str], place: int, words: Words) -> Piece | None:
    """ "bravo", "bee", "b", "b as in bravo", "a de alicia"."""
    token = tokens[place]
    named = phrases(words, "letter_names").at(tokens, place)
    cue_at = place + 1
    letter: str | None = None
    if named and (named[1] > 1 or len(token) > 1):
        letter, cue_at = str(named[0]), place + named[1]
    elif len(token) == 1 and token.isalpha():
        letter = token
    if letter is not None:
        cue = phrases(words, "as_in").starts(tokens, cue_at) if cue_at < len(tokens) else 0
        if cue and cue_at + cue < len(tokens) and tokens[cue_at + cue].startswith(letter) and len(tokens[cue_at + cue]) > 1:
            return Piece((letter,), place, cue_at + cue + 1)
        if letter == "o" and token in one_of(words, "zeros"):
            return Piece(("0", "o"), place, cue_at)
        return Piece((letter,), place, cue_at)
    spoken = words.table("alphabet").get(token)
    return Piece((str(spoken),), place, place + 1) if spoken else None


def _digit_readings(number: Number, in_a_row: bool) -> tuple[str, ...]:
    """As one number first, then apart: 23 or 203 (20, 3); 105 or 1005. `in_a_row`: single digits follow, as in "eight hundred five five five"."""
    if number.written is not None:
        return (number.written,)
    whole = str(number.value)
    apart = "".join(str(part) for part in number.parts)
    split_tens = whole
    if len(number.parts) >= 2 and number.parts[-1] < 10 <= number.parts[-2] < 100:
        split_tens = str(number.value - number.parts[-1]) + str(number.parts[-1])
    found: tuple[str, ...] = (whole, split_tens, apart)
    if len(number.parts) >= 2 and number.parts[-2] == 100 and number.parts[-1] < 10:
        hundreds = str(number.value - number.parts[-1]) + str(number.parts[-1])
        found = (hundreds, *found) if in_a_row else (*found, hundreds)
    return tuple(dict.fromkeys(found))


def readings(pieces: Sequence[Piece]) -> Iterator[str]:
    """Ways to read the pieces together, the likeliest first; at most MOST_READINGS."""

    def ways(place: int) -> Iterator[str]:
        if place == len(pieces):
            yield ""
            return
        for reading in pieces[place].readings:
            for rest in ways(place + 1):
                yield reading + rest

    return islice(ways(0), MOST_READINGS)


def read_code(
    text: str, words: Words, length: int | None = None, known: Sequence[str] = (), letters: bool = False
) -> tuple[str, float] | None:
    """The code in `text` and how sure it is (1: as said; less: mended by `known` or by guessing); None where there is none."""
    tokens = [token for token in tokenise(text) if token not in ".-_/#+:"]
    tried: list[str] = []
    if letters and (written := _MIXED.search(fold(text))):
        tried.append(written.group())
    for attempt in _after_corrections(tokens, words):
        strict = pieces_of(attempt, words, letters)
        run = strict if letters else longest_run(strict)
        for pieces in (run, strict, _with_homophones(attempt, words, letters)):
            tried.extend(reading for reading in readings(pieces) if reading)
            if length is not None and not any(len(reading) == length for reading in tried):
                tried.extend(_last_corrected(tokens, words, letters, length))
        if tried:
            break
    if length is not None and not any(len(reading) == length for reading in tried):
        tried.extend(_stretches(pieces_of(tokens, words, letters), length))
    if not tried:
        return None
    exact = [reading for reading in tried if length is None or len(reading) == length]
    mended = nearest_known(exact or tried, known)
    if mended is not None:
        return mended
    return (exact[0], 1.0) if exact else None


def _stretches(pieces: Sequence[Piece], length: int) -> list[str]:
    """Pieces that touch and have the length asked for, the last such first: "it has four digits, one two three four"."""
    runs: list[list[Piece]] = []
    for piece in pieces:
        if runs and piece.start == runs[-1][-1].end:
            runs[-1].append(piece)
        else:
            runs.append([piece])
    return [reading for run in reversed(runs) for reading in readings(run) if len(reading) == length]


def longest_run(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces that stand together and hold the most characters: a stray "one" elsewhere in the sentence is left out."""
    runs: list[list[Piece]] = []
    for piece in pieces:
        if runs and piece.start - runs[-1][-1].end <= 1:
            runs[-1].append(piece)
        else:
            runs.append([piece])
    return max(runs, key=lambda run: sum(len(piece.readings[0]) for piece in run), default=[])


def _after_corrections(tokens: list[str], words: Words) -> list[list[str]]:
    """What follows the last "no, sorry" if anything does, then everything."""
    cues = phrases(words, "corrections").find(tokens)
    if not cues:
        return [tokens]
    tail = tokens[cues[-1][1] :]
    whole = [token for place, token in enumerate(tokens) if not any(start <= place < end for start, end, _ in cues)]
    tail_pieces = pieces_of(tail, words, False)
    head_pieces = pieces_of(tokens[: cues[-1][0]], words, False)
    said_before = sum(len(piece.readings[0]) for piece in head_pieces)
    said_after = sum(len(piece.readings[0]) for piece in tail_pieces)
    return [tail, whole] if said_after >= said_before else [whole, tail]


def _last_corrected(tokens: list[str], words: Words, letters: bool, length: int) -> list[str]:
    """ "four five six, sorry, seven": what comes after the cue replaces as much of the end of what was said before it."""
    cues = phrases(words, "corrections").find(tokens)
    if not cues:
        return []
    before = "".join(piece.readings[0] for piece in pieces_of(tokens[: cues[-1][0]], words, letters))
    after = "".join(piece.readings[0] for piece in pieces_of(tokens[cues[-1][1] :], words, letters))
    if before and after and len(before) == length and len(after) < length:
        return [before[: length - len(after)] + after]
    return []


def _with_homophones(tokens: Sequence[str], words: Words, letters: bool) -> list[Piece]:
    """With words taken for the digits they sound like ("for", "to", "ate") where they touch other digits."""
    table = words.table("homophones")
    numerals = {str(value): word for word, value in words.table("numbers").items() if int(value) < 10}
    mended = list(tokens)
    for place, token in enumerate(tokens):
        if token in table and str(table[token]) in numerals:
            around = [mended[p] for p in (place - 1, place + 1) if 0 <= p < len(tokens)]
            if any(number_at([word], 0, words) or word in table or word in one_of(words, "zeros") for word in around):
                mended[place] = numerals[str(table[token])]
    if mended == list(tokens):
        return []
    return longest_run(pieces_of(mended, words, letters))
