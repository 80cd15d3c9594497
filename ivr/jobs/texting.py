"""Texts of the line: sent only to those who want them; questions after a call, and what is answered to them."""

from __future__ import annotations

from dataclasses import replace

import structlog

from ivr.call import Caller, CallerKind
from ivr.errors import CarrierError, CarrierRefused, CarrierSilent
from ivr.jobs.wiring import Line
from ivr.notes import Note
from ivr.numbers import takes_texts
from ivr.records import text_delivery, text_reach, texting
from ivr.records.text_delivery import UNREACHABLE, UNSUBSCRIBED
from ivr.texts import TextNews

log = structlog.get_logger()

PAGE = "/survey"
NEWS = "/text/status"
SURVEY, STEP = "survey", "step"  # what a text was for, as its callback's link says


def send_text(line: Line, number: str, text: str, *, about: str, of: str = STEP) -> str | None:
    """Hand a text to the carrier, which will say what becomes of it; gives the message's id, None where its reader wants none.
    `about`: the call, or the survey's contact. Raises CarrierError where it was not taken, StoreUnavailable.

    Ask `wants_none` first: the carrier knows only of those who wrote to it.
    """
    try:
        news = line.links.sealed(NEWS, about, about=about, of=of)
        return str(line.carrier.text(to=number, from_=line.caller_id, body=text, status_url=news))
    except CarrierRefused as error:
        if error.code == UNSUBSCRIBED:
            text_reach.stop_texts(line.store, number, line.now(), "carrier")
            return None
        if error.code in UNREACHABLE:
            text_reach.could_not_reach(line.store, number, line.now(), error.code)
        raise


def may_be_texted(line: Line, number: str) -> bool:
    """True for a number that the line may ring back and that is no fixed line: a caller's number is a claim, and every text is paid for."""
    return takes_texts(number) and line.ringable(Caller(CallerKind.PHONE, number, number), number) is not None


def survey_link(line: Line, contact_id: str) -> str:
    """The address of the page on which this contact's survey can be answered."""
    return line.links.sealed(PAGE, contact_id, c=contact_id)


def link_fits(line: Line, contact_id: str, seal: str) -> bool:
    """True where the link with this seal was made for the contact."""
    return line.links.made(seal, PAGE, contact_id, c=contact_id)


def ask_by_text(line: Line) -> None:
    """Send the questions that are due. What cannot be sent is not tried again: it may have arrived."""
    survey = line.store.text_survey
    if survey is None:
        return
    for due in texting.take_due(line.store, line.now(), home_zone=line.configuration.timezone):
        message_id, silent = None, False
        try:
            text = survey.first_text(due.language, survey_link(line, due.contact_id))
            if may_be_texted(line, due.number) and not text_reach.wants_none(line.store, due.number):
                message_id = send_text(line, due.number, text, about=due.contact_id, of=SURVEY)
        except CarrierError as error:
            log.warning("survey not sent", contact=due.contact_id, error=str(error))
            silent = isinstance(error, CarrierSilent)
        if message_id is not None:
            texting.sent(line.store, due.contact_id, message_id)
        elif texting.not_sent(line.store, due.contact_id, silent=silent):
            continue
        keep(line, Note(due.contact_id, "SurveyAsked", line.now(), {"mode": "text"}), "survey:asked")


def take_news(line: Line, news: TextNews, *, about: str, of: str) -> str:
    """What became of a text: noted with its survey or its call, once. Gives what it was taken for."""

    def kept(note: Note) -> None:
        keep(line, note, "survey:asked" if note.kind == "SurveyAsked" else f"text:lost:{news.message_id}")

    found = text_delivery.take_news(line.store, news, line.now(), kept, contact_id=about if of == SURVEY else None)
    if of == STEP and found in text_delivery.LOST:
        kept(Note(about, "Texted", line.now(), {"result": "undelivered", "code": news.code}))
    return found


def ask_for_news(line: Line) -> None:
    """Look up what became of surveys' texts of which nothing final was heard: a callback may have been lost."""
    for waiting in text_delivery.unconfirmed(line.store, line.now()):
        try:
            news = line.carrier.text_news(waiting.message_id)
        except CarrierError as error:
            log.warning("a text's delivery is not known", contact=waiting.contact_id, error=str(error))
            return
        final = text_delivery.STAGES.get(news.status, 0) > text_delivery.STAGES["unconfirmed"]
        take_news(line, news if final else replace(news, status="unconfirmed"), about=waiting.contact_id, of=SURVEY)


def keep(line: Line, note: Note, happening: str) -> None:
    """Add what came after a call to its journal, once, and have its record computed again."""
    if line.calls.append(note.call_id, [note], happening=happening):
        line.calls.ask_record(note.call_id, ended=False)
