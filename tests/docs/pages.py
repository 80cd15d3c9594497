"""The pages of this repository, and what can be read out of them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)|!\[[^\]\n]*\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language ("" for none) and text."""

    page: Path
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}: {self.text.strip().splitlines()[0][:60] if self.text.strip() else ''}"


@dataclass(frozen=True)
class CommandLine:
    """`ivr …` as a page has it. `typed`: in a console block, so that it has to be complete."""

    page: Path
    text: str
    arguments: tuple[str, ...]
    typed: bool

    def __str__(self) -> str:
        return f"{self.page.name}: {self.text}"


def blocks(page: Path) -> list[Block]:
    """All fenced blocks of a page."""
    return [Block(page, found[1], found[2]) for found in _FENCE.finditer(page.read_text(encoding="utf-8"))]


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def inline_code(page: Path) -> list[str]:
    """What stands in backticks, line by line."""
    return [found[1] for found in _INLINE.finditer(prose(page))]


def links(page: Path) -> list[str]:
    """Targets of links and pictures."""
    return [found[1] or found[2] for found in _LINK.finditer(_INLINE.sub("", prose(page)))]


def anchors(page: Path) -> set[str]:
    """Anchors of headings, as they are made from their words."""
    headings = re.findall(r"^#{1,6} (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


def command_lines() -> Iterator[CommandLine]:
    """Every `ivr …` of every page; what a synopsis has in brackets is left out."""
    for page in PAGES:
        for block in blocks(page):
            for line in block.text.splitlines():
                if line.startswith("$ "):
                    for text in commands_of(line[2:]):
                        yield CommandLine(page, text, words_of(text), typed=True)
        for code in inline_code(page):
            if re.match(r"(\$ )?ivr [a-z]", code):
                for text in commands_of(re.sub(r"\s\[.*", "", code.removeprefix("$ "))):
                    yield CommandLine(page, text, words_of(text), typed=False)


def commands_of(line: str) -> Iterator[str]:
    """The `ivr` commands of a line of shell: those of pipes, and those inside `$(…)`."""
    for inner in re.findall(r"\$\(([^()]*)\)", line):
        yield from commands_of(inner)
    plain = re.sub(r"\$\([^()]*\)", "inner", line)
    for part in re.split(r"\s(?:\||&&|;|>)\s", plain):
        words = part.strip()
        words = re.sub(r"^(?:\w+=\S*\s+)+", "", words)
        words = re.sub(r"^\S*bin/ivr ", "ivr ", words)
        if re.match(r"ivr\s", words):
            yield words


def words_of(text: str) -> tuple[str, ...]:
    """The arguments after `ivr`, without comments and `…`."""
    words = shlex.split(text, comments=True)[1:]
    return tuple(word for word in words if word not in ("…", "..."))
