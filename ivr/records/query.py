"""One query object for calls: what the API, the command line, exports and the console ask with."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from ivr.records.columns import from_micros, to_micros
from ivr.records.database import REPORT_SECONDS
from ivr.records.figures import counted_in
from ivr.records.intervals import WEEKDAYS, period
from ivr.records.measures import THRESHOLDS, Source, Thresholds, default_thresholds
from ivr.records.parameters import BadQuery, nearest, read_range, read_seconds, read_time, read_zone
from ivr.records.record import LONGEST_CALL_SECONDS, FcrState, Outcome
from ivr.records.settled import settled
from ivr.records.store import Store
from ivr.records.tables import calls, issues, legs, visits

MOST_ROWS = 500
# A page takes milliseconds where an index serves its filters; on a machine that is busy or has just started, still less than this.
PAGE_SECONDS = 5.0
_CHUNK = 2000
_LONGEST_CALL = timedelta(seconds=LONGEST_CALL_SECONDS)

# Filters that compare one column. `agent`, `intent` and `caller` look further than that, see `_conditions`.
_COLUMNS = {
    "queue": calls.c.queue, "flow": calls.c.flow, "revision": calls.c.revision, "outcome": calls.c.outcome, "language": calls.c.language,
    "segment": calls.c.segment, "team": calls.c.team, "model": calls.c.model, "disposition": calls.c.disposition, "direction": calls.c.direction,
    "fcr_state": calls.c.fcr_state, "contact": calls.c.contact_id, "customer": calls.c.customer_id, "first_agent": calls.c.agent,
    "first_intent": calls.c.intent, "call": calls.c.call_id, "repeat_of": calls.c.repeat_call_id, "to_number": calls.c.to_number,
}  # fmt: skip
# Columns of legs that figures of legs count under, where they differ from the call's.
_OF_LEG = {
    "leg_queue": sa.func.coalesce(legs.c.queue, calls.c.queue),
    "leg_team": sa.func.coalesce(legs.c.team, calls.c.team),
    "leg_disposition": legs.c.disposition,
}
_OF_STAY = {"stay_queue": visits.c.queue, "queue_result": visits.c.result}
RECURRING = ("weekday", "hour_of_day")
FILTERS = (*_COLUMNS, "agent", "intent", "caller", "fcr", *_OF_STAY, *_OF_LEG, *RECURRING, "follow_up")
CLOSED_SETS = {
    "weekday": WEEKDAYS,
    "hour_of_day": tuple(f"{hour:02d}" for hour in range(24)),
    "outcome": tuple(Outcome),
    "fcr_state": tuple(FcrState),
    "fcr": ("true", "false", "null"),
    "direction": ("inbound", "outbound"),
    "follow_up": ("due",),
}
# Gave up waiting, can be called, nobody reached them since and they did not call again about anything.
_TO_CALL_BACK = sa.and_(
    calls.c.is_contact == 1,
    calls.c.direction == "inbound",
    calls.c.outcome.in_((Outcome.ABANDONED_IN_QUEUE, Outcome.ABANDONED_WHILE_RINGING)),
    calls.c.contact_handled == 0,
    calls.c.from_number.is_not(None),
    calls.c.person.is_not(None),
    calls.c.return_seconds.is_(None),
)
_OF_PARTS = ("agent", *_OF_LEG, *_OF_STAY, *RECURRING)
NONE = "(none)"  # the value of a filter or group for "there is none"


@dataclass(frozen=True)
class CallQuery:
    """Calls that started in [start, end), filtered. With `updated_since`, those that changed since then, in order of change.

    `counted_in`: only calls that the figure of this name counts ("aht_contact", or "aht_contact.numerator").
    """

    start: datetime | None = None
    end: datetime | None = None
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    updated_since: datetime | None = None
    cursor: tuple[int, str] | None = None
    limit: int = 100
    descending: bool = False
    counted_in: str | None = None
    queued_from: datetime | None = None  # with a stay in a queue that began in [queued_from, queued_to)
    queued_to: datetime | None = None
    target_seconds: float | None = None  # what `counted_in` goes by; None: as in config/reports.yaml
    short_seconds: float | None = None
    settled: datetime | None = None  # with `updated_since`: changes up to here only; set where the query is run
    own_agent: str | None = None  # an agent's token sees the calls of this agent only
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))  # of weekdays and hours of the day


@dataclass(frozen=True)
class Page:
    """Rows in order, and the cursor after the last of them (None: there are no more).

    `as_of` of the first page is where the next increment begins: every earlier change is in what was read.
    """

    rows: list[dict[str, Any]]
    next_cursor: str | None
    as_of: datetime


def read_filters(arguments: Mapping[str, Sequence[str]], also: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Filters out of request arguments; `also` names parameters that are not filters. Raises BadQuery for anything else."""
    found: dict[str, tuple[str, ...]] = {}
    for name, values in arguments.items():
        if name in also:
            continue
        if name not in FILTERS:
            allowed = sorted({*FILTERS, *also})
            raise BadQuery(f'unknown parameter "{name[:60]}".{nearest(name, allowed)}', allowed, name)
        for value in values:
            closed = CLOSED_SETS.get(name)
            if closed and value not in closed:
                raise BadQuery(f'{name} "{value[:60]}" is not known.{nearest(value, closed)}', closed, name)
            if len(value) > 200:
                raise BadQuery(f"{name} is longer than 200 characters", parameter=name)
        if len(values) > 50:
            raise BadQuery(f"{name} is given more than 50 times", parameter=name)
        found[name] = tuple(values)
    return found


