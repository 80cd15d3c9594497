"""Do the figures hold? A sample of records computed again from their journals and compared, and stays that nobody can explain."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ivr.errors import RecordError
from ivr.records import corrections
from ivr.records.compute import compute_record
from ivr.records.database import REPORT_SECONDS
from ivr.records.rows import plain
from ivr.records.saving import record_row
from ivr.records.store import Store, read_notes
from ivr.records.tables import calls, events, visits


@dataclass(frozen=True)
class Difference:
    """A field of a stored record that its journal does not give."""

    call_id: str
    field: str
    stored: Any
    computed: Any


@dataclass(frozen=True)
class Check:
    """What was looked at, and what did not agree. `unexplained`: calls with a stay in a queue whose end is unknown."""

    checked: int
    differences: tuple[Difference, ...]
    unexplained: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """True where everything agrees."""
        return not self.differences and not self.unexplained


def check_calls(store: Store, start: datetime, end: datetime, *, sample: int = 1000, seed: int = 1) -> Check:
    """Recompute up to `sample` calls that started in [start, end), chosen by `seed`, and compare with what is stored."""
    within = sa.and_(calls.c.started_at >= start, calls.c.started_at < end)
    with store.reading(REPORT_SECONDS) as connection:
        with_journal = sa.exists().where(events.c.call_id == calls.c.call_id)
        found = list(
            connection.scalars(
                sa.select(calls.c.call_id).where(within, calls.c.imported == 0, with_journal).order_by(calls.c.call_id)
            )
        )
        unknown = (
            sa.select(visits.c.call_id)
            .where(visits.c.queued_at >= start, visits.c.queued_at < end, visits.c.result == "unknown")
            .distinct()
            .limit(1000)
        )
        unexplained = tuple(connection.scalars(unknown))
    chosen = found if len(found) <= sample else sorted(random.Random(seed).sample(found, sample))
    differences: list[Difference] = []
    for call_id in chosen:
        with store.reading(REPORT_SECONDS) as connection:
            stored = connection.execute(sa.select(calls).where(calls.c.call_id == call_id)).mappings().one()
            notes = read_notes(connection, call_id)
            corrected = corrections.overlay(connection, call_id)
        try:
            computed = {**record_row(compute_record(notes, store.rules)), **corrected}
        except RecordError as error:
            differences.append(Difference(call_id, "journal", "", str(error)))
            continue
        for name, value in computed.items():
            # The team is that of the time of the call; today's may be another.
            if name != "team" and plain(stored[name]) != plain(value):
                differences.append(Difference(call_id, name, plain(stored[name]), plain(value)))
    return Check(len(chosen), tuple(differences), unexplained)
