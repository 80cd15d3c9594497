"""What became of the texts that the carrier took. Its news come late, twice, in any order or not at all.

A message gets further on, never back: what is said of an earlier stage after a later one changes nothing. A survey whose text did
not arrive asked nobody, and leaves the response rate.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ivr.notes import Note
from ivr.records.store import Store
from ivr.records.text_reach import note_stop, note_unreachable, reached_again, subject_of
from ivr.records.texting import Keep
from ivr.records.texting_tables import text_surveys
from ivr.texts import TextNews

# How far a message has come. Those of one stage exclude each other: the first that is heard of stands.
STAGES = {
    **dict.fromkeys(("accepted", "scheduled", "queued"), 1),
    "sending": 2,
    "sent": 3,
    "unconfirmed": 4,  # asked about, and the carrier knows no more
    **dict.fromkeys(("delivered", "undelivered", "failed", "canceled"), 5),
    "read": 6,
}
LOST = frozenset({"undelivered", "failed", "canceled"})
ARRIVED = frozenset({"delivered", "read"})
UNSUBSCRIBED = 21610  # the carrier keeps a list of its own of who wrote STOP
# Switched off or abroad, blocked, unknown, a fixed line or a network without texts; refused at once: no mobile number.
UNREACHABLE = frozenset({30003, 30004, 30005, 30006, 21614})
_ASK_AFTER = timedelta(hours=1)
_ASK_UNTIL = timedelta(hours=24)


@dataclass(frozen=True)
class Unconfirmed:
    """A survey's message of which nothing final was heard."""

    contact_id: str
    message_id: str


def take_news(store: Store, news: TextNews, now: datetime, keep: Keep, *, contact_id: str | None) -> str:
    """Take in what became of a text; `contact_id` is the survey's where it was one. `keep` puts what it means into the call's journal,
    before it is ticked off here. Gives what it was taken for: known (nothing new), late (of an earlier stage), or the status."""
    stage = STAGES.get(news.status)
    if stage is None:
        return "unknown"
    subject = subject_of(news.number)
    with store.writing() as connection:
        if contact_id is not None:
            chosen = sa.select(text_surveys).where(text_surveys.c.contact_id == contact_id)
            row = connection.execute(chosen.with_for_update() if store.dialect == "postgresql" else chosen).first()
            before = STAGES.get(row.delivery or "", 0) if row is not None else 0
            if row is None or stage <= before:
                return "known" if row is not None and row.delivery == news.status else "late"
            _survey_news(connection, row, news, now, keep)
        _number_news(connection, subject, news, now)
    return news.status


def _survey_news(connection: sa.Connection, row: Any, news: TextNews, now: datetime, keep: Keep) -> None:
    values: dict[str, Any] = {"delivery": news.status, "delivery_code": news.code or None, "message_id": news.message_id}
    if news.status in LOST:
        if row.state == "asked" and row.asked == 0:  # who has answered was asked
            keep(Note(row.contact_id, "SurveyUndelivered", now, {"mode": "text", "status": news.status, "code": news.code}))
            values["state"] = "undelivered"
        elif row.state == "silent":
            values["state"] = "undelivered"
    elif row.state == "silent":
        keep(Note(row.contact_id, "SurveyAsked", now, {"mode": "text"}))
        values["state"] = "asked"
    connection.execute(text_surveys.update().where(text_surveys.c.contact_id == row.contact_id), values)


def _number_news(connection: sa.Connection, subject: str, news: TextNews, now: datetime) -> None:
    if news.status in LOST and news.code == UNSUBSCRIBED:
        note_stop(connection, subject, now, "carrier")
    elif news.status in LOST and news.code in UNREACHABLE:
        note_unreachable(connection, subject, now, news.code)
    elif news.status in ARRIVED:
        reached_again(connection, subject)


def unconfirmed(store: Store, now: datetime, most: int = 20) -> list[Unconfirmed]:
    """Surveys sent an hour to a day ago of which nothing final was heard: a callback may have been lost. Each is given out once: what
    is not final then either counts as sent, unless the carrier says otherwise later."""
    final = [status for status, stage in STAGES.items() if stage >= STAGES["unconfirmed"]]
    open_ones = sa.and_(
        text_surveys.c.state == "asked",
        text_surveys.c.asked_at < now - _ASK_AFTER,
        text_surveys.c.asked_at > now - _ASK_UNTIL,
        text_surveys.c.message_id.is_not(None),
        sa.or_(text_surveys.c.delivery.is_(None), text_surveys.c.delivery.not_in(final)),
    )
    with store.reading() as connection:
        rows = connection.execute(sa.select(text_surveys).where(open_ones).order_by(text_surveys.c.asked_at).limit(most)).all()
    return [Unconfirmed(row.contact_id, row.message_id) for row in rows]