def _place(row: Mapping[str, Any], query: CallQuery) -> tuple[int, str]:
    """Where `row` stands in the query's order."""
    return to_micros(row["updated_at"] if query.updated_since is not None else row["started_at"]), row["call_id"]


def _asked(query: CallQuery) -> str:
    """A digest of what is asked: a cursor only goes on with the query that it came from."""
    return hashlib.sha256(repr(replace(query, cursor=None, limit=0, settled=None, own_agent=None)).encode()).hexdigest()[:12]


def write_cursor(row: Mapping[str, Any], query: CallQuery) -> str:
    """The opaque place after `row`."""
    return base64.urlsafe_b64encode(json.dumps([*_place(row, query), _asked(query)]).encode()).decode().rstrip("=")


def read_cursor(text: str, query: CallQuery) -> tuple[int, str]:
    """Raises BadQuery for anything that `write_cursor` did not write, and for what it wrote for another query."""
    try:
        micros, call_id, asked = json.loads(base64.urlsafe_b64decode(text[:400] + "=" * (-len(text[:400]) % 4)))
    except (ValueError, binascii.Error, TypeError):
        micros = call_id = asked = None
    if not (isinstance(micros, int) and isinstance(call_id, str) and 0 <= micros < 2**62):
        raise BadQuery("the cursor is not one that this API gave out; start again without it", parameter="cursor")
    if asked != _asked(query):
        raise BadQuery(
            "the cursor came with another query: give it with the same parameters (`limit` may change), or start again without it",
            parameter="cursor",
        )
    return micros, call_id


def read_call_query(arguments: Mapping[str, Sequence[str]], *, limit: int = 100) -> CallQuery:
    """A query out of request arguments. Raises BadQuery with the parameter and, where the set is closed, the allowed values."""
    also = (
        "from",
        "to",
        "tz",
        "updated_since",
        "cursor",
        "limit",
        "order",
        "counted_in",
        "queued_from",
        "queued_to",
        *THRESHOLDS,
    )
    filters = read_filters(arguments, also)
    one = {name: arguments[name][0] for name in also if arguments.get(name)}
    zone = read_zone(one.get("tz"))
    start, end = read_range(arguments, zone)
    if "limit" in one:
        if not re.fullmatch(r"\d{1,4}", one["limit"]) or not 1 <= int(one["limit"]) <= MOST_ROWS:
            raise BadQuery(f"limit must be a whole number from 1 to {MOST_ROWS}", parameter="limit")
        limit = int(one["limit"])
    order = one.get("order", "asc")
    if order not in ("asc", "desc"):
        raise BadQuery(f'order "{order[:20]}" is not known', ("asc", "desc"), "order")
    since = read_time("updated_since", one["updated_since"], zone) if "updated_since" in one else None
    if since is not None and order == "desc":
        raise BadQuery("updated_since goes with order=asc: increments are read in order of change", ("asc",), "order")
    queued = [read_time(name, one[name], zone) if name in one else None for name in ("queued_from", "queued_to")]
    counted = [name for name in RECURRING if name in filters]
    if counted and None in ((start, end) if queued == [None, None] else queued):
        raise BadQuery(
            f"{counted[0]} needs an interval: give `from` and `to`, or `queued_from` and `queued_to`", parameter="from"
        )
    query = CallQuery(
        start,
        end,
        filters,
        since,
        None,
        limit,
        order == "desc",
        one.get("counted_in"),
        queued_from=queued[0],
        queued_to=queued[1],
        target_seconds=read_seconds(arguments, "target_seconds", None),
        short_seconds=read_seconds(arguments, "short_seconds", None),
        zone=zone,
    )
    return replace(query, cursor=read_cursor(one["cursor"], query)) if "cursor" in one else query


