"""Figures over calls, grouped: each with its numerator, denominator, definition, completeness and the calls behind it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from ivr.records import occupancy
from ivr.records.database import WEB_SECONDS
from ivr.records.figures import ALIASES, DEFAULT, NAMES, OCCUPANCY, Figure, Matures, Unit, figure
from ivr.records.intervals import PERIODS, bounds, label
from ivr.records.measures import MEASURES, PLACES, THRESHOLDS, Source, Thresholds, default_thresholds, read_thresholds
from ivr.records.parameters import BadQuery, nearest, read_range, read_zone
from ivr.records.query import NONE
from ivr.records.record import WINDOWS_SECONDS
from ivr.records.rollups import sum_rollups, usable
from ivr.records.rows import rfc3339
from ivr.records.spread import Spread
from ivr.records.store import Store
from ivr.records.sums import DIMENSIONS, GROUPS, Key, Scope, Sums, sum_rows

MOST_GROUPS = 3
MOST_ROWS = 20_000
_Z = 1.959964  # 95 %
ATTRIBUTION = (
    "A contact and its legs count in the interval in which the call started, a stay in a queue where it began. "
    "A contact counts under its first agent, that agent's queue and its first intent; a leg under its own agent and queue."
)
# The filters that list exactly the calls of a group, as a contact, a leg and a stay count under theirs.
_LINK: dict[Source, dict[str, str]] = {
    Source.CONTACTS: {"agent": "first_agent", "intent": "first_intent"},
    Source.LEGS: {"intent": "first_intent", "queue": "leg_queue", "team": "leg_team", "disposition": "leg_disposition"},
    Source.VISITS: {"agent": "first_agent", "intent": "first_intent", "queue": "stay_queue"},
}


@dataclass(frozen=True)
class StatsQuery:
    """What is asked: figures `metrics` over `scope`, by `groups`."""

    scope: Scope
    groups: tuple[str, ...]
    metrics: tuple[str, ...]
    thresholds: Thresholds
    rows_only: bool = False  # never answer from rollups: for comparison
    usual: Thresholds | None = None  # what links need not say


def _list(arguments: Mapping[str, Sequence[str]], name: str) -> list[str]:
    return [word.strip() for value in arguments.get(name, ()) for word in value.split(",") if word.strip()]


def read_stats_query(arguments: Mapping[str, Sequence[str]], store: Store, now: datetime) -> StatsQuery:
    """A query out of request arguments; without `from` and `to`, the last seven days. Raises BadQuery naming what is allowed."""
    also = ("from", "to", "tz", "group_by", "metrics", *THRESHOLDS, "source")
    unknown = next((name for name in arguments if name not in (*also, *DIMENSIONS)), None)
    if unknown is not None:
        allowed = sorted({*also, *DIMENSIONS})
        raise BadQuery(f'unknown parameter "{unknown[:60]}".{nearest(unknown, allowed)}', allowed, unknown)
    zone = read_zone(arguments["tz"][0] if arguments.get("tz") else None)
    start, end = read_range(arguments, zone)
    end = end or (now if start is None or start < now else start + timedelta(days=1))
    start = start or end - timedelta(days=7)
    if start >= end:
        raise BadQuery("`to` must be later than `from`: the interval is [from, to)", parameter="to")
    groups = list(dict.fromkeys(_list(arguments, "group_by")))
    for name in groups:
        if name not in GROUPS:
            raise BadQuery(f'cannot group by "{name[:60]}".{nearest(name, GROUPS)}', GROUPS, "group_by")
    if len(groups) > MOST_GROUPS:
        raise BadQuery(f"group_by takes at most {MOST_GROUPS} names", GROUPS, "group_by")
    metrics = list(dict.fromkeys(ALIASES.get(name, name) for name in _list(arguments, "metrics"))) or list(DEFAULT)
    if metrics == ["all"]:  # occupancy only where agents' states can be told apart so
        by_state = {*groups, *(name for name in DIMENSIONS if arguments.get(name))} <= set(occupancy.GROUPS)
        metrics = [name for name in NAMES if name != OCCUPANCY or by_state]
    for name in metrics:
        if name != OCCUPANCY:
            figure(name)
    source = arguments["source"][0] if arguments.get("source") else "auto"
    if source not in ("auto", "rows"):
        raise BadQuery(f'source "{source[:20]}" is not known', ("auto", "rows"), "source")
    filters = {name: tuple(arguments[name]) for name in DIMENSIONS if arguments.get(name)}
    usual = default_thresholds(store.rules)
    thresholds = read_thresholds(arguments, usual)
    return StatsQuery(Scope(start, end, zone, filters), tuple(groups), tuple(metrics), thresholds, source == "rows", usual)


def figures(store: Store, query: StatsQuery, now: datetime, *, seconds: float = WEB_SECONDS) -> dict[str, Any]:
    """The answer of /stats. Raises BadQuery, TooSlow, StoreUnavailable."""
    chosen = [figure(name) for name in query.metrics if name != OCCUPANCY]
    needed = {m.name: m for f in chosen for m in f.measures}
    reconciled = any(f.source is Source.VISITS for f in chosen)
    for name in _always(chosen, reconciled):
        needed[name] = MEASURES[name]
    spreads = list(dict.fromkeys(f.spread[0] for f in chosen if f.spread))
    with store.reading(seconds) as connection:
        rolled = None if query.rows_only else usable(store, query.scope, query.groups, query.thresholds)
        if rolled is None:
            found = sum_rows(connection, query.scope, query.groups, list(needed.values()), spreads, query.thresholds)
        else:
            found = sum_rollups(connection, rolled, query.scope, query.groups, list(needed.values()), spreads, query.thresholds)
        busy = occupancy.measure(connection, query.scope, query.groups, now) if OCCUPANCY in query.metrics else {}
    for key in busy:
        found.setdefault(key, Sums())
    if len(found) > MOST_ROWS:
        raise BadQuery(f"the answer has more than {MOST_ROWS} groups; narrow the interval or group by less", parameter="group_by")
    total = Sums(spreads={name: Spread() for name in spreads})
    for sums in found.values():
        total.add(sums)
    total_busy = (sum(b[0] for b in busy.values()), sum(b[1] for b in busy.values()))
    rows = []
    for key in sorted(found, key=lambda k: tuple((v is None, v if v is not None else 0) for v in k)):
        rows.append(
            {
                "group": _group(query, key),
                "figures": _figures(store, query, chosen, found[key], busy.get(key), key, now, reconciled),
            }
        )
    return {
        "from": rfc3339(query.scope.start),
        "to": rfc3339(query.scope.end),
        "timezone": str(query.scope.zone),
        "group_by": list(query.groups),
        "filters": {name: list(values) for name, values in query.scope.filters.items()},
        "thresholds": {
            "target_seconds": query.thresholds.target_seconds,
            "short_abandon_seconds": query.thresholds.short_abandon_seconds,
        },
        "attribution": ATTRIBUTION,
        "source": "rows" if rolled is None else "rollups",
        "rows": rows,
        "totals": _figures(store, query, chosen, total, total_busy if busy else None, None, now, reconciled),
        "definitions": {name: definition(name) for name in query.metrics},
        **({"reconciliation": _reconcile(query, found)} if reconciled else {}),
    }


def _always(chosen: Sequence[Figure], reconciled: bool) -> list[str]:
    """Measures that say how complete the figures are."""
    names = ["fcr_provisional"] if any(f.matures is Matures.WINDOW for f in chosen) else []
    names += ["survey_offered", "survey_answered"] if any(f.survey for f in chosen) else []
    names += ["leg_wrap_up_pending"] if any(f.matures is Matures.WRAP_UP for f in chosen) else []
    return names + (["visits_offered", *(f"visits_{place}" for place in PLACES)] if reconciled else []) + ["contacts"]


def definition(name: str) -> dict[str, str]:
    """What a figure means, for people."""
    if name == OCCUPANCY:
        return {"title": "Occupancy", "formula": occupancy.FORMULA, "unit": Unit.SHARE, "source": "agent_states", "note": ""}
    chosen = figure(name)
    return {"title": chosen.title, "formula": chosen.formula, "unit": chosen.unit, "source": chosen.source, "note": chosen.note}


def _group(query: StatsQuery, key: Key) -> dict[str, Any]:
    return {
        name: (label(name, value, query.scope.zone) if name in PERIODS else value)
        for name, value in zip(query.groups, key, strict=True)
    }


def _figures(
    store: Store,
    query: StatsQuery,
    chosen: Sequence[Figure],
    sums: Sums,
    busy: tuple[float, float] | None,
    key: Key | None,
    now: datetime,
    reconciled: bool,
) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    links = {source: _link(query, source, key) for source in {f.source for f in chosen}}
    for f in chosen:
        numerator, denominator, value = evaluate(f, sums)
        shown[f.name] = {
            "value": value,
            "numerator": numerator,
            "denominator": denominator,
            "unit": f.unit,
            "completeness": _completeness(store, query, f, sums, now),
            "definition": f.formula,
            **(interval(f, numerator, denominator) or spread_of_answers(f, sums)),
            **(response_rate(sums) if f.survey else {}),
            "calls": f"{links[f.source]}&counted_in={f.name}",
        }
        if f.name == "fcr":
            shown[f.name]["provisional"] = int(sums.measures.get("fcr_provisional", 0))
    if OCCUPANCY in query.metrics:
        handle, idle = busy or (0.0, 0.0)
        shown[OCCUPANCY] = {
            "value": round(handle / (handle + idle), 6) if handle + idle else None,
            "numerator": round(handle, 3),
            "denominator": round(handle + idle, 3),
            "unit": Unit.SHARE,
            "completeness": "final" if query.scope.end <= now else "provisional",
            "definition": occupancy.FORMULA,
            "calls": None,
        }
    return shown


def _number(value: float) -> float | int:
    rounded = round(value, 3)
    return int(rounded) if rounded == int(rounded) else rounded


def evaluate(f: Figure, sums: Sums) -> tuple[float | None, float | None, float | None]:
    """Numerator, denominator and value of a figure; a value of None where there is nothing to divide by."""
    over = sum(sums.measures.get(name, 0) * weight for name, weight in f.numerator.items())
    under = sum(sums.measures.get(name, 0) * weight for name, weight in f.denominator.items())
    if f.spread is not None:
        spread = sums.spreads.get(f.spread[0])
        value = spread.percentile(f.spread[1]) if spread is not None else None
        return None, _number(under), None if value is None else round(value, 3)
    if f.count:
        return _number(over), None, _number(over)
    if under <= 0:
        return _number(over), _number(under), None
    value = over / under
    return _number(over), _number(under), round(value * (100 if f.unit is Unit.POINTS else 1), 6 if f.unit is Unit.SHARE else 3)


def interval(f: Figure, numerator: float | None, denominator: float | None) -> dict[str, Any]:
    """The 95 % interval of a share (Wilson's), where it counts people rather than seconds."""
    if f.unit is not Unit.SHARE or not denominator or numerator is None or not 0 <= numerator <= denominator:
        return {}
    share, n = numerator / denominator, denominator
    middle = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n * n)) / (1 + _Z**2 / n)
    return {"interval": [round(max(0.0, middle - half), 4), round(min(1.0, middle + half), 4)]}


