"""From a node of the file to the value of a setting: one reader per `Kind`, each with its own sentences.

A reader tells every mistake inside its node, pointing at the value, and raises `Unread` only where no value remains. What can be
used of a list with a broken item is kept, so that the rules that look at meaning see as much as possible in the same run.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from ivr.language.expressions import CompiledExpression, Mistake, compile_expression
from ivr.language.fields import Kind, Setting
from ivr.language.problems import Findings, did_you_mean, quoted
from ivr.language.source import Mapping, Node, Sequence, Text, what
from ivr.language.templates import CompiledTemplate, compile_template
from ivr.language.values import Expression, Offer, Option, Position, Prompt, Reprompts, Ring, Valued, Variant

T = TypeVar("T")
P = ParamSpec("P")
MOST_OPTIONS = 40
LEVELS = {"basic": 1, "good": 2, "expert": 3}
KEYS = {**{digit: digit for digit in "0123456789"}, "star": "*", "hash": "#", "*": "*", "#": "#"}
_DURATION = re.compile(r"(?P<figure>\d{1,6}(?:\.\d{1,3})?)\s?(?P<unit>ms|s|m|h)", re.ASCII)
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_LONG_UNITS = {"sec": "s", "secs": "s", "second": "s", "seconds": "s", "min": "m", "mins": "m", "minute": "m", "minutes": "m"} | {
    "hour": "h",
    "hours": "h",
    "hr": "h",
    "hrs": "h",
}
NAME = re.compile(r"[a-z][a-z0-9_]{0,59}", re.ASCII)
YES = ("yes", "true", "on")
NO = ("no", "false", "off")


class Unread(Exception):
    """Nothing usable remains; the problem is told already."""


@dataclass(frozen=True)
class Reading:
    """What readers need besides the node."""

    findings: Findings
    steps: tuple[str, ...] = ()
    """Names of the flow's steps, for targets."""


def read_setting(node: Node, setting: Setting, reading: Reading) -> Any:
    """The value of one setting; raises `Unread`."""
    return READERS[setting.kind](node, setting, reading)


def wrong(reading: Reading, node: Node, message: str, hint: str = "", rule: str = "wrong-value") -> Unread:
    """Tell a problem about a whole node; to be raised."""
    length = len(node.value) + 2 * node.shift if isinstance(node, Text) and node.exact else 1
    reading.findings.add(node.at, rule, message, hint, length=length)
    return Unread()


def text_of(node: Node, reading: Reading, expected: str) -> Text:
    """The node as text that is not empty; `expected` completes "Write ..."."""
    if isinstance(node, Text) and node.empty and node.tail.strip().startswith("#"):
        at = Position(node.at.file, node.at.line, node.at.column + len(node.tail) - len(node.tail.lstrip()))
        reading.findings.add(
            at,
            "cut-short",
            "Everything from # on is a comment, so nothing is left here.",
            f'Put it in "quotes", or write {expected}.',
        )
        raise Unread
    if not isinstance(node, Text) or not node.value.strip():
        raise wrong(reading, node, f"There is {what(node)} here.", f"Write {expected}.")
    return node


def items_of(node: Node, reading: Reading, expected: str) -> tuple[Node, ...]:
    """The items of a list that is not empty."""
    if not isinstance(node, Sequence) or not node.items:
        raise wrong(
            reading,
            node,
            f"There is {what(node) if not isinstance(node, Sequence) else 'an empty list'} here.",
            f"Write {expected}.",
        )
    return node.items


def settings_of(node: Node, reading: Reading, allowed: tuple[str, ...], expected: str) -> Mapping:
    """The node as a mapping; settings that do not belong here are told."""
    if not isinstance(node, Mapping):
        raise wrong(reading, node, f"There is {what(node)} here.", f"Write {expected}.")
    for entry in node:
        if entry.key.value not in allowed:
            reading.findings.add(
                entry.key.at,
                "unknown-setting",
                f"There is no setting {quoted(entry.key.value)} here.",
                did_you_mean(entry.key.value, allowed),
                length=len(entry.key.value),
            )
    return node


