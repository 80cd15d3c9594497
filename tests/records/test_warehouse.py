"""Records in a columnar engine: the views say what /stats says, the files follow every change and tell nobody."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from ivr.cli.warehouse import warehouse
from ivr.errors import RecordError
from ivr.records.columns import Document, Instant
from ivr.records.figures import FIGURES
from ivr.records.measures import Thresholds
from ivr.records.record import Outcome
from ivr.records.saving import close_call
from ivr.records.stats import figures, read_stats_query
from ivr.records.store import Store
from ivr.records.tables import calls, legs, visits
from ivr.records.warehouse import TABLES, export_changes, export_days
from ivr.records.warehouse_views import views
from tests.records.conftest import NOW, MakeStore
from tests.records.journals import answered, journal

SECRET = "+447700900987"
_CHOICES: dict[str, tuple[Any, ...]] = {
    "direction": ("inbound", "inbound", "inbound", "outbound"), "outcome": tuple(Outcome), "abandoned_where": (None, "menu", "queue", "ringing", "hold"),
    "result": ("answered", "abandoned", "diverted", "callback", "solved", "waiting", "unknown"), "fcr_state": ("excluded", "provisional", "final"),
    "queue": (None, "general", "billing"), "agent": (None, "ana", "ben"), "person": (None, f"number:{SECRET}"), "from_number": (SECRET,), "to_number": (SECRET,),
    "csat": (None, 1.0, 4.0, 5.0), "nps": (None, 0.0, 6.0, 7.0, 9.0, 10.0), "ces": (None, 1.0, 6.5), "repeat_seconds": (None, 86400.0, 90000.0, 604800.0, 3e6),
    "return_seconds": (None, 60.0, 86400.0), "queue_seconds": (0.0, 4.9, 5.0, 20.0, 20.1, 300.0), "intents": ([], ["refund", 'a "b"']), "customer_name": (SECRET,),
    "survey": (None, {"csat": {"answer": SECRET}}), "recording": ({"url": SECRET},), "customer_id": (SECRET,), "entity": (SECRET,),
}  # fmt: skip


def _value(column: sa.Column[Any], chance: random.Random) -> Any:
    """A value of a column, anything that the figures' conditions tell apart."""
    required = not column.nullable
    if column.name in _CHOICES:
        return chance.choice([one for one in _CHOICES[column.name] if one is not None or not required])
    if isinstance(column.type, Instant):
        return chance.choice((None, NOW)) if not required else NOW
    if isinstance(column.type, sa.Boolean):
        return chance.choice((None, True, False))
    if isinstance(column.type, sa.Float):
        return round(chance.uniform(0, 600), 3)
    if isinstance(column.type, sa.Integer):
        return chance.randrange(2)
    if isinstance(column.type, Document):
        return [SECRET]
    return chance.choice(("x", "y") if required else (None, "x", "y"))


def fill(store: Store, count: int, seed: int) -> None:
    """Rows that no call would give: every condition of every figure meets both of its sides."""
    chance = random.Random(seed)
    rows: dict[sa.Table, list[dict[str, Any]]] = {calls: [], legs: [], visits: []}
    for number in range(count):
        call_id, at = f"CA{number:03d}", NOW + timedelta(hours=chance.randrange(72), microseconds=number)
        for table, many in ((calls, 1), (legs, chance.randrange(3)), (visits, chance.randrange(3))):
            for n in range(many):
                row = {column.name: _value(column, chance) for column in table.columns}
                rows[table].append(
                    {
                        **row,
                        "call_id": call_id,
                        "started_at": at,
                        "updated_at": NOW,
                        "n": n,
                        **({"queued_at": at} if table is visits else {}),
                    }
                )
    with store.writing(10) as connection:
        for table, given in rows.items():
            names = {column.name for column in table.columns}
            connection.execute(table.insert(), [{name: value for name, value in row.items() if name in names} for row in given])


