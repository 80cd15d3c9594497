"""The carrier's webhooks. Every route ends in a valid document: a person is on the line."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import redis
import structlog
from flask import Blueprint, Response, request
from prometheus_client import Counter, Histogram

from ivr.carriers.twilio import read, write
from ivr.errors import IvrError, StoreUnavailable
from ivr.jobs.links import Links
from ivr.jobs.wiring import Line
from webhooks.access import MOST_BODY_BYTES, MOST_FIELDS, Gate
from webhooks.agents import AgentLegs
from webhooks.mishaps import Mishaps
from webhooks.talks import HandedOn, add_talk_routes
from webhooks.turns import Turns

log = structlog.get_logger()

WEBHOOKS = Counter("ivr_webhooks_total", "Carrier webhooks by route and result.", ["route", "result"])
SECONDS = Histogram(
    "ivr_webhook_seconds",
    "Time to answer a carrier webhook.",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)

XML = "text/xml; charset=utf-8"


def voice_blueprint(line: Line, gate: Gate, links: Links) -> Blueprint:
    """All `/voice/...` routes."""
    voice = Blueprint("voice", __name__, url_prefix="/voice")
    turns = Turns(line, links)
    legs = AgentLegs(line, links)
    mishaps = Mishaps(line, links)
    handed_on = HandedOn(line, turns)

    def webhook(path: str, *, subject: str | None = "call") -> Callable[[Callable[..., str]], Callable[..., Response]]:
        """A route that only the carrier reaches. `subject`: what the link must have been made for (None: no sealed link)."""

        took, answered = SECONDS.labels(path), WEBHOOKS.labels(path, "ok")

        def wrap(answer: Callable[..., str]) -> Callable[..., Response]:
            @voice.post(path, endpoint=answer.__name__)
            @functools.wraps(answer)
            def route() -> Response:
                asked = request._get_current_object()  # type: ignore[attr-defined]  # each use of flask's stand-in looks it up anew
                if asked.content_length is not None and asked.content_length > MOST_BODY_BYTES:
                    WEBHOOKS.labels(path, "too_large").inc()
                    return Response("This request is larger than any the carrier sends.", 413, mimetype="text/plain")
                if not gate.genuine(asked) or len(asked.form) > MOST_FIELDS:
                    WEBHOOKS.labels(path, "refused").inc()
                    return Response("The signature does not fit this address and these fields.", 403, mimetype="text/plain")
                form = {name: values[0] for name, values in asked.form.lists()}
                about = ""
                try:
                    call_id = read.call_sid(form, line.settings.account_sid) if path != "/room" else form.get("CallSid", "")
                    if subject:
                        about = call_id if subject == "call" else asked.args.get(subject, "")
                        if not gate.made_for(asked, about):
                            WEBHOOKS.labels(path, "refused").inc()
                            return Response("This link was made for something else.", 403, mimetype="text/plain")
                    with took.time():
                        document = answer(form, call_id)
                    answered.inc()
                except read.Malformed as error:
                    WEBHOOKS.labels(path, "malformed").inc()
                    return Response(f"{error}.", 400, mimetype="text/plain")
                except Exception as error:  # the edge of the product: whatever failed inside, a person is on the line
                    WEBHOOKS.labels(path, "failed").inc()
                    expected = isinstance(error, (IvrError, redis.exceptions.RedisError, TimeoutError))
                    log.error("webhook failed", route=path, error=str(error), kind=type(error).__name__, exc_info=not expected)
                    document = mishaps.document(path, about, request.args.to_dict())
                return Response(document, 200, content_type=XML)

            return route

        return wrap

    def argument(name: str) -> str:
        return request.args.get(name, "")

    add_talk_routes(webhook, argument, line, handed_on)

    @webhook("/incoming", subject=None)
    def incoming(form: dict[str, str], call_id: str) -> str:
        return turns.arrive(form, call_id, argument("since"))

    @webhook("/turn")
    def turn(form: dict[str, str], call_id: str) -> str:
        of = argument("of")
        if of == "wait_over":
            form = {**form, "_result": argument("r")}
        return handed_on.instead(form, call_id, of) or turns.turn(form, call_id, of, argument("turn"))

    @webhook("/wait")
    def wait(form: dict[str, str], call_id: str) -> str:
        return turns.wait(form, call_id, _delivery(form, "wait"))

    @webhook("/join")
    def join(form: dict[str, str], call_id: str) -> str:
        return turns.join(form, call_id, argument("token"))

    @webhook("/status", subject=None)
    def status(form: dict[str, str], call_id: str) -> str:
        turns.over(form, call_id)
        return write.empty()

    @webhook("/recording", subject="call")
    def recording(form: dict[str, str], call_id: str) -> str:
        if form.get("RecordingStatus", "completed") == "completed":
            line.switchboard.recording_kept(
                call_id, form.get("RecordingSid", "")[:40], form.get("RecordingUrl", "")[:500], form.get("RecordingDuration", "")
            )
        return write.empty()

    @webhook("/room", subject="call_id")
    def room(form: dict[str, str], call_id: str) -> str:
        legs.room_news(read.read_room(form), argument("call_id"))
        return write.empty()

    @webhook("/hold", subject=None)
    def hold(form: dict[str, str], call_id: str) -> str:
        return legs.music()

    @webhook("/agent/offer", subject="token")
    def agent_offer(form: dict[str, str], call_id: str) -> str:
        return legs.offer(call_id, argument("token"))

    @webhook("/agent/reply", subject="token")
    def agent_reply(form: dict[str, str], call_id: str) -> str:
        return legs.reply(form, call_id, argument("token"), argument("n"))

    @webhook("/agent/status", subject="token")
    def agent_status(form: dict[str, str], call_id: str) -> str:
        legs.status(read.read_status(form, call_id), argument("token"), argument("call"))
        return write.empty()

    @webhook("/agent/after", subject="token")
    def agent_after(form: dict[str, str], call_id: str) -> str:
        return legs.after(form, call_id, argument("token"), argument("call"))

    @webhook("/callback/answered", subject="callback")
    def callback_answered(form: dict[str, str], call_id: str) -> str:
        return turns.callback_answered(form, call_id, argument("callback"), argument("token"))

    @webhook("/callback/status", subject="callback")
    def callback_status(form: dict[str, str], call_id: str) -> str:
        turns.callback_status(form, call_id, argument("callback"), argument("token"))
        return write.empty()

    @webhook("/fallback", subject=None)
    def fallback(form: dict[str, str], call_id: str) -> str:
        log.warning(
            "fallback asked for", call_id=call_id, error_code=form.get("ErrorCode"), error_url=form.get("ErrorUrl", "")[:200]
        )
        # Only what was read at the start is sure to be there. Where a call is known, it goes on where it stands: a few times, for
        # what failed may fail again.
        try:
            return turns.resume(form, call_id) or mishaps.last_words()
        except (StoreUnavailable, redis.exceptions.RedisError):
            return mishaps.last_words()

    return voice


def _delivery(form: dict[str, Any], route: str) -> str:
    """What names this delivery: the carrier's own token where it sends one, else all that it said."""
    token = request.headers.get("I-Twilio-Idempotency-Token", "")[:80]
    return f"{route}:{token}" if token else f"{route}:{read.delivery_of(form, request.full_path)}"
