"""Seeded trouble: callbacks that come twice, late, in another order or not at all; a REST API that refuses, fails or keeps silent."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Trouble:
    """Probabilities 0..1. Delays are wall-clock seconds."""

    callback_duplicate: float = 0.0
    callback_drop: float = 0.0
    callback_reorder: float = 0.0  # sent without waiting for the one before, a little later
    callback_delay: float = 0.0
    callback_delay_seconds: float = 1.0
    webhook_duplicate: float = 0.0  # a document is requested twice at once, as a retry whose first try did arrive
    text_failed: float = 0.0  # a text is refused by the network at once
    text_undelivered: float = 0.0  # it leaves and does not arrive
    rest_429: float = 0.0
    rest_500: float = 0.0
    rest_timeout: float = 0.0  # never answered, nothing done
    rest_done_but_timed_out: float = 0.0  # done, but never answered
    rest_silence_seconds: float = 30.0

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not isinstance(value, int | float) or value < 0 or (not name.endswith("_seconds") and value > 1):
                raise ValueError(
                    f"{name}={value!r}: expected {'seconds' if name.endswith('_seconds') else 'a probability from 0 to 1'}"
                )


@dataclass(frozen=True)
class Delivery:
    """One sending of a callback."""

    delay_seconds: float = 0.0
    out_of_order: bool = False


class Nemesis:
    """Rolls the dice. With the same seed and the same order of questions it answers the same."""

    def __init__(self, trouble: Trouble | None = None, seed: int = 1) -> None:
        self.trouble = trouble or Trouble()
        self.chance = random.Random(seed)
        self.done: dict[str, int] = {}

    def _strikes(self, name: str) -> bool:
        probability: float = getattr(self.trouble, name)
        struck = probability > 0 and self.chance.random() < probability
        if struck:
            self.done[name] = self.done.get(name, 0) + 1
        return struck

    def callback_plan(self, what: str) -> list[Delivery]:
        """How a callback is sent: usually once and at once."""
        if what == "status" and self._strikes("callback_drop"):
            return []
        plan = [Delivery(*self._moment())]
        if self._strikes("callback_duplicate"):
            plan.extend(Delivery(*self._moment()) for _ in range(self.chance.randint(1, 4)))
        return plan

    def _moment(self) -> tuple[float, bool]:
        delay = self.chance.uniform(0, self.trouble.callback_delay_seconds) if self._strikes("callback_delay") else 0.0
        reorder = self._strikes("callback_reorder")
        return delay + (self.chance.uniform(0, 0.2) if reorder else 0.0), reorder

    def doubles_webhook(self) -> bool:
        """True where a document shall be requested twice."""
        return self._strikes("webhook_duplicate")

    def text_fate(self) -> tuple[str, int]:
        """What becomes of a text that the carrier took: its last status, and the error's code."""
        if self._strikes("text_failed"):
            return "failed", 30008
        return ("undelivered", 30003) if self._strikes("text_undelivered") else ("delivered", 0)

    def rest_fate(self, changes: bool) -> str:
        """What happens to a REST request: "" (served), "429", "500", "timeout" or "done_but_timed_out" (only where it changes something)."""
        for fate in ("429", "500", "timeout"):
            if self._strikes(f"rest_{fate}"):
                return fate
        return "done_but_timed_out" if changes and self._strikes("rest_done_but_timed_out") else ""

    def to_dict(self) -> dict[str, Any]:
        """The trouble asked for, and how often it struck."""
        return {"trouble": asdict(self.trouble), "done": dict(self.done)}
