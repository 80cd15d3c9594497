"""Each kind of value against a table of at least 300 things that callers say, in English and Spanish."""

from __future__ import annotations

import csv
import random
from datetime import date
from pathlib import Path

import pytest

from ivr.intents.slots import KINDS, find_slots, read_slot
from ivr.intents.words import words_of

TABLES = Path(__file__).parent / "tables"
TODAY = date(2026, 11, 22)  # a Sunday
FEWEST = 300
NAMES = ("codes", "amounts", "calendar", "addresses", "replies")


def _read(row: dict[str, str]) -> str:
    known = tuple(row["known"].split("|")) if row["known"] else ()
    slot = read_slot(row["kind"], row["said"], row["language"], int(row["length"]) if row["length"] else None, known, today=TODAY)
    if slot is None:
        return ""
    return {True: "yes", False: "no"}[slot.value] if row["kind"] == "yes_no" else str(slot.value)


def _rows(name: str) -> list[dict[str, str]]:
    with (TABLES / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("language", ["en", "es"])
def test_no_row_of_words_breaks_a_reader(language: str) -> None:
    """What callers say, shuffled into nonsense: every kind gives a value or none."""
    chance = random.Random(4)
    words = sorted({word for name in NAMES for row in _rows(name) if row["language"] == language for word in row["said"].split()})
    said = ["double 57462", "triple setecientos", *(" ".join(chance.choices(words, k=chance.randint(1, 14))) for _ in range(250))]
    for text in said:
        for kind in KINDS:
            read_slot(kind, text, language, chance.choice([None, 4, 8]), today=TODAY)
        find_slots(text, words_of(language), TODAY)


@pytest.mark.parametrize("name", NAMES)
def test_every_phrase_of_the_table_is_read(name: str) -> None:
    rows = _rows(name)
    wrong = [
        f"{row['kind']} {row['language']} {row['said']!r}: {got!r}, not {row['value']!r}"
        for row in rows
        if (got := _read(row)) != row["value"]
    ]
    assert not wrong, f"{len(wrong)} of {len(rows)}:\n" + "\n".join(wrong)
    assert len(rows) >= FEWEST
