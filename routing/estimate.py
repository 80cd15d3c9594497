"""How long a caller who starts to wait now will wait: an expectation, and an upper figure that holds for eight of ten.

One `Learned` per queue. It is least squares, updated per answered call with slow forgetting, on what is known the moment a caller
joins: the calls ahead in the own queue and the calls waiting in all queues (both per signed-in agent), the wait of the last call
that was answered, and how long the caller at the head has waited. Each update costs the square of five numbers.

The upper figure is the expectation plus a multiple of its usual error; the multiple follows the share of callers for whom the
figure held (Gibbs & Candès, "Adaptive conformal inference under distribution shift", NeurIPS 2021), so it stays right when the
floor changes. Where too little is known, `expect` says nothing, and nothing should be announced.

Source of the predictors: Ibrahim & Whitt, "Real-time delay estimation based on delay history", M&SOM 11 (2009); combining them by
least squares: Thiongane, Chan & L'Ecuyer, "New history-based delay predictors for service systems", WSC 2016.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

HOLDS_FOR = 0.8  # share of callers for whom the upper figure shall hold

_PARAMETERS = 5
_FORGETTING = 0.9995  # a memory of about 2,000 answered calls
_PRIOR = (100.0, 1e6, 1e4, 1.0, 1.0)  # how far each coefficient may be from its first guess, in squared units
_LEAST_ANSWERED = 30  # callers seen waiting and answered before anything is said
_LARGEST_LEVERAGE = 0.25  # 1: this moment is as unlike all moments seen as if it were the first of its kind
_STALE_SECONDS = 1800.0  # a last wait older than this tells nothing about now
_SMALLEST_SPREAD_SECONDS = 1.0
_CLIP_SPREADS = 8.0  # one call stuck for an hour shall not teach the queue


@dataclass(frozen=True)
class Moment:
    """What is known when a caller joins a queue. Keep it with the call: it is needed again when the call is answered."""

    ahead: int  # calls of the same queue in front of this one
    all_waiting: int  # calls waiting in all queues of the routing group
    agents: int  # agents signed in who may serve this queue
    head_wait_seconds: float  # how long the call at the front of the queue has waited so far; 0 without one
    last_wait_seconds: float = 0.0  # wait of the call of this queue that was answered last

    def to_json(self) -> list[float]:
        return [self.ahead, self.all_waiting, self.agents, round(self.head_wait_seconds, 3), round(self.last_wait_seconds, 3)]

    @classmethod
    def from_json(cls, stored: list[float]) -> Moment:
        ahead, all_waiting, agents, head_wait_seconds, last_wait_seconds = stored
        return cls(int(ahead), int(all_waiting), int(agents), head_wait_seconds, last_wait_seconds)


@dataclass(frozen=True)
class Wait:
    """`mean_seconds` is the expectation; `upper_seconds` is what may be announced ("eight of ten wait less than ...")."""

    mean_seconds: float
    upper_seconds: float

    @property
    def announced_minutes(self) -> int:
        """Whole minutes for speech, rounded up: what is said holds at least as often as the figure itself."""
        return max(1, math.ceil(self.upper_seconds / 60))


@dataclass(frozen=True)
class Learned:
    """What one queue has learned. Values in, values out: `learn` gives the next one; `to_json` fits in a Redis string."""

    coefficients: tuple[float, ...] = (0.0, 60.0, 0.0, 0.0, 0.0)
    covariance: tuple[float, ...] = tuple(_PRIOR[row] if row == column else 0.0 for row in range(5) for column in range(5))
    answered: int = 0
    scale_seconds: float = 4.0  # squared error per second expected: errors grow with the root of the wait
    multiple: float = 1.0  # spreads to add so that the upper figure holds for HOLDS_FOR
    last_wait_seconds: float = 0.0
    last_answered_at: float = -math.inf

    def moment(self, ahead: int, all_waiting: int, agents: int, head_wait_seconds: float, now: float) -> Moment:
        """The moment as this queue sees it at `now` (epoch seconds): adds the last answered call's wait while it is fresh."""
        fresh = now - self.last_answered_at <= _STALE_SECONDS
        return Moment(ahead, all_waiting, agents, head_wait_seconds, self.last_wait_seconds if fresh else head_wait_seconds)

    def expect(self, moment: Moment) -> Wait | None:
        """The wait to expect, or None where nothing is known: too few answered calls, nobody signed in, or a moment unlike any seen."""
        if self.answered < _LEAST_ANSWERED or moment.agents <= 0:
            return None
        predictors = _predictors(moment)
        leverage = sum(x * y for x, y in zip(predictors, self._times(predictors), strict=True))
        if leverage > _LARGEST_LEVERAGE:
            return None
        mean_seconds = self._mean_seconds(predictors)
        return Wait(mean_seconds, mean_seconds + self.multiple * self._spread_seconds(mean_seconds))

    def learn(self, moment: Moment, wait_seconds: float, now: float, promised_seconds: float | None = None) -> Learned:
        """A call that joined at `moment` was answered after `wait_seconds`, at `now` (epoch seconds).

        `promised_seconds` is the upper figure it was given when it joined, None where nothing was said. A call that was answered
        without waiting belongs to `answered_at_once`.
        """
        if moment.agents <= 0 or not 0 <= wait_seconds < math.inf:
            return self
        predictors = _predictors(moment)
        mean_seconds = self._mean_seconds(predictors)
        spread_seconds = self._spread_seconds(mean_seconds)
        error_seconds = wait_seconds - sum(c * x for c, x in zip(self.coefficients, predictors, strict=True))
        seasoned = self.answered >= _LEAST_ANSWERED
        if seasoned:
            limit_seconds = _CLIP_SPREADS * spread_seconds
            error_seconds = max(-limit_seconds, min(limit_seconds, error_seconds))
        direction = self._times(predictors)
        share = 1 / (1 + sum(x * y for x, y in zip(predictors, direction, strict=True)))
        coefficients = tuple(c + share * y * error_seconds for c, y in zip(self.coefficients, direction, strict=True))
        covariance = [
            self.covariance[row * _PARAMETERS + column] - share * direction[row] * direction[column]
            for row in range(_PARAMETERS)
            for column in range(_PARAMETERS)
        ]
        # Forgetting where nothing moves would let uncertainty grow without end, so it never grows beyond the prior.
        diagonal = covariance[:: _PARAMETERS + 1]
        if all(uncertain <= prior * _FORGETTING for uncertain, prior in zip(diagonal, _PRIOR, strict=True)):
            covariance = [value / _FORGETTING for value in covariance]
        pace = max(0.005, 1 / (self.answered + 1))
        squared = error_seconds**2 / (mean_seconds + _SMALLEST_SPREAD_SECONDS)
        upper_seconds = mean_seconds + self.multiple * spread_seconds if promised_seconds is None else promised_seconds
        held = wait_seconds <= upper_seconds
        step = max(0.02, 0.5 / math.sqrt(self.answered + 1))
        return replace(
            self,
            coefficients=coefficients,
            covariance=tuple(covariance),
            answered=self.answered + 1,
            scale_seconds=self.scale_seconds + pace * (squared - self.scale_seconds),
            multiple=max(-2.0, min(6.0, self.multiple + step * (HOLDS_FOR - held))) if seasoned else self.multiple,
            last_wait_seconds=wait_seconds,
            last_answered_at=now,
        )

    def answered_at_once(self, now: float) -> Learned:
        """A call was answered without waiting."""
        return replace(self, last_wait_seconds=0.0, last_answered_at=now)

    def to_json(self) -> dict[str, Any]:
        return {
            "format": 1,
            "coefficients": list(self.coefficients),
            "covariance": list(self.covariance),
            "answered": self.answered,
            "scale_seconds": self.scale_seconds,
            "multiple": self.multiple,
            "last_wait_seconds": self.last_wait_seconds,
            "last_answered_at": None if math.isinf(self.last_answered_at) else self.last_answered_at,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Learned:
        """What was stored; a fresh start where it was written by another format, because guessing would announce nonsense."""
        if stored.get("format") != 1:
            return cls()
        last_answered_at = stored["last_answered_at"]
        return cls(
            coefficients=tuple(stored["coefficients"]),
            covariance=tuple(stored["covariance"]),
            answered=stored["answered"],
            scale_seconds=stored["scale_seconds"],
            multiple=stored["multiple"],
            last_wait_seconds=stored["last_wait_seconds"],
            last_answered_at=-math.inf if last_answered_at is None else last_answered_at,
        )

    def _times(self, predictors: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(
            sum(self.covariance[row * _PARAMETERS + column] * predictors[column] for column in range(_PARAMETERS))
            for row in range(_PARAMETERS)
        )

    def _mean_seconds(self, predictors: tuple[float, ...]) -> float:
        return max(0.0, sum(c * x for c, x in zip(self.coefficients, predictors, strict=True)))

    def _spread_seconds(self, mean_seconds: float) -> float:
        return max(_SMALLEST_SPREAD_SECONDS, math.sqrt(self.scale_seconds * (mean_seconds + _SMALLEST_SPREAD_SECONDS)))


def _predictors(moment: Moment) -> tuple[float, ...]:
    return (
        1.0,
        (moment.ahead + 1) / moment.agents,
        moment.all_waiting / moment.agents,
        moment.last_wait_seconds,
        moment.head_wait_seconds,
    )
