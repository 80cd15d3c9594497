"""A caller's sentence is scored by a shorter way than a test file; both must tell the same."""

from __future__ import annotations

import numpy as np
import pytest

from ivr.intents.encoders import onnx
from ivr.intents.encoders.seam import Encoder
from ivr.intents.normalising import normalise
from ivr.intents.pipeline import clauses_of, spans_of, two_wishes_possible
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


def test_parts_of_a_sentence_are_told_roughly_and_the_whole_exactly(encoder: Encoder) -> None:
    text = "where is my order and also i want to pay my bill"
    parts = ["where is my order", "i want to pay my bill"]
    whole, rough = encoder.encode_parts(text, spans_of(text, parts))
    assert np.abs(whole - encoder.encode([text])).max() < 1e-5
    likeness = rough @ encoder.encode(parts).T
    assert likeness[0, 0] > likeness[0, 1] and likeness[1, 1] > likeness[1, 0]
    nowhere = encoder.encode_parts("", [(0, 0)])[1]
    assert not nowhere.any(), "nothing said means nothing"


@pytest.mark.parametrize(
    ("text", "possible"),
    [
        ("I want to pay my bill and also change my address", True),
        ("it is broken and also it is not working any more", False),
    ],
)
def test_only_what_may_be_two_wishes_is_encoded_by_parts(recogniser: Recogniser, text: str, possible: bool) -> None:
    part = recogniser.part("en")
    said = normalise(text, part.words)
    clauses = clauses_of(said, part.words)
    vector, rough = recogniser.encoder.encode_parts(said, spans_of(said, clauses))
    assert len(clauses) == 2
    assert two_wishes_possible(part.head, clauses, rough, part.head.score(said, vector)) is possible
