"""Queues that share agents have to be comparable: an agent who comes free takes the most urgent caller of all of them."""

from __future__ import annotations

from collections.abc import Mapping

from ivr.configuration.model import Agent, Policy, Queue
from ivr.language.problems import Findings
from ivr.language.values import Position

_MEASURES = {
    "first_come": "seconds of waiting",
    "priority_with_ageing": "seconds of waiting",
    "strict_priority": "priority before any wait",
    "service_objective": "waiting as a share of the target",
    "fixed_ratio": "callers too many",
}
"""What urgency is measured in, by order of callers."""


def check_orders(
    queues: Mapping[str, Queue],
    policies: Mapping[str, Policy],
    agents: Mapping[str, Agent],
    at: Mapping[str, Position],
    findings: Findings,
) -> None:
    """Warn where an agent serves two queues whose urgencies are measured differently: one of them would win for no reason."""
    names = list(queues)
    for number, later in enumerate(names):
        for earlier in names[:number]:
            first, second = _order(queues[earlier], policies), _order(queues[later], policies)
            if _MEASURES[first] == _MEASURES[second]:
                continue
            shared = sorted(
                name for name, agent in agents.items() if _serves(agent, queues[earlier]) and _serves(agent, queues[later])
            )
            if shared:
                findings.add(
                    at[later],
                    "mixed-orders",
                    f'The queues "{earlier}" ({first}) and "{later}" ({second}) share agents, such as {shared[0]}, but measure urgency '
                    f"differently: {_MEASURES[first]}, and {_MEASURES[second]}.",
                    "Give both the same order, or give their agents separate `queues`.",
                )
                break  # one is enough to show which queue does not fit


def _order(queue: Queue, policies: Mapping[str, Policy]) -> str:
    policy = policies.get(queue.policy)
    return policy.order if policy else Policy("default").order


def _serves(agent: Agent, queue: Queue) -> bool:
    if agent.queues and queue.queue_id not in agent.queues:
        return False
    return all(agent.skills.get(skill, 0) >= level for skill, level in queue.needs.items())
