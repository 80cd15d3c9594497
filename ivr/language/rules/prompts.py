"""What callers hear: prompts that stay silent, are too long, or speak a value in a way nobody understands."""

from __future__ import annotations

from collections.abc import Iterator

from ivr.language.fields import Step
from ivr.language.flow import Flow, Said, prompts_of
from ivr.language.problems import WARNING, quoted
from ivr.language.rules.facts import facts_of, type_of
from ivr.language.rules.registry import Lint, rule
from ivr.language.templates import CompiledTemplate, Placeholder
from ivr.language.values import Prompt, Template, Variant

LONGEST_SECONDS = 20.0
CHARACTERS_PER_SECOND = 14.0
"""Machine voices speak some 160 words a minute."""

PLACEHOLDER_CHARACTERS = 12


def spoken_seconds(template: Template) -> float:
    """How long a sentence takes to say, roughly."""
    parts = template.parts if isinstance(template, CompiledTemplate) else (template.source,)
    characters = sum(PLACEHOLDER_CHARACTERS if isinstance(part, Placeholder) else len(part) for part in parts)
    return characters / CHARACTERS_PER_SECOND


def longest_seconds(prompt: Prompt) -> float:
    """The longest variant of a prompt."""
    return max((spoken_seconds(variant.text) for variant in prompt.variants), default=0.0)


def variants(flow: Flow) -> Iterator[tuple[Step, Said, Variant]]:
    for step in flow.steps.values():
        for said in prompts_of(step):
            for variant in said.prompt.variants:
                yield step, said, variant


def placeholders(flow: Flow) -> Iterator[Placeholder]:
    for _, _, variant in variants(flow):
        if isinstance(variant.text, CompiledTemplate):
            yield from variant.text.placeholders


@rule("prompt-too-long", "After twenty seconds of speech nobody remembers how it began.", severity=WARNING)
def prompt_too_long(flow: Flow, lint: Lint) -> None:
    for _, _, variant in variants(flow):
        seconds = spoken_seconds(variant.text)
        if seconds > LONGEST_SECONDS:
            lint.findings.add(
                variant.text.at,
                "prompt-too-long",
                f"Saying this takes about {seconds:.0f} seconds.",
                f"Stay under {LONGEST_SECONDS:.0f}.",
            )


@rule("no-words", "Where no variant's condition holds the caller hears nothing: the last variant has no `when`.", met=True)
def no_words(flow: Flow, lint: Lint) -> None:
    for step in flow.steps.values():
        for said in prompts_of(step):
            found = said.prompt.variants
            if said.role in ("verb", "reprompt") and found and all(variant.when is not None for variant in found):
                last = found[-1].when
                lint.findings.add(
                    last.at if last else said.prompt.at,
                    "no-words",
                    f"{quoted(step.name)} says nothing where none of the conditions holds.",
                    "Add a last variant that has only `text`.",
                )


@rule("never-said", "What stands below a variant without `when` is never said.")
def never_said(flow: Flow, lint: Lint) -> None:
    for step in flow.steps.values():
        for said in prompts_of(step):
            for earlier, later in zip(said.prompt.variants, said.prompt.variants[1:], strict=False):
                if earlier.when is None and not _may_be_missing(earlier):
                    lint.findings.add(
                        later.text.at,
                        "never-said",
                        f"The variant on line {earlier.text.at.line} always holds, so this one is never said.",
                        "Move it above.",
                    )
                    break


def _may_be_missing(variant: Variant) -> bool:
    """A variant whose facts may not be there is skipped, so that the next one has its turn."""
    return bool(variant.text.names)


_READS = {
    "day": ("date", "time"),
    "date": ("date", "time"),
    "time": ("time", "date"),
    "moment": ("time", "date"),
    "money": ("money", "number"),
    "count": ("number", "list"),
    "number": ("number", "money", "digits"),
    "spell": ("digits", "text", "number"),
    "digits": ("digits", "number", "text"),
    "name": ("text",),
}


@rule(
    "reading-mismatch", "A reading speaks one sort of value: `day` dates, `money` amounts, `spell` what is said digit by digit."
)
def reading_mismatch(flow: Flow, lint: Lint) -> None:
    known = facts_of(lint)
    for placeholder in placeholders(flow):
        type_name = type_of(placeholder.name, known)
        if type_name and placeholder.reading != "plain" and type_name not in _READS[placeholder.reading]:
            fitting = [reading for reading, types in _READS.items() if types[0] == type_name] or ["no reading"]
            lint.findings.add(
                placeholder.name.at,
                "reading-mismatch",
                f"{placeholder.name} is {_a(type_name)}; | {placeholder.reading} does not fit.",
                f"Write | {fitting[0]}." if fitting != ["no reading"] else "Leave the reading out.",
                length=len(str(placeholder.name)),
            )


def _a(type_name: str) -> str:
    return {"yes_no": "yes or no", "money": "an amount of money", "digits": "a row of digits", "text": "text"}.get(
        type_name, f"a {type_name}"
    )


_NEEDS_READING = {"digits": "spell", "date": "day", "time": "time", "money": "money"}


@rule(
    "spoken-digits-not-spelled",
    "An order number read as “twelve million …” or a date read digit by digit is not understood.",
    severity=WARNING,
)
def spoken_digits_not_spelled(flow: Flow, lint: Lint) -> None:
    known = facts_of(lint)
    for placeholder in placeholders(flow):
        type_name = type_of(placeholder.name, known)
        if placeholder.reading == "plain" and type_name in _NEEDS_READING:
            reading = _NEEDS_READING[type_name]
            lint.findings.add(
                placeholder.name.at,
                "spoken-digits-not-spelled",
                f"{placeholder.name} is {_a(type_name)} and is spoken as it stands.",
                f"Write {{{{ {placeholder.name} | {reading} }}}}.",
                length=len(str(placeholder.name)),
            )
