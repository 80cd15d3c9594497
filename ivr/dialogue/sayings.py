"""What callers say at any question: universal commands and the small words of answering. Matching is exact, never guessed."""

from __future__ import annotations

from collections.abc import Iterable

from ivr.house import Wording, tidy

LONGEST_COMMAND_WORDS = 14


def saying(text: str, wording: Wording, among: Iterable[str]) -> str | None:
    """Which of the sayings named in `among` the whole of `text` is, apart from polite words around it; None for anything else."""
    said = tidy(text)
    if not said or said.count(" ") >= LONGEST_COMMAND_WORDS:
        return None
    best: tuple[int, str] | None = None
    for name in among:
        rest, longest = f" {said} ", 0
        for phrase in wording.known_sayings.get(name, ()):
            if phrase in rest and f" {phrase} " in rest:
                rest, longest = rest.replace(f" {phrase} ", " ", 1), max(longest, len(phrase))
        if longest and wording.small_words.issuperset(rest.split()) and (best is None or longest > best[0]):
            best = (longest, name)
    return best[1] if best else None
