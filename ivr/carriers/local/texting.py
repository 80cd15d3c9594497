"""Text messages from outside: the webhook of the number they were sent to, and the replies in its answer."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from ivr.carriers.local.debugger import Complaint, Severity
from ivr.carriers.local.exchange import Exchange, TextMessage
from ivr.carriers.local.webhook import FetchFailed

MOST_REPLIES = 10
MOST_CHARACTERS = 1600
# What the carrier answers by itself, whatever the service says.
_STOP = frozenset(["stop", "stopall", "unsubscribe", "cancel", "end", "quit", "optout", "revoke"])
_START = frozenset(["start", "unstop"])


def text_in(exchange: Exchange, from_number: str, to_number: str, body: str, message_id: str = "") -> TextMessage:
    """A text to one of our numbers ("": the first); its webhook is sent in the background. `message_id` of a known one: again."""
    number = exchange.numbers.get(to_number) or next(iter(exchange.numbers.values()))
    message = exchange.messages.get(message_id) or TextMessage(
        exchange.new_sid("SM"), from_number, number.number, body[:MOST_CHARACTERS], "received", direction="inbound"
    )
    exchange.messages[message.sid] = message
    pair = (message.to_number, message.from_number)
    word = re.sub(r"\W", "", message.body).lower()
    if word in _STOP:
        exchange.unsubscribed.add(pair)
    elif word in _START:
        exchange.unsubscribed.discard(pair)
    if number.sms_url:
        exchange.spawn(_tell(exchange, message, number.sms_url, number.sms_method), f"text {message.sid}")
    return message


async def _tell(exchange: Exchange, message: TextMessage, address: str, method: str) -> None:
    fields = {
        "AccountSid": exchange.account_sid,
        "ApiVersion": "2010-04-01",
        "MessageSid": message.sid,
        "SmsSid": message.sid,
        "SmsMessageSid": message.sid,
        "SmsStatus": "received",
        "From": message.from_number,
        "To": message.to_number,
        "Body": message.body,
        "NumMedia": "0",
        "NumSegments": "1",
    }
    try:
        answer = await exchange.webhooks.send(address, method, fields)
        replies = _replies(answer.body.decode("utf-8", "replace")) if answer.body.strip() else []
    except FetchFailed as failure:
        exchange.debugger.add(Complaint(failure.code, str(failure), Severity.ERROR, message.sid, address))
        return
    except ET.ParseError as error:
        exchange.debugger.add(Complaint(12100, f"the answer to a text is no XML: {error}", Severity.ERROR, message.sid, address))
        return
    for body in replies[:MOST_REPLIES]:
        if (message.to_number, message.from_number) in exchange.unsubscribed:
            exchange.debugger.add(
                Complaint(21610, "a reply to an unsubscribed recipient", Severity.WARNING, message.sid, address)
            )
            continue
        reply = TextMessage(
            exchange.new_sid("SM"), message.to_number, message.from_number, body, "delivered", direction="outbound-reply"
        )
        exchange.messages[reply.sid] = reply


def _replies(document: str) -> list[str]:
    """The texts of the answer's Message verbs. Raises ParseError."""
    root = ET.fromstring(document)
    return ["".join(verb.itertext()).strip() for verb in root.iter("Message")]
