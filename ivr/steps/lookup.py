"""`lookup`: fetch a fact."""

from __future__ import annotations

from dataclasses import dataclass

from ivr.language.fields import Exit, Kind, Step, goes, kind, setting
from ivr.language.values import Expression, Prompt


@kind("lookup")
@dataclass(frozen=True)
class Lookup(Step):
    """Ask a connector of config/connectors.yaml and keep the answer as a fact."""

    lookup: str = setting(Kind.NAME, "The connector.", of="connector", required=True)
    with_: dict[str, Expression] = setting(Kind.ARGUMENTS, "What it is asked with.", yaml_name="with", default={})
    save: str = setting(Kind.NAME, "The fact that holds the answer afterwards.", of="fact", required=True)
    within: float = setting(Kind.DURATION, "How long the caller may be kept waiting for it.", default=2.0, least=0.1, most=3)
    say: Prompt | None = setting(Kind.PROMPT, "What the caller hears meanwhile.", spoken=True)
    not_found: str = goes(Exit.MUST, "Where the call goes when there is no such thing.")
    failed: str = goes(Exit.MUST, "Where the call goes when the answer does not come in time.")
    next: str | None = goes(Exit.FALLS, "Where the call goes with the answer; without it, the step below.")
