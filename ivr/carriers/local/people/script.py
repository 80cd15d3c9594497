"""Scripted people: a readable list of what they hear, say and press."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from ivr.carriers.local.legs import Leg
from ivr.carriers.local.line import Kind
from ivr.carriers.local.people.handset import KEYPAD, PATIENCE_SECONDS, Handset
from ivr.errors import IvrError

HEARD = frozenset({Kind.SAY, Kind.PLAY, Kind.PERSON})
MOST_STEPS = 1000
WORDS = {
    "hear": "words or /regex/ that must be heard (to its end) before going on; a list means any of them",
    "notice": "like hear, but as soon as it begins: to interrupt a prompt",
    "say": "speak once somebody listens",
    "press": "keys, once somebody listens",
    "wait": "do nothing for so long",
    "silence": "let the prompt's time run out",
    "talk": "wait for a person, then stay with them for so long",
    "hang up": "end the call",
    "until end": "stay until the other side ends the call",
    "never hear": "fails if this was heard at any time",
}


class ScriptError(IvrError):
    """A script cannot be read; the text says where and why."""


@dataclass(frozen=True)
class Step:
    """One line of a script. `value` is a text, pattern list, keys or seconds, by `word`."""

    word: str
    value: Any = None
    within_seconds: float = PATIENCE_SECONDS
    sureness: float | None = None
    at: int = 0  # position in the script, from 1
    written: str = ""  # the value as the script has it

    def __str__(self) -> str:
        return f"step {self.at}: {self.word} {self.written}".rstrip()


@dataclass(frozen=True)
class Script:
    """Who calls whom and what they do. `never` are the steps that name what must not be heard."""

    steps: tuple[Step, ...]
    from_number: str = ""
    to_number: str = ""
    name: str = "Caller"
    never: tuple[Step, ...] = ()


@dataclass
class Outcome:
    """How a script went. `failures` are sentences; empty means that every expectation held."""

    failures: list[str] = field(default_factory=list)
    steps_done: int = 0
    finished: bool = False


def seconds_of(text: Any) -> float:
    """`10s`, `2m`, `500ms` or a bare number of seconds."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|m|min)?", str(text).strip())
    if not match:
        raise ScriptError(f"{text!r} is not a length of time such as 10s or 2m")
    return float(match[1]) * {"ms": 0.001, "m": 60.0, "min": 60.0}.get(match[2] or "s", 1.0)


def pattern_of(text: Any) -> re.Pattern[str]:
    """/regex/ or words, either without regard to case."""
    raw = str(text)
    if len(raw) > 500:
        raise ScriptError("a pattern is longer than 500 characters")
    try:
        return re.compile(raw[1:-1] if len(raw) > 1 and raw[0] == raw[-1] == "/" else re.escape(raw), re.IGNORECASE)
    except re.error as error:
        raise ScriptError(f"{raw!r} is not a regular expression: {error}") from error


def _step(raw: Any, at: int) -> Step:
    if isinstance(raw, str):
        raw = {raw: None}
    if not isinstance(raw, dict) or not raw:
        raise ScriptError(f"step {at}: expected one of {', '.join(WORDS)}")
    word = next((key for key in raw if key in WORDS), None)
    unknown = [str(key) for key in raw if key not in WORDS and key not in ("within", "sureness")]
    if word is None or unknown:
        raise ScriptError(f"step {at}: {', '.join(unknown) or raw} is not one of {', '.join(WORDS)}")
    value = raw[word]
    within = seconds_of(raw["within"]) if "within" in raw else PATIENCE_SECONDS
    sureness = float(raw["sureness"]) if "sureness" in raw else None
    if word in ("hear", "notice", "never hear"):
        value = tuple(pattern_of(one) for one in (value if isinstance(value, list) else [value]))
    elif word in ("wait", "talk", "silence"):
        value = seconds_of(value) if value is not None else None
        if value is None and word != "silence":
            raise ScriptError(f"step {at}: {word} needs a length of time, such as {word}: 10s")
    elif word == "press":
        if value is None or not KEYPAD.fullmatch(str(value)):
            raise ScriptError(f"step {at}: press takes keys 0-9, * and # in quotes")
        value = str(value)
    elif word == "say":
        if not value:
            raise ScriptError(f"step {at}: say needs words")
        value = str(value)[:10_000]
    given = raw[word]
    written = ", ".join(map(str, given)) if isinstance(given, list) else str(given or "")
    return Step(word, value, within, sureness, at, written)


