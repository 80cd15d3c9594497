"""The table of docs/metrics.md, written from the declarations: `python -m ivr.records.metrics_page` prints it, a test compares."""

from __future__ import annotations

from ivr.records.figures import NAMES
from ivr.records.stats import definition

BEGIN, END = "<!-- figures: written by `python -m ivr.records.metrics_page` -->", "<!-- end of figures -->"


def table() -> str:
    """Every figure as a row of a Markdown table."""
    lines = ["| name | figure | formula | unit | counted over |", "|---|---|---|---|---|"]
    for name in NAMES:
        found = definition(name)
        note = f" {found['note']}" if found["note"] else ""
        lines.append(
            f"| `{name}` | {found['title']} | {found['formula']}.{note} | {found['unit']} | {found['source'].replace('_', ' ')} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
