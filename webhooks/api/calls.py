"""/calls: records in pages, in bulk, one by one, with their events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from flask import Request, Response, stream_with_context

from ivr.records import corrections
from ivr.records.export import FORMATS, stream
from ivr.records.parameters import BadQuery
from ivr.records.query import CLOSED_SETS, FILTERS, CallQuery, list_calls, read_call_query
from ivr.records.record import BASIS_FIELDS, EXTRA_FIELDS, RECORD_FIELDS, FcrState, Outcome
from ivr.records.rows import plain, public_row, rfc3339
from ivr.records.saving import recompute
from ivr.records.tokens import Access
from webhooks.api.context import ApiContext, NotThere
from webhooks.api.problems import Problem
from webhooks.api.routes import Parameter, route

_ABOUT = {
    "agent": "an agent who was connected (any leg)", "first_agent": "the agent who took the call", "queue": "the queue it was answered or left in",
    "intent": "any intent understood", "first_intent": "the intent that figures count it under", "flow": "the flow it entered", "revision": "the flow revision it ran",
    "outcome": "how it ended", "caller": "a number in E.164 or a customer id", "contact": "all calls of a contact", "repeat_of": "contacts whose repeat is this call",
    "queue_result": "a stay in a queue that ended so", "stay_queue": "a stay in this queue", "leg_queue": "a leg that came out of this queue",
    "leg_team": "a leg of an agent of this team", "leg_disposition": "a leg with this disposition",
    "weekday": "a start on this day of the week in tz", "hour_of_day": "a start in this hour of the day in tz, 00 to 23",
    "follow_up": "due: callers who gave up waiting, can be called, and were neither reached nor called again",
}  # fmt: skip
RANGE = (
    Parameter("from", "start of the interval, included: a date or an RFC 3339 time", example="2026-11-01"),
    Parameter("to", "end of the interval, excluded", example="2026-12-01"),
    Parameter("tz", "zone of dates without time, IANA name; default UTC", example="Europe/Madrid"),
)
CALL_PARAMETERS = (
    *RANGE,
    *(Parameter(name, f"only calls with this: {_ABOUT.get(name, name.replace('_', ' '))}; (none) for calls without", many=True, allowed=CLOSED_SETS.get(name, ())) for name in FILTERS),
    Parameter("updated_since", "calls that changed since, in order of change: for increments", example="2026-11-22T08:00:00Z"),
    Parameter("cursor", "`next_cursor` of the page before"),
    Parameter("limit", "rows of a page, 1 to 500; default 100"),
    Parameter("order", "by start", allowed=("asc", "desc")),
    Parameter("queued_from", "with a stay in a queue that began then or later"),
    Parameter("queued_to", "with a stay in a queue that began before"),
    Parameter("counted_in", "only calls that this figure counts, e.g. aht_contact or fcr.numerator"),
    Parameter("target_seconds", "service level's T for counted_in; default: the setting"),
    Parameter("short_seconds", "abandons under this do not count for counted_in; default: the setting"),
)  # fmt: skip
_TEXT = {"type": ["string", "null"]}
_NUMBER = {"type": "number"}
CALL = {
    "type": "object",
    "properties": {
        **dict.fromkeys((*RECORD_FIELDS, *EXTRA_FIELDS), _TEXT),
        **{name: _NUMBER for name in RECORD_FIELDS if name.endswith("_seconds")},
        "outcome": {"type": "string", "enum": list(Outcome)},
        "fcr": {"type": ["boolean", "null"]},
        "fcr_state": {"type": "string", "enum": list(FcrState)},
        "resolved": {"type": ["boolean", "null"]},
        "transfers": {"type": "integer"},
        "intents": {"type": "array", "items": {"type": "string"}},
        "survey": {"type": ["object", "null"]},
        "recording": {"type": ["object", "null"]},
        "repeat_seconds": {"type": ["number", "null"]},
        "contact_handle_seconds": _NUMBER,
        "wrap_up_pending": {"type": "boolean"},
        "corrected": {"type": "boolean"},
        "legs": {"type": "array", "items": {"type": "object"}},
        "outside_talks": {
            "type": "array",
            "items": {"type": "object"},
            "description": "with numbers outside: to, by, warm, times, seconds",
        },
        "queue_visits": {"type": "array", "items": {"type": "object"}},
        "basis": {
            "type": "object",
            "description": "what figures go by besides",
            "properties": {
                **{name: {"type": "boolean"} for name in BASIS_FIELDS},
                "return_seconds": {"type": ["number", "null"]},
                "reasked": {"type": "integer"},
            },
        },
    },
    "required": ["call_id", "contact_id", "started_at", "outcome", "fcr_state", "legs"],
}
PAGE = {
    "type": "object",
    "properties": {
        "calls": {"type": "array", "items": {"$ref": "#/components/schemas/Call"}},
        "next_cursor": _TEXT,
        "as_of": {"type": "string"},
    },
    "required": ["calls", "next_cursor", "as_of"],
}
_CALL_ID = Parameter("call_id", "the call", where="path")


def arguments_of(request: Request) -> dict[str, list[str]]:
    """Query parameters, each with all its values."""
    return {name: values for name, values in request.args.lists() if any(values)}


def masked(access: Access) -> bool:
    """True where numbers and names are to be hidden."""
    return not access.may("calls:unmask")


def own_agent(access: Access) -> str | None:
    """The agent whose calls alone this access may see; None for all."""
    return None if access.may("calls:read") else (access.agent or "")


def _asked(context: ApiContext, access: Access, request: Request) -> CallQuery:
    query = read_call_query(arguments_of(request))
    if masked(access) and "caller" in query.filters:
        # A masked reader could otherwise try numbers one by one.
        raise Problem("missing-scope", "the filter caller needs the scope calls:unmask", scope="calls:unmask")
    return replace(query, own_agent=own_agent(access))


@route(
    "GET", "/calls", "calls:read", "calls:own", summary="Call records, page by page; in bulk as CSV, NDJSON or Parquet by Accept",
    parameters=CALL_PARAMETERS, answer=PAGE, media=("application/json", *(f.media for f in FORMATS.values())),
)  # fmt: skip
def calls(context: ApiContext, access: Access, request: Request) -> Any:
    query = _asked(context, access, request)
    best = request.accept_mimetypes.best_match(["application/json", *(f.media for f in FORMATS.values())])
    for name, form in FORMATS.items():
        if best == form.media:
            return _bulk(context, access, query, name)
    page = list_calls(context.store, query)
    hide = masked(access)
    return {
        "calls": [public_row(row, masked=hide) for row in page.rows],
        "next_cursor": page.next_cursor,
        # What to give as updated_since next time: everything recorded before is in what was read.
        "as_of": rfc3339(page.as_of),
    }


def _export(name: str) -> None:
    form = FORMATS[name]

    @route(
        "GET",
        f"/calls.{name}",
        "calls:read",
        "calls:own",
        summary=f"All matching call records as {form.title}",
        parameters=CALL_PARAMETERS,
        media=(form.media,),
    )
    def export(context: ApiContext, access: Access, request: Request) -> Response:
        if "limit" in request.args:
            raise BadQuery("a bulk export has no pages: leave limit out", parameter="limit")
        return _bulk(context, access, _asked(context, access, request), name)


for _name in FORMATS:
    _export(_name)


def _bulk(context: ApiContext, access: Access, query: CallQuery, name: str) -> Response:
    chunks = stream(context.store, query, name, masked=masked(access))
    # The first chunk is made before the answer begins, so that a refusal still is one.
    first = next(chunks, b"")

    def rest() -> Iterator[bytes]:
        yield first
        yield from chunks

    headers = {"Content-Disposition": f'attachment; filename="calls.{name}"', "Cache-Control": "no-store"}
    return Response(stream_with_context(rest()), mimetype=FORMATS[name].media, headers=headers)


def _row(context: ApiContext, access: Access, call_id: str) -> dict[str, Any]:
    """The call's row, for those who may see it; NotThere for others too, so that nobody learns which calls exist."""
    row = context.store.row(call_id)
    agent = own_agent(access)
    if row is None or (agent is not None and agent not in {leg["agent"] for leg in row["legs"]}):
        raise NotThere(f"there is no call {call_id[:80]}")
    return row


