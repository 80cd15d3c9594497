"""What every REST answer shares: authentication, errors, paging, the nemesis, form reading."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from aiohttp import web

from ivr.carriers.local.legs import Callback, Request
from ivr.carriers.local.twiml_rules import ADDRESS

if TYPE_CHECKING:
    from ivr.carriers.local.exchange import Exchange

MOST_PAGE_SIZE = 1000
DEFAULT_PAGE_SIZE = 50
MOST_TWIML_CHARACTERS = 4000
Json = dict[str, Any]
Answer = Callable[["Asked"], Awaitable[web.StreamResponse]]


class RestError(Exception):
    """An error answer: HTTP status, Twilio's code and a sentence."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code

    def response(self) -> web.Response:
        """As JSON."""
        body = {
            "code": self.code,
            "message": str(self),
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }
        headers = {"Retry-After": "1"} if self.status == 429 else {}
        return web.json_response(body, status=self.status, headers=headers)


def not_found(path: str) -> RestError:
    """20404."""
    return RestError(404, 20404, f"The requested resource {path} was not found")


class Asked:
    """One REST request, its form read. Reading a wrong parameter raises RestError."""

    def __init__(self, exchange: Exchange, request: web.Request, form: list[tuple[str, str]]) -> None:
        self.exchange = exchange
        self.request = request
        self.form = form
        self.fields = dict(form)

    @property
    def base(self) -> str:
        """The account's path."""
        return f"/2010-04-01/Accounts/{self.exchange.account_sid}"

    def part(self, name: str) -> str:
        """A part of the path."""
        return self.request.match_info[name]

    def text(self, name: str, default: str = "", *, most: int = 10_000) -> str:
        """A text parameter."""
        value = self.fields.get(name, default)
        if len(value) > most:
            raise RestError(400, 21600 if name == "Body" else 20001, f"{name} is longer than {most} characters")
        return value

    def needed(self, name: str, code: int = 20001) -> str:
        """A parameter that must be there."""
        if not self.fields.get(name):
            raise RestError(400, code, f"A '{name}' parameter is required")
        return self.fields[name]

    def flag(self, name: str, default: bool | None = None) -> bool | None:
        """A true/false parameter, or `default` where it is not given."""
        value = self.fields.get(name)
        if value is None:
            return default
        if value.lower() not in ("true", "false"):
            raise RestError(400, 20001, f"{name} must be true or false")
        return value.lower() == "true"

    def number(self, name: str, default: int, least: int, most: int) -> int:
        """A whole number within limits."""
        value = self.fields.get(name, str(default))
        if not value.isdigit() or not least <= int(value) <= most:
            raise RestError(400, 20001, f"{name} must be a whole number from {least} to {most}")
        return int(value)

    def address(self, name: str, code: int = 21205) -> str:
        """An http(s) address, or ""."""
        value = self.fields.get(name, "")
        if value and (ADDRESS.problem(value) or "://" not in value):
            raise RestError(400, code, f"{name} is not a valid URL: {value[:200]}")
        return value

    def document(self, name: str = "Url", default_method: str = "POST", *, twiml: bool = True) -> Request | None:
        """Url (then Twiml is ignored) or Twiml; None where neither is given."""
        if link := self.address(name):
            return Request(link, self.method(name.removesuffix("Url") + "Method", default_method))
        given = self.fields.get("Twiml", "") if twiml else ""
        if len(given) > MOST_TWIML_CHARACTERS:
            raise RestError(400, 32018, f"Twiml is longer than {MOST_TWIML_CHARACTERS} characters")
        return Request(twiml=given) if given else None

    def method(self, name: str, default: str = "POST") -> str:
        """GET or POST."""
        value = self.fields.get(name, default).upper()
        if value not in ("GET", "POST"):
            raise RestError(400, 20001, f"{name} must be GET or POST")
        return value

    def repeated(self, name: str, allowed: Sequence[str], default: Sequence[str]) -> frozenset[str]:
        """A repeated parameter of a closed set. Twilio's own clients also send one value with spaces."""
        values = [word for key, value in self.form if key == name for word in value.split()]
        if unknown := set(values) - set(allowed):
            raise RestError(400, 20001, f"{name}: {', '.join(sorted(unknown))} is not one of {', '.join(allowed)}")
        return frozenset(values or default)

    def status_callback(self, prefix: str, allowed: Sequence[str], default: Sequence[str]) -> Callback:
        """A status callback's three parameters."""
        return Callback(
            self.address(prefix, 21609), self.method(f"{prefix}Method"), self.repeated(f"{prefix}Event", allowed, default)
        )


def page_of(asked: Asked, key: str, rows: Sequence[Json | Callable[[], Json]], path: str) -> web.Response:
    """One page of a list, with the addresses of its neighbours. Rows may be functions: only those shown are called."""
    query = asked.request.query
    try:
        size = min(MOST_PAGE_SIZE, max(1, int(query.get("PageSize", DEFAULT_PAGE_SIZE))))
        page = max(0, int(query.get("Page", 0)))
    except ValueError:
        raise RestError(400, 20001, "PageSize and Page must be whole numbers") from None
    shown = [row() if callable(row) else row for row in rows[page * size : (page + 1) * size]]

    def uri(number: int) -> str:
        kept = {name: value for name, value in query.items() if name not in ("Page", "PageSize", "PageToken")}
        return f"{path}?{urlencode({**kept, 'PageSize': size, 'Page': number})}"

    return web.json_response(
        {
            key: shown,
            "page": page,
            "page_size": size,
            "start": page * size,
            "end": page * size + max(0, len(shown) - 1),
            "uri": uri(page),
            "first_page_uri": uri(0),
            "next_page_uri": uri(page + 1) if (page + 1) * size < len(rows) else None,
            "previous_page_uri": uri(page - 1) if page else None,
        }
    )


def matching(rows: Sequence[Json], query: Mapping[str, str], filters: Mapping[str, str]) -> list[Json]:
    """Rows whose field equals the query's parameter; `filters` maps parameter to field."""
    asked = {field: query[name] for name, field in filters.items() if name in query}
    return [row for row in rows if all(str(row.get(field)) == value for field, value in asked.items())]


def answering(
    exchange: Exchange, answer: Answer, *, open_to_all: bool = False
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Wrap an answer: authentication, the nemesis, errors as JSON."""

    async def respond(request: web.Request) -> web.StreamResponse:
        try:
            if not open_to_all:
                _authenticate(exchange, request)
            if exchange.account_sid != request.match_info.get("account"):
                raise not_found(request.path)
            fate = exchange.nemesis.rest_fate(changes=request.method != "GET")
            if fate == "429":
                raise RestError(429, 20429, "Too Many Requests")
            if fate == "500":
                raise RestError(500, 20500, "An internal server error has occurred")
            if fate == "timeout":
                await asyncio.sleep(exchange.nemesis.trouble.rest_silence_seconds)
                raise RestError(503, 20503, "Service Unavailable")
            form = [(name, str(value)) for name, value in (await request.post()).items()] if request.method == "POST" else []
            response = await answer(Asked(exchange, request, form))
            if fate == "done_but_timed_out":
                await asyncio.sleep(exchange.nemesis.trouble.rest_silence_seconds)
            return response
        except RestError as error:
            return error.response()

    return respond


def _authenticate(exchange: Exchange, request: web.Request) -> None:
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    try:
        name, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        name = password = ""
    right = hmac.compare_digest(name.encode(), exchange.account_sid.encode()) & hmac.compare_digest(
        password.encode(), exchange.auth_token.encode()
    )
    if scheme.lower() != "basic" or not right:
        raise RestError(401, 20003, "Authenticate")
