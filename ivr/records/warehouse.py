"""Records for a columnar engine: Parquet files by day, without persons, and every figure as an SQL view over them.

The files hold what `ivr.records.measures` counts, so that the views are the same declarations, compiled. Nothing in them tells who
called: erasing a caller need not reach them.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import sqlalchemy as sa

from ivr.errors import RecordError
from ivr.records.columns import Document, Instant, from_micros
from ivr.records.database import REPORT_SECONDS
from ivr.records.settled import settled
from ivr.records.store import Store
from ivr.records.tables import calls, legs, visits

TABLES = {"calls": calls, "legs": legs, "visits": visits}
_PERSONAL = frozenset({"from_number", "person", "customer_id", "customer_name", "entity"})
_STATE = "reached.json"
_CHUNK = 20_000
_DAY_MICROS = 86_400_000_000


def columns_of(table: sa.Table) -> list[sa.Column[Any]]:
    """The columns that a file of this table has. Documents may hold anything, numbers too: only the names of intents are known not to."""
    return [c for c in table.columns if c.name not in _PERSONAL and (c.name == "intents" or not isinstance(c.type, Document))]


def schema_of(table: sa.Table) -> Any:
    """The Arrow schema of a file of this table."""
    return pa.schema([(column.name, _arrow_type(column)) for column in columns_of(table)])


def _arrow_type(column: sa.Column[Any]) -> Any:
    kind = column.type
    if isinstance(kind, Instant):
        return pa.timestamp("us", tz="UTC")
    if isinstance(kind, Document):
        return pa.list_(pa.string())
    if isinstance(kind, sa.Boolean):
        return pa.bool_()
    if isinstance(kind, sa.Float):
        return pa.float64()
    return pa.int32() if isinstance(kind, sa.Integer) else pa.string()


def export_days(store: Store, folder: Path, days: Iterable[date]) -> Iterator[tuple[date, int]]:
    """Write the files of each of `days` (UTC, by the call's start) anew; yields the day and its calls. Raises RecordError, StoreUnavailable, TooSlow."""
    for day in days:
        rows = {name: _write(store, folder / name / f"{day}.parquet", table, day) for name, table in TABLES.items()}
        yield day, rows["calls"]


def export_changes(store: Store, folder: Path) -> Iterator[tuple[date, int]]:
    """Bring all files up to date: days in which a record changed since the last time, and days whose files hold another number of calls.

    Given up in the middle, the next run does it again. Yields as `export_days`.
    """
    state = folder / _STATE
    with store.reading(REPORT_SECONDS) as connection:
        reached = settled(store, connection)
        counted = dict(_by_day(connection, sa.true()))
        since = _read_state(state)
        changed = {day for day, _ in _by_day(connection, calls.c.updated_at >= since)} if since is not None else set()
    kept = {date.fromisoformat(file.stem): pq.read_metadata(file).num_rows for file in (folder / "calls").glob("*.parquet")}
    differing = {day for day in {*counted, *kept} if counted.get(day, 0) != kept.get(day)}
    yield from export_days(store, folder, sorted(changed | differing))
    state.parent.mkdir(parents=True, exist_ok=True)
    state.write_text(json.dumps({"reached": reached.isoformat()}) + "\n", encoding="utf-8")


def _read_state(state: Path) -> datetime | None:
    try:
        return datetime.fromisoformat(json.loads(state.read_text(encoding="utf-8"))["reached"])
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise RecordError(f"{state} is not what an earlier export wrote; delete it, and all days are written anew") from error


def _by_day(connection: sa.Connection, where: Any) -> Iterator[tuple[date, int]]:
    """Days with calls, and how many."""
    day = (sa.type_coerce(calls.c.started_at, sa.BigInteger) // _DAY_MICROS).label("day")
    for number, count in connection.execute(sa.select(day, sa.func.count()).where(where).group_by(day)):
        yield from_micros(number * _DAY_MICROS).date(), count


def _write(store: Store, file: Path, table: sa.Table, day: date) -> int:
    """One file, there as a whole or not at all; returns its rows."""
    start = datetime.combine(day, datetime.min.time(), UTC)
    kept: dict[type, Any] = {Instant: sa.BigInteger, Document: sa.Text}
    columns: list[Any] = [sa.type_coerce(c, kept.get(type(c.type), type(c.type))).label(c.name) for c in columns_of(table)]
    statement = sa.select(*columns).where(calls.c.started_at >= start, calls.c.started_at < start + timedelta(days=1))
    if table is calls:
        statement = statement.order_by(calls.c.started_at, calls.c.call_id)
    else:
        statement = statement.select_from(table.join(calls, calls.c.call_id == table.c.call_id))
        statement = statement.order_by(calls.c.started_at, table.c.call_id, table.c.n)
    part = file.with_name(file.name + ".part")
    rows = 0
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with (
            pq.ParquetWriter(part, schema_of(table), compression="zstd") as writer,
            store.reading(REPORT_SECONDS) as connection,
        ):
            result = connection.execute(statement, execution_options={"yield_per": _CHUNK})
            for chunk in result.partitions():
                writer.write_table(_table(table, chunk))
                rows += len(chunk)
        part.replace(file)
    except OSError as error:
        raise RecordError(f"{file} cannot be written: {error.strerror}") from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
    return rows


def _table(table: sa.Table, rows: Sequence[Sequence[Any]]) -> Any:
    columns = {
        column.name: _typed(column, values) for column, values in zip(columns_of(table), zip(*rows, strict=True), strict=True)
    }
    if table is calls:
        # Of a call that the line placed, this is the customer's number.
        inbound = pc.equal(columns["direction"], "inbound")
        columns["to_number"] = pc.if_else(inbound, columns["to_number"], pa.scalar(None, pa.string()))
    return pa.table(list(columns.values()), schema=schema_of(table))


def _typed(column: sa.Column[Any], values: tuple[Any, ...]) -> Any:
    kind = _arrow_type(column)
    if pa.types.is_list(kind):
        return pa.array([json.loads(value) for value in values], kind)
    if pa.types.is_boolean(kind):  # SQLite keeps numbers
        return pa.array([None if value is None else bool(value) for value in values], kind)
    return pa.array(values, pa.int64()).cast(kind) if pa.types.is_timestamp(kind) else pa.array(values, kind)
