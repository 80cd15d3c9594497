"""docs/simulation.md names every figure, every setting of a scenario and every option, and its example can be simulated."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from ivr.cli.scenario_files import read_scenario
from ivr.cli.simulate import simulate, staff
from ivr.language.problems import Findings
from routing.simulation_figures import METRICS

PAGE = (Path(__file__).parents[2] / "docs" / "simulation.md").read_text(encoding="utf-8")


def settings_of(block: str) -> list[str]:
    """The settings that a block of a scenario takes, from the message about one that it does not take."""
    text = f"title: x\ncalls: {{a: {{arrivals: 1, handling: 1m{', zzzz: 1' if block == 'calls' else ''}}}}}\n"
    text += f"agents: {{b: {{count: 1{', zzzz: 1' if block == 'agents' else ''}}}}}\n"
    text += f"queues: {{a: {{weight: 1{', zzzz: 1' if block == 'queues' else ''}}}}}\n"
    text += f"policies: {{c: {{order: first_come{', zzzz: 1' if block == 'policies' else ''}}}}}\n"
    text += "zzzz: 1\n" if block == "" else ""
    findings = Findings()
    read_scenario("x.yaml", text, findings)
    (told,) = [problem for problem in findings.sorted() if problem.rule == "unknown-setting"]
    return re.findall(r"[a-z_]+", told.hint.split("Known here:")[1])


@pytest.mark.parametrize("name", METRICS)
def test_every_figure_is_explained(name: str) -> None:
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize("block", ["", "calls", "agents", "queues", "policies"])
def test_every_setting_is_explained(block: str) -> None:
    missing = [name for name in settings_of(block) if f"`{name}`" not in PAGE]
    assert missing == []


@pytest.mark.parametrize("command", [simulate, staff])
def test_every_option_is_explained(command: click.Command) -> None:
    options = [option for parameter in command.params for option in parameter.opts if option.startswith("--")]
    assert [option for option in options if f"`{option}" not in PAGE] == []


def test_the_example_can_be_simulated() -> None:
    findings = Findings()
    (example,) = [text for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) if text.startswith("title:")]
    read_scenario("docs/simulation.md", example, findings)
    assert findings.sorted() == ()
