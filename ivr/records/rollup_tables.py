"""Which half-hours of the rollups have to be computed again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from ivr.records.columns import to_micros
from ivr.records.tables import rollup_dirty

HALF_HOUR_MICROS = 1800 * 1_000_000


def half_hour_of(at: datetime) -> int:
    """The half-hour since 1970 UTC that `at` lies in."""
    return to_micros(at) // HALF_HOUR_MICROS


def mark_dirty(connection: sa.Connection, times: Iterable[datetime]) -> None:
    """Note that calls which started at `times` have changed."""
    half_hours = sorted({half_hour_of(at) for at in times})
    if half_hours:
        insert = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(rollup_dirty)
        connection.execute(insert.on_conflict_do_nothing(), [{"half_hour": h} for h in half_hours])
