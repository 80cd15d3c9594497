"""Whether a webhook was really signed by the carrier.

The signature is computed here and not by the carrier's package, whose way costs several times as much on every webhook; that both
come to the same is tested (tests/twilio/test_signature.py). What the package knows about addresses and headers is used as it is.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

from twilio.request_validator import HMAC_SHA1, HMAC_SHA256, add_port, get_signature_algorithm, remove_port

_DIGESTS = {HMAC_SHA1: "sha1", HMAC_SHA256: "sha256"}


def _spellings(url: str) -> Iterator[str]:
    """The address as it is, which nearly always fits, then with and without the port."""
    yield url
    parts = urlsplit(url)
    for other in (add_port(parts), remove_port(parts)):
        if other != url:
            yield other


def _signed_fields(form: Any) -> str:
    """All fields as they are signed: sorted by name, each name followed by its value; a value that is repeated counts once."""
    pairs = []
    for name, values in form.lists():
        pairs += [(name, value) for value in (values if len(values) == 1 else set(values))]
    return "".join([name + value for name, value in sorted(pairs)])


class Signatures:
    """Checks X-Twilio-Signature with any of several tokens, so that tokens can be rotated without losing a call."""

    def __init__(self, tokens: Iterable[str]) -> None:
        keys = [token.encode() for token in tokens]
        # Copied for every webhook: keying a digest costs more than computing it.
        self._keyed = {digest: [hmac.new(key, digestmod=digest) for key in keys] for digest in _DIGESTS.values()}

    def genuine(self, url: str, form: Any, signature: str, algorithm_header: str = "") -> bool:
        """True where `signature` fits `url` (as the carrier was given it: scheme, host, path and query, still encoded, no
        fragment) and all fields of `form` (a multi-dict). The standard port may be written or left out; never raises."""
        digest = _DIGESTS.get(get_signature_algorithm(algorithm_header).upper())
        if not signature or digest is None:
            return False
        try:
            given, fields = signature.encode("ascii"), _signed_fields(form).encode()
            for keyed in self._keyed[digest]:
                for spelling in _spellings(url):
                    expected = keyed.copy()
                    expected.update(spelling.encode() + fields)
                    if hmac.compare_digest(base64.b64encode(expected.digest()), given):
                        return True
        except ValueError:  # an address that is none, or text that no carrier can have sent
            return False
        return False
