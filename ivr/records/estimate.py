"""First-call resolution of days that are too young to be final: an estimate with an interval, beside every method and window.

A contact whose window is still open has not failed *yet*: counting it as resolved flatters recent days, leaving it out flatters
them the other way. The chance that it stays resolved follows from how long after a contact repeats come: the survival function
S(t), estimated from all contacts of the last 60 days, open ones counted up to their age (Kaplan and Meier, 1958; variance after
Greenwood). A contact of age a stays resolved with probability S(window) / S(a). Days differ by more than chance (a bad release, a
weekend): how much is measured on past days and widens the interval.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ivr.records.columns import to_micros
from ivr.records.database import REPORT_SECONDS
from ivr.records.figures import FIGURES
from ivr.records.intervals import divide
from ivr.records.measures import MEASURES, Source, default_thresholds
from ivr.records.record import WINDOWS_SECONDS
from ivr.records.rows import rfc3339
from ivr.records.stats import evaluate, interval
from ivr.records.store import Store
from ivr.records.sums import Scope, Sums, dimension, sum_rows, within
from ivr.records.tables import calls

HISTORY = timedelta(days=60)
_BIN_SECONDS = 3600
_DAY_MICROS = 86_400_000_000
_Z = 1.959964
_PAIRS = 100
_counted = sa.and_(
    calls.c.is_contact == 1, calls.c.direction == "inbound", calls.c.ended_at.is_not(None), calls.c.fcr_state != "excluded"
)


@dataclass(frozen=True)
class Estimate:
    """What a cohort's FCR will be when its window has closed: 95 % of the time between `low` and `high`."""

    value: float
    low: float
    high: float
    counted: int
    open: int  # contacts whose window is still open and that have not failed


@dataclass(frozen=True)
class Survival:
    """`alive[h]`: share of contacts without a repeat after h hours; `spread[h]`: Greenwood's sum up to there. Known to `hours`.

    `between_days`: how much days differ in their share of repeats beyond chance, relative to that share (a standard deviation).
    """

    alive: Sequence[float]
    spread: Sequence[float]
    hours: int
    between_days: float = 0.0


def survival(repeats: dict[int, int], censored: dict[int, int], total: int, hours: int) -> Survival:
    """The product-limit estimate over `hours` bins. `repeats`, `censored`: how many left in each bin, by repeating or by their age."""
    alive, spread, at_risk = [1.0], [0.0], total
    for hour in range(hours):
        if at_risk <= 0:
            return Survival(alive, spread, hour)
        # Whoever is censored within the bin was at risk for half of it.
        risk = at_risk - censored.get(hour, 0) / 2
        events = min(float(repeats.get(hour, 0)), risk)
        share = events / risk if risk > 0 else 0.0
        alive.append(alive[-1] * (1 - share))
        spread.append(spread[-1] + (share / (risk * (1 - share)) if 0 < share < 1 else 0.0))
        at_risk -= repeats.get(hour, 0) + censored.get(hour, 0)
    return Survival(alive, spread, hours)


def between_days(days: Sequence[tuple[int, int]]) -> float:
    """From (contacts, repeats) of past days: the relative standard deviation of their shares that chance does not explain.

    By moments: what the squared deviations of the counts exceed a binomial's by, over the sum of squared sizes (Kleinman, 1973).
    """
    contacts, repeats = sum(n for n, _ in days), sum(r for _, r in days)
    if not repeats or repeats == contacts:
        return 0.0
    share = repeats / contacts
    beyond = sum((r - n * share) ** 2 - n * share * (1 - share) for n, r in days)
    return math.sqrt(max(0.0, beyond / sum(n * n for n, _ in days))) / share


def predict(known: Survival, window_hours: int, failed: int, settled: int, open_by_age: dict[int, int]) -> Estimate | None:
    """A cohort's final FCR: `failed` and `settled` are decided, `open_by_age` counts open ones by age in hours. None where S is unknown."""
    waiting = sum(open_by_age.values())
    counted = failed + settled + waiting
    if not counted:
        return None
    if waiting and (known.hours < window_hours or known.alive[window_hours] <= 0):
        return None
    expected = chance = shared = still_to_fail = 0.0
    for hour, count in open_by_age.items():
        age = min(hour, window_hours)
        stays = known.alive[window_hours] / known.alive[age]
        expected += count * stays
        still_to_fail += count * (1 - stays)
        chance += count * stays * (1 - stays)
        shared += count * stays * math.sqrt(known.spread[window_hours] - known.spread[age])
    half = _Z * math.sqrt(chance + shared**2 + (still_to_fail * known.between_days) ** 2) + (0.5 if waiting else 0.0)
    middle = settled + expected
    low, high = max(float(settled), middle - half), min(float(counted - failed), middle + half)
    return Estimate(middle / counted, low / counted, high / counted, counted, waiting)


