"""The carrier's world: legs, numbers, rooms, queues, recordings, messages, and the tasks that keep them going."""

from __future__ import annotations

import asyncio
import random
import secrets
import traceback
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ivr.carriers.local.conferences import Conference
from ivr.carriers.local.debugger import Complaint, Debugger, Severity
from ivr.carriers.local.execution import steer
from ivr.carriers.local.legs import Callback, Leg, Person, Request, Status
from ivr.carriers.local.line import Kind
from ivr.carriers.local.nemesis import Nemesis
from ivr.carriers.local.pace import Pace, now
from ivr.carriers.local.queueing import Queue
from ivr.carriers.local.recognition import Recognition
from ivr.carriers.local.recordings import Recording
from ivr.carriers.local.webhook import FetchFailed, WebhookClient

LEGS_KEPT = 20_000  # ended legs are forgotten beyond this, oldest first


@dataclass(frozen=True)
class Number:
    """A number of the account, and where its calls go. Addresses may carry connection overrides in their fragment."""

    number: str
    voice_url: str
    voice_method: str = "POST"
    fallback_url: str = ""
    status_callback: str = ""
    sms_url: str = ""  # "": texts to this number are lost
    sms_method: str = "POST"


@dataclass(frozen=True)
class Switches:
    """Points on which Twilio's papers are silent or differ: a robust service depends on none."""

    empty_gather_fields: bool = True  # with actionOnEmptyResult: fields present and empty, or absent
    silent_record_action: bool = True  # a recording in which nothing was said requests its action, or the next verb runs
    unanswered_dial_status: str = "no-answer"  # when the caller leaves while it rings: no-answer or canceled


@dataclass
class TextMessage:
    """A text message: sent by the service over REST, as an answer to a webhook, or to the service from outside."""

    sid: str
    from_number: str
    to_number: str
    body: str
    status: str = "queued"
    at: datetime = field(default_factory=now)
    direction: str = "outbound-api"  # or outbound-reply, inbound
    error_code: int = 0  # why it did not arrive


