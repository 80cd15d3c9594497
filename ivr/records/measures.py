"""What is counted of each row: the sums that every figure is made of. Rollups keep exactly these.

A measure of a contact is counted on the row of the dial-in that opened it (`is_contact`), so that a call back counts with its
contact and not as another one. A measure of a leg is counted on each leg.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from ivr.records.parameters import read_seconds
from ivr.records.record import WINDOWS_SECONDS, Rules
from ivr.records.tables import calls, legs, visits

Column = sa.ColumnElement[Any]


class Source(StrEnum):
    """The table whose rows a measure counts."""

    CONTACTS = "contacts"
    LEGS = "legs"
    VISITS = "visits"


@dataclass(frozen=True)
class Thresholds:
    """Service level's T, and under how many seconds an abandoned call does not count."""

    target_seconds: float = 20.0
    short_abandon_seconds: float = 5.0


# How a request names them.
THRESHOLDS = ("target_seconds", "short_seconds")


def default_thresholds(rules: Rules) -> Thresholds:
    """Those of config/reports.yaml, which rollups are kept for."""
    return Thresholds(rules.target_seconds, rules.short_abandon_seconds)


def read_thresholds(arguments: Mapping[str, Sequence[str]], usual: Thresholds) -> Thresholds:
    """Thresholds out of request arguments; `usual` where they name none. Raises BadQuery."""
    target, short = (read_seconds(arguments, name, None) for name in THRESHOLDS)
    return Thresholds(usual.target_seconds if target is None else target, usual.short_abandon_seconds if short is None else short)


@dataclass(frozen=True)
class Measure:
    """A sum over rows: `column` gives what each row adds, from the thresholds in force."""

    name: str
    source: Source
    column: Callable[[Thresholds], Column]


def _flag(condition: Column) -> Column:
    return sa.case((condition, 1), else_=0)


_contact = sa.and_(calls.c.is_contact == 1, calls.c.direction == "inbound")
_ended = calls.c.ended_at.is_not(None)
_handled = sa.and_(_contact, calls.c.contact_handled == 1)
# Answered out of a queue, on the line: what waiting figures are about. A call back waits for its turn, not on the line.
_answered = sa.and_(_contact, calls.c.handled == 1, calls.c.queued_at.is_not(None), calls.c.by_callback == 0)
_abandoned = sa.and_(_contact, calls.c.outcome.in_(("abandoned_in_queue", "abandoned_while_ringing")))
_fcr = sa.and_(_contact, _ended, calls.c.fcr_state != "excluded")
# Whether they called again can be known. Not `person`, which erasing takes away: figures stay as they were.
_recognisable = sa.or_(calls.c.fcr_excluded.is_(None), calls.c.fcr_excluded.not_in(("withheld_number", "shared_number")))
_not_unresolved = sa.and_(
    sa.or_(calls.c.resolved.is_(None), calls.c.resolved.is_(True)),
    sa.or_(calls.c.survey_resolved.is_(None), calls.c.survey_resolved.is_(True)),
)
_contained = sa.and_(calls.c.outcome == "self_served", calls.c.goal_confirmed == 1, calls.c.contact_handled == 0)


def _no_repeat(seconds: float) -> Column:
    return sa.or_(calls.c.repeat_seconds.is_(None), calls.c.repeat_seconds >= seconds)


def _contacts(name: str, column: Column | Callable[[Thresholds], Column]) -> Measure:
    return Measure(
        name, Source.CONTACTS, column if callable(column) and not isinstance(column, sa.ColumnElement) else lambda _t: column
    )


def _within(t: Thresholds) -> Column:
    return calls.c.queue_seconds <= t.target_seconds


def _short(t: Thresholds) -> Column:
    return calls.c.queue_seconds < t.short_abandon_seconds


