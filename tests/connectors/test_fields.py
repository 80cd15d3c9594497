"""Text from outside becomes a typed value, or nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.connectors.fields import read_field
from ivr.language.names import FIELD_TYPES

TODAY = date(2026, 11, 24)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("text", "  on its way ", "on its way"),
        ("text", "", None),
        ("text", "a\x00b\nc", "a b c"),
        ("text", "x" * 600, "x" * 500),
        ("text", {"a": 1}, None),
        ("digits", "00123", "00123"),
        ("digits", 123, "123"),
        ("digits", "12a", None),
        ("digits", "١٢٣", None),
        ("number", "12", 12),
        ("number", "12.5", 12.5),
        ("number", 7, 7),
        ("number", "1e400", None),
        ("number", "nan", None),
        ("number", "seven", None),
        ("money", "41.9", "41.90"),
        ("money", Decimal("1234.567"), "1234.57"),
        ("money", "1,234.50", "1234.50"),
        ("money", "-3", "-3.00"),
        ("money", "Infinity", None),
        ("date", "2026-12-01", "2026-12-01"),
        ("date", "2026-12-01T10:00:00Z", "2026-12-01"),
        ("date", "today", "2026-11-24"),
        ("date", "today+2", "2026-11-26"),
        ("date", "today-30", "2026-10-25"),
        ("date", "tomorrow", None),
        ("date", "2026-02-30", None),
        ("date", date(2026, 1, 2), "2026-01-02"),
        ("date", datetime(2026, 1, 2, 3, tzinfo=UTC), "2026-01-02"),
        ("time", "17:30", "17:30:00"),
        ("time", "2026-11-24T17:30:00+00:00", "2026-11-24T17:30:00+00:00"),
        ("time", "late", None),
        ("yes_no", "Yes", True),
        ("yes_no", False, False),
        ("yes_no", "0", False),
        ("yes_no", "perhaps", None),
        ("list", "a, b,,c", ["a", "b", "c"]),
        ("list", ["a", 1, None, ""], ["a", "1", "None"]),
        ("text", ["a"], None),
    ],
)
def test_values(kind: str, value: Any, expected: Any) -> None:
    assert read_field(kind, value, TODAY) == expected


@given(
    st.sampled_from(FIELD_TYPES),
    st.one_of(st.text(max_size=50), st.integers(), st.floats(), st.lists(st.text()), st.none(), st.booleans()),
)
def test_nothing_from_outside_raises(kind: str, value: Any) -> None:
    read_field(kind, value, TODAY)
