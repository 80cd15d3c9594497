"""An hour that is short of agents, with skills, rings and overflow, but nobody held back."""

from __future__ import annotations

from routing.model import Agent, Overflow, Queue
from routing.simulation_scenario import CallType, Crew, Exponential, Rate, Scenario, Shift


def busy_hour(seed: int) -> Scenario:
    """Two queues, three crews, 150 calls."""
    queues = {"care": Queue("care", overflow=(Overflow(40.0, ("bills",)),)), "bills": Queue("bills")}
    calls = (
        CallType("care", "care", (Rate(0, 3600, 80),), Exponential(150), Exponential(180), needs={"english": 2}),
        CallType(
            "bills", "bills", (Rate(0, 3600, 70),), Exponential(120), Exponential(120), needs={"billing": 2},
            rings=((25.0, {"billing": 1}),), head_start_seconds=15.0,
        ),
    )  # fmt: skip
    crews = (
        Crew(Agent("ann", skills={"english": 3}), 2, (Shift(0, 2000), Shift(2400, 5000))),
        Crew(Agent("bob", skills={"billing": 3, "english": 1}), 2, (Shift(0, 5000),)),
        Crew(Agent("cleo", skills={"billing": 1, "english": 2}), 1, (Shift(300, 5000),)),
    )
    return Scenario("busy", 0, 3600, calls, crews, queues, seed=seed)
