"""Each kind of value against a table of at least 300 things that callers say, in English and Spanish."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest

from ivr.intents.slots import read_slot

TABLES = Path(__file__).parent / "tables"
TODAY = date(2026, 11, 22)  # a Sunday
FEWEST = 300


def _read(row: dict[str, str]) -> str:
    known = tuple(row["known"].split("|")) if row["known"] else ()
    slot = read_slot(row["kind"], row["said"], row["language"], int(row["length"]) if row["length"] else None, known, today=TODAY)
    if slot is None:
        return ""
    return {True: "yes", False: "no"}[slot.value] if row["kind"] == "yes_no" else str(slot.value)


@pytest.mark.parametrize("name", ["codes", "amounts", "calendar", "addresses", "replies"])
def test_every_phrase_of_the_table_is_read(name: str) -> None:
    with (TABLES / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    wrong = [
        f"{row['kind']} {row['language']} {row['said']!r}: {got!r}, not {row['value']!r}"
        for row in rows
        if (got := _read(row)) != row["value"]
    ]
    assert not wrong, f"{len(wrong)} of {len(rows)}:\n" + "\n".join(wrong)
    assert len(rows) >= FEWEST