_CONTACTS = [
    _contacts("contacts", _flag(_contact)),
    _contacts("handled", _flag(_handled)),
    _contacts("handle_seconds", sa.case((_handled, calls.c.contact_handle_seconds), else_=0.0)),
    _contacts("answered", _flag(_answered)),
    _contacts("answer_wait_seconds", sa.case((_answered, calls.c.queue_seconds), else_=0.0)),
    _contacts("answered_in_target", lambda t: _flag(sa.and_(_answered, _within(t)))),
    _contacts("abandoned", _flag(_abandoned)),
    _contacts("abandon_wait_seconds", sa.case((_abandoned, calls.c.queue_seconds), else_=0.0)),
    _contacts("abandoned_in_target", lambda t: _flag(sa.and_(_abandoned, _within(t)))),
    _contacts("short_abandoned", lambda t: _flag(sa.and_(_abandoned, _short(t)))),
    _contacts("abandoned_in_menu", _flag(sa.and_(_contact, calls.c.outcome == "abandoned_in_menu"))),
    _contacts("abandoned_in_queue", _flag(sa.and_(_contact, calls.c.outcome == "abandoned_in_queue"))),
    _contacts("abandoned_while_ringing", _flag(sa.and_(_contact, calls.c.outcome == "abandoned_while_ringing"))),
    _contacts("abandoned_on_hold", _flag(sa.and_(_contact, calls.c.abandoned_where == "hold"))),
    _contacts("transferred", _flag(sa.and_(_handled, calls.c.transferred_inside == 1))),
    _contacts("reasked", _flag(sa.and_(_handled, calls.c.reasked > 0))),
    _contacts("self_service", _flag(sa.and_(_contact, calls.c.self_service == 1, _recognisable))),
    _contacts(
        "contained",
        _flag(
            sa.and_(
                _contact,
                calls.c.self_service == 1,
                _recognisable,
                _contained,
                sa.or_(calls.c.return_seconds.is_(None), calls.c.return_seconds >= 86400),
            )
        ),
    ),
    _contacts("fcr_counted", _flag(_fcr)),
    _contacts("fcr_excluded", _flag(sa.and_(_contact, calls.c.fcr_state == "excluded"))),
    _contacts("fcr_provisional", _flag(sa.and_(_contact, calls.c.fcr_state == "provisional"))),
    _contacts("fcr_resolved", _flag(sa.and_(_fcr, calls.c.fcr.is_(True)))),
    *(_contacts(f"no_repeat_{name}", _flag(sa.and_(_fcr, _no_repeat(seconds)))) for name, seconds in WINDOWS_SECONDS.items()),
    *(
        _contacts(f"combined_{name}", _flag(sa.and_(_fcr, _no_repeat(seconds), _not_unresolved)))
        for name, seconds in WINDOWS_SECONDS.items()
    ),
    _contacts("disposed", _flag(sa.and_(_fcr, calls.c.resolved.is_not(None)))),
    _contacts("disposed_resolved", _flag(sa.and_(_fcr, calls.c.resolved.is_(True)))),
    _contacts("asked_resolved", _flag(sa.and_(_fcr, calls.c.survey_resolved.is_not(None)))),
    _contacts("said_resolved", _flag(sa.and_(_fcr, calls.c.survey_resolved.is_(True)))),
    _contacts("survey_offered", _flag(sa.and_(_contact, calls.c.survey_offered == 1))),
    _contacts(
        "survey_answered",
        _flag(
            sa.and_(
                _contact,
                sa.or_(
                    calls.c.csat.is_not(None),
                    calls.c.nps.is_not(None),
                    calls.c.ces.is_not(None),
                    calls.c.survey_resolved.is_not(None),
                ),
            )
        ),
    ),
    _contacts("csat_answers", _flag(sa.and_(_contact, calls.c.csat.is_not(None)))),
    _contacts("csat_top_two", _flag(sa.and_(_contact, calls.c.csat >= 4))),
    _contacts("nps_answers", _flag(sa.and_(_contact, calls.c.nps.is_not(None)))),
    _contacts("nps_promoters", _flag(sa.and_(_contact, calls.c.nps >= 9))),
    _contacts("nps_detractors", _flag(sa.and_(_contact, calls.c.nps <= 6))),
    _contacts("ces_answers", _flag(sa.and_(_contact, calls.c.ces.is_not(None)))),
    _contacts("ces_squares", sa.case((sa.and_(_contact, calls.c.ces.is_not(None)), calls.c.ces * calls.c.ces), else_=0.0)),
    _contacts("ces_sum", sa.case((sa.and_(_contact, calls.c.ces.is_not(None)), calls.c.ces), else_=0.0)),
]


def _legs(name: str, column: Column) -> Measure:
    return Measure(name, Source.LEGS, lambda _t: column)


_LEGS = [
    _legs("legs", sa.literal_column("1")),
    _legs("leg_handle_seconds", legs.c.handle_seconds),
    _legs("leg_talk_seconds", legs.c.talk_seconds),
    _legs("leg_hold_seconds", legs.c.hold_seconds),
    _legs("leg_wrap_up_seconds", legs.c.wrap_up_seconds),
    _legs("leg_wrap_up_pending", legs.c.wrap_up_pending),
    _legs("leg_wrap_up_capped", legs.c.wrap_up_capped),
]


def _visits(name: str, result: str | None = None) -> Measure:
    return Measure(name, Source.VISITS, lambda _t: _flag(visits.c.result == result) if result else sa.literal_column("1"))


# What became of everything that was offered to a queue: docs/metrics.md, reconciliation.
PLACES = ("answered", "abandoned", "diverted", "callback", "solved", "waiting")
_VISITS = [_visits("visits_offered"), *(_visits(f"visits_{place}", place) for place in PLACES)]

MEASURES: dict[str, Measure] = {measure.name: measure for measure in (*_CONTACTS, *_LEGS, *_VISITS)}
# Values whose median and 90th percentile are kept beside their sums.
SPREADS: dict[str, tuple[Source, Column]] = {
    "contact_handle": (Source.CONTACTS, sa.case((_handled, calls.c.contact_handle_seconds))),
    "leg_handle": (Source.LEGS, legs.c.handle_seconds),
    "answer_wait": (Source.CONTACTS, sa.case((_answered, calls.c.queue_seconds))),
}