@pytest.fixture
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    """A columnar engine."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def opened(engine: duckdb.DuckDBPyConnection, folder: Path, thresholds: Thresholds | None = None) -> None:
    """The views over the files of `folder`."""
    engine.execute(views("duckdb", str(folder), thresholds or Thresholds()))


def test_every_view_says_what_the_figure_says(make_store: MakeStore, tmp_path: Path, engine: duckdb.DuckDBPyConnection) -> None:
    store = make_store()
    fill(store, 400, seed=7)
    assert sum(count for _, count in export_days(store, tmp_path, [(NOW + timedelta(days=n)).date() for n in range(4)])) == 400
    opened(engine, tmp_path)
    asked = {"from": ["2026-03-02"], "to": ["2026-03-06"], "source": ["rows"], "metrics": [",".join(FIGURES)]}
    for groups in ("", "queue", "agent,day", "intent,outcome"):
        query = read_stats_query({**asked, **({"group_by": [groups]} if groups else {})}, store, NOW)
        answer = figures(store, query, NOW + timedelta(days=40), seconds=10)
        rows = answer["rows"] if groups else [{"group": {}, "figures": answer["totals"]}]
        names = groups.split(",") if groups else []
        for name, figure in FIGURES.items():
            told = _told(engine, name, figure.spread, figure.count, names)
            for row in rows:
                key = tuple(None if value == "(none)" else value for value in row["group"].values())
                found, wanted = told.get(key, (0, 0)), row["figures"][name]
                if figure.spread is not None:
                    assert (
                        found == pytest.approx(wanted["value"] or 0, abs=1e-3) if wanted["value"] is not None else key not in told
                    ), (name, key)
                else:
                    over = wanted["value"] if figure.count else wanted["numerator"]
                    assert found[0] == pytest.approx(over, abs=1e-3), (name, key)
                    assert figure.count or found[1] == pytest.approx(wanted["denominator"], abs=1e-3), (name, key)


def _told(
    engine: duckdb.DuckDBPyConnection, name: str, spread: Any, count: bool, groups: list[str]
) -> dict[tuple[Any, ...], Any]:
    """What a figure's view says, by group."""
    keys = ["strftime(counted_at, '%Y-%m-%d')" if group == "day" else group for group in groups]
    chosen = f"quantile_cont(value, {spread[1]})" if spread else "sum(numerator), " + ("0" if count else "sum(denominator)")
    rows = engine.execute(f"SELECT {', '.join([*keys, chosen])} FROM {name} {'GROUP BY ALL' if keys else ''}").fetchall()
    cut = len(keys)
    return {
        tuple(row[:cut]): row[cut] if spread else (row[cut] or 0, row[cut + 1] or 0)
        for row in rows
        if row[cut] is not None or not spread
    }


def test_the_documented_questions(sqlite_store: MakeStore, tmp_path: Path, engine: duckdb.DuckDBPyConnection) -> None:
    store = sqlite_store()
    for n, talk in enumerate((60, 90)):
        answered(store, f"A{n}", NOW + timedelta(hours=n), talk=talk)
    list(export_changes(store, tmp_path))
    opened(engine, tmp_path)
    page = (Path(__file__).parents[2] / "docs" / "reports.md").read_text()
    [block] = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    told = [engine.execute(question).fetchall() for question in block.split(";") if question.strip()]
    assert [row[-1] for rows in told for row in rows] == [80.0, 0.5, 92.0]


def test_thresholds_go_into_the_views(sqlite_store: MakeStore, tmp_path: Path, engine: duckdb.DuckDBPyConnection) -> None:
    store = sqlite_store()
    for n, wait in enumerate((10, 25, 40)):
        answered(store, f"A{n}", NOW, wait=wait)
    list(export_changes(store, tmp_path))
    opened(engine, tmp_path, Thresholds(target_seconds=30))
    assert engine.execute("SELECT sum(numerator), sum(denominator) FROM service_level").fetchone() == (2, 3)


