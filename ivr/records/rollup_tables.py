"""The rollups' table, and which half-hours of it have to be computed again.

A row holds the sums of every measure over one half-hour (of UTC) and one value of one dimension, e.g. queue "general", or of two
dimensions crossed, e.g. "queue,agent"; dimension "" holds everything. Sums of contacts and legs count where their call started, stays in queues where they began.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from ivr.records.columns import Instant, to_micros
from ivr.records.database import insert_into
from ivr.records.measures import MEASURES, SPREADS
from ivr.records.tables import metadata, rollup_dirty

HALF_HOUR_MICROS = 1800 * 1_000_000
ROLLED = ("queue", "agent", "intent", "flow", "revision", "language")
# Crossings that reports ask for every day. One more costs nearly a row per call; the others are summed from the calls themselves.
CROSSED = (("queue", "agent"), ("queue", "intent"), ("queue", "language"), ("intent", "revision"))

rollups = sa.Table(
    "rollups",
    metadata,
    sa.Column("dimension", sa.Text, primary_key=True),
    sa.Column("half_hour", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("key2", sa.Text, primary_key=True, server_default=""),  # of the second dimension, where two are crossed
    sa.Column("last_ended", Instant),
    *(sa.Column(name, sa.Float(53), nullable=False, server_default="0") for name in MEASURES),
    *(sa.Column(f"spread_{name}", sa.LargeBinary) for name in SPREADS),
    sa.Index(None, "half_hour"),
)


def half_hour_of(at: datetime) -> int:
    """The half-hour since 1970 UTC that `at` lies in."""
    return to_micros(at) // HALF_HOUR_MICROS


def mark_dirty(connection: sa.Connection, times: Iterable[datetime]) -> None:
    """Note that calls which started, or stays which began, at `times` have changed."""
    half_hours = sorted({half_hour_of(at) for at in times})
    if half_hours:
        again = insert_into(connection, rollup_dirty).on_conflict_do_update(
            index_elements=["half_hour"], set_={"marks": rollup_dirty.c.marks + 1}
        )
        connection.execute(again, [{"half_hour": h} for h in half_hours])