def read_script(source: str | Mapping[str, Any] | list[Any]) -> Script:
    """Read a script from YAML text, or from the same shape already read. Raises ScriptError with a sentence."""
    plain: Any = source
    if isinstance(source, str):
        if len(source) > 200_000:
            raise ScriptError("the script is longer than 200,000 characters")
        try:
            plain = yaml.load(source, Loader=yaml.BaseLoader)  # every value stays text: keys, numbers and times as written
        except yaml.YAMLError as error:
            place = (
                f"line {error.problem_mark.line + 1}: " if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark else ""
            )
            problem = error.problem if isinstance(error, yaml.MarkedYAMLError) else str(error)
            raise ScriptError(f"the script is not YAML: {place}{problem}") from error
    if isinstance(plain, list):
        plain = {"script": plain}
    if not isinstance(plain, Mapping) or not isinstance(plain.get("script"), list):
        raise ScriptError("expected a list of steps under 'script:'")
    if unknown := set(plain) - {"script", "from", "to", "name", "title"}:
        raise ScriptError(f"unknown keys: {', '.join(sorted(map(str, unknown)))}; expected script, from, to, name, title")
    if len(plain["script"]) > MOST_STEPS:
        raise ScriptError(f"more than {MOST_STEPS} steps")
    steps = [_step(raw, at) for at, raw in enumerate(plain["script"], 1)]
    return Script(
        tuple(step for step in steps if step.word != "never hear"),
        str(plain.get("from") or ""),
        str(plain.get("to") or ""),
        str(plain.get("name") or "Caller"),
        tuple(step for step in steps if step.word == "never hear"),
    )


class ScriptedPerson:
    """Acts a script out on one leg. As somebody who is called, picks up after `answers_after_seconds`."""

    patient = False
    nature = "human"

    def __init__(self, script: Script, answers_after_seconds: float = 2.0) -> None:
        self.script = script
        self.name = script.name
        self.answers_after_seconds = answers_after_seconds
        self.outcome = Outcome()
        self._heard_to = (0, 0)  # entry, character: where hearing goes on

    async def hold(self, leg: Leg) -> None:
        """Act until the script or the call is over; the outcome tells which expectation failed."""
        handset = Handset(leg)
        if leg.direction != "inbound" and not await handset.answer(self.answers_after_seconds):
            self.outcome.failures.append("the call was given up before it was answered")
            return
        for step in self.script.steps:
            if failure := await self._act(handset, step):
                self.outcome.failures.append(f"{step}: {failure}")
                handset.hang_up()
                break
            self.outcome.steps_done += 1
        else:
            self.outcome.finished = True
            handset.hang_up()
        heard = [entry.text for entry in leg.line.entries if entry.kind in HEARD]
        self.outcome.failures.extend(
            f"{step}: heard {text[:80]!r}"
            for step in self.script.never
            for text in heard
            if any(pattern.search(text) for pattern in step.value)
        )

    async def _act(self, handset: Handset, step: Step) -> str:
        """Do one step; returns what went wrong, or ""."""
        line = handset.line
        if step.word in ("hear", "notice"):
            begun = step.word == "notice"
            if await line.until(lambda: self._find(line.entries, step.value, begun), handset.limit(step.within_seconds)):
                return ""
            if handset.over and self._find(line.entries, step.value, begun):
                return ""
            return (
                "the call ended" if handset.over else f"not heard within {step.within_seconds:g} s"
            ) + f"; {_last_heard(handset)}"
        if handset.over and step.word not in ("hang up", "until end"):
            return f"the call had ended already; {_last_heard(handset)}"
        if step.word == "say":
            if not await handset.until_listened_to(speech=True, seconds=step.within_seconds):
                return "nobody listened to speech"
            return "" if await handset.say(step.value, step.sureness) else "nobody took it"
        if step.word == "press":
            if not await handset.until_listened_to(keys=True, seconds=step.within_seconds):
                return "nothing listened to keys"
            await handset.press(step.value)
        elif step.word == "wait":
            await handset.wait(step.value)
        elif step.word == "silence":
            await self._stay_silent(handset, step)
        elif step.word == "talk":
            if not await handset.until_in_company(step.within_seconds):
                return f"no person came on the line; {_last_heard(handset)}"
            await handset.wait(step.value)
        elif step.word == "hang up":
            handset.hang_up()
        elif (
            step.word == "until end"
            and not await line.until(lambda: handset.over, handset.limit(step.within_seconds))
            and not handset.over
        ):
            return f"the call did not end within {step.within_seconds:g} s"
        return ""

    async def _stay_silent(self, handset: Handset, step: Step) -> None:
        if step.value is not None:
            await handset.wait(step.value)
            return
        before = sum(entry.kind is Kind.NO_INPUT for entry in handset.line.entries)
        await handset.line.until(
            lambda: sum(entry.kind is Kind.NO_INPUT for entry in handset.line.entries) > before,
            handset.limit(step.within_seconds),
        )

    def _find(self, entries: list[Any], patterns: tuple[re.Pattern[str], ...], begun: bool) -> bool:
        """Search on from where the last hearing stopped; remember the place."""
        start, offset = self._heard_to
        for index in range(start, len(entries)):
            entry = entries[index]
            if entry.kind not in HEARD or (entry.seconds is None and not begun):
                continue
            from_character = offset if index == start else 0
            if found := [m for p in patterns if (m := p.search(entry.text, from_character))]:
                self._heard_to = (index, min(m.end() for m in found))
                return True
        return False


def _last_heard(handset: Handset) -> str:
    heard = [entry.text for entry in handset.line.entries if entry.kind in HEARD]
    return f"last heard: {heard[-1][:160]!r}" if heard else "nothing was heard"
