"""/flows: reading flows, keeping drafts, publishing and rolling back."""

from __future__ import annotations

from typing import Any

from flask import Request

from ivr.records.tokens import Access
from webhooks.api.context import ApiContext, Flows
from webhooks.api.problems import Problem
from webhooks.api.routes import Parameter, route

_NAME = Parameter("name", "the flow", where="path")
_DRAFT = {
    "type": "object",
    "properties": {"text": {"type": "string"}, "based_on": {"type": ["string", "null"]}},
    "required": ["text"],
}
_NOTE = {"type": "object", "properties": {"note": {"type": "string"}, "revision": {"type": ["string", "integer", "null"]}}}


def _flows(context: ApiContext) -> Flows:
    if context.flows is None:
        raise Problem("unavailable", "flows are not available in this process")
    return context.flows


@route("GET", "/flows", "flows:read", summary="All flows with the revision in force")
def flows(context: ApiContext, access: Access, request: Request) -> Any:
    return {"flows": _flows(context).all_flows()}


@route(
    "GET",
    "/flows/<name>",
    "flows:read",
    summary="A flow's text, of a revision or the draft",
    parameters=(_NAME, Parameter("revision", "a revision's number; without it, the draft or what is in force")),
)
def flow(context: ApiContext, access: Access, request: Request, name: str) -> Any:
    return _flows(context).get(name, request.args.get("revision") or None)


@route(
    "PUT",
    "/flows/<name>",
    "flows:write",
    summary="Keep a draft; the answer holds its lint problems",
    parameters=(_NAME,),
    body=_DRAFT,
)
def save_draft(context: ApiContext, access: Access, request: Request, name: str, body: dict[str, Any]) -> Any:
    if not isinstance(body.get("text"), str):
        raise Problem("bad-body", "the member text, the flow's YAML, is missing")
    return _flows(context).save_draft(name, body, access.name)


@route("GET", "/flows/<name>/revisions", "flows:read", summary="Published revisions, newest first", parameters=(_NAME,))
def revisions(context: ApiContext, access: Access, request: Request, name: str) -> Any:
    return {"revisions": _flows(context).revisions(name)}


@route("POST", "/flows/<name>/publish", "flows:publish", summary="Publish the draft", parameters=(_NAME,), body=_NOTE)
def publish(context: ApiContext, access: Access, request: Request, name: str, body: dict[str, Any]) -> Any:
    return _flows(context).publish(name, body, access.name)


@route(
    "POST", "/flows/<name>/rollback", "flows:publish", summary="Go back to an earlier revision", parameters=(_NAME,), body=_NOTE
)
def rollback(context: ApiContext, access: Access, request: Request, name: str, body: dict[str, Any]) -> Any:
    return _flows(context).rollback(name, body, access.name)
