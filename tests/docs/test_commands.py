"""Every command is on a page and shows an example, and every command line on a page is one that the program takes."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from ivr.cli import COMMANDS, cli
from tests.docs.pages import CommandLine, command_lines, commands_of, words_of


def all_commands() -> Iterator[tuple[str, click.Command]]:
    """("flows lint", command) for every command that is not a group."""
    context = click.Context(cli)

    def under(prefix: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
        if not isinstance(command, click.Group):
            yield prefix, command
            return
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found, f"{prefix} {name}"
            yield from under(f"{prefix} {name}", found)

    for name in COMMANDS:
        found = cli.get_command(context, name)
        assert found, name
        yield from under(name, found)


EVERY = list(all_commands())
LINES = list(command_lines())


def resolve(arguments: tuple[str, ...]) -> tuple[click.Command, list[str]]:
    """The command that `arguments` name, and the rest of them."""
    command: click.Command = cli
    rest = list(arguments)
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        found = command.get_command(click.Context(cli), rest[0])
        assert found is not None, f"no command {rest[0]!r}"
        command = found
        rest.pop(0)
    return command, rest


def parse(arguments: tuple[str, ...], *, complete: bool) -> None:
    """Raises click.UsageError where the program would not take them; files need not exist."""
    command, rest = resolve(arguments)
    if isinstance(command, click.Group):
        assert not rest or rest in (["--help"], ["-h"]), rest
        assert not complete or rest, f"{' '.join(arguments)} needs a command"
        return
    try:
        command.make_context(command.name or "", rest)
    except (click.MissingParameter, click.BadOptionUsage) as error:
        if complete or ("requires an argument" not in error.format_message() and not isinstance(error, click.MissingParameter)):
            raise
    except click.exceptions.Exit:
        assert {"--help", "-h"} & set(arguments)


@pytest.fixture
def files_need_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(click.Path, "convert", lambda self, value, param, ctx: value)


@pytest.mark.parametrize("line", LINES, ids=str)
def test_a_command_line_of_the_pages_is_taken(line: CommandLine, files_need_not_exist: None) -> None:
    parse(line.arguments, complete=line.typed)


@pytest.mark.parametrize(("name", "command"), EVERY, ids=[name for name, _ in EVERY])
def test_a_command_is_on_a_page_with_what_it_is_for(name: str, command: click.Command, files_need_not_exist: None) -> None:
    words = tuple(name.split())
    assert any(line.arguments[: len(words)] == words for line in LINES), f"`ivr {name}` is on no page"
    told = command.help or ""
    assert told.strip(), f"ivr {name} --help says nothing"
    examples = [text for line in told.splitlines() for text in commands_of(line.strip().removeprefix("Example: "))]
    assert examples, f"ivr {name} --help shows no example"
    for text in examples:
        parse(words_of(text.rstrip(".")), complete=True)


def test_help_is_quick_to_give() -> None:
    with click.Context(cli) as context:
        assert all(f"{name}" in cli.get_help(context) for name in COMMANDS)
