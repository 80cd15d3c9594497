"""config/skills.yaml and config/agents.yaml."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from ivr.configuration.model import Agent
from ivr.configuration.reading import Table, root_table, whole_of
from ivr.language.problems import Findings, quoted
from ivr.language.source import Mapping as MappingNode
from ivr.language.source import Text, what

LEVELS = {"basic": 1, "good": 2, "expert": 3}
_ADDRESS = re.compile(r"client:[A-Za-z0-9_.-]{1,64}|sip:[A-Za-z0-9_.+-]{1,64}@[A-Za-z0-9.-]{1,200}|\+[1-9][0-9]{6,14}")


def read_skills(text: str, findings: Findings) -> dict[str, str]:
    """Skill → what it means. A skill without a meaning is called by its own name."""
    root = root_table("skills.yaml", text, findings)
    skills = root.mapping("skills")
    root.required("skills", "Add at least one skill, such as english: Speaks English.")
    root.close()
    return {name: title or name for name, title in skills.items()}


def read_agents(text: str, skills: Mapping[str, str], queues: Collection[str], findings: Findings) -> dict[str, Agent]:
    """Agents by id."""
    root = root_table("agents.yaml", text, findings)
    agents = {}
    rung: dict[str, str] = {}
    for agent_id, table in root.entries("agents", "agent"):
        table.required("name", "Add the name that supervisors see.")
        table.required("address", "Add where the agent is rung: client:NAME or a number such as +442079460021.")
        table.required("skills", "Add the agent's skills, such as skills: {english: expert}.")
        address = table.text("address")
        if address and not _ADDRESS.fullmatch(address):
            table.problem(
                "address",
                "wrong-address",
                f"{quoted(address)} is no address.",
                "Write client:NAME, sip:NAME@HOST or a number such as +442079460021.",
            )
            address = ""
        elif address in rung:
            table.problem(
                "address",
                "address-twice",
                f"{quoted(address)} is the address of {rung[address]} already.",
                "Give each agent one of their own.",
            )
        rung.setdefault(address, agent_id)
        agents[agent_id] = Agent(
            agent_id,
            name=table.text("name", agent_id, most=80),
            address=address,
            team=table.text("team", most=80),
            skills=levels(table, "skills", skills),
            capacity=table.whole("capacity", 1, 1, 10),
            queues=table.names("queues", queues, "queue"),
        )
        table.close()
    root.required("agents", "Add at least one agent.")
    root.close()
    return agents


def levels(table: Table, key: str, skills: Mapping[str, str]) -> dict[str, int]:
    """Skills with levels below `key`, e.g. `{english: expert, technical: 2}`."""
    table.taken.add(key)
    node = table.node.get(key)
    if node is None:
        return {}
    if not isinstance(node, MappingNode):
        table.problem(
            key,
            "wrong-value",
            f'"{key}" is {what(node)}.',
            "Write skills with their levels, such as {english: expert, technical: 2}.",
        )
        return {}
    found: dict[str, int] = {}
    for entry in node:
        if entry.key.value not in skills:
            table.unknown(entry.key, "skill", skills)
        elif isinstance(entry.value, Text) and (level := LEVELS.get(entry.value.value) or whole_of(entry.value.value)) in (
            1,
            2,
            3,
        ):
            found[entry.key.value] = int(level or 0)
        else:
            table.findings.add(
                entry.value.at,
                "wrong-level",
                f"{what(entry.value)} is no level.".capitalize(),
                "Write 1, 2, 3 or basic, good, expert.",
            )
    return found
