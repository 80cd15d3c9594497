"""Conferences and their participants: list, add by dialling, mute, hold, coach, announce, kick, end."""

from __future__ import annotations

from aiohttp import web

from ivr.carriers.local.conferences import Conference, Joining, Participant
from ivr.carriers.local.exchange import Exchange
from ivr.carriers.local.legs import Callback, Leg, Request, Status
from ivr.carriers.local.pace import rfc2822
from ivr.carriers.local.rest.answers import Asked, Json, RestError, answering, matching, not_found, page_of
from ivr.carriers.local.rest.calls import CALL_EVENTS, DEFAULT_RING_SECONDS, dialled_address
from ivr.carriers.local.verbs.dial_conference import ring_into_room

CONFERENCE_EVENTS = ("start", "end", "join", "leave", "mute", "hold", "modify", "speaker", "announcement")


def conference_json(conference: Conference, base: str) -> Json:
    """A conference resource."""
    uri = f"{base}/Conferences/{conference.sid}"
    return {
        "sid": conference.sid,
        "account_sid": conference.exchange.account_sid,
        "friendly_name": conference.name,
        "status": conference.status,
        "api_version": "2010-04-01",
        "region": "us1",
        "date_created": rfc2822(conference.created_at),
        "date_updated": rfc2822(conference.updated_at),
        "reason_conference_ended": conference.reason_ended or None,
        "call_sid_ending_conference": conference.ended_by_sid or None,
        "uri": f"{uri}.json",
        "subresource_uris": {"participants": f"{uri}/Participants.json", "recordings": f"{uri}/Recordings.json"},
    }


def participant_json(conference: Conference, leg: Leg, participant: Participant | None, joining: Joining, base: str) -> Json:
    """A participant resource; `participant` is None while the leg rings."""
    waiting = {Status.QUEUED: "queued", Status.RINGING: "ringing", Status.IN_PROGRESS: "connecting"}
    return {
        "account_sid": conference.exchange.account_sid,
        "call_sid": leg.sid,
        "conference_sid": conference.sid,
        "label": joining.label or None,
        "muted": participant.muted if participant else joining.muted,
        "hold": bool(participant and participant.hold),
        "coaching": bool(participant.coach_sid if participant else joining.coach_sid),
        "call_sid_to_coach": (participant.coach_sid if participant else joining.coach_sid) or None,
        "start_conference_on_enter": joining.starts,
        "end_conference_on_exit": joining.ends,
        "status": "connected" if participant else waiting.get(leg.status, "complete"),
        "queue_time": "0",
        "date_created": rfc2822(participant.joined_at if participant else leg.created_at),
        "date_updated": rfc2822(leg.updated_at),
        "uri": f"{base}/Conferences/{conference.sid}/Participants/{leg.sid}.json",
    }


def find_conference(asked: Asked, *, live: bool = False) -> Conference:
    """A conference by sid; raises 20404."""
    conference = asked.exchange.conferences.get(asked.part("conference"))
    if conference is None or (live and not conference.live):
        raise not_found(asked.request.path)
    return conference


def find_participant(asked: Asked, conference: Conference) -> Participant:
    """A participant by call sid or label; raises 20404."""
    wanted = asked.part("call")
    for participant in conference.participants.values():
        if wanted in (participant.leg.sid, participant.joining.label):
            return participant
    raise not_found(asked.request.path)


async def listing(asked: Asked) -> web.StreamResponse:
    """Conferences, newest first; filters Status and FriendlyName."""
    rows = [conference_json(c, asked.base) for c in reversed(asked.exchange.conferences.values())]
    rows = matching(rows, asked.request.query, {"Status": "status", "FriendlyName": "friendly_name"})
    return page_of(asked, "conferences", rows, f"{asked.base}/Conferences.json")


async def fetch(asked: Asked) -> web.StreamResponse:
    """One conference."""
    return web.json_response(conference_json(find_conference(asked), asked.base))


async def update(asked: Asked) -> web.StreamResponse:
    """End it, or announce to everybody."""
    conference = find_conference(asked)
    if asked.text("Status") == "completed":
        conference.end("conference-ended-via-api")
    if link := asked.address("AnnounceUrl"):
        conference.announce(list(conference.participants.values()), Request(link, asked.method("AnnounceMethod")))
    return web.json_response(conference_json(conference, asked.base))


