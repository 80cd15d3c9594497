"""Sayings, keyed values, readings and the house's wording."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from engine.worlds import HOUSE, REPOSITORY
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.dialogue.keyed import typed_value
from ivr.dialogue.sayings import saying
from ivr.house import COMMANDS, PHRASES, House
from ivr.language.names import READINGS
from ivr.phrases import load_house
from ivr.speaking import LONGEST_VALUE, Reader

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=ZoneInfo("Europe/London"))


@pytest.mark.parametrize(
    ("text", "language", "command"),
    [
        ("agent", "en-GB", "agent"),
        ("Agent, please!", "en-GB", "agent"),
        ("can I speak to a human please", "en-GB", "agent"),
        ("I'd like to talk to someone", "en-GB", "agent"),
        ("sorry, could you say that again", "en-GB", "repeat"),
        ("What can I say?", "en-GB", "help"),
        ("main menu", "en-GB", "main_menu"),
        ("hang on a second", "en-GB", "wait"),
        ("I want to talk to an agent about my bill", "en-GB", None),
        ("my agent sold me the wrong thing", "en-GB", None),
        ("the waiter was rude", "en-GB", None),
        ("", "en-GB", None),
        ("agente", "es-ES", "agent"),
        ("Quiero hablar con una persona, por favor", "es-ES", "agent"),
        ("¿Puede repetir?", "es-ES", "repeat"),
        ("menú principal", "es-ES", "main_menu"),
        ("un momento por favor", "es-ES", "wait"),
        ("quiero pagar mi factura", "es-ES", None),
    ],
)
def test_universal_commands(text: str, language: str, command: str | None) -> None:
    assert saying(text, HOUSE.wording(language), COMMANDS) == command


@settings(deadline=None)
@given(st.text(max_size=400))
def test_any_text_is_taken(text: str) -> None:
    assert saying(text, HOUSE.wording("en-GB"), COMMANDS) in (None, *COMMANDS)


@pytest.mark.parametrize(
    ("kind", "digits", "length", "value"),
    [
        ("digits", "0123", None, "0123"),
        ("digits", "0123", 5, None),
        ("digits", "01*3", None, None),
        ("alnum", "2123", 4, "A123"),  # the caller's own A123
        ("alnum", "5556", 4, "5556"),
        ("alnum", "555", 4, None),
        ("number", "007", None, 7),
        ("money", "41*9", None, "41.90"),
        ("money", "41", None, "41.00"),
        ("money", "*5", None, None),
        ("money", "41*955", None, None),
        ("date", "2412", None, "2026-12-24"),
        ("date", "0101", None, "2027-01-01"),
        ("date", "3102", None, None),
        ("date", "24121970", None, "1970-12-24"),
        ("date", "1", None, None),
        ("time", "1030", None, "10:30"),
        ("time", "930", None, "09:30"),
        ("time", "2530", None, None),
        ("yes_no", "1", None, True),
        ("yes_no", "2", None, False),
        ("yes_no", "3", None, None),
        ("name", "123", None, None),
    ],
)
def test_typed_values(kind: str, digits: str, length: int | None, value: object) -> None:
    assert typed_value(kind, digits, length, date(2026, 11, 24), ("A123", "B-77")) == value


@pytest.mark.parametrize(
    ("language", "reading", "value", "said"),
    [
        ("en-GB", "money", "41.90", "41.90 British pounds"),
        ("en-GB", "money", "40", "40 British pounds"),
        ("en-GB", "money", "1 USD", "1 US dollar"),
        ("es-ES", "money", "41.90", "41,90 libras esterlinas"),
        ("en-GB", "day", "2026-11-22", "today"),
        ("en-GB", "day", "2026-11-23", "tomorrow"),
        ("es-ES", "day", "2026-11-21", "ayer"),
        ("en-GB", "day", "2026-11-26", "Thursday, 26 November"),
        ("es-ES", "day", "2026-11-26", "jueves, 26 de noviembre"),
        ("en-US", "day", "2026-11-26", "Thursday, November 26"),
        ("en-GB", "day", "2028-02-29", "Tuesday, 29 February 2028"),
        ("en-GB", "date", "2026-11-26", "26 November 2026"),
        ("en-GB", "time", "15:30", "15:30"),
        ("en-US", "time", "15:30", "3:30 PM"),
        ("en-GB", "time", "2026-07-01T12:00:00+00:00", "13:00"),
        ("en-GB", "spell", "+447700900123", "plus 4 4 7, 7 0 0 9, 0 0 1 2, 3"),
        ("es-ES", "spell", "ab-1", "A B guion 1"),
        ("en-GB", "digits", "12 34-56", "1 2 3 4, 5 6"),
        ("en-GB", "email", "ana_b@example.com", "ana underscore b at example dot com"),
        ("en-GB", "name", "ANA MARÍA DE LA CRUZ", "Ana María De La Cruz"),
        ("en-GB", "name", "O'Neil", "O'Neil"),
        ("en-GB", "count", 3, "three"),
        ("es-ES", "count", "2", "dos"),
        ("en-GB", "count", 13, "13"),
        ("en-GB", "number", 1234.5, "1,234.5"),
        ("es-ES", "number", 1234.5, "1.234,5"),
        ("en-GB", "plain", True, "yes"),
        ("es-ES", "plain", False, "no"),
        ("en-GB", "plain", ["a", "b", "c"], "a, b and c"),
        ("fr-FR", "day", "2026-11-26", "jeudi 26 novembre"),
        ("xx-XX", "day", "2026-11-26", "Thursday, November 26"),
        ("en-GB", "money", "a lot", "a lot"),
        ("en-GB", "day", "soon", "soon"),
        ("en-GB", "time", "noon", "noon"),
    ],
)
def test_readings(language: str, reading: str, value: object, said: str) -> None:
    assert Reader(language, NOW, "GBP")(reading, value) == said


@settings(deadline=None)
@given(
    st.sampled_from(READINGS),
    st.one_of(
        st.text(max_size=400),
        st.integers(),
        st.floats(),
        st.booleans(),
        st.lists(st.text(max_size=5), max_size=4),
        st.dates().map(str),
    ),
    st.sampled_from(["en-GB", "es-ES", "de-DE", ""]),
)
def test_every_reading_takes_any_value(reading: str, value: object, language: str) -> None:
    said = Reader(language, NOW)(reading, value)
    assert len(said) <= LONGEST_VALUE and said.isprintable()


def test_the_house_speaks_both_languages_and_fills_in_literally() -> None:
    house, problems = load_house(REPOSITORY / "config")
    assert problems == ()
    assert house.phrase("heard_value", "en-US", value="{{ value }} {x}") == "I heard {{ value }} {x}. Is that right?"
    assert (
        house.phrase("is_that_right", "es-MX", what=house.named("pay_bill", "es-MX"))
        == "Usted quiere pagar una factura, ¿es correcto?"
    )
    assert house.named("something_new", "en") == "something new"
    assert house.phrase("goodbye", "de-DE") == house.phrase("goodbye", "en-GB")
    for language in ("en", "es"):
        assert set(PHRASES) <= set(house.wording(language).phrases)
        assert all(house.wording(language).commands.get(command) for command in COMMANDS)


def test_mistakes_in_the_wording_are_told_with_their_place(tmp_path: Path) -> None:
    (tmp_path / "phrases.yaml").write_text(
        "close_margin: lots\nmusik: x\ncommand_keys: {agent: 12}\nlanguages:\n  de:\n    phrases: {goodby: Tschüss}\n    commands: {agnet: [mensch]}\n"
    )
    house, problems = load_house(tmp_path)
    told = "\n".join(map(str, problems))
    assert house.close_margin == House().close_margin
    for expected in (
        'phrases.yaml:1:15: "lots" is no share.',
        'phrases.yaml:2:1: There is no setting "musik". Did you mean "music"?',
        'phrases.yaml:3:16: "agent" is no command with a key.',
        'phrases.yaml:6:15: There is no phrase "goodby". Did you mean "goodbye"?',
        'phrases.yaml:7:16: There is no command "agnet". Did you mean "agent"?',
        'The language "de" has no wording for',
    ):
        assert expected in told
    assert load_house(tmp_path / "nowhere") == (House(), ())
