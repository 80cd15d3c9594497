"""Yes and no in all their forms, and people's names."""

from __future__ import annotations

import difflib
import re

from ivr.intents.slots.matching import nearest_name
from ivr.intents.slots.tokens import Phrases, one_of, phrases, tokenise, without_lead_in, words_only
from ivr.intents.words import Words

LONGEST_NAME = 5
NEGATES_WITHIN = 3
"""So many words may stand between "I don't" and the "right" that it denies: "I don't think that is right"."""


def read_yes_no(text: str, words: Words) -> tuple[bool, float] | None:
    """Whether `text` says yes or no; None for neither, for both at once without an order, and for "I don't know".

    The longest phrase of the tables counts at each place ("no problem" is a yes), and the last one said wins ("no, that's right").
    A yes shortly after a negation is a no ("I don't think that's right"). Some words are an answer only where nothing else is said ("one").
    """
    tokens = words_only(text)
    alone = _alone(words).at(tokens, 0)
    if alone and alone[1] == len(tokens):
        return alone[0] == "yes", 0.9
    found = _replies(words).find(tokens)
    if not found or any(value == "unsure" for _, _, value in found):
        return None
    said = _with_denials(tokens, found, words)
    known = sum(end - start for start, end, _ in found)
    # A yes within a long sentence about something else is hardly an answer, unless it opens it.
    if len(tokens) > 6 and known / len(tokens) < 0.2 and found[0][0] > 0:
        return None
    sureness = 1.0 if len(set(said)) == 1 else 0.7
    return said[-1] == "yes", sureness


def _with_denials(tokens: list[str], found: list[tuple[int, int, str]], words: Words) -> list[str]:
    """What each phrase found says, a yes in reach of a negation taken for a no: "I don't think", and "that isn't exactly" of two words.

    A negation within a yes ("I don't mind") denies nothing, nor does one with another answer in between.
    """
    near, beside = _negations(words).find(tokens), _negations_beside(words).find(tokens)
    said: list[str] = []
    reach = -1  # the last word that a negation reaches
    for start, end, value in found:
        for ends, words_after in ((near, NEGATES_WITHIN), (beside, 0)):
            reach = max(
                [reach, *(last + words_after for first, last, _ in ends if last <= start and first >= _end_of_yes(found, start))]
            )
        denied = value == "yes" and start <= reach and tokens[start] not in one_of(words, "plain_yes")
        said.append("no" if denied else value)
        reach = end if denied else -1
    return said


def _end_of_yes(found: list[tuple[int, int, str]], start: int) -> int:
    """Where the last yes before `start` ends: what it holds is no negation of what follows."""
    return max((end for _, end, value in found if end <= start and value == "yes"), default=0)


_made: dict[tuple[int, str], tuple[Words, Phrases]] = {}


def _table(words: Words, name: str, lists: dict[str, str]) -> Phrases:
    """Several lists of phrases as one table, each also as recognisers write it, without apostrophes."""
    found = _made.get((id(words), name))
    if found is None or found[0] is not words:
        table = [(phrase, value) for key, value in lists.items() for phrase in words.listed(key)]
        plain = [(re.sub(r"['’]", "", phrase), value) for phrase, value in table if "'" in phrase]
        found = _made[id(words), name] = (words, Phrases([*plain, *table]))
    return found[1]


def _replies(words: Words) -> Phrases:
    return _table(words, "replies", {"yes": "yes", "no": "no", "unsure": "unsure"})


def _alone(words: Words) -> Phrases:
    return _table(words, "alone", {"yes_alone": "yes", "no_alone": "no"})


def _negations(words: Words) -> Phrases:
    return _table(words, "negations", {"negations": "no"})


def _negations_beside(words: Words) -> Phrases:
    return _table(words, "negations_beside", {"negations_beside": "no"})


def read_name(text: str, words: Words, known: tuple[str, ...] = ()) -> tuple[str, float] | None:
    """The name in `text` with capitals, or the known name that it is like; None where what is left is not a name."""
    tokens = without_lead_in([token for token in tokenise(text) if token[0].isalpha()], words, "name_lead_ins")
    original = _spelling(text)
    tails = phrases(words, "name_tails")
    for place in range(len(tokens)):
        if tails.starts(tokens, place):
            tokens = tokens[:place]
            break
    tokens = _spelled_again(tokens)
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


def _spelled_again(tokens: list[str]) -> list[str]:
    """ "John Smyth, S M I T H": the spelling mends the word that it spells."""
    start = len(tokens)
    while start and len(tokens[start - 1]) == 1:
        start -= 1
    spelled = "".join(tokens[start:])
    for place in range(start):
        if len(spelled) > 2 and difflib.SequenceMatcher(None, spelled, tokens[place]).ratio() > 0.6:
            return [*tokens[:place], spelled, *tokens[place + 1 : start]]
    return tokens


def _capital(word: str, words: Words) -> str:
    if word in one_of(words, "name_particles"):
        return word
    return "-".join("'".join(bit[:1].upper() + bit[1:] for bit in part.split("'")) for part in word.split("-"))


def _spelling(text: str) -> dict[str, str]:
    """Folded word -> the word with its accents."""
    from ivr.intents.words import fold

    return {fold(word): word.lower() for word in re.findall(r"[^\W\d_]+(?:['’\-][^\W\d_]+)*", text)}
