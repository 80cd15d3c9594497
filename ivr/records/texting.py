"""Text messages around calls: who is to be asked, and what a message that came in means.

A message is asked for at most once and answered once: rows change state before anything is sent, and a message that comes in is
known by its id.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from ivr.notes import Note
from ivr.numbers import zone_of
from ivr.records.database import insert_into
from ivr.records.record import CallRecord
from ivr.records.store import Store
from ivr.records.text_reach import note_start, note_stop, reached_again, stopped, subject_of, unreachable
from ivr.records.text_survey import TextSurvey, wants_no_texts, wording
from ivr.records.texting_tables import text_surveys, texts_in

# Whose answer counts: an answer proves that the question arrived, whatever was said of it.
ANSWERABLE = ("asked", "undelivered", "silent")
_REPLIES_A_DAY = 5  # two machines that answer each other come to an end
Keep = Callable[[Note], None]


@dataclass(frozen=True)
class Due:
    """A survey whose first message is to be sent now."""

    contact_id: str
    number: str
    language: str | None


@dataclass(frozen=True)
class Received:
    """What a message that came in was taken for (answer, unclear, stop, start, unasked) and what is sent back, if anything."""

    result: str
    reply: str | None = None


@dataclass(frozen=True)
class Asked:
    """The question that a contact has yet to answer; `place` of None: none is left."""

    contact_id: str
    language: str | None
    place: int | None


# Asking


def plan(connection: sa.Connection, survey: TextSurvey | None, record: CallRecord) -> None:
    """Note that the caller of a call that is over shall be asked, where the survey's rule says so."""
    if survey is None or record.ended_at is None or record.survey or record.survey_offered:
        return
    number = record.from_number
    if number is None or record.caller_kind != "phone" or record.person is None or record.outcome not in survey.outcomes:
        return
    called_by_us = record.direction != "inbound" and record.contact_id == record.call_id
    if called_by_us or not survey.asks(record.contact_id):  # a promised call back belongs to the contact that asked for it
        return
    subject = subject_of(number)
    lately = sa.select(text_surveys.c.contact_id).where(
        text_surveys.c.subject == subject,
        text_surveys.c.due_at > record.ended_at - survey.not_again_for,
        text_surveys.c.state != "late",
    )
    if connection.scalar(lately.limit(1)) is not None or stopped(connection, subject):
        return
    if unreachable(connection, subject, record.ended_at - survey.unreachable_for):
        return
    row = {
        "contact_id": record.contact_id,
        "subject": subject,
        "number": number,
        "language": record.language,
        "state": "due",
        "due_at": record.ended_at + survey.after,
        "latest_at": record.ended_at + survey.after + survey.ask_within,
    }
    connection.execute(insert_into(connection, text_surveys).on_conflict_do_nothing(), row)


def take_due(store: Store, now: datetime, most: int = 100, *, home_zone: str = "UTC") -> list[Due]:
    """Surveys to send now; each is given out once, for a second message is worse than none. One that is due while its reader may be asleep
    waits for the morning: that of the number's own time zone, or of `home_zone` where the number does not tell."""
    survey = store.text_survey
    if survey is None:
        return []
    ready = sa.and_(text_surveys.c.state == "due", text_surveys.c.due_at <= now)
    with store.writing() as connection:
        chosen = sa.select(text_surveys).where(ready).order_by(text_surveys.c.due_at).limit(most)
        rows = connection.execute(chosen.with_for_update(skip_locked=True) if store.dialect == "postgresql" else chosen).all()
        found = []
        for row in rows:
            of_contact = text_surveys.c.contact_id == row.contact_id
            latest = row.latest_at or row.due_at + survey.ask_within
            opening = survey.between.opening(now, ZoneInfo((row.number and zone_of(row.number)) or home_zone))
            gone = stopped(connection, row.subject) or unreachable(connection, row.subject, now - survey.unreachable_for)
            if row.number is None or gone:
                state = "refused"
            elif opening > latest:
                state = "late"
            elif opening > now:
                connection.execute(text_surveys.update().where(of_contact), {"due_at": opening})
                continue
            else:
                state = "asked"
            values = {"state": state, "number": None, "asked_at": now}
            connection.execute(text_surveys.update().where(of_contact), values)
            if state == "asked":
                found.append(Due(row.contact_id, row.number, row.language))
        return found


def sent(store: Store, contact_id: str, message_id: str) -> None:
    """The carrier took the message, and gave it this id."""
    with store.writing() as connection:
        of_contact = text_surveys.c.contact_id == contact_id
        connection.execute(text_surveys.update().where(of_contact), {"message_id": message_id})


def not_sent(store: Store, contact_id: str, *, silent: bool = False) -> bool:
    """The carrier did not take the message; `silent`: it did not say whether it did, and may tell later what became of it. False where it
    has told that meanwhile: the message is on its way."""
    with store.writing() as connection:
        waiting = sa.and_(text_surveys.c.contact_id == contact_id, text_surveys.c.state == "asked")
        if connection.scalar(sa.select(text_surveys.c.delivery).where(waiting)) is not None:
            return False
        connection.execute(text_surveys.update().where(waiting), {"state": "silent" if silent else "refused"})
    return True


