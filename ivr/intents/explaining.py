"""Why a sentence is understood as it is: for `ivr intents explain` and the console."""

from __future__ import annotations

from typing import Any

from ivr.intents.normalising import normalise, sense
from ivr.intents.recogniser import Recogniser

MOST_WORDS = 6
MOST_LEFT_OUT = 40  # words that are left out in turn; each costs an encoding
LEAST_TOLD = 0.005


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
    told["words"] = _what_words_do(recogniser, said, language, head.intents.index(understood.best.intent))
    return told


def _what_words_do(recogniser: Recogniser, said: str, language: str, best: int) -> list[dict[str, Any]]:
    """How many points of confidence in the best intent each word brings (+) or costs (-): the sentence is scored again without it."""
    part = recogniser.part(language)
    words = said.split()
    if len(words) < 2:
        return []
    tried = words[:MOST_LEFT_OUT]
    versions = [said, *(" ".join([*words[:place], *words[place + 1 :]]) for place in range(len(tried)))]
    vectors = recogniser.encoder.encode([sense(version, part.words) for version in versions])
    shares = part.head.probabilities(part.head.raw(versions, vectors))[:, best]
    weights = sorted(zip(tried, shares[0] - shares[1:], strict=True), key=lambda pair: -abs(float(pair[1])))
    return [
        {"words": word, "weight": round(float(weight), 3)} for word, weight in weights[:MOST_WORDS] if abs(weight) >= LEAST_TOLD
    ]