def spread_of_answers(f: Figure, sums: Sums) -> dict[str, Any]:
    """The 95 % interval of NPS and of means of answers: from their own spread, wider where answers are few (Student's t, approximated)."""
    answers = sum(sums.measures.get(name, 0) * weight for name, weight in f.denominator.items())
    if f.unit is Unit.POINTS:  # every answer is +1, 0 or -1
        scale, low, high = 100.0, -100.0, 100.0
        squares = sum(sums.measures.get(name, 0) for name in f.numerator)
    elif f.squares:
        scale, low, high = 1.0, -math.inf, math.inf
        squares = sums.measures.get(f.squares, 0)
    else:
        return {}
    if answers < 2:
        return {}
    mean = sum(sums.measures.get(name, 0) * weight for name, weight in f.numerator.items()) / answers
    variance = max(0.0, squares / answers - mean * mean) * answers / (answers - 1)
    wide = _Z + (_Z**3 + _Z) / (4 * (answers - 1))
    half = wide * math.sqrt(variance / answers)
    return {"interval": [round(max(low, scale * (mean - half)), 3), round(min(high, scale * (mean + half)), 3)]}


def response_rate(sums: Sums) -> dict[str, Any]:
    """Of the contacts that were asked, the share that answered anything; None where nobody was."""
    offered = sums.measures.get("survey_offered", 0)
    return {"response_rate": round(sums.measures.get("survey_answered", 0) / offered, 6) if offered else None}


