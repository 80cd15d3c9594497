"""A flow as a drawing (SVG): one box for each step, one row in it for each way out, one line from the row to the next box.

Readable in light and dark, by eye and by screen reader: every box and line has a title. Ways that lead back, and the rarer endings of
many steps that lead to the same place, are drawn as a chip with the step's name that links to its box, so that the main ways stay visible.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from dataclasses import dataclass
from html import escape

from ivr.language.fields import Step
from ivr.language.flow import RETURN, Edge, Flow, prompts_of
from ivr.language.layout import Box, Line, place
from ivr.language.problems import printable
from ivr.language.rules.ways import passive

WIDTH = 232.0
GAP_X = 96.0
MARGIN = 28.0
HEAD = 30.0
ROW = 22.0
WORDS_LINE = 15.0
MOST_COLUMNS = 14
BAND_GAP = 70.0
CROWDED = 3
"""From so many rarer endings on that lead to one step, they are drawn as chips."""

_PLACES = re.compile(r"\{\{\s*([\w.]+)[^}]*\}\}")

FAMILIES = {
    "say": "speak", "text": "speak", "answer": "speak", "callback_change": "speak",
    "menu": "ask", "ask": "ask", "consent": "ask", "rate": "ask", "identify": "ask",
    "decide": "think", "lookup": "think", "run": "think", "pay": "money",
    "queue": "person", "transfer": "person", "callback": "person", "voicemail": "person",
    "hangup": "end",
}  # fmt: skip
"""Colours: what speaks, what asks, what decides in silence, money, people, the end."""

STYLE = """
svg{--paper:#fff;--ink:#1d2733;--soft:#5b6876;--line:#8b98a6;--box:#fff;--edge:#cdd5dd;--row:#f4f6f8;
--speak:#2f6fde;--ask:#8a4fd8;--think:#0f8a86;--money:#b7791f;--person:#1f8f4d;--end:#b83a4b;font-family:system-ui,sans-serif}
@media (prefers-color-scheme:dark){svg{--paper:#12171d;--ink:#e6ebf0;--soft:#9aa7b4;--line:#6d7b89;--box:#1b222a;--edge:#36414c;
--row:#222b34;--speak:#6ea2ff;--ask:#b98cff;--think:#45c4bf;--money:#e0ab54;--person:#57c785;--end:#ef7886}}
.paper{fill:var(--paper)}.box{fill:var(--box);stroke:var(--edge);stroke-width:1}.row{fill:var(--row)}
.name{font-size:13px;font-weight:600;fill:var(--ink)}.kind{font-size:11px;fill:var(--soft)}
.words{font-size:11.5px;fill:var(--soft)}.exit{font-size:11.5px;fill:var(--ink)}
.line{fill:none;stroke:var(--line);stroke-width:1.4}.tip{fill:var(--line)}.rare{stroke-dasharray:5 4}
.port{fill:var(--box);stroke:var(--line);stroke-width:1.2}.chip rect{fill:var(--row);stroke:var(--edge)}.chip text{font-size:11px;fill:var(--soft)}
.heading{font-size:17px;font-weight:650;fill:var(--ink)}.under{font-size:12px;fill:var(--soft)}
a{text-decoration:none}a:hover .box,a:focus .box,.chip:hover rect{stroke:var(--ink)}
.speak{fill:var(--speak)}.ask{fill:var(--ask)}.think{fill:var(--think)}.money{fill:var(--money)}.person{fill:var(--person)}.end{fill:var(--end)}
"""


@dataclass(frozen=True)
class _Drawn:
    """A step as a box: its words in lines, its ways out in rows."""

    step: Step
    words: tuple[str, ...]
    edges: tuple[Edge, ...]

    @property
    def height(self) -> float:
        words = len(self.words) * WORDS_LINE + 8 if self.words else 0
        return HEAD + words + len(self.edges) * ROW + 6

    def port(self, number: int) -> float:
        """The height of a way out, below the box's top."""
        words = len(self.words) * WORDS_LINE + 8 if self.words else 0
        return HEAD + words + number * ROW + ROW / 2


def svg(flow: Flow) -> str:
    """The drawing of a flow as one SVG document without scripts or outside references."""
    drawn = {name: _Drawn(step, _words(step), flow.edges(step)) for name, step in flow.steps.items()}
    crowd = Counter(edge.target for box in drawn.values() for edge in box.edges if _rare(edge))
    lines: dict[Line, Edge] = {}
    chips: list[tuple[_Drawn, int, Edge]] = []
    for box in drawn.values():
        for number, edge in enumerate(box.edges):
            if edge.target not in drawn or edge.target == edge.source or (_rare(edge) and crowd[edge.target] >= CROWDED):
                chips.append((box, number, edge))
            else:
                lines[Line(edge.source, edge.target, box.port(number))] = edge
    sheet = _arranged([Box(name, box.height, HEAD / 2) for name, box in drawn.items()], list(lines))
    for line in sheet.left_out:
        edge = lines.pop(line)
        chips.append((drawn[edge.source], drawn[edge.source].edges.index(edge), edge))
    return _document(flow, drawn, lines, chips, sheet)


@dataclass(frozen=True)
class _Sheet:
    """Where everything stands on the paper; `left_out` are lines that lead back or to another band."""

    spot: dict[str, tuple[float, float]]
    bends: dict[Line, list[tuple[float, float]]]
    left_out: frozenset[Line]
    width: float
    height: float


def _arranged(boxes: list[Box], lines: list[Line]) -> _Sheet:
    """Boxes in layers from left to right; a long flow goes on in a band below, as a text does."""
    layer = place(boxes, lines).layer
    spot: dict[str, tuple[float, float]] = {}
    bends: dict[Line, list[tuple[float, float]]] = {}
    inside: set[Line] = set()
    columns, y = 1, MARGIN + 52
    for band in range(max(layer.values(), default=0) // MOST_COLUMNS + 1):
        members = [box for box in boxes if layer[box.name] // MOST_COLUMNS == band]
        names = {box.name for box in members}
        placed = place(members, [line for line in lines if line.source in names and line.target in names])
        for name in names:
            spot[name] = (_left(placed.layer[name]), y + placed.top[name])
        for line, heights in placed.bends.items():
            first = placed.layer[line.source] + 1
            bends[line] = [(_left(first + number), y + height) for number, height in enumerate(heights)]
        inside |= set(placed.bends)
        columns = max(columns, *(placed.layer[name] + 1 for name in names))
        y += placed.height + BAND_GAP
    width = _left(columns) + MARGIN
    return _Sheet(spot, bends, frozenset(line for line in lines if line not in inside), width, y - BAND_GAP + MARGIN)


def _left(column: int) -> float:
    return MARGIN + column * (WIDTH + GAP_X)


def _rare(edge: Edge) -> bool:
    """Endings that are not what a step is for."""
    return edge.setting not in ("", "go", "next") and passive(edge)


def _document(
    flow: Flow, drawn: dict[str, _Drawn], lines: dict[Line, Edge], chips: list[tuple[_Drawn, int, Edge]], sheet: _Sheet
) -> str:
    width, height, spot = sheet.width, sheet.height, sheet.spot
    count = f"{len(flow.steps)} steps, languages {', '.join(flow.languages)}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}" '
        f'role="img" aria-labelledby="flow-title flow-desc">',
        f'<title id="flow-title">{_text(flow.title)}</title>',
        f'<desc id="flow-desc">{_text(f"The flow {flow.name}: {count}. It begins with {flow.first}.")}</desc>',
        f"<style>{STYLE}</style>",
        '<rect class="paper" width="100%" height="100%"/>',
        f'<text class="heading" x="{MARGIN}" y="{MARGIN + 12}">{_text(flow.title)}</text>',
        f'<text class="under" x="{MARGIN}" y="{MARGIN + 32}">{_text(count)}</text>',
    ]
    for line, edge in lines.items():
        parts.append(_line(edge, line, sheet))
    for name, box in drawn.items():
        parts.append(_box(box, *spot[name], first=name == flow.first))
    for box, number, edge in chips:
        x, y = spot[edge.source]
        parts.append(_chip(edge, x + WIDTH, y + box.port(number), known=edge.target in drawn))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _line(edge: Edge, line: Line, sheet: _Sheet) -> str:
    spot = sheet.spot
    points = [(spot[edge.source][0] + WIDTH, spot[edge.source][1] + line.port_out)]
    for x, y in sheet.bends[line]:
        points += [(x, y), (x + WIDTH, y)]
    end = (spot[edge.target][0] - 7, spot[edge.target][1] + HEAD / 2)
    points.append(end)
    path = [f"M{points[0][0]:.1f} {points[0][1]:.1f}"]
    for number, (one, other) in enumerate(itertools.pairwise(points)):
        if number % 2:
            path.append(f"L{other[0]:.1f} {other[1]:.1f}")
        else:
            half = (one[0] + other[0]) / 2
            path.append(f"C{half:.1f} {one[1]:.1f} {half:.1f} {other[1]:.1f} {other[0]:.1f} {other[1]:.1f}")
    told = f"{edge.source} to {edge.target}" + (f": {edge.label}" if edge.label else "")
    rare = " rare" if _rare(edge) else ""
    tip = f'<path class="tip" d="M{end[0]:.1f} {end[1] - 4:.1f}l7 4l-7 4z"/>'
    return f'<g><title>{_text(told)}</title><path class="line{rare}" d="{"".join(path)}"/>{tip}</g>'


def _box(box: _Drawn, x: float, y: float, first: bool) -> str:
    step = box.step
    family = FAMILIES.get(step.kind, "think")
    reads = f"{step.name} ({step.kind})" + (f": {' '.join(box.words)}" if box.words else "")
    parts = [
        f'<g id="step-{_text(step.name)}" transform="translate({x:.1f} {y:.1f})"><title>{_text(reads)}</title>',
        f'<rect class="box" width="{WIDTH}" height="{box.height:.1f}" rx="8"/>',
        f'<rect class="{family}" x="0" y="6" width="4" height="{HEAD - 12}" rx="2"/>',
        f'<text class="name" x="14" y="20">{_text(_short(("▶ " if first else "") + step.name, 24))}</text>',
        f'<text class="kind" x="{WIDTH - 12}" y="20" text-anchor="end">{_text(step.kind)}</text>',
    ]
    for number, words in enumerate(box.words):
        parts.append(f'<text class="words" x="14" y="{HEAD + 10 + number * WORDS_LINE:.1f}">{_text(words)}</text>')
    for number, edge in enumerate(box.edges):
        middle = box.port(number)
        label = edge.label or ("next" if edge.setting else "then")
        label += f" if {edge.when.source}" if edge.when is not None and step.kind != "decide" else ""
        parts.append(f'<rect class="row" x="6" y="{middle - ROW / 2 + 1:.1f}" width="{WIDTH - 12}" height="{ROW - 2}" rx="4"/>')
        parts.append(f'<text class="exit" x="14" y="{middle + 4:.1f}">{_text(_short(label, 33))}</text>')
        parts.append(f'<circle class="port" cx="{WIDTH}" cy="{middle:.1f}" r="3.5"/>')
    return "".join([*parts, "</g>"])


def _chip(edge: Edge, x: float, y: float, known: bool) -> str:
    name = _short(edge.target, 11)
    wide = 7.0 * len(name) + 26
    told = f"{edge.source} to {edge.target}" + (f": {edge.label}" if edge.label else "")
    opening, closing = (f'<a href="#step-{_text(edge.target)}">', "</a>") if known else ("", "")
    arrow = "↩" if edge.target == RETURN else "→"
    return (
        f'{opening}<g class="chip"><title>{_text(told)}</title><rect x="{x + 5:.1f}" y="{y - 9:.1f}" width="{wide:.1f}" height="18" rx="9"/>'
        f'<text x="{x + 13:.1f}" y="{y + 4:.1f}">{arrow} {_text(name)}</text></g>{closing}'
    )


def _words(step: Step) -> tuple[str, ...]:
    """The first words of a step, in at most two lines; what it names where it says nothing."""
    said = next((said for said in prompts_of(step) if said.role in ("verb", "other") and said.prompt.variants), None)
    if said is not None:
        spoken = _PLACES.sub(r"⟨\1⟩", said.prompt.variants[-1].text.source.strip())
        text = f"“{spoken}”"
    else:
        value = getattr(step, next(iter(step.settings()), "name"), "")
        text = value if isinstance(value, str) else ""
    lines: list[str] = []
    for word in printable(" ".join(text.split())).split():
        if lines and len(lines[-1]) + 1 + len(word) <= 34:
            lines[-1] += f" {word}"
        elif len(lines) == 2:
            lines[-1] = _short(f"{lines[-1]} …", 35)
            break
        else:
            lines.append(_short(word, 34))
    return tuple(lines)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _text(text: str) -> str:
    return escape(printable(text))
