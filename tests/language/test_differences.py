"""Differences between two versions of a flow, in words."""

from __future__ import annotations

import pytest

import ivr.steps  # registers every kind of step
from ivr.language.bundle import compile_bundle
from ivr.language.diff import differences

assert ivr.steps
BEFORE = """
flow: line
format: 1
steps:
  greet:
    say: Hello.
  main_menu:
    menu: Press 1 or 2.
    options:
      - {key: 1, intent: pay_bill, text: "For bills, press 1.", go: adviser}
      - {key: 2, when: caller.known, go: greet}
    silence: 5s
    reprompts: [Press 1.]
    give_up: adviser
  way:
    decide:
      - {when: caller.known, go: adviser}
      - {go: message}
  adviser:
    queue: general
    needs: {english: 1}
    closed: message
    no_answer: message
  message:
    voicemail: Please leave a message.
  goodbye:
    hangup: Goodbye.
"""


def changes(*replaced: tuple[str, str]) -> list[str]:
    after = BEFORE
    for old, new in replaced:
        assert old in after
        after = after.replace(old, new)
    before = compile_bundle({"line.yaml": BEFORE}).flows
    return [str(change) for change in differences(before, compile_bundle({"line.yaml": after}).flows)]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("silence: 5s", "silence: 8s", ["line.main_menu: silence 5s → 8s"]),
        ("    silence: 5s\n", "", []),
        ("say: Hello.", 'say: "Hello."   # quoted', []),
        ("say: Hello.", "say: Good day.", ['line.greet: say now "Good day.", was "Hello."']),
        (
            "when: caller.known, go: greet",
            "when: caller.known, go: adviser",
            ["line.main_menu: key 2 now goes to adviser, not greet"],
        ),
        ("{key: 2, when: caller.known,", "{key: 2,", ["line.main_menu: key 2 now holds always, was when caller.known"]),
        ("{key: 1, intent: pay_bill,", "{key: 1,", ["line.main_menu: key 1: intent pay_bill → none"]),
        ('text: "For bills, press 1.", ', "", ["line.main_menu: key 1 is no longer read aloud"]),
        (
            "For bills, press 1.",
            "For invoices, press 1.",
            ['line.main_menu: key 1 says now "For invoices, press 1.", was "For bills, press 1."'],
        ),
        ("      - {key: 2, when: caller.known, go: greet}\n", "", ["line.main_menu: choice removed: key 2 (went to greet)"]),
        ("    silence: 5s", "      - {key: 3, go: way}\n    silence: 5s", ["line.main_menu: choice added: key 3 goes to way"]),
        ("give_up: adviser", "give_up: message", ["line.main_menu: give_up now goes to message, not adviser"]),
        ("needs: {english: 1}", "needs: {english: 2}", ["line.adviser: needs {english: 1} → {english: 2}"]),
        ("    needs: {english: 1}\n", "", ["line.adviser: needs removed (was {english: 1})"]),
        ("    needs: {english: 1}", "    needs: {english: 1}\n    priority: 5", ["line.adviser: priority added: 5"]),
        ("hangup: Goodbye.", "say: Goodbye.\n    next: message", ["line.goodbye: was hangup, is now say"]),
        (
            "  goodbye:\n",
            "  extra:\n    say: One more thing.\n  goodbye:\n",
            ["line.message: the call now goes to extra, not goodbye", "line.extra: step added (say)"],
        ),
        ("flow: line", "flow: line\ntitle: The line", ["line: title Line → The line"]),
        ("format: 1", "format: 1\nlanguages: [en-GB, es-ES]", ["line: languages en-GB → en-GB, es-ES"]),
        ("flow: line", "flow: other", ["other: flow added, with 6 steps", "line: flow removed"]),
    ],
)
def test_in_words(old: str, new: str, told: list[str]) -> None:
    assert changes((old, new)) == told


def test_a_step_that_was_only_renamed_is_one_change() -> None:
    assert changes(("  message:", "  mailbox:"), (": message", ": mailbox")) == ["line.mailbox: step renamed from message"]


def test_choices_in_another_order() -> None:
    one, other = (
        '      - {key: 1, intent: pay_bill, text: "For bills, press 1.", go: adviser}\n',
        "      - {key: 2, when: caller.known, go: greet}\n",
    )
    assert changes((one + other, other + one)) == ["line.main_menu: the choices are tried in another order"]
