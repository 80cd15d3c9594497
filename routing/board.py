"""The live board: agents, queues, waiting calls and offers of one routing group in Redis.

Every change is one script on the server, so that two processes never half-see each other; every message that follows an offer
carries its token (or the agent's epoch) and is refused when stale. Messages may come twice, late or swapped: they change nothing
the second time. The board knows no telephony: `match` says whom to ring, the caller of this class rings and reports back.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import redis

from routing.board_history import History
from routing.board_log import BEGINNING, BETWEEN, DecisionLog
from routing.board_scripts import Scripts, text_of
from routing.board_signatures import Signatures, content_of
from routing.board_sweep import BEAT_SECONDS, Sweeper
from routing.board_view import View
from routing.decisions import Decision
from routing.keys import Keys
from routing.model import (
    SETTABLE,
    Accepted,
    Agent,
    AgentNow,
    AgentState,
    BoardNow,
    Entered,
    EnterResult,
    Left,
    NotAllowed,
    OfferResult,
    Queue,
    Released,
    Reservation,
    Stale,
    Swept,
    Unknown,
    WaitingCall,
    WrappedUp,
    WrapUp,
)
from routing.policies import (
    Opening,
    counts_as_missed,
    delay_seconds,
    openings,
    place,
    serves,
    shares,
    starves_after,
    state_after,
    urgency,
)

RESERVED_SECONDS = 10.0  # to get a dial going; then the lease follows the ring time
RING_MARGIN_SECONDS = 5.0  # the carrier's own time-out comes first
TALK_CHECK_SECONDS = 30.0
SILENT_CALLER_SECONDS = 120.0
_WRAP_UP_DONE = "wrap_up_done"


class Board:
    """One routing group. `clock` gives seconds since the epoch; None: the Redis server's clock, the same for all processes."""

    def __init__(self, client: redis.Redis, group: str = "main", clock: Callable[[], float] | None = None) -> None:
        self.keys = Keys(group)
        self._redis = client
        self._clock = clock
        self._scripts = Scripts(client, self.keys, clock)
        self.signatures = Signatures(client, self.keys, self._scripts)
        self.log = DecisionLog(client, self.keys)
        self.history = History(client, self.keys, self.log, self.signatures)
        self._view = View(client, self.keys, self._scripts, self.signatures, self.now)
        self._sweeper = Sweeper(self, client, self._scripts)
        self._drawn = 0
        self._nonce = secrets.token_hex(4)

    def now(self) -> float:
        """The board's time."""
        if self._clock is not None:
            return self._clock()
        seconds, microseconds = self._redis.time()
        return float(seconds) + float(microseconds) / 1e6

    def run(self, name: str, *arguments: str | int | float) -> Any:
        """The answer of one of routing/lua's scripts, for this package only."""
        return self._scripts.run(name, *arguments)

    # Configuration

    def configure(self, agents: Iterable[Agent], queues: Iterable[Queue]) -> None:
        """Bring the board to this configuration. Repeating it changes nothing; agents keep their state, callers their place."""
        self.signatures.configure(agents, queues)

    def load(self) -> None:
        """Read the configuration that another process wrote (command line, reports)."""
        self.signatures.load()

    @property
    def queues(self) -> Mapping[str, Queue]:
        return self.signatures.queues

    @property
    def agents(self) -> Mapping[str, Agent]:
        return self.signatures.agents

    def queue(self, queue_id: str) -> Queue:
        """The queue as configured; one that is no longer configured counts as a plain one, so that its callers are served."""
        return self.queues.get(queue_id) or Queue(queue_id)

    # Callers

    def enter(self, call: WaitingCall) -> Entered:
        """Let a call wait. Raises Unknown for a queue that is not configured, ValueError for an odd id. Who arrived before closing time may come back."""
        if call.queue not in self.queues:
            raise Unknown(f"queue {call.queue!r} is not configured")
        if not (0 < len(call.call_id) <= 128 and call.call_id.isprintable()):
            raise ValueError("a call's id has 1 to 128 printable characters")
        hours = self.queue(call.queue).hours
        if hours is not None and call.kind == "call" and not hours.open_at(datetime.fromtimestamp(call.arrived_at, UTC)):
            return Entered(EnterResult.CLOSED)
        call, ways = self._ways(call)
        if not ways:
            return Entered(EnterResult.IMPOSSIBLE)
        queue = self.queue(call.queue)
        if queue.policy.order == "fixed_ratio":
            queue = replace(queue, share=shares(self.queues.values())[queue.queue_id])
        line, starved_line = urgency(call, queue), urgency(call, queue, starved=True)
        starves = starves_after(queue)
        at_once = queue.policy.ring_at_once if queue.policy.agent == "ring_all" else 1
        pairs: list[str | float] = []
        for opening in ways:
            pairs += (float(opening.after_seconds), content_of(queue.policy, opening))
        for _ in range(len(ways) + 2):
            answer = self.run(
                "enter", call.call_id, call.queue, json.dumps(asdict(call)), call.arrived_at, place(call, queue),
                line.offset, line.slope, line.origin, line.crowd, line.share, queue.ring_seconds, at_once, queue.capacity,
                "" if call.kind == "callback" else call.longest_wait_seconds, "" if call.kind == "callback" else SILENT_CALLER_SECONDS, "" if starves is None else starves,
                place(call, queue, starved=True), starved_line.offset, RESERVED_SECONDS, len(ways), *pairs,
            )  # fmt: skip
            code, rest = answer
            if code != "unjoined":
                return Entered(EnterResult(code), int(rest) + 1 if code == "accepted" else 0)
            missing = next(opening for opening in ways if content_of(queue.policy, opening) == rest)
            self.signatures.intern(queue.policy, missing)
        raise RuntimeError(f"signatures of call {call.call_id} do not settle")  # agents are being reconfigured without end

    def _ways(self, call: WaitingCall) -> tuple[WaitingCall, tuple[Opening, ...]]:
        """The openings that some configured agent serves. A sticky agent who is unknown, away or unfit is not waited for."""
        if call.sticky_agent:
            agent = self.agents.get(call.sticky_agent)
            now = self._view.state(call.sticky_agent) if agent else None
            plain = replace(call, sticky_agent=None)
            fit = agent is not None and any(serves(agent, opening) for opening in openings(plain, self.queues))
            if not fit or now is None or now in (AgentState.OFFLINE, AgentState.UNREACHABLE, AgentState.MISSED):
                call = plain
        policy = self.queue(call.queue).policy
        return call, tuple(opening for opening in openings(call, self.queues) if self.signatures.served(policy, opening))

    def leave(self, call_id: str, result: str) -> Left | None:
        """The call waits no longer (hung up, left, diverted …). None where it did not wait. Its offers end and cost their agents nothing."""
        answer = self.run("leave", call_id, result)
        if not answer:
            return None
        queue, waited, tokens = answer
        held = tuple(found for found in (self.reservation(token, ended=True) for token in tokens.split()) if found)
        return Left(call_id, queue, float(waited), held)

    def alive(self, call_id: str) -> bool:
        """The caller asked for more music: still there. False where the call does not wait here."""
        key = self.keys.of("call", call_id)
        if text_of(self._redis.hget(key, "listed")) != "1":
            return False
        self._redis.zadd(self.keys.of("alive"), {call_id: self.now() + SILENT_CALLER_SECONDS}, xx=True)
        return True

    def position(self, call_id: str) -> int | None:
        """The call's place in its queue, from 1; None where it does not wait."""
        return self._view.position(call_id)

    # Offers

    def match(self, limit: int = 100) -> list[Reservation]:
        """Bring callers and free agents together: only what changed since the last match is looked at. Ring whom this returns."""
        self._drawn += 1
        stamp, rows = self.run("match", f"{self._nonce}{self._drawn:x}.", limit, int(self.signatures.several))
        now = float(stamp)
        found = []
        for row in rows:
            token, call_id, agent_id, epoch, address, queue, arrived, ring, lease, kind = row.split(BETWEEN)
            held_until, waited = now + float(lease), now - float(arrived)
            found.append(
                Reservation(token, call_id, agent_id, queue, int(epoch), held_until, float(ring), address, waited, kind=kind)
            )
        return found

    def ringing(self, token: str, leg_id: str = "") -> bool:
        """The agent's phone rings: hold the agent for the ring time. False where the offer is over: let it stop ringing."""
        return bool(self.run("ringing", token, leg_id, RING_MARGIN_SECONDS))

    def hold(self, token: str, seconds: float) -> bool:
        """Hold the agent so long without ringing: somebody else's phone rings first. False where the offer is over or rings."""
        return bool(self.run("hold", token, seconds))

    def accept(self, token: str) -> Accepted | None:
        """The agent takes the call. None where the offer is over or another agent was quicker. Repeated: the same answer again."""
        answer = self.run("accept", token, TALK_CHECK_SECONDS)
        if not answer:
            return None
        call_id, agent_id, queue, waited, lost = answer
        others = tuple(found for found in (self.reservation(one, ended=True) for one in lost.split()) if found)
        return Accepted(token, call_id, agent_id, queue, float(waited), others)

    def release(self, token: str, result: OfferResult | str, *, accepted: bool = False) -> Released | None:
        """The offer ended without a talk; the caller waits in the old place. None where it had already ended or was accepted.

        `accepted`: also an accepted offer, where the caller never heard the agent (hung up before the two were connected).
        """
        result = OfferResult(result)
        found = text_of(self._redis.hmget(self.keys.of("reservation", token), "agent", "queue"))
        if found[0] is None:
            return None
        agent_id, queue = found[0], self.queue(found[1])
        missed = int(text_of(self._redis.hget(self.keys.of("agent", agent_id), "missed")) or 0) + int(counts_as_missed(result))
        after = state_after(queue, result, missed)
        answer = self.run(
            "release", token, result, delay_seconds(queue.delays, result), int(counts_as_missed(result)),
            "" if after is AgentState.AVAILABLE else after.value, int(accepted), 900.0,
        )  # fmt: skip
        if not answer:
            return None
        queue_id, agent_id, call_id, seconds, leg_id, presence, waits = answer
        return Released(
            token, call_id, agent_id, queue_id, result, AgentState(presence or "offline"), float(seconds), leg_id, bool(waits)
        )

    def withdrawn(self, call_id: str, token: str) -> tuple[Reservation, ...]:
        """The offers that lost the race when `token` was accepted."""
        lost = text_of(self._redis.hget(self.keys.of("reservation", token), "lost")) or ""
        return tuple(
            found for found in (self.reservation(one, ended=True) for one in lost.split()) if found and found.call_id == call_id
        )

    def reservation(self, token: str, *, ended: bool = False) -> Reservation | None:
        """The offer or conversation of `token`; one that is over only with `ended` (kept for an hour)."""
        return self._view.reservation(token, ended=ended)

    def leg_of(self, token: str) -> str | None:
        """The agent's leg, once the phone rang."""
        return text_of(self._redis.hget(self.keys.of("reservation", token), "leg")) or None

    def call_of(self, token: str) -> str | None:
        """The call that `token` was made for."""
        found: str | None = text_of(self._redis.hget(self.keys.of("reservation", token), "call"))
        return found

    # After the talk

    def talk_ended(self, agent_id: str, call_id: str, token: str | None = None, *, wrap_up: bool = True) -> WrapUp | None:
        """The conversation is over: wrap-up begins (or the agent is free at once where the queue has none, or without `wrap_up`).

        None where there is no such talk.
        """
        held = text_of(self._redis.hget(self.keys.of("slots", agent_id), call_id))
        queue_id = text_of(self._redis.hget(self.keys.of("reservation", held), "queue")) if held else None
        if held is None or queue_id is None:
            return None
        queue = self.queue(queue_id)
        answer = self.run(
            "ended", agent_id, call_id, token or "", queue.wrap_up_seconds if wrap_up else 0.0, queue.wrap_up_cap_seconds
        )
        if not answer:
            return None
        found, epoch, started, ends, cap, leg_id = answer
        return WrapUp(agent_id, call_id, found, int(epoch), float(started), float(ends), float(cap), leg_id)

    def wrap_up_done(
        self,
        agent_id: str,
        epoch: int | None = None,
        *,
        call_id: str | None = None,
        disposition: str | None = None,
        resolved: bool | None = None,
    ) -> WrappedUp | None:
        """The agent finished wrapping up. None where there was nothing to finish, or `epoch` belongs to another conversation."""
        answer = self.run("wrapped", agent_id, call_id or "", "" if epoch is None else epoch, 0, "end")
        if not answer:
            return None
        call, _, leg_id, started, ended, _ = answer
        return WrappedUp(agent_id, call, leg_id, float(started), float(ended), False, disposition, resolved)

    def extend_wrap_up(self, agent_id: str, epoch: int | None = None) -> float | None:
        """The agent needs more time: until the queue's cap. Returns when wrap-up will end, None where there is none."""
        answer = self.run("wrapped", agent_id, "", "" if epoch is None else epoch, 0, "extend")
        return float(answer[4]) if answer else None

    # Agents

    def agent(self, agent_id: str) -> AgentNow:
        """The agent now. Raises Unknown."""
        return self._view.agent(agent_id)

    def set_state(self, agent_id: str, state: AgentState | str, reason: str | None = None, epoch: int | None = None) -> AgentNow:
        """What the agent (or a supervisor) wants: available, break or offline, at once or after the present call; or `wrap_up_done`.

        Offers in progress are withdrawn when the agent goes away (`withdrawn` of the answer: stop their phones). Raises NotAllowed,
        Stale (another change came first), Unknown.
        """
        now = self.agent(agent_id)
        if epoch is not None and epoch != now.epoch:
            raise Stale(now, epoch)
        if state == _WRAP_UP_DONE:
            if now.wrap_up_ends_at is None:
                raise NotAllowed(now, _WRAP_UP_DONE, _allowed(now))
            self.wrap_up_done(agent_id)
            return self.agent(agent_id)
        if state not in SETTABLE:
            raise NotAllowed(now, str(state), _allowed(now))
        wanted = AgentState(state)
        code = self.run("presence", agent_id, wanted, (reason or "")[:200], "" if epoch is None else epoch, "")
        if code == "stale":
            raise Stale(self.agent(agent_id), epoch or 0)
        withdrawn: tuple[Reservation, ...] = ()
        if wanted is not AgentState.AVAILABLE:
            withdrawn = self._withdraw_offers(agent_id)
        return replace(self.agent(agent_id), withdrawn=withdrawn)

    def _withdraw_offers(self, agent_id: str) -> tuple[Reservation, ...]:
        found = []
        for token in text_of(self._redis.hvals(self.keys.of("slots", agent_id))):
            reservation = self.reservation(token)
            if (
                reservation
                and reservation.state in (AgentState.RESERVED, AgentState.RINGING)
                and self.release(token, OfferResult.LOST)
            ):
                found.append(reservation)
        return tuple(found)

    def heartbeat(self, agent_id: str) -> AgentNow:
        """The agent's browser is there. From the first heartbeat of a sign-in on, 30 s of silence make the agent `unreachable`, and the next
        heartbeat what the agent was before."""
        self.run("beat", agent_id, BEAT_SECONDS)
        return self.agent(agent_id)

    def talking(self) -> list[tuple[str, str]]:
        """(agent, call) of all conversations."""
        members: list[str] = text_of(self._redis.zrange(self.keys.of("talks"), 0, -1))
        return [(agent_id, call_id) for agent_id, _, call_id in (one.partition("|") for one in members)]

    def vanished(self, agent_id: str, reason: str) -> Swept:
        """The agent's phone broke off: `unreachable` until the next heartbeat or until set to available, and nothing to wrap up meanwhile."""
        return self._sweeper.vanished(agent_id, reason)

    # The whole

    def sweep(self, limit: int = 500) -> Swept:
        """Do what is due, and say what others must do. Any number of processes may sweep; each due thing is done once."""
        return self._sweeper.sweep(limit)

    def snapshot(self) -> BoardNow:
        """Agents, queues and waiting calls at this moment."""
        return self._view.snapshot()

    def decisions(self, after: str = BEGINNING, most: int = 10_000) -> list[Decision]:
        """See DecisionLog.after."""
        return self.log.after(after, most)

    def waiting_call(self, call_id: str) -> WaitingCall | None:
        """The waiting call as it entered, None where it does not wait."""
        return self._view.waiting_call(call_id)

    def rebuild(self, live_calls: Sequence[WaitingCall], available: Iterable[str] = ()) -> int:
        """After Redis was lost: exactly these calls wait, each in its old place by its arrival; these agents are signed in again.

        The carrier's list of live calls is the truth. Returns how many calls were put back.
        """
        alive = {call.call_id for call in live_calls}
        for call_id in text_of(self._redis.zrange(self.keys.of("all"), 0, -1)):
            if call_id not in alive:
                self.leave(call_id, "failed")
        for agent_id in available:
            self.run("presence", agent_id, AgentState.AVAILABLE, "", "", "offline")
        return sum(self.enter(call).accepted for call in sorted(live_calls, key=lambda call: call.arrived_at))


def _allowed(now: AgentNow) -> tuple[str, ...]:
    allowed = [state.value for state in SETTABLE if state is not now.state]
    if now.wrap_up_ends_at is not None:
        allowed.append(_WRAP_UP_DONE)
    return tuple(allowed)
