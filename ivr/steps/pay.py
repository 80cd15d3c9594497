"""`pay`: let the carrier take a card payment."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from ivr.actions import Charge
from ivr.call import CallEvent, Charged
from ivr.dialogue import goals
from ivr.dialogue.progress import Progress
from ivr.dialogue.steps import LiveStep
from ivr.dialogue.ways import Way
from ivr.language.fields import Exit, Kind, goes, kind, setting
from ivr.language.values import Expression, Prompt

MOST_DIGITS = 6
"""The carrier takes amounts up to a million."""


@kind("pay")
@dataclass(frozen=True)
class Pay(LiveStep):
    """Take a card payment. The carrier collects the card; its digits never reach this program."""

    pay: Expression = setting(Kind.EXPRESSION, "The amount.", required=True)
    text: Prompt | None = setting(Kind.PROMPT, "What the caller hears first.", spoken=True)
    currency: str = setting(Kind.TEXT, "The currency, three letters.", default="EUR")
    declined: str = goes(Exit.MUST, "Where the call goes when the card is refused or the caller stops.", chosen=True)
    failed: str = goes(Exit.MUST, "Where the call goes when payment does not work.")
    next: str | None = goes(Exit.FALLS, "Where the call goes when it is paid; without it, the step below.", chosen=True)

    def enter(self, progress: Progress) -> Way:
        goals.not_yet(progress)
        amount, currency = amount_of(progress.value(self.pay), self.currency)
        if amount is None or amount <= 0:
            progress.note(
                "Charged", result="failed", amount=None, currency=currency, confirmation=None, card_type=None, last_four=None
            )
            return progress.go("failed")
        progress.memory["amount"] = f"{amount:.2f}"
        progress.memory["currency"] = currency
        progress.say(self.text)
        return progress.finish(Charge(f"{amount:.2f}", currency, self.name.replace("_", " "), progress.language))

    def take(self, progress: Progress, event: CallEvent) -> Way:
        if not isinstance(event, Charged):
            return self.enter(progress)
        progress.note(
            "Charged",
            result=event.result,
            amount=progress.memory.get("amount"),
            currency=progress.memory.get("currency"),
            confirmation=event.confirmation,
            card_type=event.card_type,
            last_four=(event.last_four or "")[-4:] or None,
        )
        if event.result == "paid":
            progress.assign("call.paid", True)
            if event.confirmation:
                progress.assign("call.confirmation", event.confirmation)
            goals.going_on(progress)
            goals.told(progress, self.pay.names)
            return progress.go()
        return progress.go("declined" if event.result in ("declined", "cancelled") else "failed")


def amount_of(value: object, currency: str) -> tuple[Decimal | None, str]:
    """The amount to two places and its currency: "41.90", 41.9 or "41.90 GBP", which brings its own."""
    amount, _, own = str(value).strip().partition(" ")
    try:
        figure = Decimal(amount)
    except InvalidOperation:
        return None, currency
    if not figure.is_finite() or figure.adjusted() > MOST_DIGITS:
        return None, currency
    return figure.quantize(Decimal("0.01")), own if len(own) == 3 and own.isalpha() else currency
