"""What changed between two versions of the flows, in words: "main_menu: silence 5s → 8s", "key 2 now goes to billing, not pay_bill".

Positions, comments, order of settings and quotes are no change; what a caller would notice is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ivr.language.fields import Kind, Setting, Step
from ivr.language.flow import Flow
from ivr.language.problems import quoted
from ivr.language.readers.plain import spoken_duration
from ivr.language.values import Expression, Offer, Option, Prompt, Reprompts, Ring, Valued

_KEYS = {"*": "star", "#": "hash"}


@dataclass(frozen=True)
class Change:
    """One difference. `step` is "" for the flow itself; `kind` is added, removed, renamed or changed."""

    flow: str
    step: str
    kind: str
    text: str

    def __str__(self) -> str:
        place = f"{self.flow}.{self.step}" if self.step else self.flow
        return f"{place}: {self.text}"


def differences(before: Mapping[str, Flow], after: Mapping[str, Flow]) -> tuple[Change, ...]:
    """Every difference between two sets of flows, in the order of the newer one."""
    changes: list[Change] = []
    for name in dict.fromkeys([*after, *before]):
        if name not in before:
            changes.append(Change(name, "", "added", f"flow added, with {len(after[name].steps)} steps"))
        elif name not in after:
            changes.append(Change(name, "", "removed", "flow removed"))
        else:
            changes += _flow(before[name], after[name])
    return tuple(changes)


def _flow(old: Flow, new: Flow) -> Iterator[Change]:
    for word, one, other in (
        ("title", old.title, new.title),
        ("languages", ", ".join(old.languages), ", ".join(new.languages)),
        ("facts", ", ".join(old.facts), ", ".join(new.facts)),
        ("returns", _told(old.returns), _told(new.returns)),
    ):
        if one != other:
            yield Change(new.name, "", "changed", f"{word} {one or 'nothing'} → {other or 'nothing'}")
    if old.first != new.first and new.first in old.steps:
        yield Change(new.name, "", "changed", f"calls now begin with {new.first}, not {old.first}")
    renamed = _renamed(old, new)
    for name, step in new.steps.items():
        if name in old.steps:
            yield from _step(old, new, old.steps[name], step, renamed)
        elif name in renamed.values():
            was = next(key for key, value in renamed.items() if value == name)
            yield Change(new.name, name, "renamed", f"step renamed from {was}")
        else:
            yield Change(new.name, name, "added", f"step added ({step.kind})")
    for name, step in old.steps.items():
        if name not in new.steps and name not in renamed:
            yield Change(new.name, name, "removed", f"step removed ({step.kind})")


def _renamed(old: Flow, new: Flow) -> dict[str, str]:
    """Steps that only changed their name: the same kind with the same content."""
    gone = [name for name in old.steps if name not in new.steps]
    come = [name for name in new.steps if name not in old.steps]
    found: dict[str, str] = {}
    for name in gone:
        wanted = _content(old.steps[name])
        match = next((other for other in come if other not in found.values() and _content(new.steps[other]) == wanted), None)
        if match:
            found[name] = match
    return found


def _content(step: Step) -> tuple[str, ...]:
    return (step.kind, *(repr(_compared(getattr(step, name, None))) for name in step.settings()))


def _step(old: Flow, new: Flow, one: Step, other: Step, renamed: Mapping[str, str]) -> Iterator[Change]:
    def change(text: str) -> Change:
        return Change(new.name, other.name, "changed", text)

    if one.kind != other.kind:
        yield change(f"was {one.kind}, is now {other.kind}")
        return
    for python_name, declared in other.settings().items():
        word = declared.yaml_name or python_name
        before, after = getattr(one, python_name, None), getattr(other, python_name, None)
        if declared.kind in (Kind.MENU_OPTIONS, Kind.DECISIONS):
            yield from (change(text) for text in _options(before or (), after or (), renamed))
        elif declared.exit is not None:
            was, now = old.target(one, python_name), new.target(other, python_name)
            if renamed.get(was or "", was) != now:
                yield change(f"{_exit(word)} now goes to {now or 'nothing'}, not {was or 'nothing'}")
        elif _compared(before) != _compared(after):
            yield change(_setting(word, declared, before, after))


def _exit(word: str) -> str:
    return "the call" if word == "next" else word


def _setting(word: str, declared: Setting, before: Any, after: Any) -> str:
    if isinstance(after, Prompt) and isinstance(before, Prompt):
        return _prompt(word, before, after)
    if before is None or before in ((), {}):
        return f"{word} added: {_value(after, declared)}"
    if after is None or after in ((), {}):
        return f"{word} removed (was {_value(before, declared)})"
    return f"{word} {_value(before, declared)} → {_value(after, declared)}"


def _prompt(word: str, before: Prompt, after: Prompt) -> str:
    if len(before.variants) == len(after.variants) == 1:
        return f"{word} now {quoted(after.variants[0].text.source)}, was {quoted(before.variants[0].text.source)}"
    was, now = {repr(_compared(v)): v for v in before.variants}, {repr(_compared(v)): v for v in after.variants}
    added = [quoted(variant.text.source) for key, variant in now.items() if key not in was]
    gone = [quoted(variant.text.source) for key, variant in was.items() if key not in now]
    told = ([f"now also {', '.join(added)}"] if added else []) + ([f"no longer {', '.join(gone)}"] if gone else [])
    return f"{word} {'; '.join(told) or 'is tried in another order'}"


def _options(before: tuple[Option, ...], after: tuple[Option, ...], renamed: Mapping[str, str]) -> Iterator[str]:
    left = list(before)
    for option in after:
        match = next((old for old in left if _compared(old) == _compared(option)), None) or next(
            (old for old in left if _identity(old) == _identity(option)), None
        )
        if match is None:
            yield f"choice added: {_choice(option)} goes to {option.go}"
            continue
        left.remove(match)
        if renamed.get(match.go, match.go) != option.go:
            yield f"{_choice(option)} now goes to {option.go}, not {match.go}"
        if _compared(match.when) != _compared(option.when):
            yield f"{_choice(option)} now holds {_when(option)}, was {_when(match)}"
        if match.key != option.key:
            yield f"{_choice(option)}: key {_key(match.key)} → {_key(option.key)}"
        if match.intent != option.intent:
            yield f"{_choice(option)}: intent {match.intent or 'none'} → {option.intent or 'none'}"
        if _compared(match.text) != _compared(option.text):
            yield f"{_choice(option)} {_text_change(match.text, option.text)}"
    for option in left:
        yield f"choice removed: {_choice(option)} (went to {option.go})"
    kept = [_identity(option) for option in after if any(_compared(option) == _compared(old) for old in before)]
    was = [_identity(option) for option in before if any(_compared(option) == _compared(new) for new in after)]
    if kept != was and len(kept) == len(was):
        yield "the choices are tried in another order"


def _text_change(before: Prompt | None, after: Prompt | None) -> str:
    if after is None:
        return "is no longer read aloud"
    return _prompt("says", before, after) if before else f"is now read aloud: {quoted(after.variants[0].text.source)}"


def _identity(option: Option) -> tuple[Any, ...]:
    """What makes two versions of a choice the same one."""
    if option.key is None and option.intent is None:
        return ("when", option.when.source if option.when else "")
    return ("key", option.key) if option.key is not None else ("intent", option.intent)


def _choice(option: Option) -> str:
    if option.key is not None:
        return f"key {_key(option.key)}"
    if option.intent is not None:
        return f"intent {option.intent}"
    return f"when {option.when.source}" if option.when else "otherwise"


def _key(key: str | None) -> str:
    return _KEYS.get(key, key) if key else "none"


def _when(option: Option) -> str:
    return f"when {option.when.source}" if option.when else "always"


def _value(value: Any, declared: Setting) -> str:
    if declared.kind is Kind.DURATION and isinstance(value, (int, float)):
        return spoken_duration(value)
    return _told(value)


def _told(value: Any) -> str:
    """A value as it would be written."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value in ((), {}, ""):
        return "nothing"
    if isinstance(value, Prompt):
        return " / ".join(quoted(variant.text.source) for variant in value.variants)
    if isinstance(value, Reprompts):
        both = value.silence == value.unclear
        return _told(value.silence) if both else f"silence {_told(value.silence)}, unclear {_told(value.unclear)}"
    if isinstance(value, Valued):
        return f"{value.value:g}" + (f" when {value.when.source}" if value.when else "")
    if isinstance(value, Ring):
        return f"after {spoken_duration(value.after_seconds)} {_told(dict(value.needs))}"
    if isinstance(value, Offer):
        return f"{value.go}" + (f" when {value.when.source}" if value.when else "")
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_told(each)}" for key, each in value.items()) + "}"
    if isinstance(value, tuple):
        return ", ".join(_told(each) for each in value)
    if isinstance(value, float):
        return f"{value:g}"
    return str(getattr(value, "source", value))


def _compared(value: Any) -> Any:
    """A value without positions and white space, for comparing."""
    if isinstance(value, Prompt):
        return tuple((" ".join(v.text.source.split()), _compared(v.when), v.audio) for v in value.variants)
    if isinstance(value, Reprompts):
        return (_compared(value.silence), _compared(value.unclear))
    if isinstance(value, Option):
        return (value.go, _compared(value.when), _compared(value.text), value.key, value.intent)
    if isinstance(value, Offer):
        return (value.go, _compared(value.when))
    if isinstance(value, Valued):
        return (value.value, _compared(value.when))
    if isinstance(value, Ring):
        return (value.after_seconds, _compared(dict(value.needs)))
    if isinstance(value, dict):
        return tuple(sorted((key, _compared(each)) for key, each in value.items()))
    if isinstance(value, tuple):
        return tuple(_compared(each) for each in value)
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return " ".join(_source(value).split())


def _source(expression: Expression) -> str:
    return expression.source
