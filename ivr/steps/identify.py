"""`identify`: make sure that callers are who their number says."""

from __future__ import annotations

from dataclasses import dataclass

from ivr.language.fields import Exit, Kind, Step, goes, kind, setting
from ivr.language.values import Prompt, Reprompts


@kind("identify")
@dataclass(frozen=True)
class Identify(Step):
    """Step-up identification. Tries are limited per call, caller and account; afterwards customer.identified is yes."""

    identify: Prompt = setting(Kind.PROMPT, "What the caller hears.", required=True, spoken=True)
    by: str = setting(Kind.CHOICE, "What the caller proves it with.", choices=("pin", "order_number"), required=True)
    length: int = setting(Kind.WHOLE, "How many digits it has.", least=4, most=16, default=4)
    silence: float = setting(Kind.DURATION, "How long to wait for an answer.", default=5.0, least=1, most=30)
    reprompts: Reprompts = setting(Kind.REPROMPTS, "What is said after silence or a wrong answer, one after another.", default=Reprompts())
    failed: str = goes(Exit.MUST, "Where the call goes when it did not succeed or no try is left.")
    next: str | None = goes(Exit.FALLS, "Where the call goes on success; without it, the step below.")
