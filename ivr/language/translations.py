"""Sentences in other languages: `prompts/es-ES.yaml` maps each sentence of the flows to its translation.

    # hand-written, one file per language, shared by all flows
    "Hello, thank you for calling Acme.": Hola, gracias por llamar a Acme.

A reworded sentence has no translation any more: nothing is silently stale. `ivr flows translate es-ES` carries the old one over as
`{check: …, was: …}`, which lint reports until somebody has looked at it.
"""

from __future__ import annotations

from collections.abc import Mapping as Map
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from ivr.language.expression_mistakes import Mistake
from ivr.language.problems import Findings, did_you_mean
from ivr.language.readers.node import Reading, kept, settings_of, text_of
from ivr.language.source import Mapping, Node, Source, Text, what
from ivr.language.templates import CompiledTemplate, compile_template, normalised
from ivr.language.values import Position

FOLDER = "prompts"


@dataclass(frozen=True)
class Translated:
    """One sentence in another language. `check`: carried over from an older wording (`was`) and not looked at yet."""

    source: str
    at: Position
    template: CompiledTemplate
    check: bool = False
    was: str = ""
    comments: tuple[str, ...] = ()
    """Lines of comment directly above the sentence: a translator's own remarks."""


@dataclass(frozen=True)
class Translations:
    """One language's file: `sentences` by normalised source sentence."""

    language: str
    file: str
    sentences: Map[str, Translated] = field(default_factory=dict)
    unread: bool = False
    """The file could not be read: nothing is known about what it holds."""

    def find(self, source: str) -> Translated | None:
        """The translation of a source sentence, or None."""
        return self.sentences.get(normalised(source))


def language_of(path: str) -> str | None:
    """The language of `prompts/es-ES.yaml`, or None for another file."""
    parts = PurePosixPath(path)
    return parts.stem if parts.parent.name == FOLDER and parts.suffix in (".yaml", ".yml") else None


def read_translations(source: Source, language: str, findings: Findings) -> Translations:
    """One file of translations; problems go to `findings`."""
    reading = Reading(findings)
    sentences: dict[str, Translated] = {}
    if isinstance(source.root, Mapping):
        for entry in source.root:
            done = kept(_translated, entry.key, entry.value, reading)
            if done is not None:
                sentences[normalised(entry.key.value)] = replace(done, comments=_comments_above(source.lines, entry.key.at.line))
    elif source.root is not None:
        findings.add(
            source.root.at,
            "wrong-value",
            f"Translations are pairs of sentences; here is {what(source.root)}.",
            'Write `"sentence": translation`.',
        )
    return Translations(language, source.file, sentences, unread=not isinstance(source.root, Mapping))


def _comments_above(lines: list[str], line: int) -> tuple[str, ...]:
    """The comment that ends right above a line (from 1)."""
    begin = line - 1
    while begin > 0 and lines[begin - 1].lstrip().startswith("#"):
        begin -= 1
    return tuple(text.strip() for text in lines[begin : line - 1])


def _translated(key: Text, node: Node, reading: Reading) -> Translated:
    check, was = False, ""
    if isinstance(node, Mapping):
        block = settings_of(node, reading, ("check", "was"), "the translation")
        inner, old = block.get("check"), block.get("was")
        check, was = True, old.value if isinstance(old, Text) else ""
        node = inner if inner is not None else Text(node.at, "")
    text = text_of(node, reading, "the translation")
    try:
        template = compile_template(text.value.strip("\n"), text.position(0), text.position)
    except Mistake as mistake:
        reading.findings.add(text.position(mistake.offset), "prompt", mistake.message, mistake.hint, length=mistake.length)
        template = CompiledTemplate(text.value, text.position(0), (), (text.value,))
    return Translated(key.value, text.at, template, check, was)


def best_language(wanted: str, available: tuple[str, ...]) -> str | None:
    """The available language that serves `wanted`: the same, else the same without its region, else None."""
    if wanted in available:
        return wanted
    return next((language for language in available if language.split("-")[0] == wanted.split("-")[0]), None)


def unknown_language_hint(language: str, known: tuple[str, ...]) -> str:
    """What to do about a file for a language that no flow has."""
    return did_you_mean(language, known, "The flows have: ")
