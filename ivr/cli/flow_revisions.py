"""`ivr flows publish | rollback | revisions | pull | push`: what callers hear, by numbered revisions."""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

import ivr.steps  # noqa: F401  (registers the kinds of step)
from ivr.cli.rehearsing import trials_for_publishing
from ivr.configuration import load_configuration, names_of
from ivr.errors import FlowError, SettingError
from ivr.language.problems import ERROR, shown
from ivr.publishing import TrialsFailed, files_of
from ivr.records.revisions import NoSuchRevision, Revisions
from ivr.records.store import Store
from ivr.settings import Settings, read_settings

AUTHOR = click.option("--author", default=None, help="Who does it (default: the user of this machine).")
NOTE = click.option("--note", default="", help="Why, in a few words: kept with the revision.")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="For scripts.")


@contextmanager
def opened() -> Iterator[tuple[Settings, Revisions]]:
    """The revisions of the database that the environment names."""
    settings = read_settings()
    configuration = load_configuration(settings.config_dir)
    if configuration.errors:
        raise SettingError(f"{settings.config_dir}: {configuration.errors[0]}")
    store = Store(settings.database_url)
    try:
        store.prepare()
        yield (
            settings,
            Revisions(store, names_of(configuration), run_tests=trials_for_publishing(settings.config_dir, settings.models_dir)),
        )
    finally:
        store.close()


@click.command()
@click.option("--folder", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Default: IVR_FLOWS_DIR, flows.")
@click.option("--drafts", is_flag=True, help="Publish the current revision with all drafts instead of a folder.")
@click.option("--expect", type=int, help="Refuse where another revision than this one is current by now.")
@click.option("--without-tests", is_flag=True, help="Do not run the flow tests first.")
@NOTE
@AUTHOR
@AS_JSON
def publish(
    folder: Path | None, drafts: bool, expect: int | None, without_tests: bool, note: str, author: str | None, as_json: bool
) -> None:
    """Let new calls run the flows of a folder: lint clean, flow tests passed, then stored as a numbered revision.

    Example: ivr flows publish --note "Christmas hours"
    """
    with opened() as (settings, revisions):
        if without_tests:
            revisions.run_tests = None
        before = revisions.rows.current_number()
        folder = folder or settings.flows_dir
        try:
            if drafts:
                revision = revisions.publish_drafts(author=author or getpass.getuser(), note=note, expected=expect)
            else:
                revision = revisions.publish_folder(folder, author=author or getpass.getuser(), note=note, expected=expect)
        except TrialsFailed as error:
            for failure in error.failures:
                click.echo(failure, err=True)
            click.echo(f"Nothing published: {len(error.failures)} flow test{'s'[: len(error.failures) != 1]} failed.", err=True)
            sys.exit(1)
        except FlowError as error:
            _tell_problems(error, revisions.rows.files_with_drafts() if drafts else files_of(folder))
            sys.exit(1)
        if as_json:
            click.echo(json.dumps({**revision.summary(), "changed": revision.number != before}))
        elif revision.number == before:
            click.echo(f"Nothing to publish: revision {revision.number} holds the same.")
        else:
            click.echo(
                f"Published as revision {revision.number} ({revision.content_hash[:12]}). New calls run it within two seconds."
            )


@click.command()
@click.argument("number", type=int, required=False)
@NOTE
@AUTHOR
@AS_JSON
def rollback(number: int | None, note: str, author: str | None, as_json: bool) -> None:
    """Let new calls run an earlier revision: NUMBER, or the one before. Calls in progress end as they began.

    Example: ivr flows rollback 7 --note "menu confused callers"
    """
    with opened() as (_, revisions):
        revision = revisions.roll_back(number, author=author or getpass.getuser(), note=note)
        if as_json:
            click.echo(json.dumps(revision.summary()))
        else:
            click.echo(f"New calls run revision {revision.number} again, within two seconds.")


@click.command()
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 500))
@click.option("--moves", is_flag=True, help="Show when the pointer was moved, by whom and why.")
@AS_JSON
def revisions(limit: int, moves: bool, as_json: bool) -> None:
    """List published revisions, newest first; the current one is marked.

    Example: ivr flows revisions --limit 5
    """
    with opened() as (_, published):
        current = published.rows.current_number()
        if moves:
            lines = [
                {"at": move.at.isoformat(timespec="seconds"), "kind": move.kind, "from": move.from_number, "to": move.to_number,
                 "author": move.author, "note": move.note}
                for move in published.rows.moves(limit)
            ]  # fmt: skip
        else:
            lines = [{**row.summary(), "current": row.number == current} for row in published.rows.newest_first(limit)]
    if as_json:
        click.echo(json.dumps(lines))
        return
    for line in lines:
        click.echo(_move_line(line) if moves else _revision_line(line))
    if not lines:
        click.echo("Nothing is published yet: run `ivr flows publish`.")


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--revision", "number", type=int, help="Default: the current one.")
@click.option("--force", is_flag=True, help="Overwrite files that differ.")
def pull(folder: Path, number: int | None, force: bool) -> None:
    """Write a revision's files into FOLDER, for instance to commit what was edited by API.

    Example: ivr flows pull flows --force
    """
    with opened() as (_, published):
        revision = published.current().revision if number is None else published.rows.get(number)
    targets = {folder / path: text for path, text in revision.files.items()}
    differing = [path for path, text in targets.items() if path.exists() and path.read_text("utf-8") != text]
    if differing and not force:
        raise NoSuchRevision(f"{differing[0]} differs from revision {revision.number}: save your changes, then use --force")
    for path, text in targets.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    click.echo(f"Wrote {len(targets)} files of revision {revision.number} to {folder}.")


@click.command()
@click.option("--folder", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Default: IVR_FLOWS_DIR, flows.")
@AUTHOR
def push(folder: Path | None, author: str | None) -> None:
    """Keep the files of a folder as drafts, to be looked at and published by API or with `publish --drafts`.

    Example: ivr flows push --folder flows
    """
    with opened() as (settings, published):
        number = published.rows.current_number()
        current = published.rows.get(number).files if number is not None else {}
        files = files_of(folder or settings.flows_dir)
        changed = {path: text for path, text in files.items() if current.get(path) != text}
        gone = [path for path in current if path not in files]
        for path in [*changed, *gone]:
            published.rows.save_draft(path, files.get(path), author=author or getpass.getuser(), based_on=number or 0)
    click.echo(f"{len(changed)} drafts saved, {len(gone)} files marked to go." if changed or gone else "Nothing differs.")


def _tell_problems(error: FlowError, files: dict[str, str]) -> None:
    errors = [problem for problem in error.problems if getattr(problem, "severity", ERROR) == ERROR]
    for problem in errors:
        click.echo(shown(problem, files.get(problem.file, "").split("\n")), err=True)  # type: ignore[attr-defined, arg-type]
    click.echo(f"Nothing published: {len(errors)} problem{'s'[: len(errors) != 1]}." if errors else str(error), err=True)


def _revision_line(line: dict[str, Any]) -> str:
    mark = "*" if line["current"] else " "
    return f"{mark} {line['number']:>4}  {line['published_at'][:16]}  {line['content_hash'][:12]}  {line['author']:<12.12}  {line['note']}"


def _move_line(line: dict[str, Any]) -> str:
    return f"{line['at']}  {line['kind']:<8}  {line['from'] or '-'} → {line['to']}  {line['author']:<12.12}  {line['note']}"
