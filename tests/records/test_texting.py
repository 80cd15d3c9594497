"""Questions by text: who is asked, what a reply means, each message once, STOP."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ivr.notes import Note
from ivr.records import text_reach, texting
from ivr.records.report_file import read_reports
from ivr.records.retention import apply_retention, erase_caller
from ivr.records.saving import close_call
from ivr.records.store import Store
from ivr.records.text_survey import TextQuestion, TextSurvey, wants_no_texts, wording
from ivr.records.texting import Due, Received
from tests.records.conftest import NOW, MakeStore
from tests.records.journals import abandoned, answered, journal

SOLVED = TextQuestion("resolved", {"en-GB": "Solved?", "es-ES": "¿Resuelto?"}, 0, 1)
CONTENT = TextQuestion("csat", {"en-GB": "Content, 1 to 5?", "es-ES": "¿Satisfecho, de 1 a 5?"})
SURVEY = TextSurvey(
    (SOLVED, CONTENT),
    opening={"en-GB": "Acme."},
    manner={"en-GB": "Reply or open {link}."},
    unclear={"en-GB": "A number from {least} to {most}, please."},
    thanks={"en-GB": "Thank you."},
)
CALLER = "+447700900001"
ASKED = NOW + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("reply", "rating"),
    [
        ("5", 5), (" 4 ", 4), ("5!", 5), ("3 stars", 3), ("4 out of 5", 4), ("4/5", 4), ("five", 5), ("Cinco", 5), ("I give it a 2", 2), ("1 1", 1),
        ("0", None), ("6", None), ("55", None), ("-4", None), ("4.5", None), ("4 or 5", None), ("4 de 5", 4), ("2 or 3", None), ("", None), ("great", None), ("⑤", None), ("٣", None),
        ("I called 3 times this week and nobody ever rang back", None), ("5" * 5000, None),
    ],
)  # fmt: skip
def test_a_rating_in_a_message(reply: str, rating: int | None) -> None:
    assert CONTENT.rating(reply) == rating


@pytest.mark.parametrize(
    ("reply", "rating"),
    [("1", 1), ("0", 0), ("2", 0), ("Yes thank you", 1), ("sí", 1), ("No!", 0), ("nope", 0), ("maybe", None), ("10", None)],
)
def test_yes_or_no_in_a_message(reply: str, rating: int | None) -> None:
    assert SOLVED.rating(reply) == rating


def test_ten_of_ten_is_possible() -> None:
    question = TextQuestion("nps", {"en-GB": "?"}, 0, 10)
    assert [question.rating(reply) for reply in ("10", "10/10", "ten", "0", "11")] == [10, 10, 10, 0, None]


@pytest.mark.parametrize(
    ("text", "carrier", "wanted"),
    [("STOP", "", True), (" stop. ", "", True), ("Baja", "", True), ("please stop calling me names", "", None), ("start", "", False), ("5", "", None),
     ("hola", "STOP", True), ("x", "START", False), ("x", "HELP", None)],
)  # fmt: skip
def test_no_more_texts(text: str, carrier: str, wanted: bool | None) -> None:
    assert wants_no_texts(text, carrier) is wanted


def test_words_in_the_callers_language_or_its_kin() -> None:
    assert [wording(SOLVED.ask, language) for language in ("es-ES", "es-MX", "fr-FR", None)] == [
        "¿Resuelto?",
        "¿Resuelto?",
        "Solved?",
        "Solved?",
    ]
    assert SURVEY.first_text("en-GB", "https://x/s") == "Acme. Solved? Reply or open https://x/s."


def asked_of(store: Store, *later: str) -> list[str]:
    """The contacts that are due to be asked."""
    return [due.contact_id for due in texting.take_due(store, ASKED)]


def test_who_is_asked(make_store: MakeStore) -> None:
    store = make_store(text_survey=SURVEY)
    answered(store, "ANSWERED", NOW)
    answered(store, "AGAIN_TODAY", NOW + timedelta(minutes=1))  # asked about the first call
    abandoned(store, "GAVE_UP", NOW, wait=9, number="+447700900002")
    answered(store, "WITHHELD", NOW, number=None)
    answered(store, "RUNG_BY_US", NOW, number="+447700900003", direction="outbound")
    answered(store, "CALLED_BACK", NOW, number="+447700900004", direction="outbound", contact_id="PROMISED")
    rated = journal(
        "RATED", NOW, (0, "StepEntered", {"kind": "rate", "step": "q", "flow": "s"}), (1, "GoalReached", {"goal": "told", "intent": "refund"}),
        (2, "Ended", {"ended_by": "caller"}), number="+447700900005",
    )  # fmt: skip
    close_call(store, rated, NOW)
    text_reach.stop_texts(store, "+447700900006", NOW, "command")
    answered(store, "STOPPED", NOW, number="+447700900006")
    assert sorted(asked_of(store)) == ["ANSWERED", "PROMISED"]
    assert asked_of(store) == []  # each is asked once


def test_a_share_is_drawn_by_the_calls_id() -> None:
    half = replace(SURVEY, share=0.5)
    drawn = [half.asks(f"CA{n}") for n in range(2000)]
    assert 900 < sum(drawn) < 1100
    assert drawn == [half.asks(f"CA{n}") for n in range(2000)]
    assert not any(replace(SURVEY, share=0.0).asks(f"CA{n}") for n in range(100))


def test_nobody_is_asked_a_day_late(sqlite_store: MakeStore) -> None:
    store = sqlite_store(text_survey=SURVEY)
    answered(store, "A", NOW)
    assert texting.take_due(store, NOW + timedelta(seconds=30)) == []
    assert texting.take_due(store, NOW + timedelta(days=2)) == []
    assert texting.take_due(store, ASKED) == []


def test_answers_reach_the_record_and_a_repeated_message_changes_nothing(make_store: MakeStore) -> None:
    store = make_store(text_survey=SURVEY)
    answered(store, "A", NOW)
    assert texting.take_due(store, ASKED) == [Due("A", CALLER, "en-GB")]
    kept: list[Note] = []

    def receive(message_id: str, text: str) -> Received:
        return texting.receive(store, message_id, CALLER, text, ASKED, kept.append)

    assert receive("SM1", "hm") == Received("unclear", "A number from 0 to 1, please.")
    assert receive("SM2", "yes") == Received("answer", "Content, 1 to 5?")
    assert receive("SM2", "yes") == Received("answer", "Content, 1 to 5?")
    assert receive("SM3", "2") == Received("answer", "Thank you.")
    assert receive("SM4", "5") == Received("unasked")
    close_call(store, [Note("A", "SurveyAsked", ASKED, {"mode": "text"}), *kept], ASKED)
    row = store.row("A")
    assert row is not None
    assert (row["csat"], row["survey_resolved"], row["survey_offered"]) == (2.0, True, 1)
    assert [(s["question"], s["answer"], s["scale"], s["direction"], s["mode"]) for s in row["surveys"]] == [
        ("resolved", "1", "0-1", "up", "text"),
        ("csat", "2", "1-5", "up", "text"),
    ]
    assert texting.receive(store, "SM5", "+447700900099", "5", ASKED, kept.append) == Received("unasked")


def test_an_answer_that_cannot_be_kept_is_asked_for_again(sqlite_store: MakeStore) -> None:
    store = sqlite_store(text_survey=SURVEY)
    answered(store, "A", NOW)
    texting.take_due(store, ASKED)

    def broken(note: Note) -> None:
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        texting.receive(store, "SM1", CALLER, "1", ASKED, broken)
    kept: list[Note] = []
    assert texting.receive(store, "SM1", CALLER, "1", ASKED, kept.append) == Received("answer", "Content, 1 to 5?")
    assert [note.data["answer"] for note in kept] == ["1"]


def test_stop_ends_it_and_start_opens_it(make_store: MakeStore) -> None:
    store = make_store(text_survey=SURVEY)
    answered(store, "A", NOW)
    texting.take_due(store, ASKED)
    assert texting.receive(store, "SM1", CALLER, "Stop", ASKED, lambda note: None) == Received("stop")
    assert text_reach.wants_none(store, CALLER)
    assert texting.receive(store, "SM2", CALLER, "5", ASKED, lambda note: None) == Received("unasked")
    assert texting.receive(store, "SM3", CALLER, "START", ASKED, lambda note: None) == Received("start")
    assert not text_reach.wants_none(store, CALLER)


def test_two_machines_that_answer_each_other_come_to_an_end(sqlite_store: MakeStore) -> None:
    store = sqlite_store(text_survey=SURVEY)
    answered(store, "A", NOW)
    texting.take_due(store, ASKED)
    replies = [texting.receive(store, f"SM{n}", CALLER, "I am away", ASKED, lambda note: None).reply for n in range(9)]
    assert len([reply for reply in replies if reply]) == 5


def test_the_page_takes_the_waiting_question_only(sqlite_store: MakeStore) -> None:
    store = sqlite_store(text_survey=SURVEY)
    answered(store, "A", NOW)
    assert texting.asked_of(store, "A", ASKED) is None
    texting.take_due(store, ASKED)
    kept: list[Note] = []
    assert [texting.answer_on_page(store, "A", place, rating, ASKED, kept.append) for place, rating in [(1, 5), (0, 7), (0, 1), (0, 0), (1, 6), (1, 4), (2, 1)]] == [
        False, False, True, False, False, True, False,
    ]  # fmt: skip
    assert [note.data["answer"] for note in kept] == ["1", "4"]
    assert texting.asked_of(store, "A", ASKED + timedelta(hours=73)) is None


def test_an_erased_caller_is_not_texted_and_stays_so(make_store: MakeStore) -> None:
    store = make_store(text_survey=SURVEY)
    answered(store, "A", NOW)
    texting.receive(store, "SM1", CALLER, "STOP", NOW, lambda note: None)
    assert text_reach.allow_texts(store, CALLER)
    answered(store, "B", NOW + timedelta(minutes=1), number="+447700900002")
    receipt = erase_caller(store, "+447700900002", ASKED, "anna")
    assert receipt.removed["text_surveys"] == 1
    assert texting.take_due(store, ASKED) == []
    text_reach.stop_texts(store, "+447700900002", ASKED, "message")
    assert text_reach.wants_none(store, "+447700900002")


def test_messages_are_forgotten_and_stop_is_not(sqlite_store: MakeStore) -> None:
    store = sqlite_store(text_survey=SURVEY)
    texting.receive(store, "SM1", CALLER, "STOP", NOW, lambda note: None)
    assert apply_retention(store, NOW + timedelta(days=500))["texts"] == 1
    assert text_reach.wants_none(store, CALLER)


SECTION = """
text_survey:
  share: 50%
  after: 10m
  questions:
    - question: nps
      scale: 0-10
      ask: {en-GB: Would you recommend us?}
  thanks: {en-GB: Thank you.}
"""


def test_the_section_is_read() -> None:
    found = read_reports(SECTION).text_survey
    assert found is not None
    assert (found.share, found.after, found.questions[0].scale) == (0.5, timedelta(minutes=10), "0-10")
    assert read_reports(SECTION.replace("50%", "0%")).text_survey is None


@pytest.mark.parametrize(
    ("written", "instead", "said"),
    [
        ("nps", "happiness", 'no question "happiness"'),
        ("scale: 0-10", "scale: 10", '"10" is no scale'),
        ("{en-GB: Thank you.}", "{es-ES: Gracias.}", "not in the languages"),
        ("share: 50%", "share: half", '"half" is not a share'),
        ("after: 10m", "afterwards: 10m", "afterwards"),
        ("ask: {en-GB: Would you recommend us?}", "ask: {}", "ask"),
    ],
)
def test_mistakes_in_the_section(written: str, instead: str, said: str) -> None:
    assert any(said in str(problem) for problem in read_reports(SECTION.replace(written, instead)).problems)
