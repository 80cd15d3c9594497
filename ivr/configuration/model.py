"""What config/*.yaml becomes once read: plain values, no file, no clock.

Names keep the words of the files. Durations are seconds, shares 0..1, levels 1 basic, 2 good, 3 expert; times of
day are wall-clock times of the line's time zone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from typing import Any

from ivr.language.problems import Problem

Spans = tuple[
    tuple[time, time], ...
]  # (from, until) of a day, ascending; until 00:00 is midnight at its end; () is closed all day


@dataclass(frozen=True)
class Agent:
    """Somebody who answers. `address` is client:NAME, sip:… or E.164; `queues` limits the queues served (empty: by skills alone)."""

    agent_id: str
    name: str
    address: str
    team: str
    skills: Mapping[str, int]
    capacity: int = 1
    queues: tuple[str, ...] = ()


@dataclass(frozen=True)
class Hours:
    """A week by name: `week[0]` is Monday. `open_on_holidays`: holidays change nothing."""

    name: str
    week: tuple[Spans, ...]
    open_on_holidays: bool = False


@dataclass(frozen=True)
class Holidays:
    """Public holidays of `country` (ISO 3166) are closed; `dates` says otherwise for single days."""

    country: str | None = None
    subdivision: str | None = None
    dates: Mapping[date, Spans] = field(default_factory=dict)


@dataclass(frozen=True)
class Override:
    """For one queue (None: all) these `spans` replace the hours on the days `first`..`last`, both included."""

    queue: str | None
    first: date
    last: date
    spans: Spans = ()
    reason: str = ""


@dataclass(frozen=True)
class Policy:
    """How waiting callers are ordered and an agent is chosen (docs/routing.md has the words)."""

    name: str
    order: str = "priority_with_ageing"
    agent: str = "longest_idle"
    starvation_seconds: float = 300.0
    ring_at_once: int = 5


@dataclass(frozen=True)
class Delays:
    """How long an agent is left alone after an offer that came to nothing, in seconds."""

    no_answer: float = 10.0
    rejected: float = 10.0
    busy: float = 20.0
    unreachable: float = 60.0
    failed: float = 10.0


@dataclass(frozen=True)
class Queue:
    """Where callers wait. `reserve_agents` are held back for callers with at least this head start."""

    queue_id: str
    title: str
    hours: str
    policy: str
    needs: Mapping[str, int] = field(default_factory=dict)
    target_seconds: float = 20.0
    target_share: float = 0.8
    ring_seconds: float = 18.0
    wrap_up_seconds: float = 30.0
    wrap_up_cap_seconds: float = 300.0
    delays: Delays = Delays()
    missed_after: int = 2
    capacity: int = 100
    overflow: tuple[tuple[float, tuple[str, ...]], ...] = ()  # (after so many seconds, agents of these queues too)
    reserve_agents: int = 0
    reserve_head_start_seconds: float = 0.0
    weight: float = 1.0
    share: float = 1.0
    nobody_after_seconds: float = 15.0
    callbacks: str = "agent_first"  # whose phone rings first: agent_first | customer_first


@dataclass(frozen=True)
class Line:
    """A number that callers dial: the flow it starts and the language it speaks first."""

    number: str
    flow: str
    language: str | None = None
    title: str = ""


@dataclass(frozen=True)
class Contact:
    """An entry of the directory: somebody outside whom `transfer` may ring."""

    name: str
    number: str
    title: str = ""


@dataclass(frozen=True)
class CallbackRules:
    """Which numbers may be rung back, and how often; see `ivr.numbers.callback_number`."""

    regions: tuple[str, ...] = ()
    types: tuple[str, ...] = ("fixed_line", "mobile", "fixed_line_or_mobile")
    allowed_prefixes: tuple[str, ...] = ()  # allowed although the numbering plan does not list them
    refused_prefixes: tuple[str, ...] = ()
    caller_id_only: bool = True
    open_per_number: int = 1
    per_number_per_day: int = 3
    per_hour: int = 200


@dataclass(frozen=True)
class Numbers:
    """config/numbers.yaml: lines by number, numbers of many people, directory, callback rules."""

    home_region: str = "GB"
    lines: Mapping[str, Line] = field(default_factory=dict)
    shared: Mapping[str, str] = field(default_factory=dict)
    directory: Mapping[str, Contact] = field(default_factory=dict)
    callbacks: CallbackRules = CallbackRules()


@dataclass(frozen=True)
class TableSource:
    """A CSV file of the configuration folder. `latest`: of several rows, the one with the greatest value of this column."""

    path: str
    latest: str | None = None


@dataclass(frozen=True)
class SqlSource:
    """One SELECT with :arguments against the database whose SQLAlchemy URL is in the environment under `database`."""

    database: str
    query: str


@dataclass(frozen=True)
class HttpSource:
    """An HTTP service. `{argument}` stands in `url`, `query` and `body`; `headers` name environment settings as `${NAME}`.

    `read` maps a field to its dotted place in the JSON answer. `networks`: private networks (CIDR) that an administrator allows.
    """

    url: str
    method: str = "GET"
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, str] = field(default_factory=dict)
    read: Mapping[str, str] = field(default_factory=dict)
    not_found_on: tuple[int, ...] = (404,)
    networks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Breaker:
    """After `failures` in a row the source is left alone for `rest_seconds`, then tried once."""

    failures: int = 3
    rest_seconds: float = 15.0


@dataclass(frozen=True)
class Connector:
    """A place to ask. `find` maps an argument to a column (tables) or to itself; `fields` maps a field to its type."""

    name: str
    title: str
    source: TableSource | SqlSource | HttpSource
    find: Mapping[str, str]
    fields: Mapping[str, str]
    cache_seconds: float = 0.0
    within_seconds: float = 1.0
    breaker: Breaker = Breaker()
    private: bool = False


@dataclass(frozen=True)
class FactSource:
    """A fact fetched when a call arrives. `arguments` maps an argument to `fact.field`; `otherwise` stands in for a missing answer."""

    fact: str
    connector: str
    arguments: Mapping[str, str]
    within_seconds: float = 0.5
    otherwise: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Proof:
    """How a method of identification is checked: a field of what a connector finds, hashed, or equal to a fact's field."""

    connector: str
    arguments: Mapping[str, str]
    field: str
    equals: str | None = None


