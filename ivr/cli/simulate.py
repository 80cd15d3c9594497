"""`ivr simulate` and `ivr staff`: questions about tomorrow, answered by the routing policy of today."""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from ivr import __version__
from ivr.cli import simulate_tables as tables
from ivr.cli.recorded_calls import load_recorded
from ivr.cli.scenario_files import read_scenario
from ivr.cli.scenario_writing import written
from ivr.cli.what_if import with_fewer, with_more, with_volume
from ivr.configuration.loading import load_configuration
from ivr.configuration.staff import read_skills
from ivr.errors import IvrError, RecordError, SettingError
from ivr.jobs.configuring import routing_of
from ivr.language.problems import ERROR, Findings, shown
from ivr.language.source import decode
from routing.model import Queue
from routing.simulation import simulate as simulate_once
from routing.simulation_draws import not_the_same_callers
from routing.simulation_figures import Measured, compare, measure, over_replications
from routing.simulation_recorded import as_it_was, as_measured, typical_day, under
from routing.simulation_scenario import Scenario
from routing.staffing import Plan, Requirement
from routing.staffing import staff as find_staff

FILE = click.Path(path_type=Path, dir_okay=False)
Tell = Callable[[str, float], None]  # (what is going on, share done 0..1)

config_option = click.option(
    "--config",
    "config_dir",
    type=click.Path(path_type=Path),
    envvar="IVR_CONFIG_DIR",
    default="config",
    show_default=True,
    help="Folder of skills.yaml and queues.yaml: skills that agents may have, policies and targets of past calls' queues.",
)
replications_option = click.option(
    "--replications", type=click.IntRange(1, 1000), help="How many days to play (default: the scenario's)."
)
seed_option = click.option("--seed", type=click.IntRange(0, 2**31), help="Seed of chance (default: the scenario's).")
json_option = click.option("--json", "as_json", is_flag=True, help="Machine-readable output.")


@click.command()
@click.argument("scenario", type=FILE, required=False)
@click.option(
    "--compare",
    "other",
    type=click.Path(path_type=Path),
    metavar="FILE or FOLDER",
    help="A second scenario, or a second configuration for the same calls: differences, each with its interval.",
)
@click.option(
    "--add", "added", multiple=True, metavar='"2 spanish 09:00-11:00"', help="What if: more agents of a group, or with a skill."
)
@click.option("--without", multiple=True, metavar='"1 late 17:00-20:00"', help="What if: fewer agents of a group.")
@click.option(
    "--volume", "volumes", multiple=True, metavar='"billing 120%"', help="What if: more or fewer calls of a kind, or of all."
)
@click.option(
    "--from-records",
    "records",
    type=click.Path(path_type=Path, allow_dash=True),
    help="Past calls (export as CSV or NDJSON; - reads standard input) instead of SCENARIO.",
)
@click.option("--date", "date", help="Only this day of the past calls, such as 2026-11-20.")
@click.option("--timezone", help="Time zone of the day of past calls (default: that of queues.yaml, else UTC).")
@click.option("--back-test", is_flag=True, help="Play the recorded day again and show the simulator's error beside its forecast.")
@click.option(
    "--write-scenario", "target_file", type=FILE, help="Write the scenario, as drawn from records or changed by --add, and stop."
)
@click.option("--half-hours", is_flag=True, help="Also show each half-hour.")
@replications_option
@seed_option
@config_option
@json_option
def simulate(
    scenario: Path | None,
    other: Path | None,
    added: tuple[str, ...],
    without: tuple[str, ...],
    volumes: tuple[str, ...],
    records: Path | None,
    date: str | None,
    timezone: str | None,
    back_test: bool,
    target_file: Path | None,
    half_hours: bool,
    replications: int | None,
    seed: int | None,
    config_dir: Path,
    as_json: bool,
) -> None:
    """What-if: a day of calls through the production routing policy.

    \b
    Examples:
      ivr simulate config/scenarios/monday.yaml
      ivr simulate config/scenarios/monday.yaml --add "2 spanish 09:00-11:00"
      ivr simulate config/scenarios/members_strict.yaml --compare config/scenarios/members_head_start.yaml
      ivr simulate config/scenarios/monday.yaml --compare ../changed/config
      ivr calls export --format csv | ivr simulate --from-records - --back-test
    """
    if (scenario is None) == (records is None):
        raise click.UsageError("Name a scenario file or past calls with --from-records, one of the two.")
    if back_test and records is None:
        raise click.UsageError("--back-test needs past calls: add --from-records FILE.")
    if back_test and (added or without or volumes or other):
        raise click.UsageError("--back-test plays the day as it was: leave out --add, --without, --volume and --compare.")
    if other is not None and (added or without or volumes):
        raise click.UsageError("Compare with another scenario, or with a change of this one: not both at once.")
    if records is not None:
        queues, local_zone = configured(config_dir)
        calls = load_recorded(records, timezone or local_zone, date)
        try:
            base = (as_it_was if back_test else typical_day)(calls, queues)
        except ValueError as error:
            raise RecordError(str(error)) from error
    else:
        assert scenario is not None
        base = load_scenario(scenario, config_dir)
    base = _chosen(base, replications, seed)
    changed = base
    for option, asked_for, change in (
        ("--add", added, with_more),
        ("--without", without, with_fewer),
        ("--volume", volumes, with_volume),
    ):
        for asked in asked_for:
            try:
                changed = change(asked, changed)
            except ValueError as error:
                raise click.BadParameter(str(error), param_hint=option) from error
    if target_file is not None:
        _write(target_file, written(changed))
        return
    if other is not None and other.is_dir():
        changed = _under(base, other)
    elif other is not None:
        changed = _chosen(load_scenario(other, config_dir), base.replications, base.seed)
        if (unlike := not_the_same_callers(base, changed)) and not as_json:
            click.echo(
                f"These callers differ in the two, so that differences are not due to staff and policy alone: {', '.join(unlike)}.",
                err=True,
            )
    started = time.perf_counter()
    with progress() as tell:
        these = _play(base, tell)
        others = _play(changed, tell) if changed is not base else None
    context = _context(base, time.perf_counter() - started)
    if back_test:
        happened = as_measured(base)
        tables.back_test(base, over_replications(these), happened, context, as_json)
    elif others is None:
        tables.one(base, over_replications(these), context, half_hours, as_json)
    else:
        tables.two(
            base,
            changed,
            over_replications(these),
            over_replications(others),
            compare(these, others),
            context,
            half_hours,
            as_json,
        )


