"""The spaCy pipeline of one language: tokeniser, one form of words, intent scores.

A sentence's results are on the Doc: `doc._.normalised` (text), `doc._.scores` (head.Scores, None for an empty sentence), `doc._.values`
(world.Slot, values that stand in the sentence) and `doc._.clauses` (scores of its parts, where it may hold two wishes).
"""

from __future__ import annotations

from collections.abc import Sequence

import spacy
from spacy.language import Language
from spacy.tokens import Doc

from ivr.intents.encoders.seam import Encoder, Span, Vectors
from ivr.intents.head import Head, Scores
from ivr.intents.model import LanguageModel
from ivr.intents.normalising import clean, normalise, sense
from ivr.intents.slots import find_slots
from ivr.intents.slots.tokens import phrases
from ivr.intents.words import Words

SHORTEST_CLAUSE_WORDS = 3
MOST_CLAUSES = 3
LEANS = 0.2
"""Share from which a part of a sentence leans to an intent: keeps 97 to 100 of 100 sentences whose two wishes are heard, and of those with
one wish and an "and" encodes one in two to four once more (docs/intents.md)."""

for _extension, _empty in (("normalised", None), ("scores", None), ("values", ()), ("clauses", ())):
    if not Doc.has_extension(_extension):
        Doc.set_extension(_extension, default=_empty)


class Normaliser:
    """Component `ivr_normaliser`."""

    words: Words = Words("en")

    def __call__(self, doc: Doc) -> Doc:
        doc._.normalised = normalise(doc.text, self.words)
        return doc


class IntentScorer:
    """Component `ivr_intents`; knows nothing until it is given a trained part and the encoder it was trained with."""

    part: LanguageModel | None = None
    encoder: Encoder | None = None

    def __call__(self, doc: Doc) -> Doc:
        if self.part is not None and self.encoder is not None and doc._.normalised:
            head, words, text = self.part.head, self.part.words, doc._.normalised
            clauses = clauses_of(text, words)
            told, senses = sense(text, words), [sense(clause, words) for clause in clauses]
            vector, rough = self.encoder.encode_parts(told, spans_of(told, senses))
            doc._.scores = head.score(text, vector)
            if clauses and two_wishes_possible(head, clauses, rough, doc._.scores):
                # One after the other: together, the shorter would be computed at the length of the longest.
                vectors = [self.encoder.encode([said]) for said in senses]
                doc._.clauses = tuple(head.score(clause, row) for clause, row in zip(clauses, vectors, strict=True))
        return doc


class SlotFinder:
    """Component `ivr_slots`."""

    words: Words = Words("en")

    def __call__(self, doc: Doc) -> Doc:
        doc._.values = find_slots(doc.text, self.words)
        return doc


def clauses_of(text: str, words: Words) -> list[str]:
    """The parts of a sentence that "and also" and the like part, each long enough to be a wish; empty where there is only one."""
    tokens = text.split()
    parts: list[list[str]] = [[]]
    place = 0
    breaks = phrases(words, "clause_breaks")
    while place < len(tokens):
        length = breaks.starts(tokens, place)
        enough = len(parts[-1]) >= SHORTEST_CLAUSE_WORDS and len(tokens) - place - length >= SHORTEST_CLAUSE_WORDS
        if length and enough and len(parts) < MOST_CLAUSES:
            parts.append([])
            place += length
        else:
            parts[-1].append(tokens[place])
            place += 1
    return [" ".join(part) for part in parts] if len(parts) > 1 else []


def spans_of(text: str, parts: Sequence[str]) -> list[Span]:
    """Where the parts stand in `text`, in their order."""
    found, place = [], 0
    for part in parts:
        start = max(text.find(part, place), place)
        place = start + len(part)
        found.append((start, place))
    return found


def two_wishes_possible(head: Head, clauses: Sequence[str], rough: Vectors, whole: Scores) -> bool:
    """Whether a part of a sentence, as it sounds within it, leans to another intent than the whole: only then is each worth its own encoding."""
    shares = head.probabilities(head.raw(clauses, rough))
    shares[:, int(whole.raw.argmax())] = 0.0
    return bool(shares.max() >= LEANS)


@Language.factory("ivr_normaliser")
def _normaliser(nlp: Language, name: str) -> Normaliser:
    return Normaliser()


@Language.factory("ivr_slots")
def _slots(nlp: Language, name: str) -> SlotFinder:
    return SlotFinder()


@Language.factory("ivr_intents")
def _intents(nlp: Language, name: str) -> IntentScorer:
    return IntentScorer()


def pipeline(part: LanguageModel, encoder: Encoder) -> Language:
    """A pipeline for `part`; languages that spaCy does not know get its neutral tokeniser."""
    try:
        nlp = spacy.blank(part.words.language)
    except ImportError:
        nlp = spacy.blank("xx")
    normaliser = nlp.add_pipe("ivr_normaliser")
    finder = nlp.add_pipe("ivr_slots")
    scorer = nlp.add_pipe("ivr_intents")
    assert isinstance(normaliser, Normaliser) and isinstance(finder, SlotFinder) and isinstance(scorer, IntentScorer)
    normaliser.words = finder.words = part.words
    scorer.part, scorer.encoder = part, encoder
    return nlp


def read(nlp: Language, text: str) -> Doc:
    """The sentence after the whole pipeline; its length is bounded first."""
    return nlp(clean(text))
