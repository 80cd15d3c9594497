"""Whether a webhook was really signed by the carrier."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

from twilio.request_validator import RequestValidator, add_port, get_signature_algorithm, remove_port


def _spellings(url: str) -> Iterator[str]:
    """The address as it is, which nearly always fits, then with and without the port."""
    yield url
    parts = urlsplit(url)
    for other in (add_port(parts), remove_port(parts)):
        if other != url:
            yield other


class Signatures:
    """Checks X-Twilio-Signature with any of several tokens, so that tokens can be rotated without losing a call."""

    def __init__(self, tokens: Iterable[str]) -> None:
        self._validators = tuple(RequestValidator(token) for token in tokens)

    def genuine(self, url: str, form: Any, signature: str, algorithm_header: str = "") -> bool:
        """True where `signature` fits `url` (as the carrier was given it: scheme, host, path and query, still encoded, no
        fragment) and all fields of `form` (a multi-dict). The standard port may be written or left out; never raises."""
        try:
            given = signature.encode("ascii")
        except UnicodeEncodeError:
            return False
        if not given:
            return False
        algorithm = get_signature_algorithm(algorithm_header)
        for validator in self._validators:
            for spelling in _spellings(url):
                try:
                    expected = validator.compute_signature(spelling, form, algorithm)
                except (ValueError, UnicodeEncodeError):
                    return False
                if hmac.compare_digest(expected.encode("ascii"), given):
                    return True
        return False