@dataclass
class Exchange:
    """All state. Lives in one event loop; nothing here is safe to touch from another thread."""

    account_sid: str
    auth_token: str
    pace: Pace = field(default_factory=Pace)
    seed: int = 1
    recognition: Recognition = field(default_factory=Recognition)
    switches: Switches = field(default_factory=Switches)
    base_url: str = ""  # this carrier's own address, known when it listens
    owned: set[str] = field(default_factory=set)  # further numbers that may be shown as caller id

    def __post_init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.chance = random.Random(self.seed)
        self.debugger = Debugger()
        self.nemesis = Nemesis(seed=self.seed)
        self.webhooks = WebhookClient(self.auth_token)
        self.numbers: dict[str, Number] = {}
        self.legs: dict[str, Leg] = {}
        self.conferences: dict[str, Conference] = {}  # by sid
        self._rooms: dict[str, Conference] = {}  # those in progress, by name
        self.queues: dict[str, Queue] = {}  # by sid
        self.recordings: dict[str, Recording] = {}
        self.running_recordings: dict[str, Recording] = {}
        self.messages: dict[str, TextMessage] = {}
        self.unsubscribed: set[tuple[str, str]] = set()  # (ours, theirs): texts to who wrote STOP are blocked
        self.text_fates: dict[str, tuple[str, int]] = {}  # last status and error of texts to an outside number
        self.recording_lengths: dict[str, float] = {}  # seconds by address of a played recording
        self.own_errors: list[str] = []  # tracebacks of this program: always empty, tests look
        self.find_person: Callable[[str], Person] = _nobody
        self._tasks: set[asyncio.Task[Any]] = set()
        self._last_callback: dict[str, asyncio.Task[Any]] = {}

    def new_sid(self, prefix: str) -> str:
        """A new resource name: two letters and 32 hex digits. Never from the seed: a carrier gives no name twice, not even after a
        restart, and a service rightly takes a known name for a known call."""
        return f"{prefix}{secrets.token_hex(16)}"

    def spawn(self, work: Coroutine[Any, Any, Any], what: str) -> asyncio.Task[Any]:
        """Run `work` in the background; an error of our own is kept in `own_errors`."""
        task = self.loop.create_task(work, name=what)
        self._tasks.add(task)
        task.add_done_callback(self._task_done)
        return task

    def _task_done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self.own_errors.append(f"{task.get_name()}: {''.join(traceback.format_exception(error))}")

    async def close(self) -> None:
        """End every call and wait for what is going on."""
        for leg in list(self.legs.values()):
            leg.end(Status.COMPLETED, "carrier")
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.webhooks.close()

    # calls ------------------------------------------------------------------------------------------------------

    def add_leg(self, leg: Leg) -> Leg:
        """Keep a leg; forgets the oldest ended ones beyond LEGS_KEPT."""
        self.legs[leg.sid] = leg
        if len(self.legs) > LEGS_KEPT:
            for old in [sid for sid, kept in self.legs.items() if not kept.live][: LEGS_KEPT // 10]:
                del self.legs[old]
                self.debugger.forget(old)
        return leg

    def call_in(self, from_number: str, to_number: str, person: Person, extra_fields: Mapping[str, str] | None = None) -> Leg:
        """A call from outside to one of our numbers; a number that nobody owns fails at once."""
        number = self.numbers.get(to_number)
        leg = Leg(
            self,
            direction="inbound",
            from_number=from_number,
            to_number=to_number,
            person=person,
            callback=Callback(number.status_callback) if number else None,
            fallback=Request(number.fallback_url) if number and number.fallback_url else None,
            extra_fields=extra_fields,
        )
        self.add_leg(leg)
        leg.ring()
        if number is None:
            leg.end(Status.FAILED, "carrier")
        else:
            leg.steered = True
            leg.spawn(steer(leg, Request(number.voice_url, number.voice_method)), "documents")
        return leg

    def call_out(
        self,
        to_number: str,
        from_number: str,
        *,
        direction: str = "outbound-api",
        parent: Leg | None = None,
        callback: Callback | None = None,
        fallback: Request | None = None,
        extra_fields: Mapping[str, str] | None = None,
    ) -> Leg:
        """A call to an address outside. It is queued: the caller of this method lets it ring."""
        leg = Leg(
            self,
            direction=direction,
            from_number=from_number,
            to_number=to_number,
            person=self.find_person(to_number),
            parent=parent,
            callback=callback,
            fallback=fallback,
            extra_fields=extra_fields,
        )
        self.add_leg(leg)
        leg.progress("initiated")
        return leg

    def may_show(self, number: str) -> bool:
        """True where `number` is the account's own, so that it may be shown as the caller's."""
        return number in self.numbers or number in self.owned

    def leg_ended(self, leg: Leg) -> None:
        """Forget what only a live leg needs."""
        self._last_callback.pop(leg.sid, None)
        for recording in list(self.running_recordings.values()):
            if recording.call_sid == leg.sid:
                recording.end()

    # rooms and queues -------------------------------------------------------------------------------------------

    def room(self, name_or_sid: str, *, make: bool = True) -> Conference | None:
        """The conference in progress with this name or sid; a new one where there is none and `make`."""
        known = self.conferences.get(name_or_sid)
        if known:
            return known
        open_one = self._rooms.get(name_or_sid)
        if open_one and open_one.live:
            return open_one
        if not make:
            return None
        conference = Conference(self, name_or_sid)
        self.conferences[conference.sid] = self._rooms[conference.name] = conference
        return conference

    def room_ended(self, conference: Conference) -> None:
        """The name is free again."""
        if self._rooms.get(conference.name) is conference:
            del self._rooms[conference.name]

    def queue(self, name_or_sid: str, *, make: bool = True) -> Queue | None:
        """The queue with this name or sid; a new one where there is none and `make`."""
        for queue in self.queues.values():
            if name_or_sid in (queue.sid, queue.name):
                return queue
        if not make:
            return None
        queue = Queue(self, name_or_sid)
        self.queues[queue.sid] = queue
        return queue

    def start_recording(
        self, leg: Leg | None, source: str, *, channels: int = 1, callback: Callback | None = None, conference_sid: str = ""
    ) -> Recording:
        """Start a recording of a leg or a conference; ends with it at the latest."""
        recording = Recording(
            self,
            self.new_sid("RE"),
            source,
            leg.sid if leg else "",
            conference_sid,
            channels,
            callback or Callback(events=frozenset({"completed"})),
        )
        self.recordings[recording.sid] = self.running_recordings[recording.sid] = recording
        recording.tell("in-progress")
        return recording

    # callbacks --------------------------------------------------------------------------------------------------

    def notify(self, address: str, method: str, fields: Mapping[str, str], about: str, *, what: str = "status") -> None:
        """Send an asynchronous callback. Those of one leg go one after another, unless the nemesis meddles."""
        for delivery in self.nemesis.callback_plan(what):
            before = None if delivery.out_of_order else self._last_callback.get(about)
            task = self.spawn(
                self._deliver(address, method, dict(fields), about, what, before, delivery.delay_seconds),
                f"{what} callback of {about}",
            )
            if not delivery.out_of_order:
                self._last_callback[about] = task

    async def _deliver(
        self,
        address: str,
        method: str,
        fields: dict[str, str],
        about: str,
        what: str,
        before: asyncio.Task[Any] | None,
        delay_seconds: float,
    ) -> None:
        if before is not None and not before.done():
            await asyncio.wait({before})
        if delay_seconds:
            await asyncio.sleep(delay_seconds)
        leg = self.legs.get(about)
        try:
            answer = await self.webhooks.send(address, method, fields, leg.cookies if leg else None)
        except FetchFailed as failure:
            self.debugger.add(Complaint(failure.code, str(failure), Severity.WARNING, about, address))
            if leg:
                leg.line.note(Kind.PROBLEM, str(failure), code=failure.code, severity="warning")
            return
        if leg:
            leg.line.note(Kind.REQUEST, address, what=what, http_status=answer.status, took_seconds=round(answer.seconds, 4))
        media_type = answer.content_type.partition(";")[0]
        if answer.body and what == "status" and media_type not in ("text/xml", "application/xml"):
            self.debugger.add(
                Complaint(
                    12300, f"a status callback was answered with {media_type or 'no type'}", Severity.WARNING, about, address
                )
            )
        if len(answer.body) > 64 * 1024:
            self.debugger.add(
                Complaint(11750, "a status callback was answered with more than 64 kB", Severity.WARNING, about, address)
            )


class _Nobody:
    name = "nobody"
    patient = False
    nature = "human"

    async def hold(self, leg: Leg) -> None:
        """An address that nobody has: the call fails."""
        leg.pick_up("failed")


def _nobody(address: str) -> Person:
    return _Nobody()
