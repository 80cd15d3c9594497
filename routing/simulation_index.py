"""Who waits in front of which door and who is free behind it: the simulator's index, cast from the policy's openings.

A door is one opening of one queue's calls. The fixed part of every agent's standing at every door is computed once, so that an event
costs a few heap operations; the board's sorted sets in Redis are the same idea.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from routing.model import Agent, Queue
from routing.policies import Opening, clock_name, fixed_standing, openings, serves, starves_after
from routing.simulation_scenario import CallType, waiting_pattern


@dataclass(slots=True)
class Door:
    """One opening of one queue's calls: who waits in front of it, who is free behind it."""

    opening: Opening
    queue_index: int
    clock_name: str
    fixed: dict[int, float]  # agent -> the fixed part of the standing
    waiting: list[tuple[float, int]] = field(default_factory=list)  # (place, call)
    free: list[tuple[float, int, int]] = field(default_factory=list)  # (standing, agent, spell)
    free_count: int = 0


@dataclass(frozen=True, slots=True)
class Way:
    """How calls of one type wait: their doors, those that are open at once and those that open later."""

    call_type: CallType
    queue: Queue
    queue_index: int
    at_once: tuple[Door, ...]
    later: tuple[tuple[float, Door], ...]
    starves_after: float | None
    longest_wait_seconds: float


@dataclass(frozen=True)
class FloorPlan:
    """All doors, the doors of each agent, and the way of each kind of call."""

    doors: list[Door]
    agent_doors: list[list[Door]]
    ways: list[Way]


def plan_of(call_types: Sequence[CallType], queues: Mapping[str, Queue], agents: Sequence[Agent]) -> FloorPlan:
    """The floor plan; kinds of calls that wait alike share doors."""
    queue_names = list(queues)
    plan = FloorPlan([], [[] for _ in agents], [])
    known: dict[tuple[str, Opening], Door] = {}
    for call_type in call_types:
        queue = queues[call_type.queue]
        queue_index = queue_names.index(call_type.queue)
        timed = []
        for opening in openings(waiting_pattern(call_type), queues):
            timeless = replace(opening, after_seconds=0.0, why="")
            door = known.get((call_type.queue, timeless))
            if door is None:
                door = known[call_type.queue, timeless] = _door(timeless, queue, queue_index, agents)
                plan.doors.append(door)
                for index in door.fixed:
                    plan.agent_doors[index].append(door)
            timed.append((opening.after_seconds, door))
        plan.ways.append(
            Way(
                call_type=call_type,
                queue=queue,
                queue_index=queue_index,
                at_once=tuple(door for after_seconds, door in timed if after_seconds <= 0),
                later=tuple((after_seconds, door) for after_seconds, door in timed if after_seconds > 0),
                starves_after=starves_after(queue),
                longest_wait_seconds=call_type.longest_wait_seconds,
            )
        )
    return plan


def _door(opening: Opening, queue: Queue, queue_index: int, agents: Sequence[Agent]) -> Door:
    fixed = {index: fixed_standing(queue.policy, agent, opening) for index, agent in enumerate(agents) if serves(agent, opening)}
    return Door(opening, queue_index, clock_name(queue.policy), fixed)
