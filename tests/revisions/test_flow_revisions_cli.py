"""`ivr flows publish | rollback | revisions | pull | push` as supervisors and scripts use them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ivr.cli.flow_revisions import publish, pull, push, revisions, rollback
from ivr.cli.flows import diff
from ivr.errors import IvrError

FLOW = """\
flow: support
format: 1
title: Support
languages: [en-GB]
steps:
  hello:
    say: Hello.
  bye:
    hangup: Goodbye.
"""
TEST = """\
test: Greets
flow: support
call:
  - hears: Hello.
"""


class Shell:
    """Runs commands against one data folder, with a flows folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.flows = folder / "flows"
        (self.flows / "tests").mkdir(parents=True)
        self.write("support.yaml", FLOW)

    def write(self, path: str, text: str) -> None:
        (self.flows / path).write_text(text, "utf-8")

    def run(self, command: object, *arguments: str) -> Result:
        return CliRunner().invoke(command, arguments, catch_exceptions=not arguments)  # type: ignore[arg-type]

    def publish(self, *arguments: str) -> Result:
        return self.run(publish, "--author", "ann", *arguments)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setenv("IVR_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("IVR_FLOWS_DIR", str(tmp_path / "flows"))
    monkeypatch.setenv("IVR_CONFIG_DIR", str(Path(__file__).parents[1] / "configuration" / "good"))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    return Shell(tmp_path)


def test_publishing_and_going_back(shell: Shell) -> None:
    assert shell.publish("--note", "first").output.startswith("Published as revision 1 (")
    assert shell.publish().output == "Nothing to publish: revision 1 holds the same.\n"
    shell.write("support.yaml", FLOW.replace("Hello.", "Hi."))
    assert json.loads(shell.publish("--json").output)["number"] == 2
    assert shell.run(rollback, "--author", "ben").output == "New calls run revision 1 again, within two seconds.\n"

    listed = json.loads(shell.run(revisions, "--json").output)
    assert [(line["number"], line["current"], line["note"]) for line in listed] == [(2, False, ""), (1, True, "first")]
    moved = json.loads(shell.run(revisions, "--moves", "--json").output)
    assert {**moved[0], "at": ""} == {"at": "", "kind": "rollback", "from": 2, "to": 1, "author": "ben", "note": ""}
    assert "*    1" in shell.run(revisions, "--limit", "5").output


def test_flow_tests_are_run_and_kept_with_the_revision(shell: Shell) -> None:
    shell.write("tests/hello.yaml", TEST)
    assert json.loads(shell.publish("--json").output)["tests"] == {"passed": 1}

    shell.write("support.yaml", FLOW.replace("Hello.", "Hi."))
    refused = shell.publish()

    assert refused.exit_code == 1
    assert "Greets: " in refused.output
    assert refused.output.endswith("Nothing published: 1 flow test failed.\n")
    assert shell.publish("--without-tests").exit_code == 0


def test_what_would_change_is_told_before_it_is_published(shell: Shell) -> None:
    shell.publish()
    shell.write("support.yaml", FLOW.replace("Hello.", "Hi."))
    changed = shell.run(diff)
    assert changed.output.startswith("support.hello: "), changed.output
    assert "Hi." in changed.output
    assert shell.run(diff, "1").output == changed.output
    shell.publish()
    assert shell.run(diff).output == "No difference that a caller would notice.\n"
    assert shell.run(diff, "1", "2").output == changed.output
    with pytest.raises(IvrError, match="no flow revision 9"):
        shell.run(diff, "9")
    with pytest.raises(IvrError, match="ivr flows revisions"):
        shell.run(diff, "nowhere")


def test_problems_are_shown_with_their_line_and_nothing_is_published(shell: Shell) -> None:
    shell.write("support.yaml", FLOW.replace("say: Hello.", "sya: Hello."))

    refused = shell.publish()

    assert refused.exit_code == 1
    assert "support.yaml:7:5: " in refused.output
    assert "    sya: Hello.\n" in refused.output
    assert "Nothing published:" in refused.output
    assert shell.run(revisions, "--limit", "9").output == "Nothing is published yet: run `ivr flows publish`.\n"


def test_a_conflict_is_one_sentence(shell: Shell) -> None:
    shell.publish()
    shell.write("support.yaml", FLOW.replace("Hello.", "Hi."))
    shell.publish()
    shell.write("support.yaml", FLOW.replace("Hello.", "Hey."))

    with pytest.raises(IvrError, match="revision 2 was published meanwhile"):
        shell.publish("--expect", "1")


def test_files_go_out_and_come_back_as_drafts(shell: Shell, tmp_path: Path) -> None:
    shell.publish()
    assert shell.run(pull, str(tmp_path / "out")).output.startswith("Wrote 1 files of revision 1")
    assert (tmp_path / "out" / "support.yaml").read_text("utf-8") == FLOW

    (tmp_path / "out" / "support.yaml").write_text(FLOW.replace("Hello.", "Hi."), "utf-8")
    with pytest.raises(IvrError, match="differs from revision 1"):
        shell.run(pull, str(tmp_path / "out"))
    assert (
        shell.run(push, "--folder", str(tmp_path / "out"), "--author", "ann").output == "1 drafts saved, 0 files marked to go.\n"
    )
    assert shell.publish("--drafts").output.startswith("Published as revision 2")
    assert shell.run(push, "--folder", str(tmp_path / "out"), "--author", "ann").output == "Nothing differs.\n"


def test_a_broken_configuration_stops_it_with_its_place(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IVR_CONFIG_DIR", str(tmp_path))

    with pytest.raises(IvrError, match="missing-file"):
        shell.publish("--json")
