"""Who called again, and about the same? Kept current as calls are recorded, so that no report has to search.

`repeat_seconds` of a contact: from its end to the same person's next contact about the same issue; `return_seconds`: about
anything. Both within 30 days. Blame stays with the first contact: it is the one that left something open.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ivr.records.columns import Instant
from ivr.records.record import LONGEST_SECONDS
from ivr.records.store import Store
from ivr.records.tables import calls, issues

_LONGEST = timedelta(seconds=LONGEST_SECONDS)


_contact = sa.and_(calls.c.is_contact == 1, calls.c.direction == "inbound")
_me, _person, _start, _limit = (
    sa.bindparam(n, type_=t) for n, t in (("me", sa.Text), ("person", sa.Text), ("start", Instant), ("limit", Instant))
)
_mine, _theirs = issues.alias("mine"), issues.alias("theirs")
# Built once: putting these together costs more than running them.
_FOLLOWING = (
    sa.select(calls.c.started_at)
    .where(_contact, calls.c.person == _person, calls.c.started_at > _start, calls.c.started_at < _limit, calls.c.call_id != _me)
    .order_by(calls.c.started_at)
    .limit(1)
)
_REPEAT = (
    sa.select(_theirs.c.call_id, _theirs.c.started_at)
    .select_from(
        _mine.join(
            _theirs,
            sa.and_(
                _theirs.c.person == _person,
                _theirs.c.topic == _mine.c.topic,
                sa.or_(_theirs.c.entity == _mine.c.entity, _theirs.c.entity == "", _mine.c.entity == ""),
            ),
        )
    )
    .where(_mine.c.call_id == _me, _theirs.c.call_id != _me, _theirs.c.started_at > _start, _theirs.c.started_at < _limit)
    .order_by(_theirs.c.started_at)
    .limit(1)
)
_POINTING = sa.select(calls.c.call_id).where(calls.c.person == _person, calls.c.repeat_call_id == _me)
_ASKED_BEFORE = (
    sa.select(
        *(
            calls.c[name]
            for name in ("call_id", "intent", "entity", "agent", "queue", "started_at", "ended_at", "resolved", "survey_resolved")
        )
    )
    .where(calls.c.person.in_(sa.bindparam("people", type_=sa.Text, expanding=True)))
    .where(calls.c.is_contact == 1, calls.c.asked == 1, calls.c.started_at >= _limit, calls.c.started_at < _start)
    .order_by(calls.c.started_at.desc())
    .limit(1)
)
# Seconds from their end to this start; whoever has a nearer repeat and return already is not concerned.
_distance = sa.cast(_start, sa.BigInteger) - sa.cast(calls.c.ended_at, sa.BigInteger)
_EARLIER = (
    sa.select(calls.c.call_id)
    .where(_contact, calls.c.person == _person, calls.c.started_at < _start, calls.c.ended_at > _limit, calls.c.call_id != _me)
    .where(
        sa.or_(
            calls.c.return_seconds.is_(None),
            calls.c.repeat_seconds.is_(None),
            calls.c.return_seconds * 1_000_000 >= _distance,
            calls.c.repeat_seconds * 1_000_000 >= _distance,
            calls.c.repeat_call_id == _me,
        )
    )
    .order_by(calls.c.started_at.desc())
    .limit(50)
)


def links(connection: sa.Connection, me: Mapping[str, Any]) -> dict[str, Any]:
    """A contact's own repeat and return, by looking forward from its end: the columns to set. `me` is its row."""
    found: dict[str, Any] = {"repeat_seconds": None, "repeat_call_id": None, "return_seconds": None}
    ended_at = me["ended_at"]
    if not me["person"] or not me["is_contact"] or me["direction"] != "inbound" or ended_at is None:
        return found
    given = {"me": me["call_id"], "person": me["person"], "start": me["started_at"], "limit": ended_at + _LONGEST}
    following = connection.scalar(_FOLLOWING, given)
    if following is None:
        return found  # nobody called again, about anything
    found["return_seconds"] = gap(ended_at, following)
    repeat = connection.execute(_REPEAT, given).first()
    if repeat is not None:
        found.update(repeat_seconds=gap(ended_at, repeat.started_at), repeat_call_id=repeat.call_id)
    return found


def earlier(connection: sa.Connection, call_id: str, person: str | None, started_at: datetime) -> list[str]:
    """Contacts whose repeat or return a contact of `person` at `started_at` may be; nobody's where there is no person."""
    if person is None:
        return []
    return sorted(
        connection.scalars(_EARLIER, {"me": call_id, "person": person, "start": started_at, "limit": started_at - _LONGEST})
    )


def pointing(connection: sa.Connection, call_id: str, person: str | None) -> list[str]:
    """Contacts of `person` whose repeat this call has been until now: it turned out to be somebody else's."""
    return sorted(connection.scalars(_POINTING, {"me": call_id, "person": person})) if person else []


def gap(end: datetime, start: datetime) -> float:
    """Seconds from the end of a contact to the start of the next; 0 where the two overlap."""
    return max(0.0, (start - end).total_seconds())


@dataclass(frozen=True)
class Repeat:
    """The contact that a caller is likely calling back about: fields of the fact `caller.repeat`."""

    call_id: str
    intent: str | None
    entity: str | None
    agent: str | None
    queue: str | None
    hours_ago: float
    unresolved: bool


def repeat_of(
    store: Store, customer_id: str | None, number: str | None, now: datetime, window: timedelta | None = None
) -> Repeat | None:
    """The same person's last contact inside `window` (default: FCR's) that asked for something, while this call is still arriving.

    Give `number` only where it tells a person (not withheld, not shared). None where they did not call lately.
    """
    people = _people(customer_id, number, store.rules.shared_numbers)
    if not people:
        return None
    since = now - (window or timedelta(seconds=store.rules.window_seconds))
    with store.reading() as connection:
        row = connection.execute(_ASKED_BEFORE, {"people": people, "limit": since, "start": now}).first()
    if row is None:
        return None
    hours = ((now - (row.ended_at or row.started_at)).total_seconds()) / 3600
    unresolved = row.resolved is False or row.survey_resolved is False
    return Repeat(row.call_id, row.intent, row.entity, row.agent, row.queue, round(max(0.0, hours), 2), unresolved)


def _people(customer_id: str | None, number: str | None, shared: Iterable[str]) -> list[str]:
    return ([f"customer:{customer_id}"] if customer_id else []) + (
        [f"number:{number}"] if number and number not in set(shared) else []
    )
