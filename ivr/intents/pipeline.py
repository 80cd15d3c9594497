"""The spaCy pipeline of one language: tokeniser, one form of words, intent scores.

A sentence's results are on the Doc: `doc._.normalised` (text), `doc._.scores` (head.Scores, None for an empty sentence), `doc._.values`
(world.Slot, values that stand in the sentence) and `doc._.clauses` (scores of its parts, where it may hold two wishes).
"""

from __future__ import annotations

import spacy
from spacy.language import Language
from spacy.tokens import Doc

from ivr.intents.encoders.seam import Encoder
from ivr.intents.model import LanguageModel
from ivr.intents.normalising import clean, normalise, sense
from ivr.intents.slots import find_slots
from ivr.intents.slots.tokens import phrases
from ivr.intents.words import Words

SHORTEST_CLAUSE_WORDS = 3
MOST_CLAUSES = 3

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
            head, clauses = self.part.head, clauses_of(doc._.normalised, self.part.words)
            vectors = self.encoder.encode([sense(text, self.part.words) for text in (doc._.normalised, *clauses)])
            doc._.scores = head.score(doc._.normalised, vectors[:1])
            doc._.clauses = tuple(head.score(clause, vectors[place : place + 1]) for place, clause in enumerate(clauses, 1))
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
