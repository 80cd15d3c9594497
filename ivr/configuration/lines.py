"""config/numbers.yaml: lines, shared numbers, directory, callback rules."""

from __future__ import annotations

import phonenumbers

from ivr.configuration.model import CallbackRules, Contact, Line, Numbers
from ivr.configuration.reading import Table, root_table
from ivr.language.problems import Findings, quoted
from ivr.numbers import NUMBER_TYPES, e164

_REGIONS = "Write a country's two letters, such as GB or ES."
_LANGUAGE_EXAMPLE = "a language such as en-GB or es-ES"


def read_numbers(text: str, findings: Findings) -> Numbers:
    """Everything about telephone numbers. Numbers come out as E.164."""
    root = root_table("numbers.yaml", text, findings)
    region = root.choice("home_region", sorted(phonenumbers.SUPPORTED_REGIONS), "GB", "region", _REGIONS)
    lines = {}
    whole = root.table("lines")
    for written in whole.names_written() if whole is not None else ():
        number, block = _number(whole, written, region), whole.table(written, f"line {written}") if whole is not None else None
        if number is None or block is None:
            continue
        block.required("flow", "Add the flow that answers, such as flow: support.")
        lines[number] = Line(
            number,
            block.text("flow", most=64),
            block.text("language", expected=_LANGUAGE_EXAMPLE, most=16) or None,
            block.text("title"),
        )
        block.close()
    shared_table = root.table("shared")
    shared = {}
    for written in shared_table.names_written() if shared_table is not None else ():
        title, number = shared_table.text(written) if shared_table is not None else "", _number(shared_table, written, region)
        if number is not None:
            shared[number] = title
    directory = {}
    for name, entry in root.entries("directory", "directory entry"):
        entry.required("number", "Add the number, such as number: +442079460999.")
        number = entry.read("number", lambda text: e164(text, region), None, "a telephone number such as +442079460999")
        if number is not None:
            directory[name] = Contact(name, number, entry.text("title"))
        else:
            entry.text("title")
        entry.close()
    callbacks = root.table("callbacks")
    rules = CallbackRules() if callbacks is None else _rules(callbacks)
    root.close()
    return Numbers(region, lines, shared, directory, rules)


def _number(table: Table | None, written: str, region: str) -> str | None:
    number = e164(written, region)
    entry = table.node.entry(written) if table is not None else None
    if number is None and table is not None and entry is not None:
        table.taken.add(written)
        table.findings.add(
            entry.key.at,
            "wrong-number",
            f"{quoted(written)} is no telephone number.",
            "Write it like +442079460000.",
            length=len(written),
        )
    return number


def _rules(table: Table) -> CallbackRules:
    regions = table.names("regions", frozenset(phonenumbers.SUPPORTED_REGIONS), "region", _REGIONS)
    types = table.names("types", NUMBER_TYPES, "type of number")
    table.required("regions", "Add the countries that may be rung back, such as regions: [GB, ES].")
    rules = CallbackRules(
        regions,
        types or CallbackRules().types,
        _prefixes(table, "allowed_prefixes"),
        _prefixes(table, "refused_prefixes"),
        table.flag("caller_id_only", True),
        table.whole("open_per_number", 1, 1, 10),
        table.whole("per_number_per_day", 3, 1, 100),
        table.whole("per_hour", 200, 1, 100_000),
    )
    table.close()
    return rules


def _prefixes(table: Table, key: str) -> tuple[str, ...]:
    found = []
    for item in table.texts(key):
        if item.value.startswith("+") and item.value[1:].isascii() and item.value[1:].isdigit():
            found.append(item.value)
        else:
            table.findings.add(
                item.at,
                "wrong-number",
                f"{quoted(item.value)} begins no number.",
                'Write it like "+4470".',
                length=len(item.value),
            )
    return tuple(found)
