"""Reading and running flow tests, their coverage, and the commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from engine.worlds import HOUSE, REPOSITORY, bundle_of

import ivr.cli.flow_trials as commands
from ivr.cli.rehearsing import trials_for_publishing
from ivr.errors import FlowError
from ivr.flow_trials import Coverage, read_trials, run_trial
from ivr.flow_trials.reading import VERBS, read_text
from ivr.language.bundle import compile_folder
from ivr.language.problems import Findings
from ivr.rehearsal import Outside

FLOW = """
  hello:
    menu: Hello. One or two?
    options:
      - {key: 1, go: one, text: "For one, press 1."}
      - {key: 2, go: two, text: "For two, press 2."}
    reprompts: [One or two?]
    give_up: bye
  one:
    say: One it is.
    next: bye
  two:
    say: Two it is.
  bye:
    hangup: Bye.
"""

MISTAKES = [
    ("- x", "1:3: A flow test is a block of settings"),
    ("test: a\nflow: line", '1:1: The flow test has no "call".'),
    ("test: a\ncall: []", '1:1: The flow test has no "flow".'),
    ("test: a\nflow: line\ncall: hello", '3:7: "hello" is no conversation'),
    ("test: a\nflow: line\ncal: []\ncall: []", '3:1: There is no setting of a flow test "cal". Did you mean "call"?'),
    ("test: a\nflow: line\ncall:\n  - sais: x", '4:5: Nobody "sais" in a conversation. Did you mean "says"?'),
    ("test: a\nflow: line\ncall:\n  - says:", "says nothing"),
    ("test: a\nflow: line\ncall:\n  - presses: hello", '4:14: "hello" are no keys. Write 0-9, star or hash.'),
    ("test: a\nflow: line\ncall:\n  - waits: long", '4:12: "long" is no length of time.'),
    ("test: a\nflow: line\ncall:\n  - queue: takled", '4:12: "takled" cannot end this. Did you mean "talked"?'),
    ("test: a\nflow: line\ncall:\n  - {says: a, hears: b}", "4:5: a block of settings is no line of a conversation"),
    ("test: a\nflow: line\nat: soon\ncall: []", '3:5: "soon" is no time.'),
    ("test: a\nflow: line\ngiven: {fact: {}}\ncall: []", 'There is no thing that can be given "fact". Did you mean "facts"?'),
    ("test: a\nflow: line\ngiven: {facts: {order: gone}}\ncall: []", '"gone" is no outcome.'),
    ("test: a\nflow: line\ngiven: {understood: {x: {a: lots}}}\ncall: []", '"lots" is no confidence.'),
    ("test: a\nflow: line\ngiven: {queues: {general: {waiting: few}}}\ncall: []", "is no state of a queue"),
    ("test: a\ntest: b\nflow: line\ncall: []", "2:1:"),
    ("test: [", "1:"),
]


@pytest.mark.parametrize(("text", "told"), MISTAKES)
def test_mistakes_are_told_with_their_place(text: str, told: str) -> None:
    findings = Findings()
    read_text("a.yaml", text, findings)
    assert told in "\n".join(map(str, findings.sorted()))


def run(text: str) -> list[str]:
    findings = Findings()
    trials = read_text("a.yaml", "test: a\nflow: line\n" + text, findings)
    assert findings.found == []
    return [str(failure) for failure in run_trial(bundle_of(FLOW), Outside(house=HOUSE), trials[0]).failures]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("call:\n  - hears: [Hello., 'For one, press 1.']\n  - presses: 1\n  - hears: One it is. Bye.\nends: bye", None),
        ("call:\n  - hears: Good morning", "a.yaml:4: not heard: 'Good morning'; heard: Hello. One or two?"),
        ("call:\n  - hears_not: hello", "a.yaml:4: heard 'hello', which must not be said"),
        ("call:\n  - at: two", "a.yaml:4: the call is at hello, not at two"),
        ("call:\n  - presses: 1\n  - presses: 2", "a.yaml:5: the call is over, so nobody presses"),
        ("call:\n  - records: 3s", "a.yaml:4: nobody records here: the call is at hello (Listen)"),
        ("call:\n  - waits: 3s", "a.yaml:4: nobody waits in a queue here"),
        ("call: [silent]\nends: bye", "a.yaml:1: the call ends in hello, not in bye"),
        ("call: []\nnotes: {GoalReached: {}}", "the journal has no GoalReached"),
        ("call: [silent]\nnotes:\n  - no Silence: {tries: 1}", "the journal has Silence"),
    ],
)
def test_what_fails_is_told(text: str, told: str | None) -> None:
    failures = run(text)
    assert failures == [] if told is None else told in failures[0]


def test_every_line_and_setting_is_documented() -> None:
    page = (REPOSITORY / "docs" / "flow-tests.md").read_text()
    for verb in VERBS:
        assert f"| `{verb}" in page


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A flows folder with one flow and two tests, one of which fails."""
    flows = tmp_path / "flows"
    (flows / "tests").mkdir(parents=True)
    (flows / "line.yaml").write_text("flow: line\nformat: 1\ntitle: A line\nlanguages: [en-GB]\nsteps:\n" + FLOW)
    (flows / "tests" / "a.yaml").write_text(
        "- test: One\n  flow: line\n  call:\n    - presses: 1\n    - hears: One it is.\n- test: Two\n  flow: line\n  call:\n    - presses: 1\n    - hears: Two it is.\n"
    )
    return flows


