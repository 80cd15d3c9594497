"""What is simulated is what will happen: the live board, driven through the same hour, connects the same calls to the same agents."""

from __future__ import annotations

import heapq
from dataclasses import replace

import pytest
import redis

from routing.board import Board
from routing.model import AgentChoice, AgentState, CallerOrder, Policy
from routing.policies import openings
from routing.simulation import Outcome, simulate
from routing.simulation_draws import Callers
from routing.simulation_scenario import Scenario, Shift, waiting_pattern

from .busy import busy_hour

START = 1_800_000_000.0
ENDS, WIDENS, HANGS_UP, ARRIVES = range(4)


def played_live(client: redis.Redis, scenario: Scenario, callers: Callers) -> dict[int, tuple[str, float]]:
    """call -> (agent, when connected), decided by the board; every offer is accepted at once and wrap-up takes no time."""
    now = [START]
    board = Board(client, "live", lambda: now[0])
    agents = [agent for crew in scenario.crews for agent in crew.agents()]
    board.configure(agents, scenario.queues.values())
    for agent in agents:
        board.set_state(agent.agent_id, AgentState.AVAILABLE)
    events: list[tuple[float, int, int, str]] = [(at, ARRIVES, call, "") for call, at in enumerate(callers.arrived_at)]
    heapq.heapify(events)
    connected: dict[int, tuple[str, float]] = {}
    while events:
        at, kind, call, agent_id = heapq.heappop(events)
        now[0] = START + at
        if kind == ARRIVES:
            call_type = scenario.call_types[callers.type_index[call]]
            waiting = replace(waiting_pattern(call_type, START + at), call_id=f"call{call:04d}")
            assert board.enter(waiting).accepted
            heapq.heappush(events, (at + callers.patience_seconds[call], HANGS_UP, call, ""))
            for way in openings(waiting, scenario.queues):
                if way.after_seconds > 0:
                    heapq.heappush(events, (at + way.after_seconds, WIDENS, call, ""))
        elif kind == HANGS_UP and call not in connected:
            board.leave(f"call{call:04d}", "hung_up")
        elif kind == ENDS:
            board.talk_ended(agent_id, f"call{call:04d}")
            board.wrap_up_done(agent_id)
        elif kind == WIDENS:
            board.sweep()
        for offer in board.match():
            matched = int(offer.call_id.removeprefix("call"))
            assert board.accept(offer.token) is not None
            board.leave(offer.call_id, "answered")
            connected[matched] = offer.agent_id, at
            heapq.heappush(events, (at + callers.handling_seconds[matched], ENDS, matched, offer.agent_id))
    return connected


@pytest.mark.parametrize(
    ("order", "choice"),
    [
        (CallerOrder.FIRST_COME, AgentChoice.LONGEST_IDLE),
        (CallerOrder.PRIORITY_WITH_AGEING, AgentChoice.BEST_SKILL),
        (CallerOrder.SERVICE_OBJECTIVE, AgentChoice.LEAST_FLEXIBLE),
    ],
)
def test_the_live_board_connects_the_same(redis_client: redis.Redis, order: CallerOrder, choice: AgentChoice) -> None:
    scenario = busy_hour(seed=21)
    queues = {
        name: replace(queue, policy=Policy("tested", order, choice), wrap_up_seconds=0.0, nobody_after_seconds=1e6)
        for name, queue in scenario.queues.items()
    }
    crews = tuple(replace(crew, shifts=(Shift(0, 1e6),)) for crew in scenario.crews)
    scenario = replace(scenario, queues=queues, crews=crews)
    day = simulate(scenario)
    simulated = {
        call: (day.agents[day.agent_index[call]].agent_id, day.callers.arrived_at[call] + day.waited_seconds[call])
        for call, outcome in enumerate(day.outcome.tolist())
        if outcome == Outcome.ANSWERED
    }
    live = played_live(redis_client, scenario, day.callers)
    assert len(simulated) > 90
    assert {call: agent for call, (agent, _) in live.items()} == {call: agent for call, (agent, _) in simulated.items()}
    assert all(abs(live[call][1] - at) < 1e-3 for call, (_, at) in simulated.items())
