"""All files of the configuration folder together: reading, checks between files, and the names a flow may use."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from ivr.configuration.lines import read_numbers
from ivr.configuration.model import Agent, Configuration, Connector, Queue, TableSource
from ivr.configuration.queues import read_queues
from ivr.configuration.reading import root_table
from ivr.configuration.sharing import check_orders
from ivr.configuration.sources import read_sources
from ivr.configuration.staff import read_agents, read_skills
from ivr.language import names as flow_names
from ivr.language.problems import Findings
from ivr.language.source import Mapping as MappingNode
from ivr.language.source import decode
from ivr.language.values import Position

FILES = ("skills.yaml", "queues.yaml", "agents.yaml", "numbers.yaml", "connectors.yaml", "intents.yaml")
"""What is read here. Phrases, answers and reports have readers of their own."""

REQUIRED = ("skills.yaml", "queues.yaml", "agents.yaml", "numbers.yaml")
_SEVERITIES = {"queue-without-agents": "warning", "unused-argument": "warning", "mixed-orders": "warning"}


def load_configuration(folder: Path) -> Configuration:
    """The configuration of `folder`; what is wrong with it is in `problems`. A missing folder is a problem, too."""
    findings = Findings(_SEVERITIES)
    files = {}
    for name in FILES:
        path = folder / name
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            if name in REQUIRED:
                findings.add(
                    Position(name, 1, 1),
                    "missing-file",
                    f"There is no file {path}.",
                    "Write one; docs/configuration.md has an example.",
                )
            continue
        except OSError as error:
            findings.add(
                Position(name, 1, 1), "unreadable-file", f"{path} cannot be read: {error.strerror}.", "Mend its permissions."
            )
            continue
        text = decode(content, name, findings)
        if text is not None:
            files[name] = text
    return _read(files, findings, folder)


def read_configuration(files: Mapping[str, str]) -> Configuration:
    """The same from texts by file name; tables are not looked at."""
    return _read(files, Findings(_SEVERITIES), None)


def _read(files: Mapping[str, str], findings: Findings, folder: Path | None) -> Configuration:
    skills = read_skills(files.get("skills.yaml", "skills: {}"), findings)
    waiting = read_queues(files["queues.yaml"], skills, findings) if "queues.yaml" in files else None
    queues: Mapping[str, Queue] = waiting.queues if waiting else {}
    agents = read_agents(files["agents.yaml"], skills, queues, findings) if "agents.yaml" in files else {}
    if waiting is not None and agents:
        for queue in queues.values():
            _check_served(queue, waiting.needs_at[queue.queue_id], agents, findings)
        check_orders(queues, waiting.policies, agents, waiting.policy_at, findings)
    numbers = read_numbers(files["numbers.yaml"], findings) if "numbers.yaml" in files else None
    sources = read_sources(files["connectors.yaml"], findings) if "connectors.yaml" in files else None
    if sources is not None and folder is not None:
        for name, connector in sources.connectors.items():
            _check_table(connector, sources.places[name], folder, findings)
    digest = hashlib.sha256()
    for name, text in sorted(files.items()):
        digest.update(f"{name}\0{len(text)}\0{text}".encode())
    empty = Configuration()
    return Configuration(
        timezone=waiting.timezone if waiting else empty.timezone,
        skills=skills,
        agents=agents,
        queues=queues,
        hours=waiting.hours if waiting else {},
        holidays=waiting.holidays if waiting else empty.holidays,
        overrides=waiting.overrides if waiting else (),
        policies=waiting.policies if waiting else {},
        numbers=numbers or empty.numbers,
        connectors=sources.connectors if sources else {},
        facts=sources.facts if sources else {},
        identification=sources.identification if sources else empty.identification,
        intents=_intents(files.get("intents.yaml")),
        content_hash=digest.hexdigest(),
        problems=findings.sorted(),
    )


def _intents(text: str | None) -> tuple[str, ...]:
    """The names alone: what else is in config/intents.yaml is checked by `ivr intents lint`."""
    if text is None:
        return ()
    node = root_table("intents.yaml", text, Findings()).node.get("intents")
    return tuple(node.keys()) if isinstance(node, MappingNode) else ()


def _check_served(queue: Queue, at: Position, agents: Mapping[str, Agent], findings: Findings) -> None:
    """A queue whose needs no agent meets would let callers wait for nobody."""

    def meets(agent: Agent) -> bool:
        return all(agent.skills.get(skill, 0) >= level for skill, level in queue.needs.items())

    if queue.needs and not any(meets(agent) for agent in agents.values()):
        needs = ", ".join(f"{skill} {level}" for skill, level in queue.needs.items())
        findings.add(
            at,
            "nobody-has-skill",
            f'No agent meets the needs of queue "{queue.queue_id}": {needs}.',
            "Lower them, or teach somebody.",
        )
    elif not any(meets(agent) and (not agent.queues or queue.queue_id in agent.queues) for agent in agents.values()):
        findings.add(at, "queue-without-agents", f'No agent serves queue "{queue.queue_id}".', "Add it to an agent's `queues`.")


def _check_table(connector: Connector, at: Position, folder: Path, findings: Findings) -> None:
    """A table that is not there, or lacks a column, fails when a caller is on the line: say it now."""
    if not isinstance(connector.source, TableSource) or not connector.source.path:
        return
    path = folder / connector.source.path
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = file.readline(10_000)
    except (OSError, UnicodeDecodeError):
        findings.add(
            at,
            "missing-file",
            f"The table {connector.source.path} cannot be read.",
            "Put a CSV file there, saved as UTF-8, with the names of the columns first.",
        )
        return
    columns = {column.strip().strip('"') for column in header.split(",")}
    wanted = {*connector.find.values(), *connector.fields, *([connector.source.latest] if connector.source.latest else [])}
    for column in sorted(wanted - columns):
        findings.add(
            at, "unknown-column", f'{connector.source.path} has no column "{column}".', f"It has: {', '.join(sorted(columns))}."
        )


def names_of(configuration: Configuration) -> flow_names.Names:
    """What a flow may name. Intents are not checked where config/intents.yaml is missing."""
    facts = {name: dict(configuration.connectors[fact.connector].fields) for name, fact in configuration.facts.items()}
    account = configuration.identification.account.partition(".")[0]
    if account in facts:
        facts[account]["identified"] = "yes_no"  # what the step `identify` sets
    return flow_names.Names(
        queues=frozenset(configuration.queues),
        skills=frozenset(configuration.skills),
        agents_skills=tuple(agent.skills for agent in configuration.agents.values()),
        intents=frozenset(configuration.intents) or None,
        connectors={
            name: flow_names.Connector(tuple(connector.find), connector.fields)
            for name, connector in configuration.connectors.items()
            if not connector.private
        },
        facts=facts,
        directory=frozenset(configuration.numbers.directory),
    )
