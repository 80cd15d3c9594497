"""Bulk exports: the same rows whichever way they are read, and the same bytes every time."""

from __future__ import annotations

import csv
import io
import random
import sqlite3
from contextlib import closing
from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ivr.records.bulk import read_tables
from ivr.records.export import _cells, stream
from ivr.records.query import CallQuery, list_calls, read_call_query
from ivr.records.rows import FLAT_FIELDS, csv_cell, public_row
from ivr.records.store import Store
from ivr.records.tables import calls
from tests.records.conftest import NOW, MakeStore
from tests.records.journals import abandoned, answered

HOSTILE = [
    'He said "no", then left',
    "=cmd|' /C calc'!A0",
    "two\r\nlines",
    "",
    "\\N",
    "NULL",
    "a,b;c\td",
    "Zoë 漢字 \u202e",
    "'",
    "%s %(x)s $1",
]


@pytest.fixture
def many(make_store: MakeStore) -> Store:
    """23 calls whose texts try to break out of their cells."""
    store = make_store()
    for n in range(20):
        answered(
            store,
            f"A{n:02d}",
            NOW + timedelta(minutes=n, microseconds=n % 3),
            talk=60 + n / 8,
            queue=("general", "billing")[n % 2],
        )
    for n in range(3):
        abandoned(store, f"B{n}", NOW + timedelta(minutes=30 + n), wait=30, number=None)
    with store.writing() as connection:
        for n, text in enumerate(HOSTILE):
            values = {"customer_name": text, "entity": text, "disposition": text or None, "survey": {"csat": {"answer": text}}}
            connection.execute(calls.update().where(calls.c.call_id == f"A{n:02d}"), values)
        connection.execute(calls.update().where(calls.c.call_id == "A03"), {"talk_seconds": 0.1 + 0.2, "repeat_seconds": 1 / 3})
    return store


def _bytes(
    store: Store, form: str, query: CallQuery | None = None, *, masked: bool = False, first: int = 4, chunk: int = 7
) -> bytes:
    return b"".join(stream(store, query or read_call_query({}), form, masked=masked, first=first, chunk=chunk))


@pytest.mark.parametrize("masked", [False, True])
def test_every_way_of_reading_gives_the_rows_of_the_pages(many: Store, masked: bool) -> None:
    rows = [public_row(row, masked=masked) for row in list_calls(many, read_call_query({"limit": ["500"]})).rows]
    for first, chunk in ((4, 7), (23, 7), (100, 7), (1, 1)):
        table = pq.read_table(io.BytesIO(_bytes(many, "parquet", masked=masked, first=first, chunk=chunk))).to_pylist()
        assert [row["call_id"] for row in table] == [row["call_id"] for row in rows]
        for found, wanted in zip(table, rows, strict=True):
            for name in (
                "from_number",
                "customer_name",
                "entity",
                "disposition",
                "intents",
                "talk_seconds",
                "repeat_seconds",
                "fcr",
                "corrected",
            ):
                assert found[name] == wanted[name], name
            assert found["started_at"].isoformat().replace("+00:00", "Z") == wanted["started_at"]
        cells = list(
            csv.DictReader(io.StringIO(_bytes(many, "csv", masked=masked, first=first, chunk=chunk).decode(), newline=""))
        )
        assert cells == [{name: csv_cell(row[name]) for name in FLAT_FIELDS} for row in rows]


def test_a_pull_again_gives_the_same_bytes(many: Store) -> None:
    month = read_call_query({"from": ["2026-03-01"], "to": ["2026-04-01"]})
    for form in ("parquet", "csv", "ndjson"):
        assert _bytes(many, form, month) == _bytes(many, form, month)
    nothing = read_call_query({"from": ["2026-05-01"], "to": ["2026-06-01"]})
    assert pq.read_table(io.BytesIO(_bytes(many, "parquet", nothing))).num_rows == 0
    assert _bytes(many, "csv", nothing).count(b"\r\n") == 1


def test_filters_and_increments_go_with_every_chunk(many: Store) -> None:
    for asked in (
        {"queue": ["billing"], "agent": ["ana"], "updated_since": ["2026-03-01"]},
        {"outcome": ["answered", "self_served"], "counted_in": ["aht_contact"]},
        {"disposition": HOSTILE[:2], "fcr": ["false", "null"]},
        {"caller": ["+447700900001"], "queued_from": ["2026-03-02T12:03:00Z"]},
    ):
        query = read_call_query(asked)
        many.clock = lambda: NOW + timedelta(days=1)
        listed = [row["call_id"] for row in list_calls(many, read_call_query({**asked, "limit": ["500"]})).rows]
        read = [
            call for table in read_tables(many, query, FLAT_FIELDS, first=2, chunk=3) for call in table["call_id"].to_pylist()
        ]
        assert read == listed
        assert read


def test_an_export_given_up_leaves_no_reader_behind(sqlite_store: MakeStore) -> None:
    store = sqlite_store()
    for n in range(6):
        answered(store, f"A{n}", NOW + timedelta(minutes=n))
    tables = read_tables(store, read_call_query({}), FLAT_FIELDS, first=1, chunk=1)
    assert [next(tables)["call_id"].to_pylist(), next(tables)["call_id"].to_pylist()] == [["A0"], ["A1"]]
    tables.close()  # type: ignore[attr-defined]
    store.engine.dispose()
    with closing(sqlite3.connect(str(store.engine.url.database), timeout=0)) as alone:
        alone.execute("PRAGMA locking_mode = EXCLUSIVE")
        alone.execute("VACUUM")  # refused while anybody reads


def test_whole_columns_are_written_as_single_cells_are() -> None:
    chance = random.Random(11)
    letters = "=+-@\t\r\n＝＋－＠ \x0b\x1c\x1f\x85\xa0\u3000\u2028ab\"'\x00,"
    texts = ["".join(chance.choices(letters, k=chance.randrange(6))) for _ in range(20_000)]
    assert _cells("disposition", pa.chunked_array([texts])).to_pylist() == [csv_cell(text).replace('"', '""') for text in texts]
    numbers = [
        0.0,
        5.0,
        1 / 3,
        0.001,
        1e-5,
        86399.9995,
        0.1 + 0.2,
        *(chance.random() * 10 ** chance.randrange(7) for _ in range(20_000)),
    ]
    assert _cells("queue_seconds", pa.chunked_array([numbers])).to_pylist() == [csv_cell(number) for number in numbers]
