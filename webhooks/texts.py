"""Text messages that come in, and the page behind the link of a survey. Nothing here has a caller on the line: a failure is said so."""

from __future__ import annotations

import redis
import structlog
from flask import Blueprint, Response, request
from prometheus_client import Counter

from ivr.carriers.twilio.read import Malformed
from ivr.carriers.twilio.texts import read_news, read_text, write_reply
from ivr.errors import StoreUnavailable
from ivr.jobs.texting import NEWS, PAGE, STEP, SURVEY, keep, link_fits, take_news
from ivr.jobs.wiring import Line
from ivr.notes import Note
from ivr.records import texting
from webhooks.access import MOST_BODY_BYTES, MOST_FIELDS, Gate
from webhooks.survey_page import page

log = structlog.get_logger()

TEXTS = Counter("ivr_texts_received_total", "Text messages that came in, by what they were taken for.", ["result"])
TEXT_NEWS = Counter("ivr_text_news_total", "What the carrier said of texts we sent, by what it was taken for.", ["result"])


def text_blueprint(line: Line, gate: Gate) -> Blueprint:
    """`/text/incoming` and `/text/status`, which only the carrier reaches, and the survey's page, which whoever holds its link may open."""
    texts = Blueprint("texts", __name__)

    def refusal(status: int, why: str, result: str, counter: Counter = TEXTS) -> Response:
        counter.labels(result).inc()
        return Response(why, status, mimetype="text/plain")

    def turned_away(counter: Counter) -> Response | None:
        """The answer to a request that the carrier did not send."""
        if request.content_length is not None and request.content_length > MOST_BODY_BYTES:
            return refusal(413, "This request is larger than any the carrier sends.", "too_large", counter)
        if not gate.genuine(request) or len(request.form) > MOST_FIELDS:
            return refusal(403, "The signature does not fit this address and these fields.", "refused", counter)
        return None

    @texts.post("/text/incoming")
    def incoming() -> Response:
        """A text message: an answer, STOP, or something nobody asked for."""
        stranger = turned_away(TEXTS)
        if stranger is not None:
            return stranger
        try:
            given = read_text({name: values[0] for name, values in request.form.lists()}, line.settings.account_sid)
        except Malformed as error:
            return refusal(400, f"{error}.", "malformed")
        if given is None:
            TEXTS.labels("nobody").inc()
            return Response(write_reply(None), content_type="text/xml; charset=utf-8")
        message_id = given.message_id
        try:
            found = texting.receive(
                line.store,
                message_id,
                given.number,
                given.text,
                line.now(),
                lambda note: keep(line, note, f"text:{message_id}"),
                carriers_word=given.carriers_word,
            )
        except (StoreUnavailable, redis.exceptions.RedisError) as error:
            log.error("text message not taken in", message=message_id, error=str(error))
            # The carrier asks the fallback address, where one is set, or gives up; the sender may write again.
            return refusal(503, "The message cannot be kept at present.", "failed")
        TEXTS.labels(found.result).inc()
        return Response(write_reply(found.reply), content_type="text/xml; charset=utf-8")

    @texts.post(NEWS)
    def status() -> Response:
        """What became of a text that we sent: once, late or out of order."""
        stranger = turned_away(TEXT_NEWS)
        if stranger is not None:
            return stranger
        about, of = request.args.get("about", ""), request.args.get("of", "")
        if of not in (SURVEY, STEP) or not gate.made_for(request, about):
            return refusal(403, "This link was made for something else.", "refused", TEXT_NEWS)
        try:
            news = read_news({name: values[0] for name, values in request.form.lists()}, line.settings.account_sid)
            found = take_news(line, news, about=about, of=of)
        except Malformed as error:
            return refusal(400, f"{error}.", "malformed", TEXT_NEWS)
        except (StoreUnavailable, redis.exceptions.RedisError) as error:
            log.error("news of a text not taken in", about=about, error=str(error))
            return refusal(503, "The news cannot be kept at present.", "failed", TEXT_NEWS)  # looked up later
        TEXT_NEWS.labels(found).inc()
        return Response(status=204)

    @texts.route(PAGE, methods=["GET", "POST"])
    def survey() -> Response:
        """The question that is waiting; a POST answers it. A link that is only looked at (by a mail scanner, say) changes nothing."""
        contact_id, seal = request.args.get("c", "")[:80], request.args.get("k", "")[:80]
        if not contact_id or not link_fits(line, contact_id, seal):
            return page(line.store.text_survey, None, 404)
        now = line.now()
        try:
            if request.method == "POST":
                _answer(contact_id)
            asked = texting.asked_of(line.store, contact_id, now)
        except (StoreUnavailable, redis.exceptions.RedisError) as error:
            log.error("survey not shown", contact=contact_id, error=str(error))
            return page(line.store.text_survey, None, 503)
        return page(line.store.text_survey, asked, 200 if asked else 410)

    def _answer(contact_id: str) -> None:
        place, rating = request.form.get("place", "")[:2], request.form.get("rating", "")[:2]
        if not (place.isascii() and place.isdigit() and rating.isascii() and rating.isdigit()):
            return

        def kept(note: Note) -> None:
            keep(line, note, f"survey:{place}")

        texting.answer_on_page(line.store, contact_id, int(place), int(rating), line.now(), kept)

    return texts
