"""`callback`: promise to ring back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from ivr.actions import PlaceCallback
from ivr.dialogue import goals
from ivr.dialogue.handing_over import context_of, head_start_of, queue_waited_in, rings_of
from ivr.dialogue.progress import Progress
from ivr.dialogue.steps import LiveStep
from ivr.dialogue.ways import Way
from ivr.language.fields import Exit, Kind, goes, kind, setting
from ivr.language.values import Expression, Prompt


@kind("callback", reaches_person=True)
@dataclass(frozen=True)
class Callback(LiveStep):
    """Promise a call back on the caller's own number; the place in the queue is kept."""

    callback: Prompt = setting(Kind.PROMPT, "What the caller hears.", required=True, spoken=True)
    queue: str | None = setting(Kind.NAME, "The queue, where the caller did not come from one.", of="queue")
    at: Expression | None = setting(
        Kind.EXPRESSION, "The time asked for, such as call.back_at; without it, as soon as it is the caller's turn."
    )
    text: Prompt | None = setting(
        Kind.PROMPT,
        "A message sent to that number, with a link to move the call back or to take it back; without it, none is sent.",
    )
    refused: str | None = goes(Exit.MAY, "Where the call goes when the number cannot be rung back.", instead="next")
    next: str | None = goes(Exit.FALLS, "Where the call goes afterwards; without it, the step below.")

    def enter(self, progress: Progress) -> Way:
        goals.dropped(progress)
        number = progress.world.reachable_number(progress.session.caller, "callback")
        waited = queue_waited_in(progress)
        queue = self.queue or (waited.queue if waited else None)
        if number is None or queue is None:
            if self.refused is None:
                progress.phrase("callback_refused")
            return progress.go("refused")
        at = call_time(progress.value(self.at), progress.world.local(progress.world.now)) if self.at is not None else None
        progress.say(self.callback)
        same = waited is not None and waited.queue == queue
        needs, rings = (dict(waited.needs), rings_of(waited)) if waited and same else ({}, ())
        progress.act(
            PlaceCallback(
                queue,
                number,
                needs,
                rings,
                head_start_seconds=head_start_of(waited, progress) if waited and same else 0.0,
                at=at,
                context=context_of(progress),
                text=self._text(progress),
            )
        )
        return progress.go()

    def _text(self, progress: Progress) -> str:
        if self.text is None or progress.world.reachable_number(progress.session.caller, "text") is None:
            return ""
        return progress.text_of(self.text)


def call_time(value: object, now: datetime) -> str | None:
    """The time asked for as RFC 3339: "10:30" is the next such time, "2026-11-24" that day at the present hour; None: no time said."""
    text = str(value or "").strip()
    try:
        moment = time.fromisoformat(text)
    except ValueError:
        pass
    else:
        today = datetime.combine(now.date(), moment.replace(tzinfo=None), now.tzinfo)
        return (today if today > now else datetime.combine(now.date() + timedelta(days=1), today.time(), now.tzinfo)).isoformat()
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    if len(text) <= len("2026-11-24"):
        when = datetime.combine(when.date(), now.time().replace(second=0, microsecond=0))
    return (when if when.tzinfo else when.replace(tzinfo=now.tzinfo)).isoformat()
