"""Writing a call: the journal, its record and everything that follows from it, in one transaction. Repeating it changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ivr.errors import RecordError
from ivr.notes import Note
from ivr.records import corrections, outbox, texting
from ivr.records.compute import compute_record, said_yes
from ivr.records.database import together
from ivr.records.fcr import exclusion, judge
from ivr.records.inbox import collect_utterances
from ivr.records.record import CallRecord, SurveyAnswer
from ivr.records.repeats import earlier, links, pointing
from ivr.records.rollup_tables import mark_dirty
from ivr.records.rows import plain
from ivr.records.store import Store, merge_notes, read_notes
from ivr.records.tables import calls, events, issues, legs, surveys, utterances, visits
from ivr.redaction import redact

_KEPT = (
    "contact_handled",
    "contact_handle_seconds",
    "fcr",
    "fcr_state",
    "fcr_excluded",
    "fcr_decided_at",
    "repeat_seconds",
    "repeat_call_id",
    "return_seconds",
)
# A row as an insert that names no column leaves it.
_EMPTY: dict[str, Any] = {column.name: None if column.server_default is None else 0 for column in calls.columns}


def close_call(store: Store, notes: Sequence[Note], now: datetime) -> CallRecord:
    """Store a call's journal and record. Call it again whenever more notes are known; nothing is counted twice.

    What SQL already has of the journal is merged in, so that a late note alone is enough. Raises StoreUnavailable: keep the
    journal and try again. Raises RecordError for a journal without an arrival.
    """
    if not notes:
        raise RecordError("there is no journal to close")
    with store.writing(about=notes[0].call_id) as connection:
        kept = read_notes(connection, notes[0].call_id)
        merged = merge_notes(kept, [_clean(note) for note in notes])
        record = compute_record(merged, store.rules)
        known = {note.seq for note in kept}
        fresh = [note for note in merged if note.seq not in known]
        write_record(store, connection, record, merged, now, fresh=fresh)
    return record


def recompute(store: Store, call_id: str, now: datetime) -> CallRecord:
    """Compute a call's record again from its journal in SQL, with today's rules. Raises RecordError where there is no journal."""
    with store.writing(about=call_id) as connection:
        notes = read_notes(connection, call_id)
        if not notes:
            raise RecordError(f"there is no journal of call {call_id}")
        record = compute_record(notes, store.rules)
        write_record(store, connection, record, notes, now)
    return record


def _clean(note: Note) -> Note:
    """The note with card numbers and the like taken out: the last gate before anything is kept for long."""
    data = {
        key: redact(value) if isinstance(value, str) and key in ("text", "value", "error") else value
        for key, value in note.data.items()
    }
    return Note(note.call_id, note.kind, note.at, data, note.seq) if data != note.data else note


def write_record(
    store: Store,
    connection: sa.Connection,
    record: CallRecord,
    notes: Sequence[Note],
    now: datetime,
    *,
    fresh: Sequence[Note] = (),
) -> None:
    """Put a computed record in place of what was known of the call, and bring everything that depends on it up to date. `fresh`: those of
    its notes that SQL does not have yet."""
    call_id = record.call_id
    before = connection.execute(sa.select(calls).where(calls.c.call_id == call_id)).mappings().first()
    stamp = store.clock()
    row = record_row(record)
    if before is not None:
        row.update(corrections.overlay(connection, call_id))
    row["updated_at"] = stamp
    settled = {name: before[name] for name in _KEPT} if before else {"fcr_state": "provisional"}
    if before is not None and before["imported"]:
        row["imported"] = 1
    written = {**_EMPTY, **(before or {}), **row, **settled}
    heard = _new_utterances(connection, record, notes, first=before is None)
    with together(connection):
        if fresh:
            lines = [{"call_id": n.call_id, "seq": n.seq, "at": n.at, "kind": n.kind, "data": n.data} for n in fresh]
            connection.execute(events.insert(), lines)
        if before is None:
            connection.execute(calls.insert(), {**row, **settled})
        else:
            connection.execute(calls.update().where(calls.c.call_id == call_id), row)
        _write_parts(connection, record, fresh=before is None)
        if heard:
            connection.execute(utterances.insert().inline(), heard)
    concerned = set(earlier(connection, call_id, record.person, record.started_at))
    if before is not None and before["person"] != record.person:
        concerned |= set(pointing(connection, call_id, before["person"]))
    times = [row["started_at"], *([before["started_at"]] if before else []), *(visit.queued_at for visit in record.visits)]
    settle(store, connection, call_id, record.contact_id, now, also=concerned, written=written, times=times)
    texting.plan(connection, store.text_survey, record)
    outbox.announce(connection, store.subscriptions, record, first=before is None or before["ended_at"] is None, now=now)


def settle(
    store: Store,
    connection: sa.Connection,
    call_id: str,
    contact_id: str,
    now: datetime,
    also: set[str] | None = None,
    written: Mapping[str, Any] | None = None,
    times: Iterable[datetime] = (),
) -> None:
    """Judge a contact and the earlier ones that it concerns again, and mark what changed for the rollups.

    `written`: the call's own row, where the caller has just written it; `times`: starts of calls and stays that changed besides.
    """
    changes: list[tuple[str, dict[str, Any]]] = []
    marked = list(times)
    for concerned in sorted({call_id, contact_id, *(also or ())}):
        found: Mapping[str, Any] | None = written if concerned == call_id else None
        if found is None:
            kept = connection.execute(sa.select(calls).where(calls.c.call_id == concerned)).mappings().first()
            found = dict(kept) if kept is not None else None
        if found is None:
            continue
        before = dict(found)
        row = {**before, **links(connection, before), **_whole_contact(connection, concerned)}
        verdict = judge(row, exclusion(row, store.rules.shared_numbers), now, store.rules.window_seconds)
        by_hand = corrections.overlay(connection, concerned).get("fcr", verdict.fcr) if before["corrected"] else verdict.fcr
        row.update(fcr=by_hand, fcr_state=verdict.state, fcr_excluded=verdict.excluded, fcr_decided_at=verdict.decided_at)
        values = {name: row[name] for name in _KEPT if row[name] != before[name]}
        if values:
            changes.append((concerned, {**values, "updated_at": store.clock()}))
            marked.append(before["started_at"])
    with together(connection):
        for concerned, values in changes:
            connection.execute(calls.update().where(calls.c.call_id == concerned), values)
        mark_dirty(connection, marked)


def _whole_contact(connection: sa.Connection, contact_id: str) -> dict[str, Any]:
    """Handle time of a contact: the dial-in and the calls back that came of it. Nothing for a call back itself."""
    of_contact = sa.select(sa.func.max(calls.c.handled), sa.func.sum(calls.c.handle_seconds)).where(
        calls.c.contact_id == contact_id
    )
    handled, seconds = connection.execute(of_contact).one()
    return {"contact_handled": handled or 0, "contact_handle_seconds": round(seconds or 0.0, 3)}


def record_row(record: CallRecord) -> dict[str, Any]:
    """A record as columns of `calls`, without what follows from other calls."""
    same = (
        "call_id", "contact_id", "direction", "from_number", "to_number", "caller_kind", "attestation", "person", "customer_id", "customer_name",
        "segment", "language", "flow", "revision", "intent", "entity", "model", "queue", "agent", "team", "started_at", "queued_at", "answered_at",
        "ended_at", "menu_seconds", "queue_seconds", "ring_seconds", "talk_seconds", "hold_seconds", "wrap_up_seconds", "handle_seconds", "outcome",
        "abandoned_where", "ended_by", "transfers", "disposition", "resolved", "recording", "reasked",
    )  # fmt: skip
    row = {name: getattr(record, name) for name in same}
    for name in ("transferred_inside", "by_callback", "survey_offered", "asked", "self_service", "goal_confirmed", "handled"):
        row[name] = int(getattr(record, name))
    row["is_contact"] = int(record.contact_id == record.call_id)
    row["intents"] = list(record.intents)
    row.update(survey_columns(record.survey))
    row["outside_talks"] = [{name: plain(value) for name, value in asdict(talk).items()} for talk in record.outside] or None
    row["legs_handled"] = len(record.legs)
    row["wrap_up_pending"] = int(any(leg.wrap_up_pending for leg in record.legs))
    return row


def survey_columns(survey: Sequence[SurveyAnswer]) -> dict[str, Any]:
    """Answers as columns of `calls`: the document that readers get, and what figures count."""
    told = {a.question: {"answer": a.answer, "scale": a.scale, "direction": a.direction, "mode": a.mode} for a in survey}
    scores = {name: _score(survey, name, low, high) for name, low, high in (("csat", 1, 5), ("nps", 0, 10), ("ces", 1, 7))}
    solved = next((said_yes(a.answer) for a in survey if a.question == "resolved"), None)
    return {"survey": told or None, **scores, "survey_resolved": solved}


def _score(survey: Sequence[SurveyAnswer], question: str, low: int, high: int) -> float | None:
    """The answer on the figure's own scale, high is good; None for another scale: a 4 of 10 is not a 4 of 5."""
    for answer in survey:
        if answer.question != question or answer.answer is None:
            continue
        if answer.scale not in (None, f"{low}-{high}"):
            return None
        try:
            value = float(answer.answer)
        except ValueError:
            return None
        return None if not low <= value <= high else (low + high - value if answer.direction == "down" else value)
    return None


