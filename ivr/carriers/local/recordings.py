"""Recordings: started, paused, ended, fetchable a moment later; the audio itself is silence of the right length."""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from ivr.carriers.local.legs import Callback
from ivr.carriers.local.pace import now, rfc2822

if TYPE_CHECKING:
    from ivr.carriers.local.exchange import Exchange

PROCESSING_SECONDS = 1.0  # of the carrier's world, between the end and the file
FRAMES_PER_SECOND = 8000


@dataclass
class Recording:
    """One recording. `status`: in-progress, paused, stopped, processing, completed, absent."""

    exchange: Exchange
    sid: str
    source: str
    call_sid: str = ""
    conference_sid: str = ""
    channels: int = 1
    callback: Callback = field(default_factory=Callback)
    status: str = "in-progress"
    started_at: datetime = field(default_factory=now)
    seconds: float = 0.0
    text: str = ""  # what was said into it, for the truth
    spans: list[tuple[datetime, datetime]] = field(default_factory=list)  # what is over of what was recorded: (from, to)
    _since: datetime | None = field(default_factory=now)

    @property
    def url(self) -> str:
        """Where the media will be."""
        return f"{self.exchange.base_url}/2010-04-01/Accounts/{self.exchange.account_sid}/Recordings/{self.sid}"

    @property
    def running(self) -> bool:
        """True until it has ended."""
        return self.status in ("in-progress", "paused")

    def pause(self) -> None:
        """Stop the tape; `resume` goes on."""
        if self.status == "in-progress":
            self._count()
            self.status = "paused"

    def resume(self) -> None:
        """Go on after a pause."""
        if self.status == "paused":
            self.status, self._since = "in-progress", now()

    def _count(self) -> None:
        if self._since:
            until = now()
            self.seconds += (until - self._since).total_seconds()
            self.spans.append((self._since, until))
            self._since = None

    def holds(self, at: datetime) -> bool:
        """Whether what was heard at that moment is in the recording."""
        return any(start <= at <= end for start, end in self.spans) or (self._since is not None and self._since <= at)

    def tell(self, status: str) -> None:
        """Send the status callback where the event is subscribed."""
        if not self.callback.address or status not in self.callback.events:
            return
        fields = {
            "AccountSid": self.exchange.account_sid,
            **({"CallSid": self.call_sid} if self.call_sid else {}),
            **({"ConferenceSid": self.conference_sid} if self.conference_sid else {}),
            "RecordingSid": self.sid,
            "RecordingUrl": self.url,
            "RecordingStatus": status,
            "RecordingDuration": str(round(self.seconds)),
            "RecordingChannels": str(self.channels),
            "RecordingStartTime": rfc2822(self.started_at) or "",
            "RecordingSource": self.source,
            "RecordingTrack": "both",
            "ErrorCode": "0",
        }
        self.exchange.notify(self.callback.address, self.callback.method, fields, self.call_sid or self.conference_sid)

    def end(self, *, absent: bool = False) -> None:
        """The tape ends; the file is there a moment later."""
        if not self.running:
            return
        self._count()
        self.status = "processing"
        self.exchange.running_recordings.pop(self.sid, None)
        self.exchange.spawn(self._process(absent), f"recording {self.sid}")

    async def _process(self, absent: bool) -> None:
        await self.exchange.pace.sleep(PROCESSING_SECONDS)
        self.status = "absent" if absent else "completed"
        self.tell(self.status)

    def wav(self) -> bytes:
        """Silence of the recording's length (at most a minute of it), 8 kHz mono."""
        file = io.BytesIO()
        with wave.open(file, "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(1)
            out.setframerate(FRAMES_PER_SECOND)
            out.writeframes(b"\x80" * int(min(60.0, max(1.0, self.seconds)) * FRAMES_PER_SECOND))
        return file.getvalue()
