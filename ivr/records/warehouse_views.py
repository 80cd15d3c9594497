"""Every figure as an SQL view over the files of `ivr.records.warehouse`, compiled from the one declaration that the API uses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultDialect

from ivr.records.figures import FIGURES, Figure, Unit
from ivr.records.measures import MEASURES, SPREADS, Source, Thresholds
from ivr.records.sums import DIMENSIONS, dimension, instant
from ivr.records.tables import calls, legs, visits
from ivr.records.warehouse import TABLES

ENGINES = ("duckdb", "clickhouse")
_ROWS = {Source.CONTACTS: "contact_rows", Source.LEGS: "leg_rows", Source.VISITS: "visit_rows"}
_PARTS = {Source.LEGS: legs, Source.VISITS: visits}
# A customer is a person, and who that is the files do not tell.
GROUPS = tuple(name for name in DIMENSIONS if name != "customer")


def views(engine: str, place: str, thresholds: Thresholds) -> str:
    """CREATE VIEW statements for the files in `place` (a folder, or an address that the engine reads).

    `calls`, `legs`, `visits` are the files; `contact_rows`, `leg_rows`, `visit_rows` have what each row adds to every sum; and one view per
    figure has `counted_at`, the dimensions, `numerator` and `denominator` of each row (percentiles: `value`), to be summed over any time and groups.
    """
    folder = place.rstrip("/")
    statements = [f"CREATE VIEW {name} AS\n  SELECT * FROM {_files(engine, f'{folder}/{name}/*.parquet')};" for name in TABLES]
    statements += [_rows(source, thresholds) for source in Source]
    statements += [_figure(figure) for figure in FIGURES.values()]
    return "\n\n".join(statements) + "\n"


def _files(engine: str, pattern: str) -> str:
    text = _text(pattern)
    if engine == "duckdb":
        return f"read_parquet({text})"
    return f"{'s3' if '://' in pattern else 'file'}({text}, 'Parquet')"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


class _Standard(DefaultDialect):
    """SQL as the standard has it, which both engines read."""

    supports_native_boolean = True


def _sql(column: sa.ColumnElement[Any]) -> str:
    return str(column.compile(dialect=_Standard(), compile_kwargs={"literal_binds": True}))


def _rows(source: Source, thresholds: Thresholds) -> str:
    columns = [f"{_sql(instant(source))} AS counted_at", *(f"{_sql(dimension(source, name))} AS {name}" for name in GROUPS)]
    columns += [f"{_sql(m.column(thresholds))} AS {m.name}" for m in MEASURES.values() if m.source is source]
    columns += [f"{_sql(value)} AS {name}" for name, (of, value) in SPREADS.items() if of is source]
    part = _PARTS.get(source)
    table = "calls" if part is None else f"{part.name} JOIN calls ON {_sql(calls.c.call_id == part.c.call_id)}"
    chosen = ",\n    ".join([_sql(calls.c.call_id) + " AS call_id", *columns])
    return f"CREATE VIEW {_ROWS[source]} AS\n  SELECT {chosen}\n  FROM {table};"


def _figure(figure: Figure) -> str:
    groups = ", ".join(("call_id", "counted_at", *GROUPS))
    if figure.spread is not None:
        name, share = figure.spread
        head, value = f"quantile {share:g} of value", f"{name} AS value"
        rows = f"{_ROWS[SPREADS[name][0]]} WHERE {name} IS NOT NULL"
    else:
        factor = "100 * " if figure.unit is Unit.POINTS else ""
        head = f"{factor}sum(numerator)" + ("" if figure.count else " / sum(denominator)")
        value = f"{_weighted(figure.numerator)} AS numerator" + (
            "" if figure.count else f", {_weighted(figure.denominator)} AS denominator"
        )
        rows = _ROWS[figure.source]
    formula = figure.formula.replace(";", ",")  # so that whoever splits at semicolons gets whole statements
    return f"-- {figure.title}: {formula}.\n-- {head}\nCREATE VIEW {figure.name} AS\n  SELECT {groups}, {value}\n  FROM {rows};"


def _weighted(weights: Any) -> str:
    return " ".join(_terms(weights)).removeprefix("+ ")


def _terms(weights: Any) -> Iterator[str]:
    for name, weight in weights.items():
        yield f"{'-' if weight < 0 else '+'} {name if abs(weight) == 1 else f'{abs(weight)} * {name}'}"
