"""Menus and decisions: choices that hide one another, choices that nobody can take, and figures that contradict."""

from __future__ import annotations

from collections.abc import Iterator

from ivr.language.fields import Kind, Step
from ivr.language.flow import Flow
from ivr.language.problems import WARNING, quoted
from ivr.language.rules.names import place
from ivr.language.rules.registry import Lint, rule
from ivr.language.values import Option

MOST_CHOICES_HEARD = 6
_KEY_WORDS = {"*": "star", "#": "hash"}


def menus(flow: Flow) -> Iterator[tuple[Step, tuple[Option, ...]]]:
    """Steps with choices by key or voice."""
    for step in flow.steps.values():
        for python_name, declared in step.settings().items():
            if declared.kind is Kind.MENU_OPTIONS:
                yield step, getattr(step, python_name) or ()


def decisions(flow: Flow) -> Iterator[tuple[Step, tuple[Option, ...]]]:
    """Steps that choose by condition."""
    for step in flow.steps.values():
        for python_name, declared in step.settings().items():
            if declared.kind is Kind.DECISIONS and (declared.yaml_name or python_name) not in flow.unread.get(step.name, ()):
                yield step, getattr(step, python_name) or ()


@rule("key-used-twice", "The first choice whose `when` holds wins, so a second one with the same key is never taken.")
def key_used_twice(flow: Flow, lint: Lint) -> None:
    for _, options in menus(flow):
        _taken_already(lint, options, "key", "key-used-twice")


@rule(
    "intent-used-twice-without-when",
    "The first choice whose `when` holds wins, so a second one with the same intent is never taken.",
)
def intent_used_twice(flow: Flow, lint: Lint) -> None:
    for _, options in menus(flow):
        _taken_already(lint, options, "intent", "intent-used-twice-without-when")


def _taken_already(lint: Lint, options: tuple[Option, ...], word: str, rule_name: str) -> None:
    """A choice is hidden where an earlier one of the same key or intent has no `when`, or the same one."""
    taken: dict[str, list[Option]] = {}
    for option in options:
        value = getattr(option, word)
        if value is None:
            continue
        for earlier in taken.get(value, ()):
            if earlier.when is None or (option.when is not None and option.when.source == earlier.when.source):
                at = option.positions.get(word, option.at)
                told = _KEY_WORDS.get(value, value)
                lint.findings.add(
                    at,
                    rule_name,
                    f"The {word} {quoted(told)} is taken by the choice on line {earlier.at.line}, so this one never is.",
                    f"Give the earlier one a `when`, or this one another {word}.",
                    length=len(told),
                )
                break
        taken.setdefault(value, []).append(option)


@rule("no-otherwise", "Where no condition holds the call has to go on all the same: the last choice has no `when`.", met=True)
def no_otherwise(flow: Flow, lint: Lint) -> None:
    for step, options in decisions(flow):
        if options and all(option.when is not None for option in options):
            lint.findings.add(
                options[-1].at,
                "no-otherwise",
                f"{quoted(step.name)} has no way for when none of its conditions holds.",
                "Add a last choice that has only `go`.",
            )


@rule("never-chosen", "What stands below a choice without `when` is never looked at.")
def never_chosen(flow: Flow, lint: Lint) -> None:
    for _, options in decisions(flow):
        for index, option in enumerate(options[:-1]):
            if option.when is None:
                later = options[index + 1]
                lint.findings.add(
                    later.at,
                    "never-chosen",
                    f"The choice on line {option.at.line} always holds, so this one is never taken.",
                    "Move it above.",
                )
                break


@rule("menu-too-long", "Nobody keeps more than six spoken choices in mind.", severity=WARNING)
def menu_too_long(flow: Flow, lint: Lint) -> None:
    for step, options in menus(flow):
        heard = [option for option in options if option.text is not None and option.when is None]
        if len(heard) > MOST_CHOICES_HEARD:
            lint.findings.add(
                place(step, "options", flow),
                "menu-too-long",
                f"{quoted(step.name)} reads {len(heard)} choices to every caller; {MOST_CHOICES_HEARD} are remembered.",
                "Let some be understood when spoken (no `text`), or split the menu.",
            )


