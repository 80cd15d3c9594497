"""Expressions: what they mean, what is not said in them, and that nothing but `Missing` ever leaves them."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.language.expression_mistakes import Mistake
from ivr.language.expressions import CompiledExpression, compile_expression
from ivr.language.values import Missing, Position

AT = Position("line.yaml", 1, 1)
FACTS = {
    "customer": {"tier": "Gold", "age": 41, "identified": True, "tags": ["vip", "late"], "number": "0123", "nothing": None},
    "queue": {"wait_minutes": 7.5, "waiting": 3},
    "empty": {},
}


def compiled(source: str) -> CompiledExpression:
    return compile_expression(source, AT)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('customer.tier == "gold"', True),
        ('customer.tier != "gold"', False),
        ("customer.age > 40 and customer.age < 42", True),
        ("40 < customer.age < 42", True),
        ("40 < customer.age < 41", False),
        ("queue.wait_minutes >= 7.5", True),
        ("queue.waiting <= 2", False),
        ("not customer.identified", False),
        ('customer.tier in ["silver", "gold"]', True),
        ('customer.tier not in ["silver", "gold"]', False),
        ('"vip" in customer.tags', True),
        ('"ol" in customer.tier', True),
        ("customer.number == 123", True),
        ('customer.age == "41"', True),
        ('customer.age == "forty"', False),
        ('customer.age < "forty"', False),
        ('customer.age > "forty"', False),
        ("customer.tags < 3", False),
        ("customer.identified == yes", True),
        ('customer.identified == "no"', False),
        ("customer.known", True),
        ("empty.known", False),
        ("order.known", False),
        ("not order.known", True),
        ('order.known and order.status == "late"', False),
        ('customer.age > 40 or order.status == "late"', True),
        ('customer.age < 40 and order.status == "late"', False),
        ("-1 < queue.waiting", True),
        ("yes", True),
        ("false", False),
        ("(customer.age > 40)", True),
        ('"a" == "A"', True),
        ("[1, 2] == [1, 2]", True),
        ("[1, 2] == [1, 3]", False),
        ("  customer.known  ", True),
        ("customer.known\nand queue.known", True),
    ],
)
def test_meaning(source: str, expected: bool) -> None:
    assert compiled(source).evaluate(FACTS) is expected
    assert compiled(source).holds(FACTS) is expected


@pytest.mark.parametrize(
    ("source", "missing"),
    [
        ("order.status", "order.status"),
        ("customer.nothing", "customer.nothing"),
        ('not order.status == "late"', "order.status"),
        ('customer.age > 40 and order.status == "late"', "order.status"),
        ('customer.age < 40 or order.status == "late"', "order.status"),
        ("order.status in [1]", "order.status"),
    ],
)
def test_what_is_missing_is_named_and_does_not_hold(source: str, missing: str) -> None:
    with pytest.raises(Missing) as raised:
        compiled(source).evaluate(FACTS)
    assert raised.value.fact == missing
    assert compiled(source).holds(FACTS) is False


@pytest.mark.parametrize(
    "source",
    [
        "open('x')", "customer.tier.upper", "customer.tier.upper()", "a[0]", "lambda: 1", "[x for x in customer.tags]", "{1: 2}", "{1}", "f'{1}'",
        "b'1'", "1 + 1", "2 ** 8", "1 if yes else 2", "customer", "True", "None", "...", "1j", "u'x'", "(x := 1)", "await x", "yield", "*a", "~1",
        "+1", "-customer.age", "1_0 + 1", "a; b", "import os", "", " ", "'", "(", ")", "\\", "a.b.c", "1 is 1", "a.b = 1", "9" * 400, "not " * 14 + "yes",
        "__import__", "().__class__", "''.__class__", "a.b" + " or a.b" * 100, "yes.yes", "no.known == 1",
    ],
)  # fmt: skip
def test_refused(source: str) -> None:
    with pytest.raises(Mistake) as raised:
        compiled(source)
    assert 0 <= raised.value.offset <= max(0, len(source))


def test_columns_count_characters_not_bytes() -> None:
    found = compile_expression('"größe" == customer.tier', Position("line.yaml", 3, 10))
    assert found.names[0].at == Position("line.yaml", 3, 21)


def test_an_expression_travels_between_processes() -> None:
    found = pickle.loads(pickle.dumps(compiled('customer.tier == "gold"')))
    assert found.holds(FACTS)


def test_comparisons_are_kept_for_lint() -> None:
    found = compiled('customer.tier in ["gold", "silver"] and 5 < queue.waiting')
    assert [(str(c.name), c.operator, c.value) for c in found.comparisons] == [
        ("customer.tier", "in", ["gold", "silver"]),
        ("queue.waiting", "<", 5),
    ]


@pytest.mark.parametrize(
    ("source", "certain"),
    [
        ("order.known", {"order", "order.known"}),
        ("not order.known", set()),
        ('order.status == "late"', {"order", "order.status"}),
        ('not order.status == "late"', {"order", "order.status"}),
        ("order.known and customer.known", {"order", "order.known", "customer", "customer.known"}),
        ("order.known or customer.known", set()),
        ("order.known or order.status", {"order"}),
        ("not (order.status and customer.tier)", set()),
        ("yes", set()),
    ],
)
def test_facts_that_must_be_there_for_it_to_hold(source: str, certain: set[str]) -> None:
    assert compiled(source).certain == certain


WORDS = [
    "caller.known",
    "customer.tier",
    "order.status",
    '"gold"',
    "5",
    "yes",
    "and",
    "or",
    "not",
    "in",
    "==",
    "!=",
    "<",
    ">=",
    "(",
    ")",
    "[",
    "]",
    ",",
    "-",
    ".",
    " ",
]
VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.lists(st.integers() | st.text(max_size=3), max_size=3)
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=14), st.dictionaries(st.sampled_from(["known", "tier", "status"]), VALUES))
def test_any_row_of_words_is_refused_or_evaluates(words: list[str], fields: dict[str, object]) -> None:
    facts = {"caller": fields, "customer": fields, "order": fields}
    try:
        found = compiled(" ".join(words))
    except Mistake:
        return
    assert isinstance(found.holds(facts), bool)
    try:
        found.evaluate(facts)
    except Missing as missing:
        assert missing.fact.split(".")[0] in facts


@settings(max_examples=400, deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_refused_or_evaluates(source: str) -> None:
    try:
        found = compiled(source)
    except Mistake as mistake:
        assert mistake.message
        return
    found.holds({})


class Guarded:
    """An object that no expression may touch."""

    def __getattribute__(self, name: str) -> object:
        raise AssertionError(f"{name} was reached")


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["__class__", "__dict__", "mro", "keys", "__init__", "_", "known2"]),
    st.sampled_from(["caller", "customer", "__builtins__"]),
)
def test_no_way_to_python_objects(name: str, root: str) -> None:
    found = compiled(f"{root}.{name}")
    with pytest.raises(Missing):
        found.evaluate({"caller": {}, "customer": {"x": Guarded()}})
