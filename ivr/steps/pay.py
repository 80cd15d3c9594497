"""`pay`: let the carrier take a card payment."""

from __future__ import annotations

from dataclasses import dataclass

from ivr.language.fields import Exit, Kind, Step, goes, kind, setting
from ivr.language.values import Expression, Prompt


@kind("pay")
@dataclass(frozen=True)
class Pay(Step):
    """Take a card payment. The carrier collects the card; its digits never reach this program."""

    pay: Expression = setting(Kind.EXPRESSION, "The amount.", required=True)
    text: Prompt | None = setting(Kind.PROMPT, "What the caller hears first.", spoken=True)
    currency: str = setting(Kind.TEXT, "The currency, three letters.", default="EUR")
    declined: str = goes(Exit.MUST, "Where the call goes when the card is refused or the caller stops.")
    failed: str = goes(Exit.MUST, "Where the call goes when payment does not work.")
    next: str | None = goes(Exit.FALLS, "Where the call goes when it is paid; without it, the step below.")
