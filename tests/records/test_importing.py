"""History from other systems: what an export holds comes back as it was."""

from __future__ import annotations

import json
import random
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from ivr.records.export import stream
from ivr.records.import_tables import import_rows, imports
from ivr.records.importing import MOST_PROBLEMS, Imported, Progress, carry_on, import_calls
from ivr.records.query import read_call_query
from ivr.records.rollup_tables import half_hour_of
from ivr.records.saving import close_call, settle
from ivr.records.stats import figures, read_stats_query
from ivr.records.store import Store
from ivr.records.tables import calls, rollup_dirty
from tests.records.conftest import NOW, MakeStore
from tests.records.journals import answered, journal


def test_an_export_imported_elsewhere_gives_the_same_figures(sqlite_store: MakeStore) -> None:
    store = sqlite_store()
    told = [("csat", "2", "1-5", "up"), ("nps", "10", "0-10", "up"), ("ces", "2", "1-7", "down"), ("resolved", "0", "0-1", "up")]
    for n, (question, answer, scale, direction) in enumerate(told):
        asked = {"question": question, "answer": answer, "scale": scale, "direction": direction, "mode": "text"}
        lines = [
            (0.0, "Queued", {"queue": "general"}),
            (9.0, "Connected", {"queue": "general", "agent": "ana", "leg_id": "L"}),
            (60.0, "LegEnded", {"leg_id": "L", "agent": "ana"}),
        ]
        notes = journal(
            f"A{n}",
            NOW - timedelta(days=9) + timedelta(hours=n),
            *lines,
            (60.0, "Ended", {"ended_by": "caller"}),
            (300.0, "Surveyed", asked),
            number=f"+44770090000{n}",
        )
        close_call(store, notes, NOW)
    ask = {
        "from": ["2026-02-20"],
        "to": ["2026-03-01"],
        "metrics": ["contacts,csat,nps,ces,fcr,fcr_survey,survey_response_rate,asa,talk"],
        "group_by": ["queue"],
    }
    before = figures(store, read_stats_query(ask, store, NOW), NOW)["rows"]
    exported = b"".join(stream(store, read_call_query({}), "csv", masked=False)).decode()
    elsewhere = sqlite_store()
    assert import_calls(elsewhere, exported, "csv", NOW) == Imported(4)
    assert import_calls(elsewhere, exported, "csv", NOW) == Imported(4)
    assert figures(elsewhere, read_stats_query(ask, elsewhere, NOW), NOW)["rows"] == before
    assert before[0]["figures"]["ces"]["value"] == 6


def test_an_imported_call_is_the_repeat_of_one_taken_here(sqlite_store: MakeStore) -> None:
    store = sqlite_store()
    answered(store, "A", NOW, number="+447700900001")
    assert (store.row("A") or {})["fcr"] is True
    text = 'call_id,started_at,outcome,from_number,queue\n"B","2026-03-03T12:00:00Z","abandoned_in_queue","+447700900001","general"\n'
    assert import_calls(store, text, "csv", NOW).bad == ()
    assert ((store.row("A") or {})["fcr"], (store.row("A") or {})["repeat_call_id"]) == (False, "B")


HEAD = "call_id,started_at,outcome,from_number,queue,agent,intents,contact_id,ended_at"


def history(count: int, seed: int = 1) -> list[str]:
    """Lines of calls of a few people over some weeks, in no order; some belong to another call's contact."""
    rng = random.Random(seed)
    lines = []
    for n in range(count):
        at = NOW - timedelta(days=60) + timedelta(minutes=rng.randrange(60 * 24 * 60))
        of = f"C{rng.randrange(n)}" if n and rng.random() < 0.1 else ""
        number = rng.choice([*(f"+4477009001{k:02d}" for k in range(12)), ""])
        cells = [f"C{n}", at.isoformat(), rng.choice(["answered", "self_served", "abandoned_in_queue"]), number, rng.choice(["general", ""]),
                 rng.choice(["ana", ""]), rng.choice(["refund", "pay_bill", "refund;pay_bill", ""]), of, (at + timedelta(minutes=5)).isoformat()]  # fmt: skip
        lines.append(",".join(cells))
    return lines


def settled(store: Store) -> dict[str, tuple[object, ...]]:
    """What follows from other calls, by call."""
    names = (
        "fcr",
        "fcr_state",
        "fcr_excluded",
        "repeat_seconds",
        "repeat_call_id",
        "return_seconds",
        "contact_handled",
        "contact_handle_seconds",
    )
    with store.reading() as connection:
        rows = connection.execute(sa.select(calls).order_by(calls.c.call_id)).mappings()
        return {row["call_id"]: tuple(row[name] for name in names) for row in rows}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_many_at_once_are_judged_as_each_alone(sqlite_store: MakeStore, seed: int) -> None:
    store = sqlite_store()
    answered(store, "HERE", NOW - timedelta(days=65), number="+447700900103")  # an imported call is its repeat
    assert import_calls(store, "\n".join([HEAD, *history(300, seed)]), "csv", NOW) == Imported(300)
    together = settled(store)
    with store.writing(30) as connection:
        for call_id in together:
            settle(store, connection, call_id, call_id, NOW)
    assert settled(store) == together


