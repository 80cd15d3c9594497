"""Refusals of the API: one JSON form, RFC 9457, with stable types."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from flask import Response

# type -> (HTTP status, what it means); documented in docs/api.md.
TYPES: dict[str, tuple[int, str]] = {
    "bad-query": (400, "A parameter is unknown or cannot be used; `allowed` lists what may stand there"),
    "bad-body": (400, "The body is not the JSON object that was expected"),
    "range-too-wide": (400, "The answer would take longer than the time limit"),
    "no-token": (401, "No bearer token was sent"),
    "bad-token": (401, "The token is unknown, expired or revoked"),
    "missing-scope": (403, "The token lacks the scope named in `scope`"),
    "not-found": (404, "What was named does not exist"),
    "wrong-method": (405, "This address does not take that method"),
    "not-now": (409, "It does not fit the present state, which is in `current`"),
    "too-large": (413, "The body is larger than 1 MB"),
    "not-right": (422, "What was sent cannot be used; `problems` says why"),
    "too-many": (429, "The token asks too often; wait `Retry-After` seconds"),
    "unavailable": (503, "A part of the service does not answer; try again shortly"),
}


class Problem(Exception):
    """Raised anywhere below a route; answered as problem details."""

    def __init__(self, kind: str, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.headers = dict(headers or {})
        self.more = more


def answer(problem: Problem) -> Response:
    """The response for a problem."""
    status, title = TYPES[problem.kind]
    body = {
        "type": f"/api/docs#{problem.kind}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": problem.detail or title,
        **problem.more,
    }
    return Response(json.dumps(body), status, mimetype="application/problem+json", headers=problem.headers)


def listing(allowed: Sequence[str]) -> dict[str, Any]:
    """`allowed` as a member, where there is something to list."""
    return {"allowed": list(allowed)} if allowed else {}
