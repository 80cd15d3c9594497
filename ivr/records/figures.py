"""Every figure, declared once: name, formula, numerator, denominator, unit. API, command line, exports and docs/metrics.md read this.

`numerator` and `denominator` are sums of measures with weights; a figure is `scale` × numerator / denominator + `offset`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ivr.records.measures import MEASURES, Column, Measure, Source, Thresholds
from ivr.records.parameters import BadQuery, nearest


class Unit(StrEnum):
    """What a figure is measured in."""

    COUNT = "count"
    SECONDS = "seconds"
    SHARE = "share"  # 0..1
    POINTS = "points"  # -100..100
    SCALE = "scale"  # as the survey's scale


class Matures(StrEnum):
    """When a figure over a time that has passed stops changing."""

    AT_ONCE = "at_once"  # with the call's end
    WRAP_UP = "wrap_up"  # when the last agent has finished the after-call work
    ONE_DAY = "24h"
    THREE_DAYS = "72h"
    WEEK = "7d"
    MONTH = "30d"
    WINDOW = "window"  # FCR's own window (setting)


@dataclass(frozen=True)
class Figure:
    """A figure's whole definition. `spread`: a percentile of single values instead of a quotient of sums."""

    name: str
    title: str
    formula: str
    unit: Unit
    numerator: Mapping[str, int]
    denominator: Mapping[str, int]
    matures: Matures = Matures.AT_ONCE
    spread: tuple[str, float] | None = None
    note: str = ""
    squares: str = ""  # of a mean: the measure that adds up the squares, from which its interval follows
    survey: bool = False  # answers of callers: shown with the share of those asked who answered

    @property
    def source(self) -> Source:
        """The rows it is computed from."""
        first = next(iter((*self.numerator, *self.denominator)))
        return MEASURES[first].source

    @property
    def measures(self) -> tuple[Measure, ...]:
        """All sums it needs."""
        names = (*self.numerator, *self.denominator, *([self.squares] if self.squares else []))
        return tuple(MEASURES[name] for name in dict.fromkeys(names))

    @property
    def count(self) -> bool:
        """True for a plain sum without denominator."""
        return not self.denominator


def _sum(text: str) -> dict[str, int]:
    """`"answered + abandoned - short_abandoned"` as weights."""
    weights: dict[str, int] = {}
    sign = 1
    for word in text.split():
        if word in "+-":
            sign = 1 if word == "+" else -1
        else:
            weights[word] = weights.get(word, 0) + sign
    return weights


def _share(
    name: str, title: str, formula: str, numerator: str, denominator: str, matures: Matures = Matures.AT_ONCE, note: str = ""
) -> Figure:
    return Figure(name, title, formula, Unit.SHARE, _sum(numerator), _sum(denominator), matures, note=note)


def _mean(
    name: str, title: str, formula: str, numerator: str, denominator: str, matures: Matures = Matures.AT_ONCE, note: str = ""
) -> Figure:
    return Figure(name, title, formula, Unit.SECONDS, _sum(numerator), _sum(denominator), matures, note=note)


def _count(name: str, title: str, formula: str, measure: str, note: str = "") -> Figure:
    return Figure(name, title, formula, Unit.COUNT, {measure: 1}, {}, note=note)


def _spread(
    name: str, title: str, formula: str, spread: str, share: float, denominator: str, matures: Matures = Matures.AT_ONCE
) -> Figure:
    return Figure(name, title, formula, Unit.SECONDS, {}, {denominator: 1}, matures, (spread, share))


_RATE = "Response rate: survey_response_rate."
_TARGET = "T: the target, 20 s unless set"
_LEG = "handle time of a leg = talk + hold + wrap-up"
_SERVICE_LEVELS = (
    (
        "(answered within T + abandoned within T) / (answered + abandoned)",
        "answered_in_target + abandoned_in_target",
        "answered + abandoned",
    ),
    ("answered within T / answered", "answered_in_target", "answered"),
    ("answered within T / (answered + abandoned)", "answered_in_target", "answered + abandoned"),
    ("answered within T / (answered + abandoned after T)", "answered_in_target", "answered + abandoned - abandoned_in_target"),
    (
        "(answered within T + short abandoned) / (answered + abandoned)",
        "answered_in_target + short_abandoned",
        "answered + abandoned",
    ),
    (
        "answered within T / (answered + abandoned - short abandoned)",
        "answered_in_target",
        "answered + abandoned - short_abandoned",
    ),
)
_WINDOWS = {"24h": Matures.ONE_DAY, "72h": Matures.THREE_DAYS, "7d": Matures.WEEK, "30d": Matures.MONTH}
_FCR_NOTE = "Contacts that asked for something and were served; excluded ones (withheld or shared number, unserved) are counted in fcr_excluded."

