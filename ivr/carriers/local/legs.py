"""One leg: a call resource with its state, its line, its documents and its callbacks. Verbs act on it; they live in `verbs/`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from ivr.carriers.local.debugger import Complaint, Severity
from ivr.carriers.local.line import Entry, Kind, Line
from ivr.carriers.local.pace import now, rfc2822
from ivr.carriers.local.webhook import CookieJar

if TYPE_CHECKING:
    from ivr.carriers.local.exchange import Exchange

T = TypeVar("T")
EXTRA_RING_SECONDS = 5.0  # Twilio adds this to every ring time-out


class Status(StrEnum):
    """CallStatus."""

    QUEUED = "queued"
    RINGING = "ringing"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    BUSY = "busy"
    FAILED = "failed"
    NO_ANSWER = "no-answer"
    CANCELED = "canceled"


LIVE = frozenset({Status.QUEUED, Status.RINGING, Status.IN_PROGRESS})


@dataclass(frozen=True)
class Request:
    """Where a document comes from: an address, or TwiML given in place (`twiml`)."""

    address: str = ""
    method: str = "POST"
    fields: Mapping[str, str] = field(default_factory=dict)
    twiml: str = ""


@dataclass(frozen=True)
class Callback:
    """Where status callbacks go, and which events."""

    address: str = ""
    method: str = "POST"
    events: frozenset[str] = frozenset({"completed"})


class HungUp(Exception):
    """The leg has ended while a verb was at work."""


class TakenOver(Exception):
    """A REST request gives the leg another document while a verb was at work."""

    def __init__(self, request: Request) -> None:
        super().__init__(request.address or "TwiML given in place")
        self.request = request


class Person(Protocol):
    """Whoever holds the handset of a leg: a script, a rule, somebody at a terminal."""

    name: str
    patient: bool
    nature: str  # what machine detection would find: human, machine_start, fax

    async def hold(self, leg: Leg) -> None:
        """Live through the call; returns when there is nothing more to do."""


class Leg:
    """A call resource. `direction` is inbound, outbound-api or outbound-dial."""

    def __init__(
        self,
        exchange: Exchange,
        *,
        direction: str,
        from_number: str,
        to_number: str,
        person: Person,
        parent: Leg | None = None,
        callback: Callback | None = None,
        fallback: Request | None = None,
        extra_fields: Mapping[str, str] | None = None,
    ) -> None:
        self.exchange = exchange
        self.sid = exchange.new_sid("CA")
        self.direction = direction
        self.from_number, self.to_number = from_number, to_number
        self.person = person
        self.parent = parent
        self.callback = callback or Callback()
        self.fallback = fallback
        self.extra_fields = dict(extra_fields or {})
        self.status = Status.QUEUED
        self.created_at = now()
        self.updated_at = self.created_at
        self.answered_at: datetime | None = None
        self.ended_at: datetime | None = None
        self.ended_by = ""  # caller, callee, service, api, carrier
        self.answered_by = ""  # machine detection's verdict
        self.detects_machines = False
        self.time_limit_seconds: float | None = None  # of the carrier's world, from the answer on
        self.holding: asyncio.Task[Any] | None = None  # the person at work
        self.queue_seconds = 0.0
        self.application_error = False
        self.line = Line(person.name)
        self.line.patient = person.patient
        self.cookies = CookieJar()
        self.picked: asyncio.Future[str] = exchange.loop.create_future()
        self.interruption: HungUp | TakenOver | None = None
        self.steered = False  # a task of its own runs its documents
        self._interrupted = asyncio.Event()
        self._sequence = 0
        self._ringing: Entry | None = None

    # state ------------------------------------------------------------------------------------------------------

    @property
    def live(self) -> bool:
        """True until the leg has ended."""
        return self.status in LIVE

    @property
    def talk_seconds(self) -> int:
        """Duration since the answer, whole wall-clock seconds; 0 where it was never answered."""
        return round(((self.ended_at or now()) - self.answered_at).total_seconds()) if self.answered_at else 0

    def ring(self) -> None:
        """Ringing begins: the person may pick up, or (as a caller) hears ringing."""
        self._set(Status.RINGING)
        self._ringing = self.line.note(Kind.RINGING, lasting=True)
        self.holding = self.exchange.spawn(self._hold(), f"person of {self.sid}")
        self.progress("ringing")

    async def _hold(self) -> None:
        try:
            await self.person.hold(self)
        except HungUp:
            return

    def answer(self) -> None:
        """The leg is answered (by the service for inbound legs, by the person for outbound ones)."""
        if self.status is not Status.RINGING:
            return
        self.answered_at = now()
        self._set(Status.IN_PROGRESS)
        if self._ringing:
            self._ringing.close()
        self.line.note(Kind.ANSWERED)
        if self.detects_machines:
            self.answered_by = self.extra_fields["AnsweredBy"] = self.person.nature
        if self.time_limit_seconds is not None:
            self.spawn(self._run_out(self.time_limit_seconds), "time limit")
        self.progress("answered")

    async def _run_out(self, seconds: float) -> None:
        if not await self.line.until(lambda: not self.live, self.exchange.pace.real_seconds(seconds)):
            self.end(Status.COMPLETED, "carrier")

    def pick_up(self, outcome: str = "answered") -> None:
        """The person decides: answered, busy, no-answer or failed."""
        if not self.picked.done():
            self.picked.set_result(outcome)

    async def picked_up(self, ring_seconds: float) -> bool:
        """Wait for the person's decision; ends the leg where it is not answered in time."""
        limit = self.exchange.pace.real_seconds(ring_seconds + EXTRA_RING_SECONDS)
        try:
            async with asyncio.timeout(limit):
                outcome = await asyncio.shield(self.picked)
        except TimeoutError:
            outcome = "no-answer"
        if outcome == "answered" and self.live:
            self.answer()
            return True
        self.end(
            {"busy": Status.BUSY, "failed": Status.FAILED, "canceled": Status.CANCELED}.get(outcome, Status.NO_ANSWER), "callee"
        )
        return False

    def hang_up(self, by: str) -> None:
        """End the leg with the status that fits its state: an unanswered one that its own person does not end is canceled."""
        if self.status is Status.IN_PROGRESS:
            self.end(Status.COMPLETED, by)
        elif self.direction == "inbound" or by == "callee":
            self.end(Status.NO_ANSWER, by)
        else:
            self.end(Status.CANCELED, by)

    def end(self, status: Status, by: str) -> None:
        """The leg is over: everybody who waits for it learns it, and the callback goes out. Later calls do nothing."""
        if not self.live:
            return
        self.ended_at = now()
        self.ended_by = by
        self._set(status)
        self.line.note(Kind.ENDED, status.value, who=by)
        self.line.end()
        self.pick_up("canceled")
        self.interruption = HungUp()
        self._interrupted.set()
        self.progress("completed")
        self.exchange.leg_ended(self)

    def take_over(self, request: Request) -> None:
        """Give the leg another document: what it does now is broken off."""
        if self.live:
            self.interruption = TakenOver(request)
            self._interrupted.set()

    def resume(self) -> None:
        """The take-over has been noticed; go on."""
        if isinstance(self.interruption, TakenOver):
            self.interruption = None
            self._interrupted.clear()

    async def interrupted(self) -> None:
        """Returns when the leg is ended or taken over."""
        await self._interrupted.wait()

    async def attend(self, work: Awaitable[T]) -> T:
        """Do `work` unless the leg is ended (HungUp) or taken over (TakenOver) meanwhile; then the work is cancelled."""
        task: asyncio.Future[T] = asyncio.ensure_future(work)
        watch: asyncio.Future[Any] = asyncio.ensure_future(self._interrupted.wait())
        waits: set[asyncio.Future[Any]] = {task, watch}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            if self.interruption is not None:
                raise self.interruption
            return task.result()
        finally:
            watch.cancel()
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
            elif not task.cancelled():
                task.exception()  # seen: an interruption goes first

    async def rest(self, seconds: float) -> None:
        """Let seconds of the carrier's world pass, unless interrupted."""
        await self.attend(self.exchange.pace.sleep(seconds))

    def _set(self, status: Status) -> None:
        self.status = status
        self.updated_at = now()
        self.line.ring_bell()

    # callbacks --------------------------------------------------------------------------------------------------

    def fields(self, **extra: str) -> dict[str, str]:
        """The standard fields of every voice webhook, and `extra`."""
        geography = {
            f"{side}{part}": "" for side in ("From", "To", "Caller", "Called") for part in ("City", "State", "Zip", "Country")
        }
        return {
            "AccountSid": self.exchange.account_sid,
            "ApiVersion": "2010-04-01",
            "CallSid": self.sid,
            "CallStatus": self.status.value,
            "Direction": self.direction,
            "From": self.from_number,
            "To": self.to_number,
            "Caller": self.from_number,
            "Called": self.to_number,
            **geography,
            **({"ParentCallSid": self.parent.sid} if self.parent else {}),
            **self.extra_fields,
            **extra,
        }

    def progress(self, event: str) -> None:
        """Send a call progress event where it is subscribed to; the sequence number counts the subscribed ones from 0."""
        if event not in self.callback.events or not self.callback.address:
            return
        extra = {
            "Timestamp": rfc2822(now()) or "",
            "CallbackSource": "call-progress-events",
            "SequenceNumber": str(self._sequence),
        }
        self._sequence += 1
        if event == "completed":
            extra |= {"CallDuration": str(self.talk_seconds), "Duration": str(-(-self.talk_seconds // 60))}
        self.exchange.notify(self.callback.address, self.callback.method, self.fields(**extra), self.sid)

    def farewell(self, address: str, method: str, fields: Mapping[str, str]) -> None:
        """Request an action whose answer is ignored: the leg has gone on without waiting for it."""
        if address:
            self.exchange.notify(address, method, self.fields(**fields), self.sid, what="action")

    def complain(self, code: int, message: str, severity: Severity = Severity.WARNING, url: str = "") -> None:
        """Write to the debugger and the timeline."""
        self.exchange.debugger.add(Complaint(code, message, severity, self.sid, url))
        self.line.note(Kind.PROBLEM, message, code=code, severity=severity.value)

    def spawn(self, work: Coroutine[Any, Any, Any], what: str) -> asyncio.Task[Any]:
        """Run something of this leg beside its documents."""
        return self.exchange.spawn(work, f"{what} of {self.sid}")
