"""Prompts: values in sentences."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.language.expression_mistakes import Mistake
from ivr.language.templates import compile_template, normalised
from ivr.language.values import Missing, Position

AT = Position("line.yaml", 4, 9)
FACTS = {"order": {"number": "123", "due": "2026-12-01", "lines": 0}}


def spoken(reading: str, value: object) -> str:
    return f"<{reading}:{value}>"


def test_values_go_through_their_readings() -> None:
    template = compile_template("Order {{order.number|spell}} is due {{ order.due | day }}: {{ order.lines }} lines.", AT)
    assert template.render(FACTS, spoken) == "Order <spell:123> is due <day:2026-12-01>: <plain:0> lines."
    assert [str(name) for name in template.names] == ["order.number", "order.due", "order.lines"]
    assert template.names[0].at == Position("line.yaml", 4, 17)


def test_a_missing_value_is_named() -> None:
    with pytest.raises(Missing) as raised:
        compile_template("It is {{ order.colour }}.", AT).render(FACTS, spoken)
    assert raised.value.fact == "order.colour"


def test_what_a_value_holds_is_never_read_as_a_template() -> None:
    template = compile_template("Hello {{ customer.name }}.", AT)
    assert (
        template.render({"customer": {"name": "{{ order.number }}"}}, lambda reading, value: str(value))
        == "Hello {{ order.number }}."
    )


def test_white_space_is_no_difference_for_translators() -> None:
    assert normalised("  Hello,\n   world. ") == "Hello, world."


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="{}| .%abx\n\"'", max_size=60))
def test_any_text_is_refused_or_spoken(text: str) -> None:
    try:
        template = compile_template(text, AT)
    except Mistake as mistake:
        assert 0 <= mistake.offset <= len(text)
        return
    try:
        template.render({}, spoken)
    except Missing:
        assert template.names
