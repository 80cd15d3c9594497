"""Settings that hold blocks: choices, needs, rings, priorities, offers."""

from __future__ import annotations

import re

from ivr.language.expressions import CompiledExpression
from ivr.language.fields import Kind, Setting
from ivr.language.problems import quoted
from ivr.language.readers.node import Reading, Unread, items_of, kept, settings_of, text_of, wrong
from ivr.language.readers.plain import read_duration, read_name, read_number
from ivr.language.readers.spoken import read_expression, read_prompt
from ivr.language.source import Mapping, Node, Text, what
from ivr.language.values import Offer, Option, Position, Ring, Valued

MOST_OPTIONS = 40
LEVELS = {"basic": 1, "good": 2, "expert": 3}
KEYS = {**{digit: digit for digit in "0123456789"}, "star": "*", "hash": "#", "*": "*", "#": "#"}


def _go(block: Mapping, reading: Reading) -> str | None:
    go = block.get("go")
    if go is None:
        reading.findings.add(
            block.at, "missing-setting", "This choice leads nowhere: it has no `go`.", "Write `go: ` and the name of a step."
        )
        return None
    name = kept(text_of, go, reading, "the name of a step")
    return name.value.strip() if name else None


def _positions(block: Mapping) -> dict[str, Position]:
    return {entry.key.value: entry.value.at for entry in block}


def _when(block: Mapping, reading: Reading) -> CompiledExpression | None:
    when = block.get("when")
    return kept(read_expression, when, None, reading) if when is not None else None


def _key(node: Node, reading: Reading) -> str:
    if isinstance(node, Text) and node.empty and node.tail.strip().startswith("#"):
        raise wrong(reading, node, "# begins a comment, so no key stands here.", "Write hash.", rule="cut-short")
    text = text_of(node, reading, "one key: 0 to 9, star or hash")
    key = KEYS.get(text.value.strip())
    if key is None:
        raise wrong(reading, text, f"{quoted(text.value)} is not a key.", "One of 0 to 9, star or hash.")
    return key


def read_menu_options(node: Node, setting: Setting, reading: Reading) -> tuple[Option, ...]:
    items = items_of(node, reading, "a list of choices, each with `go` and a `key` or an `intent`")
    if len(items) > MOST_OPTIONS:
        raise wrong(
            reading, node, f"There are {len(items)} choices; at most {MOST_OPTIONS}.", "Split the menu.", rule="out-of-range"
        )
    found = [kept(_menu_option, item, reading) for item in items]
    return tuple(option for option in found if option is not None)


def _menu_option(node: Node, reading: Reading) -> Option:
    block = settings_of(node, reading, ("when", "text", "key", "intent", "go"), "`text`, `key`, `intent` and `go`")
    text, key, intent = block.get("text"), block.get("key"), block.get("intent")
    if key is None and intent is None:
        reading.findings.add(
            block.at,
            "missing-setting",
            "Nobody can choose this: it has neither `key` nor `intent`.",
            "Write `key: 1`, or `intent:` and its name.",
        )
    option = Option(
        go=_go(block, reading) or "",
        at=block.at,
        when=_when(block, reading),
        text=kept(read_prompt, text, None, reading) if text is not None else None,
        key=kept(_key, key, reading) if key is not None else None,
        intent=kept(read_name, intent, _INTENT, reading) if intent is not None else None,
        positions=_positions(block),
    )
    if block.get("when") is not None and option.when is None:
        raise Unread
    return option


_INTENT = Setting(Kind.NAME, "An intent.", of="intent")


def read_decisions(node: Node, setting: Setting, reading: Reading) -> tuple[Option, ...]:
    items = items_of(node, reading, "a list of choices with `when` and `go`")
    if len(items) > MOST_OPTIONS:
        raise wrong(
            reading, node, f"There are {len(items)} choices; at most {MOST_OPTIONS}.", "Split the step.", rule="out-of-range"
        )
    found = []
    for item in items:
        block = kept(settings_of, item, reading, ("when", "go"), "`when` and `go`")
        if block is not None:
            go, when = _go(block, reading), _when(block, reading)
            if block.get("when") is None or when is not None:
                found.append(Option(go or "", block.at, when, positions=_positions(block)))
    return tuple(found)


def read_needs(node: Node, setting: Setting, reading: Reading) -> dict[str, int]:
    if not isinstance(node, Mapping):
        raise wrong(reading, node, f"There is {what(node)} here.", "Write skills with their least level, such as {english: 1}.")
    needs: dict[str, int] = {}
    for entry in node:
        level = kept(_level, entry.value, reading)
        if level is not None:
            needs[entry.key.value] = level
    return needs


def _level(node: Node, reading: Reading) -> int:
    text = text_of(node, reading, "a level: 1, 2, 3, or basic, good, expert")
    value = text.value.strip().casefold()
    level = LEVELS.get(value, int(value) if re.fullmatch(r"\d{1,3}", value, re.ASCII) else None)
    if level is None or not 1 <= level <= 3:
        raise wrong(reading, text, f"{quoted(text.value)} is not a level.", "Write 1 (basic), 2 (good) or 3 (expert).")
    return level


def read_rings(node: Node, setting: Setting, reading: Reading) -> tuple[Ring, ...]:
    rings: list[Ring] = []
    for item in items_of(node, reading, "a list with `after` and `needs`"):
        block = kept(settings_of, item, reading, ("after", "needs"), "`after` and `needs`")
        if block is None:
            continue
        after, needs = block.get("after"), block.get("needs")
        if after is None or needs is None:
            missing = "after" if after is None else "needs"
            reading.findings.add(
                block.at, "missing-setting", f"This step of relaxing has no `{missing}`.", "Write `after: 60s` and `needs: {…}`."
            )
            continue
        seconds = kept(read_duration, after, _AFTER, reading)
        levels = kept(read_needs, needs, _AFTER, reading)
        if seconds is None or levels is None:
            continue
        if rings and seconds <= rings[-1].after_seconds:
            wrong(reading, after, "This comes no later than the one before.", "Order them by time.", rule="out-of-range")
            continue
        rings.append(Ring(seconds, levels))
    return tuple(rings)


_AFTER = Setting(Kind.DURATION, "", least=1, most=7200)


def read_valued(node: Node, setting: Setting, reading: Reading) -> tuple[Valued, ...]:
    if isinstance(node, Text):
        return (Valued(read_number(node, setting, reading)),)
    values = []
    for item in items_of(node, reading, "a number, or a list with `when` and `value`"):
        if isinstance(item, Text):
            number = kept(read_number, item, setting, reading)
            values += [Valued(number)] if number is not None else []
            continue
        block = kept(settings_of, item, reading, ("when", "value"), "`when` and `value`")
        if block is None:
            continue
        value = block.get("value")
        if value is None:
            reading.findings.add(block.at, "missing-setting", "There is no `value` here.", "Write `value: 10`.")
            continue
        number = kept(read_number, value, setting, reading)
        when = _when(block, reading)
        if number is not None and (block.get("when") is None or when is not None):
            values.append(Valued(number, when))
    return tuple(values)


def read_offer(node: Node, setting: Setting, reading: Reading) -> Offer:
    block = settings_of(node, reading, ("when", "go"), "`go`, and `when` where needed")
    go, when = _go(block, reading), _when(block, reading)
    if go is None:
        raise Unread
    go_at = block.get("go")
    return Offer(go, go_at.at if go_at else block.at, when)
