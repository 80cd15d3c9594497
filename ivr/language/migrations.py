"""The language's versions: a newer file is refused with a sentence, an older one is brought up to date in memory.

`UPGRADES[n]` takes the tree of a flow in format n and gives it in format n + 1. Positions stay those of the file as written, so
that problems still point at the line the supervisor sees.
"""

from __future__ import annotations

from collections.abc import Callable

from ivr.language.problems import Findings, quoted
from ivr.language.source import Mapping, Text

FORMAT = 1
UPGRADES: dict[int, Callable[[Mapping], Mapping]] = {}


def upgraded(root: Mapping, findings: Findings) -> Mapping | None:
    """The tree in today's format; None (with a problem) where it is written in one that this program does not know."""
    node = root.get("format")
    if node is None:
        return root
    value = node.value.strip() if isinstance(node, Text) else ""
    if not value.isascii() or not value.isdigit() or len(value) > 6:
        findings.add(node.at, "format", f"{quoted(value)} is not a format.", f"Write `format: {FORMAT}`.", length=len(value))
        return root
    version = int(value)
    if version > FORMAT:
        findings.add(
            node.at,
            "format",
            f"The flow is written in format {version}; this program reads up to {FORMAT}.",
            "Update the program, or write the flow for the older format.",
            length=len(value),
        )
        return None
    while version < FORMAT and version in UPGRADES:
        root = UPGRADES[version](root)
        version += 1
    if version < FORMAT:
        findings.add(node.at, "format", f"There is no format {value}.", f"Write `format: {FORMAT}`.", length=len(value))
    return root
