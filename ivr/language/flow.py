"""A flow as read: steps in order, and every way a call can take from one to another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ivr.language.fields import Exit, Kind, Setting, Step
from ivr.language.values import Expression, Offer, Option, Position, Prompt, Reprompts, Ring, Valued

RETURN = "return"
"""As a step's name: come back to the flow that ran this one."""


@dataclass(frozen=True)
class Edge:
    """A way from step `source` to step `target` (or RETURN). `setting` is the YAML name it stands under ("" where it is only implied).

    `label` is short, for the graph; `told` says what the caller does or meets, for a way told in words. `chosen`: the caller
    decided it by key, voice or answer; `counted`: it is only taken after reprompts are used up.
    """

    source: str
    target: str
    setting: str
    label: str
    told: str
    at: Position
    chosen: bool = False
    counted: bool = False
    when: Expression | None = None


@dataclass(frozen=True)
class Flow:
    """One flow. `steps` by name in the order of the file; `returns`: it is meant to be `run` and comes back at its end."""

    name: str
    title: str
    languages: tuple[str, ...]
    facts: tuple[str, ...]
    returns: bool
    steps: dict[str, Step]
    at: Position
    positions: Mapping[str, Position] = field(default_factory=dict, compare=False, repr=False)
    unread: Mapping[str, frozenset[str]] = field(default_factory=dict, compare=False, repr=False)
    """By step, the settings that could not be read: the rules say nothing about them. Empty in a flow that calls may run."""

    @property
    def first(self) -> str:
        """The step every call begins with."""
        return next(iter(self.steps))

    def after(self, step_name: str) -> str | None:
        """The step below; RETURN below the last step of a flow that returns, else None."""
        names = list(self.steps)
        below = names.index(step_name) + 1
        if below < len(names):
            return names[below]
        return RETURN if self.returns else None

    def target(self, step: Step | str, setting_name: str) -> str | None:
        """Where the exit `setting_name` (its Python name) of `step` leads: written, fallen through to, or taken instead."""
        found = self.steps[step] if isinstance(step, str) else step
        written = getattr(found, setting_name, None)
        if written:
            return str(written)
        declared = found.settings()[setting_name]
        if declared.exit is Exit.FALLS:
            return self.after(found.name)
        if declared.exit is Exit.MAY and declared.instead:
            return self.target(found, declared.instead)
        return None

    def edges(self, step: Step | str) -> tuple[Edge, ...]:
        """Every way out of a step, in the order in which its settings are declared."""
        found = self.steps[step] if isinstance(step, str) else step
        return tuple(self._edges(found))

    def _edges(self, step: Step) -> Iterator[Edge]:
        for python_name, declared in step.settings().items():
            word = declared.yaml_name or python_name
            at = step.positions.get(word, step.positions.get("", self.at))
            value = getattr(step, python_name, None)
            if declared.kind in (Kind.MENU_OPTIONS, Kind.DECISIONS):
                yield from self._options(step, value or ())
            elif isinstance(value, Offer):
                yield Edge(step.name, value.go, word, "callback", "accepts a call back", value.at, chosen=True)
            elif declared.exit is not None and word not in self.unread.get(step.name, frozenset()):
                target = self.target(step, python_name)
                if target is not None and (value or declared.exit is not Exit.MAY):
                    yield Edge(
                        step.name,
                        target,
                        word if value else "",
                        *_exit_words(step, word),
                        at,
                        chosen=declared.chosen,
                        counted=word == "give_up",
                    )

    def _options(self, step: Step, options: tuple[Option, ...]) -> Iterator[Edge]:
        for option in options:
            if not option.go:
                continue
            at = option.positions.get("go", option.at)
            if step.kind == "decide":
                label = option.when.source if option.when else "otherwise"
                yield Edge(step.name, option.go, "go", label, label, at, when=option.when)
                continue
            named = [f"key {_key_word(option.key)}"] if option.key else []
            named += [option.intent.replace("_", " ")] if option.intent else []
            told = f"presses {_key_word(option.key)}" if option.key else f"says “{(option.intent or '').replace('_', ' ')}”"
            yield Edge(step.name, option.go, "go", " / ".join(named), told, at, chosen=True, when=option.when)


