from __future__ import annotations

from collections.abc import Iterator

import pytest
from voice_service import SPEED, Service

from ivr.carriers.local import LocalCarrier
from ivr.carriers.local.station import TEST_AUTH_TOKEN


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service(TEST_AUTH_TOKEN)
    service.start()
    yield service
    service.stop()


@pytest.fixture
def carrier(service: Service) -> Iterator[LocalCarrier]:
    with LocalCarrier(service_url=service.url, speed=SPEED) as carrier:
        yield carrier
        errors = carrier.own_errors()
    assert errors == []
