"""The page on which a survey by text is answered: one question, a button per rating, no scripts and nothing from elsewhere."""

from __future__ import annotations

from flask import Response
from markupsafe import Markup, escape

from ivr.records.text_survey import TextQuestion, TextSurvey, language_of, wording
from ivr.records.texting import Asked

_STYLE = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:3rem auto;padding:0 1rem;color:#1b1b1b;background:#fff}"
    "form{display:flex;flex-wrap:wrap;gap:.6rem}"
    "button{font:inherit;min-width:3.2rem;min-height:3.2rem;border:1px solid #555;border-radius:.5rem;background:#f3f3f3}"
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
_YES_NO = {"es": ("Sí", "No"), "de": ("Ja", "Nein"), "fr": ("Oui", "Non")}


def page(survey: TextSurvey | None, asked: Asked | None, status: int) -> Response:
    """The question that `asked` waits for, thanks after the last one, or a sentence where there is none."""
    if survey is None or asked is None:
        return _document("en", "Survey", Markup("<p>{}</p>").format(_LATER if status == 503 else _GONE), status)
    first = survey.questions[0]
    language = language_of(first.ask, asked.language)
    if asked.place is None or asked.place >= len(survey.questions):
        thanks = wording(survey.thanks, asked.language) or "✓"
        return _document(language, thanks, Markup("<p>{}</p>").format(thanks), status)
    question = survey.questions[asked.place]
    title = wording(question.ask, asked.language)
    return _document(language, title, _form(question, asked.place, title, language), status)


def _form(question: TextQuestion, place: int, title: str, language: str) -> Markup:
    if (question.least, question.most) == (0, 1):
        yes, no = _YES_NO.get(language.partition("-")[0], ("Yes", "No"))
        choices = [(1, yes), (0, no)]
    else:
        choices = [(rating, str(rating)) for rating in range(question.least, question.most + 1)]
    buttons = Markup("").join(
        Markup('<button name="rating" value="{}">{}</button>').format(rating, shown) for rating, shown in choices
    )
    return Markup(
        '<h1 id="q">{}</h1><form method="post" aria-labelledby="q"><input type="hidden" name="place" value="{}">{}</form>'
    ).format(title, place, buttons)


def _document(language: str, title: str, body: Markup, status: int) -> Response:
    document = Markup(
        '<!doctype html><html lang="{}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        "<title>{}</title><style>{}</style></head><body>{}</body></html>"
    ).format(escape(language or "en"), title, Markup(_STYLE), body)
    return Response(str(document), status, headers=_HEADERS, mimetype="text/html")
