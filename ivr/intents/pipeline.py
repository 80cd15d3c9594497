"""The spaCy pipeline of one language: tokeniser, one form of words, intent scores.

A sentence's results are on the Doc: `doc._.normalised` (text) and `doc._.scores` (head.Scores, None for an empty sentence).
"""

from __future__ import annotations

import spacy
from spacy.language import Language
from spacy.tokens import Doc

from ivr.intents.encoders.seam import Encoder
from ivr.intents.model import LanguageModel
from ivr.intents.normalising import clean, normalise
from ivr.intents.words import Words

for _extension in ("normalised", "scores"):
    if not Doc.has_extension(_extension):
        Doc.set_extension(_extension, default=None)


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
            doc._.scores = self.part.head.score(doc._.normalised, self.encoder.encode([doc._.normalised]))
        return doc


@Language.factory("ivr_normaliser")
def _normaliser(nlp: Language, name: str) -> Normaliser:
    return Normaliser()


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
    scorer = nlp.add_pipe("ivr_intents")
    assert isinstance(normaliser, Normaliser) and isinstance(scorer, IntentScorer)
    normaliser.words = part.words
    scorer.part, scorer.encoder = part, encoder
    return nlp


def read(nlp: Language, text: str) -> Doc:
    """The sentence after the whole pipeline; its length is bounded first."""
    return nlp(clean(text))