def kept(read: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T | None:
    """What `read` gives, or None where nothing could be read (its problem is told)."""
    try:
        return read(*arguments, **named)
    except Unread:
        return None


# One text


def read_text(node: Node, setting: Setting, reading: Reading) -> str:
    return text_of(node, reading, "a text").value.strip()


def read_duration(node: Node, setting: Setting, reading: Reading) -> float:
    text = text_of(node, reading, "a length of time such as 30s, 5m or 1h")
    value = text.value.strip()
    found = _DURATION.fullmatch(value)
    if not found:
        raise wrong(reading, text, f"{quoted(value)} is not a length of time.", _duration_meant(value))
    seconds = float(found["figure"]) * _UNIT_SECONDS[found["unit"]]
    within_bounds(seconds, text, setting, reading, spoken_duration)
    return seconds


def _duration_meant(value: str) -> str:
    found = re.fullmatch(r"(\d+(?:[.,]\d+)?)\s*([A-Za-z]*)", value)
    if found:
        unit = _LONG_UNITS.get(found[2].casefold(), found[2].casefold() if found[2].casefold() in _UNIT_SECONDS else "")
        if unit:
            return f"Write {found[1].replace(',', '.')}{unit}."
        if not found[2]:
            return f"Write {found[1]}s for seconds or {found[1]}m for minutes."
    return "Write 30s, 5m or 1h."


def spoken_duration(seconds: float) -> str:
    """30s, 5m, 1h30m would be 90m: the shortest way to write it."""
    for unit, size in (("h", 3600), ("m", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{int(seconds // size)}{unit}"
    return f"{seconds:g}s"


def within_bounds(value: float, text: Text, setting: Setting, reading: Reading, told: Callable[[float], str]) -> None:
    """Tell where a figure is outside of what the setting allows; the value stays usable."""
    if setting.least is not None and value < setting.least:
        raise wrong(
            reading, text, f"{quoted(text.value)} is too little.", f"At least {told(setting.least)}.", rule="out-of-range"
        )
    if setting.most is not None and value > setting.most:
        raise wrong(reading, text, f"{quoted(text.value)} is too much.", f"At most {told(setting.most)}.", rule="out-of-range")


def _figure(value: float) -> str:
    return f"{value:g}"


def read_number(node: Node, setting: Setting, reading: Reading) -> float:
    text = text_of(node, reading, "a number")
    value = text.value.strip()
    if re.fullmatch(r"\d{1,3}(?:\.\d+)?\s?%", value) and setting.most == 1:
        raise wrong(reading, text, f"{quoted(value)} is not a number.", f"Write {float(value.rstrip('% ')) / 100:g}.")
    if not re.fullmatch(r"-?\d{1,12}(?:\.\d{1,6})?", value, re.ASCII):
        meant = value.replace(",", ".")
        hint = f"Write {meant}." if re.fullmatch(r"-?\d+\.\d+", meant) else "Write digits, such as 10 or 0.6."
        raise wrong(reading, text, f"{quoted(value)} is not a number.", hint)
    number = float(value)
    within_bounds(number, text, setting, reading, _figure)
    return number


def read_whole(node: Node, setting: Setting, reading: Reading) -> int:
    text = text_of(node, reading, "a whole number")
    value = text.value.strip()
    if not re.fullmatch(r"-?\d{1,9}", value, re.ASCII):
        raise wrong(reading, text, f"{quoted(value)} is not a whole number.", "Write digits, such as 8.")
    within_bounds(int(value), text, setting, reading, _figure)
    return int(value)


def read_flag(node: Node, setting: Setting, reading: Reading) -> bool:
    text = text_of(node, reading, "yes or no")
    value = text.value.strip().casefold()
    if value not in YES + NO:
        raise wrong(reading, text, f"{quoted(text.value)} is neither yes nor no.", "Write yes or no.")
    return value in YES


def read_choice(node: Node, setting: Setting, reading: Reading) -> str:
    text = text_of(node, reading, f"one of {', '.join(setting.choices)}")
    value = text.value.strip()
    if value not in setting.choices:
        raise wrong(reading, text, f"{quoted(value)} is not known here.", did_you_mean(value, setting.choices, "One of: "))
    return value


def read_choices(node: Node, setting: Setting, reading: Reading) -> tuple[str, ...]:
    items = node.items if isinstance(node, Sequence) else (node,)
    chosen = [kept(read_choice, item, setting, reading) for item in items]
    return tuple(choice for choice in chosen if choice is not None)


def read_name(node: Node, setting: Setting, reading: Reading) -> str:
    text = text_of(node, reading, f"the name of a {setting.of}")
    value = text.value.strip()
    if not NAME.fullmatch(value):
        raise wrong(
            reading,
            text,
            f"{quoted(value)} cannot be the name of a {setting.of}.",
            "Names are small letters, digits and _, such as order_status.",
        )
    return value


def read_fact_field(node: Node, setting: Setting, reading: Reading) -> str:
    text = text_of(node, reading, "fact.field, such as order.number")
    value = text.value.strip()
    root, _, field_name = value.partition(".")
    if not (NAME.fullmatch(root) and NAME.fullmatch(field_name)):
        hint = f"Write {root}.value, or another field." if NAME.fullmatch(value) else "Write fact.field, such as order.number."
        raise wrong(reading, text, f"{quoted(value)} is not a fact's field.", hint)
    return value


def read_step(node: Node, setting: Setting, reading: Reading) -> str:
    text = text_of(node, reading, "the name of a step of this flow")
    return text.value.strip()


# Expressions


def read_expression(node: Node, setting: Setting | None, reading: Reading) -> CompiledExpression:
    text = text_of(node, reading, "an expression such as customer.known")
    try:
        found = compile_expression(text.value, text.position(0), text.position)
    except Mistake as mistake:
        at = text.position(mistake.offset)
        reading.findings.add(at, "expression", mistake.message, mistake.hint, length=mistake.length if text.exact else 1)
        raise Unread from None
    if text.tail.strip().startswith("#") and re.search(r"#\w", text.tail):
        cut_short(text, reading)
    return found


def read_expressions(node: Node, setting: Setting, reading: Reading) -> dict[str, Expression]:
    """`{name: expression}`; for assignments the names are facts' fields."""
    example = "order.number: order.number" if setting.kind is Kind.ARGUMENTS else "call.reason: '\"refund\"'"
    if not isinstance(node, Mapping):
        raise wrong(reading, node, f"There is {what(node)} here.", f"Write pairs, such as {{{example}}}.")
    found: dict[str, Expression] = {}
    for entry in node:
        if setting.kind is Kind.ASSIGNMENTS:
            key = kept(read_fact_field, entry.key, setting, reading)
        else:
            key = entry.key.value
        value = kept(read_expression, entry.value, None, reading)
        if key is not None and value is not None:
            found[key] = value
    return found


# Prompts


def cut_short(text: Text, reading: Reading) -> None:
    """A plain text ends at " #": what follows is a comment that callers never hear."""
    tail = text.tail
    if text.style == "plain" and tail.lstrip().startswith("#"):
        at = Position(
            text.at.file, text.at.line + text.lines - 1, text.at.column + len(text.value) + len(tail) - len(tail.lstrip())
        )
        reading.findings.add(
            at if text.exact else text.at,
            "cut-short",
            f"Everything from # on is a comment, so the text ends after {quoted(' '.join(text.value.split()[-3:]))}.",
            'Put the whole text in "quotes", or the comment on a line of its own.',
            length=len(tail.strip()) if text.exact else 1,
        )


def read_template(node: Node, reading: Reading) -> CompiledTemplate:
    text = text_of(node, reading, "what the caller hears")
    cut_short(text, reading)
    try:
        return compile_template(text.value.strip("\n"), text.position(0), text.position)
    except Mistake as mistake:
        reading.findings.add(
            text.position(mistake.offset), "prompt", mistake.message, mistake.hint, length=mistake.length if text.exact else 1
        )
        raise Unread from None


def read_variant(node: Node, reading: Reading) -> Variant:
    if isinstance(node, Text):
        return Variant(read_template(node, reading))
    sentence = _sentence_with_colon(node, reading)
    if sentence is not None:
        return sentence
    block = settings_of(node, reading, ("when", "text", "audio"), "`text`, and `when` or `audio` where needed")
    when, audio, text = block.get("when"), block.get("audio"), block.get("text")
    if text is None:
        hint = (
            "Write `text` too: it is spoken where the recording is missing." if audio else "Write `text`: what the caller hears."
        )
        raise wrong(reading, block, "This variant has no `text`.", hint, rule="missing-setting")
    condition = kept(read_expression, when, None, reading) if when is not None else None
    recording = kept(text_of, audio, reading, "the name of a recording such as welcome.wav") if audio is not None else None
    return Variant(read_template(text, reading), condition, recording.value.strip() if recording else None)


def _sentence_with_colon(node: Node, reading: Reading) -> Variant | None:
    """`- Sorry: I did not hear you.` is a setting named Sorry to YAML; it was meant as a sentence."""
    if not isinstance(node, Mapping) or len(node.entries) != 1:
        return None
    key, value = node.entries[0].key, node.entries[0].value
    if not isinstance(value, Text) or not re.match(r"[A-Z¡¿]|.*\s", key.value) or value.at.line != key.at.line:
        return None
    reading.findings.add(
        key.position(len(key.value)),
        "needs-quotes",
        "A colon followed by a space inside a text looks like a setting to YAML.",
        'Put the whole text in "quotes".',
    )
    whole = Text(key.at, f"{key.value}: {value.value}", exact=key.exact and value.exact)
    return Variant(read_template(whole, reading))


def read_prompt(node: Node, setting: Setting | None, reading: Reading) -> Prompt:
    """A text, one variant, or a list of variants."""
    if isinstance(node, Sequence):
        items = items_of(node, reading, "at least one variant")
        variants = [kept(read_variant, item, reading) for item in items]
        usable = tuple(variant for variant in variants if variant is not None)
        if not usable:
            raise Unread
        return Prompt(usable, node.at)
    return Prompt((read_variant(node, reading),), node.at)


def _prompts(node: Node, reading: Reading) -> tuple[Prompt, ...]:
    items = node.items if isinstance(node, Sequence) else (node,)
    found = [kept(read_prompt, item, None, reading) for item in items]
    if found and all(prompt is None for prompt in found):
        raise Unread
    return tuple(prompt for prompt in found if prompt is not None)


def read_reprompts(node: Node, setting: Setting, reading: Reading) -> Reprompts:
    if isinstance(node, Mapping):
        block = settings_of(node, reading, ("silence", "unclear"), "a list of texts, or `silence` and `unclear`")
        silence, unclear = block.get("silence"), block.get("unclear")
        return Reprompts(
            _prompts(silence, reading) if silence is not None else (), _prompts(unclear, reading) if unclear is not None else ()
        )
    both = _prompts(node, reading)
    return Reprompts(both, both)


# Blocks


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


READERS: dict[Kind, Callable[[Any, Any, Reading], Any]] = {
    Kind.PROMPT: read_prompt,
    Kind.REPROMPTS: read_reprompts,
    Kind.CONDITION: read_expression,
    Kind.EXPRESSION: read_expression,
    Kind.DURATION: read_duration,
    Kind.NUMBER: read_number,
    Kind.WHOLE: read_whole,
    Kind.FLAG: read_flag,
    Kind.CHOICE: read_choice,
    Kind.CHOICES: read_choices,
    Kind.TEXT: read_text,
    Kind.NAME: read_name,
    Kind.FACT_FIELD: read_fact_field,
    Kind.STEP: read_step,
    Kind.MENU_OPTIONS: read_menu_options,
    Kind.DECISIONS: read_decisions,
    Kind.NEEDS: read_needs,
    Kind.RINGS: read_rings,
    Kind.VALUED: read_valued,
    Kind.OFFER: read_offer,
    Kind.ARGUMENTS: read_expressions,
    Kind.ASSIGNMENTS: read_expressions,
}
