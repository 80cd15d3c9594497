"""The page on which a survey by text is answered: one question, a button per rating, no scripts and nothing from elsewhere."""

from __future__ import annotations

from flask import Response
from markupsafe import Markup

from ivr.records.text_survey import TextQuestion, TextSurvey, language_of, wording
from ivr.records.texting import Asked
from webhooks.plain_page import document, gone, later

_YES_NO = {"es": ("Sí", "No"), "de": ("Ja", "Nein"), "fr": ("Oui", "Non")}


def page(survey: TextSurvey | None, asked: Asked | None, status: int) -> Response:
    """The question that `asked` waits for, thanks after the last one, or a sentence where there is none."""
    if survey is None or asked is None:
        return later("Survey") if status == 503 else gone("Survey", status)
    first = survey.questions[0]
    language = language_of(first.ask, asked.language)
    if asked.place is None or asked.place >= len(survey.questions):
        thanks = wording(survey.thanks, asked.language) or "✓"
        return document(language, thanks, Markup("<p>{}</p>").format(thanks), status)
    question = survey.questions[asked.place]
    title = wording(question.ask, asked.language)
    return document(language, title, _form(question, asked.place, title, language), status)


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
