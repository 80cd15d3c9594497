"""What-if in a few words."""

from __future__ import annotations

import pytest

from ivr.cli.what_if import with_fewer, with_more, with_volume
from routing.simulation_scenario import Shift

from .busy import busy_hour

SCENARIO = busy_hour(1)  # 00:00 to 01:00; groups ann (2, with a break), bob (2), cleo (1)


def test_more_of_a_group_or_with_a_skill() -> None:
    more = with_more("2 bob 00:10-00:40", SCENARIO).crews[-1]
    assert (more.count, more.agent.skills, more.shifts) == (2, {"billing": 3, "english": 1}, (Shift(600, 2400),))
    skilled = with_more("1 english", SCENARIO).crews[-1]
    assert (skilled.agent.skills, skilled.shifts) == ({"english": 2}, (Shift(0, 3600),))
    twice = with_more("2 bob", with_more("2 bob", SCENARIO))
    assert len({crew.name for crew in twice.crews}) == len(twice.crews) == 5


def test_fewer_of_a_group_for_a_while() -> None:
    fewer = with_fewer("1 ann 00:30-00:45", SCENARIO)
    assert [(crew.name, crew.count) for crew in fewer.crews] == [("ann", 1), ("bob", 2), ("cleo", 1), ("ann_part", 1)]
    # 0-2000 and 2400-5000 s, without 1800-2700 s.
    assert fewer.crews[-1].shifts == (Shift(0, 1800), Shift(2700, 5000))


def test_a_whole_group_away_all_day() -> None:
    day = SCENARIO.with_crew(SCENARIO.crews[0])
    gone = with_fewer("1 cleo 00:00-02:00", day)
    assert "cleo" not in [crew.name for crew in gone.crews]


def test_more_calls() -> None:
    assert with_volume("care 150%", SCENARIO).expected_calls == SCENARIO.expected_calls + 40
    assert with_volume("all 50 %", SCENARIO).expected_calls == SCENARIO.expected_calls / 2


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("two bobs", "is not understood"),
        ("2 bobb 00:10-00:20", 'Did you mean "bob"'),
        ("2 bob 00:20-00:10", "ends before it starts"),
        ("2 bob 9-11", "no span of time"),
        ("0 bob", "None is no change"),
    ],
)
def test_what_cannot_be_added(asked: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        with_more(asked, SCENARIO)


@pytest.mark.parametrize(("asked", "told"), [("3 bob", "only 2 in bob"), ("1 bobb", 'Did you mean "bob"')])
def test_what_cannot_be_taken_away(asked: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        with_fewer(asked, SCENARIO)


@pytest.mark.parametrize(
    ("asked", "told"), [("bills", "is not understood"), ("bill 90%", 'Did you mean "bills"'), ("-5%", "is not understood")]
)
def test_what_is_no_volume(asked: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        with_volume(asked, SCENARIO)
