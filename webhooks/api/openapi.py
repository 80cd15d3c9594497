"""The API's description: OpenAPI 3.1 from the declared routes, and a page to read it on."""

from __future__ import annotations

import html
import re
from typing import Any

from flask import Response

from ivr import __version__
from ivr.records.tokens import SCOPES
from webhooks.api.calls import CALL
from webhooks.api.problems import TYPES
from webhooks.api.routes import ROUTES, Parameter, Route

_PROBLEM = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
    "required": ["type", "title", "status", "detail"],
}
_TITLE = "Smart IVR"


def document() -> dict[str, Any]:
    """The OpenAPI document."""
    paths: dict[str, Any] = {}
    for declared in ROUTES:
        path = "/api/v1" + re.sub(r"<(\w+)>", r"{\1}", declared.path)
        paths.setdefault(path, {})[declared.method.lower()] = _operation(declared)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": _TITLE,
            "version": __version__,
            "description": "Call records, figures, live state, flows and callbacks. Times are RFC 3339 in UTC, durations seconds.",
        },
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "`ivr token create --role reporting`"}
            },
            "schemas": {"Call": CALL, "Problem": _PROBLEM},
        },
    }


def _operation(declared: Route) -> dict[str, Any]:
    good: dict[str, Any] = {"description": "Done" if declared.status == 204 else "The answer"}
    if declared.status != 204:
        good["content"] = {
            media: {"schema": declared.answer if media == "application/json" else {"type": "string"}} for media in declared.media
        }
    refused = {
        "description": "Refused",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    operation: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", f"{declared.method.lower()}{declared.path}").strip("_"),
        "summary": declared.summary,
        "description": "Scope: " + " or ".join(f"`{scope}`" for scope in declared.scopes),
        "parameters": [_parameter(p) for p in declared.parameters],
        "responses": {str(declared.status): good, "4XX": refused, "503": refused},
    }
    if declared.body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": declared.body}}}
    return operation


def _parameter(p: Parameter) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    if p.allowed:
        schema["enum"] = list(p.allowed)
    shown: dict[str, Any] = {
        "name": p.name,
        "in": p.where,
        "description": p.about,
        "schema": {"type": "array", "items": schema} if p.many else schema,
    }
    if p.where == "path":
        shown["required"] = True
    if p.example is not None:
        shown["example"] = p.example
    return shown


_STYLE = """
:root{color-scheme:light dark;--ink:#1c2430;--soft:#5b6776;--paper:#fbfbfa;--card:#fff;--line:#dfe3e8;--get:#0b6bcb;--put:#8a5a00;--post:#1a7f4b;--delete:#b3261e}
@media (prefers-color-scheme:dark){:root{--ink:#e6e9ee;--soft:#9aa6b4;--paper:#14181d;--card:#1b2027;--line:#2c343e;--get:#7db7ff;--put:#e5b567;--post:#6fd19b;--delete:#ff8f86}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,sans-serif}
main{max-width:60rem;margin:0 auto;padding:2.5rem 1.25rem 5rem}h1{font-size:1.9rem;margin:0 0 .3rem;letter-spacing:-.01em}h2{margin:2.6rem 0 .8rem;font-size:1.25rem}
p{margin:.4rem 0}a{color:var(--get)}.soft{color:var(--soft)}details{background:var(--card);border:1px solid var(--line);border-radius:.6rem;margin:.5rem 0}
summary{cursor:pointer;padding:.6rem .9rem;display:flex;gap:.8rem;align-items:baseline;flex-wrap:wrap}summary:focus-visible{outline:2px solid var(--get);border-radius:.6rem}
.verb{font:600 .78rem ui-monospace,monospace;min-width:4rem}.GET{color:var(--get)}.PUT,.PATCH{color:var(--put)}.POST{color:var(--post)}.DELETE{color:var(--delete)}
code{font:.9em ui-monospace,monospace}.path{font-weight:600}.body{padding:0 .9rem .9rem;overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.92rem}td,th{text-align:left;vertical-align:top;padding:.35rem .6rem .35rem 0;border-top:1px solid var(--line)}th{font-weight:600;color:var(--soft)}
pre{background:var(--paper);border:1px solid var(--line);border-radius:.4rem;padding:.8rem;overflow-x:auto;font:.88rem/1.5 ui-monospace,monospace}
"""


def page() -> Response:
    """The page at /api/docs: everything in it, nothing fetched from elsewhere, no script."""
    e = html.escape
    operations = "".join(_shown(declared) for declared in ROUTES)
    scopes = "".join(f"<tr><td><code>{e(name)}</code></td><td>{e(about)}</td></tr>" for name, about in SCOPES.items())
    problems = "".join(
        f'<tr id="{e(name)}"><td><code>{e(name)}</code></td><td>{status}</td><td>{e(about)}</td></tr>'
        for name, (status, about) in TYPES.items()
    )
    text = f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>{_TITLE} API</title><style>{_STYLE}</style></head><body><main><h1>{_TITLE} API</h1>
<p class="soft">Version {e(__version__)} · <a href="/api/v1/openapi.json">OpenAPI document</a> · times are RFC 3339 in UTC, durations seconds, intervals half-open</p>
<pre>TOKEN=$(ivr token create --role reporting --name "my job")
curl -H "Authorization: Bearer $TOKEN" "$URL/api/v1/calls?from=2026-11-01&amp;to=2026-12-01"</pre>
<h2>Operations</h2>{operations}<h2>Scopes</h2><table><tr><th>scope</th><th>what it opens</th></tr>{scopes}</table>
<h2>Refusals</h2><p>Always <code>application/problem+json</code> (RFC 9457); <code>type</code> ends in one of these.</p>
<table><tr><th>type</th><th>status</th><th>meaning</th></tr>{problems}</table></main></body></html>"""
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
    return Response(text, mimetype="text/html", headers={"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff"})


def _shown(declared: Route) -> str:
    e = html.escape
    path = re.sub(r"<(\w+)>", r"{\1}", declared.path)
    rows = "".join(
        f"<tr><td><code>{e(p.name)}</code></td><td>{e(p.about)}{'. One of: ' + e(', '.join(p.allowed)) if p.allowed else ''}{'. May be given more than once' if p.many else ''}</td></tr>"
        for p in declared.parameters
    )
    table = f"<table><tr><th>parameter</th><th>meaning</th></tr>{rows}</table>" if rows else ""
    members = "".join(
        f"<tr><td><code>{e(name)}</code></td><td>{e(', '.join(map(str, schema.get('enum', []))) or str(schema.get('type', 'any')))}</td></tr>"
        for name, schema in (declared.body or {}).get("properties", {}).items()
    )
    body = f"<p>Body, a JSON object:</p><table><tr><th>member</th><th>value</th></tr>{members}</table>" if members else ""
    scopes = " or ".join(f"<code>{e(scope)}</code>" for scope in declared.scopes)
    media = ", ".join(f"<code>{e(m)}</code>" for m in declared.media)
    return (
        f'<details><summary><span class="verb {declared.method}">{declared.method}</span><code class="path">/api/v1{e(path)}</code>'
        f'<span class="soft">{e(declared.summary)}</span></summary><div class="body"><p>Scope {scopes}. Answers {media}.</p>{table}{body}</div></details>'
    )
