"""The chance in a simulated day, drawn before it begins: when calls arrive, how long they take, how long callers are patient.

Every kind of call has its own streams, keyed by seed, replication, name and purpose, and each call takes its own handling time and
patience with it. Two scenarios with the same seed so meet the same callers (common random numbers): their difference is due to
staff and policy, not to luck.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from routing.simulation_scenario import CallType, Empirical, Exponential, Fixed, LogNormal, Scenario, Spread

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Callers:
    """The callers of one replication, by arrival. Lists, because the event loop reads single values."""

    arrived_at: list[float]
    type_index: list[int]
    handling_seconds: list[float]
    patience_seconds: list[float]  # inf: never hangs up


def draw_callers(scenario: Scenario, replication: int) -> Callers:
    """All callers of one replication. The same arguments give the same callers, on every machine with the same numpy."""
    arrivals: list[Floats] = []
    handlings: list[Floats] = []
    patiences: list[Floats] = []
    kinds: list[NDArray[np.int64]] = []
    for index, call_type in enumerate(scenario.call_types):
        if call_type.recorded:
            arrived, handling, patience = _recorded(scenario, call_type, replication)
        else:
            arrived = _arrivals(scenario, call_type, replication)
            handling = _times(_stream(scenario, call_type, replication, "handling"), call_type.handling, len(arrived))
            patience = _patience(scenario, call_type, replication, len(arrived))
        arrivals.append(arrived)
        handlings.append(handling)
        patiences.append(patience)
        kinds.append(np.full(len(arrived), index, dtype=np.int64))
    if not arrivals:
        return Callers([], [], [], [])
    all_arrived = np.concatenate(arrivals)
    order = np.argsort(all_arrived, kind="stable")
    return Callers(
        all_arrived[order].tolist(),
        np.concatenate(kinds)[order].tolist(),
        np.concatenate(handlings)[order].tolist(),
        np.concatenate(patiences)[order].tolist(),
    )


def not_the_same_callers(this: Scenario, other: Scenario) -> tuple[str, ...]:
    """Kinds of call of which two scenarios (with the same seed) draw different callers, by name: there are other ones, or they call at
    other rates, take other times or have other patience."""

    def callers(scenario: Scenario) -> dict[str, tuple[object, ...]]:
        return {one.name: (one.arrivals, one.handling, one.patience, one.recorded) for one in scenario.call_types}

    these, others = callers(this), callers(other)
    return tuple(name for name in sorted({*these, *others}) if these.get(name) != others.get(name))


def _stream(scenario: Scenario, call_type: CallType, replication: int, purpose: str, part: int = 0) -> np.random.Generator:
    name = zlib.crc32(f"{call_type.name}/{purpose}".encode())
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([scenario.seed, replication, name, part])))


def _arrivals(scenario: Scenario, call_type: CallType, replication: int) -> Floats:
    spans = []
    for rate in call_type.arrivals:
        # Keyed by the span's start: more calls after nine o'clock leave the callers before nine as they were.
        stream = _stream(scenario, call_type, replication, "arrivals", int(rate.from_seconds * 1000))
        length_seconds = rate.to_seconds - rate.from_seconds
        count = stream.poisson(rate.per_hour * length_seconds / 3600)
        spans.append(rate.from_seconds + stream.random(count) * length_seconds)
    return np.sort(np.concatenate(spans)) if spans else np.empty(0)


def _patience(scenario: Scenario, call_type: CallType, replication: int, count: int) -> Floats:
    if call_type.patience is None:
        return np.full(count, math.inf)
    return _times(_stream(scenario, call_type, replication, "patience"), call_type.patience, count)


def _times(stream: np.random.Generator, spread: Spread, count: int) -> Floats:
    match spread:
        case Fixed(seconds):
            return np.full(count, seconds)
        case Exponential(mean_seconds):
            return stream.exponential(mean_seconds, count)
        case LogNormal(mean_seconds, deviation_seconds):
            variance = math.log1p((deviation_seconds / mean_seconds) ** 2)
            return stream.lognormal(math.log(mean_seconds) - variance / 2, math.sqrt(variance), count)
        case Empirical(points_seconds):
            points = np.asarray(points_seconds)
            drawn: Floats = np.interp(stream.random(count) * (len(points) - 1), np.arange(len(points)), points)
            return drawn


def _recorded(scenario: Scenario, call_type: CallType, replication: int) -> tuple[Floats, Floats, Floats]:
    """Calls as they happened; what was never seen (the handling of a lost call, the patience of an answered one) is drawn.

    An answered caller was patient at least as long as the wait, so the draw is repeated beyond it (for memoryless patience that is the
    wait plus a fresh draw, which is used for every kind of patience: the tail of measured patience is close to memoryless).
    """
    calls = sorted(call_type.recorded, key=lambda call: call.at_seconds)
    handling = _times(_stream(scenario, call_type, replication, "handling"), call_type.handling, len(calls))
    patience = _patience(scenario, call_type, replication, len(calls))
    for index, call in enumerate(calls):
        if call.handling_seconds is not None:
            handling[index] = call.handling_seconds
        patience[index] = call.patience_seconds if call.patience_seconds is not None else call.waited_seconds + patience[index]
    return np.asarray([call.at_seconds for call in calls]), handling, patience
