"""`ivr intents`: work on what callers say."""

from __future__ import annotations

from pathlib import Path

import click


@click.group()
def intents() -> None:
    """Work on spoken intent: train, evaluate, explain.

    Example: ivr intents explain "where is my parcel"
    """


config_option = click.option(
    "--config",
    type=click.Path(path_type=Path),
    envvar="IVR_CONFIG_DIR",
    default="config",
    show_default=True,
    help="Folder of intents.yaml.",
)
data_option = click.option(
    "--data",
    type=click.Path(path_type=Path),
    envvar="IVR_DATA_DIR",
    default=".ivr",
    show_default=True,
    help="Folder that holds models.",
)


@intents.command()
@config_option
@data_option
@click.option("--no-activate", is_flag=True, help="Keep the new version on the shelf without using it.")
def train(config: Path, data: Path, no_activate: bool) -> None:
    """Train from config/intents.yaml.

    Example: ivr intents train
    """
    from ivr.intents.training import train as train_now

    version = train_now(config, data / "models", activate=not no_activate)
    click.echo(f"trained version {version}{'' if no_activate else ', active now'}")


@intents.command()
@click.argument("text")
@click.option("--language", default="en", show_default=True)
@config_option
@data_option
def explain(text: str, language: str, config: Path, data: Path) -> None:
    """Show how TEXT is understood.

    Example: ivr intents explain "my parcel never came"
    """
    from ivr.intents.recogniser import Recogniser

    understood = Recogniser.load(data / "models").understand(text, language)
    for candidate in understood.candidates:
        click.echo(f"{candidate.confidence:6.1%}  {candidate.intent}")
    click.echo("out of scope" if understood.out_of_scope else "in scope")
