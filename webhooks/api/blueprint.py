"""The API's routes as a Flask blueprint: access, answers, refusals."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, request

from ivr.errors import RecordError, StoreUnavailable
from ivr.records.database import TooSlow
from ivr.records.parameters import BadQuery
from webhooks.api import calls, figures, flows, live, openapi, talks
from webhooks.api.context import ApiContext, NotNow, NotRight, NotThere
from webhooks.api.problems import Problem, answer, listing
from webhooks.api.routes import ROUTES, Route
from webhooks.tokens import TokenGate

MODULES = (calls, figures, live, talks, flows)  # importing them declares their routes
MOST_BODY_BYTES = 1_000_000


def api_blueprint(context: ApiContext) -> Blueprint:
    """A blueprint to register without a prefix: /api/v1/…, /api/v1/openapi.json and /api/docs."""
    blueprint = Blueprint("api", __name__)
    gate = TokenGate(context.store, context.clock, context.calls_per_minute)
    for declared in ROUTES:
        blueprint.add_url_rule(
            f"/api/v1{declared.path}",
            re.sub(r"\W+", "_", f"{declared.method}{declared.path}"),
            _view(declared, context, gate),
            methods=[declared.method],
        )
    blueprint.add_url_rule(
        "/api/v1/openapi.json", "openapi", _public(lambda: Response(json.dumps(openapi.document()), mimetype="application/json"))
    )
    blueprint.add_url_rule("/api/docs", "docs", _public(openapi.page))
    blueprint.add_url_rule("/api/v1/", "unknown_root", _unknown, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    blueprint.add_url_rule("/api/v1/<path:path>", "unknown", _unknown, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    return blueprint


def _public(view: Callable[[], Response]) -> Callable[[], Response]:
    """The description of the API is open: it holds nothing of this installation."""
    return view


def _unknown(path: str = "") -> Response:
    """An address that is not there, or another method of one that is."""
    methods = sorted({r.method for r in ROUTES if _fits(r.path, "/" + path)})
    if methods:
        return answer(
            Problem("wrong-method", f"/{path} takes {', '.join(methods)}", headers={"Allow": ", ".join(methods)}, allowed=methods)
        )
    return answer(Problem("not-found", f"there is nothing at /api/v1/{path[:100]}; see /api/docs"))


def _fits(pattern: str, path: str) -> bool:
    wanted, given = pattern.split("/"), path.split("/")
    return len(wanted) == len(given) and all(w == g or w.startswith("<") for w, g in zip(wanted, given, strict=True))


def _view(declared: Route, context: ApiContext, gate: TokenGate) -> Callable[..., Response]:
    def view(**values: str) -> Response:
        try:
            access = gate.admit(request, *declared.scopes)
            given: dict[str, Any] = dict(values)
            if declared.body is not None:
                given["body"] = _body()
            result = declared.view(context, access, request, **given)
        except Problem as problem:
            return answer(problem)
        except BadQuery as error:
            return answer(Problem("bad-query", error.detail, parameter=error.parameter or None, **listing(error.allowed)))
        except TooSlow as error:
            return answer(Problem("range-too-wide", str(error)))
        except NotThere as error:
            return answer(Problem("not-found", str(error)))
        except NotNow as error:
            return answer(Problem("not-now", str(error), current=error.current))
        except NotRight as error:
            return answer(Problem("not-right", str(error), problems=list(error.problems), **listing(error.allowed)))
        except StoreUnavailable as error:
            return answer(Problem("unavailable", str(error), headers={"Retry-After": "5"}))
        except RecordError as error:
            return answer(Problem("not-right", str(error), problems=[]))
        if isinstance(result, Response):
            return result
        response = (
            Response(json.dumps(result, ensure_ascii=False), declared.status, mimetype="application/json")
            if result is not None
            else Response("", 204)
        )
        response.headers["Cache-Control"] = "no-store"
        return response

    return view


def _body() -> dict[str, Any]:
    """The request's JSON object. Raises Problem."""
    if (request.content_length or 0) > MOST_BODY_BYTES:
        raise Problem("too-large", f"the body is larger than {MOST_BODY_BYTES} bytes")
    if request.mimetype != "application/json":
        raise Problem("bad-body", "send JSON, with the header Content-Type: application/json")
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise Problem("bad-body", "the body is not a JSON object")
    return body
