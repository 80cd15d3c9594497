"""`ivr`: the command line. Commands are loaded when they are called, so that `ivr --help` stays quick."""

from __future__ import annotations

import importlib
import sys

import click

from ivr import __version__
from ivr.errors import IvrError

# command -> (module, attribute, one line for `ivr --help`)
COMMANDS: dict[str, tuple[str, str, str]] = {
    "demo": ("ivr.cli.run", "demo", "Everything on one machine, with a local carrier and sample data."),
    "serve": ("ivr.cli.run", "serve", "Everything on one machine against the carrier in the environment."),
    "web": ("ivr.cli.run", "web", "One web process, as the Procfile starts it."),
    "worker": ("ivr.cli.run", "worker", "One worker for background jobs."),
    "clock": ("ivr.cli.run", "clock", "One clock: sweeps, offers and periodic work."),
    "phone": ("ivr.cli.phone", "phone", "Be a caller in the terminal."),
    "carrier": ("ivr.cli.carrier", "carrier", "The local Twilio-compatible carrier alone."),
    "flows": ("ivr.cli.flows", "flows", "Work on call flows: lint, try, test, publish, roll back."),
    "intents": ("ivr.cli.intents", "intents", "Work on spoken intent: train, evaluate, explain."),
    "calls": ("ivr.cli.calls", "calls", "Call records: list, show, export, recompute."),
    "stats": ("ivr.cli.calls", "stats", "Figures over calls, with numerator, denominator and definition."),
    "warehouse": ("ivr.cli.warehouse", "warehouse", "Records and figures for a columnar engine: Parquet and SQL views."),
    "callers": ("ivr.cli.callers", "callers", "What is kept about a caller: export, erase."),
    "board": ("ivr.cli.board", "board", "Queues and agents, now or at a past second."),
    "callbacks": ("ivr.cli.callbacks", "callbacks", "Promised callbacks: list, move, cancel."),
    "simulate": ("ivr.cli.simulate", "simulate", "What-if: a day of calls through the production routing policy."),
    "staff": ("ivr.cli.simulate", "staff", "The least staff per half-hour that meets targets."),
    "token": ("ivr.cli.access", "token", "Access tokens of the API."),
    "user": ("ivr.cli.access", "user", "People who may sign in."),
    "db": ("ivr.cli.access", "db", "Database: upgrade to the current schema."),
    "doctor": ("ivr.cli.doctor", "doctor", "Check settings, servers, carrier, flows; say what to mend."),
}


class Lazy(click.Group):
    """Loads a command's module only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[name]
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in COMMANDS.items()])


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ivr")
def cli() -> None:
    """A smart IVR: call flows in YAML, spoken intent, skill-based routing, honest call records.

    Start with `ivr demo`, then `ivr phone` in a second terminal.
    """


def main() -> None:
    """Entry point: errors meant for people become one line on standard error and exit 1."""
    try:
        cli(standalone_mode=True)
    except IvrError as error:
        click.echo(f"ivr: {error}", err=True)
        sys.exit(1)
