"""Every figure's link leads to exactly the calls that it counts: by group, over a clock change, whatever the thresholds."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from ivr.records.figures import FIGURES, Unit
from ivr.records.measures import Source
from ivr.records.query import list_calls, read_call_query
from ivr.records.record import Rules
from ivr.records.saving import close_call
from ivr.records.stats import figures, read_stats_query
from ivr.records.store import Store
from tests.records.conftest import MakeStore
from tests.records.journals import journal

AUTUMN = datetime(2026, 10, 24, 21, 0, tzinfo=UTC)  # the night of 23 and 25 hours: clocks go back at 01:00 UTC
NOW = AUTUMN + timedelta(days=40)


@pytest.fixture
def lively(sqlite_store: MakeStore) -> Store:
    """120 calls of every outcome over two nights, under thresholds that are not the usual ones."""
    store = sqlite_store(rules=Rules(target_seconds=30, short_abandon_seconds=10), clock=lambda: NOW)
    chance = random.Random(5)
    for n in range(120):
        start = AUTUMN + timedelta(minutes=chance.randrange(30 * 60), microseconds=chance.randrange(10**6))
        queue, agent, wait = (
            chance.choice(["general", "billing"]),
            chance.choice(["ana", "ben"]),
            chance.choice([3.0, 8.0, 25.0, 70.0]),
        )
        lines: list[tuple[float, str, dict[str, Any]]] = [(1, "StepEntered", {"kind": "menu", "step": "main", "flow": "support"})]
        if chance.random() < 0.8:
            lines.append(
                (
                    2,
                    "Understood",
                    {"step": "main", "intent": chance.choice(["refund", "pay_bill"]), "confidence": 0.9, "band": "accept"},
                )
            )
        kind = chance.choice(["answered", "answered", "abandoned", "callback", "self", "menu"])
        if kind in ("answered", "abandoned", "callback"):
            lines.append((5, "Queued", {"queue": queue}))
        if kind == "answered":
            lines += [
                (5 + wait, "Connected", {"queue": queue, "agent": agent, "leg_id": f"L{n}"}),
                (90 + wait, "LegEnded", {"leg_id": f"L{n}", "agent": agent}),
            ]
            lines.append(
                (
                    99 + wait,
                    "WrappedUp",
                    {
                        "leg_id": f"L{n}",
                        "agent": agent,
                        "seconds": 9,
                        "capped": n % 7 == 0,
                        "resolved": n % 5 > 0,
                        "disposition": [None, "done", "refund"][n % 3],
                    },
                )
            )
            if chance.random() < 0.5:
                lines.append(
                    (
                        95 + wait,
                        "Surveyed",
                        {"question": "csat", "answer": str(chance.randrange(1, 6)), "scale": "1-5", "direction": "up"},
                    )
                )
        elif kind == "callback":
            lines += [(9, "CallbackPlaced", {"queue": queue}), (9, "Dequeued", {"queue": queue, "result": "callback"})]
        elif kind == "self":
            lines.append((9, "GoalReached", {"goal": "told", "intent": "refund", "confirmed": chance.random() < 0.7}))
        lines.append(
            (200.0, "Ended", {"ended_by": "caller"}) if kind != "abandoned" else (5 + wait, "Ended", {"ended_by": "caller"})
        )
        number = None if chance.random() < 0.1 else f"+4477009000{chance.randrange(10, 60)}"
        close_call(store, journal(f"C{n:03d}", start, *sorted(lines, key=lambda line: line[0]), number=number), NOW)
    return store


def listed(store: Store, link: str, part: str = "") -> int:
    """How many calls are behind a link."""
    arguments = parse_qs(urlsplit(link).query)
    arguments["counted_in"][0] += part
    return len(list_calls(store, read_call_query({**arguments, "limit": ["500"]})).rows)


@pytest.mark.parametrize(
    ("group_by", "thresholds"), [("queue,day", {}), ("agent,hour", {"target_seconds": ["9"], "short_seconds": ["4"]})]
)
def test_a_link_lists_what_its_figure_counts(lively: Store, group_by: str, thresholds: dict[str, list[str]]) -> None:
    ask = {
        "from": ["2026-10-24"],
        "to": ["2026-10-27"],
        "tz": ["Europe/London"],
        "metrics": [",".join(FIGURES)],
        "group_by": [group_by],
        **thresholds,
    }
    found = figures(lively, read_stats_query(ask, lively, NOW), NOW, seconds=30)
    assert found["totals"]["contacts"]["value"] == 120
    wrong = []
    for n, row in enumerate([*found["rows"][:6], {"group": "total", "figures": found["totals"]}]):
        for name, shown in list(row["figures"].items())[n % 6 :: 6]:  # every figure somewhere, not everywhere
            figure = FIGURES[name]
            whole = shown["numerator"] if figure.count else shown["denominator"]
            if listed(lively, shown["calls"]) != whole:
                wrong.append((row["group"], name, whole, shown["calls"]))
            if (
                figure.unit is Unit.SHARE
                and figure.source is Source.CONTACTS
                and listed(lively, shown["calls"], ".numerator") != shown["numerator"]
            ):
                wrong.append((row["group"], f"{name}.numerator", shown["numerator"], shown["calls"]))
    assert wrong == []


def test_a_night_that_is_an_hour_longer_has_all_its_calls_once(lively: Store) -> None:
    ask = {"from": ["2026-10-25"], "to": ["2026-10-26"], "tz": ["Europe/London"], "metrics": ["contacts"]}
    by_hour = figures(lively, read_stats_query({**ask, "group_by": ["hour"]}, lively, NOW), NOW)
    in_london = list_calls(
        lively, read_call_query({"from": ["2026-10-25T00:00:00+01:00"], "to": ["2026-10-26T00:00:00+00:00"], "limit": ["500"]})
    )
    assert sum(row["figures"]["contacts"]["value"] for row in by_hour["rows"]) == len(in_london.rows)
    assert len({row["group"]["hour"] for row in by_hour["rows"]}) == len(by_hour["rows"])
    assert {"2026-10-25T01:00:00+01:00", "2026-10-25T01:00:00Z"} <= {row["group"]["hour"] for row in by_hour["rows"]}


def test_days_and_hours_that_come_again_are_listed_too(lively: Store) -> None:
    ask = {
        "from": ["2026-10-24"],
        "to": ["2026-10-27"],
        "tz": ["America/New_York"],
        "metrics": ["contacts,offered,abandoned,talk"],
        "group_by": ["weekday,hour_of_day"],
    }
    found = figures(lively, read_stats_query(ask, lively, NOW), NOW, seconds=30)
    assert len(found["rows"]) > 20
    for row in found["rows"][::4]:
        for name, shown in row["figures"].items():
            whole = shown["numerator"] if FIGURES[name].count else shown["denominator"]
            assert listed(lively, shown["calls"]) == whole, (row["group"], name, shown["calls"])


@pytest.mark.parametrize("group", ["team", "disposition", "agent", "queue"])
def test_a_leg_is_listed_under_its_own(sqlite_store: MakeStore, group: str) -> None:
    store = sqlite_store()
    for n in range(3):
        legs = [(1 + n, "general", "ana", "support", "done"), (60, "technical", "ben", "repairs", "refund")][: n + 1]
        lines: list[tuple[float, str, dict[str, Any]]] = [(1, "Queued", {"queue": "general"})]
        for at, queue, agent, team, disposition in legs:
            leg = {"leg_id": f"{agent}{n}", "agent": agent}
            lines += [
                (at, "Connected", {**leg, "queue": queue, "team": team}),
                (at + 9, "WrappedUp", {**leg, "seconds": 2, "disposition": disposition}),
            ]
        close_call(store, journal(f"C{n}", AUTUMN, *lines, (99, "Ended", {"ended_by": "caller"})), NOW)
    ask = {"from": ["2026-10-24"], "to": ["2026-10-25"], "metrics": ["aht_leg"], "group_by": [group]}
    rows = figures(store, read_stats_query(ask, store, NOW), NOW)["rows"]
    assert sorted(row["figures"]["aht_leg"]["denominator"] for row in rows) == [2, 3]
    assert [listed(store, row["figures"]["aht_leg"]["calls"]) for row in rows] == [
        row["figures"]["aht_leg"]["denominator"] for row in rows
    ]
