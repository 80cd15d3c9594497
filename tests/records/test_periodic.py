"""The clock's part of reporting, as far as it stands on records alone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import sqlalchemy as sa

from ivr.jobs.figures import keep_rollups
from ivr.jobs.wiring import Line
from ivr.records.rollup_tables import rollups
from tests.records.conftest import NOW, MakeStore
from tests.records.journals import answered


def test_rollups_are_kept_by_the_clock(sqlite_store: MakeStore) -> None:
    store = sqlite_store()
    answered(store, "A", NOW)
    keep_rollups(cast(Line, SimpleNamespace(store=store)))
    with store.reading() as connection:
        assert connection.scalar(sa.select(rollups.c.contacts).where(rollups.c.dimension == "queue")) == 1
