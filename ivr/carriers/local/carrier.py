"""The local carrier inside another program (tests, benchmarks): its loop runs in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Any, TypeVar

from ivr.carriers.local.debugger import Complaint
from ivr.carriers.local.exchange import TextMessage
from ivr.carriers.local.legs import Leg
from ivr.carriers.local.nemesis import Nemesis, Trouble
from ivr.carriers.local.people.behaviour import PhoneBook, read_behaviour
from ivr.carriers.local.people.handset import Handset
from ivr.carriers.local.people.script import Script
from ivr.carriers.local.people.terminal import TerminalPerson
from ivr.carriers.local.station import Station, StationSettings
from ivr.carriers.local.texting import text_in
from ivr.carriers.local.truth import CallTruth, truth_of
from ivr.errors import CarrierError

T = TypeVar("T")
START_SECONDS = 15.0
CALL_LIMIT_SECONDS = 120.0


class LocalCarrier:
    """`with LocalCarrier(service_url=…, speed=20) as carrier: truth = carrier.call("+44…", "", script)`.

    Keyword arguments are those of StationSettings. `people` maps addresses or patterns to behaviours ("busy", {"talks": "5s"}).
    """

    def __init__(self, people: Mapping[str, Any] | None = None, **settings: Any) -> None:
        self.settings = replace(StationSettings(), **settings)
        behaviours = {address: read_behaviour(raw) for address, raw in (people or {}).items()}
        self.station = Station(self.settings, PhoneBook(behaviours, seed=self.settings.seed))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="local carrier", daemon=True)

    # life -------------------------------------------------------------------------------------------------------

    def start(self) -> LocalCarrier:
        """Listen. Raises CarrierError where the port is taken."""
        self._thread.start()
        try:
            self._do(self.station.start(), START_SECONDS)
        except CarrierError:
            self._end_loop()
            raise
        return self

    def stop(self) -> None:
        """End all calls, the server and the thread."""
        if self._thread.is_alive():
            self._do(self.station.stop(), START_SECONDS)
            self._end_loop()

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(START_SECONDS)
        self._loop.close()

    def __enter__(self) -> LocalCarrier:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _do(self, work: Coroutine[Any, Any, T], seconds: float) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(seconds)

    def ask(self, question: Callable[[Station], T]) -> T:
        """Run a quick function in the carrier's thread and return what it returns: the only safe way to look at its state."""

        async def answer() -> T:
            return question(self.station)

        return self._do(answer(), START_SECONDS)

    # use --------------------------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """Address of REST and control API."""
        return self.station.url

    @property
    def control_token(self) -> str:
        """Guards /control/."""
        return self.station.control_token

    def place(
        self, from_number: str, to_number: str, script: Script | str | list[Any], fields: Mapping[str, str] | None = None
    ) -> str:
        """Start a scripted call; returns its CallSid at once."""
        return self.ask(lambda station: station.call(from_number, to_number, script, fields).sid)

    def place_by_hand(self, from_number: str, to_number: str = "", *, patient: bool = False) -> str:
        """Start a call whose caller acts by `say`, `press`, `hang_up`; returns its CallSid."""

        def begin(station: Station) -> str:
            to = to_number or next(iter(station.exchange.numbers))
            return station.exchange.call_in(from_number, to, TerminalPerson(patient=patient)).sid

        return self.ask(begin)

    def wait(self, call_sid: str, seconds: float = CALL_LIMIT_SECONDS) -> CallTruth:
        """Wait until a call and its script are over; raises TimeoutError with the truth so far in its text."""

        async def over() -> CallTruth:
            leg = self._leg(call_sid)
            await leg.line.until(lambda: not leg.live, seconds)
            await asyncio.sleep(0)  # the script notices the end
            if leg.holding is not None:
                await asyncio.wait({leg.holding}, timeout=1.0)
            if leg.live:
                raise TimeoutError(f"the call goes on after {seconds:g} s: {[e.to_dict() for e in leg.line.entries[-8:]]}")
            return truth_of(leg)

        return self._do(over(), seconds + START_SECONDS)

    def call(
        self,
        from_number: str,
        to_number: str,
        script: Script | str | list[Any],
        fields: Mapping[str, str] | None = None,
        seconds: float = CALL_LIMIT_SECONDS,
    ) -> CallTruth:
        """A whole scripted call; returns its truth when it is over."""
        return self.wait(self.place(from_number, to_number, script, fields), seconds)

    def until(self, true: Callable[[Station], bool], seconds: float = 10.0) -> bool:
        """Wait until something holds in the carrier's world, looking every few milliseconds."""

        async def look() -> bool:
            deadline = self._loop.time() + seconds
            while not true(self.station):
                if self._loop.time() > deadline:
                    return False
                await asyncio.sleep(0.01)
            return True

        return self._do(look(), seconds + START_SECONDS)

    def _leg(self, call_sid: str) -> Leg:
        return self.station.exchange.legs[call_sid]

    def say(self, call_sid: str, text: str) -> bool:
        """The caller placed by hand speaks."""
        return self._do(self._handset(call_sid).say(text), START_SECONDS)

    def press(self, call_sid: str, keys: str) -> bool:
        """The caller placed by hand presses keys."""
        return self._do(self._handset(call_sid).press(keys), START_SECONDS)

    def _handset(self, call_sid: str) -> Handset:
        person = self._leg(call_sid).person
        assert isinstance(person, TerminalPerson) and person.handset is not None, "only calls placed by hand"
        return person.handset

    def text(self, from_number: str, body: str, to_number: str = "", message_id: str = "") -> str:
        """Somebody sends a text to one of our numbers; returns its id. With the id of an earlier one, that one is delivered again."""
        return self.ask(lambda station: text_in(station.exchange, from_number, to_number, body, message_id).sid)

    def fate_of_texts(self, number: str, status: str = "delivered", code: int = 0) -> None:
        """From now on texts to this outside number end so: delivered, undelivered or failed, with an error's code."""
        self.ask(lambda station: station.exchange.text_fates.__setitem__(number, (status, code)))

    def texts(self, number: str) -> list[TextMessage]:
        """Texts to and from an outside number, oldest first."""
        return self.ask(lambda station: [m for m in station.exchange.messages.values() if number in (m.from_number, m.to_number)])

    def hang_up(self, call_sid: str) -> None:
        """Whoever holds this handset puts it down."""

        def put_down(station: Station) -> None:
            leg = station.exchange.legs[call_sid]
            leg.hang_up("caller" if leg.direction == "inbound" else "callee")

        self.ask(put_down)

    def truth(self, call_sid: str) -> CallTruth:
        """The truth about one leg, so far."""
        return self.ask(lambda station: truth_of(station.exchange.legs[call_sid]))

    def truths(self) -> list[CallTruth]:
        """The truth about every leg, oldest first."""
        return self.ask(lambda station: [truth_of(leg) for leg in station.exchange.legs.values()])

    def complaints(self) -> list[Complaint]:
        """The debugger's latest complaints."""
        return self.ask(lambda station: list(station.exchange.debugger.complaints))

    def behave(self, address: str, behaviour: Any) -> None:
        """Change how an address behaves from its next call on."""
        read = read_behaviour(behaviour)
        self.ask(lambda station: station.people.behaviours.__setitem__(address, read))

    def make_trouble(self, trouble: Trouble, seed: int = 1) -> None:
        """From now on the nemesis does this."""
        self.ask(lambda station: setattr(station.exchange, "nemesis", Nemesis(trouble, seed)))

    def own_errors(self) -> list[str]:
        """Tracebacks of the carrier's own mistakes: a test that sees any has found a bug in the carrier."""
        return self.ask(lambda station: list(station.exchange.own_errors))
