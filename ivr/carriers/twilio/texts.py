"""Text messages: from the webhook's form to values, what became of those we sent, and the document that answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from twilio.twiml.messaging_response import MessagingResponse

from ivr.carriers.twilio.markup import clean
from ivr.carriers.twilio.read import Malformed
from ivr.texts import TextNews

_MESSAGE_SID = re.compile(r"^[SM]M[0-9a-f]{32}\Z")
_NUMBER = re.compile(r"^\+[1-9]\d{6,14}\Z", re.ASCII)
_STATUS = re.compile(r"^[a-z-]{1,20}\Z")
_CODE = re.compile(r"^[0-9]{1,6}\Z")
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
    message_id = _message_id(form, account_sid)
    number = form.get("From", "")
    if not _NUMBER.match(number):
        return None
    return TextIn(message_id, number, form.get("Body", "")[:_MOST_TEXT], form.get("OptOutType", "")[:10].upper())


def read_news(form: Mapping[str, str], account_sid: str | None) -> TextNews:
    """What a status callback says of a message that we sent. Raises Malformed where a field is not of the carrier's form."""
    message_id = _message_id(form, account_sid)
    number, status, code = form.get("To", ""), form.get("MessageStatus", ""), form.get("ErrorCode", "")
    if not _NUMBER.match(number):
        raise Malformed("To is no number in international form")
    if not _STATUS.match(status):
        raise Malformed("MessageStatus is no word")
    if code and not _CODE.match(code):
        raise Malformed("ErrorCode is no number")
    return TextNews(message_id, number, status, int(code or 0))


def _message_id(form: Mapping[str, str], account_sid: str | None) -> str:
    message_id = form.get("MessageSid", "")
    if not _MESSAGE_SID.match(message_id):
        raise Malformed("MessageSid is not of the form SM or MM and 32 hexadecimal digits")
    if account_sid and form.get("AccountSid", account_sid) != account_sid:
        raise Malformed("AccountSid is not this account's")
    return message_id


def write_reply(text: str | None) -> str:
    """The document that sends `text` back; None: that sends nothing."""
    document = MessagingResponse()
    if text:
        document.message(clean(text)[:_MOST_TEXT])
    return str(document)
