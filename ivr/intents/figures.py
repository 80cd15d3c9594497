"""Figures of a classifier on sentences it never saw: pure functions of its scores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ivr.intents.head import Floats

ECE_BINS = 15
STEP = 0.05
PRIOR_SENTENCES = 200


@dataclass(frozen=True)
class Costs:
    """What each outcome costs, in units of one question: the bands are the thresholds that cost least on held-out calls."""

    wrong_action: float = 6.0  # sent the wrong way: noticed late, taken back, explained
    confirm: float = 1.0  # "you would like to …, is that right?"
    ask_again: float = 2.0  # "sorry, could you say that in other words?"


@dataclass(frozen=True)
class Judged:
    """Scores of test sentences: `right` is the column of the true intent (-1 for none of them)."""

    intents: tuple[str, ...]
    probabilities: Floats
    in_scope: Floats
    threshold: float
    right: NDArray[np.int64]

    @property
    def guessed(self) -> NDArray[np.int64]:
        found: NDArray[np.int64] = self.probabilities.argmax(axis=1)
        return found

    @property
    def correct(self) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = self.guessed == self.right
        return found

    @property
    def confidence(self) -> Floats:
        found: Floats = self.probabilities.max(axis=1)
        return found


def accuracy(judged: Judged) -> float:
    """Share of sentences whose best intent is the right one (rejection apart)."""
    return float(judged.correct.mean())


def top(judged: Judged, count: int) -> float:
    """Share of sentences whose right intent is among the best `count`."""
    best = np.argsort(-judged.probabilities, axis=1)[:, :count]
    return float((best == judged.right[:, None]).any(axis=1).mean())


def expected_calibration_error(judged: Judged, bins: int = ECE_BINS) -> float:
    """Mean distance between confidence and accuracy over `bins` equal bands of confidence (Naeini et al. 2015)."""
    band = np.minimum((judged.confidence * bins).astype(int), bins - 1)
    error = 0.0
    for number in np.unique(band):
        mine = band == number
        error += float(mine.mean()) * abs(float(judged.confidence[mine].mean()) - float(judged.correct[mine].mean()))
    return error


def per_intent(judged: Judged) -> dict[str, dict[str, float]]:
    """Precision, recall, f1 and number of test sentences of each intent that was tested or guessed."""
    table: dict[str, dict[str, float]] = {}
    for column, name in enumerate(judged.intents):
        said, guessed = judged.right == column, judged.guessed == column
        if not said.any() and not guessed.any():
            continue
        hits = int((said & guessed).sum())
        precision = hits / int(guessed.sum()) if guessed.any() else 0.0
        recall = hits / int(said.sum()) if said.any() else 0.0
        f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
        table[name] = {"precision": precision, "recall": recall, "f1": f1, "count": int(said.sum())}
    return table


def confusions(judged: Judged, most: int = 20) -> list[dict[str, Any]]:
    """The commonest mistakes: what was said, what it was taken for, how often."""
    wrong = Counter(
        (int(said), int(guess)) for said, guess in zip(judged.right, judged.guessed, strict=True) if said != guess and said >= 0
    )
    return [
        {"said": judged.intents[said], "taken_for": judged.intents[guess], "count": count}
        for (said, guess), count in wrong.most_common(most)
    ]


def auroc(inside: Sequence[float] | Floats, outside: Sequence[float] | Floats) -> float:
    """Probability that an in-scope sentence scores above an out-of-scope one (ties count half)."""
    from scipy.stats import rankdata

    ranks = rankdata(np.concatenate([inside, outside]))
    count = len(inside)
    return float((ranks[:count].sum() - count * (count + 1) / 2) / (count * len(outside)))


def out_of_scope(judged: Judged, outside: Floats) -> dict[str, float]:
    """How well out-of-scope sentences (their in-scope scores are `outside`) are told apart at the model's own threshold."""
    return {
        "auroc": auroc(judged.in_scope, outside),
        "recall": float((outside < judged.threshold).mean()),
        "in_scope_rejected": float((judged.in_scope < judged.threshold).mean()),
        "accuracy_after_rejection": float((judged.correct & (judged.in_scope >= judged.threshold)).mean()),
        "count": len(outside),
    }


def bands(judged: Judged, costs: Costs | None = None) -> dict[str, Any]:
    """The thresholds `sure_at` and `confirm_below` of least cost on these sentences, and what each band covers and gets wrong.

    Cost of a sentence: accepted: wrong_action if wrong. Confirmed: confirm, and ask_again on top if wrong. Asked again: ask_again.
    """
    costs = costs or Costs()
    confidence, wrong = judged.confidence, ~judged.correct
    # A hundred phrases say little about rare mistakes: their share is drawn towards what the confidence itself promises.
    count = len(confidence)
    mistaken = (count * wrong + PRIOR_SENTENCES * (1 - confidence)) / (count + PRIOR_SENTENCES)
    rejected = judged.in_scope < judged.threshold
    best: tuple[float, float, float] | None = None
    for low in np.arange(0.1, 0.96, STEP):
        for high in np.arange(low, 1.0, STEP):
            asked = rejected | (confidence < low)
            accepted = ~asked & (confidence >= high)
            confirmed = ~asked & ~accepted
            cost = (
                costs.wrong_action * float((accepted * mistaken).mean())
                + costs.confirm * float(confirmed.mean())
                + costs.ask_again * float((confirmed * mistaken).mean() + asked.mean())
            )
            if best is None or cost < best[0] - 1e-9:
                best = (cost, float(low), float(high))
    assert best is not None
    cost, low, high = best
    asked = rejected | (confidence < low)
    accepted = ~asked & (confidence >= high)
    confirmed = ~asked & ~accepted
    return {
        "costs": {"wrong_action": costs.wrong_action, "confirm": costs.confirm, "ask_again": costs.ask_again},
        "sure_at": round(low, 2),
        "confirm_below": round(high, 2),
        "cost_per_sentence": cost,
        "accept": _band(accepted, wrong),
        "confirm": _band(confirmed, wrong),
        "ask_again": _band(asked, wrong),
    }


def _band(mine: NDArray[np.bool_], wrong: NDArray[np.bool_]) -> dict[str, float]:
    return {"coverage": float(mine.mean()), "error": float(wrong[mine].mean()) if mine.any() else 0.0}
