"""The vocabulary of routing: agents, queues, waiting calls, reservations. Values only: no I/O, no clock.

Times are seconds since the epoch (float), because they are also scores of sorted sets; durations are seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from routing.hours import Hours

Needs = Mapping[str, int]  # skill -> least level: 1 basic, 2 good, 3 expert


class AgentState(StrEnum):
    """What an agent does now, as people see it."""

    OFFLINE = "offline"
    AVAILABLE = "available"
    RESERVED = "reserved"
    RINGING = "ringing"
    TALKING = "talking"
    WRAP_UP = "wrap_up"
    BREAK = "break"
    MISSED = "missed"  # let too many offers pass: told, and back by one action
    UNREACHABLE = "unreachable"  # the phone or browser does not answer


# What a person (agent or supervisor) may set. The other states follow from calls.
SETTABLE = (AgentState.AVAILABLE, AgentState.BREAK, AgentState.OFFLINE)
SIGNED_IN = frozenset(
    {AgentState.AVAILABLE, AgentState.RESERVED, AgentState.RINGING, AgentState.TALKING, AgentState.WRAP_UP, AgentState.BREAK}
)


class CallerOrder(StrEnum):
    """Which waiting caller is served first."""

    FIRST_COME = "first_come"
    PRIORITY_WITH_AGEING = "priority_with_ageing"  # priority is a head start in seconds
    STRICT_PRIORITY = "strict_priority"  # higher priority always first, until a caller has waited starvation_seconds
    SERVICE_OBJECTIVE = "service_objective"  # generalised c-mu: weight x waited / target
    FIXED_RATIO = "fixed_ratio"  # queue lengths are held in the ratio of the queues' shares


class AgentChoice(StrEnum):
    """Which free agent is chosen. A preferred (sticky) agent comes from the call and goes before all of these."""

    LONGEST_IDLE = "longest_idle"
    BEST_SKILL = "best_skill"  # then longest idle
    LEAST_OCCUPIED = "least_occupied"  # share of signed-in time spent on calls, as it stood when becoming free
    LEAST_FLEXIBLE = "least_flexible"  # fewest skills first, so that generalists stay free
    ROUND_ROBIN = "round_robin"  # whose last offer lies furthest back
    RING_ALL = "ring_all"  # several phones at once, the first to accept talks


class OfferResult(StrEnum):
    """How an offer that was not accepted ended."""

    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    BUSY = "busy"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    LOST = "lost"  # another agent was quicker: costs the agent nothing
    CALLER_LEFT = "caller_left"  # costs the agent nothing


class EnterResult(StrEnum):
    """What became of a call that asked to wait."""

    ACCEPTED = "accepted"
    FULL = "full"
    CLOSED = "closed"
    NOBODY = "nobody"  # no agent who could ever take it is signed in
    GONE = "gone"  # this waiting has already ended: the message came late or twice
    IMPOSSIBLE = "impossible"  # no agent in the configuration meets the needs, in any ring


@dataclass(frozen=True)
class Policy:
    """How a queue's callers and agents are brought together. Named in config/queues.yaml under `policies`."""

    name: str = "default"
    order: CallerOrder = CallerOrder.PRIORITY_WITH_AGEING
    agent: AgentChoice = AgentChoice.LONGEST_IDLE
    starvation_seconds: float = 300.0  # strict_priority: after this wait a caller goes before every priority
    ring_at_once: int = 5  # ring_all: at most so many phones


@dataclass(frozen=True)
class Delays:
    """How long an agent gets no offers after one that failed, in seconds."""

    no_answer: float = 10.0
    rejected: float = 10.0
    busy: float = 20.0
    unreachable: float = 60.0
    failed: float = 10.0


@dataclass(frozen=True)
class Overflow:
    """After so long in the queue, agents of other queues may take the call too; the place is kept."""

    after_seconds: float
    to: tuple[str, ...]


@dataclass(frozen=True)
class Reserve:
    """The queue's last `agents` free agents are held back for callers with at least this head start."""

    agents: int
    head_start_seconds: float


