"""From a journal to its legs and its stays in queues."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ivr.notes import Note
from ivr.records.record import Leg, OutsideTalk, Rules, Visit, VisitResult

_RESULTS = {
    "answered": VisitResult.ANSWERED,
    "talked": VisitResult.ANSWERED,
    "hung_up": VisitResult.ABANDONED,
    "callback": VisitResult.CALLBACK,
    "solved": VisitResult.SOLVED,
    # The caller went on to something else: voicemail, another queue, the flow's next words.
    **dict.fromkeys(("no_answer", "closed", "nobody", "full", "left", "diverted", "failed"), VisitResult.DIVERTED),
}


def seconds_between(start: datetime | None, end: datetime | None) -> float:
    """Seconds from `start` to `end`, never below 0 (clocks of two machines differ), 0 where one is unknown."""
    if start is None or end is None:
        return 0.0
    return max(0.0, round((end - start).total_seconds(), 3))


def whole(value: Any) -> float:
    """A number of seconds from a note; 0 for anything that is none."""
    return float(value) if isinstance(value, int | float) and value >= 0 else 0.0


@dataclass(frozen=True)
class Ends:
    """When the caller was off the line, once per dial (the first, and each call back).

    A carrier reports an end more than once, and our own clean-up may have guessed it before: the first report that is not a guess
    counts, else the first guess.
    """

    notes: tuple[Note, ...]

    @classmethod
    def of(cls, notes: Sequence[Note]) -> Ends:
        """Read the ends out of time-ordered notes."""
        found: list[Note] = []
        dial: list[Note] = []
        for note in (*notes, None):
            if note is None or note.kind == "CallbackDialled":
                reported = [n for n in dial if not n.data.get("inferred")]
                found.extend((reported or dial)[:1])
                dial = []
            elif note.kind == "Ended":
                dial.append(note)
        return cls(tuple(found))

    @property
    def last(self) -> Note | None:
        """The end of everything."""
        return self.notes[-1] if self.notes else None

    def after(self, at: datetime) -> datetime | None:
        """The first end at or after `at`."""
        return next((n.at for n in self.notes if n.at >= at), None)


def read_visits(notes: Sequence[Note], ends: Ends) -> tuple[Visit, ...]:
    """Every stay in a queue, in order."""
    visits: list[Visit] = []
    open_: Note | None = None

    def close(at: datetime | None, result: VisitResult, cause: str | None, waited: float | None = None) -> None:
        nonlocal open_
        if open_ is not None:
            waited = seconds_between(open_.at, at) if waited is None else waited
            visits.append(Visit(str(open_.data.get("queue")), open_.at, at, round(waited, 3), result, cause))
            open_ = None

    for note in notes:
        if note.kind == "Queued":
            if open_ is not None and open_.data.get("queue") == note.data.get("queue"):
                continue  # the same entry, delivered twice
            # An overflow may enter the next queue before the leaving of the first is written down.
            close(note.at, VisitResult.DIVERTED, "diverted")
            open_ = note
        elif note.kind == "Connected":
            close(note.at, VisitResult.ANSWERED, "answered")
        elif note.kind == "Dequeued" and open_ is not None and note.data.get("queue") in (None, open_.data.get("queue")):
            cause = str(note.data.get("result"))
            close(note.at, _RESULTS.get(cause, VisitResult.UNKNOWN), cause)
    if open_ is not None:
        end = ends.after(open_.at)
        if end is None:
            close(None, VisitResult.WAITING, None, 0.0)
        else:
            close(end, VisitResult.ABANDONED, "hung_up")
    return tuple(visits)


@dataclass
class _OpenLeg:
    connected: Note
    holds: list[tuple[datetime, datetime | None]]
    ended: Note | None = None
    wrapped: Note | None = None
    disposition: str | None = None
    resolved: bool | None = None


def read_legs(notes: Sequence[Note], ends: Ends, rules: Rules) -> tuple[Leg, ...]:
    """One leg per agent who was connected, in order of connection."""
    legs: dict[str, _OpenLeg] = {}

    def leg_of(note: Note) -> _OpenLeg | None:
        found = legs.get(str(note.data.get("leg_id")))
        if found is None:  # a wrap-up may only know the agent
            found = next(
                (leg for leg in reversed(legs.values()) if leg.connected.data.get("agent") == note.data.get("agent")), None
            )
        return found

    for note in notes:
        if note.kind == "Connected":
            legs.setdefault(str(note.data.get("leg_id")), _OpenLeg(note, []))
            continue
        if note.kind not in ("HoldStarted", "HoldEnded", "LegEnded", "WrappedUp", "Concluded"):
            continue
        leg = leg_of(note)
        if leg is None:
            continue
        if note.kind == "HoldStarted" and (not leg.holds or leg.holds[-1][1] is not None):
            leg.holds.append((note.at, None))
        elif note.kind == "HoldEnded" and leg.holds and leg.holds[-1][1] is None:
            leg.holds[-1] = (leg.holds[-1][0], note.at)
        elif note.kind == "LegEnded":
            leg.ended = leg.ended or note
        elif note.kind in ("WrappedUp", "Concluded"):
            # A forgotten wrap-up is first closed at its cap; what the agent says afterwards adds the words, not the time.
            if note.kind == "WrappedUp":
                leg.wrapped = leg.wrapped or note
            leg.disposition = note.data.get("disposition") or leg.disposition
            resolved = note.data.get("resolved")
            leg.resolved = resolved if isinstance(resolved, bool) else leg.resolved
    offered = {str(n.data.get("leg_id")): n.at for n in notes if n.kind == "Offered"}
    return tuple(_leg(leg, ends, offered, rules) for leg in legs.values())


def _leg(leg: _OpenLeg, ends: Ends, offered: dict[str, datetime], rules: Rules) -> Leg:
    note = leg.connected
    start = note.at
    # The talk is over when either side is gone: an agent's leg often lingers for a few seconds after the caller.
    known = [at for at in (leg.ended.at if leg.ended else None, ends.after(start)) if at is not None]
    end = min(known) if known else None
    held = 0.0
    for began, resumed in leg.holds:
        until = resumed or end or began  # a hold nobody ended lasts as long as the talk
        held += seconds_between(began, min(until, end) if end else until)
    leg_id = note.data.get("leg_id")
    ring = note.data.get("ring_seconds")
    wrapped = leg.wrapped.data if leg.wrapped else {}
    wrap_up = whole(wrapped.get("seconds")) if "seconds" in wrapped else _span(wrapped)
    agent = str(note.data.get("agent"))
    return Leg(
        leg_id=None if leg_id is None else str(leg_id),
        agent=agent,
        team=note.data.get("team") or rules.teams.get(agent),
        queue=note.data.get("queue"),
        answered_at=start,
        ended_at=end,
        ring_seconds=whole(ring) if ring is not None else seconds_between(offered.get(str(leg_id)), start),
        talk_seconds=round(max(0.0, seconds_between(start, end) - held), 3),
        hold_seconds=round(held, 3),
        wrap_up_seconds=round(wrap_up, 3),
        wrap_up_capped=bool(wrapped.get("capped")),
        wrap_up_pending=leg.wrapped is None,
        ended=str(leg.ended.data.get("reason")) if leg.ended else ("caller_hung_up" if end else None),
        disposition=leg.disposition,
        resolved=leg.resolved,
    )


def _span(wrapped: dict[str, Any]) -> float:
    """A wrap-up's length from its own two times."""
    try:
        start, end = (datetime.fromisoformat(str(wrapped[name])) for name in ("started_at", "ended_at"))
        return seconds_between(start, end)
    except (KeyError, ValueError, TypeError):
        return 0.0


