"""From a call on which a sentence was not understood, over the call records in SQL, to understood: three commands."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

import ivr.steps
from ivr.call import Arrived, Caller, CallerKind, Ended, Session, Spoke
from ivr.cli.inbox import KeptUtterances
from ivr.cli.intents import intents
from ivr.engine import begin, take_turn
from ivr.intents.answers import AnswerBook
from ivr.intents.recogniser import Recogniser
from ivr.language.bundle import compile_folder
from ivr.notes import Note
from ivr.phrases import load_house
from ivr.records.saving import close_call
from ivr.records.store import Store
from ivr.rehearsal import Outside, Rehearsal

assert ivr.steps  # registers the kinds of steps

REPOSITORY = Path(__file__).parents[2]
NEVER_TAUGHT = "my loyalty points have vanished"
PRIVATE = "the points of card 4242 4242 4242 4242 have vanished"


def call(call_id: str, recogniser: Recogniser, said: str, now: datetime) -> list[Note]:
    """The journal of a call to the sample line whose caller says one sentence at the menu and hangs up."""
    bundle = compile_folder(REPOSITORY / "flows").required()
    answers = AnswerBook.load(REPOSITORY / "config", recogniser.encoder)
    world = Rehearsal(Outside(house=load_house(REPOSITORY / "config")[0], recogniser=recogniser, answers=answers), now=now)
    caller = Caller(CallerKind.PHONE, "+447700900103", "+447700900103", country="GB")
    arrived = {
        "from_number": caller.number, "caller_kind": "phone", "to_number": "+442079460000", "direction": "inbound", "flow": "support",
        "revision": "1", "language": "en-GB", "contact_id": call_id,
    }  # fmt: skip
    notes = [Note(call_id, "Arrived", now, arrived, 1)]
    turn = begin(
        bundle, "support", Arrived(call_id, "e0", now, caller, "+442079460000"), contact_id=call_id, revision="1", world=world
    )
    notes += turn.notes
    for event in (Spoke(call_id, "e1", now, text=said, sureness=0.9), Ended(call_id, "e2", now, status="completed")):
        turn = take_turn(bundle, Session.from_json(turn.session.to_json()), event, world)
        notes += turn.notes
    notes.append(Note(call_id, "Ended", now, {"ended_by": "caller"}))
    return [Note(note.call_id, note.kind, note.at, note.data, seq) for seq, note in enumerate(notes, 1)]


def run(house: Path, *words: str) -> str:
    """What a command prints."""
    result = CliRunner().invoke(
        intents, [*words, "--config", str(house / "config"), "--data", str(house)], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_call_that_was_not_understood_teaches_the_line(
    house: Path, recogniser: Recogniser, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.chdir(REPOSITORY)
    now = datetime.now(UTC)
    store = Store(database_url)
    store.upgrade()
    for call_id, said in (("CA1", NEVER_TAUGHT), ("CA2", NEVER_TAUGHT), ("CA3", PRIVATE), ("CA4", "where is my order")):
        close_call(store, call(call_id, recogniser, said, now), now)

    kept = KeptUtterances(store).since(now)
    assert {(row.call_id, row.result) for row in kept if row.call_id in ("CA1", "CA2")} == {
        ("CA1", "not_understood"), ("CA2", "not_understood"),
    }  # fmt: skip
    assert all("4242" not in row.text for row in kept), "a card number was kept"
    assert all(row.at.tzinfo is not None and row.language == "en-GB" and row.step == "main_menu" for row in kept)

    [group] = [row for row in json.loads(run(house, "inbox", "--json")) if NEVER_TAUGHT in row["texts"]]
    outcome = json.loads(run(house, "inbox", "--accept", group["group"], "--as", "complaint", "--json"))
    run(house, "activate", outcome["version"])

    understood = Recogniser.load(house / "models", recogniser.encoder).understand(NEVER_TAUGHT, "en-GB")
    assert understood.best is not None and understood.best.intent == "complaint" and not understood.out_of_scope
    assert not [row for row in json.loads(run(house, "inbox", "--json")) if NEVER_TAUGHT in row["texts"]], (
        "taught, and still open"
    )
    labels = {row.call_id: row.label for row in KeptUtterances(store).since(now)}
    assert labels["CA1"] == labels["CA2"] == "complaint" and labels["CA4"] is None
    store.close()


def test_a_dismissed_group_stays_away(
    house: Path, recogniser: Recogniser, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.chdir(REPOSITORY)
    now = datetime.now(UTC)
    store = Store(database_url)
    store.upgrade()
    close_call(store, call("CA1", recogniser, NEVER_TAUGHT, now), now)
    [group] = json.loads(run(house, "inbox", "--json"))
    assert "1 utterance" in run(house, "inbox", "--dismiss", group["group"])
    assert run(house, "inbox") == "The inbox is empty.\n"
    store.close()


def test_who_hangs_up_before_anything_came_of_a_wish_gave_it_up(recogniser: Recogniser, database_url: str) -> None:
    now = datetime.now(UTC)
    store = Store(database_url)
    store.upgrade()
    for call_id, said in (("CA1", "where is my order"), ("CA2", "what time do you close")):
        close_call(store, call(call_id, recogniser, said, now), now)
    results = {row.call_id: row.result for row in KeptUtterances(store).since(now)}
    assert results == {"CA1": "abandoned", "CA2": "understood"}, "one was asked for a number, the other got an answer"
    store.close()


def test_an_inbox_before_any_call_is_empty(house: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No database yet, and no flows in sight: training intents needs neither."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    assert run(house, "inbox") == "The inbox is empty.\n"
