"""Requests to the service: signed forms, time limits, retries, redirects, cookies; the contract's transport, nothing of calls."""

from __future__ import annotations

import asyncio
import base64
import secrets
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, unquote, urlencode, urljoin, urlsplit, urlunsplit

import aiohttp

from ivr.carriers.local.signature import sign

MOST_REDIRECTS = 10
HARD_LIMIT_SECONDS = 15.0
MOST_READ_BYTES = 256 * 1024  # beyond the 64 kB that are allowed, so that the breach can be told from a short answer
KEPT_LATENCIES = 100_000
IDLE_CONNECTION_SECONDS = 1.0  # less than any server keeps one: a POST must not meet a connection that is just being closed


@dataclass(frozen=True)
class Overrides:
    """Connection overrides of an address' fragment (`#ct=2000&rc=2&rp=5xx`)."""

    connect_seconds: float = 5.0
    read_seconds: float = 15.0
    total_seconds: float = 15.0
    retries: int = 1
    policy: frozenset[str] = frozenset({"ct"})
    fault: str = ""  # what is wrong with the fragment; the default stands instead (code 11243)


def read_overrides(address: str) -> tuple[str, Overrides]:
    """The address without its fragment, and what the fragment asks for."""
    parts = urlsplit(address)
    bare = urlunsplit(parts._replace(fragment=""))
    given = {name: values[0] for name, values in parse_qs(parts.fragment).items()}
    faults: list[str] = []

    def number(name: str, default: int, least: int, most: int) -> int:
        text = given.get(name, str(default))
        if text.isdigit() and least <= int(text) <= most:
            return int(text)
        faults.append(f"{name}={text}: expected {least} to {most}")
        return default

    policy = frozenset(given.get("rp", "ct").split(","))
    if not policy <= {"4xx", "5xx", "ct", "rt", "all"}:
        faults.append(f"rp={given['rp']}: expected 4xx, 5xx, ct, rt or all")
        policy = frozenset({"ct"})
    return bare, Overrides(
        connect_seconds=number("ct", 5000, 100, 10_000) / 1000,
        read_seconds=number("rt", 15_000, 100, 15_000) / 1000,
        total_seconds=min(HARD_LIMIT_SECONDS, number("tt", 15_000, 100, 15_000) / 1000),
        retries=number("rc", 1, 0, 5),
        policy=policy,
        fault="; ".join(faults),
    )


@dataclass(frozen=True)
class Answer:
    """What the service answered. `address` is the one it came from, after redirects: relative links start there."""

    status: int
    body: bytes
    content_type: str
    address: str
    seconds: float


