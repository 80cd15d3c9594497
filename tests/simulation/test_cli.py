"""`ivr simulate` and `ivr staff` as people and scripts use them."""

from __future__ import annotations

import csv
import json
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ivr.cli import cli
from ivr.errors import IvrError
from routing.simulation import simulate

from .test_recorded import REAL, past

SCENARIOS = Path(__file__).parents[2] / "config" / "scenarios"
MONDAY = str(SCENARIOS / "monday.yaml")


def run(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(cli, arguments, input=given)


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """Two days of calls as `ivr calls export` writes them."""
    file = tmp_path / "calls.csv"
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["call_id", "queue", "queued_at", "queue_seconds", "handle_seconds", "outcome", "agent"])
        for number in range(2):
            midnight = datetime(2026, 11, 19 + number, tzinfo=UTC)
            for index, call in enumerate(past(simulate(REAL, number), REAL)):
                writer.writerow(
                    [
                        f"c{number}-{index}",
                        call.queue,
                        (midnight + timedelta(seconds=call.at_seconds)).isoformat(),
                        f"{call.waited_seconds:.3f}",
                        "" if call.handling_seconds is None else f"{call.handling_seconds:.3f}",
                        "answered" if call.answered else "abandoned_in_queue",
                        call.agent or "",
                    ]
                )
        writer.writerow(["c", "", "", "", "", "self_served", ""])
    return file


def test_one_scenario() -> None:
    result = run("simulate", MONDAY, "--replications", "3")
    assert result.exit_code == 0
    assert "A usual Monday at Acme" in result.stdout
    assert "spanish" in result.stdout
    assert "Seed 7" in result.stdout


def test_json_has_every_figure_with_its_interval() -> None:
    found = json.loads(run("simulate", MONDAY, "--replications", "3", "--seed", "5", "--json").stdout)
    assert (found["seed"], found["replications"]) == (5, 3)
    everything = next(scope for scope in found["figures"] if scope["scope"] == "all")["figures"]
    assert everything["service_level"]["low"] < everything["service_level"]["mean"] < everything["service_level"]["high"]
    assert {scope["scope"] for scope in found["figures"]} == {"all", "calls", "crew", "half_hour"}


def test_what_if_two_more() -> None:
    found = json.loads(run("simulate", MONDAY, "--add", "2 spanish 09:00-11:00", "--replications", "8", "--json").stdout)
    spanish = next(scope for scope in found["differences"] if (scope["scope"], scope["name"]) == ("calls", "spanish"))
    assert spanish["figures"]["service_level"]["verdict"] == "better"
    assert spanish["figures"]["service_level"]["low"] > 0


def test_two_scenarios_side_by_side() -> None:
    strict, head_start = (str(SCENARIOS / f"members_{name}.yaml") for name in ("strict", "head_start"))
    result = run("simulate", strict, "--compare", head_start, "--replications", "4")
    assert result.exit_code == 0
    assert "B less A" in result.stdout
    assert "points" in result.stdout


def _stricter(tmp_path: Path) -> Path:
    """A configuration like that of the product, with a target of 1 s for every queue."""
    folder = tmp_path / "changed"
    shutil.copytree(SCENARIOS.parent, folder)
    queues = (folder / "queues.yaml").read_text(encoding="utf-8")
    (folder / "queues.yaml").write_text(re.sub(r"within: \d+s", "within: 1s", queues), encoding="utf-8")
    return folder


def test_two_files_meet_the_same_callers(tmp_path: Path) -> None:
    """A copy differs by nothing at all; another number of agents is all that differs; other callers are said to be others."""
    text = Path(MONDAY).read_text(encoding="utf-8")
    copy, other = tmp_path / "copy.yaml", tmp_path / "other.yaml"
    copy.write_text(text.replace("seed: 7", "seed: 8"), encoding="utf-8")  # the first one's seed holds for both
    same = run("simulate", MONDAY, "--compare", str(copy), "--replications", "3", "--json")
    found = json.loads(same.stdout)
    assert found["figures"] == found["other_figures"] and same.stderr == ""
    assert {figure["mean"] for scope in found["differences"] for figure in scope["figures"].values()} <= {0.0, None}
    other.write_text(text.replace("late: {count: 7", "late: {count: 9"), encoding="utf-8")
    assert run("simulate", MONDAY, "--compare", str(other), "--replications", "2").stderr == ""
    other.write_text(text.replace('"09:00-11:00": 30', '"09:00-11:00": 31'), encoding="utf-8")
    assert (
        "due to staff and policy alone: spanish."
        in run("simulate", MONDAY, "--compare", str(other), "--replications", "2").stderr
    )


def test_two_configurations_govern_the_same_calls(tmp_path: Path, export: Path) -> None:
    changed = _stricter(tmp_path)
    export.write_text(
        export.read_text(encoding="utf-8").replace(",bills,", ",billing,").replace(",care,", ",general,"), encoding="utf-8"
    )
    for arguments in ((MONDAY,), ("--from-records", str(export), "--config", str(SCENARIOS.parent))):
        result = run("simulate", *arguments, "--compare", str(changed), "--replications", "2", "--json")
        assert result.exit_code == 0, (result.output, result.exception)
        found = json.loads(result.stdout)
        (this,), (other,) = (
            [scope["figures"] for scope in found[name] if scope["scope"] == "all"] for name in ("figures", "other_figures")
        )
        assert this["calls"] == other["calls"]
        assert this["service_level"]["mean"] > other["service_level"]["mean"], arguments
        if arguments != (MONDAY,):  # only the target is another
            assert this["mean_wait_seconds"] == other["mean_wait_seconds"]
        assert found["other_title"].endswith(f", with {changed}")
    (tmp_path / "empty").mkdir()
    assert "configures none of the queues" in run("simulate", MONDAY, "--compare", str(tmp_path / "empty")).output