def test_only_what_changed_is_written_again(make_store: MakeStore, tmp_path: Path) -> None:
    store = make_store()
    for n in range(3):
        store.clock = lambda n=n: NOW + timedelta(minutes=n)  # type: ignore[misc]
        answered(store, f"A{n}", NOW + timedelta(days=n))
    day = NOW.date()
    store.clock = lambda: NOW + timedelta(hours=1)
    assert list(export_changes(store, tmp_path)) == [(day + timedelta(days=n), 1) for n in range(3)]
    store.clock = lambda: NOW + timedelta(hours=2)
    answered(store, "A1", NOW + timedelta(days=1), talk=90)  # a late fact
    answered(store, "B0", NOW + timedelta(days=2, minutes=1))
    store.clock = lambda: NOW + timedelta(hours=3)
    assert list(export_changes(store, tmp_path)) == [(day + timedelta(days=1), 1), (day + timedelta(days=2), 2)]
    with store.writing() as connection:  # a call that turns out to have begun a day earlier: its row's old place must not keep it
        connection.execute(calls.update().where(calls.c.call_id == "A0").values(started_at=NOW - timedelta(days=1)))
    written = dict(export_changes(store, tmp_path))
    assert (written[day], written[day - timedelta(days=1)]) == (0, 1)
    files = {
        name: {file.stem: pq.read_metadata(file).num_rows for file in (tmp_path / name).glob("*.parquet")} for name in TABLES
    }
    assert (
        files["calls"] == files["legs"] == files["visits"] == {"2026-03-01": 1, "2026-03-02": 0, "2026-03-03": 1, "2026-03-04": 2}
    )


def test_the_files_tell_nobody(make_store: MakeStore, tmp_path: Path) -> None:
    store = make_store()
    fill(store, 50, seed=3)
    placed = journal("OUT", NOW, (0, "Ended", {"ended_by": "caller"}), number=SECRET, direction="outbound", to_number=SECRET)
    close_call(store, placed, NOW)
    list(export_changes(store, tmp_path))
    told = [
        value
        for file in tmp_path.rglob("*.parquet")
        for row in pq.read_table(file).to_pylist()
        if row.get("direction") != "inbound"
        for value in row.values()
    ]
    assert told
    assert SECRET not in str(told)


def test_bytes_are_the_same_every_time_and_nothing_is_half_written(sqlite_store: MakeStore, tmp_path: Path) -> None:
    store = sqlite_store()
    fill(store, 50, seed=4)
    for folder in ("one", "two"):
        list(export_changes(store, tmp_path / folder))
    files = sorted(file.relative_to(tmp_path / "one") for file in (tmp_path / "one").rglob("*.parquet"))
    assert files
    assert all((tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes() for file in files)
    (tmp_path / "taken").write_text("a file where a folder should be")
    with pytest.raises(RecordError, match="taken"):
        list(export_changes(store, tmp_path / "taken"))
    (tmp_path / "one" / "reached.json").write_text("{}")
    with pytest.raises(RecordError, match=r"reached\.json is not what an earlier export wrote; delete it"):
        list(export_changes(store, tmp_path / "one"))


def test_the_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/ivr.sqlite")
    store = Store(f"sqlite:///{tmp_path}/ivr.sqlite")
    store.upgrade()
    answered(store, "A0", NOW)
    run = CliRunner()
    folder = str(tmp_path / "files")
    assert run.invoke(warehouse, ["export", folder], catch_exceptions=False).output == "1 day written, 1 call in them\n"
    assert (
        run.invoke(warehouse, ["export", folder, "--from", "2026-03-01", "--to", "2026-03-04"], catch_exceptions=False).output
        == "3 days written, 1 call in them\n"
    )
    refused = run.invoke(warehouse, ["export", folder, "--from", "2026-03-01"])
    assert isinstance(refused.exception, RecordError)
    assert "both --from and --to" in str(refused.exception)
    printed = run.invoke(
        warehouse, ["views", "--engine", "clickhouse", "--at", "https://storage.example.com/ivr/"], catch_exceptions=False
    ).output
    assert "s3('https://storage.example.com/ivr/calls/*.parquet', 'Parquet')" in printed
    assert printed.count("CREATE VIEW") == 6 + len(FIGURES)
    store.close()
