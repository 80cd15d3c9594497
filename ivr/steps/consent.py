"""`consent`: ask before recording."""

from __future__ import annotations

from dataclasses import dataclass

from ivr.language.fields import Exit, Kind, Step, goes, kind, setting
from ivr.language.values import Prompt, Reprompts


@kind("consent")
@dataclass(frozen=True)
class Consent(Step):
    """Ask whether the talk may be recorded. Only a clear yes counts."""

    consent: Prompt = setting(Kind.PROMPT, "What the caller hears.", required=True, spoken=True)
    for_: str = setting(Kind.CHOICE, "What is asked for.", choices=("recording",), yaml_name="for", default="recording")
    reprompts: Reprompts = setting(Kind.REPROMPTS, "What is said after silence or an unclear answer, one after another.", default=Reprompts())
    next: str | None = goes(Exit.FALLS, "Where the call goes with either answer; without it, the step below.")
