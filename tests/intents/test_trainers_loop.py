"""From a sentence nobody understood to understood, in three commands."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ivr.cli.intents import intents
from ivr.errors import IntentError
from ivr.intents.explaining import explain
from ivr.intents.inbox import Utterance, UtteranceFile, groups
from ivr.intents.recogniser import Recogniser
from ivr.intents.shelf import Shelf
from ivr.intents.teaching import teach, with_phrases

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


def test_what_teaches_nothing_stays_out_and_misunderstanding_comes_first(recogniser: Recogniser) -> None:
    found = groups(
        [
            said("where is my parcel", "abandoned"),
            said("where is my parcel please", "abandoned"),
            said("my loyalty points have vanished"),
            *(said(answer) for answer in ("No.", "yes please", "four four one two", "77", "", "!")),
        ],
        recogniser,
    )
    assert [group.texts[0] for group in found] == ["my loyalty points have vanished", "where is my parcel"]
    assert found[1].results == {"abandoned": 2} and found[1].misunderstood == 0


def test_before_and_after_are_about_the_same_phrases(house: Path, recogniser: Recogniser) -> None:
    """Phrases that change nothing for the others change no figure of theirs."""
    learnt = ["my loyalty points have vanished.", "My loyalty points have vanished", "where have all my bonus points gone"]
    taught = teach(house / "config", house / "models", "complaint", "en", learnt, encoder=recogniser.encoder)
    assert taught.added == ("my loyalty points have vanished", "where have all my bonus points gone")
    before, after = taught.held_out["en"]["opening_hours"]
    assert before == after
    assert set(taught.held_out["en"]) > {"", "complaint", "refund"}


def test_a_group_can_be_taught_as_what_nobody_here_can_help_with(house: Path, recogniser: Recogniser) -> None:
    outcome = teach(
        house / "config", house / "models", "out_of_scope", "en-GB", ["is the swimming pool open"],
        [said("is the swimming pool open today", "understood")], encoder=recogniser.encoder,
    )  # fmt: skip
    text = (house / "config" / "intents.yaml").read_text()
    assert "    - are you hiring at the moment\n    - is the swimming pool open\n  es:\n" in text
    assert [(change.before, change.after) for change in outcome.changed] == [("opening_hours", None)]
    shelf = Shelf(house / "models")
    shelf.activate(outcome.version)
    assert Recogniser.load(house / "models", recogniser.encoder).understand("is the swimming pool open now", "en").out_of_scope


def test_phrases_are_added_below_their_own_and_nothing_else_changes() -> None:
    text = "# ours\nintents:\n  one:\n    phrases:\n      en:\n        - first   # why\n  two:\n    phrases: {en: [second]}\n"
    added = with_phrases(text, "one", "en", ["yes: it is", "plain words", "plain words"])
    assert added == text.replace("# why\n", '# why\n        - "yes: it is"\n        - plain words\n')
    with pytest.raises(IntentError, match="not written one a line"):
        with_phrases(text, "two", "en", ["third"])
    with pytest.raises(IntentError, match=r'no intent "twoo"\. Did you mean "two"'):
        with_phrases(text, "twoo", "en", ["third"])
    with pytest.raises(IntentError, match="already"):
        with_phrases(text, "one", "en", ["First."])
    with pytest.raises(IntentError, match="has no phrases in en yet"):
        with_phrases(text, "out_of_scope", "en", ["what's the weather"])
    with_negatives = f"{text}    not_this:\n      en:\n        - near\nout_of_scope:\n  en:\n    - far\n"
    assert with_phrases(with_negatives, "out_of_scope", "en", ["farther"]) == f"{with_negatives}    - farther\n"


def test_explaining_tells_what_each_word_does(recogniser: Recogniser) -> None:
    told = explain(recogniser, "um my parcel never came", "en")
    heaviest = told["words"][0]
    assert (heaviest["words"], told["candidates"][0]["intent"]) == ("parcel", "order_status") and heaviest["weight"] > 0.1
    assert explain(recogniser, "parcel", "en")["words"] == [], "there is nothing to leave out"
    assert len(explain(recogniser, "where is my parcel " * 900, "en")["words"]) <= 6


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
