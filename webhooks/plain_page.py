"""A page for somebody who holds a link: no scripts, nothing from elsewhere, not kept and not told on."""

from __future__ import annotations

from flask import Response
from markupsafe import Markup, escape

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b;background:#fff}"
    "h1{font-size:1.5rem;line-height:1.25}"
    "form{display:flex;flex-wrap:wrap;gap:.6rem;margin:1.2rem 0}"
    "label{flex-basis:100%}input{display:block;font:inherit;min-height:2.6rem;max-width:100%;margin-top:.3rem}"
    "button{font:inherit;min-width:3.2rem;min-height:3.2rem;padding:0 .9rem;border:1px solid #555;border-radius:.5rem;background:#f3f3f3}"
    "button:focus-visible{outline:3px solid #0b57d0}"
    "@media (prefers-color-scheme:dark){body{background:#111;color:#eee}button{background:#222;color:#eee;border-color:#999}}"
)
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
    "Cache-Control": "no-store",
}


_GONE = "This link is not valid, or no longer."
_LATER = "This page cannot be shown at present. Please try again in a few minutes."


def gone(title: str, status: int) -> Response:
    """For a link that was never made, or is not good any more."""
    return document("en", title, Markup("<p>{}</p>").format(_GONE), status)


def later(title: str) -> Response:
    """For a moment at which a server does not answer."""
    return document("en", title, Markup("<p>{}</p>").format(_LATER), 503)


def document(language: str, title: str, body: Markup, status: int) -> Response:
    """The whole page. `body` is markup already; whatever was put into it has been escaped."""
    whole = Markup(
        '<!doctype html><html lang="{}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        "<title>{}</title><style>{}</style></head><body>{}</body></html>"
    ).format(escape(language or "en"), title, Markup(_STYLE), body)
    return Response(str(whole), status, headers=_HEADERS, mimetype="text/html")
