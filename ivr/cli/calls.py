"""`ivr calls` and `ivr stats`: reporting from the shell, by the same queries as the API."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from ivr.cli.importing import import_
from ivr.cli.records_store import AS_JSON, arguments, opened_store, show_json, show_table
from ivr.errors import RecordError
from ivr.records.checking import check_calls
from ivr.records.estimate import fcr_report
from ivr.records.export import FORMATS, stream
from ivr.records.figures import NAMES
from ivr.records.parameters import read_range, read_zone
from ivr.records.query import list_calls, read_call_query, read_cursor
from ivr.records.rollups import rebuild_rollups
from ivr.records.rows import digits, public_row, rfc3339
from ivr.records.saving import recompute as recompute_call
from ivr.records.schedules import stats_csv
from ivr.records.stats import definition, figures, read_stats_query
from ivr.records.store import read_notes, utc_now

F = TypeVar("F", bound=Callable[..., Any])

_FILTERS = ("queue", "agent", "intent", "flow", "revision", "outcome", "caller", "language", "fcr", "fcr_state", "follow_up")


def _range(command: F) -> F:
    for option in (
        click.option("--tz", help="Zone of dates without time, e.g. Europe/Madrid (default: UTC)."),
        click.option("--to", "end", help="End, excluded: a date or an RFC 3339 time."),
        click.option("--from", "start", help="Start, included: a date or an RFC 3339 time."),
    ):
        command = option(command)
    return command


def _filters(command: F) -> F:
    for name in reversed(_FILTERS):
        command = click.option(
            f"--{name.replace('_', '-')}", name, multiple=True, help=f"Only calls with this {name.replace('_', ' ')}."
        )(command)
    command = click.option(
        "--where",
        multiple=True,
        metavar="NAME=VALUE",
        help="Any other filter or parameter of a figure's `calls` link, e.g. first_agent=ana.",
    )(command)
    return click.option("--counted-in", help="Only calls that this figure counts, e.g. aht_contact.")(command)


def _narrowed(where: tuple[str, ...]) -> list[tuple[str, str]]:
    pairs = [pair.partition("=") for pair in where]
    wrong = next((pair[0] for pair in pairs if not pair[1]), None)
    if wrong is not None:
        raise click.UsageError(f'--where "{wrong}" is not NAME=VALUE, such as language=es-ES')
    return [(name, value) for name, _, value in pairs]


@click.group()
def calls() -> None:
    """Call records: one per call, computed from its journal.

    Example: ivr calls list --from 2026-11-22 --queue general
    """


def _query(start: str | None, end: str | None, tz: str | None, where: tuple[str, ...] = (), **more: Any) -> dict[str, list[str]]:
    return arguments([("from", start), ("to", end), ("tz", tz), *more.items(), *_narrowed(where)])


@calls.command("list")
@_range
@_filters
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 500), help="So many, the newest first.")
@AS_JSON
def list_(start: str | None, end: str | None, tz: str | None, limit: int, as_json: bool, **filters: Any) -> None:
    """The newest calls.

    Example: ivr calls list --outcome answered --limit 50

    What a figure counts: ivr calls list --where first_agent=ana --counted-in fcr.numerator
    """
    query = read_call_query(_query(start, end, tz, limit=limit, order="desc", **filters))
    with opened_store() as store:
        rows = [public_row(row, masked=False) for row in list_calls(store, query).rows]
    if as_json:
        show_json(rows)
        return
    columns = (
        "started_at",
        "call_id",
        "from_number",
        "customer_name",
        "intents",
        "queue",
        "agent",
        "queue_seconds",
        "handle_seconds",
        "outcome",
        "fcr",
    )
    show_table("", columns, [[", ".join(row[c]) if c == "intents" else row[c] for c in columns] for row in rows])


@calls.command()
@click.argument("call")
@click.option("--events", is_flag=True, help="With the journal that the record is computed from.")
@AS_JSON
def show(call: str, events: bool, as_json: bool) -> None:
    """One call with its legs and stays in queues.

    Example: ivr calls show CA0123456789abcdef0123456789abcdef --events
    """
    with opened_store() as store:
        row = store.row(call)
        if row is None:
            raise RecordError(f"there is no call {call}")
        shown = public_row(row, masked=False)
        notes = store.notes(call) if events else []
    journal = [{"seq": n.seq, "at": rfc3339(n.at), "kind": n.kind, "data": n.data} for n in notes]
    if as_json:
        show_json({**shown, **({"events": journal} if events else {})})
        return
    show_table(
        "",
        ("field", "value"),
        [(name, value) for name, value in shown.items() if name not in ("legs", "outside_talks", "queue_visits")],
    )
    for title, name in (("legs", "legs"), ("talks outside", "outside_talks"), ("queues", "queue_visits")):
        if shown[name]:
            show_table(f"\n{title}", tuple(shown[name][0]), [tuple(part.values()) for part in shown[name]])
    if journal:
        show_table("\njournal", ("seq", "at", "kind", "data"), [(e["seq"], e["at"], e["kind"], e["data"]) for e in journal])


@calls.command()
@_range
@_filters
@click.option("--format", "form", type=click.Choice(sorted(FORMATS)), default="csv", show_default=True)
@click.option("--updated-since", help="Only what changed since, in order of change.")
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="A file (default: standard output).")
def export(
    start: str | None, end: str | None, tz: str | None, form: str, updated_since: str | None, output: Path | None, **filters: Any
) -> None:
    """All matching calls as CSV, NDJSON or Parquet, at constant memory.

    Example: ivr calls export --from 2026-11-01 --to 2026-12-01 --format parquet -o november.parquet
    """
    query = read_call_query(_query(start, end, tz, updated_since=updated_since, **filters))
    if output is None and form == "parquet" and sys.stdout.isatty():
        raise RecordError("Parquet is not for a terminal: give a file with -o")
    with opened_store() as store:
        chunks = stream(store, query, form, masked=False)
        if output is None:
            for chunk in chunks:
                sys.stdout.buffer.write(chunk)
            return
        part = output.with_name(output.name + ".part")
        try:
            with part.open("wb") as file:
                for chunk in chunks:
                    file.write(chunk)
            part.replace(output)
        except OSError as error:
            raise RecordError(f"{output} cannot be written: {error.strerror}") from error


@calls.command()
@click.argument("call", required=False)
@_range
@click.option("--rollups", is_flag=True, help="Compute all rollups again instead.")
def recompute(call: str | None, start: str | None, end: str | None, tz: str | None, rollups: bool) -> None:
    """Compute records again from their journals: one call, or those of an interval.

    Example: ivr calls recompute --from 2026-11-01 --to 2026-11-02
    """
    with opened_store() as store:
        if rollups:
            click.echo(f"{rebuild_rollups(store)} half-hours computed")
            return
        if call:
            recompute_call(store, call, utc_now())
            click.echo("1 record computed")
            return
        if not start or not end:
            raise click.UsageError("name a call, or an interval with --from and --to, or --rollups")
        done = skipped = 0
        query = replace(read_call_query(_query(start, end, tz)), limit=500)
        while True:
            page = list_calls(store, query)
            for row in page.rows:
                with store.reading() as connection:
                    known = bool(read_notes(connection, row["call_id"]))
                if not known:
                    skipped += 1
                    continue
                recompute_call(store, row["call_id"], utc_now())
                done += 1
            if page.next_cursor is None:
                break
            query = replace(query, cursor=read_cursor(page.next_cursor, query))
    click.echo(
        f"{done} records computed"
        + (f", {skipped} without a journal (imported, erased or past their retention) left as they are" if skipped else "")
    )


@calls.command()
@_range
@click.option(
    "--sample", default=1000, show_default=True, type=click.IntRange(1, 1_000_000), help="So many calls, chosen by --seed."
)
@click.option("--seed", default=1, show_default=True)
@AS_JSON
def check(start: str | None, end: str | None, tz: str | None, sample: int, seed: int, as_json: bool) -> None:
    """Compute a sample of records again, compare, and list stays in queues that nobody can explain. Exit 1 where anything differs.

    Example: ivr calls check --from 2026-11-01 --to 2026-12-01
    """
    zone = read_zone(tz)
    first, last = read_range(arguments([("from", start), ("to", end)]), zone)
    last = last or utc_now()
    with opened_store() as store:
        found = check_calls(store, first or last - timedelta(days=7), last, sample=sample, seed=seed)
    if as_json:
        show_json(
            {
                "checked": found.checked,
                "differences": [vars(d) for d in found.differences],
                "unexplained": list(found.unexplained),
            }
        )
    else:
        for d in found.differences:
            click.echo(f"{d.call_id}: {d.field} is {d.stored!r}, its journal gives {d.computed!r}", err=True)
        for call_id in found.unexplained:
            click.echo(f"{call_id}: a stay in a queue has an unknown end", err=True)
        click.echo(
            f"{found.checked} records checked, {len(found.differences)} differences, {len(found.unexplained)} unexplained stays"
        )
    if not found.sound:
        sys.exit(1)


calls.add_command(import_)


@calls.command()
@click.argument("call")
@AS_JSON
def why(call: str, as_json: bool) -> None:
    """Why a call went to whom: candidates, exclusions with their rule, and what would have been needed.

    Example: ivr calls why CA0123456789abcdef0123456789abcdef
    """
    importlib.import_module("ivr.cli.board").show_why(call, as_json)


@click.command()
@_range
@click.option(
    "--group-by", help="One to three of queue, agent, intent, flow, revision, language, hour, day …; separated by commas."
)
@click.option("--metrics", help="Figures separated by commas, or all (default: the usual ones).")
@click.option("--queue", multiple=True, help="Only this queue; further filters by --where.")
@click.option("--where", multiple=True, metavar="NAME=VALUE", help="Only contacts with this value, e.g. language=es-ES.")
@click.option("--definitions", is_flag=True, help="What every figure means, and nothing else.")
@click.option("--fcr", "only_fcr", is_flag=True, help="First-call resolution by all methods and windows instead.")
@click.option("--csv", "as_csv", is_flag=True, help="As CSV.")
@AS_JSON
def stats(
    start: str | None,
    end: str | None,
    tz: str | None,
    group_by: str | None,
    metrics: str | None,
    queue: tuple[str, ...],
    where: tuple[str, ...],
    definitions: bool,
    only_fcr: bool,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Figures over calls; the last seven days where no interval is given.

    Example: ivr stats --from 2026-11-01 --to 2026-12-01 --tz Europe/London --group-by queue --metrics aht_contact,fcr,service_level
    """
    if definitions:
        rows = [(name, definition(name)["formula"], definition(name)["unit"]) for name in NAMES]
        if as_json:
            show_json({name: definition(name) for name in NAMES})
        else:
            show_table("", ("figure", "formula", "unit"), rows)
        return
    given = arguments(
        [
            ("from", start),
            ("to", end),
            ("tz", tz),
            ("group_by", group_by),
            ("metrics", metrics),
            ("queue", queue),
            *_narrowed(where),
        ]
    )
    now = utc_now()
    with opened_store() as store:
        query = read_stats_query(given, store, now)
        if only_fcr:
            show_json(fcr_report(store, query.scope, now))
            return
        found = figures(store, query, now, seconds=60.0)
    if as_json:
        show_json(found)
    elif as_csv:
        click.echo(stats_csv(found), nl=False)
    else:
        _show_figures(found)


