"""Scenarios of `ivr simulate` as YAML files, read with positions and written back. docs/simulation.md explains every setting."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from ivr.configuration.queues import CHOICES, ORDERS
from ivr.configuration.reading import Table, float_of, root_table, seconds_of
from ivr.configuration.staff import levels
from ivr.language.problems import Findings, quoted
from ivr.language.source import Entry, Sequence, Text, what
from ivr.language.source import Mapping as MappingNode
from routing.model import Agent, AgentChoice, CallerOrder, Overflow, Policy, Queue, Reserve, Target
from routing.policies import openings, serves
from routing.simulation_scenario import (
    CallType,
    Crew,
    Empirical,
    Exponential,
    Fixed,
    LogNormal,
    Rate,
    Scenario,
    Shift,
    Spread,
    waiting_pattern,
)

_SPAN = re.compile(r"\s*(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})\s*")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})")
_SPREADS = ("exponential", "log_normal", "measured", "always")
_UNLIMITED = 1_000_000_000
MOST_CALLS = 2_000_000
MOST_AGENTS = 20_000


def read_scenario(file: str, text: str, findings: Findings, skills: Mapping[str, str] | None = None) -> Scenario:
    """The scenario in `text`. What is wrong goes to `findings`; with errors there the result is not fit to be simulated.

    `skills`: those of the configuration, which agents may have though no call of the scenario needs them.
    """
    root = root_table(file, text, findings)
    root.required("title", "Add a title, such as title: A usual Monday.")
    root.required("calls", "Add at least one kind of call.")
    root.required("agents", "Add at least one group of agents.")
    day = root.table("day", "day")
    from_seconds, to_seconds = 0.0, 86400.0
    if day is not None:
        from_seconds = day.read("from", clock_seconds, 0.0, "a time of day such as 08:00")
        to_seconds = day.read("to", clock_seconds, 86400.0, "a time of day such as 20:00")
        if to_seconds <= from_seconds:
            day.problem(
                "to", "ends-before-start", "The day ends before it starts.", "Past midnight count on: 26:00 is two o'clock."
            )
            to_seconds = from_seconds + 3600
        day.close()
    needable, haveable = _skills(root, skills)
    policies = {"default": Policy()} | {name: _policy(name, table) for name, table in root.entries("policies", "policy")}
    queue_tables = dict(root.entries("queues", "queue"))
    call_tables = dict(root.entries("calls", "kind of call"))
    names = [*queue_tables, *(name for name in call_tables if name not in queue_tables and not call_tables[name].has("queue"))]
    queues = {name: _queue(name, queue_tables.get(name), names, policies, needable) for name in names}
    crews = tuple(
        _crew(name, table, haveable, names, (from_seconds, to_seconds))
        for name, table in root.entries("agents", "group of agents")
    )
    calls = tuple(_calls(name, table, needable, queues, (from_seconds, to_seconds)) for name, table in call_tables.items())
    scenario = Scenario(
        title=root.text("title", file, most=120),
        from_seconds=from_seconds,
        to_seconds=to_seconds,
        call_types=calls,
        crews=crews,
        queues=queues,
        lines=root.whole("lines", 0, 1, 1_000_000) if root.has("lines") else None,
        ring_seconds=root.duration("ring", 0.0, 0.0, 120.0),
        warm_up_seconds=root.duration("warm_up", 0.0, 0.0, to_seconds - from_seconds),
        replications=root.whole("replications", 10, 1, 1000),
        seed=root.whole("seed", 1, 0, 2**31),
    )
    root.close()
    _check(scenario, root, call_tables)
    return scenario


def clock_seconds(text: str) -> float | None:
    """`08:30` → 30600.0; hours may count on past midnight, to 48:00."""
    match = _CLOCK.fullmatch(text.strip())
    if match is None or int(match[1]) > 48 or int(match[2]) > 59:
        return None
    return int(match[1]) * 3600.0 + int(match[2]) * 60.0


def span_seconds(text: str) -> tuple[float, float] | None:
    """`08:30-12:00` → (30600.0, 43200.0); the end may lie before the start: that is for the caller to tell."""
    match = _SPAN.fullmatch(text)
    if match is None:
        return None
    start, end = clock_seconds(f"{match[1]}:{match[2]}"), clock_seconds(f"{match[3]}:{match[4]}")
    return None if start is None or end is None else (start, end)


def _skills(root: Table, configured: Mapping[str, str] | None) -> tuple[dict[str, str], dict[str, str]]:
    """The skills that calls may need, and those that agents may have.

    Both are those listed under `skills:`. Without a list, calls may need what some agent has, agents may have what some call or
    queue needs, and both may name what the configuration knows: a skill that stands on one side only is misspelled.
    """
    listed = {item.value: item.value for item in root.texts("skills")}
    if listed:
        return listed, listed
    found = dict(configured or {})
    had = found | dict.fromkeys(
        (name for entry in _entries(root, "agents") for name in _named_skills(entry.value, ("skills",))), ""
    )
    blocks = [entry.value for key in ("calls", "queues") for entry in _entries(root, key)]
    needed = found | dict.fromkeys((name for block in blocks for name in _named_skills(block, ("needs", "preferred"))), "")
    return had, needed


def _entries(root: Table, key: str) -> tuple[Entry, ...]:
    blocks = root.node.get(key)
    return blocks.entries if isinstance(blocks, MappingNode) else ()


def _named_skills(block: object, keys: tuple[str, ...]) -> list[str]:
    if not isinstance(block, MappingNode):
        return []
    relax = block.get("relax")
    holders = [block, *(relax.items if isinstance(relax, Sequence) else ())]
    maps = [holder.get(key) for holder in holders if isinstance(holder, MappingNode) for key in keys]
    return [entry.key.value for needs in maps if isinstance(needs, MappingNode) for entry in needs]


def _policy(name: str, table: Table) -> Policy:
    policy = Policy(
        name,
        order=CallerOrder(table.choice("order", ORDERS, "priority_with_ageing")),
        agent=AgentChoice(table.choice("agent", CHOICES, "longest_idle")),
        starvation_seconds=table.duration("starvation", 300.0, 1.0, 86400.0),
    )
    table.close()
    return policy


def _queue(
    name: str, table: Table | None, names: Collection[str], policies: Mapping[str, Policy], skills: Mapping[str, str]
) -> Queue:
    if table is None:
        return Queue(name, capacity=_UNLIMITED, policy=policies["default"])
    target, reserve = table.table("target"), table.table("reserve")
    queue = Queue(
        name,
        title=table.text("title", name, most=80),
        policy=policies[table.choice("policy", policies, "default", "policy")],
        needs=levels(table, "needs", skills),
        target=Target(target.duration("within", 20.0, 1.0, 3600.0), target.share("share", 0.8)) if target else Target(),
        capacity=table.whole("capacity", _UNLIMITED, 1, _UNLIMITED),
        overflow=_overflow(name, table, names),
        reserve=Reserve(reserve.whole("agents", 1, 1, 1000), reserve.duration("for_head_start", 1.0)) if reserve else None,
        weight=table.number("weight", 1.0, 0.001, 1000.0),
        share=table.number("share", 1.0, 0.001, 1000.0),
    )
    for inner in (target, reserve, table):
        if inner is not None:
            inner.close()
    return queue


def _overflow(name: str, table: Table, names: Collection[str]) -> tuple[Overflow, ...]:
    found = []
    for block in table.items("overflow", f'overflow of queue "{name}"'):
        after_seconds = block.duration("after", 120.0, 0.0, 7200.0)
        found.append(Overflow(after_seconds, block.names("to", [other for other in names if other != name], "other queue")))
        block.close()
    return tuple(found)


def _crew(name: str, table: Table, skills: Mapping[str, str], queues: Collection[str], day: tuple[float, float]) -> Crew:
    shifts = []
    for key in ("shift", "shifts"):
        for item in table.texts(key):
            span = span_seconds(item.value)
            if span is None:
                table.findings.add(
                    item.at, "wrong-value", f"{quoted(item.value)} is no shift.", "Write from when to when: 08:00-16:30.",
                    length=len(item.value),
                )  # fmt: skip
            elif span[1] <= span[0]:
                past = f"{int(span[1] // 3600) + 24}:{int(span[1] % 3600 // 60):02d}"
                table.findings.add(
                    item.at, "ends-before-start", f"The shift {item.value} ends before it starts.",
                    f"A shift past midnight counts on: {item.value.split('-')[0].strip()}-{past}.", length=len(item.value),
                )  # fmt: skip
            else:
                shifts.append(Shift(*span))
    crew = Crew(
        Agent(name, skills=levels(table, "skills", skills), queues=table.names("queues", queues, "queue")),
        table.whole("count", 1, 1, MOST_AGENTS),
        tuple(shifts) or (Shift(*day),),
    )
    table.close()
    return crew


def _calls(name: str, table: Table, skills: Mapping[str, str], queues: Mapping[str, Queue], day: tuple[float, float]) -> CallType:
    table.required("arrivals", 'Add how many calls come in an hour, such as arrivals: 60 or arrivals: {"08:00-12:00": 60}.')
    table.required("handling", "Add how long a call takes, such as handling: {log_normal: 4m, deviation: 3m}.")
    rings = []
    for block in table.items("relax", f'relaxation of calls "{name}"'):
        block.required("after", "Add after how long, such as after: 20s.")
        rings.append((block.duration("after", 20.0, 0.0, 7200.0), levels(block, "needs", skills)))
        block.close()
    patience = None if table.has("patience") and _says(table, "patience", "never") else _spread(table, "patience")
    call_type = CallType(
        name,
        queue=table.choice("queue", queues, name, "queue"),
        arrivals=_arrivals(table, day),
        handling=_spread(table, "handling") or Fixed(180.0),
        patience=patience,
        needs=levels(table, "needs", skills),
        preferred=levels(table, "preferred", skills),
        rings=tuple(sorted(rings, key=lambda ring: ring[0])),
        head_start_seconds=table.duration("head_start", 0.0, 0.0, 86400.0),
        longest_wait_seconds=table.duration("longest_wait", float("inf"), 1.0, float("inf")),
    )
    table.close()
    return call_type


def _says(table: Table, key: str, word: str) -> bool:
    node = table.node.get(key)
    table.taken.add(key)
    return isinstance(node, Text) and node.value == word


def _arrivals(table: Table, day: tuple[float, float]) -> tuple[Rate, ...]:
    node = table.node.get("arrivals")
    if isinstance(node, Text):
        return (Rate(*day, table.number("arrivals", 0.0, 0.0, 1e6)),)
    rates: list[Rate] = []
    spans = table.table("arrivals")
    for entry in spans.node if spans is not None else ():
        span = span_seconds(entry.key.value)
        per_hour = float_of(entry.value.value) if isinstance(entry.value, Text) else None
        if span is None or span[1] <= span[0]:
            told = (
                f"{quoted(entry.key.value)} is no span of time." if span is None else f"{entry.key.value} ends before it starts."
            )
            rule = "wrong-value" if span is None else "ends-before-start"
            table.findings.add(entry.key.at, rule, told, 'Write it in quotes: "08:00-09:00": 60.', length=len(entry.key.value))
        elif per_hour is None or not 0 <= per_hour <= 1e6:
            table.findings.add(entry.value.at, "wrong-value", f"{what(entry.value)} is no number of calls an hour.".capitalize())
        elif any(span[0] < rate.to_seconds and rate.from_seconds < span[1] for rate in rates):
            table.findings.add(
                entry.key.at, "spans-overlap", f"{entry.key.value} overlaps another span.", "Let each minute belong to one.",
                length=len(entry.key.value),
            )  # fmt: skip
        else:
            rates.append(Rate(*span, per_hour))
    return tuple(rates)


def _spread(table: Table, key: str) -> Spread | None:
    """How long something takes: `4m` (always), `{exponential: 4m}`, `{log_normal: 4m, deviation: 3m}`, `{measured: [30s, ...]}`."""
    table.taken.add(key)
    node = table.node.get(key)
    if node is None:
        return None
    if isinstance(node, Text):
        return Fixed(table.duration(key, 180.0))
    block = table.table(key)
    if block is None:
        return None
    named = [word for word in _SPREADS if block.has(word)]
    if len(named) != 1:
        block.findings.add(
            node.at, "wrong-value", f'"{key}" has to say one of: {", ".join(_SPREADS)}.', "Such as {exponential: 4m}."
        )
        return None
    spread: Spread
    if named[0] == "measured":
        found = [seconds_of(item.value) for item in block.texts("measured")]
        points = sorted(seconds for seconds in found if seconds is not None)
        if len(points) < len(found) or not points:
            block.problem("measured", "wrong-value", "Measured times are lengths of time.", "Such as measured: [30s, 2m, 5m].")
            points = points or [180.0]
        spread = Empirical(tuple(points))
    elif named[0] == "log_normal":
        block.required("deviation", "Add the standard deviation, such as deviation: 3m.")
        spread = LogNormal(block.duration("log_normal", 180.0, 0.1), block.duration("deviation", 60.0, 0.001, 86400.0))
    elif named[0] == "exponential":
        spread = Exponential(block.duration("exponential", 180.0, 0.001))
    else:
        spread = Fixed(block.duration("always", 180.0))
    block.close()
    return spread


def _check(scenario: Scenario, root: Table, call_tables: Mapping[str, Table]) -> None:
    """What can only be told from the whole: too much of everything, calls that nobody can answer."""
    if scenario.expected_calls > MOST_CALLS:
        root.problem(
            "calls", "too-large", f"These are {scenario.expected_calls:,.0f} calls; at most {MOST_CALLS:,} are simulated."
        )
    agents = sum(crew.count for crew in scenario.crews)
    if agents > MOST_AGENTS:
        root.problem("agents", "too-large", f"These are {agents:,} agents; at most {MOST_AGENTS:,} are simulated.")
    for call_type in scenario.call_types:
        if call_type.queue not in scenario.queues:
            continue
        ways = openings(waiting_pattern(call_type), scenario.queues)
        if not any(serves(crew.agent, way) for crew in scenario.crews for way in ways):
            needed = ", ".join(f"{skill} {level}" for skill, level in ways[0].needs) or "serving its queue"
            table = call_tables[call_type.name]
            table.problem(
                "needs" if table.has("needs") else "queue",
                "nobody-meets",
                f'No agent can ever take calls "{call_type.name}" (needed: {needed}).',
                "Lower the needs, relax them after a while, or add agents.",
            )
