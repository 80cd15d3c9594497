"""From a sentence nobody understood to understood, in three commands."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ivr.cli.intents import intents
from ivr.errors import IntentError
from ivr.intents.inbox import Utterance, UtteranceFile, groups
from ivr.intents.recogniser import Recogniser
from ivr.intents.shelf import Shelf
from ivr.intents.teaching import with_phrases

NOW = datetime.now(UTC)


def said(text: str, result: str = "not_understood", queue: str | None = "general") -> Utterance:
    return Utterance(0, "CA1", NOW - timedelta(hours=1), text, "en-GB", "main_menu", None, 0.3, result, queue)


def run(house: Path, *words: str) -> Result:
    result = CliRunner().invoke(
        intents, [*words, "--config", str(house / "config"), "--data", str(house)], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    return result


def test_three_commands(house: Path) -> None:
    inbox = UtteranceFile(house / "utterances.jsonl")
    inbox.add(
        [
            said("my loyalty points have vanished"),
            said("all of my loyalty points are gone"),
            said("the loyalty points on my account disappeared", "unsure"),
            said("where is my order", "understood"),
            said("do you know any good songs"),
        ]
    )
    listed = json.loads(run(house, "inbox", "--file", str(inbox.path), "--json").stdout)
    assert listed[0]["count"] == 3
    outcome = json.loads(
        run(house, "inbox", "--file", str(inbox.path), "--accept", listed[0]["group"], "--as", "complaint", "--json").stdout
    )
    shelf = Shelf(house / "models")
    assert shelf.active != outcome["version"]
    assert {row["after"] for row in outcome["changed"] if "loyalty" in row["text"]} == {"complaint"}
    assert not [row for row in outcome["changed"] if row["text"] == "where is my order"]
    assert all(0 <= share <= 1 for share in outcome["held_out"]["en"][""])
    run(house, "activate", outcome["version"])
    explained = json.loads(run(house, "explain", "where have my loyalty points gone", "--json").stdout)
    assert explained["candidates"][0]["intent"] == "complaint" and not explained["out_of_scope"]
    assert explained["nearest"]["intent"] == "complaint"
    assert [row["group"] for row in json.loads(run(house, "inbox", "--file", str(inbox.path), "--json").stdout)] != [
        listed[0]["group"]
    ]
    run(house, "rollback")
    assert shelf.active != outcome["version"]


def test_groups_suggest_and_remember_where_calls_ended(recogniser: Recogniser) -> None:
    found = groups(
        [
            said("I would like my cash back"),
            said("I would like my cash back", queue="returns"),
            said("what is the meaning of life"),
        ],
        recogniser,
    )
    assert [len(group.utterances) for group in found] == [2, 1]
    assert found[0].suggestion == "refund" and found[0].queues == {"general": 1, "returns": 1}
    assert found[1].suggestion is None


def test_phrases_are_added_below_their_own_and_nothing_else_changes() -> None:
    text = "# ours\nintents:\n  one:\n    phrases:\n      en:\n        - first   # why\n  two:\n    phrases: {en: [second]}\n"
    added = with_phrases(text, "one", "en", ["yes: it is", "plain words", "plain words"])
    assert added == text.replace("# why\n", '# why\n        - "yes: it is"\n        - plain words\n')
    with pytest.raises(IntentError, match="not written one a line"):
        with_phrases(text, "two", "en", ["third"])
    with pytest.raises(IntentError, match=r'no intent "twoo"\. Did you mean "two"'):
        with_phrases(text, "twoo", "en", ["third"])
    with pytest.raises(IntentError, match="already"):
        with_phrases(text, "one", "en", ["first"])


def test_errors_are_one_line_and_exit_1(tmp_path: Path) -> None:
    result = CliRunner().invoke(intents, ["explain", "hello", "--data", str(tmp_path)])
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: no intent model is active in")


def test_evaluate_prints_fractions_of_any_csv(tmp_path: Path) -> None:
    rows = {
        "buy": ["buy a hat", "sell me a hat", "I want a hat", "a hat please", "get a hat"],
        "leave": ["goodbye", "see you", "bye bye now", "I am leaving", "so long"],
    }
    for name, start in (("train", 0), ("test", 3)):
        lines = [f'"{text}",{intent}' for intent, texts in rows.items() for text in texts[start : start + 3]]
        (tmp_path / f"{name}.csv").write_text("text,intent\n" + "\n".join(lines) + "\n")
    (tmp_path / "oos.csv").write_text("text,intent\nhow deep is the ocean,oos\n")
    words = [
        "evaluate",
        "--train",
        str(tmp_path / "train.csv"),
        "--test",
        str(tmp_path / "test.csv"),
        "--out-of-scope",
        str(tmp_path / "oos.csv"),
    ]
    result = CliRunner().invoke(intents, [*words, "--shots", "2", "--seeds", "2", "--json"], catch_exceptions=False)
    report = json.loads(result.stdout)
    for name in ("accuracy", "macro_f1", "ece", "oos_auroc", "oos_recall", "in_scope_rejected", "accuracy_with_noise"):
        assert 0 <= report[name] <= 1, name
    assert report["seeds"] == [0, 1] and report["latency_p99_ms"] > 0 and report["versions"]["spacy"]
    for broken, message in (("intent,text", "a row needs both"), ("a,b\nc,d", "the first line must be")):
        (tmp_path / "broken.csv").write_text(broken + "\n,\n")
        refused = CliRunner().invoke(
            intents, ["evaluate", "--train", str(tmp_path / "broken.csv"), "--test", str(tmp_path / "test.csv")]
        )
        assert refused.exit_code == 1 and message in refused.stderr
