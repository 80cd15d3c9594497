"""Learns a head (head.py) from normalised phrases: the linear scores, their calibration and the in-scope threshold.

Calibration and threshold come from cross-validation over the phrases themselves, so no held-out or out-of-scope data is needed.
One set of settings serves every data set; the measurements behind them are in docs/intents.md.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, sparse
from threadpoolctl import threadpool_limits

from ivr.intents.encoders.seam import Vectors
from ivr.intents.head import LEXICAL_SHARE, Floats, Head, in_scope, nearest_of_each, softmax
from ivr.intents.lexical import Vocabulary

SOFT_UP_TO = 5_000  # phrases; beyond, the margin-based learner is as good and several times quicker
SOFT_C = 20.0
MARGIN_C = 1.0
COMPACT_UP_TO = 1_200  # phrases; beyond, the likeness of all pairs costs more than it saves
FOLDS = 5
FOLDS_LARGE = 1  # of FOLDS: a fifth of many phrases tells enough, and what learns from four fifths is nearly the real thing
REJECTED_IN_SCOPE = 0.07  # so many of the supervisor's own phrases may be turned down when held out
REJECTED_LARGE = 0.05
"""The same beyond SOFT_UP_TO: large files hold near twins of most phrases, so that held out they score higher than what a caller says.
Both are the shares with which at most 8 % of unseen in-scope speech is turned down (how they were chosen: docs/intents.md)."""
A_TRANSLATION = 0.7
"""Cosine from which a borrowed phrase is taken for the translation of a held-out one: left in, it would give the answer away."""
NEARNESSES = (0.0, 1.0, 2.0, 4.0)
SEED = 7
NEVER = -1e3  # bias of an intent that has no phrases


@dataclass(frozen=True)
class HeldOut:
    """What cross-validation saw: one row per phrase that could be held out."""

    rows: NDArray[np.int64]
    raw: Floats  # of the linear function
    closest: Floats  # per intent, the cosine to its nearest phrase among those that were kept; no columns without embeddings
    right: NDArray[np.int32]

    def scores(self, nearness: float) -> Floats:
        """Raw scores as a head of this nearness gives them."""
        return self.raw + nearness * self.closest if nearness else self.raw


@dataclass(frozen=True)
class Fitted:
    """A head with the held-out scores it was calibrated on."""

    head: Head
    held_out: HeldOut


def fit(
    texts: Sequence[str],
    labels: Sequence[str],
    vectors: Vectors,
    counterexamples: Vectors | None = None,
    judged_count: int | None = None,
) -> Fitted:
    """A calibrated head for `texts` (normalised), their intents and embeddings; at least two intents are needed.

    `counterexamples` are embeddings of out-of-scope speech. They help to tell what is in scope and are no class of their own: as a class they
    drew in-scope speech to themselves (measured: docs/intents.md). Only the first `judged_count` phrases are held out for calibration.
    """
    names = tuple(dict.fromkeys(labels))
    against = counterexamples if counterexamples is not None else vectors[:0]
    place = {name: column for column, name in enumerate(names)}
    owners = np.array([place[label] for label in labels], dtype=np.int32)
    vocabulary = Vocabulary.learn(texts)
    lexical = vocabulary.matrix(texts) * LEXICAL_SHARE
    features = sparse.hstack([lexical, sparse.csr_matrix(vectors)], format="csr")
    with threadpool_limits(1):  # a second thread waits more than it works here
        likeness = np.asarray((lexical @ lexical.T).todense()) + vectors @ vectors.T if len(texts) <= COMPACT_UP_TO else None
        held_out = cross_validate(features, vectors, owners, len(names), judged_count, likeness)
        if likeness is None:
            weights, bias = linear(features, owners, len(names))
        else:
            shares, bias = mixture(likeness, owners, len(names))
            weights = np.asarray(features.T @ shares, dtype=np.float32)
    meaning = vectors.shape[1] > 0
    nearness = best_nearness(held_out) if meaning and len(texts) <= SOFT_UP_TO else 0.0
    scores = held_out.scores(nearness)
    top, best = scores.max(axis=1, initial=NEVER), scores.argmax(axis=1)
    cosine = held_out.closest[np.arange(len(best)), best]
    likeness = (vectors[held_out.rows] @ against.T).max(axis=1) if meaning and len(against) else None
    scope = (*_scale(top), *_scale(cosine), *(_scale(likeness) if likeness is not None else (0.0, 1.0)))
    rejected = REJECTED_IN_SCOPE if len(texts) <= SOFT_UP_TO else REJECTED_LARGE
    judged = in_scope(scope, top, cosine if meaning else None, likeness)
    head = Head(
        intents=names,
        vocabulary=vocabulary,
        lexical=weights[: vocabulary.width],
        meaning=weights[vocabulary.width :],
        bias=bias,
        temperature=temperature(scores, held_out.right),
        phrases=vectors,
        owners=owners,
        counterexamples=against,
        scope=scope,
        threshold=float(np.quantile(judged, rejected)) if len(judged) else -1e9,
        nearness=nearness,
    )
    return Fitted(head, held_out)


def linear(features: sparse.csr_matrix, owners: NDArray[np.int32], width: int) -> tuple[Floats, Floats]:
    """Weights (features, intents) and bias of a linear classifier; an intent without rows gets a very low bias."""
    coefficients, intercept, present = _learnt(features, owners)
    weights = np.zeros((features.shape[1], width), dtype=np.float32)
    bias = np.full(width, NEVER, dtype=np.float32)
    weights[:, present] = coefficients.T
    bias[present] = intercept
    return weights, bias


def mixture(likeness: Floats, owners: NDArray[np.int32], width: int) -> tuple[Floats, Floats]:
    """The same classifier learnt from the products of all pairs of rows: shares (rows, intents) and bias.

    Weights under a quadratic penalty are a mixture of the training rows (the representer theorem), so a few hundred phrases
    need not be fitted in ten thousand columns: the result is equal and comes several times sooner. The weights are
    `features.T @ shares`; a sentence's raw scores are its products with the rows, times the shares.
    """
    strengths, directions = np.linalg.eigh(likeness.astype(np.float64))
    kept = strengths > strengths.max() * 1e-7
    roots = np.sqrt(strengths[kept])
    coefficients, intercept, present = _learnt(directions[:, kept] * roots, owners)
    shares = np.zeros((len(owners), width), dtype=np.float32)
    bias = np.full(width, NEVER, dtype=np.float32)
    shares[:, present] = (directions[:, kept] / roots) @ coefficients.T
    bias[present] = intercept
    return shares, bias


def _learnt(
    features: sparse.csr_matrix | NDArray[np.float64], owners: NDArray[np.int32]
) -> tuple[Floats, Floats, NDArray[np.int32]]:
    """Coefficients (intents, features) and intercepts of the intents that have rows, and which those are."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import LinearSVC

    if features.shape[0] <= SOFT_UP_TO:
        learner = LogisticRegression(C=SOFT_C, max_iter=300, tol=1e-3)
    else:
        learner = LinearSVC(C=MARGIN_C, random_state=SEED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        learner.fit(features, owners)
    coefficients, intercept = learner.coef_, learner.intercept_
    if len(coefficients) == 1:  # scikit-learn keeps one row for two classes
        coefficients, intercept = np.vstack([-coefficients, coefficients]) / 2, np.array([-intercept[0], intercept[0]]) / 2
    return coefficients, intercept, learner.classes_


def cross_validate(
    features: sparse.csr_matrix,
    vectors: Vectors,
    owners: NDArray[np.int32],
    width: int,
    judged_count: int | None = None,
    likeness: Floats | None = None,
) -> HeldOut:
    """Scores of each phrase by a classifier that never saw it. An intent's only phrase is never held out."""
    folds = folds_of(owners)
    folds[judged_count if judged_count is not None else len(folds) :] = -1
    rows, raws, closest = [], [], []
    wanted = FOLDS if len(owners) <= SOFT_UP_TO else FOLDS_LARGE
    for fold in range(min(wanted, int(folds.max(initial=-1)) + 1)):
        out = np.flatnonzero(folds == fold)
        kept = np.flatnonzero(folds != fold)
        if judged_count is not None and judged_count < len(owners):
            kept = kept[(kept < judged_count) | ((vectors[kept] @ vectors[out].T).max(axis=1) < A_TRANSLATION)]
        if not len(out) or len(np.unique(owners[kept])) < 2:
            continue
        if likeness is None:
            known = np.asarray(features[kept].sum(axis=0)).ravel() != 0  # a term that training never saw says nothing
            weights, bias = linear(features[kept], owners[kept], width)
            raw = np.asarray(features[out] @ (weights * known[:, None])) + bias
        else:
            shares, bias = mixture(likeness[np.ix_(kept, kept)], owners[kept], width)
            raw = likeness[np.ix_(out, kept)] @ shares + bias
        rows.append(out)
        raws.append(raw.astype(np.float32))
        closest.append(nearest_of_each(vectors[out] @ vectors[kept].T, owners[kept], width))
    if not rows:
        nothing = np.zeros((0, width), dtype=np.float32)
        return HeldOut(np.zeros(0, dtype=np.int64), nothing, nothing, np.zeros(0, dtype=np.int32))
    order = np.concatenate(rows)
    return HeldOut(order, np.concatenate(raws), np.concatenate(closest), owners[order])


def folds_of(owners: NDArray[np.int32]) -> NDArray[np.int64]:
    """The fold of each row: an intent's phrases dealt out evenly in a seeded order; -1 for an intent's only phrase."""
    random = np.random.default_rng(SEED)
    folds = np.full(len(owners), -1, dtype=np.int64)
    for owner, size in Counter(owners.tolist()).items():
        if size > 1:
            mine = np.flatnonzero(owners == owner)
            folds[mine] = (random.permutation(size) + random.integers(FOLDS)) % min(FOLDS, size)
    return folds


def temperature(raw: Floats, right: NDArray[np.int32]) -> float:
    """The divisor that makes softmax of `raw` as honest as one number can: least negative log likelihood on held-out rows."""
    return _calibrated(raw, right)[1]


def best_nearness(held_out: HeldOut) -> float:
    """The weight of the nearest phrase with which the held-out phrases' own intents are likeliest; the least of equal ones.

    How far an intent is one meaning (a plane parts it from the rest) or several (its examples lie apart) differs from file to file.
    """
    if not len(held_out.raw):
        return 0.0
    return min(NEARNESSES, key=lambda nearness: _calibrated(held_out.scores(nearness), held_out.right)[0])


def _calibrated(raw: Floats, right: NDArray[np.int32]) -> tuple[float, float]:
    """Negative log likelihood of the right intents at the best temperature, and that temperature."""
    if not len(raw):
        return 0.0, 1.0

    def surprise(log_temperature: float) -> float:
        shares = softmax((raw / np.exp(log_temperature)).astype(np.float32))
        return float(-np.log(np.maximum(shares[np.arange(len(raw)), right], 1e-12)).mean())

    found = optimize.minimize_scalar(surprise, bounds=(-4.0, 4.0), method="bounded")
    return float(found.fun), float(np.exp(found.x))


def _scale(values: Floats) -> tuple[float, float]:
    """Mean and deviation (never zero)."""
    if not len(values):
        return 0.0, 1.0
    return float(values.mean()), float(max(values.std(), 1e-6))
