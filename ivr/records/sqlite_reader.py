"""Reads rows of an SQLite file as Arrow, in a process of its own: `python -m ivr.records.sqlite_reader`, started by `ivr.records.bulk`.

The driver that turns rows into Arrow brings its own copy of SQLite. Two copies in one process take away each other's file locks (POSIX
locks belong to the process), which can damage the file; in a process of its own it is just another reader.

Standard input: one JSON object with `path`, `sql`, `parameters`, `place` (where the last row's key goes in `parameters`), `key` (the
two columns of that key), `chunk` (rows of one statement) and `columns` (name to "text", "integer" or "real"). Standard output: an Arrow
IPC stream, one batch a chunk. No statement stays open while the reader of the stream is slow.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import adbc_driver_sqlite.dbapi as driver
import pyarrow as pa

RAW_TYPES = {"text": pa.string(), "integer": pa.int64(), "real": pa.float64()}


def raw_schema(columns: dict[str, str]) -> Any:
    """The Arrow schema of rows as the database keeps them: times in microseconds, JSON as text, flags as numbers."""
    return pa.schema([(name, RAW_TYPES[kind]) for name, kind in columns.items()])


def read(wanted: dict[str, Any], out: Any) -> None:
    """Write all rows of `wanted` to the binary file `out`, chunk by chunk."""
    schema = raw_schema(wanted["columns"])
    parameters = list(wanted["parameters"])
    address = Path(wanted["path"]).absolute().as_uri() + "?mode=ro"
    with driver.connect(address, autocommit=True) as connection, pa.ipc.new_stream(out, schema) as stream:
        while True:
            with connection.cursor() as cursor:
                # Types are guessed from the first batch; with all rows in it, a column is what its values are.
                cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": wanted["chunk"] + 1})
                cursor.execute(wanted["sql"], parameters)
                rows = cursor.fetch_arrow_table().rename_columns(schema.names).cast(schema)
            if rows.num_rows:
                stream.write_table(rows.combine_chunks())
                out.flush()
            if rows.num_rows < wanted["chunk"]:
                return
            for position, name in zip(wanted["place"], wanted["key"], strict=True):
                parameters[position] = rows[name][-1].as_py()


if __name__ == "__main__":
    read(json.load(sys.stdin), sys.stdout.buffer)
