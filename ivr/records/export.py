"""Records in bulk: CSV, NDJSON and Parquet, streamed chunk by chunk at constant memory."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ivr.records.query import CallQuery, stream_calls, stream_raw
from ivr.records.rows import FLAT_FIELDS, csv_cell, mask_number, public_row
from ivr.records.store import Store


@dataclass(frozen=True)
class Format:
    """A form of bulk export."""

    media: str
    title: str


FORMATS = {
    "csv": Format("text/csv", "CSV, UTF-8, every text safe to open in a spreadsheet"),
    "ndjson": Format("application/x-ndjson", "one JSON object a line, legs and queue stays included"),
    "parquet": Format("application/vnd.apache.parquet", "Parquet, one row a call"),
}
_PARQUET_ROWS = 20_000
_TIMES = frozenset({"started_at", "queued_at", "answered_at", "ended_at", "fcr_decided_at", "updated_at"})
_FLOATS = frozenset(name for name in FLAT_FIELDS if name.endswith("_seconds"))
_BOOLS = frozenset({"resolved", "fcr", "wrap_up_pending", "corrected"})


def _arrow_type(name: str) -> Any:
    if name in _TIMES:
        return pa.timestamp("us", tz="UTC")
    if name in _FLOATS:
        return pa.float64()
    if name in _BOOLS:
        return pa.bool_()
    if name == "intents":
        return pa.list_(pa.string())
    return pa.int32() if name == "transfers" else pa.string()


SCHEMA = pa.schema([(name, _arrow_type(name)) for name in FLAT_FIELDS])


def stream(store: Store, query: CallQuery, form: str, *, masked: bool) -> Iterator[bytes]:
    """The whole answer to `query` as bytes of one of FORMATS."""
    if form == "csv":
        return _csv(store, query, masked)
    if form == "ndjson":
        return _ndjson(store, query, masked)
    return _parquet(store, query, masked)


def _csv(store: Store, query: CallQuery, masked: bool) -> Iterator[bytes]:
    def lines(rows: Sequence[Sequence[str]]) -> bytes:
        text = io.StringIO()
        csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerows(rows)
        return text.getvalue().encode()

    yield lines([FLAT_FIELDS])
    for chunk in stream_calls(store, query):
        shown = (public_row(row, masked=masked) for row in chunk)
        yield lines([[csv_cell(row[name]) for name in FLAT_FIELDS] for row in shown])


def _ndjson(store: Store, query: CallQuery, masked: bool) -> Iterator[bytes]:
    for chunk in stream_calls(store, query, parts=True):
        yield "".join(
            json.dumps(public_row(row, masked=masked), ensure_ascii=False, separators=(",", ":")) + "\n" for row in chunk
        ).encode()


class _Sink(io.RawIOBase):
    """A file that gives away what was written to it."""

    def __init__(self) -> None:
        self.written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, block: Any) -> int:
        self.written += block
        return len(block)

    def take(self) -> bytes:
        taken = bytes(self.written)
        self.written.clear()
        return taken


def _parquet(store: Store, query: CallQuery, masked: bool) -> Iterator[bytes]:
    sink = _Sink()
    writer = pq.ParquetWriter(pa.PythonFile(sink, mode="w"), SCHEMA, compression="zstd")
    intents: dict[str, list[str]] = {}
    for rows in stream_raw(store, query, FLAT_FIELDS, chunk=_PARQUET_ROWS):
        columns = zip(*rows, strict=True)
        writer.write_table(
            pa.table(
                [_column(name, values, masked, intents) for name, values in zip(FLAT_FIELDS, columns, strict=True)], schema=SCHEMA
            )
        )
        yield sink.take()
    writer.close()
    yield sink.take()


def _column(name: str, values: Sequence[Any], masked: bool, intents: dict[str, list[str]]) -> Any:
    """A whole column as Arrow: a row at a time would be thirty times slower. `intents` remembers the few lists there are."""
    if masked and name in ("from_number", "to_number"):
        values = [mask_number(value) for value in values]
    elif masked and name == "customer_name":
        values = ["…" if value else value for value in values]
    if name == "intents":
        for text in set(values) - intents.keys():
            intents[text] = json.loads(text)
        return pa.array([intents[text] for text in values], type=SCHEMA.field(name).type)
    if name in _TIMES:
        return pa.array(values, type=pa.int64()).cast(SCHEMA.field(name).type)
    if name in _BOOLS:
        return pa.array(values).cast(pa.bool_())
    return pa.array(values, type=SCHEMA.field(name).type)
