"""The page behind a texted link: when a promised call back comes, another time for it, or none at all.

Looking at it changes nothing, so that programs that open links before people do take nothing back; only a button does.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import redis
import structlog
from flask import Blueprint, Response, redirect, request
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from ivr.errors import StoreUnavailable
from ivr.jobs.promise_links import PAGE, fits
from ivr.jobs.wiring import Line
from ivr.speaking import Reader
from routing.callbacks import Callback, CallbackBusy, CallbackState
from routing.model import Unknown
from webhooks.access import MOST_BODY_BYTES
from webhooks.plain_page import document, gone, later

log = structlog.get_logger()

FARTHEST = timedelta(days=30)
_TITLE = "Call back"
_CHANGEABLE = (CallbackState.SCHEDULED, CallbackState.WAITING)


def callback_blueprint(line: Line) -> Blueprint:
    """The page, which whoever holds its link may open."""
    pages = Blueprint("callback", __name__)

    @pages.route(PAGE, methods=["GET", "POST"])
    def callback() -> AnyResponse:
        callback_id, until, seal = (request.args.get(name, "")[:80] for name in ("c", "until", "k"))
        if not callback_id or not fits(line, callback_id, until, seal):
            return gone(_TITLE, 404)
        if int(until) < line.now().timestamp():
            return gone(_TITLE, 410)
        if (request.content_length or 0) > MOST_BODY_BYTES:
            return gone(_TITLE, 413)
        try:
            if request.method == "GET":
                return _Page(line, line.promises.ledger.get(callback_id)).show(200)
            return _act(line, callback_id)
        except Unknown:
            return gone(_TITLE, 410)
        except (StoreUnavailable, redis.exceptions.RedisError) as error:
            log.error("callback page not shown", callback=callback_id, error=str(error))
            return later(_TITLE)

    return pages


def _act(line: Line, callback_id: str) -> AnyResponse:
    """What a button asked for. Afterwards the page is shown by GET, so that loading it again does nothing twice."""
    page = _Page(line, line.promises.ledger.get(callback_id))
    try:
        if request.form.get("act") == "cancel":
            line.promises.cancel(callback_id, by="customer, by link")
        else:
            at = page.chosen(request.form.get("at", ""))
            if at is None:
                return page.show(422, "page_callback_closed")
            line.promises.move(callback_id, at=at.timestamp(), queue=None, by="customer, by link")
    except CallbackBusy:
        return _Page(line, line.promises.ledger.get(callback_id)).show(409)
    return redirect(request.full_path, 303)


class _Page:
    """The page of one promise, in its customer's language and the line's time zone."""

    def __init__(self, line: Line, promise: Callback) -> None:
        self._line, self._promise = line, promise
        self._zone = ZoneInfo(line.configuration.timezone)
        self._now = line.now().astimezone(self._zone)

    def chosen(self, text: str) -> datetime | None:
        """The time that was typed, where the queue is open then and it is not too far off."""
        try:
            at = datetime.fromisoformat(text[:40])
        except ValueError:
            return None
        at = at.replace(tzinfo=self._zone) if at.tzinfo is None else at.astimezone(self._zone)
        hours = self._line.board.queue(self._promise.queue).hours
        soon_enough = self._now - timedelta(minutes=1) <= at <= self._now + FARTHEST
        return at if soon_enough and (hours is None or hours.open_at(at)) else None

    def show(self, status: int, complaint: str = "") -> Response:
        """The promise as it stands, with what can be done about it."""
        title = self._say("page_callback")
        body = Markup("<h1>{}</h1><p>{}</p>").format(title, self._standing())
        if complaint:
            body += Markup('<p role="alert"><strong>{}</strong></p>').format(self._say(complaint))
        if self._promise.state in _CHANGEABLE:
            body += self._buttons()
        return document(self._promise.language or self._line.language, title, body, status)

    def _standing(self) -> str:
        promise = self._promise
        ends = promise.number[-2:]
        if promise.state is CallbackState.CANCELLED:
            return self._say("page_callback_cancelled")
        if not promise.is_open:
            return self._say("page_callback_done")
        if promise.state not in _CHANGEABLE:
            return self._say("page_callback_now")
        if promise.next_at <= self._now.timestamp():
            return self._say("page_callback_soon", ends=ends)
        at = datetime.fromtimestamp(promise.next_at, self._zone)
        read = Reader(promise.language or self._line.language, self._now)
        return self._say("page_callback_at", ends=ends, day=read("day", at.date().isoformat()), time=at.strftime("%H:%M"))

    def _buttons(self) -> Markup:
        soonest, latest = (f"{at:%Y-%m-%dT%H:%M}" for at in (self._now, self._now + FARTHEST))
        return Markup(
            '<form method="post"><label>{} <input type="datetime-local" name="at" min="{}" max="{}" required></label>'
            '<button name="act" value="move">{}</button></form>'
            '<form method="post"><button name="act" value="cancel">{}</button></form>'
        ).format(
            self._say("page_callback_time", zone=self._zone.key), soonest, latest, self._say("page_callback_move"), self._say("page_callback_cancel")
        )  # fmt: skip

    def _say(self, name: str, **values: str) -> str:
        return self._line.phrase(name, self._promise.language or None, **values)
