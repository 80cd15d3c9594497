"""What becomes of texts: as their reader's number fates them, or as trouble strikes."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest
from voice_service import Service

from ivr.carriers.local import LocalCarrier, Trouble
from ivr.carriers.local.station import DEFAULT_NUMBER
from ivr.carriers.twilio.client import TwilioCarrier
from ivr.texts import TextNews

READER = "+447700900199"


def text(service: Service, carrier: LocalCarrier) -> TwilioCarrier:
    """Send a text that is told of; gives the account it was sent with."""
    account = TwilioCarrier(carrier.settings.account_sid, carrier.settings.auth_token, carrier.url)
    account.text(to=READER, from_=DEFAULT_NUMBER, body="Hello", status_url=f"{service.url}/status")
    return account


def news(service: Service) -> list[tuple[str, str]]:
    """Statuses that the callback was told, each with its error."""
    return [(asked.fields["MessageStatus"], asked.fields.get("ErrorCode", "")) for asked in service.of("/status")]


@pytest.mark.parametrize(
    ("status", "code", "told"),
    [
        ("undelivered", 30003, [("queued", ""), ("sent", ""), ("undelivered", "30003")]),
        ("failed", 30006, [("queued", ""), ("failed", "30006")]),
    ],
)
def test_a_number_that_texts_do_not_reach(
    service: Service, carrier: LocalCarrier, status: str, code: int, told: list[tuple[str, str]]
) -> None:
    carrier.fate_of_texts(READER, status, code)
    account = text(service, carrier)
    assert carrier.until(lambda station: news(service) == told)
    message_id = service.of("/status")[0].fields["MessageSid"]
    assert account.text_news(message_id) == TextNews(message_id, READER, status, code)


def test_trouble_strikes_texts(service: Service, carrier: LocalCarrier) -> None:
    carrier.make_trouble(Trouble(text_undelivered=1.0))
    text(service, carrier)
    assert carrier.until(lambda station: ("undelivered", "30003") in news(service))


def test_the_control_api_sets_and_forgets_a_fate(carrier: LocalCarrier) -> None:
    def ask(method: str, body: dict[str, object] | None = None) -> int:
        address = f"{carrier.url}/control/texts/{READER}"
        request = urllib.request.Request(address, json.dumps(body or {}).encode(), method=method)
        request.add_header("Authorization", f"Bearer {carrier.control_token}")
        with urllib.request.urlopen(request, timeout=5) as answer:
            return int(answer.status)

    assert ask("PUT", {"status": "undelivered", "code": 30005}) == 200
    assert carrier.ask(lambda station: station.exchange.text_fates) == {READER: ("undelivered", 30005)}
    with pytest.raises(urllib.error.HTTPError, match="400"):
        ask("PUT", {"status": "lost"})
    assert ask("DELETE") == 204
    assert carrier.ask(lambda station: station.exchange.text_fates) == {}
