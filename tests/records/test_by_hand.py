"""A generated night with every trap, on the days around a clock change: each figure equals what a person computes from the public rows."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ivr.records import corrections
from ivr.records.fcr import decide_fcr
from ivr.records.figures import FIGURES
from ivr.records.query import read_call_query, stream_calls
from ivr.records.record import Rules
from ivr.records.retention import erase_caller
from ivr.records.rollups import refresh_rollups
from ivr.records.rows import public_row
from ivr.records.saving import close_call, recompute
from ivr.records.stats import figures, read_stats_query
from ivr.records.store import Store
from tests.records import by_hand
from tests.records.conftest import MakeStore
from tests.records.journals import journal

NIGHT = datetime(2026, 10, 31, 22, 0, tzinfo=UTC)  # clocks go back in New York at 06:00 UTC
NOW = NIGHT + timedelta(days=8)  # some windows of seven days have closed, some have not
SHARED = "+442079460999"
GROUPS = (
    "", "queue", "agent", "intent", "revision", "language", "segment", "model", "team", "day", "hour", "weekday", "agent,queue",
    "intent,revision", "outcome,day",
)  # fmt: skip
Line = tuple[float, str, dict[str, Any]]


def _talk(chance: random.Random, n: int, at: float, queue: str, more: list[Line]) -> float:
    """One or two agents' parts, from `at` on; gives when the last of them ended."""
    parts = 1 + (chance.random() < 0.25)
    for part in range(parts):
        agent = chance.choice(["ana", "ben", "cy"])
        leg = {"leg_id": f"L{n}.{part}", "agent": agent}
        talk = round(chance.lognormvariate(4, 0.7), 3)
        more.append((at, "Connected", {**leg, "queue": queue, "team": chance.choice(["care", "repairs", None])}))
        if chance.random() < 0.3:
            more.append((at + talk / 3, "HoldStarted", leg))
            if chance.random() < 0.8:  # else the caller hangs up on hold
                more.append((at + talk / 2, "HoldEnded", leg))
        at += talk
        last = part == parts - 1
        if not last:
            more.append((at - 0.5, "TransferStarted", {**leg, "to_kind": chance.choice(["agent", "queue"]), "to": "x"}))
        elif chance.random() < 0.2:
            more.append((at - 0.5, "TransferStarted", {**leg, "to_kind": "number", "to": "head_office"}))
        more.append((at, "LegEnded", {**leg, "reason": "transferred" if not last else "agent_hung_up"}))
        wrap = {"seconds": chance.choice([0, 5, 31.5, 300]), "capped": chance.random() < 0.2}
        resolved = chance.choice([None, None, True, True, False])
        if chance.random() < 0.9:  # else still awaited
            more.append(
                (at + 400, "WrappedUp", {**leg, **wrap, "resolved": resolved, "disposition": chance.choice([None, "done"])})
            )
        at += 1
    return at


def _survey(chance: random.Random, at: float, more: list[Line]) -> None:
    """Any of four questions, on scales that count and one that does not, with 10s and answers that were refused."""
    for question, scale, answers in (
        ("csat", "1-5", [1, 3, 4, 5, None]),
        ("nps", "0-10", [0, 6, 7, 9, 10, None]),
        ("ces", chance.choice(["1-7", "1-7", "1-5"]), [1, 4, 5]),
        ("resolved", "0-1", [0, 1, None]),
    ):
        if chance.random() < 0.6:
            answer = chance.choice(answers)
            direction = chance.choice(["up", "up", "down"]) if question != "resolved" else "up"
            more.append(
                (at, "Surveyed", {"question": question, "scale": scale, "direction": direction, "answer": answer, "mode": "keys"})
            )


