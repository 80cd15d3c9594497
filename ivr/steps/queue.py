"""`queue`: wait for a suitable agent."""

from __future__ import annotations

from dataclasses import dataclass

from ivr.language.fields import Exit, Kind, Step, goes, kind, setting
from ivr.language.values import Expression, Offer, Prompt, Ring, Valued


@kind("queue")
@dataclass(frozen=True)
class Queue(Step):
    """Wait for a suitable agent and talk; afterwards the call goes on with `next`."""

    queue: str = setting(Kind.NAME, "The queue.", of="queue", required=True)
    needs: dict[str, int] = setting(Kind.NEEDS, "Skills the agent must have, with the least level (1 basic, 2 good, 3 expert).", default={})
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
    closed: str = goes(Exit.MUST, "Where the call goes out of hours.")
    no_answer: str = goes(Exit.MUST, "Where the call goes after the longest wait.")
    nobody: str | None = goes(Exit.MAY, "Where the call goes when no agent is signed in.", instead="closed")
    full: str | None = goes(Exit.MAY, "Where the call goes when too many are waiting.", instead="no_answer")
    solved: str | None = goes(Exit.MAY, "Where the call goes when the caller says that it is solved.", instead="next")
    next: str | None = goes(Exit.FALLS, "Where the call goes after the talk; without it, the step below.")
