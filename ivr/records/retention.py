"""Forgetting: what has been kept long enough, and a caller who asks for it. Figures stay, people go."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ivr.errors import RecordError
from ivr.records import audit
from ivr.records.database import REPORT_SECONDS
from ivr.records.partitions import drop_before, make_ahead
from ivr.records.record import Retention
from ivr.records.rows import plain, public_row
from ivr.records.store import Store
from ivr.records.tables import calls, deliveries, events, issues, surveys, utterances
from ivr.records.text_reach import subject_of
from ivr.records.texting_tables import text_stops, text_surveys, text_unreachable, texts_in

_FORGOTTEN = {"from_number": None, "customer_id": None, "customer_name": None, "person": None, "recording": None, "entity": None}
_BATCH = 2000
_LONGEST_CALL = timedelta(days=2)  # a month of journals goes at once when every call in it has been over for long enough


def apply_retention(store: Store, now: datetime, retention: Retention | None = None) -> dict[str, int]:
    """Delete or strip what is older than it may be; gives how many rows of each class. Run by a leased periodic job, in small steps."""
    kept = retention or store.retention
    make_ahead(store, now)
    whole_months = drop_before(store, now - kept.events - _LONGEST_CALL)
    old = sa.select(calls.c.call_id).where(calls.c.ended_at < now - kept.events)
    done = {
        "events": whole_months
        + _delete(
            store, events, (events.c.call_id, events.c.seq), sa.and_(events.c.at < now - kept.events, events.c.call_id.in_(old))
        ),
        "utterances": _delete(store, utterances, (utterances.c.n,), utterances.c.at < now - kept.utterances),
        "deliveries": _delete(
            store,
            deliveries,
            (deliveries.c.delivery_id,),
            sa.and_(deliveries.c.due_at.is_(None), deliveries.c.made_at < now - kept.deliveries),
        ),
        "texts": _delete(store, texts_in, (texts_in.c.message_id,), texts_in.c.at < now - kept.utterances)
        + _delete(store, text_surveys, (text_surveys.c.contact_id,), text_surveys.c.due_at < now - kept.events)
        + _delete(store, text_unreachable, (text_unreachable.c.subject,), text_unreachable.c.at < now - kept.events),
        "calls": 0,
    }
    named = sa.or_(
        calls.c.from_number.is_not(None),
        calls.c.person.is_not(None),
        calls.c.customer_id.is_not(None),
        calls.c.recording.is_not(None),
    )
    while True:
        with store.writing(REPORT_SECONDS) as connection:
            found = list(
                connection.scalars(sa.select(calls.c.call_id).where(calls.c.ended_at < now - kept.calls, named).limit(_BATCH))
            )
            _strip(connection, found, store.clock())
        done["calls"] += len(found)
        if len(found) < _BATCH:
            return done


def _delete(store: Store, table: sa.Table, key: tuple[sa.Column[Any], ...], old: sa.ColumnElement[bool]) -> int:
    deleted = 0
    while True:
        with store.writing(REPORT_SECONDS) as connection:
            chosen = sa.select(*key).where(old).limit(_BATCH)
            column = sa.tuple_(*key) if len(key) > 1 else key[0]
            count = connection.execute(table.delete().where(column.in_(chosen))).rowcount
        deleted += count
        if count < _BATCH:
            return deleted


def _strip(connection: sa.Connection, call_ids: list[str], at: datetime) -> None:
    """Take the person out of calls; what they add to figures stays. Who pulls increments gets the rows again, without the person."""
    if call_ids:
        connection.execute(calls.update().where(calls.c.call_id.in_(call_ids)), {**_FORGOTTEN, "updated_at": at})
        connection.execute(issues.update().where(issues.c.call_id.in_(call_ids)), {"person": None})


@dataclass(frozen=True)
class Receipt:
    """What erasing a caller removed. `subject` is a digest: the receipt itself tells no number."""

    subject: str
    at: datetime
    removed: dict[str, int] = field(default_factory=dict)
    recordings: tuple[str, ...] = ()  # addresses at the carrier, still to be deleted there


def calls_of(connection: sa.Connection, caller: str) -> list[str]:
    """Every call of a caller, given as a number or a customer id, and the other calls of the same contacts."""
    customers = list(
        connection.scalars(
            sa.select(calls.c.customer_id).where(calls.c.from_number == caller, calls.c.customer_id.is_not(None)).distinct()
        )
    )
    mine = sa.or_(calls.c.from_number == caller, calls.c.customer_id == caller, calls.c.to_number == caller)
    if len(customers) == 1:  # the number of one customer: their other calls are this caller's too
        mine = sa.or_(mine, calls.c.customer_id == customers[0])
    contacts = sa.select(calls.c.contact_id).where(mine)
    return list(
        connection.scalars(
            sa.select(calls.c.call_id).where(sa.or_(mine, calls.c.contact_id.in_(contacts))).order_by(calls.c.started_at)
        )
    )


def export_caller(store: Store, caller: str) -> dict[str, Any]:
    """Everything that SQL keeps about a caller, as JSON values."""
    with store.reading(REPORT_SECONDS) as connection:
        found = calls_of(connection, caller)
        rows = []
        for call_id in found:
            row = dict(connection.execute(sa.select(calls).where(calls.c.call_id == call_id)).mappings().one())
            shown = public_row(row, masked=False)
            for name, table, order in (
                ("events", events, events.c.seq),
                ("survey_answers", surveys, surveys.c.n),
                ("utterances", utterances, utterances.c.n),
            ):
                parts = connection.execute(sa.select(table).where(table.c.call_id == call_id).order_by(order)).mappings()
                shown[name] = [{key: plain(value) for key, value in part.items()} for part in parts]
            rows.append(shown)
        numbers = {caller, *(str(row["from_number"]) for row in rows)}
        about = [subject_of(number) for number in sorted(numbers) if number.startswith("+")]
        texts = {
            name: [
                {key: plain(value) for key, value in row.items()}
                for row in connection.execute(sa.select(table).where(table.c.subject.in_(about))).mappings()
            ]
            for name, table in (
                ("asked", text_surveys),
                ("received", texts_in),
                ("unreachable", text_unreachable),
                ("wants_none", text_stops),
            )
        }
    return {"caller": caller, "calls": rows, "texts": texts}


def erase_caller(store: Store, caller: str, now: datetime, by: str, *, also_without_calls: bool = False) -> Receipt:
    """Remove a caller from SQL: journals, utterances and deliveries go, records lose the person, figures stay as they are.

    Live state in Redis and recordings at the carrier are others' to remove; the receipt lists the recordings. Raises RecordError
    where nothing is kept of this caller, unless it is to be audited all the same (`also_without_calls`).
    """
    with store.writing(REPORT_SECONDS) as connection:
        found = calls_of(connection, caller)
        if not found and not also_without_calls:
            raise RecordError("nothing is kept of this caller")
        recordings = [
            r["url"]
            for r in connection.scalars(
                sa.select(calls.c.recording).where(calls.c.call_id.in_(found), calls.c.recording.is_not(None))
            )
            if r.get("url")
        ]
        removed = {"calls": len(found)}
        numbers = {caller, *connection.scalars(sa.select(calls.c.from_number).where(calls.c.call_id.in_(found)).distinct())}
        subjects = [subject_of(number) for number in numbers if number and number.startswith("+")]
        # That somebody wants no texts is kept: as a digest, which tells no number.
        for table in (text_surveys, texts_in, text_unreachable):
            removed[table.name] = connection.execute(table.delete().where(table.c.subject.in_(subjects))).rowcount
        for table in (events, utterances, deliveries):
            removed[table.name] = connection.execute(table.delete().where(table.c.call_id.in_(found))).rowcount
        _strip(connection, found, store.clock())
        connection.execute(calls.update().where(calls.c.call_id.in_(found), calls.c.to_number == caller), {"to_number": None})
        connection.execute(issues.update().where(issues.c.call_id.in_(found)), {"person": None})
        connection.execute(
            surveys.update().where(surveys.c.call_id.in_(found), surveys.c.question.not_in(("csat", "nps", "ces", "resolved"))),
            {"answer": None},
        )
        subject = hashlib.sha256(caller.encode()).hexdigest()[:16]
        audit.append(connection, by, "caller.erase", subject, {"removed": removed, "recordings": len(recordings)}, at=now)
    _vacuum(store)
    return Receipt(subject, now, removed, tuple(recordings))


def _vacuum(store: Store) -> None:
    """Deleted rows leave their bytes in SQLite's file and its log until both are rewritten."""
    if store.dialect != "sqlite":
        return
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        raw: Any = connection.connection.dbapi_connection
        raw.execute("VACUUM").close()
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
