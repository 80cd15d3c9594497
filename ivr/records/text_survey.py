"""The questions put by text message after a call: who is asked, in which words, and what a reply means. Settings: docs/surveys.md."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from ivr.records.quiet_hours import Hours

# What the carriers' own opt-out lists take for "no more" and "again", and what callers of the sample's languages write.
STOP_WORDS = frozenset(
    ["stop", "stopall", "unsubscribe", "cancel", "end", "quit", "optout", "revoke", "baja", "parar", "alto", "detener", "cancelar"]
)  # fmt: skip
START_WORDS = frozenset(["start", "unstop", "alta"])
_NUMBERS = {
    word: number
    for words in (
        "zero one two three four five six seven eight nine ten",
        "cero uno dos tres cuatro cinco seis siete ocho nueve diez",
    )
    for number, word in enumerate(words.split())
}
_YES = frozenset(["yes", "y", "yep", "yeah", "si", "sí", "1"])
_NO = frozenset(["no", "n", "nope", "0", "2"])
_WORDS = re.compile(r"[^\W_]+(?:[.,]\d+)?", re.UNICODE)
_OUT_OF = frozenset(["of", "de", "sobre"])
_MOST_WORDS = 6  # a longer message tells a story; a number in it is rarely the answer


@dataclass(frozen=True)
class TextQuestion:
    """One question: `least`-`most` is its scale (0-1: yes or no), `ask` its wording by language."""

    question: str
    ask: Mapping[str, str]
    least: int = 1
    most: int = 5
    direction: str = "up"

    @property
    def scale(self) -> str:
        """As answers are stored with: "1-5"."""
        return f"{self.least}-{self.most}"

    def rating(self, reply: str) -> int | None:
        """The answer in a text message: "5", "5 stars", "4 out of 5", "four", "yes"; None where it holds none on the scale."""
        words = [word.lower() for word in _WORDS.findall(reply[:200])]
        if not words or len(words) > _MOST_WORDS or re.search(r"-\s*\d", reply):
            return None
        if (self.least, self.most) == (0, 1):
            return 1 if words[0] in _YES else 0 if words[0] in _NO else None
        found = [int(word) if word.isascii() and word.isdigit() else _NUMBERS.get(word) for word in words]
        # "4.5" is a word of its own and no number here: half a star is not on a scale of whole ones.
        numbers = [number for number in found if number is not None]
        if not numbers or any(re.fullmatch(r"\d+[.,]\d+", word) for word in words):
            return None
        out_of = len(numbers) == 2 and numbers[1] == self.most and ("/" in reply or not _OUT_OF.isdisjoint(words))
        if len(set(numbers)) > 1 and not out_of:
            return None
        return numbers[0] if self.least <= numbers[0] <= self.most else None


@dataclass(frozen=True)
class TextSurvey:
    """The whole survey. Everybody whose call ended with one of `outcomes` is asked, or the `share` of them that their call's id decides:
    never a person's choice."""

    questions: tuple[TextQuestion, ...]
    outcomes: frozenset[str] = frozenset({"answered", "self_served"})
    share: float = 1.0
    after: timedelta = timedelta(minutes=2)
    between: Hours = field(default_factory=Hours)
    ask_within: timedelta = timedelta(hours=24)
    not_again_for: timedelta = timedelta(days=30)
    unreachable_for: timedelta = timedelta(days=90)
    answer_within: timedelta = timedelta(hours=72)
    opening: Mapping[str, str] = field(default_factory=dict)
    manner: Mapping[str, str] = field(default_factory=dict)
    unclear: Mapping[str, str] = field(default_factory=dict)
    thanks: Mapping[str, str] = field(default_factory=dict)

    def asks(self, contact_id: str) -> bool:
        """True where this contact is among the share that is asked: equal for every process and every repetition."""
        drawn = int.from_bytes(hashlib.sha256(f"survey {contact_id}".encode()).digest()[:4])
        return drawn < self.share * 2**32

    def first_text(self, language: str | None, link: str) -> str:
        """The message that asks: opening, first question, how to answer."""
        parts = (self.opening, self.questions[0].ask, self.manner)
        return " ".join(filter(None, (wording(part, language) for part in parts))).replace("{link}", link)

    def not_understood(self, language: str | None, question: TextQuestion) -> str:
        """What is sent back after a reply that is no answer."""
        text = wording(self.unclear, language) or wording(question.ask, language)
        return text.replace("{least}", str(question.least)).replace("{most}", str(question.most))


def wording(words: Mapping[str, str], language: str | None) -> str:
    """The words in `language`, in another form of it, else in the first language there is; "" where there are none."""
    if language in words:
        return words[language or ""]
    kin = (language or "").partition("-")[0]
    return next((text for name, text in words.items() if kin and name.partition("-")[0] == kin), next(iter(words.values()), ""))


def language_of(words: Mapping[str, str], language: str | None) -> str:
    """The language that `wording` chooses; "" where there is none."""
    chosen = wording(words, language)
    return next((name for name, text in words.items() if text == chosen), "")


def wants_no_texts(reply: str, carriers_word: str = "") -> bool | None:
    """True for STOP and the like, False for START, None for anything else. `carriers_word`: what the carrier itself took it for."""
    if carriers_word.upper() in ("STOP", "START"):
        return carriers_word.upper() == "STOP"
    word = re.sub(r"[\W_]+", "", reply[:200]).lower()
    return True if word in STOP_WORDS else False if word in START_WORDS else None
