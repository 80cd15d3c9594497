"""Figures as somebody would compute them by hand: from the rows that the API gives, by docs/metrics.md, in plain Python.

Nothing here is taken from ivr.records: it is what the product is compared with.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

Row = dict[str, Any]
Part = tuple[list[Row], list[Row], list[Row]]  # contacts, legs, stays
WINDOWS = {"24h": 86400, "72h": 3 * 86400, "7d": 7 * 86400, "30d": 30 * 86400}
PLACES = ("answered", "abandoned", "diverted", "callback", "solved", "waiting")


def percentile(values: Iterable[float], share: float) -> float | None:
    """The value at `share` of the way through the sorted values, between two of them where need be."""
    ranked = sorted(values)
    if not ranked:
        return None
    place = (len(ranked) - 1) * share
    low = int(place)
    high = min(low + 1, len(ranked) - 1)
    return ranked[low] + (ranked[high] - ranked[low]) * (place - low)


def score(row: Row, question: str, scale: str) -> float | None:
    """An answer on this very scale, turned round where low is good."""
    answer = (row["survey"] or {}).get(question)
    if not answer or answer["answer"] is None or answer["scale"] != scale:
        return None
    low, high = (int(end) for end in scale.split("-"))
    value = float(answer["answer"])
    if not low <= value <= high:
        return None
    return low + high - value if answer["direction"] == "down" else value


def said_solved(row: Row) -> bool | None:
    """What the caller said in the survey."""
    answer = (row["survey"] or {}).get("resolved")
    return {"1": True, "yes": True, "0": False, "no": False}.get(str(answer["answer"])) if answer else None


def figures(part: Part, target: float = 20, short: float = 5) -> dict[str, tuple[float | None, float | None]]:
    """Each figure as (numerator, denominator); counts have no denominator, medians and percentiles have the value first."""
    contacts, legs, stays = part
    handled = [c for c in contacts if c["basis"]["handled"]]
    found: dict[str, tuple[float | None, float | None]] = {
        "contacts": (len(contacts), None),
        "handled": (len(handled), None),
        "aht_leg": (sum(leg["talk_seconds"] + leg["hold_seconds"] + leg["wrap_up_seconds"] for leg in legs), len(legs)),
        "aht_contact": (sum(c["contact_handle_seconds"] for c in handled), len(handled)),
        "wrap_up_capped": (sum(leg["wrap_up_capped"] for leg in legs), len(legs)),
        "offered": (len(stays), None),
        "fcr_excluded": (sum(c["fcr_state"] == "excluded" for c in contacts), None),
        "fcr_provisional": (sum(c["fcr_state"] == "provisional" for c in contacts), None),
        "abandoned_on_hold": (sum(c["abandoned_where"] == "hold" for c in contacts), None),
        "reask_rate": (sum(c["basis"]["reasked"] > 0 for c in handled), len(handled)),
        "transfer_rate": (sum(c["basis"]["transferred_inside"] for c in handled), len(handled)),
    }
    for name, share in (("median", 0.5), ("p90", 0.9)):
        found[f"aht_leg_{name}"] = (percentile((leg["handle_seconds"] for leg in legs), share), len(legs))
        found[f"aht_contact_{name}"] = (percentile((c["contact_handle_seconds"] for c in handled), share), len(handled))
    for name in ("talk", "hold", "wrap_up"):
        found[name] = (sum(leg[f"{name}_seconds"] for leg in legs), len(legs))
    for name in PLACES:
        found[name] = (sum(stay["result"] == name for stay in stays), None)
    for name in ("abandoned_in_menu", "abandoned_in_queue", "abandoned_while_ringing"):
        found[name] = (sum(c["outcome"] == name for c in contacts), None)
    return {**found, **_waiting(contacts, target, short), **_resolution(contacts), **_surveys(contacts)}


def _waiting(contacts: Sequence[Row], target: float, short: float) -> dict[str, tuple[float | None, float | None]]:
    waits = [c["queue_seconds"] for c in contacts if c["agent"] and c["queued_at"] and not c["basis"]["by_callback"]]
    given_up = [c["queue_seconds"] for c in contacts if c["outcome"] in ("abandoned_in_queue", "abandoned_while_ringing")]
    answered, abandoned = len(waits), len(given_up)
    soon, gone_soon = sum(w <= target for w in waits), sum(w <= target for w in given_up)
    shorts = sum(w < short for w in given_up)
    six = (soon, answered + abandoned - shorts)
    return {
        "asa": (sum(waits), answered),
        "wait_all": (sum(waits) + sum(given_up), answered + abandoned),
        "wait_p90": (percentile(waits, 0.9), answered),
        "short_abandoned": (shorts, None),
        "abandonment_rate": (abandoned - shorts, answered + abandoned - shorts),
        "service_level_1": (soon + gone_soon, answered + abandoned),
        "service_level_2": (soon, answered),
        "service_level_3": (soon, answered + abandoned),
        "service_level_4": (soon, answered + abandoned - gone_soon),
        "service_level_5": (soon + shorts, answered + abandoned),
        "service_level_6": six,
        "service_level": six,
    }


def _resolution(contacts: Sequence[Row]) -> dict[str, tuple[float | None, float | None]]:
    counted = [c for c in contacts if c["fcr_state"] != "excluded" and c["ended_at"]]
    marked = [c["resolved"] for c in counted if c["resolved"] is not None]
    told = [said for c in counted if (said := said_solved(c)) is not None]
    known = [c for c in contacts if c["basis"]["self_service"] and c["fcr_excluded"] not in ("withheld_number", "shared_number")]
    contained = [
        c
        for c in known
        if c["outcome"] == "self_served"
        and c["basis"]["goal_confirmed"]
        and not c["basis"]["handled"]
        and later(c, "return", 86400)
    ]
    found: dict[str, tuple[float | None, float | None]] = {
        "fcr": (sum(c["fcr"] for c in counted), len(counted)),
        "fcr_disposition": (sum(marked), len(marked)),
        "fcr_survey": (sum(told), len(told)),
        "containment": (len(contained), len(known)),
    }
    for name, seconds in WINDOWS.items():
        alone = [c for c in counted if later(c, "repeat", seconds)]
        found[f"fcr_repeat_{name}"] = (len(alone), len(counted))
        found[f"fcr_{name}"] = (sum(c["resolved"] is not False and said_solved(c) is not False for c in alone), len(counted))
    return found


def later(row: Row, what: str, seconds: float) -> bool:
    """No repeat (about the same), or no return (about anything), within so many seconds."""
    gap = row["repeat_seconds"] if what == "repeat" else row["basis"]["return_seconds"]
    return gap is None or bool(gap >= seconds)


def _surveys(contacts: Sequence[Row]) -> dict[str, tuple[float | None, float | None]]:
    csat, nps, ces = (
        [value for c in contacts if (value := score(c, name, scale)) is not None]
        for name, scale in (("csat", "1-5"), ("nps", "0-10"), ("ces", "1-7"))
    )
    answered = [
        c
        for c in contacts
        if said_solved(c) is not None or any(score(c, *q) is not None for q in (("csat", "1-5"), ("nps", "0-10"), ("ces", "1-7")))
    ]
    return {
        "csat": (sum(v >= 4 for v in csat), len(csat)),
        "nps": (sum(v >= 9 for v in nps) - sum(v <= 6 for v in nps), len(nps)),
        "ces": (sum(ces), len(ces)),
        "survey_response_rate": (len(answered), sum(c["basis"]["survey_offered"] for c in contacts)),
    }


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _local(text: str, name: str, zone: ZoneInfo) -> str:
    at = _at(text).astimezone(zone)
    if name == "day":
        return at.date().isoformat()
    if name == "weekday":
        return at.strftime("%A").lower()
    start = at.replace(minute=0, second=0, microsecond=0)
    return start.isoformat().replace("+00:00", "Z")


def split(
    rows: Iterable[Row], groups: Sequence[str], start: datetime, end: datetime, zone: ZoneInfo
) -> dict[tuple[Any, ...], Part]:
    """Contacts, legs and stays of [start, end), each under the values that it counts under."""
    found: dict[tuple[Any, ...], Part] = defaultdict(lambda: ([], [], []))

    def key(own: Row, row: Row, began: str) -> tuple[Any, ...]:
        return tuple(
            _local(began, g, zone) if g in ("day", "hour", "weekday") else own[g] if own.get(g) is not None else row[g]
            for g in groups
        )

    for row in rows:
        if start <= _at(row["started_at"]) < end:
            if row["direction"] == "inbound" and row["contact_id"] == row["call_id"]:
                found[key(row, row, row["started_at"])][0].append(row)
            for leg in row["legs"]:
                found[key({g: leg.get(g) for g in ("agent", "queue", "team")}, row, row["started_at"])][1].append(leg)
        for stay in row["queue_visits"]:
            if start <= _at(stay["queued_at"]) < end:
                found[key({"queue": stay["queue"]}, row, stay["queued_at"])][2].append(stay)
    return found
