"""Every sentence in every language of its flow, with the same values in it."""

from __future__ import annotations

from collections import Counter

from ivr.language.flow import Flow
from ivr.language.problems import WARNING, did_you_mean, nearest, quoted
from ivr.language.rules.prompts import variants
from ivr.language.rules.registry import Lint, rule
from ivr.language.templates import CompiledTemplate, normalised
from ivr.language.translations import Translated, unknown_language_hint
from ivr.language.values import Position, Template


def sentences(flow: Flow) -> dict[str, Template]:
    """Every sentence of a flow by its normalised source; the first place counts."""
    found: dict[str, Template] = {}
    for _, _, variant in variants(flow):
        found.setdefault(normalised(variant.text.source), variant.text)
    return found


@rule("missing-translation", "A caller who speaks another language would suddenly hear this sentence in the first one.", met=True)
def missing_translation(flow: Flow, lint: Lint) -> None:
    for language in flow.languages[1:]:
        translations = lint.translations.get(language)
        if translations is None:
            at = flow.positions.get(f"languages.{language}", flow.positions.get("languages", flow.at))
            lint.findings.add(
                at,
                "missing-translation",
                f"There is no file prompts/{language}.yaml, so nothing is said in {language}.",
                f"Run `ivr flows translate {language}`.",
                length=len(language),
            )
            continue
        for sentence, template in sentences(flow).items():
            if sentence and sentence not in translations.sentences and not translations.unread:
                lint.findings.add(
                    template.at,
                    "missing-translation",
                    f"{quoted(sentence)} is missing in {translations.file}.",
                    f"Run `ivr flows translate {language}` and fill it in.",
                )


@rule(
    "changed-translation",
    "The sentence was reworded after it was translated; somebody has to look whether the old translation still fits.",
    severity=WARNING,
)
def changed_translation(flow: Flow, lint: Lint) -> None:
    used = sentences(flow)
    for language in flow.languages[1:]:
        translations = lint.translations.get(language)
        for sentence, translated in (translations.sentences if translations else {}).items():
            if sentence in used and translated.check:
                was = f" It used to be {quoted(translated.was)}." if translated.was else ""
                lint.findings.add(
                    translated.at,
                    "changed-translation",
                    f"{quoted(sentence)} was reworded and its translation not looked at since.{was}",
                    "Mend it where needed, then write it without `check`.",
                )


@rule("placeholder-differs", "A translation that lost a value tells the caller less; one with another value may never be said.")
def placeholder_differs(flow: Flow, lint: Lint) -> None:
    used = sentences(flow)
    for language in flow.languages[1:]:
        translations = lint.translations.get(language)
        for sentence, translated in (translations.sentences if translations else {}).items():
            if sentence in used:
                _compare(used[sentence], translated, lint)


def _compare(original: Template, translated: Translated, lint: Lint) -> None:
    wanted = Counter(str(name) for name in original.names)
    given = Counter(str(name) for name in translated.template.names)
    for name in sorted(wanted - given):
        lint.findings.add(
            translated.at,
            "placeholder-differs",
            f"The translation does not say {name}.",
            f"Add {{{{ {_as_written(original, name)} }}}}.",
        )
    for spoken in translated.template.names:
        if str(spoken) in given - wanted:
            lint.findings.add(
                spoken.at,
                "placeholder-differs",
                f"The original does not say {spoken}.",
                "Delete it, or add it to the original.",
                length=len(str(spoken)),
            )


def _as_written(template: Template, name: str) -> str:
    placeholder = (
        next((p for p in template.placeholders if str(p.name) == name), None) if isinstance(template, CompiledTemplate) else None
    )
    return str(placeholder).strip("{} ") if placeholder else name


@rule("unused-translation", "A sentence that no flow says any more.", severity=WARNING)
def unused_translation(flow: Flow, lint: Lint) -> None:
    first = next(iter(lint.flows.values()))
    if flow is not first or any(flow_.unread for flow_ in lint.flows.values()):
        return
    used = {sentence for each in lint.flows.values() for sentence in sentences(each)}
    spoken = tuple(dict.fromkeys(language for each in lint.flows.values() for language in each.languages))
    for language, translations in lint.translations.items():
        if language not in spoken:
            lint.findings.add(
                Position(translations.file, 1, 1),
                "unknown-file-language",
                f"No flow speaks {language}.",
                f"{unknown_language_hint(language, spoken)} Or add it to `languages`.",
            )
            continue
        for sentence, translated in translations.sentences.items():
            if sentence not in used:
                near = nearest(sentence, used)
                hint = f"It may now read {quoted(near)}: run `ivr flows translate {language}`." if near else "Delete it."
                lint.findings.add(translated.at, "unused-translation", f"No flow says {quoted(sentence)}.", hint)


@rule("unknown-language", "A language that this program cannot speak or understand.", severity=WARNING)
def unknown_language(flow: Flow, lint: Lint) -> None:
    known = lint.names.languages
    for language in flow.languages if known is not None else ():
        if (
            known is not None
            and language not in known
            and not any(language.split("-")[0] == other.split("-")[0] for other in known)
        ):
            at = flow.positions.get(f"languages.{language}", flow.at)
            lint.findings.add(
                at,
                "unknown-language",
                f"{language} has no phrases of the house.",
                did_you_mean(language, known, "There are: "),
                length=len(language),
            )
