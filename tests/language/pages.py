"""Pages of docs/ that are made from the program: docs/lint-rules.md, and the steps in docs/flow-language.md.

`python -m tests.language.pages` writes them anew; a test compares them with what it would write.
"""

from __future__ import annotations

import re
from pathlib import Path

import ivr.steps  # registers every kind of step
from ivr.language.fields import KINDS, Exit, Setting
from ivr.language.names import BUILT_IN, READINGS
from ivr.language.problems import WARNING
from ivr.language.readers.plain import spoken_duration
from ivr.language.rules import RULES
from tests.language.broken_files import cases, expectation

assert ivr.steps
STEPS = Path(__file__).parent / "steps"
DOCS = Path(__file__).parents[2] / "docs"
RULES_PAGE = DOCS / "lint-rules.md"
LANGUAGE_PAGE = DOCS / "flow-language.md"
BEGIN, END = "<!-- steps: made by python -m tests.language.pages -->", "<!-- end of steps -->"
MOST_LINES = 14

HEAD = """# Lint rules

`ivr flows lint` tells every problem of a flow in one run; `ivr flows publish` refuses flows that have errors. Each rule below has a name, a
reason, and a message as it is printed. Warnings do not stop publishing; `--strict` treats them as errors.

This page is made from the rules themselves and from the broken flows of `tests/language/broken`.
"""


def rules_page() -> str:
    """docs/lint-rules.md."""
    found = examples()
    parts = [HEAD]
    for severity, title in (("error", "## Errors"), (WARNING, "## Warnings")):
        parts.append(f"{title}\n")
        for name in sorted(name for name, rule in RULES.items() if rule.severity == severity):
            parts.append(f"### {name}\n\n{RULES[name].doc}\n")
            if name in found:
                parts.append(f"```text\n{found[name]}\n```\n")
    return "\n".join(parts)


def examples() -> dict[str, str]:
    """One message for each rule, from the broken flow that has the fewest others."""
    by_rule: dict[str, tuple[int, str]] = {}
    for case in cases():
        blocks = blocks_of(expectation(case).read_text(encoding="utf-8"))
        for block in blocks:
            name = block.splitlines()[0].rsplit("[", 1)[1].rstrip("]")
            lines = block.splitlines()
            rank = len(blocks) * 1000 + max(len(line) for line in lines)
            if len(lines) <= MOST_LINES and rank < by_rule.get(name, (10**9, ""))[0]:
                by_rule[name] = (rank, "\n".join([lines[0].split(" ", 1)[1], *lines[1:]]))
    return {name: block for name, (_, block) in by_rule.items()}


def blocks_of(text: str) -> list[str]:
    """Messages with the lines that follow them."""
    blocks: list[str] = []
    for line in text.splitlines():
        if line.startswith(("error ", "warning ")):
            blocks.append(line)
        elif blocks:
            blocks[-1] += f"\n{line.rstrip()}"
    return blocks


def steps_section() -> str:
    """Every kind of step with its settings, the readings and the built-in facts."""
    parts = [BEGIN, ""]
    for word, cls in sorted(KINDS.items()):
        parts += [f"### {word}", "", (cls.__doc__ or "").strip(), "", "```yaml", step_example(word), "```", ""]
        parts += ["| setting | holds | |", "|---|---|---|"]
        for name, setting in cls.settings().items():
            parts.append(f"| `{setting.yaml_name or name}` | {holds(setting)} | {setting.doc}{default_of(setting)} |")
        parts.append("")
    parts += [
        "### Readings",
        "",
        f"In `{{{{ fact.field | reading }}}}`: {', '.join(f'`{reading}`' for reading in READINGS)}.",
        "",
    ]
    parts += ["### Built-in facts", "", "| fact | fields |", "|---|---|"]
    parts += [f"| `{fact}` | {', '.join(f'`{name}`' for name in fields)} |" for fact, fields in BUILT_IN.items()]
    return "\n".join([*parts, "", END])


def step_example(word: str) -> str:
    """The step of this kind as it stands in `steps/KIND.yaml`, a sound flow around it."""
    text = (STEPS / f"{word}.yaml").read_text(encoding="utf-8")
    found = re.search(rf"^  \w+:\n    {word}:.*?(?=^  \w+:\n|\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, word
    return found[0].rstrip()


def holds(setting: Setting) -> str:
    """What a setting takes, in a word or two."""
    if setting.exit is not None:
        return {Exit.MUST: "a step, **required**", Exit.MAY: f"a step; without it as `{setting.instead}`", Exit.FALLS: "a step"}[
            setting.exit
        ]
    words = {
        "prompt": "a prompt",
        "reprompts": "prompts",
        "expression": "an expression",
        "duration": "a length of time",
        "number": "a number",
        "whole": "a whole number",
        "flag": "yes or no",
        "text": "text",
        "name": f"the name of a {setting.of}",
        "fact_field": "fact.field",
        "menu_options": "choices",
        "decisions": "choices",
        "needs": "skills with levels",
        "rings": "a list of `after` and `needs`",
        "valued": "a number, or a list of `when` and `value`",
        "offer": "`when` and `go`",
        "arguments": "pairs of name and expression",
        "assignments": "pairs of fact.field and expression",
    }
    told = ", ".join(f"`{choice}`" for choice in setting.choices) if setting.choices else words[str(setting.kind)]
    return f"{told}, **required**" if setting.required else told


def default_of(setting: Setting) -> str:
    """` Default: 5s.`"""
    value = setting.default
    if (
        setting.required
        or setting.exit is not None
        or value is None
        or value in ((), {})
        or not isinstance(value, (str, int, float, bool))
    ):
        return ""
    told = (
        "yes"
        if value is True
        else "no"
        if value is False
        else spoken_duration(value)
        if setting.kind == "duration"
        else str(value)
    )
    return f" Default: `{told}`."


def language_page(text: str) -> str:
    """docs/flow-language.md with its made part anew."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + steps_section() + after


if __name__ == "__main__":
    RULES_PAGE.write_text(rules_page(), encoding="utf-8")
    LANGUAGE_PAGE.write_text(language_page(LANGUAGE_PAGE.read_text(encoding="utf-8")), encoding="utf-8")
