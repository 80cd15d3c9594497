"""What was heard against what is known of this caller: one wrong digit, or a name written otherwise, is caught."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from ivr.intents.words import fold

MENDED = 0.75  # how sure a value is that was mended by what is known; the flow reads it back


def bare(value: str) -> str:
    """Letters and digits only, folded: "ORD-12 34" -> "ord1234"."""
    return "".join(c for c in fold(value) if c.isalnum())


def nearest_known(heard: Sequence[str], known: Sequence[str]) -> tuple[str, float] | None:
    """The known value that was said: exactly (sureness 1), or with one character wrong, missing, extra or two swapped (less).

    None where no known value, or more than one, is that near. The known value is given as it is written there.
    """
    plain = {bare(value): value for value in known if bare(value)}
    for reading in heard:
        if bare(reading) in plain:
            return plain[bare(reading)], 1.0
    for reading in heard:
        spoken = bare(reading)
        if len(spoken) < 4:
            continue
        near = [value for value in plain if one_slip(spoken, value)]
        if len(near) == 1:
            return plain[near[0]], MENDED
        endings = [value for value in plain if len(spoken) >= 4 and value.endswith(spoken)]
        if len(endings) == 1:  # callers often give the last digits only
            return plain[endings[0]], MENDED
    return None


def one_slip(one: str, other: str) -> bool:
    """Whether one character wrong, missing, extra, or two neighbours swapped makes one of the other."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    if len(one) == len(other):
        wrong = [place for place, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
        if len(wrong) == 1:
            return True
        return (
            len(wrong) == 2 and wrong[1] == wrong[0] + 1 and one[wrong[0]] == other[wrong[1]] and one[wrong[1]] == other[wrong[0]]
        )
    short, long = sorted((one, other), key=len)
    return any(long[:place] + long[place + 1 :] == short for place in range(len(long)))


def nearest_name(heard: str, known: Sequence[str]) -> tuple[str, float] | None:
    """The known name that sounds or is written like `heard`; None where none is near, or two are."""
    said = fold(heard)
    ranked = sorted(((_likeness(said, fold(name)), name) for name in known), reverse=True)
    if not ranked or ranked[0][0] < 0.72 or (len(ranked) > 1 and ranked[0][0] - ranked[1][0] < 0.06):
        return None
    return ranked[0][1], 1.0 if ranked[0][0] > 0.99 else MENDED


def _likeness(one: str, other: str) -> float:
    """0..1: how alike two names are; a first or last name alone counts in full less a little."""
    whole = difflib.SequenceMatcher(None, one, other).ratio()
    parts = [difflib.SequenceMatcher(None, one, part).ratio() for part in other.split() if len(part) > 2]
    return max([whole, *(0.95 * part for part in parts if part > 0.8)])
