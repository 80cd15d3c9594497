"""`ivr flows try` and `ivr flows test`: be a caller of the flows in a folder, or let written callers do it."""

from __future__ import annotations

import json
import time
from pathlib import Path

import click

import ivr.steps as _steps  # registers every kind of step
from ivr.cli.rehearsing import outside_of, record_of
from ivr.errors import FlowError
from ivr.flow_trials import Coverage, Line, Result, Stage, Trial, carry_out, line_of, read_trials, run_trial
from ivr.flow_trials.writing import written
from ivr.language.bundle import Bundle, compile_folder
from ivr.language.problems import shown
from ivr.language.values import Position
from ivr.rehearsal import Outside

assert _steps

TESTS = "tests"
HELP = """Type what the caller says. Other lines:
  #12*     keys              (empty line)  silence
  /wait 30s   time passes in a queue          /queue talked|no_answer|closed|nobody|full|failed
  /transfer talked|busy|no_answer|failed      /record 20s      /pay paid|declined|cancelled|failed
  /facts   what is known     /save FILE  keep this call as a flow test     /hangup"""

flows_option = click.option(
    "--flows",
    "flows_folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    envvar="IVR_FLOWS_DIR",
    default="flows",
    show_default=True,
    help="Folder of the flows.",
)
config_option = click.option(
    "--config",
    "config_folder",
    type=click.Path(path_type=Path),
    envvar="IVR_CONFIG_DIR",
    default="config",
    show_default=True,
    help="Folder of the configuration.",
)


def _bundle(flows: Path, outside: Outside, config: Path) -> Bundle:
    compiled = compile_folder(flows, outside.names if config.is_dir() else None)
    if compiled.bundle is None:
        for problem in compiled.problems:
            click.echo(shown(problem, []), err=True)
    return compiled.required()


@click.command("test")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path, exists=True))
@flows_option
@config_option
@click.option("--json", "as_json", is_flag=True, help="Results and coverage as JSON on standard output.")
@click.option("--coverage", "show_missed", is_flag=True, help="Name the steps and exits that no test went through.")
@click.option("--verbose", "-v", is_flag=True, help="Show every conversation, not only those that fail.")
def test(
    paths: tuple[Path, ...], flows_folder: Path, config_folder: Path, as_json: bool, show_missed: bool, verbose: bool
) -> None:
    """Run flow tests (default: the folder tests beside the flows) through the engine. Exit code 1 where one fails.

    Example: ivr flows test flows/tests/order.yaml --coverage
    """
    places = list(paths) or [flows_folder / TESTS]
    if not all(place.exists() for place in places):
        raise FlowError(f"there is no folder {places[0]}; docs/flow-tests.md says how a flow test is written")
    trials, problems = read_trials(places)
    for problem in problems:
        click.echo(str(problem), err=True)
    if problems:
        raise SystemExit(1)
    if not trials:
        raise FlowError(f"there are no flow tests in {places[0]}; docs/flow-tests.md says how one is written")
    outside = outside_of(config_folder)
    try:
        bundle = _bundle(flows_folder, outside, config_folder)
        started = time.perf_counter()
        results = [run_trial(bundle, outside, trial, record_of) for trial in trials]
        seconds = time.perf_counter() - started
    finally:
        outside.close()
    coverage = Coverage(bundle)
    for result in results:
        coverage.add(result)
    failed = [result for result in results if not result.passed]
    if as_json:
        click.echo(json.dumps(_report(results, coverage, seconds), indent=2, ensure_ascii=False))
    else:
        _tell(results, coverage, seconds, show_missed=show_missed, verbose=verbose)
    if failed:
        raise SystemExit(1)


def _report(results: list[Result], coverage: Coverage, seconds: float) -> dict[str, object]:
    steps, ways = coverage.every_step(), coverage.every_way()
    return {
        "tests": len(results),
        "failed": sum(not result.passed for result in results),
        "seconds": round(seconds, 3),
        "results": [
            {
                "test": result.trial.title,
                "file": result.trial.at.file,
                "line": result.trial.at.line,
                "passed": result.passed,
                "turns": result.turns,
                "failures": [str(failure) for failure in result.failures],
            }
            for result in results
        ],
        "coverage": {
            "steps": {
                "taken": len(steps) - len(coverage.missed_steps()),
                "of": len(steps),
                "missed": [".".join(s) for s in coverage.missed_steps()],
            },
            "exits": {
                "taken": len(ways) - len(coverage.missed_ways()),
                "of": len(ways),
                "missed": [" ".join((".".join(w[:2]), w[2])) for w in coverage.missed_ways()],
            },
        },
    }


