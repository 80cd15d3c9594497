"""Settings that hold one text: lengths of time, numbers, yes or no, choices, names."""

from __future__ import annotations

import re
from collections.abc import Callable

from ivr.language.fields import Setting
from ivr.language.problems import did_you_mean, quoted
from ivr.language.readers.node import Reading, kept, text_of, wrong
from ivr.language.source import Node, Sequence, Text

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
