"""X-Twilio-Signature, computed from the written contract and not with Twilio's package: two readings of one rule check each other."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from urllib.parse import urlsplit, urlunsplit


def signed_address(address: str) -> str:
    """The form of `address` that goes into the signature.

    Without fragment and user info; HTTPS also without its port, while HTTP keeps it.
    """
    parts = urlsplit(address)
    place = parts.netloc.rpartition("@")[2]
    if parts.scheme == "https" and ":" in place and not place.endswith("]"):
        place = place.rpartition(":")[0]
    return urlunsplit((parts.scheme, place, parts.path, parts.query, ""))


def sign(auth_token: str, address: str, fields: Iterable[tuple[str, str]] = ()) -> str:
    """Base64 of HMAC-SHA1 over the address and every form field (name then value, sorted by name, no separators).

    A repeated name counts each distinct value once, sorted. For GET pass no fields: they are in the address already.
    """
    text = signed_address(address) + "".join(name + value for name, value in sorted(set(fields)))
    return base64.b64encode(hmac.new(auth_token.encode(), text.encode(), hashlib.sha1).digest()).decode()
