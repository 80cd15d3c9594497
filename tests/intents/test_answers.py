"""Knowledge answers by meaning."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr.errors import IntentError
from ivr.intents.answers import AnswerBook, read_answers
from ivr.intents.encoders.seam import Encoder

SAMPLE = Path(__file__).parents[2] / "config"


@pytest.fixture(scope="module")
def book(encoder: Encoder) -> AnswerBook:
    return AnswerBook.load(SAMPLE, encoder)


@pytest.mark.parametrize(
    ("asked", "language", "words"),
    [
        ("how many days does the delivery take", "en-GB", "two to four working days"),
        ("is shipping free", "en-GB", "free for orders over"),
        ("how long is the guarantee", "en-GB", "two year warranty"),
        ("do you take paypal", "en-GB", "PayPal"),
        ("can I pay monthly", "en-GB", "three monthly parts"),
        ("do you ship to another country", "en-GB", "Ireland, Spain and Portugal"),
        ("I forgot my password", "en-GB", "Forgotten password"),
        ("cuánto tarda en llegar el envío", "es-ES", "de dos a cuatro días"),
        ("aceptan paypal", "es-ES", "PayPal"),
        ("cuánto tiempo de garantía tiene", "es-ES", "dos años de garantía"),
    ],
)
def test_questions_in_other_words_find_their_answer(book: AnswerBook, asked: str, language: str, words: str) -> None:
    found = book.find(asked, language)
    assert found is not None and words in found.text, book.ranked(asked, language)


@pytest.mark.parametrize("asked", ["", "what's the capital of france", "I'm hungry", "x" * 5000, "🎉"])
def test_below_the_threshold_there_is_no_answer(book: AnswerBook, asked: str) -> None:
    assert book.find(asked, "en") is None
    assert book.find(asked, "fr") is None


def test_the_sample_has_enough_in_both_languages() -> None:
    questions, _ = read_answers(SAMPLE)
    for language in ("en", "es"):
        assert len({question.name for question in questions if question.language == language}) >= 15


@pytest.mark.parametrize(
    "text",
    [
        "answers: []",
        "answers: {a: {en: {ask: x, say: y}}}",
        "answers: {a: {en: {ask: [x]}}}",
        "answers: {a: x}",
        "least: 7\nanswers: {}",
        "a: [",
    ],
)
def test_a_file_that_cannot_be_used_says_where(tmp_path: Path, text: str) -> None:
    (tmp_path / "answers.yaml").write_text(text)
    with pytest.raises(IntentError, match=r"answers\.yaml"):
        read_answers(tmp_path)
