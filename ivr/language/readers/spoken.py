"""Settings that hold expressions and prompts."""

from __future__ import annotations

import re
from itertools import pairwise

from ivr.language.expression_mistakes import Mistake
from ivr.language.expressions import CompiledExpression, compile_expression
from ivr.language.fields import Kind, Setting
from ivr.language.problems import quoted
from ivr.language.readers.node import Reading, Unread, items_of, kept, settings_of, text_of, wrong
from ivr.language.readers.plain import read_fact_field
from ivr.language.source import Mapping, Node, Sequence, Text, what
from ivr.language.templates import CompiledTemplate, compile_template
from ivr.language.values import Expression, Position, Prompt, Reprompts, Variant


def read_expression(node: Node, setting: Setting | None, reading: Reading) -> CompiledExpression:
    text = text_of(node, reading, "an expression such as customer.known")
    try:
        found = compile_expression(text.value, text.position(0), text.position)
    except Mistake as mistake:
        at = text.position(mistake.offset)
        reading.findings.add(at, "expression", mistake.message, mistake.hint, length=mistake.length if text.exact else 1)
        raise Unread from None
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


def split_sentence(node: Sequence, reading: Reading) -> None:
    """`[Sorry, I did not hear you.]` is two texts to YAML: the comma inside [ ] ends the first."""
    for one, other in pairwise(node.items):
        if not node.brackets or not (isinstance(one, Text) and isinstance(other, Text) and one.style == other.style == "plain"):
            continue
        if not one.value.rstrip().endswith((".", "?", "!", "…", ":")):
            reading.findings.add(
                one.at,
                "needs-quotes",
                f"Inside [ ] a comma ends a text, so {quoted(one.value)} and {quoted(other.value)} are two.",
                'Put each whole text in "quotes".',
                length=len(one.value) if one.exact else 1,
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
        split_sentence(node, reading)
        variants = [kept(read_variant, item, reading) for item in items]
        usable = tuple(variant for variant in variants if variant is not None)
        if not usable:
            raise Unread
        return Prompt(usable, node.at)
    return Prompt((read_variant(node, reading),), node.at)


def _prompts(node: Node, reading: Reading) -> tuple[Prompt, ...]:
    items = node.items if isinstance(node, Sequence) else (node,)
    if isinstance(node, Sequence):
        split_sentence(node, reading)
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
