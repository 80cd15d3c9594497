"""Many rows of `calls` at once as Arrow tables: what columnar exports are made of, without a Python object per value.

PostgreSQL gives the rows as COPY's CSV, which Arrow parses (numbers are written so that they read back exactly). SQLite's first
rows are read here, so that a small export starts at once; the rest come from `ivr.records.sqlite_reader`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from threading import Timer
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import sqlalchemy as sa

from ivr.errors import StoreUnavailable
from ivr.records.columns import Document, Instant, to_micros
from ivr.records.database import REPORT_SECONDS, TooSlow
from ivr.records.query import CallQuery, call_statement, up_to_now
from ivr.records.sqlite_reader import raw_schema
from ivr.records.store import Store
from ivr.records.tables import calls

FIRST_ROWS = 5_000
CHUNK_ROWS = 50_000
_INTEGERS = (Instant, sa.Boolean, sa.Integer, sa.SmallInteger)


def read_tables(
    store: Store, query: CallQuery, names: Sequence[str], *, first: int = FIRST_ROWS, chunk: int = CHUNK_ROWS
) -> Iterator[Any]:
    """Arrow tables of the columns `names` (which must hold call_id, started_at and updated_at), in the query's order.

    Texts are strings, times whole microseconds, JSON its text, flags and booleans 0 and 1. Memory stays at a few chunks and no
    transaction is open between two tables. Raises TooSlow, StoreUnavailable.
    """
    columns: dict[str, str] = {}
    for name in names:
        kind = calls.c[name].type
        columns[name] = "integer" if isinstance(kind, _INTEGERS) else "real" if isinstance(kind, sa.Float) else "text"
    query = up_to_now(store, query)
    key = "updated_at" if query.updated_since is not None else "started_at"
    pages = (
        _copied(store, query, columns, key, first, chunk)
        if store.dialect == "postgresql"
        else _read(store, query, columns, key, first, chunk)
    )
    yield from _read_ahead(pages)


def _read_ahead(pages: Generator[Any, None, None]) -> Iterator[Any]:
    """The same tables, each read while the one before it is being written: database and writer work side by side."""
    try:
        with ThreadPoolExecutor(1) as reader:
            coming = reader.submit(next, pages, None)
            while (table := coming.result()) is not None:
                coming = reader.submit(next, pages, None)
                yield table
    finally:
        pages.close()


def _statement(store: Store, query: CallQuery, names: Sequence[str], limit: int) -> sa.Select[Any]:
    """The rows as the database keeps them: no type of ours converts anything."""
    kept = {Instant: sa.BigInteger, Document: sa.Text, sa.Boolean: sa.Integer}
    columns: list[Any] = []
    for name in names:
        kind = type(calls.c[name].type)
        plain: Any = sa.type_coerce(calls.c[name], kept.get(kind, kind))
        # PostgreSQL's own booleans as numbers: the same bytes come from both engines.
        columns.append((sa.cast(calls.c[name], sa.Integer) if kind is sa.Boolean else plain).label(name))
    return call_statement(store, query, limit, columns)


def _after(query: CallQuery, table: Any, key: str) -> CallQuery:
    """The query from behind the last row of `table`."""
    return replace(query, cursor=(table[key][-1].as_py(), table["call_id"][-1].as_py()))


def _compiled(store: Store, statement: sa.Select[Any]) -> tuple[str, dict[str, Any], list[str]]:
    """SQL text, its parameters as the database takes them, and their names in order (SQLite)."""
    compiled = statement.compile(dialect=store.engine.dialect, compile_kwargs={"render_postcompile": True})
    given = {
        name: to_micros(value) if isinstance(value, datetime) else value for name, value in compiled.construct_params().items()
    }
    return str(compiled), given, list(getattr(compiled, "positiontup", None) or ())


def _copied(
    store: Store, query: CallQuery, columns: dict[str, str], key: str, first: int, chunk: int
) -> Generator[Any, None, None]:
    schema = raw_schema(columns)
    convert = pa_csv.ConvertOptions(
        column_types=schema, strings_can_be_null=True, quoted_strings_can_be_null=False, null_values=[""]
    )
    # One thread and blocks that fit the processor's cache: half the work of Arrow's own choice.
    read = pa_csv.ReadOptions(column_names=schema.names, use_threads=False, block_size=1 << 20)
    parse = pa_csv.ParseOptions(newlines_in_values=True)
    limit = first
    while True:
        text, given, _ = _compiled(store, _statement(store, query, schema.names, limit))
        with store.reading(REPORT_SECONDS) as connection:
            driver: Any = connection.connection.driver_connection
            with driver.cursor() as cursor, cursor.copy(f"COPY ({text}) TO STDOUT (FORMAT csv)", given) as rows:
                written = b"".join(rows)
        if not written:
            return
        table = pa_csv.read_csv(pa.BufferReader(written), read, parse, convert)
        yield table
        if table.num_rows < limit:
            return
        query, limit = _after(query, table, key), chunk


def _read(
    store: Store, query: CallQuery, columns: dict[str, str], key: str, first: int, chunk: int
) -> Generator[Any, None, None]:
    schema = raw_schema(columns)
    with store.reading(REPORT_SECONDS) as connection:
        result = connection.execute(_statement(store, query, schema.names, first))
        rows = list(result.cursor.fetchall()) if result.cursor is not None else []
        result.close()
    if not rows:
        return
    table = pa.table([pa.array(values, f.type) for values, f in zip(zip(*rows, strict=True), schema, strict=True)], schema=schema)
    yield table
    if table.num_rows == first:
        yield from _from_process(store, _after(query, table, key), columns, key, chunk)


def _from_process(store: Store, query: CallQuery, columns: dict[str, str], key: str, chunk: int) -> Iterator[Any]:
    text, given, order = _compiled(store, _statement(store, query, list(columns), chunk))
    wanted = {
        "path": store.engine.url.database,
        "sql": text,
        "parameters": [given[name] for name in order],
        "place": [order.index("cursor_at"), order.index("cursor_call")],
        "key": [key, "call_id"],
        "chunk": chunk,
        "columns": columns,
    }
    command = [sys.executable, "-m", "ivr.records.sqlite_reader"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
        try:
            if reader.stdin is None or reader.stdout is None:
                raise StoreUnavailable("the reader of the database has no pipe")
            reader.stdin.write(json.dumps(wanted).encode())
            reader.stdin.close()
            yield from _batches(reader, reader.stdout)
        finally:
            reader.kill()


def _batches(reader: subprocess.Popen[bytes], pipe: Any) -> Iterator[Any]:
    """What the reader sends; it is ended where one chunk takes longer than a report may."""
    stream: Any = None
    while True:
        late = Timer(REPORT_SECONDS, reader.kill)
        late.start()
        try:
            stream = stream or pa.ipc.open_stream(pipe)
            batch = stream.read_next_batch()
        except StopIteration:
            break
        except (pa.ArrowInvalid, OSError) as error:
            if late.finished.is_set() and reader.wait() < 0:
                raise TooSlow(
                    f"the query took longer than {REPORT_SECONDS:g} seconds; narrow its range or its filters"
                ) from error
            raise StoreUnavailable(f"the database could not be read to its end: {error}") from error
        finally:
            late.cancel()
        yield pa.Table.from_batches([batch])
    if reader.wait() != 0:
        raise StoreUnavailable("the database could not be read to its end")
