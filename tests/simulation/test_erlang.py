"""Closed forms against published tables, against each other and at their edges."""

from __future__ import annotations

import math

import pytest

from routing.erlang import erlang_a, erlang_b, erlang_c, least_agents


@pytest.mark.parametrize(
    ("agents", "load", "blocked"),
    # ITU-T traffic tables: 1 % and 5 % blocking points.
    [(1, 0.0101, 0.01), (10, 4.461, 0.01), (50, 37.90, 0.01), (100, 84.06, 0.01), (20, 15.25, 0.05)],
)
def test_erlang_b_meets_the_printed_tables(agents: int, load: float, blocked: float) -> None:
    assert erlang_b(agents, load) == pytest.approx(blocked, rel=2e-3)


@pytest.mark.parametrize(
    ("agents", "load", "handling", "waiting", "mean_wait", "within"),
    [(50, 45, 180, 0.363864, 13.099, 0.791232), (100, 95, 200, 0.506457, 20.258, 0.692818)],
)
def test_erlang_c(agents: int, load: float, handling: float, waiting: float, mean_wait: float, within: float) -> None:
    expected = erlang_c(agents, load, handling)
    assert expected.waiting_probability == pytest.approx(waiting, abs=1e-6)
    assert expected.mean_wait_seconds == pytest.approx(mean_wait, abs=1e-3)
    assert expected.within == pytest.approx(within, abs=1e-6)
    assert expected.occupancy == load / agents


@pytest.mark.parametrize(
    ("agents", "load", "handling", "patience", "abandoned", "mean_wait", "within"),
    [(50, 55, 180, 120, 0.115618, 13.874, 0.621675), (100, 100, 200, 300, 0.035840, 10.752, 0.750420)],
)
def test_erlang_a(
    agents: int, load: float, handling: float, patience: float, abandoned: float, mean_wait: float, within: float
) -> None:
    expected = erlang_a(agents, load, handling, patience)
    assert expected.abandoned == pytest.approx(abandoned, abs=1e-6)
    assert expected.mean_wait_seconds == pytest.approx(mean_wait, abs=1e-3)
    assert expected.within == pytest.approx(within, abs=1e-6)


@pytest.mark.parametrize(
    ("agents", "load", "handling", "patience"), [(3, 2.0, 100, 50), (10, 14.0, 60, 600), (40, 39.0, 240, 30)]
)
def test_erlang_a_solves_the_birth_and_death_equations(agents: int, load: float, handling: float, patience: float) -> None:
    chances, state = [1.0], 0
    while chances[-1] > 1e-18 * sum(chances) or state <= agents:
        state += 1
        leaving = min(state, agents) / handling + max(0, state - agents) / patience
        chances.append(chances[-1] * load / handling / leaving)
    total = sum(chances)
    expected = erlang_a(agents, load, handling, patience)
    assert expected.waiting_probability == pytest.approx(sum(chances[agents:]) / total, rel=1e-9)
    queue = sum((state - agents) * chance for state, chance in enumerate(chances) if state > agents) / total
    assert expected.mean_wait_seconds == pytest.approx(queue * handling / load, rel=1e-9)


def test_patience_without_end_is_erlang_c() -> None:
    assert erlang_a(50, 45, 180, math.inf) == erlang_c(50, 45, 180)
    assert erlang_a(50, 45, 180, 1e9).mean_wait_seconds == pytest.approx(erlang_c(50, 45, 180).mean_wait_seconds, rel=1e-4)


def test_edges() -> None:
    assert erlang_c(5, 0, 180).within == 1
    assert erlang_c(5, 5, 180).mean_wait_seconds == math.inf
    assert erlang_a(0, 5, 180, 60).abandoned == 1
    # A thousandfold overload: everybody but ten callers per handling time hangs up.
    assert erlang_a(10, 10_000, 200, 1e5).abandoned == pytest.approx(0.999, abs=1e-6)
    with pytest.raises(ValueError, match="cannot be negative"):
        erlang_b(-1, 3)
    with pytest.raises(ValueError, match="cannot be negative"):
        erlang_c(3, math.nan, 180)


@pytest.mark.parametrize("load", [0.5, 7, 55, 450])
@pytest.mark.parametrize("patience", [60.0, math.inf])
def test_least_agents_is_least(load: float, patience: float) -> None:
    found = least_agents(load, 180, patience, share=0.8, threshold_seconds=20, abandoned_at_most=0.1)
    enough = [
        (expected := erlang_a(agents, load, 180, patience)).within >= 0.8 and expected.abandoned <= 0.1
        for agents in (found - 1, found)
    ]
    assert enough == [False, True]


def test_least_agents_says_when_none_are_enough() -> None:
    assert least_agents(0, 180, 60, share=0.8, threshold_seconds=20) == 0
    with pytest.raises(ValueError, match="100 agents are not enough"):
        least_agents(500, 180, 600, share=0.99, threshold_seconds=20, most=100)
    with pytest.raises(ValueError, match="at least 0 and below 1"):
        least_agents(5, 180, 600, share=1.0, threshold_seconds=20)
