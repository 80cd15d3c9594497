"""Texts of the line: sent only to those who want them; questions after a call, and what is answered to them."""

from __future__ import annotations

import structlog

from ivr.call import Caller, CallerKind
from ivr.errors import CarrierError, CarrierRefused
from ivr.jobs.wiring import Line
from ivr.notes import Note
from ivr.numbers import takes_texts
from ivr.records import texting

log = structlog.get_logger()

PAGE = "/survey"
_UNSUBSCRIBED = 21610  # the carrier keeps a list of its own of who wrote STOP


def send_text(line: Line, number: str, text: str) -> bool:
    """Hand a text to the carrier; False where its reader wants none. Raises CarrierError where it was not taken, StoreUnavailable.

    Ask `wants_none` first: the carrier knows only of those who wrote to it.
    """
    try:
        line.carrier.text(to=number, from_=line.caller_id, body=text)
    except CarrierRefused as error:
        if error.code != _UNSUBSCRIBED:
            raise
        texting.stop_texts(line.store, number, line.now(), "carrier")
        return False
    return True


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
        try:
            text = survey.first_text(due.language, survey_link(line, due.contact_id))
            welcome = may_be_texted(line, due.number) and not texting.wants_none(line.store, due.number)
            sent = welcome and send_text(line, due.number, text)
        except CarrierError as error:
            log.warning("survey not sent", contact=due.contact_id, error=str(error))
            sent = False
        if sent:
            keep(line, Note(due.contact_id, "SurveyAsked", line.now(), {"mode": "text"}), "survey:asked")
        else:
            texting.refused(line.store, due.contact_id)


def keep(line: Line, note: Note, happening: str) -> None:
    """Add what came after a call to its journal, once, and have its record computed again."""
    if line.calls.append(note.call_id, [note], happening=happening):
        line.calls.ask_record(note.call_id, ended=False)
