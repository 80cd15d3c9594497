"""`ivr flows`: check, draw, compare and translate call flows; more commands join from the modules that own them."""

from __future__ import annotations

import importlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

import ivr.steps as _steps  # registers every kind of step
from ivr.cli.flow_files import compile_paths, names_from
from ivr.errors import FlowError
from ivr.language.bundle import compile_folder
from ivr.language.diff import differences
from ivr.language.flow import Flow
from ivr.language.graph import svg
from ivr.language.mermaid import mermaid
from ivr.language.problems import ERROR, shown
from ivr.language.schema import schema_text
from ivr.language.translating import updated
from ivr.language.translations import FOLDER

JOINED: dict[str, tuple[str, str]] = {
    "try": ("ivr.cli.flow_trials", "Talk to a flow in the terminal."),
    "test": ("ivr.cli.flow_trials", "Run the flow tests, with coverage of steps and exits."),
    "publish": ("ivr.cli.flow_revisions", "Let new calls run the flows of a folder."),
    "rollback": ("ivr.cli.flow_revisions", "Let new calls run an earlier revision."),
    "revisions": ("ivr.cli.flow_revisions", "List published revisions, newest first."),
    "pull": ("ivr.cli.flow_revisions", "Write a revision's files into a folder."),
    "push": ("ivr.cli.flow_revisions", "Keep the files of a folder as drafts."),
}
"""Commands of other modules, which are only loaded when called: (module, line for --help)."""

assert _steps


