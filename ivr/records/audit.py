"""Who did what, when and from where: rows that are only ever added, each sealed with the one before it."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ivr.records.columns import to_micros
from ivr.records.store import Store
from ivr.records.tables import audit


def _seal(previous: str, at: datetime, who: str, action: str, target: str | None, detail: Any, came_from: str | None) -> str:
    content = json.dumps([previous, to_micros(at), who, action, target, detail, came_from], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(content.encode()).hexdigest()


def append(
    connection: sa.Connection,
    who: str,
    action: str,
    target: str | None,
    detail: Any,
    *,
    at: datetime,
    came_from: str | None = None,
) -> None:
    """Add a row inside the transaction of what it tells of."""
    if connection.dialect.name == "postgresql":  # two writers must not seal upon the same row
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(7214532)"))
    previous = connection.scalar(sa.select(audit.c.chain).order_by(audit.c.n.desc()).limit(1)) or ""
    row = {"at": at, "who": who, "action": action, "target": target, "detail": detail, "came_from": came_from}
    connection.execute(audit.insert(), {**row, "chain": _seal(previous, at, who, action, target, detail, came_from)})


def verify(store: Store) -> int | None:
    """The number of the first row that was changed, or follows one that was taken out; None where all is whole."""
    previous = ""
    with store.reading(60) as connection:
        for row in connection.execute(sa.select(audit).order_by(audit.c.n)):
            if row.chain != _seal(previous, row.at, row.who, row.action, row.target, row.detail, row.came_from):
                return int(row.n)
            previous = row.chain
    return None


def entries(store: Store, *, limit: int = 200) -> list[dict[str, Any]]:
    """The newest rows first."""
    with store.reading() as connection:
        return [dict(row) for row in connection.execute(sa.select(audit).order_by(audit.c.n.desc()).limit(limit)).mappings()]
