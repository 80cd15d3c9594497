"""`ivr intents`: work on what callers say."""

from __future__ import annotations

import getpass
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ivr.errors import IntentError, IvrError

if TYPE_CHECKING:
    from ivr.intents.encoders.seam import Encoder
    from ivr.intents.inbox import Utterances
    from ivr.intents.teaching import BeforeAfter

Command = TypeVar("Command", bound=Callable[..., Any])


def shared(command: Command) -> Command:
    """The options every command has."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
        click.option(
            "--data",
            type=click.Path(path_type=Path),
            envvar="IVR_DATA_DIR",
            default=".ivr",
            show_default=True,
            help="Folder that holds the models.",
        ),
        click.option(
            "--config",
            type=click.Path(path_type=Path),
            envvar="IVR_CONFIG_DIR",
            default="config",
            show_default=True,
            help="Folder of intents.yaml.",
        ),
    ):
        command = option(command)
    return command


def _encoder(backend: str | None = None) -> Encoder:
    from ivr.intents.encoders.onnx import default_encoder
    from ivr.intents.encoders.seam import NoEncoder

    return NoEncoder() if backend == "small" else default_encoder()


def _print(plain: Any) -> None:
    click.echo(json.dumps(plain, ensure_ascii=False, indent=1))


class _Intents(click.Group):
    """Errors meant for people become one line, also where `ivr intents` is called from elsewhere."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except IvrError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Intents)
def intents() -> None:
    """Work on spoken intent: train, evaluate, explain.

    Example: ivr intents explain "where is my parcel"
    """


@intents.command()
@shared
@click.option("--no-activate", is_flag=True, help="Keep the new version on the shelf without using it.")
def train(config: Path, data: Path, as_json: bool, no_activate: bool) -> None:
    """Train from config/intents.yaml and use the result.

    Example: ivr intents train
    """
    import time

    from ivr.intents.training import train as train_now

    started = time.perf_counter()
    version = train_now(config, data / "models", activate=not no_activate, by=getpass.getuser())
    seconds = time.perf_counter() - started
    if as_json:
        _print({"version": version, "active": not no_activate, "training_seconds": seconds})
    else:
        click.echo(f"trained version {version} in {seconds:.1f} s{', not active' if no_activate else ', active now'}")


@intents.command()
@click.argument("text")
@shared
@click.option("--language", default="en", show_default=True, help="Language of TEXT.")
@click.option("--of", "offered", multiple=True, metavar="INTENT", help="Only these, as a menu that offers them would.")
def explain(text: str, config: Path, data: Path, as_json: bool, language: str, offered: tuple[str, ...]) -> None:
    """Show how TEXT is understood, and why.

    Example: ivr intents explain "my parcel never came"
    """
    from ivr.intents.answers import AnswerBook
    from ivr.intents.explaining import explain as explain_now
    from ivr.intents.recogniser import Recogniser

    recogniser = Recogniser.load(data / "models", _encoder())
    told = explain_now(recogniser, text, language, offered)
    told["answers"] = [vars(answer) for answer in AnswerBook.load(config, recogniser.encoder).ranked(text, language)]
    if as_json:
        _print(told)
        return
    click.echo(f"heard as     {told['normalised'] or '(nothing)'}")
    for row in told["candidates"]:
        click.echo(f"{row['confidence']:10.1%}   {row['intent']}")
    for slot in told["slots"]:
        click.echo(f"value        {slot['kind']} = {slot['value']}")
    if told["also"]:
        click.echo("and also     " + ", ".join(row["intent"] for row in told["also"]))
    if told["nearest"]:
        click.echo(
            f"most like    {told['nearest']['text']!r} ({told['nearest']['intent'] or 'out of scope'}, likeness {told['nearest']['cosine']:.2f})"
        )
    if told["words"]:
        click.echo("because of   " + ", ".join(f"{row['words']!r} {row['weight']:+.0%}" for row in told["words"]))
    click.echo(
        f"in scope     {'no' if told['out_of_scope'] else 'yes'} (score {told['in_scope']:+.2f}, needed {told['threshold']:+.2f})"
    )
    for answer in told["answers"][:1]:
        click.echo(f"answer       {answer['score']:.2f} {answer['question']!r}")


