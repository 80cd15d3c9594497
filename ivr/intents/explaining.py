"""Why a sentence is understood as it is: for `ivr intents explain` and the console."""

from __future__ import annotations

from typing import Any

from ivr.intents.head import LEXICAL_SHARE
from ivr.intents.normalising import normalise, sense
from ivr.intents.recogniser import Recogniser

MOST_WORDS = 6


def explain(recogniser: Recogniser, text: str, language: str, intents: tuple[str, ...] = ()) -> dict[str, Any]:
    """Candidates, values, the phrase that is most alike, the words that spoke for (+) and against (-) the best intent."""
    understood = recogniser.understand(text, language, intents)
    part = recogniser.part(language)
    said = normalise(text, part.words)
    told: dict[str, Any] = {
        "text": understood.text,
        "normalised": said,
        "model": understood.model,
        "candidates": [vars(candidate) for candidate in understood.candidates],
        "also": [vars(candidate) for candidate in understood.also],
        "slots": [vars(slot) for slot in understood.slots],
        "out_of_scope": understood.out_of_scope,
        "in_scope": 0.0,
        "threshold": part.head.threshold,
        "nearest": None,
        "words": [],
    }
    if not said or understood.best is None:
        return told
    head = part.head
    vectors = recogniser.encoder.encode([sense(said, part.words)])
    scores = head.score(said, vectors)
    told["in_scope"] = scores.in_scope
    if vectors.shape[1]:
        likeness = vectors[0] @ head.phrases.T
        row = int(likeness.argmax())
        told["nearest"] = {
            "text": part.texts[row],
            "intent": head.intents[int(head.owners[row])],
            "cosine": float(likeness[row]),
        }
    columns, values = head.vocabulary.row(said)
    best = head.intents.index(understood.best.intent)
    names = {column: term for term, column in head.vocabulary.terms.items() if term.startswith("w:")}
    weights = [
        (names[column][2:], LEXICAL_SHARE * float(value) * float(head.lexical[column, best] - head.lexical[column].mean()))
        for column, value in zip(columns, values, strict=True)
        if column in names
    ]
    strongest = sorted(weights, key=lambda pair: -abs(pair[1]))[:MOST_WORDS]
    told["words"] = [{"words": words, "weight": round(weight, 3)} for words, weight in strongest]
    return told
