"""Random histories of a board, with messages duplicated, late, swapped and lost, against the reference floor."""

from __future__ import annotations

import redis
from floors import Hall, check_invariants
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from routing.model import (
    Agent,
    AgentChoice,
    AgentState,
    CallerOrder,
    Delays,
    NotAllowed,
    OfferResult,
    Overflow,
    Policy,
    Queue,
    Reserve,
    Swept,
    Target,
    WaitingCall,
)

AGENTS = [
    Agent("ana", skills={"english": 3, "tech": 2}),
    Agent("ben", skills={"english": 1}),
    Agent("cleo", skills={"english": 2, "spanish": 3, "tech": 1}, capacity=2),
    Agent("dora", skills={"spanish": 1, "english": 3}, queues=("general",)),
    Agent("emil", skills={"tech": 3}),
]
_SKILLS = st.dictionaries(st.sampled_from(["english", "spanish", "tech"]), st.integers(1, 3), max_size=2)


class Histories(RuleBasedStateMachine):
    client: redis.Redis

    def __init__(self) -> None:
        super().__init__()
        self.hall: Hall | None = None
        self.tokens: list[str] = []
        self.calls = 0
        self.drained = True
        self.vanished_as: dict[str, tuple[AgentState, str | None]] = {}

    @precondition(lambda self: self.hall is None)
    @rule(
        order=st.sampled_from(CallerOrder), choice=st.sampled_from(AgentChoice), reserve=st.booleans(), wrap=st.sampled_from([0.0, 20.0]),
        overflow=st.booleans(),
    )  # fmt: skip
    def open(self, order: CallerOrder, choice: AgentChoice, reserve: bool, wrap: float, overflow: bool) -> None:
        policy = Policy("p", order, choice, starvation_seconds=40, ring_at_once=2)
        self.queues = [
            Queue("general", policy=policy, wrap_up_seconds=wrap, capacity=6, reserve=Reserve(1, 20) if reserve else None, share=2.0),
            Queue("tech", policy=policy, needs={"tech": 1}, delays=Delays(no_answer=0), target=Target(60),
                  overflow=(Overflow(30, ("general",)),) if overflow else ()),
        ]  # fmt: skip
        self.hall = Hall(self.client, list(AGENTS), self.queues)
        self.hall.sign_in("ana", "cleo")
        self.hall.board.match()

    @property
    def board(self):  # type: ignore[no-untyped-def]
        """Two processes take turns."""
        self.turn = not getattr(self, "turn", False)
        return self.hall.board if self.turn else self.hall.other  # type: ignore[union-attr]

    ready = precondition(lambda self: self.hall is not None)

    @ready
    @rule(
        queue=st.sampled_from(["general", "tech"]), needs=_SKILLS, preferred=_SKILLS, head=st.sampled_from([0.0, 10.0, 30.0]),
        ring=st.sampled_from([(), ((15.0, {}),), ((5.0, {"english": 1}), (25.0, {}))]), sticky=st.sampled_from([None, "ana", "dora"]),
    )  # fmt: skip
    def enter(self, queue, needs, preferred, head, ring, sticky):  # type: ignore[no-untyped-def]
        self.calls += 1
        call = WaitingCall(
            f"c{self.calls}", queue, self.hall.clock.now, needs=needs, preferred=preferred, rings=ring, head_start_seconds=head,
            sticky_agent=sticky, sticky_seconds=10.0 if sticky else 0.0, longest_wait_seconds=90,
        )  # fmt: skip
        self.last_call = call
        self.board.enter(call)
        self.drained = False

    @precondition(lambda self: self.calls > 0)
    @rule(back=st.booleans())
    def enter_again(self, back: bool) -> None:
        self.board.enter(self.last_call)
        self.drained = False

    @precondition(lambda self: self.calls > 0)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        self.board.leave(f"c{data.draw(st.integers(1, self.calls))}", "hung_up")
        self.drained = False

    @ready
    @rule()
    def match(self) -> None:
        self.tokens += [one.token for one in self.board.match()]
        self.drained = True

    @precondition(lambda self: self.tokens)
    @rule(data=st.data())
    def ringing(self, data: st.DataObject) -> None:
        self.board.ringing(data.draw(st.sampled_from(self.tokens)), "leg")

    @precondition(lambda self: self.tokens)
    @rule(data=st.data())
    def accept(self, data: st.DataObject) -> None:
        token = data.draw(st.sampled_from(self.tokens))
        first, again = self.board.accept(token), self.board.accept(token)
        assert first == again
        self.drained = False

    @precondition(lambda self: self.tokens)
    @rule(data=st.data(), result=st.sampled_from(OfferResult), accepted=st.booleans())
    def release(self, data: st.DataObject, result: OfferResult, accepted: bool) -> None:
        token = data.draw(st.sampled_from(self.tokens))
        self.board.release(token, result, accepted=accepted)
        assert self.board.release(token, result) is None
        self.drained = False

    @precondition(lambda self: self.calls > 0)
    @rule(data=st.data(), agent=st.sampled_from(AGENTS))
    def talk_ended(self, data: st.DataObject, agent: Agent) -> None:
        call = f"c{data.draw(st.integers(1, self.calls))}"
        self.board.talk_ended(agent.agent_id, call)
        assert self.board.talk_ended(agent.agent_id, call) is None
        self.drained = False

    @ready
    @rule(agent=st.sampled_from(AGENTS), stale=st.booleans())
    def wrap_up_done(self, agent: Agent, stale: bool) -> None:
        self.board.wrap_up_done(agent.agent_id, epoch=1 if stale else None)
        self.drained = False

    @ready
    @rule(
        agent=st.sampled_from(AGENTS),
        state=st.sampled_from([AgentState.AVAILABLE, AgentState.BREAK, AgentState.OFFLINE, "wrap_up_done"]),
    )
    def set_state(self, agent: Agent, state: str) -> None:
        try:
            now = self.board.set_state(agent.agent_id, state)
            assert not now.calls or state != "offline" or now.next_state is AgentState.OFFLINE
        except NotAllowed as refused:
            assert state == "wrap_up_done" and "wrap_up_done" not in refused.allowed
        self.drained = False

    @ready
    @rule(agent=st.sampled_from(AGENTS))
    def heartbeat(self, agent: Agent) -> None:
        before = self.board.agent(agent.agent_id)
        now = self.board.heartbeat(agent.agent_id)
        gone = AgentState.UNREACHABLE in (before.state, before.next_state)
        if gone and before.reason == "gone":  # back as before
            assert (now.next_state or (AgentState.AVAILABLE if now.calls else now.state), now.reason) == self.vanished_as[
                agent.agent_id
            ]
        else:
            assert gone is False or before.reason == "no heartbeat" or AgentState.UNREACHABLE in (now.state, now.next_state)
        self.drained = False

    @ready
    @rule(agent=st.sampled_from(AGENTS))
    def vanished(self, agent: Agent) -> None:
        before = self.board.agent(agent.agent_id)
        gone = self.board.vanished(agent.agent_id, "gone")
        assert self.board.vanished(agent.agent_id, "gone") == Swept()
        if gone.unreachable:
            settled = before.next_state or (AgentState.AVAILABLE if before.calls else before.state)
            self.vanished_as[agent.agent_id] = (settled, before.reason)
        self.drained = False

    @ready
    @rule(seconds=st.sampled_from([0.5, 3.0, 11.0, 25.0, 61.0]))
    def time_passes(self, seconds: float) -> None:
        self.hall.clock.pass_seconds(seconds)  # type: ignore[union-attr]

    @ready
    @rule()
    def sweep(self) -> None:
        swept = self.board.sweep()
        for call_id in (*swept.overdue, *swept.nobody):
            self.board.leave(call_id, "no_answer")
        self.drained = False

    @ready
    @rule(level=st.integers(0, 3))
    def reconfigure(self, level: int) -> None:
        """Ben's skills change while he may be anything."""
        agents = [
            agent if agent.agent_id != "ben" else Agent("ben", skills={"english": 1, "tech": level} if level else {})
            for agent in AGENTS
        ]
        for board in (self.hall.board, self.hall.other):  # type: ignore[union-attr]
            board.configure(agents, self.queues)
        self.drained = False

    def teardown(self) -> None:
        if self.hall is None:
            return
        check_invariants(self.client, self.hall.board, drained=self.drained)
        # Quiet: everybody goes home, and nothing is left but the configuration and what expires by itself.
        for agent in AGENTS:
            self.board.set_state(agent.agent_id, "offline")
        for number in range(1, self.calls + 1):
            self.board.leave(f"c{number}", "hung_up")
            for agent in AGENTS:
                self.board.talk_ended(agent.agent_id, f"c{number}")
        for agent in AGENTS:
            while self.board.wrap_up_done(agent.agent_id):
                pass
        self.hall.clock.pass_seconds(400)
        self.board.sweep()
        assert not self.board.match()
        check_invariants(self.client, self.hall.board, drained=True)
        prefix = self.hall.board.keys.prefix
        lasting = {"config", "agents", "signatures", "used", "staffed", "log"}
        for key in self.client.scan_iter(f"{prefix}*", count=1000):
            suffix = key[len(prefix) :] if isinstance(key, str) else key.decode()[len(prefix) :]
            if suffix not in lasting and not suffix.startswith(("agent:", "joined:")):
                assert self.client.ttl(key) > 0, f"{suffix} stays for ever"
        self.client.delete(*self.client.scan_iter(f"{prefix}*", count=1000))


def test_any_history_keeps_agents_callers_and_places(redis_client: redis.Redis) -> None:
    Histories.client = redis_client
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=40, stateful_step_count=40, deadline=None, derandomize=True, database=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
        ),
    )  # fmt: skip
