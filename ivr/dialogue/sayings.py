"""What callers say at any question: universal commands and the small words of answering. Matching is exact, never guessed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from ivr.house import Wording

LONGEST_COMMAND_WORDS = 14
_NO_WORD = re.compile(r"[^\w*#+]+|_")


@lru_cache(maxsize=4096)
def tidy(text: str) -> str:
    """Words only: small letters, no accents, no punctuation, single spaces; apostrophes vanish ("that's" -> "thats")."""
    plain = unicodedata.normalize("NFKD", text.casefold().replace("'", "").replace("’", ""))
    return " ".join(_NO_WORD.sub(" ", "".join(c for c in plain if not unicodedata.combining(c))).split())


def saying(text: str, wording: Wording, among: Iterable[str]) -> str | None:
    """Which of the sayings named in `among` the whole of `text` is, apart from polite words around it; None for anything else."""
    said = tidy(text)
    words = said.split()
    if not words or len(words) > LONGEST_COMMAND_WORDS:
        return None
    small = {word for filler in wording.fillers for word in tidy(filler).split()}
    best: tuple[int, str] | None = None
    for name in among:
        known = sorted((tidy(phrase) for phrase in wording.commands.get(name, ())), key=len, reverse=True)
        rest, longest = f" {said} ", 0
        for phrase in known:
            if phrase and f" {phrase} " in rest:
                rest, longest = rest.replace(f" {phrase} ", " ", 1), max(longest, len(phrase))
        if longest and all(word in small for word in rest.split()) and (best is None or longest > best[0]):
            best = (longest, name)
    return best[1] if best else None