def conditions(query: CallQuery, usual: Thresholds) -> list[sa.ColumnElement[bool]]:
    """The query's WHERE, without its cursor. `usual`: the thresholds where the query names none."""
    where: list[sa.ColumnElement[bool]] = []
    if query.start is not None:
        where.append(calls.c.started_at >= query.start)
    if query.end is not None:
        where.append(calls.c.started_at < query.end)
    if query.updated_since is not None:
        where.append(calls.c.updated_at >= query.updated_since)
        if query.settled is not None:
            where.append(calls.c.updated_at <= query.settled)
    where.extend(_condition(name, values) for name, values in query.filters.items() if name not in _OF_PARTS)
    where.extend(_parts(query, usual))
    return where


def _parts(query: CallQuery, usual: Thresholds) -> list[sa.ColumnElement[bool]]:
    """Conditions on legs and on stays: all of one kind must hold for the same leg, or the same stay."""
    where: list[sa.ColumnElement[bool]] = []
    of_leg: list[sa.ColumnElement[bool]] = []
    of_stay: list[sa.ColumnElement[bool]] = []
    if query.own_agent is not None:
        of_leg.append(legs.c.agent == query.own_agent)
    for name, values in query.filters.items():
        if name == "agent" or name in _OF_LEG:
            where += _of_part(legs, _OF_LEG.get(name, legs.c.agent), values, of_leg)
        elif name in _OF_STAY:
            where += _of_part(visits, _OF_STAY[name], values, of_stay)
    if query.queued_from is not None:
        of_stay.append(visits.c.queued_at >= query.queued_from)
    if query.queued_to is not None:
        of_stay.append(visits.c.queued_at < query.queued_to)
    if query.counted_in is not None:
        thresholds = Thresholds(
            usual.target_seconds if query.target_seconds is None else query.target_seconds,
            usual.short_abandon_seconds if query.short_seconds is None else query.short_seconds,
        )
        source, row = counted_in(query.counted_in, thresholds)
        (where if source is Source.CONTACTS else of_leg if source is Source.LEGS else of_stay).append(row)
    by_stay = query.queued_from is not None and query.queued_to is not None
    (of_stay if by_stay else where).extend(_recurring(query, by_stay))
    if query.queued_from is not None and query.queued_to is not None and query.start is None:
        # Nothing that the stays do not say already, but said so that the index on the start is used.
        where.append(calls.c.started_at.between(query.queued_from - _LONGEST_CALL, query.queued_to))
    for table, conditions_ in ((legs, of_leg), (visits, of_stay)):
        if conditions_:
            where.append(_has(table, *conditions_))
    return where


