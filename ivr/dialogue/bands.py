"""How certain an intent has to be: accept, confirm, offer a choice, or ask again. A pure rule over what the recogniser says."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from ivr.world import Candidate, Understanding

UNSURE_EAR = 0.5
"""Below this sureness of the speech recogniser the words themselves are in doubt."""
LEAST_TRUST = 0.6
"""What is left of an intent's confidence when the recogniser is not sure at all."""


class Band(StrEnum):
    """What to do with what was understood."""

    ACCEPT = "accept"
    CONFIRM = "confirm"
    CHOICE = "choice"
    REJECT = "reject"


@dataclass(frozen=True)
class Verdict:
    """`candidates`: the one to accept or confirm, or the two to choose from; for REJECT the best there was, if any."""

    band: Band
    candidates: tuple[Candidate, ...] = ()


def trust(sureness: float | None) -> float:
    """Factor on an intent's confidence: 1 from UNSURE_EAR on, falling in a straight line to LEAST_TRUST at 0. None: 1."""
    if sureness is None or sureness >= UNSURE_EAR:
        return 1.0
    return LEAST_TRUST + (1 - LEAST_TRUST) * max(0.0, sureness) / UNSURE_EAR


def judge(
    understanding: Understanding,
    *,
    allowed: Collection[str],
    refused: Collection[str] = (),
    sure_at: float,
    confirm_below: float,
    close_margin: float,
    sureness: float | None = None,
) -> Verdict:
    """The band for an utterance. `allowed`: intents that lead somewhere here; `refused`: those the caller said no to.

    A choice is offered where the two best are closer than `close_margin`, together at least `sure_at`, and the best is not certain.
    """
    factor = trust(sureness)
    heard = [
        Candidate(c.intent, c.confidence * factor)
        for c in understanding.candidates
        if c.intent in allowed and c.intent not in refused
    ]
    heard.sort(key=lambda candidate: -candidate.confidence)
    if understanding.out_of_scope or not heard:
        return Verdict(Band.REJECT, tuple(heard[:1]))
    best = heard[0]
    if best.confidence >= confirm_below:
        return Verdict(Band.ACCEPT, (best,))
    if len(heard) > 1:
        second = heard[1]
        if best.confidence - second.confidence < close_margin and best.confidence + second.confidence >= sure_at:
            return Verdict(Band.CHOICE, (best, second))
    if best.confidence >= sure_at:
        return Verdict(Band.CONFIRM, (best,))
    return Verdict(Band.REJECT, (best,))
