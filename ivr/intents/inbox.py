"""What callers said and the line did not understand, was unsure of, or got wrong: grouped by meaning, with a suggestion."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

import numpy as np

from ivr.errors import IntentError
from ivr.intents.encoders.seam import Vectors
from ivr.intents.recogniser import Recogniser
from ivr.intents.slots.numbers import number_at
from ivr.intents.slots.replies import read_yes_no
from ivr.intents.slots.tokens import words_only

UNCLEAR = ("not_understood", "unsure", "corrected", "abandoned")
"""Results that belong into the inbox; understood and confirmed ones are kept too, to see what a change does to them."""
DISMISSED = "-"
SUGGESTED_FROM = 0.7  # mean confidence from which sentences out of scope still suggest an intent
ALIKE = 0.6  # cosine from which two sentences go into one group


@dataclass(frozen=True)
class Utterance:
    """One spoken answer, redacted. `queue`: where the call ended, a hint at what was meant; `label`: what a person said it means."""

    n: int
    call_id: str
    at: datetime  # aware UTC
    text: str
    language: str | None
    step: str | None
    best: str | None
    confidence: float | None
    result: str
    queue: str | None = None
    label: str | None = None


class Utterances(Protocol):
    """Where utterances are kept: `ivr.records.utterances` over SQL, or a JSON-lines file."""

    def since(self, moment: datetime, most: int = 5000) -> list[Utterance]:
        """Newest first."""
        ...

    def label(self, numbers: Sequence[int], label: str, by: str, at: datetime) -> None:
        """Note what they mean (an intent, or DISMISSED)."""
        ...


class UtteranceFile:
    """A JSON-lines file of utterances: for trying things out without a database. Labels rewrite it whole."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def since(self, moment: datetime, most: int = 5000) -> list[Utterance]:
        found = [row for row in self._read() if row.at >= moment]
        return sorted(found, key=lambda row: row.at, reverse=True)[:most]

    def label(self, numbers: Sequence[int], label: str, by: str, at: datetime) -> None:
        chosen = set(numbers)
        self._write([replace(row, label=label) if row.n in chosen else row for row in self._read()])

    def add(self, rows: Iterable[Utterance]) -> None:
        """Append; numbers are given by the file."""
        kept = self._read()
        self._write([*kept, *(replace(row, n=number) for number, row in enumerate(rows, len(kept) + 1))])

    def _read(self) -> list[Utterance]:
        if not self.path.is_file():
            return []
        try:
            rows = [json.loads(line) for line in self.path.read_text(encoding="utf-8").splitlines() if line.strip()]
            return [Utterance(**{**row, "at": datetime.fromisoformat(row["at"])}) for row in rows]
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise IntentError(f"{self.path} is not a file of utterances: {str(error)[:160]}") from error

    def _write(self, rows: Sequence[Utterance]) -> None:
        lines = [json.dumps({**asdict(row), "at": row.at.isoformat()}, ensure_ascii=False) for row in rows]
        draft = self.path.with_suffix(".draft")
        draft.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
        draft.replace(self.path)


@dataclass(frozen=True)
class Group:
    """Utterances that mean the same. `key` stays the same while the group's first sentence does."""

    key: str
    language: str
    utterances: tuple[Utterance, ...]
    suggestion: str | None  # the intent it probably is, None: probably none of them
    confidence: float
    queues: dict[str, int] = field(default_factory=dict)

    @property
    def misunderstood(self) -> int:
        """How many were not understood, unsure or taken wrongly: of the rest it is only known that the caller hung up."""
        return sum(row.result != "abandoned" for row in self.utterances)

    @property
    def results(self) -> dict[str, int]:
        """How many ended in which way, the commonest first."""
        return dict(Counter(row.result for row in self.utterances).most_common())

    @property
    def texts(self) -> tuple[str, ...]:
        """Different wordings, the commonest first."""
        return tuple(text for text, _ in Counter(row.text for row in self.utterances).most_common())


def groups(rows: Sequence[Utterance], recogniser: Recogniser) -> list[Group]:
    """The unlabelled unclear ones, alike ones together; first the group with most that were misunderstood. A group keeps one language."""
    open_rows = [row for row in rows if row.result in UNCLEAR and row.label is None and _says_something(row, recogniser)]
    found: list[Group] = []
    by_language: dict[str, list[Utterance]] = {}
    for row in sorted(open_rows, key=lambda row: (row.at, row.n)):
        by_language.setdefault(row.language or recogniser.model.default_language, []).append(row)
    for language, mine in by_language.items():
        vectors = recogniser.encode([row.text for row in mine], language)
        for members in _alike(vectors, [row.text for row in mine]):
            found.append(_group([mine[place] for place in members], language, recogniser))
    return sorted(found, key=lambda group: (-group.misunderstood, -len(group.utterances), group.key))


def _says_something(row: Utterance, recogniser: Recogniser) -> bool:
    """Whether there is more in it than a yes, a no or a number said at the wrong moment: nothing can be learnt from those."""
    language = row.language or recogniser.model.default_language
    words = recogniser.part(language).words
    spoken = words_only(row.text)
    if not spoken or all(token.isdigit() or number_at([token], 0, words) for token in spoken):
        return False
    return len(spoken) > 2 or read_yes_no(row.text, words) is None


def _alike(vectors: Vectors, texts: Sequence[str]) -> list[list[int]]:
    """Places of alike sentences: each joins the first group whose middle it is near to, in the order they came."""
    middles: list[Vectors] = []
    found: list[list[int]] = []
    by_text: dict[str, int] = {}
    for place, text in enumerate(texts):
        group = by_text.get(text)
        if group is None and vectors.shape[1] and middles:
            likeness = np.array([float(middle @ vectors[place] / max(float(np.linalg.norm(middle)), 1e-9)) for middle in middles])
            group = int(likeness.argmax()) if likeness.max() >= ALIKE else None
        if group is None:
            group = len(found)
            found.append([])
            middles.append(np.zeros(vectors.shape[1], dtype=np.float32))
        by_text[text] = group
        found[group].append(place)
        middles[group] = middles[group] + vectors[place]
    return found


def _group(rows: list[Utterance], language: str, recogniser: Recogniser) -> Group:
    votes: dict[str, float] = {}
    nothing = 0
    for row in rows:
        understood = recogniser.understand(row.text, language)
        if understood.best is not None:
            votes[understood.best.intent] = votes.get(understood.best.intent, 0.0) + understood.best.confidence
        nothing += understood.out_of_scope
    best = max(votes, key=lambda intent: votes[intent], default=None)
    weight = votes[best] if best is not None else 0.0
    key = hashlib.sha256(f"{language}\0{rows[0].text}".encode()).hexdigest()[:6]
    queues = Counter(row.queue for row in rows if row.queue)
    suggestion = None if nothing > len(rows) / 2 and weight / len(rows) < SUGGESTED_FROM else best
    return Group(key, language, tuple(rows), suggestion, round(weight / len(rows), 3), dict(queues))
