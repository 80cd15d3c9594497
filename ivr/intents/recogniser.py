"""Understands what a caller said: the one thing of this package that the web path uses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ivr.errors import IntentError
from ivr.intents.encoders.onnx import default_encoder
from ivr.intents.encoders.seam import Encoder, Vectors
from ivr.intents.head import Head, Scores
from ivr.intents.model import LanguageModel, Model
from ivr.intents.normalising import normalise, sense
from ivr.intents.pipeline import pipeline, read
from ivr.intents.shelf import Shelf
from ivr.intents.words import primary
from ivr.world import Candidate, Understanding

ELSEWHERE = 0.25
"""How much an intent counts that this menu does not offer: callers mostly answer what they were asked, but not always."""
MOST_CANDIDATES = 5
SURE_OF_CLAUSE = 0.8
"""Part of a sentence must be this sure of its wish, and twice as clearly in scope as a whole one, before it counts: half
sentences invite guessing."""


class Recogniser:
    """A loaded model. Read only after construction, so threads and forked processes share it freely."""

    def __init__(self, model: Model, encoder: Encoder) -> None:
        if model.encoder != encoder.name:
            raise IntentError(
                f"model {model.version} was trained with encoder {model.encoder}, and this process has {encoder.name}; run `ivr intents train`"
            )
        self.model = model
        self.encoder = encoder
        self._pipelines = {name: pipeline(part, encoder) for name, part in model.languages.items()}

    @classmethod
    def load(cls, folder: Path, encoder: Encoder | None = None) -> Recogniser:
        """The active version of a models folder. Raises IntentError with the reason where there is none or it is broken."""
        return cls(Shelf(folder).load(), encoder or default_encoder())

    @property
    def version(self) -> str:
        """Named on every call record."""
        return self.model.version

    def part(self, language: str) -> LanguageModel:
        """The trained part for a language, else the line's first language."""
        return self.model.languages[self._language(language)]

    def _language(self, language: str) -> str:
        name = primary(language)
        return name if name in self.model.languages else self.model.default_language

    def encode(self, texts: Sequence[str], language: str) -> Vectors:
        """Embeddings of sentences as callers say them, for grouping and comparing."""
        words = self.part(language).words
        return self.encoder.encode([sense(normalise(text, words), words) for text in texts])

    def understand(self, text: str, language: str, intents: tuple[str, ...] = ()) -> Understanding:
        """The meaning of `text` among `intents` (empty: all). Bounded time for any text; never raises."""
        name = self._language(language)
        doc = read(self._pipelines[name], text)
        scores: Scores | None = doc._.scores
        if scores is None:
            return Understanding(text=doc.text, out_of_scope=True, model=self.version)
        head = self.model.languages[name].head
        candidates, elsewhere = self._candidates(head.intents, scores, intents)
        unknown = scores.in_scope < head.threshold or elsewhere
        also: tuple[Candidate, ...] = ()
        heard = self._wishes(head, doc._.clauses, intents)
        if len(heard) > 1:
            # Each part of the sentence is surer of its own wish than the whole is of both.
            candidates = (heard[0], *(other for other in candidates if other.intent != heard[0].intent))
            also, unknown = tuple(heard[1:]), False
        return Understanding(doc.text, candidates, unknown, doc._.values, also, self.version)

    def _wishes(self, head: Head, clauses: tuple[Scores, ...], intents: tuple[str, ...]) -> list[Candidate]:
        """What the parts of the sentence ask for, where each is sure and in scope; different wishes only, in the order said."""
        found: dict[str, Candidate] = {}
        for scores in clauses:
            candidates, elsewhere = self._candidates(head.intents, scores, intents)
            if elsewhere or scores.in_scope < head.threshold / 2 or not candidates or candidates[0].confidence < SURE_OF_CLAUSE:
                continue
            found.setdefault(candidates[0].intent, candidates[0])
        return list(found.values())

    def _candidates(self, names: tuple[str, ...], scores: Scores, wanted: tuple[str, ...]) -> tuple[tuple[Candidate, ...], bool]:
        """Best first, among the wanted; and whether the sentence means something that is not among them."""
        offered = np.array([not wanted or name in wanted for name in names])
        shares = np.where(offered, 1.0, ELSEWHERE if wanted else 1.0) * scores.probabilities
        shares = shares / shares.sum()
        order = np.argsort(-shares)
        best = [int(i) for i in order if offered[i]][:MOST_CANDIDATES]
        found = tuple(Candidate(names[i], round(float(shares[i]), 4)) for i in best)
        return found, not bool(offered[order[0]])
