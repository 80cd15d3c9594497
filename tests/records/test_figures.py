"""The golden service-level day, figures against a computation by hand, and what makes them reliable."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from ivr.records.estimate import Survival, between_days, estimate, predict, survival
from ivr.records.fcr import decide_fcr
from ivr.records.figures import FIGURES, NAMES, counted_in
from ivr.records.parameters import BadQuery
from ivr.records.query import list_calls, read_call_query
from ivr.records.record import Rules
from ivr.records.rollups import rebuild_rollups, refresh_rollups
from ivr.records.rows import digits
from ivr.records.saving import close_call
from ivr.records.schedules import stats_csv
from ivr.records.spread import MOST_EXACT, Spread
from ivr.records.stats import figures, read_stats_query
from ivr.records.store import Store
from ivr.records.sums import Scope, sum_rows
from ivr.records.tables import calls
from tests.records.conftest import NOW, MakeStore
from tests.records.journals import abandoned, answered, journal

GOLDEN = {1: 0.830, 2: 0.860, 3: 0.811, 4: 0.827, 5: 0.821, 6: 0.819}


def _insert(store: Store, **columns: object) -> dict[str, object]:
    row = {
        "contact_id": columns["call_id"], "is_contact": 1, "direction": "inbound", "caller_kind": "phone", "intents": [], "queue": "general", "started_at": NOW,
        "queued_at": NOW, "ended_at": NOW + timedelta(minutes=5), "fcr_state": "excluded", "updated_at": NOW,
    }  # fmt: skip
    return {**row, **columns}


def test_the_golden_day_gives_six_answers_to_the_digit(make_store: MakeStore) -> None:
    store = make_store()
    rows = [
        _insert(store, call_id=f"A{n}", outcome="answered", handled=1, contact_handled=1, queue_seconds=20.0 if n < 860 else 21.0)
        for n in range(1000)
    ]
    waits = [4.9] * 10 + [20.0] * 10 + [90.0] * 40
    rows += [
        _insert(store, call_id=f"B{n}", outcome="abandoned_in_queue", handled=0, contact_handled=0, queue_seconds=w)
        for n, w in enumerate(waits)
    ]
    with store.writing(30) as connection:
        connection.execute(calls.insert(), rows)
    query = {
        "from": ["2026-03-02"],
        "to": ["2026-03-03"],
        "metrics": [",".join(f"service_level_{n}" for n in GOLDEN) + ",service_level"],
    }
    rebuild_rollups(store)
    for source in ("auto", "rows"):
        found = figures(store, read_stats_query({**query, "source": [source]}, store, NOW), NOW)["totals"]
        assert {n: round(found[f"service_level_{n}"]["value"], 3) for n in GOLDEN} == GOLDEN
        assert found["service_level"]["value"] == found["service_level_6"]["value"]


def test_every_figure_can_be_asked_for_and_lists_the_calls_it_counts(store: Store) -> None:
    for n in range(6):
        answered(
            store, f"A{n}", NOW + timedelta(minutes=n), wait=4.0 * n, agent="ana" if n % 2 else "ben", number=f"+44770090000{n}"
        )
    abandoned(store, "B", NOW, wait=40, number="+447700900009")
    # One queue after the other, over midnight: the stays count elsewhere than the contact.
    late = NOW.replace(hour=23, minute=59, second=50)
    overflow = journal(
        "O", late, (5, "Queued", {"queue": "general"}), (25, "Dequeued", {"queue": "general", "result": "diverted"}), (25, "Queued", {"queue": "technical"}),
        (40, "Connected", {"queue": "technical", "agent": "eva", "leg_id": "LO"}), (90, "Ended", {"ended_by": "caller"}), number="+447700900019",
    )  # fmt: skip
    close_call(store, overflow, late + timedelta(minutes=5))
    metrics = ",".join(name for name in NAMES if name != "occupancy")
    given = {"from": ["2026-03-02"], "to": ["2026-03-03"], "metrics": [metrics], "group_by": ["queue"]}
    found = figures(store, read_stats_query(given, store, NOW), NOW)
    for row in found["rows"]:
        for name, figure in row["figures"].items():
            assert figure["definition"]
            link = dict(pair.split("=", 1) for pair in figure["calls"].partition("?")[2].split("&"))
            arguments = {key: [value.replace("%3A", ":").replace("%28none%29", "(none)")] for key, value in link.items()}
            listed = len(list_calls(store, read_call_query(arguments)).rows)
            counted = figure["denominator"] if figure["denominator"] is not None else figure["value"]
            assert listed == counted, (name, row["group"])


def test_counted_in_refuses_what_it_does_not_know() -> None:
    with pytest.raises(BadQuery, match='Did you mean "aht_leg"'):
        counted_in("aht_legs")
    with pytest.raises(BadQuery, match="unknown part"):
        counted_in("fcr.middle")


def test_figures_are_declared_with_measures_of_one_source() -> None:
    for figure in FIGURES.values():
        assert len({m.source for m in figure.measures}) == 1, figure.name


def test_rollups_equal_rows_whatever_changes(make_store: MakeStore) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    rng = random.Random(seed)
    store = make_store()
    ask = {
        "from": ["2026-03-01"],
        "to": ["2026-03-05"],
        "group_by": ["agent,hour"],
        "metrics": ["contacts,aht_leg,aht_contact,fcr,asa,abandonment_rate"],
    }
    for n in range(18):
        start = NOW + timedelta(minutes=rng.randrange(0, 600))
        if rng.random() < 0.7:
            answered(
                store,
                f"C{rng.randrange(25)}",
                start,
                wait=rng.randrange(60),
                talk=rng.randrange(300),
                agent=rng.choice(["ana", "ben"]),
                number=f"+4477009000{rng.randrange(10, 20)}",
            )
        else:
            abandoned(store, f"D{n}", start, wait=rng.randrange(60), number=f"+4477009000{rng.randrange(10, 20)}")
        if n % 9 == 8:
            rows = figures(store, read_stats_query({**ask, "source": ["rows"]}, store, NOW), NOW)
            assert figures(store, read_stats_query(ask, store, NOW), NOW)["rows"] == rows["rows"]
            refresh_rollups(store)
            assert figures(store, read_stats_query(ask, store, NOW), NOW)["rows"] == rows["rows"]


@pytest.mark.parametrize(
    ("group_by", "where", "source"),
    [
        ("queue,agent", {}, "rollups"),
        ("agent,queue,day", {}, "rollups"),
        ("queue,intent", {"intent": ["refund", "(none)"]}, "rollups"),
        ("language", {"queue": ["sales"]}, "rollups"),
        ("revision,hour", {"intent": ["refund"]}, "rollups"),
        ("hour", {}, "rollups"),
        ("agent,language", {}, "rows"),
        ("queue,agent,intent", {}, "rows"),
        ("queue,agent", {"language": ["en-GB"]}, "rows"),
        ("team,day", {}, "rows"),
    ],
)
def test_crossings_are_the_same_from_rollups_and_rows(
    sqlite_store: MakeStore, group_by: str, where: dict[str, list[str]], source: str
) -> None:
    store = sqlite_store()
    for n, (queue, agent, language) in enumerate(
        [("sales", "ana", "en-GB"), ("sales", "ben", "es-ES"), ("help", "ana", "en-GB")] * 2
    ):
        answered(
            store,
            f"A{n}",
            NOW + timedelta(minutes=20 * n),
            queue=queue,
            agent=agent,
            language=language,
            revision=str(n // 3),
            wait=7.0 * n,
        )
    abandoned(store, "D", NOW + timedelta(minutes=45), wait=31, queue="help")
    refresh_rollups(store)
    ask = {
        "from": ["2026-03-02"],
        "to": ["2026-03-03"],
        "group_by": [group_by],
        "metrics": ["contacts,aht_leg,aht_leg_p90,wait_p90,asa,offered,fcr"],
        **where,
    }
    found = figures(store, read_stats_query(ask, store, NOW), NOW)
    assert found["source"] == source
    rows = figures(store, read_stats_query({**ask, "source": ["rows"]}, store, NOW), NOW)
    assert (found["rows"], found["totals"]) == (rows["rows"], rows["totals"])


def test_spreads_are_exact_while_small_and_close_when_large() -> None:
    rng = random.Random(7)
    values = [rng.expovariate(1 / 200) for _ in range(20_000)]
    whole = Spread()
    for start in range(0, len(values), 500):
        whole.merge(Spread.from_bytes(Spread(values[start : start + 500]).to_bytes()))
    ordered = sorted(values)
    for share in (0.5, 0.9):
        found = whole.percentile(share)
        assert found is not None
        rank = sum(v <= found for v in ordered) / len(ordered)
        assert abs(rank - share) < 0.005
    small = Spread([3.0, 5.0])
    assert small.percentile(0.5) == 4.0
    assert len(small.values) <= MOST_EXACT
    assert Spread().percentile(0.5) is None


def test_survival_follows_the_product_limit() -> None:
    # 10 at risk; 1 repeats in hour 0; then 2 leave unseen in hour 1, half of whose time counts; 1 repeats in hour 1.
    known = survival({0: 1, 1: 1}, {1: 2}, 10, 2)
    assert known.alive[1] == pytest.approx(0.9)
    assert known.alive[2] == pytest.approx(0.9 * (1 - 1 / 8))


def test_days_that_differ_by_more_than_chance_widen_the_interval() -> None:
    assert between_days([(100, 20)] * 30) == 0.0
    assert between_days([(1000, 100), (1000, 300)] * 30) == pytest.approx(0.5, abs=0.01)
    assert between_days([]) == between_days([(10, 0)]) == between_days([(10, 10)]) == 0.0
    steady = Survival([1.0, 0.8], [0.0, 1e-6], 1)
    narrow = predict(steady, 1, 0, 0, {0: 1000})
    wide = predict(replace(steady, between_days=0.5), 1, 0, 0, {0: 1000})
    assert narrow is not None
    assert wide is not None
    assert wide.value == narrow.value
    assert wide.high - wide.low > 3 * (narrow.high - narrow.low)


def test_nothing_is_estimated_without_history() -> None:
    assert predict(survival({}, {0: 5}, 5, 24), 24, 0, 0, {0: 5}) is None
    assert predict(survival({}, {}, 0, 24), 24, 1, 3, {}) is not None  # nothing is open: it is known


def test_provisional_fcr_lies_in_its_interval_on_nine_days_of_ten(sqlite_store: MakeStore) -> None:
    """A generated half-year of 60 contacts a day: each day's estimate, made on the day after, against what it came to."""
    seed = 20260302
    rng = random.Random(seed)
    print(f"seed {seed}")
    store = sqlite_store(rules=Rules())
    rows = []
    for n in range(180 * 60):
        ended = NOW + timedelta(minutes=24 * n)
        repeats = rng.random() < (0.16 + 0.06 * ((n // 60) % 7 in (5, 6)))
        gap = min(rng.expovariate(1 / (1.8 * 86400)), 29 * 86400) if repeats else None
        rows.append(
            _insert(
                store,
                call_id=f"C{n}",
                outcome="answered",
                started_at=ended,
                ended_at=ended,
                contact_handled=1,
                handled=1,
                fcr_state="provisional",
                repeat_seconds=gap,
            )
        )
    with store.writing(60) as connection:
        connection.execute(calls.insert(), rows)
    inside = days = 0
    gaps = [row["repeat_seconds"] for row in rows]
    for day in range(60, 170, 5):
        start = NOW + timedelta(days=day)
        asked_at = start + timedelta(days=2)
        # As things stood then: repeats that had not come yet were not known.
        with store.writing(60) as connection:
            known = sa.case(
                (
                    calls.c.repeat_seconds * 1_000_000 + sa.cast(calls.c.ended_at, sa.BigInteger)
                    > int(asked_at.timestamp() * 1e6),
                    None,
                ),
                else_=calls.c.repeat_seconds,
            )
            connection.execute(calls.update().values(repeat_seconds=known))
            scope = Scope(start, start + timedelta(days=1), read_stats_query({}, store, NOW).scope.zone)
            found = estimate(connection, scope, asked_at, 7 * 86400.0)
            connection.execute(
                calls.update().where(calls.c.call_id == sa.bindparam("b")).values(repeat_seconds=sa.bindparam("g")),
                [{"b": f"C{n}", "g": g} for n, g in enumerate(gaps) if g is not None],
            )
        assert found is not None
        mine = gaps[day * 60 : day * 60 + 60]
        final = sum(g is None or g >= 7 * 86400 for g in mine) / 60
        days += 1
        inside += found.low - 1e-9 <= final <= found.high + 1e-9
    assert inside / days >= 0.9, f"{inside} of {days}"


def test_deciding_is_complete_and_safe_to_repeat(store: Store) -> None:
    for n in range(12):
        answered(store, f"A{n}", NOW + timedelta(minutes=n), number=f"+4477009001{n:02d}")
    assert decide_fcr(store, NOW + timedelta(days=1)) == 0
    assert decide_fcr(store, NOW + timedelta(days=8)) == 12
    assert decide_fcr(store, NOW + timedelta(days=8)) == 0


def test_sum_rows_of_nothing_is_nothing(store: Store) -> None:
    scope = read_stats_query({}, store, NOW).scope
    with store.reading() as connection:
        found = sum_rows(
            connection, scope, ["queue"], list(FIGURES["contacts"].measures), [], read_stats_query({}, store, NOW).thresholds
        )
    assert found == {}


def test_answers_come_with_their_interval_and_who_answered(store: Store) -> None:
    scores = {"nps": ["10", "9", "9", "3", "7"], "ces": ["7", "5", "6", "6", "2"]}
    for n in range(8):
        asked = (70.0, "StepEntered", {"kind": "rate", "step": "q", "flow": "survey"})
        told = [
            (80.0, "Surveyed", {"question": name, "answer": of[n], "direction": "up"})
            for name, of in scores.items()
            if n < len(of)
        ]
        close_call(
            store, journal(f"A{n}", NOW, asked, *told, (90.0, "Ended", {"ended_by": "caller"}), number=f"+44770090000{n}"), NOW
        )
    ask = {"from": ["2026-03-02"], "to": ["2026-03-03"], "metrics": ["nps,ces,csat"]}
    for _ in ("rows", "rollups"):
        shown = figures(store, read_stats_query(ask, store, NOW), NOW)["totals"]
        assert (shown["nps"]["value"], shown["ces"]["value"], shown["csat"]["value"]) == (40, 5.2, None)
        # By hand: (1, 1, 1, -1, 0) has variance 0.8 and (7, 5, 6, 6, 2) 3.7; t of 4 degrees of freedom as approximated 2.55.
        assert shown["nps"]["interval"] == pytest.approx([-62, 100], abs=0.5)
        assert shown["ces"]["interval"] == pytest.approx([3.01, 7.39], abs=0.01)
        assert "interval" not in shown["csat"]
        assert {shown[name]["response_rate"] for name in shown} == {0.625}
        refresh_rollups(store)


def test_large_sums_are_written_in_full(sqlite_store: MakeStore) -> None:
    store = sqlite_store()
    answered(store, "A", NOW, talk=1_234_567.125)
    ask = {"from": ["2026-03-02"], "to": ["2026-03-03"], "metrics": ["talk"]}
    lines = stats_csv(figures(store, read_stats_query(ask, store, NOW), NOW)).splitlines()
    assert lines[1].startswith('"1234567.125","1234567.125","1"')
    assert [digits(value) for value in (0.1 + 0.2, -100.0, 0.0, 1e9, 2 / 3)] == ["0.3", "-100", "0", "1000000000", "0.666667"]
