"""Reading config/ as a whole: what becomes of it, what is missing, what is hostile."""

from __future__ import annotations

import shutil
from datetime import date, time
from pathlib import Path

import pytest

from ivr.configuration import load_configuration, names_of, read_configuration
from ivr.configuration.model import Delays, Override

GOOD = Path(__file__).parent / "good"
SAMPLE = Path(__file__).parents[2] / "config"


def test_values_have_their_units_and_names() -> None:
    found = load_configuration(GOOD)

    assert found.timezone == "Europe/London"
    assert found.agents["ana"].skills == {"english": 3, "spanish": 3, "general": 2, "billing": 1}
    general = found.queues["general"]
    assert (general.target_seconds, general.target_share, general.wrap_up_cap_seconds) == (20.0, 0.8, 300.0)
    assert general.delays == Delays(no_answer=10, rejected=10, busy=20, unreachable=60)
    assert general.overflow == ((120.0, ("technical",)),)
    weekdays = found.hours["weekdays"]
    assert weekdays.week[0] == ((time(8), time(20)),)
    assert weekdays.week[6] == ()
    assert found.hours["always"].week[6] == ((time(0), time(0)),)
    assert found.hours["always"].open_on_holidays
    assert found.holidays.dates[date(2026, 12, 24)] == ((time(8), time(12)),)
    assert found.overrides == (
        Override("billing", date(2027, 1, 4), date(2027, 1, 4), ((time(10), time(20)),), "Year-end closing of the books"),
    )
    assert found.numbers.lines["+34910000000"].language == "es-ES"


def test_names_for_flows_leave_out_what_is_private() -> None:
    names = names_of(load_configuration(GOOD))

    assert names.queues == {"general", "technical", "billing", "spanish"}
    assert names.connectors is not None and "customer_pin" not in names.connectors
    assert names.connectors["order_by_number"].arguments == ("number",)
    assert names.facts is not None and names.facts["customer"]["identified"] == "yes_no"
    assert names.intents is None  # no intents.yaml here: not known, so not checked


def test_every_missing_file_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    shutil.copy(GOOD / "skills.yaml", tmp_path)

    found = load_configuration(tmp_path)

    assert [(problem.file, problem.rule) for problem in found.problems] == [
        ("agents.yaml", "missing-file"),
        ("numbers.yaml", "missing-file"),
        ("queues.yaml", "missing-file"),
    ]
    assert "spanish" in found.skills


def test_the_hash_follows_every_byte() -> None:
    files = {path.name: path.read_text("utf-8") for path in GOOD.glob("*.yaml")}

    assert read_configuration(files).content_hash == read_configuration(dict(reversed(files.items()))).content_hash
    assert (
        read_configuration(files).content_hash
        != read_configuration({**files, "skills.yaml": files["skills.yaml"] + "\n"}).content_hash
    )


@pytest.mark.parametrize(
    "text",
    [
        "queues: " + "[" * 30 + "]" * 30,
        "queues: !!python/object/apply:os.system [true]",
        "a: &a [x]\nb: [*a, *a]",
        "queues:\n" + "\n".join(f"  q{n}: {{title: x}}" for n in range(3000)),
        "\x00",
        "just a sentence",
        "- a\n- list",
        "queues: 1",
        "queues: {general: [1, 2]}",
        "queues: {general: {hours: {a: b}, delays: 3, overflow: x, target: [1], needs: [english]}}",
        "hours: {always: closed}",
        "holidays: never",
        "overrides: {from: today}",
    ],
)
def test_hostile_text_is_told_and_never_raises(text: str) -> None:
    files = {path.name: path.read_text("utf-8") for path in GOOD.glob("*.yaml")}
    for name in files:
        assert read_configuration({**files, name: text}).problems


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    folder = shutil.copytree(GOOD, tmp_path / "config")
    (folder / "agents.yaml").write_bytes(b"agents: \xff\xfe")

    assert [problem.rule for problem in load_configuration(folder).problems] == ["encoding"]


def test_the_sample_world_is_sound() -> None:
    found = load_configuration(SAMPLE)

    assert found.problems == ()
    assert len(found.agents) == 6
    assert len(found.queues) == 4
    assert len((SAMPLE / "sample" / "customers.csv").read_text("utf-8").splitlines()) == 41
