"""Addresses that the carrier is told to come back to, sealed so that a link made for one call serves no other."""

from __future__ import annotations

import hmac
from urllib.parse import urlencode


class Links:
    """Absolute addresses under IVR_PUBLIC_URL."""

    def __init__(self, public_url: str, secret: str) -> None:
        self._public = public_url.rstrip("/")
        self._seals = hmac.new(secret.encode(), digestmod="sha256")  # copied for each seal: keying it costs more than sealing

    def plain(self, path: str) -> str:
        """An address without a seal."""
        return f"{self._public}{path}"

    def sealed(self, path: str, subject: str, **query: str | int) -> str:
        """An address with a seal that binds path and query to `subject` (a call's id, an offer's token): the carrier's signature
        alone does not say that a link was meant for it."""
        text = urlencode(query)
        return f"{self._public}{path}?{text}{'&' if text else ''}k={self._seal(path, subject, text)}"

    def fits(self, path: str, query: str, subject: str) -> bool:
        """True where the link with this path and query string was made for `subject`."""
        text, _, seal = query.rpartition("k=")
        return self._is(seal, path, subject, text.rstrip("&"))

    def made(self, seal: str, path: str, subject: str, **query: str | int) -> bool:
        """True where `sealed` gave `seal` for this path, subject and query, whatever else somebody's mail program hung on the link."""
        return self._is(seal, path, subject, urlencode(query))

    def _is(self, seal: str, path: str, subject: str, query: str) -> bool:
        return hmac.compare_digest(self._seal(path, subject, query).encode(), seal.encode("utf-8"))

    def _seal(self, path: str, subject: str, query: str) -> str:
        seal = self._seals.copy()
        seal.update(f"{path}\0{subject}\0{query}".encode())
        return seal.hexdigest()[:20]