async def participants(asked: Asked) -> web.StreamResponse:
    """Who is in a room; filters Muted, Hold, Coaching."""
    conference = find_conference(asked)
    rows = [participant_json(conference, p.leg, p, p.joining, asked.base) for p in conference.participants.values()]
    for name in ("Muted", "Hold", "Coaching"):
        if name in asked.request.query:
            rows = [row for row in rows if str(row[name.lower()]).lower() == asked.request.query[name].lower()]
    return page_of(asked, "participants", rows, f"{asked.base}/Conferences/{conference.sid}/Participants.json")


async def participant(asked: Asked) -> web.StreamResponse:
    """One participant."""
    conference = find_conference(asked)
    found = find_participant(asked, conference)
    return web.json_response(participant_json(conference, found.leg, found, found.joining, asked.base))


async def add_participant(asked: Asked) -> web.StreamResponse:
    """Dial somebody into a room, which is made where there is none of that name."""
    exchange = asked.exchange
    to, shown = dialled_address(asked)
    wait = Request(asked.address("WaitUrl"), asked.method("WaitMethod")) if "WaitUrl" in asked.fields else None
    joining = Joining(
        starts=bool(asked.flag("StartConferenceOnEnter", True)),
        ends=bool(asked.flag("EndConferenceOnExit", False)),
        muted=bool(asked.flag("Muted", False)),
        beep=asked.text("Beep", "true"),
        label=asked.text("Label", most=128),
        coach_sid=asked.text("CallSidToCoach") if asked.flag("Coaching", False) else "",
        wait=wait,
        most=asked.number("MaxParticipants", 250, 2, 250),
        callback=asked.status_callback("ConferenceStatusCallback", CONFERENCE_EVENTS, ["start", "end"]),
    )
    ring_seconds = asked.number("Timeout", DEFAULT_RING_SECONDS, 1, 600)
    name = asked.part("conference")
    if name.startswith("CF") and name not in exchange.conferences:
        raise not_found(asked.request.path)
    conference = exchange.room(name)
    assert conference is not None
    if not conference.live:
        raise RestError(400, 20001, "The conference has ended")
    callback: Callback = asked.status_callback("StatusCallback", CALL_EVENTS, ["completed"])
    leg = exchange.call_out(to, shown, callback=callback)
    body = participant_json(conference, leg, None, joining, asked.base)
    leg.spawn(ring_into_room(leg, conference.name, joining, ring_seconds), "participant")
    return web.json_response(body, status=201)


async def update_participant(asked: Asked) -> web.StreamResponse:
    """Mute, hold, coach, announce to, or change the part of one participant."""
    conference = find_conference(asked, live=True)
    found = find_participant(asked, conference)
    muted, hold = asked.flag("Muted"), asked.flag("Hold")
    ends, coaching = asked.flag("EndConferenceOnExit"), asked.flag("Coaching")
    hold_url = Request(asked.address("HoldUrl"), asked.method("HoldMethod", "GET"))
    if muted is not None:
        conference.mute(found, muted)
    if hold is not None:
        conference.set_hold(found, hold_url if hold else None)
    if ends is not None or coaching is not None or "CallSidToCoach" in asked.fields:
        coach_sid = (
            None
            if coaching is None and "CallSidToCoach" not in asked.fields
            else asked.text("CallSidToCoach")
            if coaching is not False
            else ""
        )
        if coach_sid and coach_sid not in conference.participants:
            raise RestError(400, 13240, f"{coach_sid} is not in this conference")
        conference.modify(found, ends=ends, coach_sid=coach_sid)
    if link := asked.address("AnnounceUrl"):
        conference.announce([found], Request(link, asked.method("AnnounceMethod")))
    return web.json_response(participant_json(conference, found.leg, found, found.joining, asked.base))


async def kick(asked: Asked) -> web.StreamResponse:
    """Take a participant out; a leg that was dialled into the room ends with it."""
    conference = find_conference(asked, live=True)
    conference.leave(find_participant(asked, conference).leg, "participant_updated_via_api")
    return web.Response(status=204)


def routes(exchange: Exchange) -> list[web.RouteDef]:
    """The resources' routes."""
    base = "/2010-04-01/Accounts/{account}/Conferences"
    one = f"{base}/{{conference}}"
    return [
        web.get(f"{base}.json", answering(exchange, listing)),
        web.get(f"{one}.json", answering(exchange, fetch)),
        web.post(f"{one}.json", answering(exchange, update)),
        web.get(f"{one}/Participants.json", answering(exchange, participants)),
        web.post(f"{one}/Participants.json", answering(exchange, add_participant)),
        web.get(f"{one}/Participants/{{call}}.json", answering(exchange, participant)),
        web.post(f"{one}/Participants/{{call}}.json", answering(exchange, update_participant)),
        web.delete(f"{one}/Participants/{{call}}.json", answering(exchange, kick)),
    ]
