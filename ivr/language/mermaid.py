"""A flow as Mermaid text, for pages and reviews that draw it themselves."""

from __future__ import annotations

from ivr.language.flow import RETURN, Flow
from ivr.language.problems import printable

_SHAPES = {"menu": ("{{", "}}"), "ask": ("{{", "}}"), "decide": ("{", "}"), "queue": ("([", "])"), "hangup": ("((", "))")}


def mermaid(flow: Flow) -> str:
    """`flowchart TD` with one node for each step and one labelled arrow for each way."""
    numbers = {name: f"s{index}" for index, name in enumerate(flow.steps)}
    lines = ["---", f"title: {_quoted(flow.title)}", "---", "flowchart TD"]
    for name, step in flow.steps.items():
        opening, closing = _SHAPES.get(step.kind, ("[", "]"))
        lines.append(f'    {numbers[name]}{opening}"{_escaped(name)}<br/>{_escaped(step.kind)}"{closing}')
    if any(edge.target == RETURN for name in flow.steps for edge in flow.edges(name)):
        numbers[RETURN] = "back"
        lines.append('    back(["return"])')
    for name in flow.steps:
        for edge in flow.edges(name):
            if edge.target in numbers:
                arrow = f'-- "{_escaped(edge.label)}" -->' if edge.label else "-->"
                lines.append(f"    {numbers[name]} {arrow} {numbers[edge.target]}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    """Text for a Mermaid string: quotes and brackets as character codes."""
    return "".join(f"#{ord(c)};" if c in '"#<>&;`\\{}[]()|' else c for c in printable(text.replace("\n", " ")))


def _quoted(text: str) -> str:
    return '"' + printable(text.replace("\n", " ")).replace("\\", "").replace('"', "'") + '"'
