"""/stats, /metrics and /fcr: figures with their definitions."""

from __future__ import annotations

from typing import Any

from flask import Request

from ivr.records.estimate import fcr_report
from ivr.records.figures import NAMES
from ivr.records.parameters import BadQuery, nearest
from ivr.records.stats import definition, figures, read_stats_query
from ivr.records.sums import DIMENSIONS, GROUPS
from ivr.records.tokens import Access
from webhooks.api.calls import RANGE, arguments_of
from webhooks.api.context import ApiContext
from webhooks.api.routes import Parameter, route

_FIGURE = {
    "type": "object",
    "properties": {
        "value": {"type": ["number", "null"]},
        "numerator": {"type": ["number", "null"]},
        "denominator": {"type": ["number", "null"]},
        "unit": {"type": "string"},
        "completeness": {"type": "string", "enum": ["final", "provisional"]},
        "definition": {"type": "string"},
        "interval": {"type": "array", "items": {"type": "number"}},
        "response_rate": {"type": ["number", "null"]},
        "calls": {"type": ["string", "null"]},
    },
    "required": ["value", "numerator", "denominator", "unit", "completeness", "definition"],
}
FIGURES = {"type": "object", "additionalProperties": _FIGURE}
STATS = {
    "type": "object",
    "properties": {
        "from": {"type": "string"},
        "to": {"type": "string"},
        "timezone": {"type": "string"},
        "group_by": {"type": "array", "items": {"type": "string"}},
        "rows": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"group": {"type": "object"}, "figures": FIGURES},
                "required": ["group", "figures"],
            },
        },
        "totals": FIGURES,
        "definitions": {"type": "object"},
        "reconciliation": {"type": "array", "items": {"type": "object"}},
    },
    "required": ["from", "to", "group_by", "rows", "totals", "definitions"],
}
_FILTERS = tuple(
    Parameter(name, f"only this {name.replace('_', ' ')}; (none) for what has none", many=True) for name in DIMENSIONS
)


@route(
    "GET", "/stats", "reports:read", summary="Figures over an interval, by up to three groups", answer=STATS,
    parameters=(
        *RANGE,
        Parameter("group_by", f"one to three of: {', '.join(GROUPS)}; separated by commas", example="queue,day"),
        Parameter("metrics", "figures, separated by commas, or all; see /api/v1/metrics", example="aht_contact,fcr,service_level"),
        Parameter("target_seconds", "service level's T; default 20"),
        Parameter("short_seconds", "abandons under this do not count; default 5"),
        Parameter("source", "rows: never use rollups", allowed=("auto", "rows")),
        *_FILTERS,
    ),
)  # fmt: skip
def stats(context: ApiContext, access: Access, request: Request) -> Any:
    now = context.clock()
    return figures(context.store, read_stats_query(arguments_of(request), context.store, now), now)


@route("GET", "/metrics", "reports:read", summary="Every figure with its formula, unit and source")
def metrics(context: ApiContext, access: Access, request: Request) -> Any:
    return {
        "metrics": [{"name": name, **definition(name)} for name in NAMES],
        "groups": list(GROUPS),
        "filters": list(DIMENSIONS),
    }


@route(
    "GET",
    "/fcr",
    "reports:read",
    summary="First-call resolution by all methods and windows, with what is excluded, an estimate for open windows, and blame",
    parameters=(*RANGE, *_FILTERS),
)
def fcr(context: ApiContext, access: Access, request: Request) -> Any:
    now = context.clock()
    arguments = arguments_of(request)
    allowed = ("from", "to", "tz", *DIMENSIONS)
    unknown = next((name for name in arguments if name not in allowed), None)
    if unknown is not None:
        raise BadQuery(f'unknown parameter "{unknown[:60]}".{nearest(unknown, allowed)}', sorted(allowed), unknown)
    return fcr_report(context.store, read_stats_query(arguments, context.store, now).scope, now)