def _completeness(store: Store, query: StatsQuery, f: Figure, sums: Sums, now: datetime) -> str:
    """ "provisional" while calls, wrap-ups or repeats may still change the figure."""
    if query.scope.end > now or (f.matures is Matures.WRAP_UP and sums.measures.get("leg_wrap_up_pending", 0)):
        return "provisional"
    if f.matures in (Matures.AT_ONCE, Matures.WRAP_UP) or sums.last_ended is None:
        return "final"
    window = store.rules.window_seconds if f.matures is Matures.WINDOW else WINDOWS_SECONDS[f.matures]
    return "final" if sums.last_ended + timedelta(seconds=window) <= now else "provisional"


def _link(query: StatsQuery, source: Source, key: Key | None) -> str:
    """The address of a group's calls, as figures of `source` count them."""
    start, end = query.scope.start, query.scope.end
    known = _LINK[source]
    parts = {known.get(name, name): tuple(values) for name, values in query.scope.filters.items()}
    for name, value in zip(query.groups, key or (), strict=False):
        if name in PERIODS:
            part = bounds(name, value, query.scope.zone, start, end)
            if part is None:  # comes again: every monday of the interval
                parts |= {name: (label(name, value, query.scope.zone),), "tz": (str(query.scope.zone),)}
                continue
            start, end = max(start, part[0]), min(end, part[1])
        else:
            parts[known.get(name, name)] = (NONE if value is None else str(value),)
    since, until = ("queued_from", "queued_to") if source is Source.VISITS else ("from", "to")
    named = [(name, value) for name, values in parts.items() for value in values]
    if query.thresholds != query.usual:
        named += zip(
            THRESHOLDS, (f"{query.thresholds.target_seconds:g}", f"{query.thresholds.short_abandon_seconds:g}"), strict=True
        )
    return "/api/v1/calls?" + urlencode([(since, rfc3339(start)), (until, rfc3339(end)), *named])


def _reconcile(query: StatsQuery, found: Mapping[Key, Sums]) -> list[dict[str, Any]]:
    """Per group: does what was offered equal what became of it? Where not, by how much, and where the calls are listed."""
    rows = []
    for key, sums in found.items():
        offered = int(sums.measures.get("visits_offered", 0))
        places = {place: int(sums.measures.get(f"visits_{place}", 0)) for place in PLACES}
        missing = offered - sum(places.values())
        row: dict[str, Any] = {
            "group": _group(query, key),
            "offered": offered,
            **places,
            "unexplained": missing,
            "adds_up": missing == 0,
        }
        if missing:
            row["calls"] = f"{_link(query, Source.VISITS, key)}&counted_in=offered&queue_result=unknown"
        rows.append(row)
    return rows