def test_broken_scenario_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text(
        "title: x\ncalls:\n  a: {arrivals: 5, handling: 1m}\nagents:\n  b: {shift: '22:00-06:00'}\n", encoding="utf-8"
    )
    result = run("simulate", str(file))
    assert isinstance(result.exception, IvrError)
    assert f"{file}:5:14: The shift 22:00-06:00 ends before it starts." in result.stderr
    assert "cannot be simulated: 1 problem, told above" in str(result.exception)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "Name a scenario file or past calls"),
        ((MONDAY, "--back-test"), "--back-test needs past calls"),
        ((MONDAY, "--add", "2 spnish"), 'Did you mean "spanish"?'),
    ],
)
def test_misuse(arguments: tuple[str, ...], told: str) -> None:
    result = run("simulate", *arguments)
    assert result.exit_code == 2
    assert told in result.stderr


def test_a_file_that_is_not_there() -> None:
    result = run("simulate", "nowhere.yaml")
    assert "nowhere.yaml cannot be read" in str(result.exception)


def test_back_test_shows_the_error_beside_the_forecast(export: Path) -> None:
    result = run(
        "simulate", "--from-records", str(export), "--date", "2026-11-20", "--back-test", "--replications", "4", "--json"
    )
    found = json.loads(result.stdout)
    service_level = next(row for row in found["back_test"] if (row["scope"], row["figure"]) == ("all", "service_level"))
    assert abs(service_level["error"]) < 0.03
    assert service_level["error"] == pytest.approx(service_level["simulated"]["mean"] - service_level["happened"], abs=1e-5)
    table = run("simulate", "--from-records", str(export), "--date", "2026-11-20", "--back-test", "--replications", "2")
    assert "happened" in table.stdout


def test_a_scenario_written_from_records_can_be_simulated(export: Path, tmp_path: Path) -> None:
    target = tmp_path / "typical.yaml"
    written = run("simulate", "--from-records", str(export), "--write-scenario", str(target))
    assert written.exit_code == 0, written.stderr
    result = run("simulate", str(target), "--replications", "2", "--json")
    assert json.loads(result.stdout)["title"] == "A day like the 2 from 2026-11-19 to 2026-11-20"


def test_records_as_json_lines_from_standard_input(export: Path) -> None:
    lines = "\n".join(json.dumps(row) for row in csv.DictReader(export.read_text(encoding="utf-8").splitlines()))
    result = run("simulate", "--from-records", "-", "--replications", "2", "--json", given=lines)
    assert result.exit_code == 0, result.stderr


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("a,b\n1,2\n", "calls.csv:1: the columns queue, queued_at"),
        ('{"queue": \n', "calls.csv:1: this is no JSON object"),
        (
            "queue,queued_at,queue_seconds,handle_seconds,outcome,agent\nx,yesterday,1,2,answered,a\n",
            "calls.csv:2: Invalid isoformat",
        ),
        (
            "queue,queued_at,queue_seconds,handle_seconds,outcome,agent\nx,2026-11-20T09:00:00Z,-1,2,answered,a\n",
            "-1 is no number of seconds",
        ),
        ("queue,queued_at,queue_seconds,handle_seconds,outcome,agent\n", "holds no call that reached a queue"),
    ],
)
def test_broken_records(tmp_path: Path, content: str, told: str) -> None:
    file = tmp_path / "calls.csv"
    file.write_text(content, encoding="utf-8")
    assert told in str(run("simulate", "--from-records", str(file)).exception)


def test_records_of_another_world(export: Path) -> None:
    assert "is no time zone" in str(run("simulate", "--from-records", str(export), "--timezone", "Mars/North").exception)
    assert "on 2020-01-01" in str(run("simulate", "--from-records", str(export), "--date", "2020-01-01").exception)


def test_staff(tmp_path: Path) -> None:
    file = tmp_path / "two_hours.yaml"
    file.write_text(
        "title: Two hours\nday: {from: '09:00', to: '11:00'}\ncalls:\n"
        "  care: {arrivals: 90, handling: {exponential: 3m}, patience: {exponential: 2m}}\nagents:\n  team: {count: 1}\n",
        encoding="utf-8",
    )
    found = json.loads(run("staff", str(file), "--replications", "4", "--step", "60", "--share", "0.8", "--json").stdout)
    assert [(span["from"], span["to"]) for span in found["spans"]] == [("09:00", "10:00"), ("10:00", "11:00")]
    assert all(abs(span["agents"]["team"] - span["erlang_agents"]["team"]) <= 1 for span in found["spans"])
    table = run("staff", str(file), "--replications", "2", "--within", "60")
    assert "agent hours" in table.stdout
    assert "09:30" in table.stdout
