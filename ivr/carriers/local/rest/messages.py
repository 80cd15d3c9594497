"""Text messages: taken, sent a moment later, delivered or not; each stage told to the callback."""

from __future__ import annotations

import re
from datetime import datetime

from aiohttp import web

from ivr.carriers.local.exchange import Exchange, TextMessage
from ivr.carriers.local.pace import now, rfc2822
from ivr.carriers.local.rest.answers import Asked, Json, RestError, answering, matching, not_found, page_of

MOST_CHARACTERS = 1600
CHARACTERS_PER_SEGMENT = 153


def message_json(exchange: Exchange, message: TextMessage, base: str, at: datetime | None = None) -> Json:
    """A message resource."""
    uri = f"{base}/Messages/{message.sid}"
    return {
        "sid": message.sid,
        "account_sid": exchange.account_sid,
        "api_version": "2010-04-01",
        "from": message.from_number,
        "to": message.to_number,
        "body": message.body,
        "status": message.status,
        "direction": message.direction,
        "num_segments": str(-(-len(message.body) // CHARACTERS_PER_SEGMENT)),
        "num_media": "0",
        "messaging_service_sid": None,
        "error_code": message.error_code or None,
        "error_message": f"Error {message.error_code}" if message.error_code else None,
        "price": None,
        "price_unit": "USD",
        "date_created": rfc2822(message.at),
        "date_updated": rfc2822(at or message.at),
        "date_sent": rfc2822(message.at) if message.status != "queued" else None,
        "uri": f"{uri}.json",
        "subresource_uris": {"media": f"{uri}/Media.json"},
    }


async def create(asked: Asked) -> web.StreamResponse:
    """Send a text."""
    exchange = asked.exchange
    to = asked.needed("To", 21604)
    if not re.fullmatch(r"\+[1-9]\d{6,14}", to):
        raise RestError(400, 21211, f"Invalid 'To' Phone Number: {to[:40]}")
    body = asked.needed("Body", 21602)
    if len(body) > MOST_CHARACTERS:
        raise RestError(400, 21617, f"The concatenated message body exceeds the {MOST_CHARACTERS} character limit")
    sender = asked.text("From") or asked.text("MessagingServiceSid")
    if not sender:
        raise RestError(400, 21603, "A 'From' or 'MessagingServiceSid' parameter is required")
    if sender.startswith("+") and not exchange.may_show(sender):
        raise RestError(400, 21606, f"The From phone number {sender} is not a valid, SMS-capable number of this account")
    if (sender, to) in exchange.unsubscribed:
        raise RestError(400, 21610, f"Attempt to send to unsubscribed recipient {to}")
    message = TextMessage(exchange.new_sid("SM"), sender, to, body)
    exchange.messages[message.sid] = message
    exchange.spawn(_carry(exchange, message, asked.address("StatusCallback", 21609)), f"message {message.sid}")
    return web.json_response(message_json(exchange, message, asked.base), status=201)


async def _carry(exchange: Exchange, message: TextMessage, callback: str) -> None:
    last, code = exchange.text_fates.get(message.to_number) or exchange.nemesis.text_fate()
    for status in ("queued", last) if last == "failed" else ("queued", "sent", last):
        if status != "queued":
            await exchange.pace.sleep(1)
        message.status = status
        message.error_code = code if status == last else 0
        if callback:
            error = {"ErrorCode": str(message.error_code)} if message.error_code else {}
            fields = error | {
                "AccountSid": exchange.account_sid,
                "ApiVersion": "2010-04-01",
                "MessageSid": message.sid,
                "SmsSid": message.sid,
                "MessageStatus": status,
                "SmsStatus": status,
                "From": message.from_number,
                "To": message.to_number,
            }
            exchange.notify(callback, "POST", fields, message.sid)


async def listing(asked: Asked) -> web.StreamResponse:
    """Messages, newest first; filters To, From."""
    rows = [message_json(asked.exchange, m, asked.base, now()) for m in reversed(asked.exchange.messages.values())]
    return page_of(
        asked, "messages", matching(rows, asked.request.query, {"To": "to", "From": "from"}), f"{asked.base}/Messages.json"
    )


async def fetch(asked: Asked) -> web.StreamResponse:
    """One message."""
    message = asked.exchange.messages.get(asked.part("message"))
    if message is None:
        raise not_found(asked.request.path)
    return web.json_response(message_json(asked.exchange, message, asked.base, now()))


def routes(exchange: Exchange) -> list[web.RouteDef]:
    """The resource's routes."""
    base = "/2010-04-01/Accounts/{account}/Messages"
    return [
        web.post(f"{base}.json", answering(exchange, create)),
        web.get(f"{base}.json", answering(exchange, listing)),
        web.get(f"{base}/{{message}}.json", answering(exchange, fetch)),
    ]