def _tell(results: list[Result], coverage: Coverage, seconds: float, *, show_missed: bool, verbose: bool) -> None:
    for result in results:
        if verbose or not result.passed:
            click.echo(f"{'ok' if result.passed else 'FAILED'}: {result.trial.title}", err=not result.passed)
            for who, text in result.transcript:
                click.echo(f"    {who:>7}  {text}", err=not result.passed)
        for failure in result.failures:
            click.echo(click.style(str(failure), fg="red"), err=True)
    steps, ways = coverage.every_step(), coverage.every_way()
    missed_steps, missed_ways = coverage.missed_steps(), coverage.missed_ways()
    if show_missed:
        for flow, step in missed_steps:
            click.echo(f"no test comes to {flow}.{step}")
        for flow, step, way in missed_ways:
            if (flow, step) not in missed_steps:
                click.echo(f"no test leaves {flow}.{step} by {way}")
    failed = sum(not result.passed for result in results)
    click.echo(
        f"{len(results)} tests, {failed} failed, in {seconds:.2f} s. "
        f"Steps {len(steps) - len(missed_steps)} of {len(steps)}, exits {len(ways) - len(missed_ways)} of {len(ways)}."
    )


@click.command("try")
@click.argument("flow", default="")
@click.option("--from", "caller", default="withheld", show_default=True, help="Who calls: a number, withheld, sip:… or client:…")
@click.option("--to", "to_number", default="", help="The number dialled; its flow and language hold where FLOW is not given.")
@click.option("--at", "moment", default="", help="When, such as 2026-12-25T10:00 (the line's own time).")
@click.option("--language", default=None, help="The language of the number dialled.")
@flows_option
@config_option
def try_(
    flow: str, caller: str, to_number: str, moment: str, language: str | None, flows_folder: Path, config_folder: Path
) -> None:
    """Call a flow from the terminal, without carrier, queues or agents.

    Example: ivr flows try support --from +447700900101
    """
    outside = outside_of(config_folder)
    try:
        bundle = _bundle(flows_folder, outside, config_folder)
        name = flow or (_flow_of(outside, to_number) if to_number else next(iter(bundle.flows)))
        if name not in bundle.flows:
            raise FlowError(f'there is no flow "{name}"; there are {", ".join(bundle.flows)}')
        trial = Trial("Tried by hand", Position("", 1, 1), name, caller, to_number, language, moment)
        try:
            trial.started_at("UTC")
        except ValueError as error:
            raise FlowError(f'"{moment}" is no time; write it like 2026-12-25T10:00') from error
        _converse(Stage(bundle, outside, trial), trial)
    finally:
        outside.close()


def _flow_of(outside: Outside, number: str) -> str:
    line = outside.configuration.numbers.lines.get(number)
    return line.flow if line else ""


def _converse(stage: Stage, trial: Trial) -> None:
    click.echo(HELP)
    acts: list[tuple[Line, list[str]]] = []
    stage.arrive()
    told = 0
    while True:
        for who, text in stage.transcript[told:]:
            if who != "caller":
                click.echo(click.style(f"  {text}", fg="cyan" if who == "system" else "yellow"))
        told = len(stage.transcript)
        try:
            typed = input("(the call is over; /save FILE keeps it) > " if stage.over else "> ")
        except EOFError:
            typed = "" if stage.over else "/hangup"
        if _serve(stage, trial, acts, typed):
            continue
        if stage.over:
            return
        _act(stage, acts, typed)


def _serve(stage: Stage, trial: Trial, acts: list[tuple[Line, list[str]]], typed: str) -> bool:
    """Lines that are not the caller's: /facts and /save. Returns whether it was one."""
    command, _, rest = typed.strip().partition(" ")
    if command == "/facts":
        click.echo(json.dumps(stage.session.facts if stage.session else {}, indent=2, ensure_ascii=False))
    elif command == "/save":
        path = Path(rest or "call.yaml")
        heard_last = (Line("", trial.at), list(stage.heard))
        path.write_text(written(trial, [*acts, heard_last], stage.session.frame.step if stage.session else ""), encoding="utf-8")
        click.echo(f"  kept in {path}")
    else:
        return False
    return True


def _act(stage: Stage, acts: list[tuple[Line, list[str]]], typed: str) -> None:
    """Carry out one typed line."""
    heard = list(stage.heard)
    line, problem = line_of(*_verb_of(typed))
    if line is not None:
        problem = carry_out(stage, line)
    if problem or line is None:
        click.echo(f"  {problem}", err=True)
    else:
        acts.append((line, heard))


_COMMANDS = {
    "/wait": "waits",
    "/queue": "queue",
    "/transfer": "transfer",
    "/record": "records",
    "/pay": "pays",
    "/hangup": "hangs_up",
}


def _verb_of(typed: str) -> tuple[str, str]:
    text = typed.strip()
    if not text:
        return "silent", "yes"
    if text.startswith("#"):
        return "presses", text[1:] or "#"
    command, _, rest = text.partition(" ")
    if command.startswith("/"):
        return _COMMANDS.get(command, command), rest or "yes"
    return "says", text