def _hours(seconds: Any) -> sa.ColumnElement[Any]:
    return divide(sa.cast(seconds, sa.BigInteger), _BIN_SECONDS)


def _age_hours(now: datetime) -> sa.ColumnElement[Any]:
    age: sa.ColumnElement[Any] = sa.literal_column(str(to_micros(now)), sa.BigInteger) - sa.cast(calls.c.ended_at, sa.BigInteger)
    return divide(age, _BIN_SECONDS * 1_000_000)


def observe(connection: sa.Connection, now: datetime, window_seconds: float) -> Survival:
    """S(t) from the contacts of the last 60 days."""
    hours = math.ceil(window_seconds / _BIN_SECONDS)
    recent = sa.and_(_counted, calls.c.started_at >= now - HISTORY, calls.c.started_at < now, calls.c.ended_at <= now)
    seen = sa.and_(calls.c.repeat_seconds.is_not(None), calls.c.repeat_seconds < window_seconds)
    bins = sa.case((seen, _hours(sa.func.floor(calls.c.repeat_seconds))), else_=_age_hours(now))
    repeats: dict[int, int] = {}
    censored: dict[int, int] = {}
    for row in connection.execute(
        sa.select(bins.label("hour"), sa.case((seen, 1), else_=0).label("seen"), sa.func.count().label("n"))
        .where(recent)
        .group_by("hour", "seen")
    ):
        (repeats if row.seen else censored)[int(row.hour)] = row.n
    mature = sa.and_(recent, calls.c.ended_at <= now - timedelta(seconds=window_seconds))
    day = divide(sa.cast(calls.c.started_at, sa.BigInteger), _DAY_MICROS).label("day")
    by_day = (
        sa.select(day, sa.func.count().label("n"), sa.func.sum(sa.case((seen, 1), else_=0)).label("r"))
        .where(mature)
        .group_by("day")
    )
    differ = between_days([(row.n, int(row.r)) for row in connection.execute(by_day)])
    return replace(survival(repeats, censored, sum(repeats.values()) + sum(censored.values()), hours), between_days=differ)


def estimate(connection: sa.Connection, scope: Scope, now: datetime, window_seconds: float) -> Estimate | None:
    """The final FCR (combined method) to expect of the contacts in `scope`; None where history is too short to say."""
    hours = math.ceil(window_seconds / _BIN_SECONDS)
    where = _in(scope)
    unresolved = sa.or_(calls.c.resolved.is_(False), calls.c.survey_resolved.is_(False))
    failed = sa.or_(unresolved, sa.and_(calls.c.repeat_seconds.is_not(None), calls.c.repeat_seconds < window_seconds))
    kind = sa.case((failed, -1), (_age_hours(now) >= hours, -2), else_=_age_hours(now))
    found = {
        int(row.kind): row.n
        for row in connection.execute(sa.select(kind.label("kind"), sa.func.count().label("n")).where(*where).group_by("kind"))
    }
    still_open = {bin_: n for bin_, n in found.items() if bin_ >= 0}
    known = observe(connection, now, window_seconds) if still_open else Survival([1.0], [0.0], 0)
    return predict(known, hours, found.get(-1, 0), found.get(-2, 0), still_open)


def _in(scope: Scope) -> list[sa.ColumnElement[bool]]:
    return [_counted, *within(Source.CONTACTS, scope)]