@intents.command()
@shared
def lint(config: Path, data: Path, as_json: bool) -> None:
    """Check the training data; exits 1 where there are errors.

    Example: ivr intents lint
    """
    from ivr.intents.answers import read_answers
    from ivr.intents.checks import check

    problems = check(config, _encoder())
    read_answers(config)
    if as_json:
        _print([problem.to_plain() for problem in problems])
    else:
        for problem in problems:
            click.echo(f"{problem}{' (warning)' if problem.severity == 'warning' else ''}", err=problem.severity == "error")
        click.echo(f"{len(problems)} problem{'' if len(problems) == 1 else 's'}")
    if any(problem.severity == "error" for problem in problems):
        raise SystemExit(1)


@intents.command()
@shared
@click.option(
    "--train", "train_file", type=click.Path(path_type=Path, exists=True), help="CSV with header text,intent to learn from."
)
@click.option(
    "--test", "test_file", type=click.Path(path_type=Path, exists=True), help="CSV with header text,intent to judge on."
)
@click.option(
    "--out-of-scope",
    "outside_file",
    type=click.Path(path_type=Path, exists=True),
    help="CSV of sentences that belong to no intent.",
)
@click.option("--shots", type=click.IntRange(min=1), help="Learn from so many phrases of each intent, drawn by chance.")
@click.option(
    "--seeds", type=click.IntRange(min=1, max=100), default=1, show_default=True, help="So many draws; figures are their means."
)
@click.option("--language", default="en", show_default=True, help="Language of the files, or of the configured intents.")
@click.option(
    "--backend", type=click.Choice(["default", "small"]), default="default", show_default=True, help="small: without embeddings."
)
def evaluate(
    config: Path,
    data: Path,
    as_json: bool,
    train_file: Path | None,
    test_file: Path | None,
    outside_file: Path | None,
    shots: int | None,
    seeds: int,
    language: str,
    backend: str,
) -> None:
    """Judge on sentences that training never saw; without files, the configured intents by cross-validation.

    Example: ivr intents evaluate --train train.csv --test test.csv --shots 10 --seeds 3 --json
    """
    from ivr.intents.report import report_on_configuration, report_on_files, shown

    if (train_file is None) != (test_file is None):
        raise click.UsageError("--train and --test go together")
    if train_file is None and (outside_file or shots):
        raise click.UsageError("--out-of-scope and --shots need --train and --test")
    encoder = _encoder(backend)
    if train_file and test_file:
        draws = seeds if shots else 1
        with click.progressbar(range(draws), label="evaluating", file=sys.stderr) as bar:
            done = iter(bar)
            report = report_on_files(
                train_file, test_file, outside_file, encoder, shots, seeds, language, lambda: next(done, None)
            )
    else:
        report = report_on_configuration(config, language, encoder)
    if as_json:
        _print(report)
    else:
        click.echo(shown(report))


@contextmanager
def _utterances(file: Path | None, data: Path) -> Iterator[Utterances]:
    """What callers said: a file's, or the call records' (their database is made where there is none yet)."""
    if file is not None:
        from ivr.intents.inbox import UtteranceFile

        yield UtteranceFile(file)
        return
    from ivr.cli.inbox import KeptUtterances
    from ivr.records.store import Store
    from ivr.settings import read_database_url

    data.mkdir(parents=True, exist_ok=True)
    store = Store(read_database_url(os.environ, data.resolve()))
    try:
        store.prepare()
        yield KeptUtterances(store)
    finally:
        store.close()


