"""The account itself and its numbers, as `ivr doctor` asks for them; and the answer to anything that is not imitated."""

from __future__ import annotations

from aiohttp import web

from ivr.carriers.local.exchange import Exchange
from ivr.carriers.local.rest.answers import Asked, answering, not_found, page_of


async def fetch(asked: Asked) -> web.StreamResponse:
    """The account."""
    return web.json_response(
        {
            "sid": asked.exchange.account_sid,
            "friendly_name": "Local carrier",
            "status": "active",
            "type": "Full",
            "owner_account_sid": asked.exchange.account_sid,
            "uri": f"{asked.base}.json",
        }
    )


async def numbers(asked: Asked) -> web.StreamResponse:
    """The account's numbers and where their calls go."""
    rows = [
        {
            "sid": f"PN{index:032x}",
            "account_sid": asked.exchange.account_sid,
            "phone_number": number.number,
            "friendly_name": number.number,
            "voice_url": number.voice_url,
            "voice_method": number.voice_method,
            "voice_fallback_url": number.fallback_url,
            "voice_fallback_method": "POST",
            "status_callback": number.status_callback,
            "status_callback_method": "POST",
            "sms_url": number.sms_url,
            "sms_method": number.sms_method,
            "sms_fallback_url": "",
            "sms_fallback_method": "POST",
            "capabilities": {"voice": True, "sms": True, "mms": False, "fax": False},
        }
        for index, number in enumerate(asked.exchange.numbers.values(), 1)
        if asked.request.query.get("PhoneNumber", number.number) == number.number
    ]
    return page_of(asked, "incoming_phone_numbers", rows, f"{asked.base}/IncomingPhoneNumbers.json")


async def _unknown(asked: Asked) -> web.StreamResponse:
    raise not_found(asked.request.path)


def routes(exchange: Exchange) -> list[web.RouteDef]:
    """The resources' routes; the last one takes all that no other took."""
    base = "/2010-04-01/Accounts/{account}"
    return [
        web.get(f"{base}.json", answering(exchange, fetch)),
        web.get(f"{base}/IncomingPhoneNumbers.json", answering(exchange, numbers)),
        web.route("*", f"{base}/{{tail:.*}}", answering(exchange, _unknown)),
    ]
