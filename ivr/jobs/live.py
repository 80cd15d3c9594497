"""The world of a live call: what the engine asks of the outside is answered from real connectors, queues, models and the clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import redis
import structlog

from ivr.call import Caller, Session
from ivr.errors import IvrError, StoreUnavailable
from ivr.house import House
from ivr.language.bundle import Bundle
from ivr.numbers import takes_texts
from ivr.records.repeats import repeat_of
from ivr.records.text_reach import wants_none
from ivr.world import Answer, LookUp, Promised, QueueNow, Slot, Understanding
from routing.callbacks import CallbackState
from routing.model import RoutingError

if TYPE_CHECKING:
    from ivr.jobs.wiring import Line

log = structlog.get_logger()


@dataclass(frozen=True)
class Live:
    """A published revision, ready to take calls."""

    line: Line
    bundle: Bundle
    revision: str

    def entry_for(self, number: str) -> tuple[str, str | None]:
        """The flow that a dialled number starts, and the language it speaks first."""
        entry = self.line.configuration.numbers.lines.get(number)
        name = entry.flow if entry else self.line.settings.main_flow
        return (name if name in self.bundle.flows else next(iter(self.bundle.flows))), (entry.language if entry else None)

    def world(self, seconds: float = 4.0) -> LiveWorld:
        """What one turn may ask of the outside, and how long it may wait for all of it together."""
        return LiveWorld(self.line, seconds)


class LiveWorld:
    """See `ivr.world.World`. One is made for each turn: `now` stands still during it, and its look-ups share `seconds`."""

    def __init__(self, line: Line, seconds: float) -> None:
        self._line = line
        self._now = line.now()
        self._until = time.monotonic() + seconds

    @property
    def now(self) -> datetime:
        return self._now

    @property
    def house(self) -> House:
        return self._line.house

    def local(self, moment: datetime) -> datetime:
        return moment.astimezone(ZoneInfo(self._line.configuration.timezone))

    def facts_of(self, caller: Caller, wanted: tuple[str, ...], within_seconds: float) -> dict[str, LookUp]:
        built_in = {"caller", "today"}
        found = self._line.connectors.facts_of(caller, tuple(name for name in wanted if name not in built_in), within_seconds)
        if "caller" in wanted:
            customer = found.get("customer")
            repeat = self._quietly(lambda: self._repeat(caller, customer.fields.get("id") if customer else None))
            promise = self._promise(caller)
            found["caller"] = LookUp("found", {**repeat.fields, **promise}) if promise else repeat
        if "today" in wanted:
            found["today"] = LookUp("found", self._line.today(self._now))
        return found

    def _repeat(self, caller: Caller, customer_id: str | None) -> LookUp:
        if not caller.known_number and not customer_id:
            return LookUp("not_found")
        repeat = repeat_of(self._line.store, customer_id, caller.number if caller.known_number else None, self._now)
        if repeat is None:
            return LookUp("found", {"repeat": False})
        fields: dict[str, Any] = {
            "repeat": True,
            "last_reason": repeat.intent,
            "last_agent": repeat.agent,
            "unresolved": repeat.unresolved,
        }
        return LookUp("found", {name: value for name, value in fields.items() if value is not None})

    def _promise(self, caller: Caller) -> dict[str, Any]:
        promised = self.promised(caller)
        if promised is None or promised.ringing:
            return {}
        return {"callback_promised": True} | ({"callback_at": f"{self.local(promised.at):%H:%M}"} if promised.at else {})

    def promised(self, caller: Caller) -> Promised | None:
        number = self.reachable_number(caller, "callback")
        try:
            found = self._line.promises.owed(number) if number else None
        except redis.exceptions.RedisError as error:
            log.warning("promised callbacks not known", error=str(error))
            return None
        if found is None:
            return None
        at = datetime.fromtimestamp(found.at, UTC) if found.at else None
        return Promised(found.callback_id, found.queue, at, ringing=found.state is CallbackState.DIALLING)

    def look_up(self, connector: str, arguments: dict[str, Any], within_seconds: float) -> LookUp:
        left = self._until - time.monotonic()
        if left <= 0:
            return LookUp("failed", error="no time left in this turn")
        return self._line.connectors.look_up(connector, arguments, min(within_seconds, left))

    def number_of(self, entry: str) -> str | None:
        found = self._line.configuration.numbers.directory.get(entry)
        return found.number if found else None

    def reachable_number(self, caller: Caller, purpose: str) -> str | None:
        allowed = self._line.ringable(caller, caller.number or "")
        return None if allowed is None or (purpose == "text" and not self._takes_texts(allowed)) else allowed

    def _takes_texts(self, number: str) -> bool:
        try:
            return takes_texts(number) and not wants_none(self._line.store, number)
        except StoreUnavailable as error:  # looked up again before anything is sent
            log.warning("not known who wants no texts", error=str(error))
            return True

    def check_secret(self, session: Session, method: str, value: str) -> tuple[bool, int]:
        try:
            return self._line.identification.check(session, method, value, self._now)
        except IvrError as error:
            # Without the counter of tries nobody can be identified safely.
            log.warning("identification not possible", error=str(error))
            return False, 0

    def understand(self, text: str, language: str, intents: tuple[str, ...]) -> Understanding:
        recogniser = self._line.recogniser()
        return recogniser.understand(text, language, intents) if recogniser else Understanding(text, out_of_scope=True)

    def read_slot(self, kind: str, text: str, language: str, length: int | None, known: tuple[str, ...]) -> Slot | None:
        from ivr.intents.slots import read_slot  # takes a second: only where speech is understood

        today = self.local(self._now).date()
        return read_slot(kind, text, language, length, known, today=today, house=self._line.settings.config_dir)

    def queue(self, name: str, needs: dict[str, int]) -> QueueNow:
        try:
            return self._line.outlook.queue_now(name, needs)
        except (RoutingError, IvrError, OSError) as error:
            log.warning("queue not known", queue=name, error=str(error))
            return QueueNow()

    def answer(self, text: str, language: str) -> Answer | None:
        return self._line.answers.find(text, language) if self._line.answers else None

    def _quietly(self, what: Callable[[], LookUp]) -> LookUp:
        """A fact that is welcome but not needed: without the database the call goes on."""
        try:
            return what()
        except IvrError as error:
            return LookUp("failed", error=str(error))