@dataclass(frozen=True)
class Target:
    """The service target: `share` (0..1) of callers answered within so many seconds."""

    within_seconds: float = 20.0
    share: float = 0.8


@dataclass(frozen=True)
class Queue:
    """A purpose that callers wait for. `needs` hold for every call of the queue, beside the call's own.

    `weight` is the queue's cost of waiting (service_objective); `share` its part of the waiting callers (fixed_ratio).
    `hours` None: always open. `nobody_after_seconds`: callers are told when no suitable agent was signed in for so long.
    """

    queue_id: str
    title: str = ""
    policy: Policy = Policy()
    needs: Needs = field(default_factory=dict)
    ring_seconds: float = 18.0
    wrap_up_seconds: float = 30.0
    wrap_up_cap_seconds: float = 300.0
    delays: Delays = Delays()
    missed_after: int = 2
    capacity: int = 100
    hours: Hours | None = None
    overflow: tuple[Overflow, ...] = ()
    reserve: Reserve | None = None
    target: Target = Target()
    weight: float = 1.0
    share: float = 1.0
    nobody_after_seconds: float = 15.0


@dataclass(frozen=True)
class Agent:
    """Somebody who takes calls. `queues` empty: every queue whose needs the skills meet. `address`: number or client to ring."""

    agent_id: str
    name: str = ""
    address: str = ""
    team: str = ""
    skills: Needs = field(default_factory=dict)
    capacity: int = 1
    queues: tuple[str, ...] = ()


@dataclass(frozen=True)
class WaitingCall:
    """A caller (or a promised callback) waiting for an agent.

    `rings`: later, wider needs as (seconds waited, needs), in order. `head_start_seconds` is the priority.
    """

    call_id: str
    queue: str
    arrived_at: float
    needs: Needs = field(default_factory=dict)
    preferred: Needs = field(default_factory=dict)
    rings: tuple[tuple[float, Needs], ...] = ()
    head_start_seconds: float = 0.0
    sticky_agent: str | None = None
    sticky_seconds: float = 0.0
    longest_wait_seconds: float = 900.0
    kind: str = "call"  # call | callback


@dataclass(frozen=True)
class Reservation:
    """An agent held for a call while the phone rings. Every later message names `token`; a stale one is refused."""

    token: str
    call_id: str
    agent_id: str
    queue: str
    epoch: int
    leased_until: float
    ring_seconds: float
    address: str = ""
    waited_seconds: float = 0.0
    leg_id: str = ""
    state: AgentState = AgentState.RESERVED
    kind: str = "call"


@dataclass(frozen=True)
class Entered:
    """Outcome of `enter`. `position` counts from 1 within the queue; 0 where the call was not accepted."""

    result: EnterResult
    position: int = 0

    @property
    def accepted(self) -> bool:
        return self.result is EnterResult.ACCEPTED


@dataclass(frozen=True)
class Left:
    """Outcome of `leave`: how long the call waited, and the offers that were withdrawn with it (stop their ringing)."""

    call_id: str
    queue: str
    waited_seconds: float
    reservations: tuple[Reservation, ...] = ()

    @property
    def reservation(self) -> Reservation | None:
        """The offer in progress, where there was one."""
        return self.reservations[0] if self.reservations else None


@dataclass(frozen=True)
class Accepted:
    """An agent accepted and may be connected. `lost`: the other agents' offers, whose phones must stop ringing."""

    token: str
    call_id: str
    agent_id: str
    queue: str
    waited_seconds: float
    lost: tuple[Reservation, ...] = ()


@dataclass(frozen=True)
class WrapUp:
    """A wrap-up that begins. It ends at `ends_at` by itself, at `cap_at` where the agent asks for more time."""

    agent_id: str
    call_id: str
    token: str
    epoch: int
    started_at: float
    ends_at: float
    cap_at: float
    leg_id: str = ""


@dataclass(frozen=True)
class Talk:
    """A conversation in progress, to be checked with the carrier."""

    agent_id: str
    call_id: str
    token: str
    leg_id: str
    since: float


