"""Who goes first and who answers: pure functions, used by the live board, the simulator and the replay of decisions alike.

The live board keeps sorted sets in Redis. For that, every choice is cast into numbers that need no recomputation while a call
or an agent waits:

- a waiting call has a *place* (its score within a set; smaller goes first) and an `Urgency` line, by which the heads of several
  sets are compared at the moment of a match;
- a free agent has a *standing* (its score within a set; smaller is chosen first), the sum of a fixed part, known from skills and
  needs, and one of its `Clocks`, taken when the agent becomes free;
- a call's `Opening`s say from which second on which agents may take it: its first needs, rings, overflow, sticky agent.

Rule of a match, everywhere: a call is offered by its earliest opening that has a free agent; an agent takes the most urgent call.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from routing.model import Agent, AgentChoice, AgentState, CallerOrder, Delays, Needs, OfferResult, Policy, Queue, WaitingCall

STRICT_STEP = 1e7  # seconds that one unit of strict priority is worth: longer than anybody waits
STARVED = 1e12  # what a starved caller is worth
CROWD = 1e7  # fixed ratio: one caller too many counts more than any wait
OCCUPANCY_STEP = 1e10  # a thousandth of occupancy counts more than any idle spell
LEVEL_STEP = 1e11  # a skill level counts more than any idle spell
WELCOME_STEP = 1e14  # a level of a preferred skill counts more than everything else


@dataclass(frozen=True)
class Opening:
    """From `after_seconds` on, free agents who serve `queue` and meet `needs` may take the call.

    `agent_id`: only that one (sticky). `why`: "needs", "ring", "overflow" or "sticky". `keep`: so many free agents stay back.
    """

    after_seconds: float
    queue: str
    needs: tuple[tuple[str, int], ...]
    preferred: tuple[tuple[str, int], ...] = ()
    agent_id: str | None = None
    keep: int = 0
    why: str = "needs"


@dataclass(frozen=True)
class Urgency:
    """A line over time: compared between the heads of sets, higher goes first.

    urgency(now) = offset + slope * (now - origin) + crowd * (waiting in the queue - share * waiting in the group)
    """

    offset: float
    slope: float
    origin: float
    crowd: float = 0.0
    share: float = 0.0

    def at(self, now: float, in_queue: int = 0, in_group: int = 0) -> float:
        """The urgency at `now`, with so many callers waiting in the queue and in all queues."""
        return self.offset + self.slope * (now - self.origin) + self.crowd * (in_queue - self.share * in_group)


@dataclass(frozen=True)
class Clocks:
    """What changes about an agent from spell to spell, taken when the agent becomes free.

    `occupancy`: busy share 0..1 of the time since signing in; `last_offered`: when the latest offer was made (0: never).
    """

    idle_since: float
    occupancy: float = 0.0
    last_offered: float = 0.0


def meets(skills: Needs, needs: Needs | Iterable[tuple[str, int]]) -> bool:
    """Whether each needed skill is there at the level needed."""
    pairs = needs.items() if isinstance(needs, Mapping) else needs
    return all(skills.get(skill, 0) >= level for skill, level in pairs)


def serves(agent: Agent, opening: Opening) -> bool:
    """Whether `agent` may ever take a call through `opening`, whatever the agent does now."""
    if opening.agent_id is not None:
        return agent.agent_id == opening.agent_id
    if agent.queues and opening.queue not in agent.queues:
        return False
    return meets(agent.skills, opening.needs)


def openings(call: WaitingCall, queues: Mapping[str, Queue]) -> tuple[Opening, ...]:
    """The call's openings in order of time: its needs, its rings, its queue's overflow, its sticky agent first of all.

    While a sticky agent is waited for alone, every other opening due in that time is put off to its end.
    """
    queue = queues[call.queue]
    preferred = _pairs(call.preferred)
    keep = _kept_back(queue, call)
    found = [Opening(0.0, call.queue, _pairs(_both(queue.needs, call.needs)), preferred, keep=keep)]
    for after_seconds, needs in sorted(call.rings, key=lambda ring: ring[0]):
        found.append(Opening(after_seconds, call.queue, _pairs(_both(queue.needs, needs)), preferred, keep=keep, why="ring"))
    for overflow in queue.overflow:
        widest = _widest_by(overflow.after_seconds, call)
        for name in overflow.to:
            other = queues.get(name)
            if other is not None and name != call.queue:
                found.append(
                    Opening(
                        overflow.after_seconds, name, _pairs(_both(other.needs, widest)), preferred,
                        keep=_kept_back(other, call), why="overflow",
                    )
                )  # fmt: skip
    if call.sticky_agent and call.sticky_seconds > 0:
        found = [_not_before(opening, call.sticky_seconds) for opening in found]
        found.insert(0, Opening(0.0, call.queue, (), agent_id=call.sticky_agent, why="sticky"))
    return tuple(sorted(found, key=lambda opening: opening.after_seconds))


def place(call: WaitingCall, queue: Queue, starved: bool = False) -> float:
    """The call's score among callers of one queue with the same needs: smaller goes first. Never recomputed while it waits."""
    order = queue.policy.order
    if order is CallerOrder.FIRST_COME:
        return call.arrived_at
    if order is CallerOrder.STRICT_PRIORITY:
        return call.arrived_at - (STARVED if starved else STRICT_STEP * call.head_start_seconds)
    return call.arrived_at - call.head_start_seconds