def _show_figures(found: dict[str, Any]) -> None:
    groups = found["group_by"]
    columns = [*groups, *found["definitions"]]
    lines = (
        [*found["rows"], {"group": dict.fromkeys(groups, "total"), "figures": found["totals"]}]
        if groups
        else [{"group": {}, "figures": found["totals"]}]
    )
    rows = [
        [
            *(line["group"][g] if line["group"][g] is not None else "(none)" for g in groups),
            *(_cell(line["figures"][name]) for name in found["definitions"]),
        ]
        for line in lines
    ]
    show_table(f"{found['from']} to {found['to']} ({found['timezone']})", columns, rows)
    if any(figure["completeness"] == "provisional" for line in lines for figure in line["figures"].values()):
        click.echo("~ provisional: may still change")
    for row in found.get("reconciliation", ()):
        if not row["adds_up"]:
            click.echo(
                f"does not add up: {row['group']}: {row['unexplained']} of {row['offered']} offered; {row.get('calls')}", err=True
            )


def _cell(figure: dict[str, Any]) -> str:
    value, unit = figure["value"], figure["unit"]
    if value is None:
        return "-"
    text = (
        f"{100 * value:.1f} %"
        if unit == "share"
        else f"{value:.0f}"
        if unit == "count"
        else f"{value:.1f}{' s' if unit == 'seconds' else ''}"
    )
    return (
        text
        + ("~" if figure["completeness"] == "provisional" else "")
        + (f" ({digits(figure['numerator'])}/{digits(figure['denominator'])})" if unit == "share" else "")
    )
