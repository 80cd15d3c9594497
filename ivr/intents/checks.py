"""`ivr intents lint`: what in the training data will make callers misunderstood, with file:line:col.

rule               what it finds
wrong-shape …      the file itself (phrasebook.py)
same-phrase        one sentence under two intents: an error, nothing can tell them apart
repeated           one sentence twice under the same intent
too-few            fewer than 5 phrases in a language (10 are better)
too-close          two phrases of different intents mean almost the same
not-won            a phrase that its own intent does not win when it is held out
in-scope-negative  an out-of-scope phrase that means the same as an intent's phrase
missing-language   an intent without phrases in a language that others have
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np

from ivr.intents.encoders.seam import Encoder
from ivr.intents.evaluation import cross_validated
from ivr.intents.normalising import normalise, sense
from ivr.intents.phrasebook import Phrase, Phrasebook, read_phrasebook
from ivr.intents.words import words_of
from ivr.language.problems import Findings, Problem, quoted
from ivr.language.values import Position

FEWEST = 5
TOO_CLOSE = 0.90
MOST_PER_RULE = 25
SEVERITIES = dict.fromkeys(
    ("repeated", "too-few", "too-close", "not-won", "in-scope-negative", "missing-language", "unknown-setting"), "warning"
)


def check(config_folder: Path, encoder: Encoder) -> tuple[Problem, ...]:
    """Everything wrong with config/intents.yaml, by place. Raises IntentError where it cannot be read at all."""
    book, findings = read_phrasebook(config_folder)
    return check_book(book, findings, config_folder, encoder)


def check_book(book: Phrasebook, findings: Findings, house: Path | None, encoder: Encoder) -> tuple[Problem, ...]:
    """The same for a phrasebook that was read already."""
    findings.severities = SEVERITIES
    for language in book.languages:
        phrases = [*book.of(language), *book.negatives(language)]
        texts = [normalise(phrase.text, words_of(language, house)) for phrase in phrases]
        clashing = _same(phrases, texts, findings)
        _too_few(book, language, findings)
        if encoder.width:
            _too_close(phrases, texts, [sense(text, words_of(language, house)) for text in texts], encoder, findings)
        if not clashing and len({phrase.intent for phrase in book.of(language)}) > 1:
            _not_won(book, language, house, encoder, findings)
    return findings.sorted()


def _same(phrases: list[Phrase], texts: list[str], findings: Findings) -> bool:
    first: dict[str, Phrase] = {}
    clash = False
    for phrase, text in zip(phrases, texts, strict=True):
        before = first.setdefault(text, phrase)
        if before is phrase:
            continue
        place = f"line {before.at.line}"
        if before.intent == phrase.intent:
            findings.add(phrase.at, "repeated", f"{quoted(phrase.text)} stands here twice ({place}).", "Take one out.")
        else:
            clash = True
            findings.add(
                phrase.at,
                "same-phrase",
                f"{quoted(phrase.text)} belongs to {_name(phrase)} and to {_name(before)} ({place}).",
                "Nobody can tell them apart: keep it in one.",
            )
    return clash


def _name(phrase: Phrase) -> str:
    return phrase.intent or "what is out of scope"


def _too_few(book: Phrasebook, language: str, findings: Findings) -> None:
    count: dict[str, list[Phrase]] = defaultdict(list)
    for phrase in book.of(language):
        count[phrase.intent or ""].append(phrase)
    for intent in book.intents:
        mine = count.get(intent, [])
        if not mine:
            at = next((phrase.at for phrase in book.phrases if phrase.intent == intent), Position(book.file, 1, 1))
            findings.add(
                at, "missing-language", f"{intent} has no phrases in {language}.", "Callers who speak it cannot ask for it."
            )
        elif len(mine) < FEWEST:
            found = f"{intent} has {len(mine)} phrase{'s' if len(mine) > 1 else ''} in {language}."
            findings.add(mine[0].at, "too-few", found, f"Add some: {FEWEST} are the least, 10 to 20 are good.")


def _too_close(phrases: list[Phrase], texts: list[str], senses: list[str], encoder: Encoder, findings: Findings) -> None:
    vectors = encoder.encode(senses)
    likeness = np.triu(vectors @ vectors.T, 1)
    pairs = np.argwhere(likeness >= TOO_CLOSE)
    told = 0
    for one, other in sorted(pairs.tolist(), key=lambda pair: -float(likeness[pair[0], pair[1]])):
        first, second = phrases[one], phrases[other]
        if first.intent == second.intent or texts[one] == texts[other]:
            continue
        told += 1
        if told > MOST_PER_RULE:
            break
        outside = first.intent is None or second.intent is None
        findings.add(
            second.at,
            "in-scope-negative" if outside else "too-close",
            f"{quoted(second.text)} ({_name(second)}) means almost the same as {quoted(first.text)} ({_name(first)}, line {first.at.line}).",
            "Word them apart, or join the two intents and ask one more question.",
        )


def _not_won(book: Phrasebook, language: str, house: Path | None, encoder: Encoder, findings: Findings) -> None:
    judged, rows = cross_validated(book, language, house, encoder)
    for place in np.flatnonzero(~judged.correct)[:MOST_PER_RULE].tolist():
        phrase, taken = rows[place], judged.intents[int(judged.guessed[place])]
        findings.add(
            phrase.at,
            "not-won",
            f"{quoted(phrase.text)} is taken for {taken} ({float(judged.confidence[place]):.0%}) when {phrase.intent} has to do without it.",
            f"Add phrases like it to {phrase.intent}, or move it.",
        )