def _write_parts(connection: sa.Connection, record: CallRecord, *, fresh: bool) -> None:
    call = {"call_id": record.call_id, "started_at": record.started_at}
    leg_names = (
        "leg_id", "agent", "team", "queue", "answered_at", "ended_at", "ring_seconds", "talk_seconds", "hold_seconds", "wrap_up_seconds",
        "handle_seconds", "ended", "disposition", "resolved",
    )  # fmt: skip
    rows: dict[sa.Table, list[dict[str, Any]]] = {
        legs: [
            {**call, "n": n, **{name: getattr(leg, name) for name in leg_names}, "wrap_up_capped": int(leg.wrap_up_capped), "wrap_up_pending": int(leg.wrap_up_pending)}
            for n, leg in enumerate(record.legs, 1)
        ],
        visits: [
            {**call, "n": n, "queue": v.queue, "queued_at": v.queued_at, "ended_at": v.ended_at, "waited_seconds": v.waited_seconds, "result": v.result, "cause": v.cause}
            for n, v in enumerate(record.visits, 1)
        ],
        surveys: [
            {"call_id": record.call_id, "n": n, "at": a.at, "question": a.question, "scale": a.scale, "direction": a.direction, "answer": a.answer, "mode": a.mode}
            for n, a in enumerate(record.survey, 1)
        ],
        issues: [
            {
                **call, "topic": i.topic, "entity": i.entity, "intent": i.intent, "contact_id": record.contact_id, "ended_at": record.ended_at,
                # Only a dial-in can be somebody's repeat: not a call back, nor a call that we placed.
                "person": record.person if record.contact_id == record.call_id and record.direction == "inbound" else None,
            }
            for i in record.issues
        ],
    }  # fmt: skip
    for table, parts in rows.items():
        if not fresh:
            connection.execute(table.delete().where(table.c.call_id == record.call_id))
        if parts:
            connection.execute(table.insert(), parts)


def _new_utterances(connection: sa.Connection, record: CallRecord, notes: Sequence[Note], *, first: bool) -> list[dict[str, Any]]:
    """What was heard and is not kept yet: a label that a person gave stays."""
    found = collect_utterances(notes, record.queue)
    if not found or first:
        return found
    known = set(connection.scalars(sa.select(utterances.c.seq).where(utterances.c.call_id == record.call_id)))
    return [row for row in found if row["seq"] not in known]