class FetchFailed(Exception):
    """No usable answer. `code` is Twilio's (11200 …), `kind` one of ct, rt, 4xx, 5xx, redirects, address."""

    def __init__(self, code: int, kind: str, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.code, self.kind, self.status = code, kind, status


@dataclass
class CookieJar:
    """Cookies of one call. The service is one host, so the name is key enough."""

    values: dict[str, str] = field(default_factory=dict)

    def take(self, set_cookie: list[str]) -> None:
        """Keep what an answer sets; unreadable cookies are dropped."""
        for line in set_cookie:
            try:
                parsed = SimpleCookie(line)
            except CookieError:
                continue
            for name, morsel in parsed.items():
                if morsel["max-age"] == "0":
                    self.values.pop(name, None)
                else:
                    self.values[name] = morsel.value

    def header(self) -> str:
        """The Cookie header, or ""."""
        return "; ".join(f"{name}={value}" for name, value in self.values.items())


class WebhookClient:
    """Sends webhooks. One for the whole carrier; `open` within the running loop before use, `close` at the end."""

    def __init__(self, auth_token: str) -> None:
        self.auth_token = auth_token
        self.latencies: deque[float] = deque(maxlen=KEPT_LATENCIES)  # seconds, answered requests only
        self.requests = 0
        self.failures = 0
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Make the connection pool; no proxy from the environment, no shared cookies."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_CONNECTION_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=True,
        )

    async def close(self) -> None:
        """Close the pool."""
        if self._session:
            await self._session.close()

    async def send(
        self, address: str, method: str, fields: Mapping[str, str], cookies: CookieJar | None = None, *, token: str | None = None
    ) -> Answer:
        """Send one webhook with its retries and redirects; returns the last answer, whatever its content.

        Raises FetchFailed where no 2xx answer came within the limits.
        """
        bare, overrides = read_overrides(address)
        if "_" in (urlsplit(bare).hostname or "_"):
            raise FetchFailed(11210, "address", f"bad host name in {bare!r}")
        token = token or secrets.token_hex(16)
        started = time.monotonic()
        attempt = 0
        while True:
            left = overrides.total_seconds - (time.monotonic() - started)
            try:
                if left <= 0:
                    raise FetchFailed(11200, "rt", f"no answer within {overrides.total_seconds:g} s")
                self.requests += 1
                answer = await self._follow(bare, method.upper(), fields, cookies, overrides, left, token)
            except FetchFailed as failure:
                self.failures += 1
                attempt += 1
                if attempt > overrides.retries or not overrides.policy & {failure.kind, "all"} or failure.kind == "address":
                    raise
            else:
                self.latencies.append(answer.seconds)
                return answer

    async def _follow(
        self,
        address: str,
        method: str,
        fields: Mapping[str, str],
        cookies: CookieJar | None,
        overrides: Overrides,
        left: float,
        token: str,
    ) -> Answer:
        for _ in range(MOST_REDIRECTS + 1):
            answer, location = await self._once(address, method, fields, cookies, overrides, left, token)
            if location is None:
                return answer
            address = urljoin(address, location)
            if answer.status in (301, 302, 303) and method == "POST":
                method, fields = "GET", {}
        raise FetchFailed(11215, "redirects", f"more than {MOST_REDIRECTS} redirects")

    async def _once(
        self,
        address: str,
        method: str,
        fields: Mapping[str, str],
        cookies: CookieJar | None,
        overrides: Overrides,
        left: float,
        token: str,
    ) -> tuple[Answer, str | None]:
        assert self._session is not None, "open() first"
        if method == "GET" and fields:
            parts = urlsplit(address)
            address = urlunsplit(parts._replace(query="&".join(filter(None, [parts.query, urlencode(fields)]))))
        form = None if method == "GET" else urlencode(fields)
        headers = {
            "User-Agent": "TwilioProxy/1.1",
            "Accept": "*/*",
            "I-Twilio-Idempotency-Token": token,
            "X-Twilio-Signature": sign(self.auth_token, address, () if form is None else fields.items()),
        }
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded; charset=UTF-8"
        if cookies and (line := cookies.header()):
            headers["Cookie"] = line
        limits = aiohttp.ClientTimeout(total=left, sock_connect=overrides.connect_seconds, sock_read=overrides.read_seconds)
        target, user = _without_user(address)
        started = time.monotonic()
        try:
            for credentials in (None, user):  # the first request comes without credentials, as Twilio's does
                if credentials:
                    headers["Authorization"] = credentials
                async with self._session.request(
                    method, target, data=form, headers=headers, timeout=limits, allow_redirects=False
                ) as got:
                    if got.status == 401 and user and not credentials:
                        continue
                    body = (
                        await got.content.read(MOST_READ_BYTES) if got.content_length else await _read_up_to(got, MOST_READ_BYTES)
                    )
                    if cookies:
                        cookies.take(got.headers.getall("Set-Cookie", []))
                    answer = Answer(got.status, body, got.headers.get("Content-Type", ""), address, time.monotonic() - started)
                    if got.status in (301, 302, 303, 307, 308) and "Location" in got.headers:
                        return answer, got.headers["Location"]
                    break
        except (aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorDNSError) as error:
            raise FetchFailed(11205, "ct", f"cannot connect to {target}: {error}") from error
        except TimeoutError as error:
            raise FetchFailed(11200, "rt", f"{target} did not answer within {min(left, overrides.read_seconds):g} s") from error
        except aiohttp.ClientConnectorError as error:
            raise FetchFailed(11205, "ct", f"cannot connect to {target}: {error}") from error
        except aiohttp.InvalidURL as error:
            raise FetchFailed(11100, "address", f"not an address: {target!r}") from error
        except (aiohttp.ClientError, asyncio.IncompleteReadError) as error:
            raise FetchFailed(11200, "rt", f"{target} broke off: {error}") from error
        if answer.status >= 400 or answer.status < 200:
            raise FetchFailed(
                11200, "5xx" if answer.status >= 500 else "4xx", f"{target} answered HTTP {answer.status}", answer.status
            )
        return answer, None


async def _read_up_to(got: aiohttp.ClientResponse, most: int) -> bytes:
    body = b""
    async for chunk in got.content.iter_chunked(16 * 1024):
        body += chunk
        if len(body) >= most:
            break
    return body


def _without_user(address: str) -> tuple[str, str | None]:
    """The address to connect to, and the Authorization header that its user info stands for."""
    parts = urlsplit(address)
    user, at, place = parts.netloc.rpartition("@")
    if not at:
        return address, None
    name, _, password = user.partition(":")
    credentials = base64.b64encode(f"{unquote(name)}:{unquote(password)}".encode()).decode()
    return urlunsplit(parts._replace(netloc=place)), f"Basic {credentials}"
