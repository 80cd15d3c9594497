"""A caller's sentence is scored by a shorter way than a test file; both must tell the same."""

from __future__ import annotations

import numpy as np
import pytest

from ivr.intents.encoders import onnx
from ivr.intents.encoders.seam import Encoder
from ivr.intents.normalising import normalise
from ivr.intents.recogniser import Recogniser

SENTENCES = (
    "where is my order", "I want my money back", "do you know any good songs", "the weather is nice today", "qwzx", "hello can you hear me"
)  # fmt: skip


def test_one_sentence_scores_as_among_many(recogniser: Recogniser) -> None:
    part = recogniser.part("en-GB")
    texts = [normalise(text, part.words) for text in SENTENCES]
    vectors = recogniser.encode(SENTENCES, "en-GB")
    raw = part.head.raw(texts, vectors)
    scopes, nearest, cosines = part.head.scope_scores(raw, vectors)
    for place, text in enumerate(texts):
        alone = part.head.score(text, vectors[place : place + 1])
        assert alone.raw == pytest.approx(raw[place], abs=1e-4)
        assert alone.in_scope == pytest.approx(float(scopes[place]), abs=1e-3)
        assert (alone.nearest, alone.cosine) == (nearest[place], pytest.approx(float(cosines[place]), abs=1e-4))


def test_many_sentences_keep_their_order_over_all_processors(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [" ".join(["word"] * (1 + place % 7)) + f" {place % 10}" for place in range(70)]
    alone = encoder.encode(texts)
    monkeypatch.setattr(onnx, "SPREAD_FROM", 64)
    assert np.abs(encoder.encode(texts) - alone).max() < 1e-5
    assert encoder.encode([]).shape == (0, encoder.width)
