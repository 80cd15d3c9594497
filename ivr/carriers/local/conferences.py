"""Rooms in which legs talk: start and end, mute, hold, coaching, announcements, events."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ivr.carriers.local.execution import DocumentFailed, Execution, LeftQueue
from ivr.carriers.local.legs import Callback, HungUp, Leg, Request, TakenOver
from ivr.carriers.local.line import Entry, Kind, Line
from ivr.carriers.local.pace import now, rfc2822

if TYPE_CHECKING:
    from ivr.carriers.local.exchange import Exchange

MUSIC_VERBS = frozenset({"Play", "Say", "Pause", "Redirect"})
BEEP_SECONDS = 0.3
INSTANT_SECONDS = 0.05  # a wait document that is over sooner would be requested in a storm
STORM_BRAKE_SECONDS = 0.5


@dataclass(frozen=True)
class Joining:
    """How a leg takes part. `wait`: None is the carrier's music, a Request without address is silence."""

    starts: bool = True
    ends: bool = False
    muted: bool = False
    beep: str = "true"
    label: str = ""
    coach_sid: str = ""
    wait: Request | None = None
    most: int = 250
    callback: Callback = field(default_factory=lambda: Callback(events=frozenset()))


@dataclass
class Participant:
    """A leg in a room. `left` becomes the reason once it is out."""

    leg: Leg
    joining: Joining
    left: asyncio.Future[str]
    muted: bool = False
    hold: Request | None = None  # what a held participant hears; None: not on hold
    coach_sid: str = ""
    joined_at: datetime = field(default_factory=now)
    music: asyncio.Task[Any] | None = None
    music_for: str = ""
    talk: Entry | None = None
    announcing: bool = False


async def play_round(leg: Leg, request: Request, *, verbs: frozenset[str] = MUSIC_VERBS, code: int = 13238) -> None:
    """Play a document once (its own empty <Redirect> may loop it)."""
    try:
        await Execution(leg, allowed=verbs, nesting_code=code).run(request)
    except DocumentFailed as failure:
        leg.complain(failure.code, str(failure), url=failure.address)
    except (HungUp, TakenOver, LeftQueue):
        return


async def carrier_music(leg: Leg) -> None:
    """The carrier's own music, until cancelled."""
    entry = leg.line.note(Kind.MUSIC, "hold music", lasting=True)
    try:
        await asyncio.Event().wait()
    finally:
        leg.line.close(entry)