@intents.command()
@shared
@click.option("--days", type=click.IntRange(min=1), default=7, show_default=True, help="How far to look back.")
@click.option("--accept", "group_key", metavar="GROUP", help="Teach the sentences of this group.")
@click.option("--as", "intent", metavar="INTENT", help="The intent they mean (default: the suggestion), or out_of_scope.")
@click.option("--dismiss", "dismissed", metavar="GROUP", help="Take this group out of the inbox.")
@click.option("--file", type=click.Path(path_type=Path), help="JSON lines of utterances instead of the call records.")
def inbox(
    config: Path,
    data: Path,
    as_json: bool,
    days: int,
    group_key: str | None,
    intent: str | None,
    dismissed: str | None,
    file: Path | None,
) -> None:
    """Show what was not understood, grouped; teach a group and see before and after.

    \b
    Examples:
      ivr intents inbox
      ivr intents inbox --accept 3f09ab --as refund
      ivr intents activate VERSION
    """
    from ivr.intents.inbox import DISMISSED, groups
    from ivr.intents.recogniser import Recogniser
    from ivr.intents.teaching import teach

    now, encoder = datetime.now(UTC), _encoder()
    with _utterances(file, data) as kept:
        rows = kept.since(now - timedelta(days=days))
        found = groups(rows, Recogniser.load(data / "models", encoder))
        wanted = group_key or dismissed
        if wanted is None:
            _show_groups([_plain_group(group) for group in found], as_json)
            return
        group = next((group for group in found if group.key == wanted), None)
        if group is None:
            raise IntentError(f"there is no group {wanted} in the last {days} days; `ivr intents inbox` lists them")
        numbers = [row.n for row in group.utterances]
        if dismissed:
            kept.label(numbers, DISMISSED, getpass.getuser(), now)
            click.echo(f"{len(numbers)} utterance{'' if len(numbers) == 1 else 's'} dismissed")
            return
        meant = intent or group.suggestion
        if meant is None:
            raise IntentError(f"nothing is suggested for {wanted}; say which intent it is: --as INTENT, or --as out_of_scope")
        outcome = teach(config, data / "models", meant, group.language, group.texts, rows, encoder=encoder)
        kept.label(numbers, meant, getpass.getuser(), now)
        if as_json:
            _print(outcome.to_plain())
        else:
            _show_before_after(outcome)


def _plain_group(group: Any) -> dict[str, Any]:
    return {
        "group": group.key,
        "language": group.language,
        "count": len(group.utterances),
        "texts": list(group.texts),
        "suggestion": group.suggestion,
        "confidence": group.confidence,
        "queues": group.queues,
        "results": group.results,
    }


def _show_groups(plain: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        _print(plain)
        return
    if not plain:
        click.echo("The inbox is empty.")
    for group in plain:
        how = ", ".join(f"{result.replace('_', ' ')} {count}" for result, count in group["results"].items())
        ended = ", ".join(f"{queue} {count}" for queue, count in group["queues"].items())
        guess = (
            f"probably {group['suggestion']} ({group['confidence']:.0%})" if group["suggestion"] else "like none of the intents"
        )
        click.echo(f"{group['group']}  {group['language']}, {how}; {guess}{f'; ended at {ended}' if ended else ''}")
        for text in group["texts"][:5]:
            click.echo(f"        {text}")


def _show_before_after(outcome: BeforeAfter) -> None:
    click.echo(f"version {outcome.version} is ready, not active")
    for language, table in outcome.held_out.items():
        before, after = table[""]
        click.echo(f"on held-out phrases ({language}): {before:.1%} before, {after:.1%} after")
        for name, (old, new) in table.items():
            if name and abs(old - new) > 1e-9:
                click.echo(f"    {name}: {old:.0%} -> {new:.0%}")
    click.echo(
        f"of {outcome.compared} recent utterances {len(outcome.changed)} would be understood differently{':' if outcome.changed else ''}"
    )
    for change in outcome.changed:
        click.echo(
            f"    {change.text!r}: {change.before or 'out of scope'} -> {change.after or 'out of scope'} ({change.after_confidence:.0%})"
        )
    for intent, row in outcome.per_intent().items():
        click.echo(f"    {intent}: {row['won']} won, {row['lost']} lost")
    click.echo(f"use it: ivr intents activate {outcome.version}")


@intents.command()
@click.argument("version", required=False)
@shared
def activate(version: str | None, config: Path, data: Path, as_json: bool) -> None:
    """Use VERSION from the next call on; without VERSION, list what is on the shelf.

    Example: ivr intents activate 79cd09a50197
    """
    from ivr.intents.shelf import Shelf

    shelf = Shelf(data / "models")
    if version is not None:
        shelf.activate(version, getpass.getuser(), "activate")
        _print({"active": version}) if as_json else click.echo(f"version {version} is active")
        return
    rows = [
        {"version": row["version"], "trained_at": row.get("trained_at"), "active": row["version"] == shelf.active}
        for row in shelf.versions()
    ]
    if as_json:
        _print(rows)
    for row in [] if as_json else rows:
        click.echo(f"{'*' if row['active'] else ' '} {row['version']}  trained {row['trained_at']}")


@intents.command()
@shared
def rollback(config: Path, data: Path, as_json: bool) -> None:
    """Go back to the version that was active before.

    Example: ivr intents rollback
    """
    from ivr.intents.shelf import Shelf

    model = Shelf(data / "models").rollback(getpass.getuser())
    _print({"active": model.version}) if as_json else click.echo(f"version {model.version} is active again")
