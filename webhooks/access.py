"""Who may come in: the carrier by its signature, before anything of the request is used."""

from __future__ import annotations

from flask import Request

from ivr.carriers.twilio.signature import Signatures
from ivr.jobs.links import Links
from ivr.settings import Settings

MOST_BODY_BYTES = 64 * 1024
MOST_FIELDS = 200


class Gate:
    """Checks carrier webhooks. The address they were sent to is rebuilt from IVR_PUBLIC_URL, never from the request's Host."""

    def __init__(self, settings: Settings, links: Links) -> None:
        self._public = settings.public_url.rstrip("/")
        self._signatures = Signatures(settings.auth_tokens)
        self._links = links

    def genuine(self, request: Request) -> bool:
        """True where the carrier signed this request."""
        query = request.query_string.decode("latin-1")
        url = f"{self._public}{request.environ.get('RAW_URI', request.path).partition('?')[0]}" + (f"?{query}" if query else "")
        return self._signatures.genuine(
            url,
            request.form,
            request.headers.get("X-Twilio-Signature", ""),
            request.headers.get("X-Twilio-Webhooks-Signature-Settings", ""),
        )

    def made_for(self, request: Request, subject: str) -> bool:
        """True where the request's link was made for `subject`."""
        return self._links.fits(request.path, request.query_string.decode("latin-1"), subject)