class Conference:
    """One room, from its first participant to its last."""

    def __init__(self, exchange: Exchange, name: str) -> None:
        self.exchange = exchange
        self.name = name
        self.sid = exchange.new_sid("CF")
        self.status = "init"
        self.created_at = self.updated_at = now()
        self.participants: dict[str, Participant] = {}
        self.callback: Callback | None = None  # the first participant's
        self.reason_ended = ""
        self.ended_by_sid = ""
        self._sequence = 0

    @property
    def live(self) -> bool:
        """True until it has ended."""
        return self.status != "completed"

    # who takes part ---------------------------------------------------------------------------------------------

    def join(self, leg: Leg, joining: Joining) -> Participant:
        """A leg comes in; the room starts with the second one, where one of them starts it."""
        if self.callback is None:
            self.callback = joining.callback
        participant = Participant(leg, joining, self.exchange.loop.create_future(), joining.muted, coach_sid=joining.coach_sid)
        self.participants[leg.sid] = participant
        leg.line.connect(self)
        leg.line.note(Kind.JOINED, self.name, conference_sid=self.sid)
        if joining.beep in ("true", "onEnter"):
            self._beep(participant)
        if self.status == "init" and len(self.participants) > 1 and any(p.joining.starts for p in self.participants.values()):
            self._set("in-progress")
            self.tell("start")
        self.tell("join", participant)
        self._settle()
        return participant

    def leave(self, leg: Leg, reason: str = "participant_hung_up") -> None:
        """A leg goes out; the room ends with it where it was its moderator or the last one."""
        participant = self.participants.pop(leg.sid, None)
        if participant is None:
            return
        self._quiet(participant)
        if not participant.left.done():
            participant.left.set_result(reason)
        leg.line.connect(None)
        leg.line.note(Kind.LEFT, self.name, reason=reason)
        self.tell("leave", participant, ParticipantCallStatus=leg.status.value, ReasonParticipantLeft=reason)
        if not self.live:
            return
        kicked = "kicked" if reason == "participant_updated_via_api" else "left"
        if participant.joining.ends:
            self.end(f"participant-with-end-conference-on-exit-{kicked}", leg.sid)
        elif not self.participants:
            self.end(f"last-participant-{kicked}", leg.sid)
        else:
            if participant.joining.beep in ("true", "onExit"):
                self._beep(participant)
            self._settle()

    def end(self, reason: str, by_sid: str = "") -> None:
        """The room ends; everybody still in it goes on with what follows in their documents."""
        if not self.live:
            return
        self._set("completed")
        self.reason_ended, self.ended_by_sid = reason, by_sid
        why = "conference_ended_via_api" if reason == "conference-ended-via-api" else "moderator_ended_conference"
        for participant in list(self.participants.values()):
            self.leave(participant.leg, why)
        self.exchange.room_ended(self)
        for recording in list(self.exchange.running_recordings.values()):
            if recording.conference_sid == self.sid:
                recording.end()
        self.tell("end", ReasonConferenceEnded=reason, CallSidEndingConference=by_sid)

    # what participants hear -------------------------------------------------------------------------------------

    def hearers(self, line: Line) -> list[Line]:
        """Who hears `line`: nobody before the start; a coach is heard by the coached one only."""
        speaker = next((p for p in self.participants.values() if p.leg.line is line), None)
        if speaker is None or self.status != "in-progress" or speaker.muted or speaker.hold:
            return []
        return [
            p.leg.line
            for p in self.participants.values()
            if p is not speaker and not p.hold and (not speaker.coach_sid or p.leg.sid == speaker.coach_sid)
        ]

    def mute(self, participant: Participant, muted: bool) -> None:
        """Mute or unmute."""
        if participant.muted != muted:
            participant.muted = muted
            self.tell("mute" if muted else "unmute", participant)
            self._settle()

    def set_hold(self, participant: Participant, hold: Request | None) -> None:
        """Hold with what is heard meanwhile, or take back."""
        changed = (participant.hold is None) != (hold is None)
        participant.hold = hold
        if changed:
            participant.leg.line.note(Kind.HELD, "held" if hold else "taken back")
            self.tell("hold" if hold else "unhold", participant)
        self._settle()

    def modify(self, participant: Participant, *, ends: bool | None = None, coach_sid: str | None = None) -> None:
        """Change whether the room ends with a participant, or whom it coaches ("" nobody)."""
        if ends is not None:
            participant.joining = replace(participant.joining, ends=ends)
        if coach_sid is not None:
            participant.coach_sid = coach_sid
        self.tell("modify", participant)
        self._settle()

    def announce(self, participants: list[Participant], request: Request) -> None:
        """Play a document once to some; they hear nothing else meanwhile."""
        for participant in participants:
            self.exchange.spawn(self._announce(participant, request), f"announcement in {self.sid}")

    async def _announce(self, participant: Participant, request: Request) -> None:
        participant.announcing = True
        self._settle()
        await play_round(participant.leg, request)
        participant.announcing = False
        if participant.leg.sid in self.participants:
            self.tell("announcement-end", participant, AnnounceUrl=request.address)
            self._settle()

    def _settle(self) -> None:
        """Bring music and talk of everybody in line with the state."""
        for participant in self.participants.values():
            together = self.status == "in-progress" and not participant.hold
            company = together and any(not p.hold for p in self.participants.values() if p is not participant)
            if company and participant.talk is None:
                participant.talk = participant.leg.line.note(Kind.TALK, self.name, lasting=True)
            elif not company and participant.talk is not None:
                participant.leg.line.close(participant.talk)
                participant.talk = None
            wanted = "announcement" if participant.announcing else "hold" if participant.hold else "" if together else "wait"
            if wanted != participant.music_for:
                self._quiet(participant)
                participant.music_for = wanted
                if wanted in ("hold", "wait"):
                    participant.music = self.exchange.spawn(self._music(participant, wanted), f"{wanted} music in {self.sid}")
            participant.leg.line.ring_bell()

    def _music(self, participant: Participant, wanted: str) -> Coroutine[Any, Any, None]:
        request = participant.hold if wanted == "hold" else participant.joining.wait
        if request is None or (wanted == "hold" and not request.address):
            return carrier_music(participant.leg)
        return self._repeat(participant, request, wanted)

    async def _repeat(self, participant: Participant, request: Request, wanted: str) -> None:
        if not request.address:
            return
        while True:
            started = self.exchange.loop.time()
            try:
                await Execution(participant.leg, allowed=MUSIC_VERBS, nesting_code=13238).run(request)
            except DocumentFailed as failure:
                participant.leg.complain(failure.code, str(failure), url=failure.address)
                if wanted == "wait" and not participant.left.done():
                    participant.left.set_result("participant_add_failed")
                return
            except (HungUp, TakenOver, LeftQueue):
                return
            if wanted == "wait":  # played once; a document that shall loop ends in an empty <Redirect/>
                return
            if self.exchange.loop.time() - started < INSTANT_SECONDS:
                await asyncio.sleep(STORM_BRAKE_SECONDS)

    def _quiet(self, participant: Participant) -> None:
        if participant.music is not None:
            participant.music.cancel()
            participant.music = None
        participant.music_for = ""
        if participant.talk is not None and participant.leg.sid not in self.participants:
            participant.leg.line.close(participant.talk)
            participant.talk = None

    def _beep(self, about: Participant) -> None:
        for participant in self.participants.values():
            if participant is not about:
                participant.leg.line.note(Kind.TONE, "beep").seconds = self.exchange.pace.real_seconds(BEEP_SECONDS)

    # events -----------------------------------------------------------------------------------------------------

    def _set(self, status: str) -> None:
        self.status = status
        self.updated_at = now()

    def tell(self, event: str, participant: Participant | None = None, **extra: str) -> None:
        """Send a conference event where the first participant subscribed to it. No From or To here."""
        family = {"unmute": "mute", "unhold": "hold", "announcement-end": "announcement"}.get(event, event)
        if self.callback is None or not self.callback.address or family not in self.callback.events:
            return
        self._sequence += 1
        fields = {
            "AccountSid": self.exchange.account_sid,
            "ConferenceSid": self.sid,
            "FriendlyName": self.name,
            "SequenceNumber": str(self._sequence),
            "Timestamp": rfc2822(now()) or "",
            "StatusCallbackEvent": event
            if event == "announcement-end"
            else f"conference-{event}"
            if event in ("start", "end")
            else f"participant-{event}",
            **{name: value for name, value in extra.items() if value},
        }
        if participant is not None:
            fields |= {
                "CallSid": participant.leg.sid,
                "Muted": str(participant.muted).lower(),
                "Hold": str(participant.hold is not None).lower(),
                "Coaching": str(bool(participant.coach_sid)).lower(),
                "EndConferenceOnExit": str(participant.joining.ends).lower(),
                "StartConferenceOnEnter": str(participant.joining.starts).lower(),
                **({"ParticipantLabel": participant.joining.label} if participant.joining.label else {}),
                **({"CallSidToCoach": participant.coach_sid} if participant.coach_sid else {}),
            }
        self.exchange.notify(self.callback.address, self.callback.method, fields, self.sid)