# Being answered


def receive(
    store: Store, message_id: str, number: str, text: str, now: datetime, keep: Keep, *, carriers_word: str = ""
) -> Received:
    """Take a message in, once: a repeated one gets the same reply and changes nothing. `keep` puts an answer into the call's journal,
    before the answer is ticked off here. Nothing of the message itself is kept but the answer."""
    subject = subject_of(number)
    with store.writing() as connection:
        known = connection.execute(sa.select(texts_in).where(texts_in.c.message_id == message_id)).first()
        if known is not None:
            return Received(known.result, known.reply)
        found = _meaning(connection, store.text_survey, subject, text, now, keep, carriers_word, message_id)
        if found.reply is not None and _replies(connection, subject, now) >= _REPLIES_A_DAY:
            found = Received(found.result)
        row = {"message_id": message_id, "subject": subject, "at": now, "result": found.result, "reply": found.reply}
        connection.execute(insert_into(connection, texts_in).on_conflict_do_nothing(), row)
    return found


def _meaning(
    connection: sa.Connection,
    survey: TextSurvey | None,
    subject: str,
    text: str,
    now: datetime,
    keep: Keep,
    carriers_word: str,
    message_id: str,
) -> Received:
    no_more = wants_no_texts(text, carriers_word)
    if no_more:
        # The carrier confirms the word by itself, and takes nothing from us for this number from then on.
        note_stop(connection, subject, now, "message")
        return Received("stop")
    if no_more is False:
        note_start(connection, subject)
        return Received("start")
    asked = None
    if survey is not None:
        waiting = sa.and_(
            text_surveys.c.subject == subject,
            text_surveys.c.state.in_(ANSWERABLE),
            text_surveys.c.asked_at > now - survey.answer_within,
        )
        newest = sa.select(text_surveys).where(waiting).order_by(text_surveys.c.asked_at.desc()).limit(1)
        asked = connection.execute(newest).first()
    if survey is None or asked is None or asked.asked >= len(survey.questions):
        return Received("unasked")
    question = survey.questions[asked.asked]
    rating = question.rating(text)
    if rating is None:
        return Received("unclear", survey.not_understood(asked.language, question))
    place = _answered(connection, survey, asked, rating, now, keep)
    following = survey.thanks if place is None else survey.questions[place].ask
    return Received("answer", wording(following, asked.language) or None)


def _answered(connection: sa.Connection, survey: TextSurvey, asked: Any, rating: int, now: datetime, keep: Keep) -> int | None:
    """Keep the answer and go on; gives the place of the next question."""
    question = survey.questions[asked.asked]
    data = {
        "question": question.question,
        "scale": question.scale,
        "direction": question.direction,
        "answer": str(rating),
        "mode": "text",
    }
    keep(Note(asked.contact_id, "Surveyed", now, data))
    over = asked.asked + 1 >= len(survey.questions)
    values = {"asked": asked.asked + 1, "state": "done" if over else "asked"}
    connection.execute(text_surveys.update().where(text_surveys.c.contact_id == asked.contact_id), values)
    reached_again(connection, asked.subject)
    return None if over else asked.asked + 1


def asked_of(store: Store, contact_id: str, now: datetime) -> Asked | None:
    """What the page behind the survey's link shows; None where nothing was asked, or too long ago."""
    if store.text_survey is None:
        return None
    with store.reading() as connection:
        row = connection.execute(sa.select(text_surveys).where(text_surveys.c.contact_id == contact_id)).first()
    if row is None or row.asked_at is None or row.asked_at <= now - store.text_survey.answer_within:
        return None
    if row.state == "done":
        return Asked(contact_id, row.language, None)
    return Asked(contact_id, row.language, row.asked) if row.state in (*ANSWERABLE, "stopped") else None


def answer_on_page(store: Store, contact_id: str, place: int, rating: int, now: datetime, keep: Keep) -> bool:
    """An answer given behind the link; False (and nothing kept) where another question is waiting, or the rating is off its scale."""
    survey = store.text_survey
    if survey is None or not 0 <= place < len(survey.questions):
        return False
    question = survey.questions[place]
    if not question.least <= rating <= question.most:
        return False
    with store.writing() as connection:
        row = connection.execute(sa.select(text_surveys).where(text_surveys.c.contact_id == contact_id)).first()
        if row is None or row.asked != place or row.state not in (*ANSWERABLE, "stopped"):
            return False
        _answered(connection, survey, row, rating, now, keep)
    return True


def _replies(connection: sa.Connection, subject: str, now: datetime) -> int:
    lately = sa.and_(texts_in.c.subject == subject, texts_in.c.at > now - timedelta(days=1), texts_in.c.reply.is_not(None))
    return int(connection.scalar(sa.select(sa.func.count()).select_from(texts_in).where(lately)) or 0)
