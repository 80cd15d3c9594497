"""Bringing a file of translations up to date with the flows: what is new is added empty, what was reworded is carried over to be checked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ivr.language.flow import Flow
from ivr.language.problems import nearest
from ivr.language.rules.translations import sentences
from ivr.language.translations import Translations


@dataclass(frozen=True)
class Updated:
    """The new text of a file, and what was done: sentences kept, missing (still to translate), to check, and dropped."""

    text: str
    kept: int
    missing: tuple[str, ...]
    check: tuple[str, ...]
    dropped: tuple[str, ...]


def updated(flows: Iterable[Flow], language: str, old: Translations | None) -> Updated:
    """The file `prompts/<language>.yaml` for these flows, sentences in the order in which the flows say them.

    A sentence without a translation stands there with nothing behind its colon, which lint reports; one whose wording changed carries the
    translation of the sentence that it most resembles, as `{check: …, was: …}`. Comments above a sentence stay with it.
    """
    wanted: dict[str, list[str]] = {}
    for flow in flows:
        if language in flow.languages[1:]:
            for sentence in sentences(flow):
                wanted.setdefault(sentence, []).append(flow.name)
    have = dict(old.sentences) if old else {}
    orphans = {sentence: done for sentence, done in have.items() if sentence not in wanted}
    heading = f"# Translations into {language}: sentence of the flows, then how it is said."
    headings = {heading, *(f"# {name}" for names in wanted.values() for name in names)}
    lines = [heading, ""]
    missing, check, kept = [], [], 0
    last_flow = ""
    for sentence, names in wanted.items():
        if names[0] != last_flow:
            lines += ([""] if last_flow else []) + [f"# {names[0]}"]
            last_flow = names[0]
        done = have.get(sentence)
        was = done.was if done is not None else nearest(sentence, orphans)
        carried = done if done is not None else orphans.pop(was or "", None)
        lines += [comment for comment in carried.comments if comment not in headings] if carried else []
        if done is not None and not done.check:
            kept += 1
            lines.append(f"{_quoted(sentence)}: {_quoted(done.template.source)}")
            continue
        if carried is None:
            missing.append(sentence)
            lines.append(f"{_quoted(sentence)}:")
        else:
            check.append(sentence)
            lines += [f"{_quoted(sentence)}:", f"  check: {_quoted(carried.template.source)}", f"  was: {_quoted(was or '')}"]
    return Updated("\n".join(lines) + "\n", kept, tuple(missing), tuple(check), tuple(orphans))


def coverage(flows: Mapping[str, Flow], translations: Translations | None, language: str) -> tuple[int, int]:
    """(translated, all) sentences of the flows that speak `language`."""
    every = {sentence for flow in flows.values() if language in flow.languages[1:] for sentence in sentences(flow)}
    have = translations.sentences if translations else {}
    return sum(1 for sentence in every if sentence in have), len(every)


def _quoted(text: str) -> str:
    """Text in double quotes: JSON's strings are YAML's."""
    return json.dumps(text.replace("\n", " "), ensure_ascii=False)
