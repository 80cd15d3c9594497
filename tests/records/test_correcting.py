"""What a supervisor corrects stands on a journal: without one, nothing could be taken back."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from ivr.errors import RecordError
from ivr.records import corrections
from ivr.records.importing import import_calls
from ivr.records.retention import erase_caller
from tests.records.conftest import NOW, MakeStore
from tests.records.journals import answered


def test_a_record_without_its_journal_is_not_corrected_and_nothing_is_kept_of_the_try(sqlite_store: MakeStore) -> None:
    store = sqlite_store()
    row = {"call_id": "IMPORTED", "started_at": "2026-03-01T10:00:00Z", "outcome": "answered", "agent": "ana"}
    import_calls(store, json.dumps(row), "ndjson", NOW)
    answered(store, "ERASED", NOW - timedelta(hours=1), number="+447700900777")
    erase_caller(store, "+447700900777", NOW, "sam")
    for call_id in ("IMPORTED", "ERASED"):
        with pytest.raises(RecordError, match="has no journal"):
            corrections.correct(store, call_id, "resolved", False, reason="heard it", by="sam", now=NOW)
        with store.reading() as connection:
            assert corrections.history(connection, call_id) == []
