"""/calls/{call_id}/talk and what can be done in it: hold, hand on, supervise, pause the recording, conclude; and the caller's context."""

from __future__ import annotations

from typing import Any

from flask import Request

from ivr.records.tokens import Access
from webhooks.api.calls import masked
from webhooks.api.context import ApiContext, NotRight, Talks
from webhooks.api.problems import Problem
from webhooks.api.routes import Parameter, route

MODES = ("listen", "whisper", "barge")
TARGETS = ("queue", "agent", "number")
MOST_NOTE = 300
_CALL_ID = Parameter("call_id", "the call in progress", where="path")
_TEXT = {"type": ["string", "null"]}
TALK = {
    "type": "object",
    "properties": {
        "call_id": {"type": "string"},
        "queue": {"type": "string"},
        "agent": _TEXT,
        "since": {"type": "string"},
        "held": {"type": "boolean"},
        "recording": {"type": "string", "enum": ["off", "on", "paused"]},
        "transfer": {"type": ["object", "null"]},
        "supervisor": {"type": ["object", "null"]},
        "allowed": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["call_id", "queue", "agent", "held", "recording", "transfer", "supervisor", "allowed"],
}


def _body(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


def _talks(context: ApiContext) -> Talks:
    if context.talks is None:
        raise Problem("unavailable", "conversations are not available in this process")
    return context.talks


def _own(access: Access, scope: str = "agents:write") -> str | None:
    """The agent whose conversations alone this access may take a hand in; None for all."""
    return None if access.may(scope) else (access.agent or "")


def _only(body: dict[str, Any], allowed: tuple[str, ...]) -> None:
    unknown = sorted(set(body) - set(allowed))
    if unknown:
        raise NotRight(f'unknown member "{unknown[0][:60]}"', allowed=allowed)


def _flag(body: dict[str, Any], name: str) -> bool:
    _only(body, (name,))
    if not isinstance(body.get(name), bool):
        raise NotRight(f"{name} must be true or false")
    return bool(body[name])


def _text(body: dict[str, Any], name: str, most: int) -> str | None:
    value = body.get(name)
    if value is not None and (not isinstance(value, str) or len(value) > most):
        raise NotRight(f"{name} must be text of at most {most} characters")
    return value


@route(
    "GET",
    "/calls/<call_id>/talk",
    "live:read",
    summary="The conversation of a call as it stands",
    parameters=(_CALL_ID,),
    answer=TALK,
)
def talk(context: ApiContext, access: Access, request: Request, call_id: str) -> Any:
    return _talks(context).talk(call_id, None)


@route(
    "PUT", "/calls/<call_id>/hold", "agents:write", "agents:own", summary="Put the caller on hold, or take the caller back",
    parameters=(_CALL_ID,), body=_body({"held": {"type": "boolean"}}, "held"), answer=TALK,
)  # fmt: skip
def hold(context: ApiContext, access: Access, request: Request, call_id: str, body: dict[str, Any]) -> Any:
    return _talks(context).hold(call_id, _flag(body, "held"), _own(access))


@route(
    "PUT", "/calls/<call_id>/recording", "agents:write", "agents:own", summary="Pause the recording while something private is said, or go on",
    parameters=(_CALL_ID,), body=_body({"paused": {"type": "boolean"}}, "paused"), answer=TALK,
)  # fmt: skip
def recording(context: ApiContext, access: Access, request: Request, call_id: str, body: dict[str, Any]) -> Any:
    return _talks(context).pause_recording(call_id, _flag(body, "paused"), _own(access))


_TRANSFER = _body(
    {
        "to": {
            "type": "object",
            "properties": {name: {"type": "string"} for name in TARGETS},
            "description": "one of them: a queue, an agent, or an entry of the directory (number)",
        },
        "needs": {"type": "object", "description": "of a queue's agents: skill and least level, 1 to 3"},
        "ask_first": {"type": "boolean", "description": "the caller is on hold until complete or cancel"},
        "note": {"type": ["string", "null"], "description": "what the receiving agent hears and reads"},
    },
    "to",
)


@route(
    "POST", "/calls/<call_id>/transfer", "agents:write", "agents:own", summary="Hand the caller on: to a queue, an agent or a number of the directory",
    parameters=(_CALL_ID,), body=_TRANSFER, answer=TALK, status=202,
)  # fmt: skip
def transfer(context: ApiContext, access: Access, request: Request, call_id: str, body: dict[str, Any]) -> Any:
    _only(body, tuple(_TRANSFER["properties"]))
    to, needs = body.get("to"), body.get("needs") or {}
    if (
        not isinstance(to, dict)
        or len(to) != 1
        or not set(to) <= set(TARGETS)
        or not all(isinstance(v, str) for v in to.values())
    ):
        raise NotRight('to must name one target, such as {"queue": "technical"}', allowed=TARGETS)
    if not isinstance(needs, dict) or not all(
        isinstance(level, int) and not isinstance(level, bool) and 1 <= level <= 3 for level in needs.values()
    ):
        raise NotRight('needs must be skills with their least level, such as {"spanish": 2}')
    if not isinstance(body.get("ask_first", False), bool):
        raise NotRight("ask_first must be true or false")
    ((kind, name),) = to.items()
    wanted = {
        "kind": kind,
        "name": name,
        "needs": needs,
        "ask_first": body.get("ask_first", False),
        "note": _text(body, "note", MOST_NOTE) or "",
    }
    return _talks(context).hand_on(call_id, wanted, access.name, _own(access))


@route(
    "POST", "/calls/<call_id>/transfer/complete", "agents:write", "agents:own", summary="Leave the caller to the colleague who was asked",
    parameters=(_CALL_ID,), answer=TALK,
)  # fmt: skip
def complete_transfer(context: ApiContext, access: Access, request: Request, call_id: str) -> Any:
    return _talks(context).complete(call_id, _own(access))


@route(
    "DELETE", "/calls/<call_id>/transfer", "agents:write", "agents:own", summary="Go on with the caller: the colleague is let go",
    parameters=(_CALL_ID,), answer=TALK,
)  # fmt: skip
def cancel_transfer(context: ApiContext, access: Access, request: Request, call_id: str) -> Any:
    return _talks(context).cancel(call_id, _own(access))


@route(
    "PUT", "/calls/<call_id>/disposition", "agents:write", "agents:own", summary="What came of the talk, said during it or up to a day later",
    parameters=(_CALL_ID,), body=_body({"disposition": _TEXT, "resolved": {"type": ["boolean", "null"]}}),
)  # fmt: skip
def disposition(context: ApiContext, access: Access, request: Request, call_id: str, body: dict[str, Any]) -> Any:
    _only(body, ("disposition", "resolved"))
    word, resolved = _text(body, "disposition", 200), body.get("resolved")
    if resolved not in (True, False, None) or (isinstance(resolved, int | float) and not isinstance(resolved, bool)):
        raise NotRight("resolved must be true, false or null")
    if word is None and resolved is None:
        raise NotRight("say disposition, resolved, or both")
    return _talks(context).conclude(call_id, word, resolved, _own(access))


@route(
    "PUT", "/calls/<call_id>/supervision", "calls:supervise", summary="Listen to a conversation, whisper to the agent, or take part",
    parameters=(_CALL_ID,), body=_body({"mode": {"type": "string", "enum": list(MODES)}, "supervisor": {"type": "string"}}, "mode"), answer=TALK,
)  # fmt: skip
def supervise(context: ApiContext, access: Access, request: Request, call_id: str, body: dict[str, Any]) -> Any:
    _only(body, ("mode", "supervisor"))
    if body.get("mode") not in MODES:
        raise NotRight(f'mode "{str(body.get("mode"))[:40]}" is not one of {", ".join(MODES)}', allowed=MODES)
    supervisor = _text(body, "supervisor", 80) or access.agent
    if supervisor is None:
        raise NotRight("supervisor must name the agent of config/agents.yaml who is rung: this token belongs to none")
    return _talks(context).supervise(call_id, body["mode"], supervisor, access.name)


@route(
    "DELETE",
    "/calls/<call_id>/supervision",
    "calls:supervise",
    summary="The supervisor leaves the conversation",
    parameters=(_CALL_ID,),
    answer=TALK,
)
def leave_supervision(context: ApiContext, access: Access, request: Request, call_id: str) -> Any:
    return _talks(context).leave_supervision(call_id)


@route(
    "GET", "/calls/<call_id>/context", "calls:read", "calls:own",
    summary="What the agent gets: who calls, why, what was said and tried, orders and open cases, how long waited, how often called lately",
    parameters=(_CALL_ID,),
)  # fmt: skip
def caller_context(context: ApiContext, access: Access, request: Request, call_id: str) -> Any:
    return _talks(context).context(call_id, _own(access, "calls:read"), masked=masked(access))
