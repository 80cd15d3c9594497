"""`ivr intents lint`: broken training data and the messages it gets, pair by pair."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr.errors import IntentError
from ivr.intents.checks import check
from ivr.intents.encoders.seam import Encoder
from ivr.intents.phrasebook import parse_phrasebook

HEALTHY = """  hats:
    phrases:
      en: [sell me a hat, I want a new hat, show me your hats, do you have a red hat, a straw hat please, which hats are there]
  trains:
    phrases:
      en: [when does the train leave, is the train late, which platform is the train on, a train to York, has the train gone, train times please]
"""
PAIRS = [
    ("same-phrase", "  more:\n    phrases:\n      en: [Sell me a hat!, what a day, it is late, so it goes, hm yes]\n",
     'intents.yaml:10:12: "Sell me a hat!" belongs to more and to hats (line 4). Nobody can tell them apart: keep it in one. [same-phrase]'),
    ("repeated", "  more:\n    phrases:\n      en: [open the door, the window, Open the door, shut the gate, lock it, bolt]\n",
     'intents.yaml:10:39: "Open the door" stands here twice (line 10). Take one out. [repeated]'),
    ("too-few", "  more:\n    phrases:\n      en: [open the garden door]\n",
     "intents.yaml:10:12: more has 1 phrase in en. Add some: 5 are the least, 10 to 20 are good. [too-few]"),
    ("too-close", "  more:\n    phrases:\n      en: [sell me a hat please, open the door, shut the gate, lock the window, bolt the shed]\n",
     'intents.yaml:10:12: "sell me a hat please" (more) means almost the same as "sell me a hat" (hats, line 4). '
     "Word them apart, or join the two intents and ask one more question. [too-close]"),
    ("missing-language", "  more:\n    phrases:\n      es: [abra la puerta, cierre la puerta, la ventana, el jardín, la valla]\n",
     "intents.yaml:4:12: hats has no phrases in es. Callers who speak it cannot ask for it. [missing-language]"),
    ("unknown-setting", "  more:\n    phrase:\n      en: [x]\n",
     'intents.yaml:9:5: "phrase" is not a setting of an intent. Did you mean "phrases"? [unknown-setting]'),
    ("name", "  More of it:\n    phrases:\n      en: [x]\n",
     'intents.yaml:8:3: "More of it" cannot name an intent. Use a-z, 0-9 and _, such as order_status. [name]'),
    ("twice", "  hats:\n    phrases:\n      en: [x]\n", 'intents.yaml:8:3: "hats" stands here twice. Join the two. [twice]'),
    ("wrong-shape", "  more:\n    phrases:\n      en: one two\n", "intents.yaml:10:11: Phrases in en must be a list. Put a dash before each phrase. [wrong-shape]"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "added", "message"), PAIRS, ids=[rule for rule, _, _ in PAIRS])
def test_broken_data_and_its_message(tmp_path: Path, encoder: Encoder, rule: str, added: str, message: str) -> None:
    (tmp_path / "intents.yaml").write_text("intents:\n" + HEALTHY + added)
    told = [str(problem) for problem in check(tmp_path, encoder) if problem.rule == rule]
    assert told[:1] == [message]


def test_a_phrase_its_own_intent_does_not_win(tmp_path: Path, encoder: Encoder) -> None:
    (tmp_path / "intents.yaml").write_text("intents:\n" + HEALTHY.replace("a train to York", "a hat with a feather please"))
    told = [problem for problem in check(tmp_path, encoder) if problem.rule == "not-won"]
    assert [problem.message.split(" is taken for ")[0] for problem in told] == ['"a hat with a feather please"']
    assert told[0].line == 7 and told[0].severity == "warning"


def test_healthy_data_is_left_in_peace(tmp_path: Path, encoder: Encoder) -> None:
    (tmp_path / "intents.yaml").write_text("intents:\n" + HEALTHY)
    assert check(tmp_path, encoder) == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "intents: {}",
        "intents:\n\t- x",
        "a: *b",
        "intents: !!python/object:os.system {}",
        "x" * 100,
        "intents: {a: {phrases: {en: [1, {}, [], '']}}}",
    ],
)
def test_any_file_gives_problems_or_one_sentence(text: str) -> None:
    try:
        book, findings = parse_phrasebook(text)
    except IntentError as error:
        assert str(error).startswith("intents.yaml")
    else:
        assert findings.found or not book.intents
