"""config/answers.yaml: questions with short spoken answers, searched by meaning with the same encoder.

format: 1
least: 0.48                      # how alike a question must be (0..1); below, the caller is told that there is no answer
answers:
  delivery_time:
    en:
      ask: [how long does delivery take, when will it come if I order today]
      say: Delivery takes two to four working days.
    es: …
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from ivr.errors import IntentError
from ivr.intents.encoders.onnx import default_encoder
from ivr.intents.encoders.seam import Encoder, Vectors
from ivr.intents.head import likeness as likeness_of
from ivr.intents.lexical import Vocabulary
from ivr.intents.normalising import normalise, sense
from ivr.intents.words import Words, primary, words_of
from ivr.world import Answer

FILE = "answers.yaml"
LEAST = 0.48
LONGEST_ANSWER = 600
WORDS_COUNT = 0.25  # so much of the likeness comes from equal words, the rest from meaning


@dataclass(frozen=True)
class Question:
    """One wording of a question with its answer."""

    name: str
    ask: str
    say: str
    language: str


@dataclass(frozen=True)
class _Index:
    words: Words
    questions: tuple[Question, ...]
    vectors: Vectors
    vocabulary: Vocabulary
    lexical: Any = field(repr=False)


class AnswerBook:
    """All answers, encoded once. Read only after construction."""

    def __init__(self, questions: list[Question], encoder: Encoder, least: float = LEAST, house: Path | None = None) -> None:
        self.encoder = encoder
        self.least = least
        self._indexes: dict[str, _Index] = {}
        for language in dict.fromkeys(question.language for question in questions):
            mine = tuple(question for question in questions if question.language == language)
            words = words_of(language, house)
            texts = [normalise(question.ask, words) for question in mine]
            vocabulary = Vocabulary.learn(texts)
            self._indexes[language] = _Index(
                words, mine, encoder.encode([sense(text, words) for text in texts]), vocabulary, vocabulary.matrix(texts)
            )

    @classmethod
    def load(cls, config_folder: Path, encoder: Encoder | None = None) -> AnswerBook:
        """Read `config_folder/answers.yaml`; an absent file is an empty book. Raises IntentError for one that cannot be used."""
        questions, least = read_answers(config_folder)
        return cls(questions, encoder or default_encoder(), least, config_folder)

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(self._indexes)

    def find(self, text: str, language: str) -> Answer | None:
        """The best answer to `text`, or None below the threshold, for an empty sentence and for a language without answers."""
        ranked = self.ranked(text, language, 1)
        return ranked[0] if ranked and ranked[0].score >= self.least else None

    def ranked(self, text: str, language: str, count: int = 3) -> list[Answer]:
        """The nearest answers whatever their score, best first, one per question: for `ivr intents explain` and the console."""
        index = self._indexes.get(primary(language))
        said = normalise(text, index.words) if index else ""
        if index is None or not said:
            return []
        columns, values = index.vocabulary.row(said)
        row = np.zeros(index.vocabulary.width, dtype=np.float32)
        row[columns] = values
        # Both blocks of a lexical row have length 1, so that their product goes to 2.
        lexical = np.asarray(index.lexical @ row) / 2
        share = WORDS_COUNT if self.encoder.width else 1.0
        likeness = share * lexical
        if self.encoder.width:
            likeness = likeness + (1 - share) * likeness_of(index.vectors, self.encoder.encode([sense(said, index.words)])[0])
        found: dict[str, Answer] = {}
        for place in np.argsort(-likeness):
            question = index.questions[int(place)]
            score = round(float(max(0.0, min(1.0, likeness[place]))), 4)
            found.setdefault(question.name, Answer(question.ask, question.say, score))
            if len(found) >= count:
                break
        return list(found.values())


def read_answers(config_folder: Path) -> tuple[list[Question], float]:
    """Questions of the file and its threshold; empty where there is no such file."""
    path = config_folder / FILE
    if not path.is_file():
        return [], LEAST
    try:
        plain = yaml.load(path.read_text(encoding="utf-8-sig"), Loader=yaml.BaseLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise IntentError(f"{path} cannot be read as YAML: {str(error)[:200]}") from error
    if not isinstance(plain, dict) or not isinstance(plain.get("answers"), dict):
        raise IntentError(f"{path} must have `answers:` with a block per question")
    try:
        least = float(plain.get("least", LEAST))
    except (TypeError, ValueError):
        least = -1.0
    if not 0 <= least <= 1:
        raise IntentError(f"{path}: `least` is {plain.get('least')!r}; expected a number from 0 to 1 such as {LEAST}")
    questions: list[Question] = []
    for name, languages in plain["answers"].items():
        if not isinstance(languages, dict):
            raise IntentError(f"{path}: {name} must have a block per language, such as `en:`")
        for language, settings in languages.items():
            questions.extend(_questions(path, str(name), str(language), settings))
    return questions, least


def _questions(path: Path, name: str, language: str, settings: Any) -> list[Question]:
    place = f"{path}: {name}, {language}"
    if not isinstance(settings, dict) or set(settings) != {"ask", "say"}:
        raise IntentError(f"{place}: expected `ask:` (a list of wordings) and `say:` (the answer)")
    asked, said = settings["ask"], settings["say"]
    if not isinstance(asked, list) or not asked or not all(isinstance(item, str) and item.strip() for item in asked):
        raise IntentError(f"{place}: `ask` must be a list of at least one wording")
    if not isinstance(said, str) or not said.strip() or len(said) > LONGEST_ANSWER:
        raise IntentError(f"{place}: `say` must be a text of at most {LONGEST_ANSWER} characters; it is spoken")
    return [Question(name, item.strip(), " ".join(said.split()), primary(language)) for item in asked]
