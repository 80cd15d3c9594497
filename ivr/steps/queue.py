"""`queue`: wait for a suitable agent."""

from __future__ import annotations

from dataclasses import dataclass

from ivr.actions import Wait
from ivr.call import CallEvent, Continued, WaitEnded
from ivr.dialogue import goals
from ivr.dialogue.handing_over import context_of, head_start_of, rings_of
from ivr.dialogue.progress import Progress
from ivr.dialogue.questions import to_main_menu
from ivr.dialogue.steps import LiveStep
from ivr.dialogue.waiting import wait_on
from ivr.dialogue.ways import Go, Way
from ivr.language.fields import Exit, Kind, goes, kind, setting
from ivr.language.values import Expression, Offer, Prompt, Ring, Valued


@kind("queue", reaches_person=True)
@dataclass(frozen=True)
class Queue(LiveStep):
    """Wait for a suitable agent and talk; afterwards the call goes on with `next`."""

    queue: str = setting(Kind.NAME, "The queue.", of="queue", required=True)
    needs: dict[str, int] = setting(
        Kind.NEEDS, "Skills the agent must have, with the least level (1 basic, 2 good, 3 expert).", default={}
    )
    preferred: dict[str, int] = setting(Kind.NEEDS, "Skills that are welcome but not required.", default={})
    relax: tuple[Ring, ...] = setting(Kind.RINGS, "Wider needs after some time; the caller keeps the place.", default=())
    priority: tuple[Valued, ...] = setting(
        Kind.VALUED, "Head start, one for each 10 seconds: a number, or a list of `when` and `value`.", default=()
    )
    sticky: Expression | None = setting(Kind.EXPRESSION, "The agent to prefer, such as customer.last_agent.")
    sticky_for: float = setting(Kind.DURATION, "How long to wait for that agent alone.", default=20.0, least=0, most=300)
    text: Prompt | None = setting(Kind.PROMPT, "What the caller hears before the music.", spoken=True)
    offer_callback: Offer | None = setting(Kind.OFFER, "Offer a call back when this holds.")
    longest_wait: float = setting(Kind.DURATION, "After this the call goes to `no_answer`.", default=900.0, least=10, most=7200)
    record: bool = setting(
        Kind.FLAG,
        "Whether the talk is recorded; only where the caller agreed in a `consent` step on the way here.",
        default=False,
    )
    closed: str = goes(Exit.MUST, "Where the call goes out of hours.")
    no_answer: str = goes(Exit.MUST, "Where the call goes after the longest wait.")
    nobody: str | None = goes(Exit.MAY, "Where the call goes when no agent is signed in.", instead="closed")
    full: str | None = goes(Exit.MAY, "Where the call goes when too many are waiting.", instead="no_answer")
    solved: str | None = goes(
        Exit.MAY, "Where the call goes when the caller says that it is solved.", instead="next", chosen=True
    )
    next: str | None = goes(Exit.FALLS, "Where the call goes after the talk; without it, the step below.", chosen=True)

    def enter(self, progress: Progress) -> Way:
        goals.dropped(progress)
        progress.session = progress.session.but(queue_step=progress.place)
        progress.facts.forget("queue")
        state = progress.queue_now(self.queue, self.needs)
        if self.text is not None and state.open and state.staffed:
            progress.say(self.text)  # "I will connect you" would be a lie otherwise
        progress.memory.setdefault("since", progress.event.at.timestamp())
        sticky = progress.value(self.sticky, optional=True) if self.sticky is not None else None
        return progress.finish(
            Wait(
                self.queue,
                dict(self.needs),
                dict(self.preferred),
                rings_of(self),
                head_start_of(self, progress),
                self.longest_wait,
                str(sticky) if sticky else None,
                self.sticky_for if sticky else 0.0,
                {**context_of(progress), "record": self.record and progress.kept.get("call", {}).get("recording") is True},
            )
        )

    def take(self, progress: Progress, event: CallEvent) -> Way:
        if isinstance(event, WaitEnded):
            return self._ended(progress, event.result)
        if isinstance(event, Continued):
            return self.enter(progress)  # the carrier lost its place: the same wait again, the switchboard keeps ours
        return wait_on(progress, event, self.queue, self.needs, self.offer_callback)

    def _ended(self, progress: Progress, result: str) -> Way:
        if result == "talked":
            session = progress.session
            told = (*session.handed_intents, *session.pending_intents)
            progress.session = session.but(handed_intents=told, pending_intents=())
            return progress.go()
        if result == "callback" and self.offer_callback is not None:
            return Go(self.offer_callback.go, "offer_callback")
        if result == "left":
            return to_main_menu(progress) or progress.go("no_answer")
        return progress.go(result if result in ("closed", "nobody", "full", "solved") else "no_answer")
