"""Whether a webhook is the carrier's: the published vector, and everything that must not pass."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator
from werkzeug.datastructures import MultiDict

from ivr.carriers.twilio.signature import Signatures

URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
FIELDS = MultiDict(
    {"CallSid": "CA1234567890ABCDE", "Caller": "+14158675309", "Digits": "1234", "From": "+14158675309", "To": "+18005551212"}
)
PUBLISHED = "RSOYDt4T1cUTdK1PDd93/VVr8B8="


def sign(url: str, fields: MultiDict[str, str], token: str = "12345", algorithm: str = "sha1") -> str:
    """The contract's recipe, written down independently of the library under test."""
    text = url + "".join(name + value for name in sorted(set(fields)) for value in sorted(set(fields.getlist(name))))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), getattr(hashlib, algorithm)).digest()).decode()


def test_the_published_vector_passes() -> None:
    assert Signatures(["12345"]).genuine(URL, FIELDS, PUBLISHED)


@pytest.mark.parametrize(
    "url",
    [
        "http://mycompany.com/myapp.php?foo=1&bar=2",
        "https://mycompany.com/myapp.php?bar=2&foo=1",
        "https://mycompany.com/myapp.php",
        "https://mycompany.com/myapp.php/?foo=1&bar=2",
        "https://other.com/myapp.php?foo=1&bar=2",
    ],
)
def test_another_address_is_refused(url: str) -> None:
    assert not Signatures(["12345"]).genuine(url, FIELDS, PUBLISHED)


@pytest.mark.parametrize("port", [":443", ""])
def test_the_standard_port_may_be_written_or_left_out(port: str) -> None:
    signed_as = f"https://ivr.example{port}/voice/incoming"
    for asked in ("https://ivr.example/voice/incoming", "https://ivr.example:443/voice/incoming"):
        assert Signatures(["t"]).genuine(asked, FIELDS, sign(signed_as, FIELDS, "t"))


@pytest.mark.parametrize(
    "change",
    [
        {"Digits": "12345"},
        {"digits": "1234", "Digits": ""},
        {"Extra": "1"},
        {"To": ""},
    ],
)
def test_changed_fields_are_refused(change: dict[str, str]) -> None:
    assert not Signatures(["12345"]).genuine(URL, MultiDict({**FIELDS, **change}), PUBLISHED)


def test_a_missing_field_is_refused() -> None:
    fewer = MultiDict(FIELDS)
    fewer.pop("To")
    assert not Signatures(["12345"]).genuine(URL, fewer, PUBLISHED)


def test_repeated_fields_are_signed_each() -> None:
    fields = MultiDict([("StatusCallbackEvent", "ringing"), ("StatusCallbackEvent", "answered")])
    assert Signatures(["t"]).genuine("https://a.example/x", fields, sign("https://a.example/x", fields, "t"))


@pytest.mark.parametrize("signature", ["", "x", PUBLISHED.lower(), PUBLISHED[:-1], "é" * 28, "\udcff", PUBLISHED + " "])
def test_a_wrong_signature_is_refused_and_never_raises(signature: str) -> None:
    assert not Signatures(["12345"]).genuine(URL, FIELDS, signature)


def test_two_tokens_hold_during_rotation() -> None:
    both = Signatures(["new", "12345"])
    assert both.genuine(URL, FIELDS, PUBLISHED)
    assert both.genuine(URL, FIELDS, sign(URL, FIELDS, "new"))
    assert not both.genuine(URL, FIELDS, sign(URL, FIELDS, "older"))


def test_a_shared_key_signs_with_sha256() -> None:
    header = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"
    signature = sign(URL, FIELDS, algorithm="sha256")
    assert Signatures(["12345"]).genuine(URL, FIELDS, signature, header)
    assert not Signatures(["12345"]).genuine(URL, FIELDS, signature)
    assert not Signatures(["12345"]).genuine(URL, FIELDS, signature, "key=a,algorithm=HMAC_MD5")


def test_no_token_means_nothing_passes() -> None:
    assert not Signatures([]).genuine(URL, FIELDS, PUBLISHED)


def test_odd_text_in_fields_is_signed_as_it_is() -> None:
    fields = MultiDict({"SpeechResult": "my name is José \N{GRINNING FACE} & <b>", "Empty": ""})
    assert Signatures(["t"]).genuine("https://a.example/x?q=a%20b", fields, sign("https://a.example/x?q=a%20b", fields, "t"))
    assert not Signatures(["t"]).genuine("https://a.example/x?q=a b", fields, sign("https://a.example/x?q=a%20b", fields, "t"))


_TEXT = st.text(st.characters(codec="utf-8"), max_size=12)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(st.sampled_from(["Digits", "From", "To", "a", "B", ""]), _TEXT), max_size=8),
    st.sampled_from(["HMAC_SHA1", "HMAC_SHA256"]),
)
def test_any_form_is_signed_as_the_carrier_s_own_package_signs_it(pairs: list[tuple[str, str]], algorithm: str) -> None:
    fields: MultiDict[str, str] = MultiDict(pairs)
    signature = RequestValidator("t").compute_signature(URL, fields, algorithm)
    assert Signatures(["t"]).genuine(URL, fields, signature, f"key=a,algorithm={algorithm}")


def test_text_that_cannot_be_sent_is_refused_and_never_raises() -> None:
    assert not Signatures(["t"]).genuine(URL, MultiDict({"Digits": "\ud800"}), PUBLISHED)
    assert not Signatures(["t"]).genuine("https://[", MultiDict({"Digits": "1"}), PUBLISHED)