def _key_word(key: str | None) -> str:
    return {"*": "star", "#": "hash"}.get(key or "", key or "")


_TOLD = {
    "next": ("", ""),
    "not_found": ("not found", "nothing is found"),
    "failed": ("failed", "it fails"),
    "declined": ("declined", "the card is refused"),
    "closed": ("closed", "it is out of hours"),
    "no_answer": ("no answer", "nobody answers in time"),
    "nobody": ("nobody", "no agent is signed in"),
    "full": ("full", "too many are waiting"),
    "solved": ("solved", "says that it is solved"),
    "unknown": ("unknown", "there is no good answer"),
    "refused": ("refused", "the number cannot be rung back"),
}


def _exit_words(step: Step, word: str) -> tuple[str, str]:
    """Label and telling of an exit."""
    if word == "give_up":
        reprompts = getattr(step, "reprompts", None) or Reprompts()
        times = max(len(reprompts.silence), len(reprompts.unclear)) + 1
        return "give up", f"stays silent {times} times" if times > 1 else "stays silent"
    return _TOLD.get(word, (word.replace("_", " "), word.replace("_", " ")))


@dataclass(frozen=True)
class Said:
    """A prompt of a step with the setting it stands under and when it is heard: "verb", "option", "reprompt" or "other"."""

    step: str
    setting: str
    role: str
    prompt: Prompt


def prompts_of(step: Step) -> Iterator[Said]:
    """Every prompt of a step in the order of its settings."""
    for index, (python_name, declared) in enumerate(step.settings().items()):
        word = declared.yaml_name or python_name
        value = getattr(step, python_name, None)
        if isinstance(value, Prompt):
            yield Said(step.name, word, "verb" if index == 0 else "other", value)
        elif isinstance(value, Reprompts):
            for prompt in dict.fromkeys(value.silence + value.unclear):
                yield Said(step.name, word, "reprompt", prompt)
        elif declared.kind is Kind.MENU_OPTIONS:
            for option in value or ():
                if option.text is not None:
                    yield Said(step.name, word, "option", option.text)


@dataclass(frozen=True)
class Used:
    """An expression of a step and the setting it stands under."""

    step: str
    setting: str
    expression: Expression


def expressions_of(step: Step) -> Iterator[Used]:
    """Every expression of a step, those inside prompts' `when` included."""
    for said in prompts_of(step):
        for variant in said.prompt.variants:
            if variant.when is not None:
                yield Used(step.name, "when", variant.when)
    for python_name, declared in step.settings().items():
        word = declared.yaml_name or python_name
        for expression in _expressions_in(getattr(step, python_name, None), declared):
            yield Used(step.name, word, expression)


def _expressions_in(value: Any, declared: Setting) -> Iterator[Expression]:
    if declared.kind in (Kind.EXPRESSION, Kind.CONDITION) and value is not None:
        yield value
    elif isinstance(value, dict) and declared.kind in (Kind.ARGUMENTS, Kind.ASSIGNMENTS):
        yield from value.values()
    elif isinstance(value, Offer):
        if value.when is not None:
            yield value.when
    elif isinstance(value, tuple):
        for item in value:
            if isinstance(item, (Option, Valued)) and item.when is not None:
                yield item.when


def needs_of(step: Step) -> Iterator[tuple[str, dict[str, int]]]:
    """Each set of needs of a step with the setting it stands under, the strictest first."""
    for python_name, declared in step.settings().items():
        value = getattr(step, python_name, None)
        if declared.kind is Kind.NEEDS and value:
            yield declared.yaml_name or python_name, dict(value)
        elif isinstance(value, tuple):
            for item in value:
                if isinstance(item, Ring):
                    yield declared.yaml_name or python_name, dict(item.needs)
