"""Who may be texted: who wrote STOP, and whose number takes no texts. People are known by a digest of their number."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from ivr.records.database import insert_into
from ivr.records.store import Store
from ivr.records.texting_tables import text_stops, text_surveys, text_unreachable


def subject_of(number: str) -> str:
    """What stands for a number in the tables of texts."""
    return hashlib.sha256(number.encode()).hexdigest()[:32]


# Wanting none


def wants_none(store: Store, number: str) -> bool:
    """True where this number asked for no more texts."""
    with store.reading() as connection:
        return stopped(connection, subject_of(number))


def stop_texts(store: Store, number: str, now: datetime, how: str) -> None:
    """No more texts to this number: as its owner wrote, the carrier says or somebody was told."""
    with store.writing() as connection:
        note_stop(connection, subject_of(number), now, how)


def allow_texts(store: Store, number: str) -> bool:
    """Texts are welcome again; False where they were already."""
    with store.writing() as connection:
        return note_start(connection, subject_of(number))


def stopped(connection: sa.Connection, subject: str) -> bool:
    """`wants_none` inside an open transaction."""
    return connection.scalar(sa.select(text_stops.c.subject).where(text_stops.c.subject == subject)) is not None


def note_stop(connection: sa.Connection, subject: str, now: datetime, how: str) -> None:
    """`stop_texts` inside an open transaction."""
    connection.execute(insert_into(connection, text_stops).on_conflict_do_nothing(), {"subject": subject, "at": now, "how": how})
    waiting = sa.and_(text_surveys.c.subject == subject, text_surveys.c.state.in_(("due", "asked")))
    connection.execute(text_surveys.update().where(waiting), {"state": "stopped", "number": None})


def note_start(connection: sa.Connection, subject: str) -> bool:
    """`allow_texts` inside an open transaction."""
    return bool(connection.execute(text_stops.delete().where(text_stops.c.subject == subject)).rowcount)


# Not being reached


@dataclass(frozen=True)
class Unreached:
    """When a text did not reach a number, and the carrier's code for why."""

    at: datetime
    code: int


def last_unreached(store: Store, number: str) -> Unreached | None:
    """The last text that did not reach this number, where none has reached it since."""
    with store.reading() as connection:
        found = sa.select(text_unreachable).where(text_unreachable.c.subject == subject_of(number))
        row = connection.execute(found).first()
    return None if row is None else Unreached(row.at, row.code)


def could_not_reach(store: Store, number: str, now: datetime, code: int) -> None:
    """The carrier says that this number takes no texts."""
    with store.writing() as connection:
        note_unreachable(connection, subject_of(number), now, code)


def unreachable(connection: sa.Connection, subject: str, since: datetime) -> bool:
    """True where a text to this number could not be delivered after `since`, and none has reached it later."""
    lately = sa.and_(text_unreachable.c.subject == subject, text_unreachable.c.at > since)
    return connection.scalar(sa.select(text_unreachable.c.subject).where(lately)) is not None


def note_unreachable(connection: sa.Connection, subject: str, now: datetime, code: int) -> None:
    """`could_not_reach` inside an open transaction."""
    again = insert_into(connection, text_unreachable).on_conflict_do_update(
        index_elements=["subject"], set_={"at": now, "code": code}
    )
    connection.execute(again, {"subject": subject, "at": now, "code": code})


def reached_again(connection: sa.Connection, subject: str) -> None:
    """A text arrived: what was noted against this number holds no longer."""
    connection.execute(text_unreachable.delete().where(text_unreachable.c.subject == subject))