@dataclass(frozen=True)
class Released:
    """Outcome of `release`. `agent_state` tells whether the agent is now `missed` or `unreachable`; the call waits in its old place."""

    token: str
    call_id: str
    agent_id: str
    queue: str
    result: OfferResult
    agent_state: AgentState
    rang_seconds: float = 0.0
    leg_id: str = ""
    call_waits: bool = True


@dataclass(frozen=True)
class WrappedUp:
    """A wrap-up that ended. `capped`: by the clock, not by the agent."""

    agent_id: str
    call_id: str
    leg_id: str
    started_at: float
    ended_at: float
    capped: bool
    disposition: str | None = None
    resolved: bool | None = None

    @property
    def seconds(self) -> float:
        return self.ended_at - self.started_at


@dataclass(frozen=True)
class Swept:
    """What one sweep found due. Calls are reported until somebody calls `leave` for them (again every 10 s), so that a
    process that dies after the sweep loses nobody."""

    released: tuple[Released, ...] = ()  # leases that ran out; their phones must stop ringing
    wrapped_up: tuple[WrappedUp, ...] = ()
    unreachable: tuple[str, ...] = ()  # agents whose browser went silent
    overdue: tuple[str, ...] = ()  # calls past their longest wait
    nobody: tuple[str, ...] = ()  # calls for which nobody is signed in
    closed: tuple[str, ...] = ()  # calls whose queue closed
    silent: tuple[str, ...] = ()  # calls that asked for no further music: ask the carrier whether they live
    talks: tuple[Talk, ...] = ()  # conversations, every 30 s each: ask the carrier whether the leg lives
    opened: int = 0  # rings opened
    readied: int = 0  # agents whose delay is over


@dataclass(frozen=True)
class AgentNow:
    """An agent at this moment. `calls` are the calls held (more than one only where capacity allows)."""

    agent_id: str
    state: AgentState
    since: float
    epoch: int
    reason: str | None = None
    calls: tuple[str, ...] = ()
    missed_offers: int = 0
    ready_at: float | None = None  # no offers before this moment
    wrap_up_ends_at: float | None = None
    next_state: AgentState | None = None  # what the agent becomes after the present call, where that is not `available`
    name: str = ""
    team: str = ""
    withdrawn: tuple[Reservation, ...] = ()  # offers that a change of state withdrew: their phones must stop ringing


@dataclass(frozen=True)
class QueueNow:
    """A queue at this moment. `staffed`: agents signed in who serve it; `free`: of these, ready for a call."""

    queue_id: str
    title: str
    open: bool
    waiting: int
    longest_wait_seconds: float
    staffed: int
    free: int
    capacity: int = 0
    callbacks: int = 0


@dataclass(frozen=True)
class WaitingNow:
    """A waiting call at this moment."""

    call_id: str
    queue: str
    arrived_at: float
    waited_seconds: float
    position: int
    kind: str
    offered_to: tuple[str, ...] = ()


@dataclass(frozen=True)
class BoardNow:
    """All agents, queues and waiting calls of a group at one moment."""

    at: float
    agents: tuple[AgentNow, ...]
    queues: tuple[QueueNow, ...]
    waiting: tuple[WaitingNow, ...]


class RoutingError(Exception):
    """Base of routing's errors; `str(error)` is a sentence for a person."""


class Unknown(RoutingError):
    """No such agent, queue or callback in the configuration."""


class NotAllowed(RoutingError):
    """The change cannot be made from the current state; `allowed` lists what can."""

    def __init__(self, current: AgentNow, wanted: str, allowed: tuple[str, ...]) -> None:
        options = ", ".join(allowed) or "nothing until the call ends"
        super().__init__(f"{current.agent_id} is {current.state}: cannot become {wanted}. Allowed now: {options}.")
        self.current, self.wanted, self.allowed = current, wanted, allowed


class Stale(RoutingError):
    """The message belongs to an earlier epoch; `current` is how the agent stands now."""

    def __init__(self, current: AgentNow, epoch: int) -> None:
        super().__init__(f"{current.agent_id} is at epoch {current.epoch} ({current.state}), not {epoch}: read the state again.")
        self.current, self.epoch = current, epoch
