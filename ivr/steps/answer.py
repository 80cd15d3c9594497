"""`answer`: answer a question from config/answers.yaml."""

from __future__ import annotations

from dataclasses import dataclass

from ivr.language.fields import Exit, Kind, Step, goes, kind, setting
from ivr.language.values import Prompt, Reprompts


@kind("answer")
@dataclass(frozen=True)
class Answer(Step):
    """Answer a question from config/answers.yaml by meaning, then ask whether it helped."""

    answer: Prompt = setting(Kind.PROMPT, "What the caller hears; skipped where the question was heard already.", required=True, spoken=True)
    helped: Prompt | None = setting(Kind.PROMPT, "How it is asked whether that helped.")
    reprompts: Reprompts = setting(Kind.REPROMPTS, "What is said after silence or an unclear answer, one after another.", default=Reprompts())
    unknown: str = goes(Exit.MUST, "Where the call goes when there is no good answer or it did not help.")
    next: str | None = goes(Exit.FALLS, "Where the call goes when it helped; without it, the step below.")
