"""Reads and labels the utterances kept for whoever teaches the intents."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ivr.records.database import REPORT_SECONDS
from ivr.records.store import Store
from ivr.records.tables import utterances


def utterances_since(store: Store, moment: datetime, most: int = 5000) -> list[dict[str, Any]]:
    """Rows said since `moment`, newest first: n, call_id, at, text, language, step, best, confidence, result, queue, label."""
    wanted = [
        utterances.c[name]
        for name in ("n", "call_id", "at", "text", "language", "step", "best", "confidence", "result", "queue", "label")
    ]
    query = (
        sa.select(*wanted).where(utterances.c.at >= moment).order_by(utterances.c.at.desc(), utterances.c.n.desc()).limit(most)
    )
    with store.reading(REPORT_SECONDS) as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def label_utterances(store: Store, numbers: Sequence[int], label: str, by: str, at: datetime) -> int:
    """Note what a person says these mean ("-": dismissed); returns how many rows there were."""
    if not numbers:
        return 0
    change = sa.update(utterances).where(utterances.c.n.in_(list(numbers))).values(label=label, labelled_by=by, labelled_at=at)
    with store.writing(REPORT_SECONDS) as connection:
        return int(connection.execute(change).rowcount)


def taught_by(connection: sa.Connection, call_ids: Sequence[str]) -> list[str]:
    """What was said in these calls and then taken over as an example of an intent."""
    said = sa.select(utterances.c.text).where(utterances.c.call_id.in_(list(call_ids)), utterances.c.label.not_in(("", "-")))
    return sorted(set(connection.scalars(said)))
