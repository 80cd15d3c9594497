"""The schema's history on tables that are full: what older versions wrote is all there afterwards, and figures come out the same."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from ivr.cli.access import db
from ivr.errors import RecordError
from ivr.records import migrations, texting
from ivr.records.database import limited
from ivr.records.migrations import newest
from ivr.records.rollups import rebuild_rollups
from ivr.records.saving import recompute
from ivr.records.stats import figures, read_stats_query
from ivr.records.store import Store
from ivr.records.tables import metadata
from tests.records.conftest import NOW
from tests.records.journals import abandoned, answered
from tests.records.test_texting import SURVEY

# The first, and those whose successor rewrites what is there: keys of rollups, the journal by month, marks for new sums.
REVISIONS = ("0001", "0004", "0005", "0006")
ASK = {"from": ["2025-11-01"], "to": ["2026-04-01"], "group_by": ["queue,agent"]}
ALONE = {**ASK, "group_by": ["queue"]}
Row = dict[str, Any]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, list[Row]], dict[str, Any]]]:
    """The rows of every table after some months, in the values that databases keep, and the figures that follow from them."""
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('filled') / 'ivr.sqlite'}", clock=lambda: NOW, text_survey=SURVEY)
    store.upgrade()
    for n in range(8):
        at = datetime(2025, 11, 20, 9, 0, tzinfo=UTC) + timedelta(days=14 * n, minutes=7 * n)
        queue, number = ("general", "technical")[n % 2], f"+4477009001{n % 5:02d}"
        answered(store, f"A{n}", at, queue=queue, agent=("ana", "ben")[n % 3 > 0], number=number)
        abandoned(store, f"B{n}", at + timedelta(minutes=30), wait=9 + n, queue=queue, number=f"+4477009002{n:02d}")
    texting.receive(store, "SM1", "+447700900299", "STOP", NOW, lambda note: None)
    rebuild_rollups(store)
    rows: dict[str, list[Row]] = {}
    with store.engine.connect() as connection:
        for table in metadata.sorted_tables:
            found = connection.exec_driver_sql(f"SELECT * FROM {table.name}").mappings()
            rows[table.name] = [dict(row) for row in found]
    told = {"crossed": asked(store, ASK), "alone": asked(store, ALONE)}
    store.close()
    yield rows, told


def asked(store: Store, what: dict[str, list[str]]) -> Any:
    return figures(store, read_stats_query(what, store, NOW), NOW)["rows"]


def fill(store: Store, rows: dict[str, list[Row]]) -> dict[str, int]:
    """Write the rows as the schema that is there could hold them; gives how many by table."""
    counts = {}
    with store.engine.begin() as connection:
        seen = sa.inspect(connection)
        for name in set(rows) & set(seen.get_table_names()):
            columns = {column["name"]: column["type"] for column in seen.get_columns(name)}
            # Crossings came with their second key: before it there was no such row.
            held = [row for row in rows[name] if name != "rollups" or "key2" in columns or "," not in row["dimension"]]
            counts[name] = len(held)
            names = [column for column in columns if held and column in held[0]]
            marks = ", ".join(f":{column}" for column in names)
            quoted = ", ".join(f'"{column}"' for column in names)
            lines = [{column: typed(row[column], columns[column]) for column in names} for row in held]
            if lines:
                connection.execute(sa.text(f"INSERT INTO {name} ({quoted}) VALUES ({marks})"), lines)
    return counts


def typed(value: Any, kind: sa.types.TypeEngine[Any]) -> Any:
    """SQLite keeps booleans as numbers."""
    return bool(value) if isinstance(kind, sa.Boolean) and value is not None else value


def at_revision(database_url: str, revision: str) -> Store:
    """An empty database as an older version made it."""
    store = Store(database_url, clock=lambda: NOW, text_survey=SURVEY)
    with store.writing(30) as connection:
        assert migrations.upgrade(connection, revision) == (None, revision)
    return store


@pytest.mark.parametrize("revision", REVISIONS)
def test_nothing_is_lost_and_figures_come_out(
    database_url: str, revision: str, written: tuple[dict[str, list[Row]], dict[str, Any]]
) -> None:
    rows, told = written
    store = at_revision(database_url, revision)
    counts = fill(store, rows)
    with pytest.raises(RecordError, match=f"at revision {revision}.*ivr db upgrade"):
        store.ping()
    assert store.upgrade() == (revision, newest())
    store.ping()
    with store.engine.connect() as connection:
        kept = {name: connection.scalar(sa.select(sa.func.count()).select_from(sa.table(name))) for name in counts}
    assert kept | {"rollup_dirty": 0} == counts | {"rollup_dirty": 0}  # half-hours may be marked for the new sums
    assert (asked(store, ASK), asked(store, ALONE)) == (told["crossed"], told["alone"])
    rebuild_rollups(store)
    assert (asked(store, ASK), asked(store, ALONE)) == (told["crossed"], told["alone"])
    assert [note.kind for note in store.notes("A7")] == ["Arrived", "Queued", "Connected", "LegEnded", "Ended", "WrappedUp"]
    before = store.row("A7")
    recompute(store, "A7", NOW)
    assert store.row("A7") == before
    answered(store, "NEW", NOW, number="+447700900399")
    assert len(store.notes("NEW")) == 6
    store.close()


def test_the_command_brings_a_filled_database_along(
    database_url: str, written: tuple[dict[str, list[Row]], dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = at_revision(database_url, "0004")
    fill(store, written[0])
    store.close()
    monkeypatch.setenv("DATABASE_URL", database_url)
    outcome = CliRunner().invoke(db, ["upgrade"])
    assert outcome.output == f"the database is at revision {newest()} (before: 0004)\n"


def test_who_runs_goes_on_under_a_later_schema_and_does_not_start_under_it(database_url: str) -> None:
    store = Store(database_url)
    store.upgrade()
    with store.writing(10) as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    store.ping()
    with pytest.raises(RecordError, match="newer than this program: install the newer version"):
        store.prepare()
    store.close()


def test_two_upgrades_at_once_do_it_once(database_url: str) -> None:
    first, second = at_revision(database_url, "0005"), Store(database_url)
    outcomes: list[tuple[str | None, str]] = []
    with limited(first.engine, writes=True, seconds=60) as connection:
        assert migrations.upgrade(connection)[0] == "0005"
        waiting = threading.Thread(target=lambda: outcomes.append(second.upgrade()))
        waiting.start()
    waiting.join(30)
    assert outcomes == [(newest(), newest())]
    first.close()
    second.close()
