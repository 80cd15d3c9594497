"""Why a file is not YAML, in words: the usual causes, found by reading the file again with the slower, more talkative parser.

Where the cause is clear the line is also mended in memory, so that the problems after it are told in the same run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import yaml

_KEY = re.compile(r"^(?P<lead>\s*(?:- +)*)(?:(?P<key>[^\s:#'\"\[\]{},&*!|>%@`][^:#]*?): +)?(?P<value>\S.*)$")


@dataclass(frozen=True)
class Cause:
    """A syntax mistake: place (from 1), what is wrong, what to do; `mended` is the line as it was probably meant."""

    line: int
    column: int
    message: str
    hint: str
    rule: str = "yaml"
    length: int = 1
    mended: str | None = None


def cause_of(lines: list[str]) -> Cause:
    """The first syntax mistake of a file that the parser refuses."""
    try:
        for _ in yaml.parse("\n".join(lines), Loader=yaml.SafeLoader):
            pass
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line if mark else 0
        column = mark.column if mark else 0
        context = error.context_mark.line if error.context_mark else line
        return _worded(
            lines,
            min(line, len(lines) - 1),
            column,
            min(context, len(lines) - 1),
            str(error.problem or ""),
            str(error.context or ""),
        )
    except (yaml.YAMLError, RecursionError, ValueError):
        return Cause(1, 1, "This is not YAML that can be read.", "Check brackets, quotes and indentation.")
    # Both parsers are built from one description, yet they differ in corners; then the place is not known.
    return Cause(1, 1, "This is not YAML that can be read.", "Check brackets, quotes and indentation.")


def _worded(lines: list[str], line: int, column: int, context: int, problem: str, about: str) -> Cause:
    if "quoted scalar" in about:
        return _open_quote(lines, context)
    for number in dict.fromkeys((line, context, line - 1)):
        if 0 <= number < len(lines):
            found = _tab(lines, number) or _usual(lines[number], number + 1)
            if found:
                return found
    if "mapping values" in problem:
        found = _no_colon(lines, line)
        if found:
            return found
    if "flow" in about or "',' or" in problem:
        return _open_bracket(lines, context)
    text = lines[line]
    if not text.strip() and line > 0:
        line, text = line - 1, lines[line - 1]
    indent = len(text) - len(text.lstrip())
    if "expected <block end>" in problem or "mapping values" in problem or "could not find expected ':'" in problem:
        if "could not find expected ':'" in problem:
            first = lines[context]
            return Cause(
                context + 1,
                len(first) - len(first.lstrip()) + 1,
                "There is a name without a colon, or a text whose next line is not indented.",
                "Write `name: value`, or indent the lines that go on.",
                length=len(first.strip()) or 1,
            )
        return Cause(
            line + 1,
            indent + 1,
            "This line is not indented like the ones it belongs to.",
            "Put it exactly under its neighbours, with spaces.",
            rule="indentation",
            length=len(text.strip()) or 1,
            mended=_like_neighbours(lines, line),
        )
    return Cause(
        line + 1, min(column, len(text)) + 1, "This is not YAML that can be read.", 'If it is a sentence, put it in "quotes".'
    )


def _tab(lines: list[str], number: int) -> Cause | None:
    """A tab among the spaces that a line begins with."""
    text = lines[number]
    lead = text[: len(text) - len(text.lstrip())]
    if "\t" not in lead:
        return None
    above = next((lines[n] for n in range(number - 1, -1, -1) if lines[n].strip()), "")
    indent = len(above) - len(above.lstrip()) + (2 if above.rstrip().endswith(":") else 0)
    return Cause(
        number + 1,
        lead.index("\t") + 1,
        "There is a tab in the indentation.",
        "Use spaces.",
        rule="tab",
        mended=" " * indent + text.lstrip(),
    )


def _no_colon(lines: list[str], line: int) -> Cause | None:
    """The line above, less indented and without a colon, was probably meant as the name of what stands here."""
    above = next((number for number in range(line - 1, -1, -1) if lines[number].strip()), None)
    if above is None or not re.fullmatch(r"\s*[A-Za-z_][\w -]*", lines[above]):
        return None
    indent = len(lines[above]) - len(lines[above].lstrip())
    if len(lines[line]) - len(lines[line].lstrip()) <= indent:
        return None
    name = lines[above].strip()
    return Cause(
        above + 1,
        indent + len(name) + 1,
        f"A colon is missing after {name}.",
        f"Write `{name}:`.",
        rule="missing-colon",
        mended=lines[above].rstrip() + ":",
    )


def _like_neighbours(lines: list[str], line: int) -> str | None:
    """The line indented as the one above it."""
    above = next((lines[number] for number in range(line - 1, -1, -1) if lines[number].strip()), None)
    if above is None or above.rstrip().endswith(":"):
        return None
    return " " * (len(above) - len(above.lstrip())) + lines[line].strip()


def _usual(text: str, number: int) -> Cause | None:
    """The causes that can be seen in one line."""
    match = _KEY.match(text)
    if not match:
        return None
    value, begin = match["value"], match.start("value")
    first = value[0]
    if value.startswith("{{"):
        return Cause(
            number,
            begin + 1,
            "A text that begins with {{ looks like a block to YAML.",
            'Put the whole text in "quotes".',
            rule="needs-quotes",
            length=2,
            mended=_quote(text, begin),
        )
    if first in "*@`%&!" and not re.match(r"[&*!][\w-]+\s*$", value):
        return Cause(
            number,
            begin + 1,
            f"A text cannot begin with {first} in YAML.",
            'Put the whole text in "quotes".',
            rule="needs-quotes",
            mended=_quote(text, begin),
        )
    if first == "-" and re.match(r"-\S", value) is None and match["key"]:
        return Cause(
            number,
            begin + 1,
            "A list cannot begin on the line of its setting.",
            'Start the list on the next line, or put the text in "quotes" if - is part of it.',
            rule="needs-quotes",
            mended=f"{text[:begin]}[{value[1:].strip()}]",
        )
    if first in "'\"":
        closing = re.match(r'"(?:[^"\\]|\\.)*"|\'(?:[^\']|\'\')*\'', value)
        after = value[closing.end() :].strip() if closing else ""
        if closing and after and not after.startswith(("#", ":", ",", "]", "}")):
            return Cause(
                number,
                begin + closing.end() + 1,
                "Text goes on after the closing quote.",
                "Put the whole text in one pair of quotes; inside, use the other kind.",
                rule="unbalanced-quote",
                mended=text[:begin] + '"' + value.replace("\\", "").replace('"', "'") + '"',
            )
        return None
    if first not in "[{|>":
        colon = re.search(r":(?= |$)", value)
        if colon and (match["key"] or value.find(":") != len(value) - 1):
            # `- key: value: more`: the second colon is the one too many.
            return Cause(
                number,
                begin + colon.start() + 1,
                "A colon followed by a space inside a text looks like a setting to YAML.",
                'Put the whole text in "quotes".',
                rule="needs-quotes",
                mended=_quote(text, begin),
            )
    if match["key"] is None and re.match(r"[\w-]+:\S", value) and first not in "[{|>":
        colon_at = value.index(":")
        return Cause(
            number,
            begin + colon_at + 1,
            "There is no space after the colon.",
            f"Write {value[:colon_at]}: {value[colon_at + 1 :][:30]}",
            rule="missing-space",
            mended=text[: begin + colon_at + 1] + " " + text[begin + colon_at + 1 :],
        )
    return None


def _quote(text: str, begin: int) -> str:
    value = text[begin:].rstrip().replace("\\", "\\\\").replace('"', '\\"')
    return f'{text[:begin]}"{value}"'


def _open_quote(lines: list[str], number: int) -> Cause:
    text = lines[number]
    quote = next((i for i, c in enumerate(text) if c in "'\""), 0)
    mark = text[quote : quote + 1]
    apostrophe = re.search(r"\w'\w", text[quote + 1 :]) if mark == "'" else None
    hint = (
        "An apostrophe inside 'single quotes' ends them: use \"double quotes\"."
        if apostrophe
        else f"Close it with {mark} at the end."
    )
    return Cause(
        number + 1,
        quote + 1,
        "This quote is never closed.",
        hint,
        rule="unbalanced-quote",
        mended=_quote(text, quote) if mark else None,
    )


def _open_bracket(lines: list[str], number: int) -> Cause:
    text = lines[number]
    found = re.search(r"[\[{]", text)
    column = found.start() if found else 0
    bracket = text[column : column + 1] or "["
    closing = {"[": "]", "{": "}"}.get(bracket, "]")
    return Cause(
        number + 1,
        column + 1,
        f"This {bracket} is never closed, or a comma is missing inside.",
        f'Close it with {closing}, or put the text in "quotes" if it is part of a sentence.',
        rule="unbalanced-bracket",
    )