def open_offer(notes: Sequence[Note], end: datetime | None) -> Note | None:
    """The offer that was ringing when the call ended, None where none was."""
    ringing: dict[str, Note] = {}
    for note in notes:
        key = str(note.data.get("reservation") or note.data.get("leg_id"))
        if note.kind == "Offered":
            ringing[key] = note
        elif note.kind == "Connected":
            ringing.clear()
        elif note.kind == "OfferEnded" and note.data.get("result") != "caller_left" and (end is None or note.at < end):
            ringing.pop(key, None)
    return next(reversed(ringing.values()), None)


def read_outside(notes: Sequence[Note], ends: Ends) -> tuple[OutsideTalk, ...]:
    """The caller's talks with numbers outside, in order: connected by the flow, or handed over by an agent."""
    begun: dict[str, Note] = {}
    talks: list[OutsideTalk] = []
    for index, note in enumerate(notes):
        leg_id = str(note.data.get("leg_id"))
        if note.kind == "TransferStarted" and note.data.get("to_kind") == "number":
            begun[leg_id] = note
        elif note.kind == "TransferEnded" and leg_id in begun:
            started = begun.pop(leg_id)
            if note.data.get("result") == "completed":
                talks.append(_outside(started, note, notes[index:], ends))
    return tuple(talks)


def _outside(started: Note, ended: Note, since: Sequence[Note], ends: Ends) -> OutsideTalk:
    """One talk. Asked first, it lasts from the handing over until either side is gone; else the carrier tells its seconds when it is over."""
    warm = started.data.get("warm") is True
    if warm:
        gone = next((n.at for n in since if n.kind == "LegEnded" and not n.data.get("agent")), None)
        over = min((at for at in (gone, ends.after(ended.at)) if at is not None), default=None)
        began = ended.at
    else:
        # Told after the caller's end, the note is later than what it tells of.
        over = min(ended.at, ends.after(started.at) or ended.at)
        began = max(started.at, over - timedelta(seconds=whole(ended.data.get("seconds"))))
    by = started.data.get("agent")
    to = started.data.get("to")
    return OutsideTalk(None if to is None else str(to), str(by) if by else None, warm, began, over, seconds_between(began, over))