@click.command()
@click.argument("scenario", type=FILE)
@click.option("--within", type=click.FloatRange(0, 3600), help="Target: answered within so many seconds (default: the queue's).")
@click.option(
    "--share", type=click.FloatRange(0, 0.9999), help="Target: this share of calls, such as 0.8 (default: the queue's)."
)
@click.option("--abandoned", type=click.FloatRange(0, 1), default=1.0, help="Target: at most this share hangs up.")
@click.option("--step", type=click.Choice(["30", "60"]), default="30", show_default=True, help="Minutes per span.")
@replications_option
@seed_option
@config_option
@json_option
def staff(
    scenario: Path,
    within: float | None,
    share: float | None,
    abandoned: float,
    step: str,
    replications: int | None,
    seed: int | None,
    config_dir: Path,
    as_json: bool,
) -> None:
    """The least staff per half-hour that meets targets.

    The scenario's groups say who there is to choose from (skills); its counts and shifts are not used. Erlang A gives the first
    guess per skill group, simulation decides.

    Example: ivr staff config/scenarios/monday.yaml --share 0.8 --within 20
    """
    base = _chosen(load_scenario(scenario, config_dir), replications, seed)
    requirement = Requirement(within, share, abandoned)
    started = time.perf_counter()
    with progress() as tell:
        try:
            plan: Plan = find_staff(
                base, requirement, span_seconds=int(step) * 60.0, on_progress=lambda done: tell("Staffing", done)
            )
        except ValueError as error:
            raise IvrError(str(error)) from error
    tables.staffing(base, plan, _context(base, time.perf_counter() - started), as_json)


def load_scenario(file: Path, config_dir: Path) -> Scenario:
    """Read a scenario; problems go to standard error with the line they are on, and end the command."""
    findings = Findings()
    try:
        text = decode(file.read_bytes(), str(file), findings)
    except OSError as error:
        raise SettingError(f"{file} cannot be read: {error.strerror}.") from error
    skills = None
    skills_file = config_dir / "skills.yaml"
    if skills_file.is_file():
        skills = read_skills(skills_file.read_text(encoding="utf-8"), Findings())
    scenario = read_scenario(str(file), text, findings, skills) if text is not None else None
    problems = findings.sorted()
    for problem in problems:
        click.echo(shown(problem, (text or "").splitlines()), err=True)
    errors = sum(problem.severity == ERROR for problem in problems)
    if errors or scenario is None:
        raise SettingError(f"{file} cannot be simulated: {errors} problem{'s' if errors != 1 else ''}, told above.")
    return scenario


def configured(config_dir: Path) -> tuple[dict[str, Queue], str]:
    """The queues of config/queues.yaml, whose policies and targets past calls are judged by, and its time zone.

    No queues and UTC where there is no such file.
    """
    if not (config_dir / "queues.yaml").is_file():
        return {}, "UTC"
    configuration = load_configuration(config_dir)
    _, queues = routing_of(configuration)
    return {queue.queue_id: queue for queue in queues}, configuration.timezone


def _under(scenario: Scenario, folder: Path) -> Scenario:
    """The same calls and agents with the queues of another configuration: its policies, targets, weights and shares."""
    queues, _ = configured(folder)
    if not queues.keys() & scenario.queues.keys():
        names = ", ".join(sorted(scenario.queues))
        raise click.UsageError(f"{folder} configures none of the queues {names}: there would be nothing to compare.")
    return replace(scenario, title=f"{scenario.title}, with {folder}", queues=under(queues, scenario.queues))


@contextmanager
def progress() -> Iterator[Tell]:
    """A bar on a terminal, nothing in a pipe."""
    if not sys.stderr.isatty():
        yield lambda what, done: None
        return
    from rich.console import Console

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda what, done: bar.update(task, description=what, completed=done)


def _play(scenario: Scenario, tell: Tell) -> list[Measured]:
    measured = []
    span_seconds = max(1.0, scenario.to_seconds - scenario.from_seconds)
    for replication in range(scenario.replications):

        def on_time(now: float, replication: int = replication) -> None:
            done = min(1.0, (now - scenario.from_seconds) / span_seconds)
            tell(scenario.title, (replication + done) / scenario.replications)

        measured.append(measure(scenario, simulate_once(scenario, replication, on_time)))
        tell(scenario.title, (replication + 1) / scenario.replications)
    return measured


def _chosen(scenario: Scenario, replications: int | None, seed: int | None) -> Scenario:
    return replace(
        scenario,
        replications=scenario.replications if replications is None else replications,
        seed=scenario.seed if seed is None else seed,
    )


def _context(scenario: Scenario, seconds: float) -> dict[str, object]:
    """What is needed to get the same figures again."""
    return {
        "replications": scenario.replications,
        "seed": scenario.seed,
        "seconds": round(seconds, 2),
        "version": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "machine": f"{platform.system()} {platform.machine()}",
    }


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SettingError(f"{file} cannot be written: {error.strerror}.") from error
    click.echo(f"{file} written. Try: ivr simulate {file}")
