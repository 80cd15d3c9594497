"""Who may come in: the carrier by its signature, before anything of the request is used."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import urlencode

from flask import Request

from ivr.carriers.twilio.signature import Signatures
from ivr.settings import Settings

MOST_BODY_BYTES = 64 * 1024
MOST_FIELDS = 200


class Gate:
    """Checks carrier webhooks and makes the links that the carrier is told to come back to."""

    def __init__(self, settings: Settings) -> None:
        self._public = settings.public_url.rstrip("/")
        self._signatures = Signatures(settings.auth_tokens)
        self._key = settings.secret_key.encode()

    def genuine(self, request: Request) -> bool:
        """True where the carrier signed this request. The address is rebuilt from IVR_PUBLIC_URL, never from the request's Host."""
        query = request.query_string.decode("latin-1")
        url = f"{self._public}{request.environ.get('RAW_URI', request.path).partition('?')[0]}" + (f"?{query}" if query else "")
        return self._signatures.genuine(
            url,
            request.form,
            request.headers.get("X-Twilio-Signature", ""),
            request.headers.get("X-Twilio-Webhooks-Signature-Settings", ""),
        )

    def link(self, path: str, call_id: str, **query: str | int) -> str:
        """An absolute address with a seal that binds the query to this call: the carrier's signature alone does not say that
        the link was meant for it."""
        text = urlencode(query)
        return f"{self._public}{path}?{text}{'&' if text else ''}k={self._seal(path, call_id, text)}"

    def sealed(self, request: Request, call_id: str) -> bool:
        """True where the link was made for this call."""
        text, _, seal = request.query_string.decode("latin-1").rpartition("k=")
        return hmac.compare_digest(self._seal(request.path, call_id, text.rstrip("&")).encode(), seal.encode("latin-1"))

    def plain(self, path: str) -> str:
        """An absolute address without a seal."""
        return f"{self._public}{path}"

    def _seal(self, path: str, call_id: str, query: str) -> str:
        return hmac.new(self._key, f"{path}\0{call_id}\0{query}".encode(), hashlib.sha256).hexdigest()[:20]