def test_the_command_tells_failures_and_coverage(folder: Path) -> None:
    result = CliRunner().invoke(commands.test, ["--flows", str(folder), "--config", "none", "--coverage"])
    assert result.exit_code == 1
    assert "FAILED: Two" in result.output and "not heard: 'Two it is.'" in result.output
    assert "no test comes to line.two" in result.output and "no test leaves line.hello by give_up" in result.output
    assert "2 tests, 1 failed" in result.output and "Steps 3 of 4, exits 2 of 5." in result.output


def test_the_command_in_json(folder: Path) -> None:
    result = CliRunner().invoke(commands.test, ["--flows", str(folder), "--config", "none", "--json"])
    told = json.loads(result.stdout)
    assert (told["tests"], told["failed"]) == (2, 1)
    assert told["coverage"]["steps"] == {"taken": 3, "of": 4, "missed": ["line.two"]}
    assert "line.hello option 2" in told["coverage"]["exits"]["missed"]


def test_without_tests_the_command_says_so(folder: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for arguments in ([str(empty)], ["--flows", str(empty)]):
        result = CliRunner().invoke(commands.test, [*arguments, "--config", "none"])
        assert isinstance(result.exception, FlowError) and "docs/flow-tests.md" in str(result.exception)


def test_an_unknown_flow_or_time_is_one_sentence(folder: Path) -> None:
    for arguments, told in (
        (["nowhere"], 'there is no flow "nowhere"; there are line'),
        (["line", "--at", "soon"], '"soon" is no time'),
    ):
        result = CliRunner().invoke(commands.try_, [*arguments, "--flows", str(folder), "--config", "none"])
        assert isinstance(result.exception, FlowError) and told in str(result.exception)


def test_trying_a_call_by_hand_and_keeping_it(folder: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept.yaml"
    typed = f"\n/facts\n/pay paid\n#2\n/save {kept}\n\n"
    result = CliRunner().invoke(commands.try_, ["line", "--flows", str(folder), "--config", "none"], input=typed)
    assert result.exit_code == 0, result.output
    assert "For two, press 2." in result.output and "Two it is." in result.output and "nobody pays here" in result.output
    trials, problems = read_trials([kept])
    assert problems == ()
    assert [line.verb for line in trials[0].lines] == [
        "hears",
        "hears",
        "hears",
        "silent",
        "hears",
        "hears",
        "hears",
        "presses",
        "hears",
        "hears",
    ]
    bundle = compile_folder(folder).required()
    assert run_trial(bundle, Outside(house=HOUSE), trials[0]).failures == ()


def test_publishing_runs_the_tests_it_publishes(folder: Path) -> None:
    bundle = compile_folder(folder).required()
    files = {"tests/a.yaml": (folder / "tests" / "a.yaml").read_text()}
    went = trials_for_publishing(Path("none"))(bundle, files)
    assert went.passed == 1
    assert len(went.failures) == 1 and went.failures[0].startswith("Two: tests/a.yaml:10: not heard")


def test_coverage_of_nothing_misses_everything() -> None:
    coverage = Coverage(bundle_of(FLOW))
    assert len(coverage.missed_steps()) == 4
    assert ("line", "hello", "option 1") in coverage.missed_ways()
