"""The rule of the bands."""

from __future__ import annotations

import pytest

from ivr.dialogue.bands import Band, Verdict, judge, trust
from ivr.world import Candidate, Understanding

HOUSE = {"sure_at": 0.55, "confirm_below": 0.8, "close_margin": 0.15}


def verdict(*heard: tuple[str, float], out_of_scope: bool = False, **more: object) -> Verdict:
    understanding = Understanding("x", tuple(Candidate(*pair) for pair in heard), out_of_scope)
    return judge(understanding, allowed=("a", "b", "c"), **{**HOUSE, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("heard", "band", "intents"),
    [
        ([("a", 0.80)], Band.ACCEPT, ["a"]),
        ([("a", 0.79)], Band.CONFIRM, ["a"]),
        ([("a", 0.55)], Band.CONFIRM, ["a"]),
        ([("a", 0.54)], Band.REJECT, ["a"]),
        ([("a", 0.45), ("b", 0.40)], Band.CHOICE, ["a", "b"]),
        ([("b", 0.40), ("a", 0.45)], Band.CHOICE, ["a", "b"]),
        ([("a", 0.60), ("b", 0.40)], Band.CONFIRM, ["a"]),
        ([("a", 0.30), ("b", 0.20)], Band.REJECT, ["a"]),
        ([("a", 0.85), ("b", 0.80)], Band.ACCEPT, ["a"]),
        ([("z", 0.99), ("a", 0.60)], Band.CONFIRM, ["a"]),
        ([("z", 0.99)], Band.REJECT, []),
        ([], Band.REJECT, []),
    ],
)
def test_bands(heard: list[tuple[str, float]], band: Band, intents: list[str]) -> None:
    found = verdict(*heard)
    assert (found.band, [candidate.intent for candidate in found.candidates]) == (band, intents)


def test_out_of_scope_and_refused() -> None:
    assert verdict(("a", 0.99), out_of_scope=True).band is Band.REJECT
    assert verdict(("a", 0.6), ("b", 0.55), refused=("a",)).candidates == (Candidate("b", 0.55),)


def test_an_unsure_ear_lowers_trust() -> None:
    assert trust(None) == trust(0.5) == trust(1.0) == 1.0
    assert trust(0.25) == pytest.approx(0.8)
    assert trust(0.0) == pytest.approx(0.6)
    assert verdict(("a", 0.9), sureness=0.1).band is Band.CONFIRM
    assert verdict(("a", 0.9), sureness=0.9).band is Band.ACCEPT