_ALL = (
    _count("contacts", "Contacts", "dial-ins, each with the calls back that came of it", "contacts"),
    _count("handled", "Handled", "contacts connected to an agent", "handled"),
    _mean("aht_leg", "AHT per leg", f"sum of handle time of legs / legs; {_LEG}", "leg_handle_seconds", "legs", Matures.WRAP_UP),
    _spread("aht_leg_median", "AHT per leg, median", "median of handle time of legs", "leg_handle", 0.5, "legs", Matures.WRAP_UP),
    _spread("aht_leg_p90", "AHT per leg, 90th percentile", "90th percentile of handle time of legs", "leg_handle", 0.9, "legs", Matures.WRAP_UP),
    _mean("aht_contact", "AHT per contact", "sum of handle time of all legs of handled contacts / handled contacts", "handle_seconds", "handled", Matures.WRAP_UP),
    _spread("aht_contact_median", "AHT per contact, median", "median of handle time of handled contacts", "contact_handle", 0.5, "handled", Matures.WRAP_UP),
    _spread("aht_contact_p90", "AHT per contact, 90th percentile", "90th percentile of handle time of handled contacts", "contact_handle", 0.9, "handled", Matures.WRAP_UP),
    _mean("talk", "Talk per leg", "sum of talk time / legs", "leg_talk_seconds", "legs"),
    _mean("hold", "Hold per leg", "sum of hold time / legs", "leg_hold_seconds", "legs"),
    _mean("wrap_up", "Wrap-up per leg", "sum of wrap-up time / legs", "leg_wrap_up_seconds", "legs", Matures.WRAP_UP),
    _share("wrap_up_capped", "Wrap-ups that ran out", "legs whose wrap-up ended by itself, at the queue's time for it or at its cap, and not by the agent / legs", "leg_wrap_up_capped", "legs", Matures.WRAP_UP),
    _share("fcr", "FCR", "contacts with no repeat inside the window and not marked unresolved / contacts counted (window: 7 days unless set)", "fcr_resolved", "fcr_counted", Matures.WINDOW, _FCR_NOTE),
    *(_share(f"fcr_{w}", f"FCR, {w}", f"contacts with no repeat within {w} and not marked unresolved / contacts counted", f"combined_{w}", "fcr_counted", m, _FCR_NOTE) for w, m in _WINDOWS.items()),
    *(_share(f"fcr_repeat_{w}", f"FCR by repeat call, {w}", f"contacts with no repeat within {w} / contacts counted", f"no_repeat_{w}", "fcr_counted", m, _FCR_NOTE) for w, m in _WINDOWS.items()),
    _share("fcr_disposition", "FCR by disposition", "contacts the agent marked resolved / contacts marked either way", "disposed_resolved", "disposed", Matures.WRAP_UP),
    Figure("fcr_survey", "FCR by survey", "contacts whose caller said it was resolved / contacts whose caller said either", Unit.SHARE, _sum("said_resolved"), _sum("asked_resolved"), survey=True),
    _count("fcr_excluded", "Excluded from FCR", "contacts that do not count for FCR, with reasons in the records", "fcr_excluded"),
    _count("fcr_provisional", "FCR not final", "contacts whose window is still open", "fcr_provisional"),
    _share("containment", "Containment", "self-service contacts whose goal was confirmed, that were not handled and did not call again within 24 h / contacts that entered self-service", "contained", "self_service", Matures.ONE_DAY, "Contacts of withheld or shared numbers are in neither: whether they called again cannot be known."),
    _share("reask_rate", "Re-ask rate", "handled contacts in which the caller was asked again for what was known / handled contacts", "reasked", "handled"),
    _share("abandonment_rate", "Abandonment", "(abandoned in queue or ringing - short) / (answered + abandoned in queue or ringing - short)", "abandoned - short_abandoned", "answered + abandoned - short_abandoned"),
    _count("abandoned_in_menu", "Abandoned in the menu", "contacts that hung up before any queue", "abandoned_in_menu"),
    _count("abandoned_in_queue", "Abandoned in the queue", "contacts that hung up while waiting", "abandoned_in_queue"),
    _count("abandoned_while_ringing", "Abandoned while ringing", "contacts that hung up while an agent's phone rang", "abandoned_while_ringing"),
    _count("abandoned_on_hold", "Abandoned on hold", "contacts that hung up while an agent kept them on hold", "abandoned_on_hold"),
    _count("short_abandoned", "Short abandons", "contacts abandoned in queue or ringing in under 5 s (setting)", "short_abandoned"),
    _mean("asa", "ASA", "queue wait, ringing included, of answered contacts / answered contacts; calls back apart", "answer_wait_seconds", "answered"),
    _mean("wait_all", "Wait of everybody", "queue wait of answered and abandoned contacts / answered and abandoned contacts", "answer_wait_seconds + abandon_wait_seconds", "answered + abandoned"),
    _spread("wait_p90", "Wait of the answered, 90th percentile", "90th percentile of queue wait of answered contacts", "answer_wait", 0.9, "answered"),
    *(_share(f"service_level_{n}", f"Service level, formula {n}", formula, over, under, note=_TARGET) for n, (formula, over, under) in enumerate(_SERVICE_LEVELS, 1)),
    _share("service_level", "Service level", f"formula 6: {_SERVICE_LEVELS[5][0]}", _SERVICE_LEVELS[5][1], _SERVICE_LEVELS[5][2], note=_TARGET),
    _share("transfer_rate", "Transfers", "contacts with an agent-to-agent or agent-to-queue transfer / handled contacts", "transferred", "handled"),
    Figure("csat", "CSAT", "answers 4 and 5 / answers, on 1-5", Unit.SHARE, _sum("csat_top_two"), _sum("csat_answers"), note=_RATE, survey=True),
    Figure("nps", "NPS", "% of 9-10 - % of 0-6, on 0-10", Unit.POINTS, _sum("nps_promoters - nps_detractors"), _sum("nps_answers"), note=_RATE, survey=True),
    Figure("ces", "CES", "sum of answers / answers, on 1-7 where 7 is easy", Unit.SCALE, _sum("ces_sum"), _sum("ces_answers"), note=_RATE, squares="ces_squares", survey=True),
    _share("survey_response_rate", "Survey response", "contacts that answered at least one question / contacts that were asked", "survey_answered", "survey_offered"),
    _count("offered", "Offered to queues", "stays in queues that began", "visits_offered", "Counted where and when the stay began; a contact may have several."),
    _count("answered", "Answered out of queues", "stays that ended with an agent", "visits_answered"),
    _count("abandoned", "Abandoned in queues", "stays that ended with the caller hanging up", "visits_abandoned"),
    _count("diverted", "Diverted", "stays that ended with another way: voicemail, another queue, closed, full", "visits_diverted"),
    _count("callback", "Calls back promised", "stays that ended with a call back", "visits_callback"),
    _count("solved", "Solved in the queue", "stays that ended with the caller saying so", "visits_solved"),
    _count("waiting", "Still waiting", "stays that have not ended", "visits_waiting"),
)  # fmt: skip

