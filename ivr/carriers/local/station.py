"""The carrier as one running thing: its world, its HTTP server, its people. `LocalCarrier` and `ivr carrier` stand on it."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

import ivr.carriers.local.verbs  # noqa: F401  registers what each verb does
from ivr.carriers.local.control import control_routes
from ivr.carriers.local.exchange import Exchange, Number, Switches
from ivr.carriers.local.legs import Leg
from ivr.carriers.local.nemesis import Nemesis, Trouble
from ivr.carriers.local.pace import Pace
from ivr.carriers.local.people.behaviour import PhoneBook
from ivr.carriers.local.people.script import Script, ScriptedPerson, read_script
from ivr.carriers.local.recognition import Recognition
from ivr.carriers.local.rest import rest_routes
from ivr.errors import CarrierError

DEFAULT_NUMBER = "+442079460000"
TEST_ACCOUNT_SID = "AC" + "0" * 31 + "1"
TEST_AUTH_TOKEN = "local-carrier-token"


@dataclass(frozen=True)
class StationSettings:
    """How a carrier is set up. `port` 0 lets the kernel choose. `control_token` is made up where it is empty."""

    service_url: str = (
        ""  # base address of the service; numbers get its /voice/incoming, /voice/fallback, /voice/status and /text/incoming
    )
    account_sid: str = TEST_ACCOUNT_SID
    auth_token: str = TEST_AUTH_TOKEN
    numbers: tuple[str | Number, ...] = (DEFAULT_NUMBER,)
    host: str = "127.0.0.1"
    port: int = 0
    speed: float = 1.0
    seed: int = 1
    control_token: str = ""
    trouble: Trouble = field(default_factory=Trouble)
    recognition: Recognition = field(default_factory=Recognition)
    switches: Switches = field(default_factory=Switches)
    owned: tuple[str, ...] = ()  # further caller ids that the account may show


def numbers_of(settings: StationSettings) -> Iterable[Number]:
    """The account's numbers, with the standard addresses where only the number is given."""
    base = settings.service_url.rstrip("/")
    for given in settings.numbers:
        yield (
            given
            if isinstance(given, Number)
            else Number(
                given, f"{base}/voice/incoming", "POST", f"{base}/voice/fallback", f"{base}/voice/status", f"{base}/text/incoming"
            )
        )


class Station:
    """Starts and stops within a running event loop."""

    def __init__(self, settings: StationSettings, people: PhoneBook | None = None) -> None:
        self.settings = settings
        self.control_token = settings.control_token or secrets.token_urlsafe(18)
        self.people = people or PhoneBook(seed=settings.seed)
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen. Raises CarrierError where the port is taken."""
        settings = self.settings
        self.exchange = Exchange(
            settings.account_sid,
            settings.auth_token,
            Pace(settings.speed),
            settings.seed,
            settings.recognition,
            settings.switches,
            owned=set(settings.owned),
        )
        self.exchange.nemesis = Nemesis(settings.trouble, settings.seed)
        self.exchange.find_person = self.people.person
        self.exchange.numbers = {number.number: number for number in numbers_of(settings)}
        await self.exchange.webhooks.open()
        app = web.Application(client_max_size=256 * 1024)
        app.add_routes(rest_routes(self.exchange))
        app.add_routes(control_routes(self))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        try:
            site = web.TCPSite(self._runner, settings.host, settings.port)
            await site.start()
        except OSError as error:
            await self.stop()
            raise CarrierError(
                f"the local carrier cannot listen on {settings.host}:{settings.port}: {error.strerror}; choose another --port"
            ) from error
        port = self._runner.addresses[0][1]
        self.url = self.exchange.base_url = f"http://{settings.host}:{port}"

    async def stop(self) -> None:
        """End all calls and the server."""
        await self.exchange.close()
        if self._runner:
            await self._runner.cleanup()

    def call(
        self, from_number: str, to_number: str, script: Script | str | list[Any], extra_fields: Mapping[str, str] | None = None
    ) -> Leg:
        """A scripted caller calls one of our numbers."""
        read = script if isinstance(script, Script) else read_script(script)
        number = to_number or read.to_number or next(iter(self.exchange.numbers))
        return self.exchange.call_in(from_number or read.from_number, number, ScriptedPerson(read), extra_fields)