@dataclass(frozen=True)
class Tries:
    """How often identification may fail before it is locked."""

    per_call: int = 3
    per_caller_per_hour: int = 5
    per_account_per_hour: int = 5
    lock_seconds: float = 900.0


@dataclass(frozen=True)
class Identification:
    """Step-up identification; `account` is the fact whose value names the account."""

    account: str = "customer.id"
    pin: Proof | None = None
    order_number: Proof | None = None
    tries: Tries = Tries()


@dataclass(frozen=True)
class Configuration:
    """All of config/ that calls need. `content_hash` changes with every byte of the files read."""

    timezone: str = "UTC"
    skills: Mapping[str, str] = field(default_factory=dict)
    agents: Mapping[str, Agent] = field(default_factory=dict)
    queues: Mapping[str, Queue] = field(default_factory=dict)
    hours: Mapping[str, Hours] = field(default_factory=dict)
    holidays: Holidays = Holidays()
    overrides: tuple[Override, ...] = ()
    policies: Mapping[str, Policy] = field(default_factory=dict)
    numbers: Numbers = Numbers()
    connectors: Mapping[str, Connector] = field(default_factory=dict)
    facts: Mapping[str, FactSource] = field(default_factory=dict)
    identification: Identification = Identification()
    intents: tuple[str, ...] = ()
    content_hash: str = ""
    problems: tuple[Problem, ...] = ()

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that forbid using it; the others are warnings."""
        return tuple(problem for problem in self.problems if problem.severity == "error")
