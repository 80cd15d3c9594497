"""config/queues.yaml: queues, policies, and the hours they keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ivr.configuration.model import Delays, Holidays, Hours, Override, Policy, Queue
from ivr.configuration.opening import read_holidays, read_hours, read_overrides
from ivr.configuration.reading import Table, root_table
from ivr.configuration.staff import levels
from ivr.language.problems import Findings
from ivr.language.values import Position

ORDERS = ("first_come", "priority_with_ageing", "strict_priority", "service_objective", "fixed_ratio")
CHOICES = ("longest_idle", "best_skill", "least_occupied", "least_flexible", "round_robin", "ring_all")
CALLBACK_MODES = ("agent_first", "customer_first")

SECONDS_PER_PRIORITY = 10.0
"""A point of priority, as flows give it, is a head start of so many seconds."""


@dataclass(frozen=True)
class Queues:
    """What the file holds."""

    timezone: str = "UTC"
    queues: Mapping[str, Queue] = field(default_factory=dict)
    hours: Mapping[str, Hours] = field(default_factory=dict)
    holidays: Holidays = field(default_factory=Holidays)
    overrides: tuple[Override, ...] = ()
    policies: Mapping[str, Policy] = field(default_factory=dict)
    needs_at: Mapping[str, Position] = field(default_factory=dict)
    policy_at: Mapping[str, Position] = field(default_factory=dict)


def read_queues(text: str, skills: Mapping[str, str], findings: Findings) -> Queues:
    """Everything about waiting."""
    root = root_table("queues.yaml", text, findings)
    root.required("timezone", "Add the line's time zone, such as timezone: Europe/London.")
    root.required("queues", "Add at least one queue.")
    timezone = root.read("timezone", _zone, "UTC", "a time zone such as Europe/London")
    hours = read_hours(root)
    policies = {"default": Policy("default")} | {name: _policy(name, table) for name, table in root.entries("policies", "policy")}
    entries = dict(root.entries("queues", "queue"))
    queues = {name: _queue(name, table, frozenset(entries), hours, policies, skills) for name, table in entries.items()}
    found = Queues(
        timezone,
        queues,
        hours,
        read_holidays(root.table("holidays")),
        read_overrides(root, frozenset(queues)),
        policies,
        {name: table.at("needs") for name, table in entries.items()},
        {name: table.at("policy") for name, table in entries.items()},
    )
    root.close()
    return found


def _zone(text: str) -> str | None:
    try:
        return ZoneInfo(text).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _policy(name: str, table: Table) -> Policy:
    policy = Policy(
        name,
        order=table.choice("order", ORDERS, "priority_with_ageing"),
        agent=table.choice("agent", CHOICES, "longest_idle"),
        starvation_seconds=table.duration("starvation", 300.0, 1.0, 86400.0),
        ring_at_once=table.whole("ring_at_once", 5, 1, 20),
    )
    table.close()
    return policy


def _queue(
    name: str,
    table: Table,
    queues: frozenset[str],
    hours: Mapping[str, Hours],
    policies: Mapping[str, Policy],
    skills: Mapping[str, str],
) -> Queue:
    table.required("title", "Add the title that supervisors see.")
    table.required("hours", f"Add when it is open, one of: {', '.join(hours) or 'a week under `hours:`'}.")
    target = table.table("target")
    delays = table.table("delays")
    reserve = table.table("reserve")
    plain = Delays()
    queue = Queue(
        name,
        title=table.text("title", name, most=80),
        hours=table.choice("hours", hours, "", "week of hours"),
        policy=table.choice("policy", policies, "default", "policy"),
        needs=levels(table, "needs", skills),
        target_seconds=target.duration("within", 20.0, 1.0, 3600.0) if target else 20.0,
        target_share=target.share("share", 0.8) if target else 0.8,
        ring_seconds=table.duration("ring", 18.0, 5.0, 60.0),
        wrap_up_seconds=table.duration("wrap_up", 30.0, 0.0, 3600.0),
        wrap_up_cap_seconds=table.duration("wrap_up_cap", 300.0, 0.0, 7200.0),
        delays=Delays(
            **{
                key: delays.duration(key, getattr(plain, key), 0.0, 3600.0)
                for key in ("no_answer", "rejected", "busy", "unreachable", "failed")
            }
        )
        if delays
        else plain,
        missed_after=table.whole("missed_after", 2, 1, 100),
        capacity=table.whole("capacity", 100, 1, 100_000),
        overflow=_overflow(name, table, queues),
        reserve_agents=reserve.whole("agents", 0, 0, 1000) if reserve else 0,
        reserve_head_start_seconds=reserve.number("from_priority", 0.0, 0.0, 1000.0) * SECONDS_PER_PRIORITY if reserve else 0.0,
        weight=table.number("weight", 1.0, 0.001, 1000.0),
        share=table.number("share", 1.0, 0.001, 1000.0),
        nobody_after_seconds=table.duration("nobody_after", 15.0, 0.0, 3600.0),
        callbacks=table.choice("callbacks", CALLBACK_MODES, "agent_first"),
    )
    for inner in (target, delays, reserve):
        if inner is not None:
            inner.close()
    if queue.wrap_up_cap_seconds < queue.wrap_up_seconds:
        table.problem(
            "wrap_up_cap" if table.has("wrap_up_cap") else "wrap_up", "wrong-value", "The wrap-up ends before it is over.",
            f"Let wrap_up_cap be at least {queue.wrap_up_seconds:g}s.",
        )  # fmt: skip
    table.close()
    return queue


def _overflow(name: str, table: Table, queues: frozenset[str]) -> tuple[tuple[float, tuple[str, ...]], ...]:
    found = []
    for block in table.items("overflow", f'overflow of queue "{name}"'):
        block.required("after", "Add after how long, such as after: 2m.")
        block.required("to", "Add the queues whose agents help, such as to: [technical].")
        after = block.duration("after", 120.0, 0.0, 7200.0)
        to = block.names("to", queues, "queue")
        if name in to:
            block.problem("to", "overflow-to-itself", f'The queue "{name}" overflows to itself.', "Name other queues.")
        block.close()
        found.append((after, tuple(queue for queue in to if queue != name)))
    return tuple(sorted(found))