def urgency(call: WaitingCall, queue: Queue, starved: bool = False) -> Urgency:
    """The call's line. Service objective is the generalised c-mu rule with quadratic cost of waiting (van Mieghem 1995) over the
    target; fixed ratio is the fixed-queue-ratio rule of Gurvich and Whitt (2009): the queue that is most over its share."""
    match queue.policy.order:
        case CallerOrder.FIRST_COME:
            return Urgency(0.0, 1.0, call.arrived_at)
        case CallerOrder.STRICT_PRIORITY:
            return Urgency(STARVED if starved else STRICT_STEP * call.head_start_seconds, 1.0, call.arrived_at)
        case CallerOrder.SERVICE_OBJECTIVE:
            slope = queue.weight / max(queue.target.within_seconds, 1.0)
            return Urgency(slope * call.head_start_seconds, slope, call.arrived_at)
        case CallerOrder.FIXED_RATIO:
            return Urgency(call.head_start_seconds, 1.0, call.arrived_at, crowd=CROWD, share=queue.share)
        case _:
            return Urgency(call.head_start_seconds, 1.0, call.arrived_at)


def starves_after(queue: Queue) -> float | None:
    """After how many seconds' wait the call is `starved` (strict priority), or None where the order has no such limit."""
    return queue.policy.starvation_seconds if queue.policy.order is CallerOrder.STRICT_PRIORITY else None


def shares(queues: Iterable[Queue]) -> dict[str, float]:
    """Each queue's share of the waiting callers, adding up to 1, from the configured weights of fixed ratio."""
    chosen = list(queues)
    total = sum(queue.share for queue in chosen) or 1.0
    return {queue.queue_id: queue.share / total for queue in chosen}


def fixed_standing(policy: Policy, agent: Agent, opening: Opening) -> float:
    """The part of the agent's standing for `opening` that no clock changes. Preferred skills count before the choice itself."""
    welcome = sum(agent.skills.get(skill, 0) for skill, level in opening.preferred if agent.skills.get(skill, 0) >= level)
    standing = -WELCOME_STEP * welcome
    if policy.agent is AgentChoice.BEST_SKILL:
        standing -= LEVEL_STEP * sum(agent.skills.get(skill, 0) for skill, _ in opening.needs)
    elif policy.agent is AgentChoice.LEAST_FLEXIBLE:
        standing += LEVEL_STEP * len(agent.skills)
    return standing


def clock_name(policy: Policy) -> str:
    """Which of the agent's clocks the policy adds to the fixed part: idle, occupied or offered."""
    return {AgentChoice.LEAST_OCCUPIED: "occupied", AgentChoice.ROUND_ROBIN: "offered"}.get(policy.agent, "idle")


