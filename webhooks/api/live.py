"""/live, /agents and /callbacks: what is going on now, and taking a hand in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Request, Response, json, stream_with_context

from ivr.records.tokens import Access
from webhooks.api.context import ApiContext, Callbacks, Live, NotRight, NotThere
from webhooks.api.problems import Problem
from webhooks.api.routes import Parameter, route

STATES = ("available", "break", "offline", "wrap_up_done")
_STATE = {
    "type": "object",
    "properties": {
        "state": {"type": "string", "enum": list(STATES)},
        "reason": {"type": ["string", "null"]},
        "disposition": {"type": ["string", "null"]},
        "resolved": {"type": ["boolean", "null"]},
        "epoch": {
            "type": ["integer", "null"],
            "description": "the `epoch` this change is based on; refused where it is no longer that",
        },
    },
    "required": ["state"],
}
_AGENT_ID = Parameter("agent_id", "the agent", where="path")
_CALLBACK_ID = Parameter("callback_id", "the callback", where="path")


def _live(context: ApiContext) -> Live:
    if context.live is None:
        raise Problem("unavailable", "live state is not available in this process")
    return context.live


def _callbacks(context: ApiContext) -> Callbacks:
    if context.callbacks is None:
        raise Problem("unavailable", "callbacks are not available in this process")
    return context.callbacks


@route("GET", "/live", "live:read", summary="Queues and agents now")
def live(context: ApiContext, access: Access, request: Request) -> Any:
    return _live(context).snapshot()


@route(
    "GET",
    "/live/stream",
    "live:read",
    summary="Queues and agents as they change (server-sent events)",
    media=("text/event-stream",),
)
def live_stream(context: ApiContext, access: Access, request: Request) -> Response:
    changes = _live(context).changes()

    def lines() -> Iterator[str]:
        yield "retry: 2000\n\n"
        for number, snapshot in enumerate(changes, 1):
            yield f"id: {number}\nevent: live\ndata: {json.dumps(snapshot)}\n\n"

    return Response(
        stream_with_context(lines()),
        mimetype="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


@route("GET", "/agents", "live:read", summary="All agents with their state")
def agents(context: ApiContext, access: Access, request: Request) -> Any:
    return {"agents": _live(context).agents()}


@route("GET", "/agents/<agent_id>", "live:read", summary="One agent", parameters=(_AGENT_ID,))
def agent(context: ApiContext, access: Access, request: Request, agent_id: str) -> Any:
    return _live(context).agent(agent_id)


@route("GET", "/agents/<agent_id>/state", "live:read", summary="An agent's state", parameters=(_AGENT_ID,))
def agent_state(context: ApiContext, access: Access, request: Request, agent_id: str) -> Any:
    return _live(context).agent(agent_id)


def _own_or_any(access: Access, agent_id: str) -> None:
    if not access.may("agents:write") and access.agent != agent_id:
        raise NotThere(f"there is no agent {agent_id[:80]} whose state you may change")


@route(
    "PUT",
    "/agents/<agent_id>/heartbeat",
    "agents:write",
    "agents:own",
    summary="The agent's browser is there: 30 s without one, from the first on, make the agent unreachable until the next",
    parameters=(_AGENT_ID,),
)
def heartbeat(context: ApiContext, access: Access, request: Request, agent_id: str) -> Any:
    _own_or_any(access, agent_id)
    return _live(context).heartbeat(agent_id)


@route(
    "PUT",
    "/agents/<agent_id>/state",
    "agents:write",
    "agents:own",
    summary="Change an agent's state, or end the wrap-up with its disposition",
    parameters=(_AGENT_ID,),
    body=_STATE,
)
def set_agent_state(context: ApiContext, access: Access, request: Request, agent_id: str, body: dict[str, Any]) -> Any:
    _own_or_any(access, agent_id)
    unknown = sorted(set(body) - set(_STATE["properties"]))
    if unknown:
        raise NotRight(f'unknown member "{unknown[0][:60]}"', allowed=tuple(_STATE["properties"]))
    if body.get("state") not in STATES:
        raise NotRight(f'state "{str(body.get("state"))[:40]}" is not one of {", ".join(STATES)}', allowed=STATES)
    if "resolved" in body and body["resolved"] not in (True, False, None):
        raise NotRight("resolved must be true, false or null")
    if isinstance(body.get("epoch"), bool) or not isinstance(body.get("epoch"), int | None):
        raise NotRight("epoch must be the whole number that was read with the state")
    for name in ("reason", "disposition"):
        if body.get(name) is not None and (not isinstance(body[name], str) or len(body[name]) > 200):
            raise NotRight(f"{name} must be text of at most 200 characters")
    return _live(context).set_agent_state(agent_id, body, access.name)


@route(
    "GET",
    "/callbacks",
    "callbacks:read",
    summary="Promised callbacks",
    parameters=(Parameter("state", "only those in this state"),),
)
def callbacks(context: ApiContext, access: Access, request: Request) -> Any:
    found = _callbacks(context).all_callbacks(request.args.get("state") or None)
    if not access.may("calls:unmask"):
        found = [{**row, **({"number": "…"} if row.get("number") else {})} for row in found]
    return {"callbacks": found}


@route(
    "PATCH",
    "/callbacks/<callback_id>",
    "callbacks:write",
    summary="Move a callback to another time or queue",
    parameters=(_CALLBACK_ID,),
    body={"type": "object", "properties": {"at": {"type": "string"}, "queue": {"type": "string"}}},
)
def change_callback(context: ApiContext, access: Access, request: Request, callback_id: str, body: dict[str, Any]) -> Any:
    return _callbacks(context).change(callback_id, body, access.name)


@route(
    "DELETE", "/callbacks/<callback_id>", "callbacks:write", summary="Cancel a callback", parameters=(_CALLBACK_ID,), status=204
)
def cancel_callback(context: ApiContext, access: Access, request: Request, callback_id: str) -> Any:
    _callbacks(context).cancel(callback_id, access.name)
