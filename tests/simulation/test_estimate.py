"""What callers are told about their wait: right for eight of ten, silent where nothing is known, small to store."""

from __future__ import annotations

import json
import math

import pytest

from routing.estimate import Learned, Moment, Wait
from routing.simulation import simulate
from routing.simulation_waits import told

from .scenarios import one_skill


def taught(calls: int = 200) -> Learned:
    """One that has seen waits of ten seconds per caller ahead, with 6 agents."""
    learned = Learned()
    for number in range(calls):
        ahead = number % 8
        moment = learned.moment(ahead, ahead + 2, 6, 5.0 * ahead, now=1000.0 + 20 * number)
        learned = learned.learn(moment, 10.0 * (ahead + 1), now=1010.0 + 20 * number)
    return learned


def test_silence_until_enough_callers_were_answered() -> None:
    assert Learned().expect(Moment(2, 2, 5, 10.0)) is None
    assert taught(29).expect(Moment(2, 4, 6, 10.0)) is None
    assert taught(60).expect(Moment(2, 4, 6, 10.0)) is not None


def test_silence_where_nobody_is_signed_in() -> None:
    assert taught().expect(Moment(2, 4, 0, 10.0)) is None


def test_silence_far_beyond_what_was_ever_seen() -> None:
    assert taught().expect(Moment(700, 900, 2, 10.0)) is None


def test_learns_what_a_place_in_the_queue_costs() -> None:
    learned = taught()
    for ahead in (0, 3, 7):
        wait = learned.expect(learned.moment(ahead, ahead + 2, 6, 5.0 * ahead, now=5020.0))
        assert wait is not None
        assert wait.mean_seconds == pytest.approx(10.0 * (ahead + 1), rel=0.05)
        assert wait.upper_seconds >= 0


def test_never_below_nothing() -> None:
    learned = Learned()
    for number in range(100):
        learned = learned.learn(Moment(number % 2, 1, 4, 0.0), float(number % 2), now=float(number))
    wait = learned.expect(Moment(0, 0, 40, 0.0))
    assert wait is None or wait.mean_seconds >= 0


def test_whole_minutes_are_rounded_up() -> None:
    assert [Wait(0, seconds).announced_minutes for seconds in (0.0, 59.9, 60.0, 60.1, 239)] == [1, 1, 1, 2, 4]


def test_one_caller_forgotten_for_an_hour_does_not_spoil_the_rest() -> None:
    learned = taught()
    spoilt = learned.learn(learned.moment(2, 4, 6, 10.0, 6000.0), 3600.0, now=9600.0)
    before, after = (one.expect(one.moment(2, 4, 6, 10.0, 20_000.0)) for one in (learned, spoilt))
    assert before is not None
    assert after is not None
    assert after.mean_seconds < before.mean_seconds * 1.5


def test_nonsense_teaches_nothing() -> None:
    learned = taught()
    assert learned.learn(Moment(1, 1, 0, 0.0), 5.0, now=1.0) is learned
    assert learned.learn(Moment(1, 1, 3, 0.0), math.nan, now=1.0) is learned
    assert learned.learn(Moment(1, 1, 3, 0.0), -5.0, now=1.0) is learned


def test_a_last_wait_of_long_ago_does_not_count() -> None:
    learned = taught(50)
    assert learned.moment(0, 0, 3, 7.0, now=learned.last_answered_at + 60).last_wait_seconds == learned.last_wait_seconds
    assert learned.moment(0, 0, 3, 7.0, now=learned.last_answered_at + 3600).last_wait_seconds == 7.0
    assert learned.answered_at_once(9e6).moment(0, 0, 3, 7.0, now=9e6 + 1).last_wait_seconds == 0.0


def test_stored_and_read_it_goes_on_as_before() -> None:
    learned = taught(77)
    text = json.dumps(learned.to_json())
    assert len(text) < 1500
    assert Learned.from_json(json.loads(text)) == learned
    assert Learned.from_json(json.loads(json.dumps(Learned().to_json()))) == Learned()
    assert Learned.from_json({"format": 99}) == Learned()
    moment = learned.moment(3, 4, 5, 6.0, now=7.0)
    assert Moment.from_json(json.loads(json.dumps(moment.to_json()))) == moment


@pytest.mark.parametrize(
    ("load", "patience", "hours", "rase"),
    # The least possible for 95 erlangs on 100 agents is 1/sqrt(20) = 0.2236 in the long run (docs/simulation.md).
    [(95, None, 50, 0.24), (120, 240.0, 25, 0.23)],
)
def test_announced_figures_hold(load: float, patience: float | None, hours: float, rase: float) -> None:
    scenario = one_skill(100, load, 240.0, patience, hours)
    found = told(scenario, simulate(scenario))
    assert len(found.waited_seconds) > 20_000
    assert 0.77 <= found.held <= 0.83
    assert abs(found.bias) <= 0.02
    assert found.rase <= rase
    assert found.said > 0.99
