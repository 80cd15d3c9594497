"""What must never be stored."""

from __future__ import annotations

import random

import pytest

from ivr.redaction import LONGEST_TEXT, luhn, redact


def card(seed: int, length: int = 16) -> str:
    """A number that passes the card check."""
    chance = random.Random(seed)
    body = "4" + "".join(chance.choice("0123456789") for _ in range(length - 2))
    return next(body + digit for digit in "0123456789" if luhn(body + digit))


EN = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
ES = ["cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve"]


@pytest.mark.parametrize("seed", range(40))
def test_cards_go_however_they_are_said(seed: int) -> None:
    number = card(seed, 13 + seed % 7)
    ways = [
        number,
        " ".join(number),
        "-".join(number[i : i + 4] for i in range(0, len(number), 4)),
        " ".join(number[i : i + 4] for i in range(0, len(number), 4)),
        " ".join(EN[int(digit)] for digit in number),
        " ".join(EN[int(digit)] for digit in number).replace("zero", "oh"),
        ", ".join(EN[int(digit)] for digit in number),
        " um ".join(EN[int(digit)] for digit in number),
        " ".join(ES[int(digit)] for digit in number),
        " ".join(digit if place % 2 else EN[int(digit)].capitalize() for place, digit in enumerate(number)),
    ]
    for way in ways:
        told = redact(f"yes my card is {way} thank you")
        assert told == "yes my card is [card] thank you", way


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("my pin is 1234", "my pin is [secret]"),
        ("the security code is one two three please", "the security code is [secret] please"),
        ("CVV: 123", "CVV: [secret]"),
        ("el pin es uno dos tres cuatro", "el pin es [secret]"),
        ("mi código de seguridad es 321", "mi código de seguridad es [secret]"),
        ("my order is 1234 and my pin is nine eight double seven", "my order is 1234 and my pin is [secret]"),
        ("four triple one one one one one one one one one one one one one", "[card]"),
        ("forty one eleven eleven eleven eleven eleven eleven eleven", "[card]"),
        ("order 12345678", "order 12345678"),
        ("call me on 07700 900123", "call me on 07700 900123"),
        ("I want to go for two days", "I want to go for two days"),
        ("my account is 411111111111", "my account is 411111111111"),
        ("", ""),
    ],
)
def test_secrets_go_and_the_rest_stays(said: str, kept: str) -> None:
    assert redact(said) == kept


def test_long_runs_may_go_too_and_hostile_text_costs_little() -> None:
    assert redact("account 123456789 of mine", long_digits=9) == "account [digits] of mine"
    assert len(redact("1 " * 100_000)) <= LONGEST_TEXT
    assert "[card]" in redact("x" * 1000 + " 4111 1111 1111 1111")