class Joined(click.Group):
    """The commands of this module and those of `JOINED`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *JOINED]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        own = super().get_command(ctx, name)
        if own is not None or name not in JOINED:
            return own
        module = importlib.import_module(JOINED[name][0])
        found: Any = getattr(module, name, None) or getattr(module, f"{name}_", None)
        return found if isinstance(found, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        own = [(name, command.get_short_help_str(limit=90)) for name, command in sorted(self.commands.items())]
        with formatter.section("Commands"):
            formatter.write_dl([*own, *((name, line) for name, (_, line) in JOINED.items())])


@click.group(cls=Joined)
def flows() -> None:
    """Work on call flows.

    Example: ivr flows lint
    """


def flows_folder() -> Path:
    """Where flows are read from without being told."""
    return Path(os.environ.get("IVR_FLOWS_DIR", "flows"))


config_option = click.option(
    "--config",
    "config_folder",
    type=click.Path(path_type=Path),
    envvar="IVR_CONFIG_DIR",
    default="config",
    show_default=True,
    help="Folder whose queues, skills, intents and connectors flows may name; checks of names are off where it does not exist.",
)


@flows.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@config_option
@click.option("--json", "as_json", is_flag=True, help="Problems as JSON on standard output.")
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
def lint(paths: tuple[Path, ...], config_folder: Path, as_json: bool, strict: bool) -> None:
    """Tell every problem of flow files or folders (default: the flows folder).

    Each is printed as file:line:col: what is wrong. What to do [rule], then the line with a caret, then the way on which a caller meets
    it. Exit code 1 where there is an error.

    Example: ivr flows lint flows/support.yaml --json
    """
    found = [compile_paths(group, names_from(config_folder)) for group in _grouped(paths or (flows_folder(),))]
    problems = [(each, problem) for each in found for problem in each.problems]
    errors = sum(1 for _, problem in problems if problem.severity == ERROR)
    warnings = len(problems) - errors
    files = sum(each.count for each in found)
    if as_json:
        told = {
            "files": files,
            "errors": errors,
            "warnings": warnings,
            "problems": [problem.to_plain() for _, problem in problems],
        }
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        for each, problem in problems:
            text = shown(problem, each.lines(problem.file))
            click.echo(click.style(text, fg="yellow") if problem.severity != ERROR else text, err=True)
        counted = f"{_count(errors, 'error')}, {_count(warnings, 'warning')} in {_count(files, 'file')}"
        click.echo(counted if problems else f"No problems in {_count(files, 'file')}.", err=bool(errors))
    if errors or (strict and warnings):
        raise SystemExit(1)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _grouped(paths: tuple[Path, ...]) -> list[tuple[Path, ...]]:
    """Files of one folder are read together; each folder by itself."""
    groups: dict[Path, list[Path]] = {}
    for path in paths:
        key = path if path.is_dir() else path.parent.parent if path.parent.name == FOLDER else path.parent
        groups.setdefault(key, []).append(path)
    return [tuple(group) for group in groups.values()]


@flows.command()
@config_option
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file instead of standard output."
)
@click.option("--with-names", is_flag=True, help="Offer the queues, skills, intents and connectors of config/ as completions.")
def schema(config_folder: Path, output: Path | None, with_names: bool) -> None:
    """Write the JSON Schema that editors use for completion (draft-07).

    Example: ivr flows schema -o flows/flow.schema.json
    """
    _write(schema_text(names_from(config_folder) if with_names else None), output)


@flows.command()
@click.argument("flow", default="")
@click.option("--folder", type=click.Path(path_type=Path), help="Flows folder (default: IVR_FLOWS_DIR, else flows).")
@click.option("--format", "form", type=click.Choice(["svg", "mermaid"]), default="svg", show_default=True)
@click.option("--mermaid", "as_mermaid", is_flag=True, help="Short for --format mermaid.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file instead of standard output."
)
def graph(flow: str, folder: Path | None, form: str, as_mermaid: bool, output: Path | None) -> None:
    """Draw FLOW (its name or file; default: the only one, else support) as SVG or Mermaid text.

    Example: ivr flows graph support -o support.svg
    """
    if output is not None and output.suffix in (".mmd", ".mermaid"):
        as_mermaid = True
    found = _flow(flow, folder)
    _write(mermaid(found) if as_mermaid or form == "mermaid" else svg(found), output)


def _flow(wanted: str, folder: Path | None) -> Flow:
    path = Path(wanted)
    if path.suffix in (".yaml", ".yml"):
        if not path.is_file():
            raise FlowError(f"There is no file {path}.")
        found = compile_paths((path,), names_from(None))
        candidates, name = found.flows, found.named(path)
    else:
        candidates = compile_folder(folder or flows_folder()).flows
        name = wanted or (next(iter(candidates)) if len(candidates) == 1 else "support")
    if name not in candidates:
        listed = ", ".join(sorted(candidates)) or "none that can be read"
        raise FlowError(f'There is no flow "{name}"; there are: {listed}.')
    return candidates[name]


@flows.command()
@click.argument("before", required=False)
@click.argument("after", required=False)
@click.option("--json", "as_json", is_flag=True, help="Changes as JSON.")
def diff(before: str | None, after: str | None, as_json: bool) -> None:
    """Tell in words what changed from BEFORE to AFTER: files, folders, or numbers of published revisions.

    BEFORE defaults to what is published now, AFTER to the flows folder.

    \b
    Examples:
      ivr flows diff
      ivr flows diff 3
      ivr flows diff 3 4
      ivr flows diff old/support.yaml flows/support.yaml
    """
    changes = differences(_flows_at(before), _flows_at(after or str(flows_folder())))
    if as_json:
        click.echo(
            json.dumps(
                [{"flow": c.flow, "step": c.step, "kind": c.kind, "text": c.text} for c in changes], indent=2, ensure_ascii=False
            )
        )
        return
    for change in changes:
        click.echo(str(change))
    if not changes:
        click.echo("No difference that a caller would notice.")


def _flows_at(place: str | None) -> dict[str, Flow]:
    """The flows of a file, a folder or a published revision; None: of the current revision."""
    path = Path(place or "")
    if place is None or (place.isdecimal() and not path.exists()):
        from ivr.cli.flow_revisions import opened

        with opened() as (_, revisions):
            return dict((revisions.current() if place is None else revisions.pinned(place)).bundle.flows)
    if not path.exists():
        raise FlowError(f"There is no file, folder or revision {place}; `ivr flows revisions` lists what was published.")
    if path.is_dir():
        return dict(compile_folder(path).flows)
    found = compile_paths((path,), names_from(None))
    name = found.named(path)
    if name not in found.flows:
        raise FlowError(f"{path} holds no flow that can be read; run `ivr flows lint {path}`.")
    # A copy under another name is compared as the same flow where both sides hold one.
    return {name: replace(found.flows[name])}


@flows.command()
@click.argument("language")
@click.option("--folder", type=click.Path(path_type=Path), help="Flows folder (default: IVR_FLOWS_DIR, else flows).")
@click.option("--check", "only_check", is_flag=True, help="Write nothing; exit 1 where something is missing or to be checked.")
def translate(language: str, folder: Path | None, only_check: bool) -> None:
    """Bring prompts/LANGUAGE.yaml up to date: new sentences are added, reworded ones carried over to be checked.

    Example: ivr flows translate es-ES
    """
    home = folder or flows_folder()
    compiled = compile_folder(home)
    if not any(language in flow.languages[1:] for flow in compiled.flows.values()):
        raise FlowError(f"No flow in {home} speaks {language}; add it to `languages` first.")
    done = updated(compiled.flows.values(), language, compiled.translations.get(language))
    file = home / FOLDER / f"{language}.yaml"
    if not only_check:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(done.text, encoding="utf-8")
    click.echo(
        f"{file}: {done.kept} translated, {len(done.missing)} missing, {len(done.check)} to check, {len(done.dropped)} no longer said."
    )
    for word, group in (("missing", done.missing), ("to check", done.check), ("no longer said", done.dropped)):
        for sentence in group:
            click.echo(f"  {word}: {sentence}")
    if only_check and (done.missing or done.check):
        raise SystemExit(1)


def _write(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise FlowError(f"{output} cannot be written: {error.strerror}.") from error
    click.echo(f"Written: {output}", err=True)
