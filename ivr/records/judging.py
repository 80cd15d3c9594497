"""Repeats and verdicts of many people at once: what `ivr.records.saving.settle` does call by call, for whole histories."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ivr.records.fcr import exclusion, judge
from ivr.records.record import LONGEST_CALL_SECONDS, LONGEST_SECONDS
from ivr.records.repeats import gap
from ivr.records.rollup_tables import mark_dirty
from ivr.records.saving import settle
from ivr.records.store import Store
from ivr.records.tables import calls, issues

_LONGEST = timedelta(seconds=LONGEST_SECONDS)
_LONGEST_CALL = timedelta(seconds=LONGEST_CALL_SECONDS, days=1)
_SETTLED = ("fcr", "fcr_state", "fcr_excluded", "fcr_decided_at", "repeat_seconds", "repeat_call_id", "return_seconds")
_READ = (
    "call_id", "contact_id", "person", "from_number", "direction", "is_contact", "started_at", "ended_at", "outcome", "contact_handled", "resolved",
    "survey_resolved", "asked", "corrected", *_SETTLED,
)  # fmt: skip


@dataclass
class _Person:
    """Contacts of one person by their start, and what they were about."""

    contacts: list[Any] = field(default_factory=list)
    issues: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))  # call -> (topic, entity)
    by_topic: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))  # ascending by start


def judge_people(
    store: Store, connection: sa.Connection, people: Sequence[str], first: datetime, last: datetime, now: datetime
) -> None:
    """Look for repeats among these people's contacts that may have changed by calls between `first` (earliest start) and `last` (latest
    end), judge those contacts again and mark what changed for the rollups."""
    since, until = first - _LONGEST - _LONGEST_CALL, last + _LONGEST
    found: dict[str, _Person] = defaultdict(_Person)
    of_people = sa.and_(calls.c.person.in_(people), calls.c.started_at > since, calls.c.started_at < until)
    chosen = sa.select(*(calls.c[name] for name in _READ)).where(
        of_people, calls.c.is_contact == 1, calls.c.direction == "inbound"
    )
    for row in connection.execute(chosen.order_by(calls.c.person, calls.c.started_at)):
        found[row.person].contacts.append(row)
    alone = [person for person, known in found.items() if len(known.contacts) == 1]
    several = [person for person in found if person not in set(alone)]
    about = sa.and_(issues.c.person.in_(several), issues.c.started_at > since, issues.c.started_at < until)
    for issue in connection.execute(sa.select(issues).where(about).order_by(issues.c.person, issues.c.started_at)):
        found[issue.person].issues[issue.call_id].append((issue.topic, issue.entity))
        found[issue.person].by_topic[issue.topic].append(issue)
    changes, marked = [], []
    for known in found.values():
        starts = [contact.started_at for contact in known.contacts]
        for place, contact in enumerate(known.contacts):
            if contact.corrected:
                settle(store, connection, contact.call_id, contact.contact_id, now)
                continue
            values = _verdict(store, contact, _links(known, starts, place), now)
            if any(values[name] != getattr(contact, name) for name in _SETTLED):
                changes.append({"of": contact.call_id, **values, "updated_at": store.clock()})
                marked.append(contact.started_at)
    if changes:
        change = calls.update().where(calls.c.call_id == sa.bindparam("of"))
        connection.execute(change.values({name: sa.bindparam(name) for name in (*_SETTLED, "updated_at")}), changes)
        mark_dirty(connection, marked)


def _links(known: _Person, starts: Sequence[datetime], place: int) -> dict[str, Any]:
    """As `ivr.records.repeats.links` finds them in SQL."""
    me = known.contacts[place]
    links: dict[str, Any] = {"repeat_seconds": None, "repeat_call_id": None, "return_seconds": None}
    following = bisect_right(starts, me.started_at)
    if me.ended_at is None or following == len(starts) or starts[following] >= me.ended_at + _LONGEST:
        return links
    links["return_seconds"] = gap(me.ended_at, starts[following])
    repeat = None
    for topic, entity in known.issues.get(me.call_id, ()):
        theirs = known.by_topic[topic]
        for issue in theirs[bisect_right(theirs, me.started_at, key=lambda issue: issue.started_at) :]:
            if issue.started_at >= me.ended_at + _LONGEST or (repeat is not None and issue.started_at >= repeat.started_at):
                break
            if entity == issue.entity or not entity or not issue.entity:
                repeat = issue
                break
    if repeat is not None:
        links.update(repeat_seconds=gap(me.ended_at, repeat.started_at), repeat_call_id=repeat.call_id)
    return links


def _verdict(store: Store, contact: Any, links: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    row = {**contact._mapping, **links}
    verdict = judge(row, exclusion(row, store.rules.shared_numbers), now, store.rules.window_seconds)
    decided = {"fcr": verdict.fcr, "fcr_state": verdict.state, "fcr_excluded": verdict.excluded}
    return {**links, **decided, "fcr_decided_at": verdict.decided_at}
