"""A time with its day, as somebody says when to be rung: "tomorrow at ten"."""

from __future__ import annotations

from datetime import date

import pytest

from ivr.dialogue.keyed import typed_value
from ivr.intents.slots import read_slot

TUESDAY = date(2026, 11, 24)


@pytest.mark.parametrize(
    ("text", "language", "value"),
    [
        ("tomorrow at ten", "en-GB", "2026-11-25T10:00"),
        ("on friday at half past two", "en-GB", "2026-11-27T14:30"),
        ("ten thirty", "en-GB", "10:30"),
        ("mañana a las diez y media", "es-ES", "2026-11-25T10:30"),
        ("a las siete", "es-ES", "19:00"),
    ],
)
def test_heard(text: str, language: str, value: str) -> None:
    found = read_slot("moment", text, language, today=TUESDAY)
    assert found is not None and (found.kind, found.value) == ("moment", value)


@pytest.mark.parametrize("text", ["on friday", "whenever you like", ""])
def test_a_day_without_a_time_is_no_moment(text: str) -> None:
    assert read_slot("moment", text, "en-GB", today=TUESDAY) is None


@pytest.mark.parametrize(
    ("keys", "value"),
    [("1030", "10:30"), ("930", "09:30"), ("25111030", "2026-11-25T10:30"), ("23111030", "2027-11-23T10:30"), ("2599", None), ("99111030", None)],
)  # fmt: skip
def test_typed(keys: str, value: str | None) -> None:
    assert typed_value("moment", keys, None, TUESDAY) == value
