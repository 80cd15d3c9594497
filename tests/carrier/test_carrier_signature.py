from __future__ import annotations

import pytest
from twilio.request_validator import RequestValidator

from ivr.carriers.local.signature import sign, signed_address

FIELDS = [
    ("CallSid", "CA1234567890ABCDE"),
    ("Caller", "+14158675309"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
]


def test_the_published_example() -> None:
    assert sign("12345", "https://mycompany.com/myapp.php?foo=1&bar=2", FIELDS) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


@pytest.mark.parametrize(
    "address",
    [
        "https://host.example/voice?b=2&a=1",
        "http://host.example:8080/voice",
        "https://host.example:8443/x%20y/",
        "http://h.example/?q=",
    ],
)
@pytest.mark.parametrize("fields", [FIELDS, [("A", ""), ("B", "ü & <é>"), ("b", "1")], [("X", "2"), ("X", "1"), ("X", "2")]])
def test_twilios_own_validator_agrees(address: str, fields: list[tuple[str, str]]) -> None:
    grouped: dict[str, list[str]] = {}
    for name, value in fields:
        grouped.setdefault(name, []).append(value)

    class Form(dict):  # type: ignore[type-arg]
        def getlist(self, name: str) -> list[str]:
            return grouped[name]

    assert RequestValidator("token").validate(address, Form(grouped), sign("token", address, fields))


def test_fragment_user_and_https_port_are_left_out() -> None:
    assert signed_address("https://user:pass@host.example:8443/voice?a=1#rc=2") == "https://host.example/voice?a=1"
    assert signed_address("http://host.example:8080/voice") == "http://host.example:8080/voice"