def _call(chance: random.Random, n: int) -> list[list[Any]]:
    """The journals of one contact."""
    start = NIGHT + timedelta(seconds=chance.uniform(0, 34 * 3600))
    queue = chance.choice(["general", "billing"])
    more: list[Line] = []
    if chance.random() < 0.8:
        more.append((1, "StepEntered", {"kind": "menu", "step": "main", "flow": "support"}))
    if chance.random() < 0.7:
        about = {"step": "main", "intent": chance.choice(["order_status", "refund"]), "entity": chance.choice([None, "1", "2"])}
        more.append((2, "Understood", {**about, "model": chance.choice(["m1", "m2"])}))
    if chance.random() < 0.4:
        more.append((1, "Recognised", {"customer_id": f"c{chance.randrange(6)}", "segment": chance.choice(["home", "business"])}))
    if chance.random() < 0.2:
        more.append((3, "Reasked", {"field": "order"}))
    wait = chance.choice([0.0, 3.0, 4.999, 5.0, 19.999, 20.0, 20.001, 75.0])
    kind = chance.choice(["talk", "talk", "talk", "gave_up", "rang", "callback", "goal", "menu", "diverted"])
    also = []
    end = 5 + wait
    if kind not in ("goal", "menu"):
        more.append((5, "Queued", {"queue": queue}))
    if kind == "talk":
        end = _talk(chance, n, 5 + wait, queue, more) + 10
        _survey(chance, end - 5, more)
    elif kind == "rang":
        more.append((5 + wait / 2, "Offered", {"queue": queue, "agent": "ana", "leg_id": f"L{n}", "reservation": f"r{n}"}))
    elif kind == "diverted":
        more += [(end, "Dequeued", {"queue": queue, "result": "diverted"}), (end, "Queued", {"queue": "general"})]
        end += wait
    elif kind == "callback":
        more += [(end, "CallbackPlaced", {"queue": queue}), (end, "Dequeued", {"queue": queue, "result": "callback"})]
        if chance.random() < 0.6:
            back: list[Line] = []
            last = _talk(chance, 1000 + n, 10, queue, back)
            back.append((last, "Ended", {"ended_by": "agent"}))
            also.append(journal(f"B{n:03d}", start + timedelta(hours=1), *back, contact_id=f"C{n:03d}", direction="outbound"))
    elif kind == "goal":
        more.append((4, "GoalReached", {"goal": "told", "intent": "order_status", "confirmed": chance.random() < 0.7}))
    number = chance.choice([None, SHARED, *(f"+4477009001{m:02d}" for m in range(30))])
    if chance.random() < 0.97:  # else still on the line
        more.append((end, "Ended", {"ended_by": "caller"}))
    whole = journal(
        f"C{n:03d}", start, *sorted(more, key=lambda line: line[0]), number=number,
        language=chance.choice(["en-GB", "es-ES"]), revision=chance.choice(["1", "2"]),
    )  # fmt: skip
    return [whole, *also]


@pytest.fixture(params=["sqlite", "postgres"])
def night(request: pytest.FixtureRequest) -> Store:
    """The night's store, with rollups, decided windows and a supervisor's corrections."""
    make: MakeStore = request.getfixturevalue(f"{request.param}_store")
    store = make(rules=Rules(shared_numbers=frozenset({SHARED})), clock=lambda: NOW)
    chance = random.Random(11)
    for n in range(110):
        for notes in _call(chance, n):
            close_call(store, notes, NOW)
    decide_fcr(store, NOW)
    for call_id, field, value in (("C003", "fcr", False), ("C005", "resolved", False), ("C005", "resolved", None)):
        corrections.correct(store, call_id, field, value, reason="heard it", by="sam", now=NOW)
        recompute(store, call_id, NOW)
    while refresh_rollups(store):
        pass
    return store


def _rows(store: Store) -> list[by_hand.Row]:
    return [public_row(row, masked=True) for rows in stream_calls(store, read_call_query({}), parts=True) for row in rows]


def _differences(store: Store, rows: list[by_hand.Row], groups: str, tz: str, **more: str) -> list[Any]:
    """Where /stats and the hand disagree, for two local days."""
    zone = ZoneInfo(tz)
    days = "2026-10-31", "2026-11-02"
    ask = {
        "from": [days[0]],
        "to": [days[1]],
        "tz": [tz],
        "metrics": [",".join(FIGURES)],
        **({"group_by": [groups]} if groups else {}),
    }
    found = figures(store, read_stats_query({**ask, **{k: [v] for k, v in more.items()}}, store, NOW), NOW, seconds=60)
    names = [name for name in groups.split(",") if name]
    shown = {tuple(row["group"].values()): row["figures"] for row in found["rows"]} if names else {(): found["totals"]}
    start, end = (datetime.fromisoformat(day).replace(tzinfo=zone) for day in days)
    expected = {key: by_hand.figures(part) for key, part in by_hand.split(rows, names, start, end, zone).items()}
    assert set(shown) == set(expected)
    assert set(FIGURES) == set(next(iter(expected.values())))
    wrong = []
    for key, by_name in expected.items():
        for name, (over, under) in by_name.items():
            figure = shown[key][name]
            got = (figure["value"] if FIGURES[name].spread else figure["numerator"], figure["denominator"])
            if got != (pytest.approx(over, abs=0.0011), under):
                wrong.append((key, name, (over, under), got))
    return wrong


def test_every_figure_is_what_the_rows_give_also_when_callers_are_erased(night: Store) -> None:
    rows = _rows(night)
    zones = ("UTC", "America/New_York")
    for n, groups in enumerate(GROUPS):
        assert _differences(night, rows, groups, zones[n % 2]) == [], groups
    for groups in ("", "queue", "language"):  # from the calls instead of rollups
        assert _differences(night, rows, groups, zones[1], source="rows") == [], groups

    before = _totals(night)
    for number in range(10):
        erase_caller(night, f"+4477009001{number:02d}", NOW, "sam", also_without_calls=True)
    assert _totals(night) == before
    assert _differences(night, _rows(night), "", "UTC") == []


def _totals(store: Store) -> dict[str, Any]:
    ask = {"from": ["2026-10-31"], "to": ["2026-11-03"], "metrics": ["all"], "source": ["rows"]}
    totals: dict[str, Any] = figures(store, read_stats_query(ask, store, NOW), NOW, seconds=60)["totals"]
    return totals