def fcr_report(store: Store, scope: Scope, now: datetime) -> dict[str, Any]:
    """All that is known of first-call resolution in `scope`: methods by windows, exclusions, estimates, blame, pairs of calls."""
    names = [name for name, measure in MEASURES.items() if measure.source is Source.CONTACTS]

    def method(name: str, seconds: float = 0) -> dict[str, Any]:
        return _method(name, sums, scope.end, now, seconds)

    with store.reading(REPORT_SECONDS) as connection:
        found = sum_rows(connection, scope, [], [MEASURES[name] for name in names], [], default_thresholds(store.rules))
        sums = found.get((), Sums())
        estimates = {name: estimate(connection, scope, now, seconds) for name, seconds in WINDOWS_SECONDS.items()}
        return {
            "from": rfc3339(scope.start),
            "to": rfc3339(scope.end),
            "window_seconds": store.rules.window_seconds,
            "counted": int(sums.measures.get("fcr_counted", 0)),
            "provisional": int(sums.measures.get("fcr_provisional", 0)),
            "excluded": _excluded(connection, scope),
            "methods": {
                "verdict": method("fcr", store.rules.window_seconds),
                "combined": {w: method(f"fcr_{w}", seconds) for w, seconds in WINDOWS_SECONDS.items()},
                "repeat_call": {w: method(f"fcr_repeat_{w}", seconds) for w, seconds in WINDOWS_SECONDS.items()},
                "disposition": method("fcr_disposition"),
                "survey": method("fcr_survey"),
            },
            "estimates": {name: _shown(found) for name, found in estimates.items()},
            "blame": {name: _blame(connection, scope, name) for name in ("agent", "revision", "intent", "queue")},
            "pairs": _pairs(connection, scope),
        }


def _method(name: str, sums: Sums, end: datetime, now: datetime, window_seconds: float) -> dict[str, Any]:
    numerator, denominator, value = evaluate(FIGURES[name], sums)
    open_ = end > now or (sums.last_ended is not None and sums.last_ended + timedelta(seconds=window_seconds) > now)
    shown: dict[str, Any] = {
        "value": value,
        "numerator": numerator,
        "denominator": denominator,
        "completeness": "provisional" if open_ else "final",
    }
    return {**shown, **interval(FIGURES[name], numerator, denominator), "definition": FIGURES[name].formula}


def _shown(found: Estimate | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "value": round(found.value, 6),
        "interval": [round(found.low, 6), round(found.high, 6)],
        "counted": found.counted,
        "open": found.open,
    }


def _excluded(connection: sa.Connection, scope: Scope) -> dict[str, Any]:
    """Reason -> how many contacts, and the share that names no person."""
    heads = [calls.c.is_contact == 1, *within(Source.CONTACTS, scope)]
    rows = connection.execute(sa.select(calls.c.fcr_excluded, sa.func.count()).where(*heads).group_by(calls.c.fcr_excluded))
    counts: dict[str | None, int] = {row[0]: row[1] for row in rows}
    total = sum(counts.values())
    nobody = counts.get("withheld_number", 0) + counts.get("shared_number", 0)
    return {
        "reasons": {reason: n for reason, n in sorted(counts.items(), key=str) if reason},
        "nobody_share": round(nobody / total, 6) if total else None,
    }


def _blame(connection: sa.Connection, scope: Scope, name: str) -> list[dict[str, Any]]:
    """Whose contacts came back: always the first one's agent, revision, intent or queue."""
    column = dimension(Source.CONTACTS, name)
    failed = sa.func.sum(sa.case((calls.c.fcr.is_(False), 1), else_=0)).label("failed")
    rows = connection.execute(
        sa.select(column.label("key"), failed, sa.func.count().label("counted"))
        .where(*_in(scope))
        .group_by(column)
        .order_by(failed.desc(), column)
        .limit(50)
    )
    return [{name: row.key, "unresolved": int(row.failed or 0), "counted": row.counted} for row in rows]


def _pairs(connection: sa.Connection, scope: Scope) -> list[dict[str, Any]]:
    """Contacts and the repeat that followed, newest first."""
    columns = (
        calls.c.call_id,
        calls.c.repeat_call_id,
        calls.c.repeat_seconds,
        calls.c.agent,
        calls.c.revision,
        calls.c.intent,
        calls.c.entity,
    )
    chosen = (
        sa.select(*columns)
        .where(*_in(scope), calls.c.repeat_call_id.is_not(None))
        .order_by(calls.c.started_at.desc())
        .limit(_PAIRS)
    )
    return [dict(row) for row in connection.execute(chosen).mappings()]
