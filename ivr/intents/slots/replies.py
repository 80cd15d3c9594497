"""Yes and no in all their forms, and people's names."""

from __future__ import annotations

import re

from ivr.intents.slots.matching import nearest_name
from ivr.intents.slots.tokens import Phrases, one_of, phrases, tokenise, without_lead_in, words_only
from ivr.intents.words import Words

LONGEST_NAME = 5


def read_yes_no(text: str, words: Words) -> tuple[bool, float] | None:
    """Whether `text` says yes or no; None for neither, for both at once without an order, and for "I don't know".

    The longest phrase of the tables counts at each place ("no problem" is a yes), and the last one said wins ("no, that's right").
    """
    tokens = words_only(text)
    table = _replies(words)
    found = table.find(tokens)
    if not found or any(value == "unsure" for _, _, value in found):
        return None
    said = [value for _, _, value in found]
    known = sum(end - start for start, end, _ in found)
    # A yes within a long sentence about something else is hardly an answer, unless it opens it.
    if len(tokens) > 6 and known / len(tokens) < 0.2 and found[0][0] > 0:
        return None
    sureness = 1.0 if len(set(said)) == 1 else 0.7
    return said[-1] == "yes", sureness


_made: dict[int, tuple[Words, Phrases]] = {}


def _replies(words: Words) -> Phrases:
    found = _made.get(id(words))
    if found is None or found[0] is not words:
        table = [(phrase, name) for name in ("yes", "no", "unsure") for phrase in words.listed(name)]
        plain = [(re.sub(r"['’]", "", phrase), value) for phrase, value in table if "'" in phrase]  # recognisers drop apostrophes
        found = _made[id(words)] = (words, Phrases([*plain, *table]))
    return found[1]


def read_name(text: str, words: Words, known: tuple[str, ...] = ()) -> tuple[str, float] | None:
    """The name in `text` with capitals, or the known name that it is like; None where what is left is not a name."""
    tokens = without_lead_in([token for token in tokenise(text) if token[0].isalpha()], words, "name_lead_ins")
    original = _spelling(text)
    tails = phrases(words, "name_tails")
    for place in range(len(tokens)):
        if tails.starts(tokens, place):
            tokens = tokens[:place]
            break
    if tokens and all(len(token) == 1 for token in tokens) and len(tokens) > 2:
        tokens = ["".join(tokens)]
    elif len(tokens) > 3 and all(len(token) == 1 for token in tokens[1:]):
        tokens = tokens[:1] if "".join(tokens[1:]) == tokens[0] else ["".join(tokens[1:])]
    if not tokens or len(tokens) > LONGEST_NAME:
        return None
    said = " ".join(original.get(token, token) for token in tokens)
    mended = nearest_name(" ".join(tokens), known) if known else None
    if mended is not None:
        return mended
    return " ".join(_capital(word, words) for word in said.split()), 0.9


def _capital(word: str, words: Words) -> str:
    if word in one_of(words, "name_particles"):
        return word
    return "-".join("'".join(bit[:1].upper() + bit[1:] for bit in part.split("'")) for part in word.split("-"))


def _spelling(text: str) -> dict[str, str]:
    """Folded word -> the word with its accents."""
    from ivr.intents.words import fold

    return {fold(word): word.lower() for word in re.findall(r"[^\W\d_]+(?:['’\-][^\W\d_]+)*", text)}
