"""What became of a survey's text: once, in any order; what was not delivered asked nobody."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import pytest
import sqlalchemy as sa

from ivr.notes import Note
from ivr.records import text_reach, texting
from ivr.records.retention import erase_caller
from ivr.records.saving import close_call
from ivr.records.store import Store
from ivr.records.text_delivery import Unconfirmed, take_news, unconfirmed
from ivr.records.texting_tables import text_surveys
from ivr.texts import TextNews
from tests.records.conftest import NOW, MakeStore
from tests.records.journals import answered
from tests.records.test_texting import ASKED, CALLER, SURVEY

MESSAGE = "SM" + "1" * 32


def asking(make: MakeStore) -> Store:
    """A store in which contact A was asked by text."""
    store = make(text_survey=SURVEY)
    answered(store, "A", NOW)
    assert [due.contact_id for due in texting.take_due(store, ASKED)] == ["A"]
    texting.sent(store, "A", MESSAGE)
    close_call(store, [Note("A", "SurveyAsked", ASKED, {"mode": "text"})], ASKED)
    return store


def tell(store: Store, status: str, code: int = 0, *, kept: list[Note] | None = None) -> str:
    """The carrier's callback; what it means goes into the record."""
    notes: list[Note] = [] if kept is None else kept
    before = len(notes)
    found = take_news(store, TextNews(MESSAGE, CALLER, status, code), ASKED, notes.append, contact_id="A")
    if notes[before:]:
        close_call(store, notes[before:], ASKED)
    return found


def state(store: Store) -> tuple[str, str | None, int | None]:
    with store.reading() as connection:
        row = connection.execute(sa.select(text_surveys)).one()
    return row.state, row.delivery, row.delivery_code


def offered(store: Store) -> int:
    return int((store.row("A") or {})["survey_offered"])


@pytest.mark.parametrize("order", list(permutations([("queued", 0), ("sent", 0), ("undelivered", 30008), ("sent", 0)])))
def test_whatever_the_order_a_text_that_did_not_arrive_asked_nobody(
    sqlite_store: MakeStore, order: tuple[tuple[str, int], ...]
) -> None:
    store = asking(sqlite_store)
    notes: list[Note] = []
    for status, code in order:
        tell(store, status, code, kept=notes)
    assert [note.kind for note in notes] == ["SurveyUndelivered"]
    assert (state(store), offered(store)) == (("undelivered", "undelivered", 30008), 0)


def test_a_delivered_text_asked_somebody(make_store: MakeStore) -> None:
    store = asking(make_store)
    assert [tell(store, status) for status in ("sent", "delivered", "delivered", "queued", "undelivered", "mislaid")] == [
        "sent", "delivered", "known", "late", "late", "unknown",
    ]  # fmt: skip
    assert (state(store), offered(store)) == (("asked", "delivered", None), 1)


def test_an_answer_proves_that_the_question_arrived(make_store: MakeStore) -> None:
    store = asking(make_store)
    notes: list[Note] = []
    texting.receive(store, "SM1", CALLER, "yes", ASKED, notes.append)
    tell(store, "undelivered", 30008, kept=notes)
    assert [note.kind for note in notes] == ["Surveyed"]
    assert texting.receive(store, "SM2", CALLER, "4", ASKED, notes.append).result == "answer"


def test_an_answer_counts_also_where_the_text_was_said_to_be_lost(sqlite_store: MakeStore) -> None:
    store = asking(sqlite_store)
    tell(store, "undelivered", 30003)
    notes: list[Note] = []
    assert texting.receive(store, "SM1", CALLER, "yes", ASKED, notes.append).result == "answer"
    close_call(store, notes, ASKED)
    assert offered(store) == 1
    assert text_reach.last_unreached(store, CALLER) is None


@pytest.mark.parametrize("code", [30003, 30004, 30005, 30006])
def test_a_number_that_was_not_reached_is_left_alone_for_a_while(sqlite_store: MakeStore, code: int) -> None:
    store = asking(sqlite_store)
    tell(store, "undelivered", code)
    found = text_reach.last_unreached(store, CALLER)
    assert found is not None and found.code == code
    answered(store, "SOON", NOW + timedelta(days=60))
    assert texting.take_due(store, ASKED + timedelta(days=60)) == []
    answered(store, "LATER", NOW + timedelta(days=91))
    assert [due.contact_id for due in texting.take_due(store, ASKED + timedelta(days=91))] == ["LATER"]


def test_another_failure_says_nothing_of_the_number(sqlite_store: MakeStore) -> None:
    store = asking(sqlite_store)
    tell(store, "failed", 30007)  # taken for spam
    assert text_reach.last_unreached(store, CALLER) is None


def test_a_text_that_arrives_makes_the_number_good_again(make_store: MakeStore) -> None:
    store = make_store(text_survey=SURVEY)
    text_reach.could_not_reach(store, CALLER, NOW, 30003)
    take_news(store, TextNews(MESSAGE, CALLER, "delivered"), ASKED, lambda note: None, contact_id=None)
    assert text_reach.last_unreached(store, CALLER) is None


def test_unsubscribed_is_a_stop(sqlite_store: MakeStore) -> None:
    store = asking(sqlite_store)
    tell(store, "failed", 21610)
    assert text_reach.wants_none(store, CALLER)


def test_a_carrier_that_kept_silent_and_sent_it_all_the_same(make_store: MakeStore) -> None:
    store = make_store(text_survey=SURVEY)
    answered(store, "A", NOW)
    texting.take_due(store, ASKED)
    assert texting.not_sent(store, "A", silent=True)
    notes: list[Note] = []
    tell(store, "sent", kept=notes)
    tell(store, "delivered", kept=notes)
    assert [note.kind for note in notes] == ["SurveyAsked"]
    assert (state(store), offered(store)) == (("asked", "delivered", None), 1)


def test_news_that_come_before_the_carriers_answer(sqlite_store: MakeStore) -> None:
    store = sqlite_store(text_survey=SURVEY)
    answered(store, "A", NOW)
    texting.take_due(store, ASKED)
    tell(store, "sent")
    assert not texting.not_sent(store, "A", silent=True)
    assert state(store)[0] == "asked"


def test_news_that_cannot_be_kept_are_taken_again(sqlite_store: MakeStore) -> None:
    store = asking(sqlite_store)

    def broken(note: Note) -> None:
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        take_news(store, TextNews(MESSAGE, CALLER, "failed", 30003), ASKED, broken, contact_id="A")
    assert (tell(store, "failed", 30003), offered(store)) == ("failed", 0)


def test_what_was_not_told_is_looked_up_once(make_store: MakeStore) -> None:
    store = asking(make_store)
    tell(store, "sent")
    assert unconfirmed(store, ASKED + timedelta(minutes=30)) == []
    later = ASKED + timedelta(hours=2)
    assert unconfirmed(store, later) == [Unconfirmed("A", MESSAGE)]
    tell(store, "unconfirmed")
    assert unconfirmed(store, later) == []
    assert (tell(store, "delivered"), state(store)[1]) == ("delivered", "delivered")


def test_an_erased_caller_leaves_nothing_of_it(sqlite_store: MakeStore) -> None:
    store = asking(sqlite_store)
    tell(store, "undelivered", 30003)
    assert erase_caller(store, CALLER, ASKED, "anna").removed["text_unreachable"] == 1
    assert text_reach.last_unreached(store, CALLER) is None
