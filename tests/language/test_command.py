"""`ivr flows …` as typed in a terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ivr.cli.flows import JOINED, flows
from ivr.errors import FlowError

SOUND = "flow: line\nformat: 1\nsteps:\n  adviser:\n    voicemail: Please speak.\n  goodbye:\n    hangup: Goodbye.\n"
BROKEN = SOUND.replace("voicemail", "voicemial")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(flows, [str(argument) for argument in arguments])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "line.yaml").write_text(SOUND)
    (tmp_path / "draft.yaml").write_text(BROKEN)
    return tmp_path


def test_lint_of_a_sound_file(folder: Path) -> None:
    result = run("lint", folder / "line.yaml", "--config", folder / "none")
    assert (result.exit_code, result.stdout) == (0, "No problems in 1 file.\n")


def test_lint_of_a_broken_file(folder: Path) -> None:
    result = run("lint", folder / "draft.yaml", "--config", folder / "none")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == (
        f'{folder}/draft.yaml:5:5: There is no kind of step "voicemial". Did you mean "voicemail"? [unknown-kind]\n'
        "        voicemial: Please speak.\n"
        "        ^^^^^^^^^\n"
        "1 error, 0 warnings in 1 file\n"
    )


def test_lint_as_json(folder: Path) -> None:
    result = run("lint", folder / "draft.yaml", "--json", "--config", folder / "none")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert (told["files"], told["errors"], told["warnings"]) == (1, 1, 0)
    assert told["problems"][0] == {
        "file": f"{folder}/draft.yaml",
        "line": 5,
        "column": 5,
        "length": 9,
        "severity": "error",
        "rule": "unknown-kind",
        "message": 'There is no kind of step "voicemial".',
        "hint": 'Did you mean "voicemail"?',
        "way": [],
    }


def test_lint_of_a_folder_tells_every_file(folder: Path) -> None:
    result = run("lint", folder, "--config", folder / "none")
    assert result.exit_code == 1
    assert "duplicate-flow" in result.stderr
    assert "in 2 files" in result.stderr


def test_warnings_are_errors_where_asked(folder: Path) -> None:
    (folder / "line.yaml").write_text(SOUND.replace("adviser:\n    voicemail: Please speak.", "greet:\n    say: Hello."))
    assert run("lint", folder / "line.yaml", "--config", folder / "none").exit_code == 0
    assert run("lint", folder / "line.yaml", "--strict", "--config", folder / "none").exit_code == 1


def test_lint_of_nothing(folder: Path) -> None:
    result = run("lint", folder / "absent.yaml")
    assert isinstance(result.exception, FlowError)


def test_binary_file(folder: Path) -> None:
    (folder / "line.yaml").write_bytes(bytes(range(256)) * 100)
    result = run("lint", folder / "line.yaml", "--config", folder / "none")
    assert result.exit_code == 1
    assert "[encoding]" in result.stderr


def test_graph(folder: Path) -> None:
    assert run("graph", folder / "line.yaml").stdout.startswith("<svg")
    assert "flowchart" in run("graph", folder / "line.yaml", "--mermaid").stdout
    target = folder / "line.svg"
    assert run("graph", "line", "--folder", folder, "-o", target).exit_code == 0
    assert target.read_text().startswith("<svg")
    assert isinstance(run("graph", "other", "--folder", folder).exception, FlowError)
    assert isinstance(run("graph", "line", "--folder", folder, "-o", folder / "no" / "x.svg").exception, FlowError)


def test_schema(folder: Path) -> None:
    assert json.loads(run("schema").stdout)["title"] == "A call flow"


def test_diff(folder: Path) -> None:
    other = folder / "other.yaml"
    other.write_text(SOUND.replace("Please speak.", "Speak now."))
    result = run("diff", folder / "line.yaml", other)
    assert result.stdout == 'line.adviser: voicemail now "Speak now.", was "Please speak."\n'
    assert json.loads(run("diff", folder / "line.yaml", other, "--json").stdout)[0]["kind"] == "changed"
    assert run("diff", other, other).stdout == "No difference that a caller would notice.\n"


def test_translate(folder: Path) -> None:
    (folder / "draft.yaml").unlink()
    (folder / "line.yaml").write_text(SOUND.replace("format: 1", "format: 1\nlanguages: [en-GB, es-ES]"))
    assert run("translate", "es-ES", "--folder", folder, "--check").exit_code == 1
    assert run("translate", "es-ES", "--folder", folder).exit_code == 0
    assert '"Please speak.":' in (folder / "prompts" / "es-ES.yaml").read_text()
    assert isinstance(run("translate", "fr-FR", "--folder", folder).exception, FlowError)


def test_help_names_every_command_without_loading_it() -> None:
    text = run("--help").stdout
    for name in ("lint", "graph", "diff", "schema", "translate", *JOINED):
        assert f"  {name} " in text


@pytest.mark.parametrize("name", JOINED)
def test_commands_of_other_modules_join(name: str) -> None:
    assert "Example:" in run(name, "--help").stdout
