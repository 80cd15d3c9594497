"""HTTP services as a source: bounded in time and size, public addresses only, no redirects, no proxies.

A host's name is resolved when the connection is made, every address is checked, and the connection goes to the address checked
(the certificate is still compared with the name). What comes back is data: a JSON object, of which the fields are taken one by one.
"""

from __future__ import annotations

import functools
import json
import re
import ssl
import threading
import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpcore

from ivr.connectors.addresses import Refused, Resolver, checked_address, system_resolver
from ivr.connectors.asking import Row, SourceFailed

MOST_BYTES = 256 * 1024
_ARGUMENT = re.compile(r"\{([a-z][a-z0-9_]*)\}")
SETTING = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")
_deadline = threading.local()  # .at: when the request of this thread has to be over (monotonic)


class HttpService:
    """One request per look-up. `environment` gives the values of `${NAME}` in headers."""

    def __init__(
        self,
        url: str,
        *,
        method: str = "GET",
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Mapping[str, str] | None = None,
        read: Mapping[str, str] | None = None,
        not_found_on: tuple[int, ...] = (404,),
        networks: tuple[str, ...] = (),
        environment: Mapping[str, str] | None = None,
        resolver: Resolver = system_resolver,
    ) -> None:
        values = environment or {}
        self._url, self._method, self._not_found_on = url, method, not_found_on
        self._query, self._body, self._read = dict(query or {}), dict(body or {}), dict(read or {})
        self._headers = {
            name: SETTING.sub(lambda found: values.get(found[1], ""), value) for name, value in (headers or {}).items()
        }
        self._host = urlsplit(url).hostname or ""
        self._network = CheckedNetwork(networks, resolver)
        self._pool: httpcore.ConnectionPool | None = None
        self._lock = threading.Lock()

    def find(self, arguments: Mapping[str, str], within_seconds: float, now: datetime) -> Row | None:
        """The fields of the JSON answer, raw; None for an answer that says there is no such thing."""
        _deadline.at = time.monotonic() + within_seconds
        try:
            with self._request(arguments, within_seconds) as response:
                if response.status in self._not_found_on:
                    return None
                if response.status != 200:
                    raise SourceFailed(f"{self._host} answered {response.status}")
                content = _bounded(response)
        except Refused as error:
            raise SourceFailed(str(error)) from error
        except httpcore.TimeoutException as error:
            raise SourceFailed(f"{self._host} did not answer within {within_seconds:g} s") from error
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError, UnicodeError) as error:
            raise SourceFailed(f"{self._host} cannot be reached ({type(error).__name__})") from error
        return self._fields(content)

    def _request(self, arguments: Mapping[str, str], seconds: float) -> Any:
        url = _ARGUMENT.sub(lambda found: quote(arguments[found[1]], safe=""), self._url)
        if self._query:
            url += ("&" if urlsplit(url).query else "?") + urlencode(
                {name: _filled(text, arguments) for name, text in self._query.items()}
            )
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", **self._headers}
        content = None
        if self._body:
            headers["Content-Type"] = "application/json"
            content = json.dumps({name: _filled(text, arguments) for name, text in self._body.items()}).encode()
        limits = dict.fromkeys(("connect", "read", "write", "pool"), seconds)
        return self._connections().stream(
            self._method, url, headers=[(name.encode(), value.encode()) for name, value in headers.items()], content=content,
            extensions={"timeout": limits},
        )  # fmt: skip

    def _connections(self) -> httpcore.ConnectionPool:
        """Made on first use, so that no socket is shared across a fork."""
        with self._lock:
            if self._pool is None:
                self._pool = httpcore.ConnectionPool(
                    _tls(), max_connections=16, keepalive_expiry=20.0, network_backend=self._network
                )
            return self._pool

    def _fields(self, content: bytes) -> Row:
        try:
            answer = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise SourceFailed(f"{self._host} answered something that is not JSON") from error
        if not isinstance(answer, dict):
            raise SourceFailed(f"{self._host} answered no JSON object")
        return {name: _at(answer, place) for name, place in self._read.items()}

    def at_hand(self) -> bool:
        """Never: somebody else is asked."""
        return False

    def close(self) -> None:
        """Let the connections go."""
        with self._lock:
            if self._pool is not None:
                self._pool.close()
                self._pool = None


@functools.cache
def _tls() -> ssl.SSLContext:
    """Shared: reading the certificates takes tens of milliseconds."""
    return httpcore.default_ssl_context()


class CheckedNetwork(httpcore.NetworkBackend):
    """Connects to checked addresses only, and lets no read or write pass the thread's deadline."""

    def __init__(self, networks: tuple[str, ...], resolver: Resolver) -> None:
        self._networks, self._resolver = networks, resolver
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        address = checked_address(host, port, self._networks, self._resolver)
        return BoundedStream(self._plain.connect_tcp(address, port, _left(httpcore.ConnectTimeout)))

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        raise Refused("unix sockets are not reached by connectors")

    def sleep(self, seconds: float) -> None:
        self._plain.sleep(seconds)


class BoundedStream(httpcore.NetworkStream):
    """A stream whose every step ends at the deadline: a server that drips bytes passes any time-out per read."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _left(httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return BoundedStream(self._inner.start_tls(ssl_context, server_hostname, _left(httpcore.ConnectTimeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _left(late: type[httpcore.TimeoutException]) -> float:
    seconds: float = _deadline.at - time.monotonic()
    if seconds <= 0:
        raise late("the time is over")
    return seconds


def _filled(text: str, arguments: Mapping[str, str]) -> str:
    return _ARGUMENT.sub(lambda found: arguments[found[1]], text)


def _bounded(response: httpcore.Response) -> bytes:
    """The body, as long as it is small."""
    content = b""
    for chunk in response.iter_stream():
        content += chunk
        if len(content) > MOST_BYTES:
            raise SourceFailed(f"the answer is larger than {MOST_BYTES // 1024} kB")
    return content


def _at(answer: Any, place: str) -> Any:
    """The value at `orders.0.status`, or None."""
    for part in place.split("."):
        if isinstance(answer, dict):
            answer = answer.get(part)
        elif isinstance(answer, list) and part.isascii() and part.isdigit() and int(part[:6]) < len(answer):
            answer = answer[int(part[:6])]
        else:
            return None
    return answer
