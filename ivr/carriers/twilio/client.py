"""Placing, redirecting and ending calls through the carrier's REST API, with time limits, and never dialling twice."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from ivr.errors import CarrierRefused, CarrierSilent
from ivr.texts import TextNews

MOST_LISTED = 3000
_ENDED = 21220  # "call is not in-progress": the leg is over, which is what was wanted


class _Elsewhere(TwilioHttpClient):
    """Sends every product's requests to another base address (a local or regional carrier)."""

    def __init__(self, base_url: str | None, seconds: float) -> None:
        super().__init__(timeout=seconds)
        self._base = urlsplit(base_url) if base_url else None

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        if self._base:
            asked = urlsplit(url)
            url = urlunsplit((self._base.scheme, self._base.netloc, self._base.path.rstrip("/") + asked.path, asked.query, ""))
        return super().request(method, url, *args, **kwargs)


@dataclass(frozen=True)
class PastCall:
    """A call that is over, as the carrier lists it."""

    call_id: str
    direction: str  # inbound, outbound-api, …
    from_number: str
    to_number: str
    status: str
    began_at: datetime
    ended_at: datetime
    seconds: float | None


@dataclass(frozen=True)
class Webhook:
    """Where something of a number is told ("": nowhere), and how."""

    url: str
    method: str = "POST"


@dataclass(frozen=True)
class NumberWebhooks:
    """What the account says of one of its numbers."""

    voice: Webhook
    fallback: Webhook
    status: Webhook
    texts: Webhook