def _has(table: sa.Table, *conditions_: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """The call has a leg, or a stay, for which all of this holds."""
    return sa.exists().where(table.c.call_id == calls.c.call_id, *conditions_).correlate(calls)


def _of_part(
    table: sa.Table, column: sa.ColumnElement[Any], values: Sequence[str], together: list[sa.ColumnElement[bool]]
) -> list[sa.ColumnElement[bool]]:
    """A filter on legs or stays: added to what must hold for one of them `together`, or given back where calls without any count too."""
    given = [value for value in values if value != NONE]
    if len(given) == len(values):
        together.append(column.in_(given))
        return []
    return [sa.or_(~_has(table), _has(table, column.is_(None)), _has(table, column.in_(given)))]


def _recurring(query: CallQuery, by_stay: bool) -> list[sa.ColumnElement[bool]]:
    """Weekdays and hours of the day, of the call's start or the stay's, in the query's zone."""
    start, end = (query.queued_from, query.queued_to) if by_stay else (query.start, query.end)
    found: list[sa.ColumnElement[bool]] = []
    if start is not None and end is not None:
        micros = sa.cast(visits.c.queued_at if by_stay else calls.c.started_at, sa.BigInteger)
        for name in RECURRING:
            if name in query.filters:
                numbers = [CLOSED_SETS[name].index(value) for value in query.filters[name]]
                found.append(period(name, micros, query.zone, start, end).in_(numbers))
    return found


def _condition(name: str, values: Sequence[str]) -> sa.ColumnElement[bool]:
    if name == "intent":
        of_issue = calls.c.call_id.in_(sa.select(issues.c.call_id).where(issues.c.intent.in_(values)))
        return sa.or_(of_issue, calls.c.intent.in_(values), *([calls.c.intent.is_(None)] if NONE in values else []))
    if name == "caller":
        numbers = [re.sub(r"^ (?=\d)", "+", value) for value in values]
        nobody = [sa.and_(calls.c.from_number.is_(None), calls.c.customer_id.is_(None))] if NONE in values else []
        return sa.or_(calls.c.from_number.in_(numbers), calls.c.customer_id.in_(numbers), *nobody)
    if name == "fcr":
        words = {"true": calls.c.fcr.is_(True), "false": calls.c.fcr.is_(False), "null": calls.c.fcr.is_(None)}
        return sa.or_(*(words[value] for value in values))
    if name == "follow_up":
        return _TO_CALL_BACK
    column = _COLUMNS[name]
    given = [value for value in values if value != NONE]
    return column.in_(given) if len(given) == len(values) else sa.or_(column.is_(None), column.in_(given))


def call_statement(store: Store, query: CallQuery, limit: int, columns: Sequence[Any] = (calls,)) -> sa.Select[Any]:
    """The first `limit` rows of a query, behind its cursor (parameters `cursor_at` and `cursor_call`) where it has one."""
    key = calls.c.updated_at if query.updated_since is not None else calls.c.started_at
    chosen = sa.select(*columns).where(*conditions(query, default_thresholds(store.rules)))
    if query.cursor is not None:
        place = sa.tuple_(
            sa.bindparam("cursor_at", from_micros(query.cursor[0]), key.type),
            sa.bindparam("cursor_call", query.cursor[1], sa.Text),
        )
        here = sa.tuple_(key, calls.c.call_id)
        chosen = chosen.where(here < place if query.descending else here > place)
    order = (key.desc(), calls.c.call_id.desc()) if query.descending else (key, calls.c.call_id)
    return chosen.order_by(*order).limit(limit)


def _rows(connection: sa.Connection, statement: sa.Select[Any], *, parts: bool) -> list[dict[str, Any]]:
    rows = [dict(row) for row in connection.execute(statement).mappings()]
    if parts and rows:
        for name, table in (("legs", legs), ("visits", visits)):
            found: dict[str, list[dict[str, Any]]] = {row["call_id"]: [] for row in rows}
            for start in range(0, len(rows), 900):
                ids = [row["call_id"] for row in rows[start : start + 900]]
                for part in connection.execute(
                    sa.select(table).where(table.c.call_id.in_(ids)).order_by(table.c.call_id, table.c.n)
                ).mappings():
                    found[part["call_id"]].append(dict(part))
            for row in rows:
                row[name] = found[row["call_id"]]
    return rows


def list_calls(store: Store, query: CallQuery) -> Page:
    """One page of calls with their legs and queue visits. Raises BadQuery, TooSlow, StoreUnavailable."""
    with store.reading(PAGE_SECONDS) as connection:
        as_of = settled(store, connection)
        rows = _rows(connection, call_statement(store, replace(query, settled=as_of), query.limit + 1), parts=True)
    more = len(rows) > query.limit
    rows = rows[: query.limit]
    return Page(rows, write_cursor(rows[-1], query) if more else None, as_of)


def up_to_now(store: Store, query: CallQuery) -> CallQuery:
    """The query bounded by what is settled now: for one that is read in several transactions."""
    if query.updated_since is None or query.settled is not None:
        return query
    with store.reading() as connection:
        return replace(query, settled=settled(store, connection))


def stream_calls(store: Store, query: CallQuery, *, parts: bool = False) -> Iterator[list[dict[str, Any]]]:
    """All rows of a query, chunk by chunk at constant memory; no transaction stays open between two chunks."""
    query, cursor = up_to_now(store, query), query.cursor
    while True:
        with store.reading(REPORT_SECONDS) as connection:
            rows = _rows(connection, call_statement(store, replace(query, cursor=cursor), _CHUNK), parts=parts)
        if rows:
            yield rows
        if len(rows) < _CHUNK:
            return
        cursor = _place(rows[-1], query)
