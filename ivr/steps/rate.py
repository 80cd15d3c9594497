"""`rate`: one question of a survey."""

from __future__ import annotations

from dataclasses import dataclass

from ivr.language.fields import Exit, Kind, Step, goes, kind, setting
from ivr.language.values import Prompt, Reprompts


@kind("rate")
@dataclass(frozen=True)
class Rate(Step):
    """Ask for a rating and keep it in the call record, with its question, scale and direction. No answer is an answer too."""

    rate: Prompt = setting(Kind.PROMPT, "What the caller hears.", required=True, spoken=True)
    question: str = setting(Kind.CHOICE, "What is asked.", choices=("csat", "nps", "ces", "resolved"), required=True)
    from_: int = setting(Kind.WHOLE, "The lowest rating.", yaml_name="from", default=1, least=0, most=10)
    to: int = setting(Kind.WHOLE, "The highest rating; 10 is typed with two keys.", default=5, least=1, most=10)
    direction: str = setting(Kind.CHOICE, "Whether a high or a low figure is good.", choices=("up", "down"), default="up")
    silence: float = setting(Kind.DURATION, "How long to wait for an answer.", default=5.0, least=1, most=30)
    reprompts: Reprompts = setting(Kind.REPROMPTS, "What is said after silence or an unclear answer, one after another.", default=Reprompts())
    next: str | None = goes(Exit.FALLS, "Where the call goes with or without an answer; without it, the step below.")