class TwilioCarrier:
    """What the switchboard asks of the carrier. Raises CarrierRefused (it said no) or CarrierSilent (no answer in time)."""

    def __init__(
        self, account_sid: str, auth_token: str, base_url: str | None = None, *, seconds: float = 3.0, tries: int = 3
    ) -> None:
        self._client = Client(account_sid, auth_token, http_client=_Elsewhere(base_url, seconds))
        self._tries = tries

    def _ask(self, what: Any, *, repeatable: bool = True) -> Any:
        """Call `what`; repeat it after 429 and 5xx (with a growing pause), after silence only where repeating changes nothing."""
        for attempt in range(1, self._tries + 1):
            try:
                return what()
            except TwilioRestException as error:
                if attempt < self._tries and (error.status == 429 or (error.status >= 500 and repeatable)):
                    time.sleep(0.2 * 2 ** (attempt - 1))
                    continue
                raise CarrierRefused(
                    f"the carrier refused: {error.msg} ({error.code})", status=error.status, code=error.code or 0
                ) from error
            except (requests.RequestException, TwilioException) as error:
                # The library tells a refused list as a bare exception that carries the response.
                status = getattr(error.args[-1] if error.args else None, "status_code", 0)
                if 400 <= status < 500 and (status != 429 or attempt == self._tries):
                    raise CarrierRefused(f"the carrier refused: HTTP {status}", status=status) from error
                if attempt < self._tries and repeatable:
                    time.sleep(0.2 * 2 ** (attempt - 1))
                    continue
                raise CarrierSilent(f"the carrier did not answer: {type(error).__name__}") from error
        raise CarrierSilent("the carrier did not answer")

    def place(
        self,
        *,
        to: str,
        from_: str,
        url: str,
        status_url: str,
        ring_seconds: int,
        fallback_url: str | None = None,
        machine: bool = False,
    ) -> str:
        """Ring `to`; returns the new leg's id. After silence the carrier's own list is read before trying again: if it dialled, that leg is taken."""
        began = datetime.now(UTC) - timedelta(seconds=2)
        more: dict[str, Any] = {"fallback_url": fallback_url} if fallback_url else {}
        if machine:
            more |= {"machine_detection": "Enable", "machine_detection_timeout": 10}

        def dial() -> Any:
            return self._client.calls.create(
                to=to, from_=from_, url=url, status_callback=status_url, status_callback_event=["initiated", "ringing", "answered", "completed"],
                timeout=ring_seconds, **more,
            )  # fmt: skip

        try:
            return str(self._ask(dial, repeatable=False).sid)
        except (CarrierSilent, CarrierRefused) as error:
            if isinstance(error, CarrierRefused) and error.status < 500:
                raise
            found = self._placed(to, from_, began)
            if found:
                return found
            return str(self._ask(dial, repeatable=False).sid)

    def _placed(self, to: str, from_: str, since: datetime) -> str | None:
        for status in ("queued", "ringing", "in-progress"):
            for call in self._ask(lambda status=status: self._client.calls.list(to=to, from_=from_, status=status, limit=20)):
                created = call.date_created
                if created is None or created >= since:
                    return str(call.sid)
        return None

    def has_leg(self, to: str) -> bool:
        """Whether a leg to this address rings or talks right now."""
        ongoing = ("queued", "ringing", "in-progress")
        return any(self._ask(lambda status=status: self._client.calls.list(to=to, status=status, limit=1)) for status in ongoing)

    def past_calls(self, since: datetime) -> list[PastCall]:
        """Calls and legs that began after `since` and are over; at most MOST_LISTED of them, the newest."""
        rows = self._ask(lambda: self._client.calls.list(start_time_after=since, limit=MOST_LISTED, page_size=1000))
        return [
            PastCall(
                str(row.sid), str(row.direction), row._from or "", row.to or "", str(row.status), row.date_created or row.end_time,
                row.end_time, float(row.duration) if row.duration else None,
            )
            for row in rows
            if row.end_time is not None
        ]  # fmt: skip

    def live(self) -> frozenset[str] | None:
        """Every call and leg that is up now, in one request for each thousand; None where there are more than MOST_LISTED of them."""
        rows = self._ask(lambda: self._client.calls.list(status="in-progress", limit=MOST_LISTED + 1, page_size=1000))
        return frozenset(str(row.sid) for row in rows) if len(rows) <= MOST_LISTED else None

    def redirect(self, leg_id: str, url: str) -> bool:
        """Let a leg go on with the document at `url`; False where the leg is over."""
        return self._update(leg_id, url=url, method="POST")

    def hang_up(self, leg_id: str) -> bool:
        """End a leg, ringing or talking; False where it was over already."""
        return self._update(leg_id, status="completed")

    def _update(self, leg_id: str, **changes: Any) -> bool:
        try:
            self._ask(lambda: self._client.calls(leg_id).update(**changes))
        except CarrierRefused as error:
            if error.code in (_ENDED, 20404) or error.status == 404:
                return False
            raise
        return True

    def status(self, leg_id: str) -> tuple[str, float | None, datetime | None]:
        """(status, seconds, end) of a leg; ("gone", None, None) where the carrier does not know it."""
        try:
            call = self._ask(lambda: self._client.calls(leg_id).fetch())
        except CarrierRefused as error:
            if error.status == 404:
                return "gone", None, None
            raise
        return str(call.status), float(call.duration) if call.duration else None, call.end_time

    def participant(self, room: str, leg_id: str, changes: Mapping[str, Any]) -> bool:
        """Change a participant (hold, muted, end_conference_on_exit, coaching, hold_url …); False where room or leg is over."""
        sid = self._room_sid(room)
        if sid is None:
            return False
        try:
            self._ask(lambda: self._client.conferences(sid).participants(leg_id).update(**changes))
        except CarrierRefused as error:
            if error.status == 404:
                return False
            raise
        return True

    def invite(
        self,
        room: str,
        *,
        to: str,
        from_: str,
        label: str,
        status_url: str,
        ring_seconds: int,
        changes: Mapping[str, Any] | None = None,
    ) -> str:
        """Ring somebody straight into a room (consult, listening supervisor); returns the leg's id."""
        made = self._ask(
            lambda: self._client.conferences(room).participants.create(
                to=to, from_=from_, label=label, status_callback=status_url, status_callback_event=["initiated", "ringing", "answered", "completed"],
                timeout=ring_seconds, early_media=False, **(changes or {}),
            ),
            repeatable=False,
        )  # fmt: skip
        return str(made.call_sid)

    def end_room(self, room: str) -> bool:
        """End a conversation for everybody; False where it was over."""
        sid = self._room_sid(room)
        if sid is None:
            return False
        self._ask(lambda: self._client.conferences(sid).update(status="completed"))
        return True

    def _room_sid(self, room: str) -> str | None:
        found = self._ask(lambda: self._client.conferences.list(friendly_name=room, status="in-progress", limit=1))
        return str(found[0].sid) if found else None

    def record(self, leg_id: str, status_url: str) -> str:
        """Start recording a leg; returns the recording's id."""
        made = self._ask(
            lambda: self._client.calls(leg_id).recordings.create(recording_status_callback=status_url, recording_channels="dual"),
            repeatable=False,
        )
        return str(made.sid)

    def recording(self, leg_id: str, status: str) -> bool:
        """Pause ("paused"), resume ("in-progress") or stop ("stopped") the current recording of a leg."""
        try:
            more = {"pause_behavior": "silence"} if status == "paused" else {}
            self._ask(lambda: self._client.calls(leg_id).recordings("Twilio.CURRENT").update(status=status, **more))
        except CarrierRefused as error:
            if error.status == 404:
                return False
            raise
        return True

    def text(self, *, to: str, from_: str, body: str, status_url: str | None = None) -> str:
        """Send a text message; returns its id. Not repeated after silence: a second message is worse than none."""
        more = {"status_callback": status_url} if status_url else {}
        made = self._ask(lambda: self._client.messages.create(to=to, from_=from_, body=body[:1600], **more), repeatable=False)
        return str(made.sid)

    def text_news(self, message_id: str) -> TextNews:
        """What became of a text. Raises CarrierRefused also where the carrier knows of no such message."""
        message = self._ask(lambda: self._client.messages(message_id).fetch())
        return TextNews(message_id, str(message.to), str(message.status), int(message.error_code or 0))

    def webhooks_of(self, number: str) -> NumberWebhooks | None:
        """Where the account sends the calls and texts of one of its numbers; None where it has no such number."""
        found = self._ask(lambda: self._client.incoming_phone_numbers.list(phone_number=number, limit=1))
        if not found:
            return None
        row = found[0]
        return NumberWebhooks(
            Webhook(row.voice_url or "", row.voice_method or "POST"),
            Webhook(row.voice_fallback_url or "", row.voice_fallback_method or "POST"),
            Webhook(row.status_callback or "", row.status_callback_method or "POST"),
            Webhook(row.sms_url or "", row.sms_method or "POST"),
        )

    def check(self) -> str:
        """The account's name: proof that address and credentials work."""
        return str(self._ask(lambda: self._client.api.accounts(self._client.account_sid).fetch()).friendly_name)
