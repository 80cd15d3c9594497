"""Recordings: start, pause, stop, list, fetch the media, delete."""

from __future__ import annotations

from aiohttp import web

from ivr.carriers.local.exchange import Exchange
from ivr.carriers.local.pace import rfc2822
from ivr.carriers.local.recordings import Recording
from ivr.carriers.local.rest.answers import Asked, Json, RestError, answering, matching, not_found, page_of
from ivr.carriers.local.rest.calls import find_leg

EVENTS = ("in-progress", "completed", "absent")


def recording_json(recording: Recording, base: str) -> Json:
    """A recording resource; `duration` and `media_url` once it is complete."""
    done = recording.status == "completed"
    uri = f"{base}/Recordings/{recording.sid}"
    return {
        "sid": recording.sid,
        "account_sid": recording.exchange.account_sid,
        "api_version": "2010-04-01",
        "call_sid": recording.call_sid or None,
        "conference_sid": recording.conference_sid or None,
        "channels": recording.channels,
        "source": recording.source,
        "status": recording.status,
        "duration": str(round(recording.seconds)) if done else None,
        "start_time": rfc2822(recording.started_at),
        "date_created": rfc2822(recording.started_at),
        "date_updated": rfc2822(recording.started_at),
        "price": None,
        "price_unit": "USD",
        "error_code": None,
        "encryption_details": None,
        "media_url": recording.url,
        "uri": f"{uri}.json",
        "subresource_uris": {"transcriptions": f"{uri}/Transcriptions.json", "add_on_results": f"{uri}/AddOnResults.json"},
    }


def _recording(asked: Asked, sid: str) -> Recording:
    recording = asked.exchange.recordings.get(sid)
    if recording is None:
        raise not_found(asked.request.path)
    return recording


async def listing(asked: Asked) -> web.StreamResponse:
    """All recordings; filters CallSid, ConferenceSid."""
    rows = [recording_json(r, asked.base) for r in reversed(asked.exchange.recordings.values())]
    if "sid" in asked.request.match_info:
        rows = [row for row in rows if row["call_sid"] == asked.part("sid")]
    rows = matching(rows, asked.request.query, {"CallSid": "call_sid", "ConferenceSid": "conference_sid"})
    return page_of(asked, "recordings", rows, asked.request.path)


async def start(asked: Asked) -> web.StreamResponse:
    """Record a live call from now on."""
    leg = find_leg(asked, asked.part("sid"))
    if not leg.live or leg.answered_at is None:
        raise RestError(400, 21220, "Requested resource is not eligible for recording")
    callback = asked.status_callback("RecordingStatusCallback", EVENTS, ["completed"])
    channels = 2 if asked.text("RecordingChannels", "mono") == "dual" else 1
    recording = asked.exchange.start_recording(leg, "StartCallRecordingAPI", channels=channels, callback=callback)
    return web.json_response(recording_json(recording, asked.base), status=201)


async def update(asked: Asked) -> web.StreamResponse:
    """Pause, go on or stop; `Twilio.CURRENT` is the call's running recording."""
    leg = find_leg(asked, asked.part("sid"))
    wanted = asked.part("recording")
    running = [r for r in asked.exchange.recordings.values() if r.call_sid == leg.sid and r.running]
    found = next((r for r in running if wanted in (r.sid, "Twilio.CURRENT")), None)
    if found is None:
        raise not_found(asked.request.path)
    status = asked.needed("Status")
    if status == "paused":
        found.pause()
    elif status == "in-progress":
        found.resume()
    elif status == "stopped":
        found.end()
    else:
        raise RestError(400, 20001, "Status must be paused, in-progress or stopped")
    return web.json_response({**recording_json(found, asked.base), "status": status})


async def fetch(asked: Asked) -> web.StreamResponse:
    """One recording."""
    return web.json_response(recording_json(_recording(asked, asked.part("recording")), asked.base))


async def media(asked: Asked) -> web.StreamResponse:
    """The sound, once it is complete: silence of the right length."""
    recording = _recording(asked, asked.part("recording"))
    if recording.status != "completed":
        raise not_found(asked.request.path)
    return web.Response(body=recording.wav(), content_type="audio/x-wav")


async def delete(asked: Asked) -> web.StreamResponse:
    """Erase a recording."""
    del asked.exchange.recordings[_recording(asked, asked.part("recording")).sid]
    return web.Response(status=204)


def routes(exchange: Exchange) -> list[web.RouteDef]:
    """The resources' routes."""
    base = "/2010-04-01/Accounts/{account}"
    of_call = f"{base}/Calls/{{sid}}/Recordings"
    one = f"{base}/Recordings/{{recording:RE[0-9a-f]+}}"
    return [
        web.get(f"{of_call}.json", answering(exchange, listing)),
        web.post(f"{of_call}.json", answering(exchange, start)),
        web.post(f"{of_call}/{{recording}}.json", answering(exchange, update)),
        web.get(f"{base}/Recordings.json", answering(exchange, listing)),
        web.get(f"{one}.json", answering(exchange, fetch)),
        web.delete(f"{one}.json", answering(exchange, delete)),
        web.get(one, answering(exchange, media)),
        web.get(f"{one}.wav", answering(exchange, media)),
    ]
