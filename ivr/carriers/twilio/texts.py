"""Text messages that come in: from the webhook's form to values, and the document that answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from twilio.twiml.messaging_response import MessagingResponse

from ivr.carriers.twilio.markup import clean
from ivr.carriers.twilio.read import Malformed

_MESSAGE_SID = re.compile(r"^[SM]M[0-9a-f]{32}\Z")
_NUMBER = re.compile(r"^\+[1-9]\d{6,14}\Z", re.ASCII)
_MOST_TEXT = 1600


@dataclass(frozen=True)
class TextIn:
    """A message. `number` is its sender's, in E.164; `carriers_word` is STOP, START or HELP where the carrier took it for that."""

    message_id: str
    number: str
    text: str
    carriers_word: str = ""


def read_text(form: Mapping[str, str], account_sid: str | None) -> TextIn | None:
    """The message of a webhook; None where its sender is no telephone number (a name, a short code, another network): there is nobody
    to answer. Raises Malformed where its id or the account is not of the carrier's form."""
    message_id = form.get("MessageSid", "")
    if not _MESSAGE_SID.match(message_id):
        raise Malformed("MessageSid is not of the form SM or MM and 32 hexadecimal digits")
    if account_sid and form.get("AccountSid", account_sid) != account_sid:
        raise Malformed("AccountSid is not this account's")
    number = form.get("From", "")
    if not _NUMBER.match(number):
        return None
    return TextIn(message_id, number, form.get("Body", "")[:_MOST_TEXT], form.get("OptOutType", "")[:10].upper())


def write_reply(text: str | None) -> str:
    """The document that sends `text` back; None: that sends nothing."""
    document = MessagingResponse()
    if text:
        document.message(clean(text)[:_MOST_TEXT])
    return str(document)