@rule("key-not-told", "A key that no sentence mentions is a key that no caller finds.", severity=WARNING)
def key_not_told(flow: Flow, lint: Lint) -> None:
    for step, options in menus(flow):
        verb: object = getattr(step, next(iter(step.settings())))
        everything = " ".join(variant.text.source for variant in getattr(verb, "variants", ()))
        for option in options:
            if option.key is None:
                continue
            own = " ".join(variant.text.source for variant in option.text.variants) if option.text else ""
            if not _tells_key(option.key, f"{everything} {own}"):
                told = _KEY_WORDS.get(option.key, option.key)
                lint.findings.add(
                    option.positions.get("key", option.at),
                    "key-not-told",
                    f"No sentence tells the caller about key {told}.",
                    f'Add a `text`, such as "… press {told}".',
                    length=len(told),
                )


_SPOKEN_KEYS = {
    "0": ("0", "zero", "cero"),
    "1": ("1", "one", "uno"),
    "2": ("2", "two", "dos"),
    "3": ("3", "three", "tres"),
    "4": ("4", "four", "cuatro"),
    "5": ("5", "five", "cinco"),
    "6": ("6", "six", "seis"),
    "7": ("7", "seven", "siete"),
    "8": ("8", "eight", "ocho"),
    "9": ("9", "nine", "nueve"),
    "*": ("*", "star", "asterisk", "asterisco", "estrella"),
    "#": ("#", "hash", "pound", "almohadilla"),
}


def _tells_key(key: str, text: str) -> bool:
    words = text.casefold().replace(",", " ").replace(".", " ").replace("?", " ").replace(";", " ").replace(":", " ").split()
    return any(name in words for name in _SPOKEN_KEYS[key])


@rule(
    "thresholds",
    "Between `sure_at` and `confirm_below` the caller is asked whether it is right; the other way round nothing is left between.",
)
def thresholds(flow: Flow, lint: Lint) -> None:
    for step in flow.steps.values():
        sure, confirm = getattr(step, "sure_at", None), getattr(step, "confirm_below", None)
        if sure is not None and confirm is not None and sure > confirm:
            lint.findings.add(
                place(step, "sure_at", flow),
                "thresholds",
                f"sure_at ({sure:g}) is greater than confirm_below ({confirm:g}).",
                "Swap them.",
            )


@rule("input-mismatch", "A choice that can only be spoken is out of reach where only keys are heard, and the other way round.")
def input_mismatch(flow: Flow, lint: Lint) -> None:
    for step, options in menus(flow):
        accepted = getattr(step, "input", "both")
        for option in options:
            if accepted == "keys" and option.key is None and option.intent:
                lint.findings.add(
                    option.at, "input-mismatch", "This menu hears only keys, and this choice has none.", "Give it a `key`."
                )
            if accepted == "speech" and option.intent is None and option.key:
                lint.findings.add(
                    option.at,
                    "input-mismatch",
                    "This menu hears only speech, and this choice has no intent.",
                    "Give it an `intent`.",
                )


@rule(
    "command-off", "Universal commands are a caller's way out; switching one off should be rare and deliberate.", severity=WARNING
)
def command_off(flow: Flow, lint: Lint) -> None:
    for step in flow.steps.values():
        for command in getattr(step, "without", ()):
            lint.findings.add(
                place(step, "without", flow),
                "command-off",
                f'Callers cannot say "{command.replace("_", " ")}" at {quoted(step.name)}.',
                "Delete it unless there is a strong reason.",
            )


@rule("no-reprompts", "A caller who did not answer hears nothing but the exit.", severity=WARNING)
def no_reprompts(flow: Flow, lint: Lint) -> None:
    for step in flow.steps.values():
        declared = step.settings()
        if "reprompts" not in declared or "give_up" not in declared or "reprompts" in flow.unread.get(step.name, ()):
            continue
        reprompts = step.reprompts  # type: ignore[attr-defined]
        if not reprompts.silence or not reprompts.unclear:
            missed = "silence" if not reprompts.silence else "unclear answer"
            lint.findings.add(
                place(step, "reprompts", flow),
                "no-reprompts",
                f"{quoted(step.name)} gives up after the first {missed}.",
                "Write `reprompts:` with one or two sentences.",
            )
