"""Records in bulk: CSV, NDJSON and Parquet, streamed chunk by chunk at constant memory."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ivr.records.bulk import CHUNK_ROWS, FIRST_ROWS, read_tables
from ivr.records.query import CallQuery, stream_calls
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


_CSV_ROWS = 10_000  # made at once: every cell is a text of its own meanwhile

# As `csv_cell`: a text that starts like a formula, or does so behind what Python takes for white space.
_FORMULA = r"^[=+\-@\t\r\n＝＋－＠]|^[\s\x0b\x1c-\x1f\x{85}\pZ]+[=+\-@＝＋－＠]"
SCHEMA = pa.schema([(name, _arrow_type(name)) for name in FLAT_FIELDS])


def stream(
    store: Store, query: CallQuery, form: str, *, masked: bool, first: int = FIRST_ROWS, chunk: int = CHUNK_ROWS
) -> Iterator[bytes]:
    """The whole answer to `query` as bytes of one of FORMATS. `first`, `chunk`: rows read at once (see read_tables)."""
    if form == "ndjson":
        return _ndjson(store, query, masked)
    tables = (_masked(table) if masked else table for table in read_tables(store, query, FLAT_FIELDS, first=first, chunk=chunk))
    return _csv(tables) if form == "csv" else _parquet(tables)


def _masked(table: Any) -> Any:
    """The rows for readers who may not see numbers and names."""
    for name, mask in (("from_number", mask_number), ("to_number", mask_number), ("customer_name", lambda name: name and "…")):
        table = table.set_column(table.schema.get_field_index(name), name, _each_value(table[name], mask))
    return table


def _each_value(column: Any, change: Callable[[Any], str | None], kind: Any = None) -> Any:
    """`change` of every value of a column, called once for each different one; what it gives for None stands for NULL."""
    encoded = pc.dictionary_encode(column.combine_chunks(), null_encoding="encode")
    changed = pa.array([change(value) for value in encoded.dictionary.to_pylist()], type=kind or pa.string())
    return changed.take(encoded.indices)


def _csv(tables: Iterator[Any]) -> Iterator[bytes]:
    yield (",".join(f'"{name}"' for name in FLAT_FIELDS) + "\r\n").encode()
    for rows in (table.slice(first, _CSV_ROWS) for table in tables for first in range(0, table.num_rows, _CSV_ROWS)):
        cells = [_cells(name, rows[name]) for name in FLAT_FIELDS]
        lines = pc.binary_join_element_wise('"', pc.binary_join_element_wise(*cells, '","'), '"\r\n', "")
        joined: bytes = pc.binary_join(pa.ListArray.from_arrays([0, len(lines)], lines), "")[0].as_buffer().to_pybytes()
        yield joined


def _cells(name: str, column: Any) -> Any:
    """A column as what stands between the quotes of its cells."""
    if name in _TIMES:
        shown = pc.replace_substring(column.combine_chunks().cast(pa.timestamp("us")).cast(pa.string()), " ", "T")
        return pc.fill_null(pc.binary_join_element_wise(pc.replace_substring(shown, ".000000", ""), "Z", ""), "")
    if name in _BOOLS:
        return _each_value(column, lambda value: csv_cell(None if value is None else bool(value)))
    if name in _FLOATS:
        return pc.fill_null(pc.round(column.combine_chunks(), 3).cast(pa.string()), "")
    if SCHEMA.field(name).type == pa.int32():
        return _each_value(column, csv_cell)
    return _text_cells(column.combine_chunks())


def _text_cells(texts: Any) -> Any:
    """What `csv_cell` makes of texts, of all at once: numbers of calls are different on every row."""
    encoded = pc.dictionary_encode(pc.fill_null(texts, ""))
    texts = pc.replace_substring(encoded.dictionary, "\x00", "")
    risky = pc.match_substring_regex(texts, _FORMULA)
    marked = pc.if_else(risky, pc.binary_join_element_wise("'", texts, ""), texts)
    return pc.replace_substring(marked, '"', '""').take(encoded.indices)


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


def _parquet(tables: Iterator[Any]) -> Iterator[bytes]:
    sink = _Sink()
    # What is different on nearly every row would only fill a dictionary and be written again without it.
    repeated = [name for name in FLAT_FIELDS if name not in _TIMES | _FLOATS | {"call_id", "contact_id", "repeat_call_id"}]
    writer = pq.ParquetWriter(
        pa.PythonFile(sink, mode="w"), SCHEMA, compression="zstd", compression_level=1, use_dictionary=repeated
    )
    for table in tables:
        writer.write_table(pa.table([_column(name, table[name]) for name in FLAT_FIELDS], schema=SCHEMA))
        yield sink.take()
    writer.close()
    yield sink.take()


def _column(name: str, column: Any) -> Any:
    """A whole column in the type that readers get."""
    if name == "intents":
        return _each_value(column, json.loads, SCHEMA.field(name).type)
    return column.cast(SCHEMA.field(name).type)
