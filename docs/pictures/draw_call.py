"""Draws what `ivr phone` printed as an SVG that follows the reader's light or dark theme.

ivr phone --from +447700900104 | tee call.txt
python docs/pictures/draw_call.py call.txt docs/pictures/call.svg
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from textwrap import wrap
from xml.sax.saxutils import escape

COLUMNS = 88
LINE_PIXELS, LETTER_PIXELS, MARGIN_PIXELS, TITLE_PIXELS = 20, 8.1, 18, 34
SPEAKER = re.compile(r"^(?P<who>[^:·]{2,24}): (?P<said>.*)$")

STYLE = """
  :root { color-scheme: light dark }
  .page { fill: #ffffff; stroke: #d0d7de }
  .bar { fill: #d0d7de }
  text { font: 13.5px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #1f2328 }
  .remark { fill: #6e7781 }
  .line { fill: #0550ae; font-weight: 600 }
  .you { fill: #953800; font-weight: 600 }
  .agent { fill: #116329; font-weight: 600 }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117; stroke: #30363d }
    .bar { fill: #30363d }
    text { fill: #e6edf3 }
    .remark { fill: #8b949e }
    .line { fill: #79c0ff }
    .you { fill: #ffa657 }
    .agent { fill: #7ee787 }
  }
"""


def rows(lines: Iterable[str]) -> list[list[tuple[str, str]]]:
    """Each printed line as rows of (class, text), wrapped at `COLUMNS`."""
    found: list[list[tuple[str, str]]] = []
    for line in lines:
        spoken = SPEAKER.match(line)
        if not spoken:
            found.append([("remark", line)])
            continue
        who = spoken["who"]
        kind = "line" if who == "Line" else "you" if who.startswith("You") else "agent"
        first, *more = wrap(spoken["said"], COLUMNS - len(who) - 2) or [""]
        found.append([(kind, f"{who}: "), ("", first)])
        found.extend([("", f"  {part}")] for text in [" ".join(more)] if text for part in wrap(text, COLUMNS - 2))
    return found


def drawing(lines: list[str], title: str = "ivr phone") -> str:
    """The whole picture."""
    shown = rows(lines)
    width = int(COLUMNS * LETTER_PIXELS + 2 * MARGIN_PIXELS)
    height = TITLE_PIXELS + LINE_PIXELS * len(shown) + MARGIN_PIXELS
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img" aria-label="A call in the terminal">',
        f"<style>{STYLE}</style>",
        f'<rect class="page" x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8"/>',
        *(f'<circle class="bar" cx="{MARGIN_PIXELS + 16 * n}" cy="17" r="5"/>' for n in range(3)),
        f'<text class="remark" x="{width / 2:g}" y="22" text-anchor="middle">{escape(title)}</text>',
    ]
    for n, row in enumerate(shown):
        spans = "".join(f'<tspan class="{kind}">{escape(text)}</tspan>' if kind else escape(text) for kind, text in row)
        y = TITLE_PIXELS + LINE_PIXELS * n + 15
        parts.append(f'<text x="{MARGIN_PIXELS}" y="{y}" xml:space="preserve">{spans}</text>')
    return "\n".join([*parts, "</svg>\n"])


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:3])
    target.write_text(drawing(source.read_text(encoding="utf-8").rstrip().split("\n")), encoding="utf-8")
