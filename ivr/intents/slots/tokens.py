"""Words of a sentence as the slot readers see them, and tables of phrases found in them, longest first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from ivr.intents.normalising import clean
from ivr.intents.words import Words, fold

Value = TypeVar("Value")

LONGEST_WORDS = 80  # more than this is not an answer to a question
_PIECE = re.compile(r"[^\W\d_]+(?:['’\-][^\W\d_]+)*|\d+(?:[.,:/]\d+)*|[£€$@.:/\-_+#%]")
_NUMBER = re.compile(r"\d+(?:[.,:/]\d+)*")


def tokenise(text: str) -> list[str]:
    """Folded words, numbers as written ("1,234.50", "17:30", "3/4/2026") and single signs."""
    return _PIECE.findall(fold(clean(text)))[:LONGEST_WORDS]


def words_only(text: str) -> list[str]:
    """The same without signs."""
    return [piece for piece in tokenise(text) if piece[0].isalnum()]


def is_number(token: str) -> bool:
    """Written in digits."""
    return _NUMBER.fullmatch(token) is not None


class Phrases:
    """A table from phrases (one or more words) to values; `at` finds the longest that starts at a place."""

    def __init__(self, table: Iterable[tuple[str, Any]]) -> None:
        self.values: dict[tuple[str, ...], Any] = {tuple(_PIECE.findall(phrase)): value for phrase, value in table}
        self.values.pop((), None)
        self.longest = max((len(phrase) for phrase in self.values), default=0)

    def at(self, tokens: Sequence[str], start: int) -> tuple[Any, int] | None:
        """Value and number of words, or None."""
        for length in range(min(self.longest, len(tokens) - start), 0, -1):
            phrase = tuple(tokens[start : start + length])
            if phrase in self.values:
                return self.values[phrase], length
        return None

    def starts(self, tokens: Sequence[str], start: int) -> int:
        """How many words of a phrase start here; 0 for none."""
        found = self.at(tokens, start)
        return found[1] if found else 0

    def find(self, tokens: Sequence[str]) -> list[tuple[int, int, Any]]:
        """All that do not overlap, from left to right: (start, end, value)."""
        found, place = [], 0
        while place < len(tokens):
            hit = self.at(tokens, place)
            if hit:
                found.append((place, place + hit[1], hit[0]))
                place += hit[1]
            else:
                place += 1
        return found


_made: dict[tuple[int, str], tuple[Words, Phrases]] = {}


def phrases(words: Words, table: str) -> Phrases:
    """The table or list of that name, made once per set of words. The value of a list's phrase is the phrase itself."""
    key = (id(words), table)
    found = _made.get(key)
    if found is None or found[0] is not words:  # the words are kept so that their id cannot come again
        given = words.tables.get(table)
        if isinstance(given, Mapping):
            made = Phrases((str(phrase), value) for phrase, value in given.items())
        else:
            made = Phrases((phrase, phrase) for phrase in words.listed(table))
        found = _made[key] = (words, made)
    return found[1]


def one_of(words: Words, table: str) -> frozenset[str]:
    """The single words of a list, for quick membership."""
    return words.members(table)


def without(tokens: list[str], words: Words, table: str) -> list[str]:
    """`tokens` without the phrases of a table."""
    found = phrases(words, table).find(tokens)
    return [token for place, token in enumerate(tokens) if not any(start <= place < end for start, end, _ in found)]


def without_lead_in(tokens: list[str], words: Words, table: str) -> list[str]:
    """`tokens` after the last lead-in phrase ("my email is") that stands near their start."""
    leads, start, place = phrases(words, table), 0, 0
    while place < len(tokens) and place <= start + 3:
        length = leads.starts(tokens, place)
        if length:
            place += length
            start = place
        else:
            place += 1
    return tokens[start:]


def as_corrected(
    tokens: list[str], words: Words, read: Callable[[list[str]], Value | None], *, short: bool = True
) -> Value | None:
    """What `read` finds in what follows the last "no, sorry" (`short`: or a plain "no" in the midst); else what it finds in everything."""
    cues = phrases(words, "corrections").find(tokens)
    if short:
        cues = [*cues, *phrases(words, "short_corrections").find(tokens)]
    last = max((end for start, end, _ in cues if start > 0), default=len(tokens))
    found = read(tokens[last:]) if last < len(tokens) else None
    return read(tokens) if found is None else found