def test_what_waited_is_gone_afterwards_and_every_half_hour_is_marked(make_store: MakeStore) -> None:
    store = make_store()
    import_calls(store, "\n".join([HEAD, *history(50)]), "csv", NOW)
    with store.reading() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(import_rows)) == 0
        marked = set(connection.scalars(sa.select(rollup_dirty.c.half_hour)))
        assert {half_hour_of(at) for at in connection.scalars(sa.select(calls.c.started_at))} <= marked


class Broken(Exception):
    """The process dies here."""


def die_at(stage: str) -> Progress:
    def told(now: str, done: int) -> None:
        if now == stage:
            raise Broken

    return told


@pytest.mark.parametrize("stage", ["moving", "contacts", "people", "marking", "clearing"])
def test_what_was_good_to_go_is_carried_on_by_another(make_store: MakeStore, stage: str) -> None:
    text = "\n".join([HEAD, *history(400)])
    whole = make_store()
    import_calls(whole, text, "csv", NOW)
    expected = settled(whole)
    store = make_store()
    with pytest.raises(Broken):
        import_calls(store, text, "csv", NOW, die_at(stage))
    assert carry_on(store, NOW + timedelta(minutes=1)) == 0  # it may be alive
    assert carry_on(store, NOW + timedelta(minutes=3)) == 1
    assert settled(store) == expected
    assert carry_on(store, NOW + timedelta(minutes=9)) == 0


def test_a_file_that_was_not_read_to_its_end_leaves_nothing(make_store: MakeStore) -> None:
    store = make_store()
    with pytest.raises(Broken):
        import_calls(store, "\n".join([HEAD, *history(400)]), "csv", NOW, die_at("reading"))
    assert carry_on(store, NOW + timedelta(minutes=3)) == 1
    with store.reading() as connection:
        for table in (calls, imports, import_rows):
            assert connection.scalar(sa.select(sa.func.count()).select_from(table)) == 0


def test_carrying_on_takes_no_longer_than_it_may(sqlite_store: MakeStore) -> None:
    store = sqlite_store()
    with pytest.raises(Broken):
        import_calls(store, "\n".join([HEAD, *history(900)]), "csv", NOW, die_at("moving"))
    rounds = 0
    while not carry_on(store, NOW + timedelta(minutes=3), seconds=0.0):
        rounds += 1
        assert rounds < 50
    assert len(settled(store)) == 900


def test_calls_are_recorded_while_a_file_is_imported(sqlite_store: MakeStore) -> None:
    store = sqlite_store()
    between: list[str] = []

    def meanwhile(stage: str, done: int) -> None:
        answered(store, f"{stage}{len(between)}", NOW, number="+447700900103")
        between.append(stage)

    assert import_calls(store, "\n".join([HEAD, *history(600)]), "csv", NOW, meanwhile).written == 600
    assert {"reading", "moving", "people", "clearing"} <= set(between)
    assert len(settled(store)) == 600 + len(between)


def test_a_call_taken_here_meanwhile_keeps_its_own_record(sqlite_store: MakeStore) -> None:
    store = sqlite_store()

    def meanwhile(stage: str, done: int) -> None:
        if stage == "reading":
            answered(store, "C0", NOW, talk=77)

    import_calls(store, "\n".join([HEAD, *history(10)]), "csv", NOW, meanwhile)
    row = store.row("C0") or {}
    assert (row["imported"], row["talk_seconds"]) == (0, 77)


def test_bad_rows_are_counted_beyond_those_that_are_listed(sqlite_store: MakeStore) -> None:
    lines = [f"{line},one too many" for line in history(MOST_PROBLEMS + 200)]
    found = import_calls(sqlite_store(), "\n".join([HEAD, *lines]), "csv", NOW)
    assert (found.written, len(found.bad), found.problems) == (0, MOST_PROBLEMS, len(lines))
    assert [row.line for row in found.bad[:2]] == [2, 3]


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        (f"{HEAD}\n{history(1)[0]}\n{history(1)[0]}\n", 3, "call_id C0 stands in line 2 already"),
        (f"{HEAD},colour\n{history(1)[0]},red\n", 1, '"colour" is not a field of a record'),
        (f"{HEAD}\n{history(1)[0]}\n{'x' * 1_000_001}\n", 3, "longer than 1,000,000 characters"),
        (f'{HEAD}\n"{"x" * 200_000}"\n', 2, "field larger than field limit"),
    ],
    ids=["twice", "unknown", "long", "wide"],
)
def test_what_is_wrong_with_a_file(sqlite_store: MakeStore, text: str, line: int, why: str) -> None:
    [problem] = import_calls(sqlite_store(), text, "csv", NOW).bad
    assert problem.line == line
    assert why in problem.why


def test_a_file_that_is_no_utf8(sqlite_store: MakeStore, tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    path.write_bytes(f"{HEAD}\n{history(1)[0]}\n".encode() + b"\xff\xfe\n")
    with path.open(encoding="utf-8-sig", newline="") as source:
        found = import_calls(sqlite_store(), source, "csv", NOW)
    assert (found.written, found.problems) == (0, 1)
    assert "utf-8" in found.bad[0].why


@pytest.mark.parametrize("survey", ["good", "[1]", '{"csat": 5}', '{"csat": {"score": "5"}}'])
def test_a_survey_of_another_form_is_not_imported(sqlite_store: MakeStore, survey: str) -> None:
    line = json.dumps({"call_id": "A", "started_at": "2026-03-02T12:00:00Z", "outcome": "answered", "survey": survey})
    assert "survey" in import_calls(sqlite_store(), line, "ndjson", NOW).bad[0].why