def clock(name: str, clocks: Clocks) -> float:
    """The value of the clock called `name` (see `clock_name`)."""
    if name == "occupied":
        return round(clocks.occupancy * 1000) * OCCUPANCY_STEP + clocks.idle_since
    if name == "offered":
        return clocks.last_offered
    return clocks.idle_since


def standing(policy: Policy, agent: Agent, opening: Opening, clocks: Clocks) -> float:
    """The free agent's score for `opening`: smaller is chosen first; equal scores go by agent id."""
    return fixed_standing(policy, agent, opening) + clock(clock_name(policy), clocks)


def delay_seconds(delays: Delays, result: OfferResult) -> float:
    """How long the agent gets no offers after this result. A lost race or a caller who left costs nothing."""
    return {
        OfferResult.NO_ANSWER: delays.no_answer,
        OfferResult.REJECTED: delays.rejected,
        OfferResult.BUSY: delays.busy,
        OfferResult.UNREACHABLE: delays.unreachable,
        OfferResult.FAILED: delays.failed,
    }.get(result, 0.0)


def counts_as_missed(result: OfferResult) -> bool:
    """Whether the offer counts towards `missed_after`."""
    return result in (OfferResult.NO_ANSWER, OfferResult.REJECTED)


def state_after(queue: Queue, result: OfferResult, missed_offers: int) -> AgentState:
    """What a formerly available agent is after a failed offer, with so many missed in a row, this one included."""
    if result is OfferResult.UNREACHABLE:
        return AgentState.UNREACHABLE
    if counts_as_missed(result) and queue.missed_after > 0 and missed_offers >= queue.missed_after:
        return AgentState.MISSED
    return AgentState.AVAILABLE


def exclusions(
    agent: Agent,
    state: AgentState,
    free_slots: int,
    delayed_seconds: float,
    call_openings: Sequence[Opening],
    waited_seconds: float,
) -> tuple[str, ...]:
    """The rules, in words, that keep this agent from this call now; empty for a candidate."""
    found = []
    if state is AgentState.AVAILABLE and delayed_seconds > 0:
        found.append(f"no offers for another {delayed_seconds:.0f} s after a failed one")
    elif state is not AgentState.AVAILABLE and not (
        free_slots > 0 and state in (AgentState.RINGING, AgentState.TALKING, AgentState.RESERVED)
    ):
        found.append(f"is {state.value.replace('_', ' ')}")
    able = [opening for opening in call_openings if serves(agent, opening)]
    if not able:
        first = next((opening for opening in call_openings if opening.agent_id is None), call_openings[0])
        found.extend(_lacks(agent, first))
    elif able[0].after_seconds > waited_seconds:
        found.append(f"may take it through {able[0].why} from {able[0].after_seconds:.0f} s on")
    return tuple(found)


def _lacks(agent: Agent, opening: Opening) -> list[str]:
    if agent.queues and opening.queue not in agent.queues:
        return [f"does not serve queue {opening.queue}"]
    return [
        f"has {skill} at {agent.skills[skill]}, needed {level}" if skill in agent.skills else f"lacks {skill}"
        for skill, level in opening.needs
        if agent.skills.get(skill, 0) < level
    ]


def _pairs(needs: Needs) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(needs.items()))


def _both(first: Needs, second: Needs) -> dict[str, int]:
    return {skill: max(first.get(skill, 0), second.get(skill, 0)) for skill in {*first, *second}}


def _kept_back(queue: Queue, call: WaitingCall) -> int:
    if queue.reserve is None or call.head_start_seconds >= queue.reserve.head_start_seconds:
        return 0
    return queue.reserve.agents


def _widest_by(seconds: float, call: WaitingCall) -> Needs:
    needs = call.needs
    for after_seconds, wider in sorted(call.rings, key=lambda ring: ring[0]):
        if after_seconds <= seconds:
            needs = wider
    return needs


def _not_before(opening: Opening, seconds: float) -> Opening:
    if opening.after_seconds >= seconds:
        return opening
    return Opening(seconds, opening.queue, opening.needs, opening.preferred, keep=opening.keep, why=opening.why)
