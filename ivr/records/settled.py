"""Up to when is everything told? What an incremental pull may rely on while calls are being recorded.

A row carries the time at which its transaction wrote it, which is before others can see it. A pull that took the present as its
next starting point would lose what was being written meanwhile.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from ivr.records.database import WRITERS
from ivr.records.store import Store
from ivr.records.tables import calls

_CLOCKS_DIFFER = timedelta(seconds=2)  # of the machines that write
_OLDEST_WRITER = sa.text(
    "SELECT coalesce(max(extract(epoch FROM clock_timestamp() - a.xact_start)), 0) FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
    f" WHERE l.locktype = 'advisory' AND l.classid = 0 AND l.objid = {WRITERS}"
)


def settled(store: Store, connection: sa.Connection) -> datetime:
    """Every change from before this instant is in what `connection` reads from now on; ask before reading.

    PostgreSQL: as old as the oldest transaction that writes (each holds a lock that tells so), and a little older. SQLite has one
    writer at a time, which takes the time within its turn: nobody still writing is older than the latest change that can be seen.
    """
    if store.dialect == "postgresql":
        seconds = float(connection.scalar(_OLDEST_WRITER) or 0)
        return store.clock() - timedelta(seconds=seconds) - _CLOCKS_DIFFER
    latest: datetime | None = connection.scalar(sa.select(sa.func.max(calls.c.updated_at)))
    return latest if latest is not None else store.clock() - timedelta(days=1)
