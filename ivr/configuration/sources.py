"""config/connectors.yaml: where facts about callers come from, and how callers prove who they are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ivr.configuration.connector import SLOWEST_SECONDS, read_connector
from ivr.configuration.model import (
    Connector,
    FactSource,
    Identification,
    Proof,
    Tries,
)
from ivr.configuration.reading import Table, root_table
from ivr.connectors.fields import read_field
from ivr.language.names import BUILT_IN
from ivr.language.problems import Findings, quoted
from ivr.language.source import Text
from ivr.language.values import Position

_PLACE = re.compile(r"[a-z][a-z0-9_]{0,63}\.[a-z][a-z0-9_]{0,63}")
TYPED = "typed"
"""In `identification`, what the caller typed or said."""


@dataclass(frozen=True)
class Sources:
    """What the file holds."""

    connectors: Mapping[str, Connector] = field(default_factory=dict)
    facts: Mapping[str, FactSource] = field(default_factory=dict)
    identification: Identification = field(default_factory=Identification)
    places: Mapping[str, Position] = field(default_factory=dict)


def read_sources(text: str, findings: Findings) -> Sources:
    """Connectors, facts and identification."""
    root = root_table("connectors.yaml", text, findings)
    connectors = {}
    places = {}
    for name, table in root.entries("connectors", "connector"):
        places[name] = table.at("table")
        connectors[name] = read_connector(name, table)
    entries = dict(root.entries("facts", "fact"))
    known: Places = {
        "caller": BUILT_IN["caller"],
        "call": BUILT_IN["call"],
        **{name: _fields(table, connectors) for name, table in entries.items()},
    }
    facts = {}
    for name, table in entries.items():
        fact = _fact(name, table, connectors, {other: fields for other, fields in known.items() if other != name})
        if fact is not None:
            facts[name] = fact
    _refuse_circles(entries, facts)
    identification = _identification(root.table("identification"), connectors, known)
    root.close()
    return Sources(connectors, facts, identification, places)


Places = Mapping[str, Mapping[str, str] | None]
"""Fields by fact; None where its connector is not known, which is told once and not again for every use."""


def _fields(table: Table, connectors: Mapping[str, Connector]) -> Mapping[str, str] | None:
    node = table.node.get("connector")
    connector = connectors.get(node.value) if isinstance(node, Text) else None
    return None if connector is None or connector.private else connector.fields


def _lacks(places: Places, place: str) -> bool:
    """True where it is certain that there is no such field."""
    fact, _, key = place.partition(".")
    fields = places.get(fact, {})
    return fields is not None and key not in fields


def _arguments(table: Table, connector: Connector | None, places: Places, typed: bool = False) -> dict[str, str]:
    """Argument → where its value comes from, checked against the connector and the facts there are."""
    block = table.table("with")
    found: dict[str, str] = {}
    for entry in block.node if block is not None else ():
        name, value = entry.key.value, entry.value
        if block is None:
            break
        block.taken.add(name)
        if connector is not None and name not in connector.find:
            block.unknown(entry.key, "argument", connector.find)
        elif isinstance(value, Text) and typed and value.value == TYPED:
            found[name] = TYPED
        elif isinstance(value, Text) and _PLACE.fullmatch(value.value):
            fact = value.value.partition(".")[0]
            if fact not in places:
                block.unknown(value, "fact", places)
            elif _lacks(places, value.value):
                block.unknown(value, "fact", [f"{fact}.{known}" for known in places[fact] or ()])
            else:
                found[name] = value.value
        else:
            block.problem(name, "wrong-value", f'"{name}" is no field of a fact.', "Write it like caller.number or customer.id.")
    misnamed = block is not None and connector is not None and any(name not in connector.find for name in block.names_written())
    for name in connector.find if connector is not None and not misnamed else ():
        if block is None or name not in block.taken:
            table.findings.add(
                table.node.at,
                "missing-setting",
                f'"with" does not say what "{name}" is.',
                f"Add with: {{{name}: caller.number}} or the like.",
            )
    return found


def _fact(name: str, table: Table, connectors: Mapping[str, Connector], places: Places) -> FactSource | None:
    if name in BUILT_IN:
        table.findings.add(table.node.at, "wrong-name", f'"{name}" is always there.', "Choose another name for this fact.")
    table.required("connector", "Add where it comes from, such as connector: customer_by_number.")
    table.required(
        "otherwise", "Add what holds without an answer: otherwise: nothing, or values such as otherwise: {tier: standard}."
    )
    public = [key for key, connector in connectors.items() if not connector.private]
    chosen = table.choice("connector", public, "", "connector")
    connector = connectors.get(chosen)
    arguments = _arguments(table, connector, places)
    otherwise = None
    if not (isinstance(node := table.node.get("otherwise"), Text) and node.value == "nothing"):
        block_otherwise = table.table("otherwise")
        otherwise = {}
        for key in block_otherwise.names_written() if block_otherwise is not None and connector is not None else ():
            if block_otherwise is None or connector is None:
                break
            if key in connector.fields:
                kind = connector.fields[key]
                otherwise[key] = block_otherwise.read(key, lambda text, kind=kind: read_field(kind, text), None, f"a {kind}")  # type: ignore[misc]
        if block_otherwise is not None:
            block_otherwise.taken.update(connector.fields if connector else ())
            block_otherwise.close()
    table.taken.add("otherwise")
    within = table.duration("within", 0.5, 0.05, SLOWEST_SECONDS)
    table.close()
    return FactSource(name, chosen, arguments, within, otherwise) if connector is not None else None


def _refuse_circles(entries: Mapping[str, Table], facts: Mapping[str, FactSource]) -> None:
    """Facts that wait for one another could never be fetched."""
    needs = {name: {place.partition(".")[0] for place in fact.arguments.values()} & set(facts) for name, fact in facts.items()}
    for name in facts:
        reached: set[str] = set()
        ahead = set(needs[name])
        while ahead:
            reached |= ahead
            ahead = {further for near in ahead for further in needs[near]} - reached
        if name in reached:
            table = entries[name]
            waits = ", ".join(sorted(needs[name]))
            table.findings.add(
                table.node.at, "facts-in-a-circle", f'The fact "{name}" waits for {waits}, which waits for "{name}".',
                "Let one of them depend on the caller alone.",
            )  # fmt: skip


def _identification(table: Table | None, connectors: Mapping[str, Connector], places: Places) -> Identification:
    if table is None:
        return Identification()
    account = table.text("account", "customer.id")
    if _lacks(places, account):
        table.problem(
            "account",
            "unknown-fact",
            f"There is no fact {quoted(account)}.",
            "Name the field that holds the account, such as customer.id.",
        )
    proofs: dict[str, Proof | None] = {}
    for method in ("pin", "order_number"):
        block = table.table(method)
        proofs[method] = None if block is None else _proof(block, connectors, places)
    tries = table.table("tries")
    limits = Tries()
    if tries is not None:
        limits = Tries(
            tries.whole("per_call", 3, 1, 10),
            tries.whole("per_caller_per_hour", 5, 1, 50),
            tries.whole("per_account_per_hour", 5, 1, 50),
            tries.duration("lock", 900.0, 60.0, 86400.0),
        )
        tries.close()
    table.close()
    return Identification(account, proofs["pin"], proofs["order_number"], limits)


def _proof(block: Table, connectors: Mapping[str, Connector], places: Places) -> Proof | None:
    block.required("connector", "Add where the secret is found, such as connector: customer_pin.")
    connector = connectors.get(block.choice("connector", connectors, "", "connector"))
    arguments = _arguments(block, connector, places, typed=True)
    block.required("field", "Add which field is compared, such as field: pin_hash.")
    compared = block.choice("field", connector.fields if connector else (), "", "field")
    equals = block.text("equals") or None
    if equals is not None and _lacks(places, equals):
        block.problem("equals", "unknown-fact", f"There is no fact {quoted(equals)}.", "Name a field such as customer.id.")
    block.close()
    return Proof(connector.name, arguments, compared, equals) if connector is not None and compared else None