@route(
    "GET",
    "/calls/<call_id>",
    "calls:read",
    "calls:own",
    summary="One call record",
    parameters=(_CALL_ID,),
    answer={"$ref": "#/components/schemas/Call"},
)
def call(context: ApiContext, access: Access, request: Request, call_id: str) -> Any:
    return public_row(_row(context, access, call_id), masked=masked(access))


@route(
    "GET",
    "/calls/<call_id>/events",
    "calls:read",
    "calls:own",
    summary="The journal that the record is computed from",
    parameters=(_CALL_ID,),
)
def events(context: ApiContext, access: Access, request: Request, call_id: str) -> Any:
    _row(context, access, call_id)
    hidden = ("from_number", "to_number", "forwarded_from", "number", "customer_name") if masked(access) else ()
    notes = context.store.notes(call_id)
    return {
        "call_id": call_id,
        "events": [
            {
                "seq": n.seq,
                "at": rfc3339(n.at),
                "kind": n.kind,
                "data": {k: ("…" if k in hidden and v else v) for k, v in n.data.items()},
            }
            for n in notes
        ],
    }


@route("GET", "/calls/<call_id>/why", "calls:read", summary="Why the call went to whom", parameters=(_CALL_ID,))
def why(context: ApiContext, access: Access, request: Request, call_id: str) -> Any:
    if context.why is None:
        raise Problem("unavailable", "routing decisions are not available here")
    found = context.why(call_id)
    if found is None:
        raise NotThere(f"no routing decision is kept for call {call_id[:80]}")
    return found


_CORRECTION = {
    "type": "object",
    "properties": {
        "field": {"type": "string", "enum": sorted(corrections.CORRECTABLE)},
        "value": {},
        "reason": {"type": "string"},
    },
    "required": ["field", "value", "reason"],
}


@route(
    "GET", "/calls/<call_id>/corrections", "calls:read", summary="Corrections of a record, oldest first", parameters=(_CALL_ID,)
)
def call_corrections(context: ApiContext, access: Access, request: Request, call_id: str) -> Any:
    _row(context, access, call_id)
    with context.store.reading() as connection:
        found = corrections.history(connection, call_id)
    return {"corrections": [{name: plain(value) for name, value in row.items()} for row in found]}


@route(
    "POST",
    "/calls/<call_id>/corrections",
    "calls:correct",
    summary="Correct a record: a layer on top, never an overwrite",
    parameters=(_CALL_ID,),
    body=_CORRECTION,
    status=201,
)
def correct(context: ApiContext, access: Access, request: Request, call_id: str, body: dict[str, Any]) -> Any:
    _row(context, access, call_id)
    now = context.clock()
    corrections.correct(
        context.store,
        call_id,
        str(body.get("field")),
        body.get("value"),
        reason=str(body.get("reason") or ""),
        by=access.name,
        now=now,
    )
    recompute(context.store, call_id, now)
    return public_row(_row(context, access, call_id), masked=masked(access))
