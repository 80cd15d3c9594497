"""One form for what is typed in training data and what a telephone's speech recogniser writes.

Recognisers differ: some write "Where's my order 45?", some "wheres my order forty five". Both become the same words here: lower
case, no punctuation, digits spelled, hesitations dropped. Trained and heard text go through this one function.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from ivr.intents.words import Words, fold

LONGEST_TEXT = 1000  # characters heard in one turn that are looked at; a minute of speech is about 900
_NOT_WORDS = re.compile(r"[^\w\s']|_", re.UNICODE)
_APOSTROPHE = re.compile(r"(?<!\w)'|'(?!\w)")
_DIGITS = re.compile(r"\d+")
_SPACES = re.compile(r"\s+")


def clean(text: str, longest: int = LONGEST_TEXT) -> str:
    """`text` cut to `longest` characters, without control characters, in composed Unicode, with plain spaces and quotes."""
    cut = unicodedata.normalize("NFKC", text[:longest])
    plain = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in cut)
    return _SPACES.sub(" ", plain.replace("’", "'").replace("‘", "'")).strip()


def normalise(text: str, words: Words) -> str:
    """The words of `text` in the one form; empty where nothing was said."""
    lower = fold(clean(text))
    spelled = _DIGITS.sub(lambda found: f" {_spell(found.group(), words)} ", lower)
    bare = _SPACES.sub(" ", _APOSTROPHE.sub(" ", _NOT_WORDS.sub(" ", spelled))).strip()
    fillers = _fillers(words)
    return _SPACES.sub(" ", fillers.sub(" ", bare)).strip() if fillers else bare


def sense(text: str, words: Words) -> str:
    """`text` (normalised) for the sentence encoder: word by word in English where the language has a table `gloss`, else as it is.

    The encoder that ships knows English. A rough gloss carries far more of a Spanish sentence's meaning into it than the Spanish words do.
    """
    table = words.table("gloss")
    if not table:
        return text
    tokens, told = text.split(), []
    for token in tokens:
        exact = table.get(token)
        if exact is None:
            stem = next((token[:length] + "*" for length in range(len(token), 1, -1) if token[:length] + "*" in table), None)
            exact = table[stem] if stem else token
        told.append(str(exact))
    return _SPACES.sub(" ", " ".join(told)).strip()


@cache
def _filler_pattern(fillers: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(fillers, key=len, reverse=True)
    return re.compile(r"\b(?:" + "|".join(re.escape(filler) for filler in longest_first) + r")\b")


def _fillers(words: Words) -> re.Pattern[str] | None:
    fillers = words.listed("fillers")
    return _filler_pattern(fillers) if fillers else None


def _spell(digits: str, words: Words) -> str:
    """Up to 99 as a number ("24" -> "twenty four"), longer runs digit by digit, as callers say them."""
    names = words.listed("digit_names")
    if len(names) != 10 or not digits.isascii():
        return digits
    small = words.listed("small_numbers")  # ten to nineteen (and further where a language has own words)
    tens = words.table("tens_names")
    number = int(digits) if len(digits) <= 2 else -1
    if digits[0] == "0" or number < 0:
        return " ".join(names[int(digit)] for digit in digits)
    if number < 10:
        return names[number]
    if number - 10 < len(small):
        return small[number - 10]
    ten, unit = str(number - number % 10), number % 10
    if ten not in tens:
        return " ".join(names[int(digit)] for digit in digits)
    return str(tens[ten]) + (f" {words.text('tens_joiner')} {names[unit]}".replace("  ", " ") if unit else "")