FIGURES: dict[str, Figure] = {figure.name: figure for figure in _ALL}
# Not a quotient of sums over calls: computed from agents' states, see ivr/records/occupancy.py.
OCCUPANCY = "occupancy"
NAMES = (*FIGURES, OCCUPANCY)
DEFAULT = (
    "contacts",
    "handled",
    "aht_contact",
    "aht_leg",
    "fcr",
    "service_level",
    "asa",
    "abandonment_rate",
    "containment",
    "transfer_rate",
)
# Names that other systems use for the same thing.
ALIASES = {"aht": "aht_contact", "calls": "contacts"}


def figure(name: str, parameter: str = "metrics") -> Figure:
    """A figure by its name, as given by `parameter`. Raises BadQuery naming the allowed ones."""
    name = ALIASES.get(name, name)
    if name not in FIGURES:
        raise BadQuery(f'unknown metric "{name[:60]}".{nearest(name, NAMES)}', NAMES, parameter)
    return FIGURES[name]


def total(weights: Mapping[str, int], thresholds: Thresholds) -> Column:
    """What one row adds to a weighted sum of measures."""
    parts = [MEASURES[name].column(thresholds) * weight for name, weight in weights.items()]
    whole = parts[0]
    for part in parts[1:]:
        whole = whole + part
    return whole


def counted_in(text: str, thresholds: Thresholds | None = None) -> tuple[Source, Column]:
    """Which rows a figure counts: those in its denominator, or with ".numerator" in its numerator. Raises BadQuery."""
    name, dot, part = text.partition(".")
    if dot and part not in ("numerator", "denominator"):
        raise BadQuery(
            f'counted_in "{text[:60]}" ends in an unknown part', (f"{name}.numerator", f"{name}.denominator"), "counted_in"
        )
    if name == OCCUPANCY:
        raise BadQuery("occupancy is counted over agents' states, not over calls", tuple(FIGURES), "counted_in")
    chosen = figure(name, "counted_in")
    weights = chosen.numerator if (part == "numerator" or chosen.count) and chosen.numerator else chosen.denominator
    return chosen.source, total(weights, thresholds or Thresholds()) != 0
