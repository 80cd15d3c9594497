"""<Pay>: the carrier asks for card digits itself; the service learns the result and masked digits only."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ivr.carriers.local.execution import PERFORMERS, DocumentFailed, Execution, Page, performs
from ivr.carriers.local.legs import HungUp
from ivr.carriers.local.line import Keys, Kind, Listener
from ivr.carriers.local.pace import now
from ivr.carriers.local.twiml import Verb
from ivr.carriers.local.verbs.gather import next_input

# Cards that a payment provider's test mode knows: this one is refused, every other valid number is charged.
REFUSED_CARD = "4000000000000002"
CARD_TYPES = (
    ("visa", r"4\d{12}(\d{3})?"),
    ("mastercard", r"(5[1-5]|2[2-7])\d{14}"),
    ("amex", r"3[47]\d{13}"),
    ("discover", r"6\d{15}"),
)
PROMPTS = {
    "payment-card-number": "Please enter your credit card number, followed by the pound sign.",
    "expiration-date": "Please enter the expiration date, two digits for the month and two for the year.",
    "security-code": "Please enter the security code of your card.",
    "postal-code": "Please enter your postal code, followed by the pound sign.",
    "payment-processing": "Processing your payment.",
}


class _Cancelled(Exception):
    """The star was pressed."""


@dataclass
class _Card:
    number: str = ""
    kind: str = ""
    expiry: str = ""
    code: str = ""
    postal_code: str = ""

    def masked(self) -> dict[str, str]:
        """What may leave the carrier."""
        fields = {
            "PaymentCardNumber": "x" * max(0, len(self.number) - 4) + self.number[-4:],
            "PaymentCardType": self.kind,
            "ExpirationDate": self.expiry,
            "SecurityCode": "*" * len(self.code),
            "PaymentCardPostalCode": self.postal_code,
        }
        return {name: value for name, value in fields.items() if value}


@performs("Pay")
async def pay(execution: Execution, verb: Verb, page: Page) -> Page | None:
    """Collect, charge, and request the action with Result; the next verb runs where there is no action."""
    if page.address == "" and not verb.get("action").startswith("http"):
        raise DocumentFailed(11100, "<Pay> needs an absolute action in a document that has no address")
    card = _Card()
    fields: dict[str, str]
    try:
        fields = await _collect_and_charge(execution, verb, page, card)
    except _Cancelled:
        fields = {"Result": "caller-interrupted-with-star"}
    except HungUp:
        execution.farewell(verb, page, {"Result": "caller-hung-up", "PaymentMethod": "credit-card"})
        raise
    return await execution.action(verb, page, {"PaymentMethod": verb.get("paymentMethod", "credit-card"), **fields})


async def _collect_and_charge(execution: Execution, verb: Verb, page: Page, card: _Card) -> dict[str, str]:
    wanted = ["payment-card-number", "expiration-date"]
    if verb.yes("securityCode", True):
        wanted.append("security-code")
    if verb.get("postalCode", "true") == "true":
        wanted.append("postal-code")
    for what in wanted:
        for attempt in range(1, int(verb.get("maxAttempts", "1")) + 1):
            digits = await _ask(execution, verb, page, what, attempt)
            problem = _accept(card, what, digits, verb)
            _tell(execution, verb, page, what, attempt, problem, card)
            if not problem:
                break
        else:
            return {"Result": "too-many-failed-attempts", **card.masked()}
    await _prompt(execution, verb, page, "payment-processing", 1)
    _tell(execution, verb, page, "payment-processing", 1, "", card)
    if card.number == REFUSED_CARD:
        return {
            "Result": "payment-connector-error",
            "PaymentError": "Your card was declined.",
            "PayErrorCode": "64014",
            "ConnectorError": "card_declined",
            **card.masked(),
        }
    charged = float(verb.get("chargeAmount", "0")) > 0
    proof = (
        {"PaymentConfirmationCode": execution.exchange.new_sid("ch_")}
        if charged
        else {"PaymentToken": execution.exchange.new_sid("tok_")}
    )
    return {"Result": "success", **proof, **card.masked()}


async def _prompt(
    execution: Execution, verb: Verb, page: Page, what: str, attempt: int, listener: Listener | None = None
) -> None:
    speaking = Execution(execution.leg, stop=listener.started if listener else None)
    own = [
        prompt
        for prompt in verb.children
        if prompt.name == "Prompt"
        and what in prompt.get("for", what).split()
        and str(attempt) in prompt.get("attempt", str(attempt)).split()
    ]
    if not own:
        await speaking.speak(PROMPTS[what])
        return
    for spoken in own[-1].children:
        await PERFORMERS[spoken.name](speaking, spoken, page)


async def _ask(execution: Execution, verb: Verb, page: Page, what: str, attempt: int) -> str:
    """The digits given, "" for none. Digits never reach the timeline: the line notes keys taken by <Pay> as dots."""
    line = execution.leg.line
    listener = Listener(keys=True, speech=False, secret=True)
    line.listen(listener)
    entry = line.note(Kind.LISTENING, "card", lasting=True)
    digits = ""
    try:
        await _prompt(execution, verb, page, what, attempt, listener)
        full = {"expiration-date": 4, "payment-card-number": 19, "security-code": 4}.get(what, 10)
        while len(digits) < full:
            given = await next_input(execution, listener, verb.seconds("timeout", 5), typed=bool(digits))
            if not isinstance(given, Keys) or given.key == "#":
                break
            if given.key == "*":
                raise _Cancelled
            digits += given.key
        return digits
    finally:
        line.close(entry)
        line.listen(None)


def _accept(card: _Card, what: str, digits: str, verb: Verb) -> str:
    """Keep valid digits; returns the ErrorType, or ""."""
    if not digits:
        return "input-timeout"
    if what == "payment-card-number":
        kind = next((name for name, pattern in CARD_TYPES if re.fullmatch(pattern, digits)), "")
        if not kind or not _luhn(digits):
            return "invalid-card-number"
        if kind not in verb.get("validCardTypes", "visa mastercard amex").split():
            return "invalid-card-type"
        card.number, card.kind = digits, kind
    elif what == "expiration-date":
        month, year = int(digits[:2] or "0"), int(digits[2:] or "0")
        today = now()
        if len(digits) != 4 or not 1 <= month <= 12 or (2000 + year, month) < (today.year, today.month):
            return "invalid-date"
        card.expiry = digits
    elif what == "security-code":
        if len(digits) != (4 if card.kind == "amex" else 3):
            return "invalid-security-code"
        card.code = digits
    else:
        if len(digits) < 3:
            return "invalid-postal-code"
        card.postal_code = digits
    return ""


def _luhn(digits: str) -> bool:
    doubled = [int(d) * (1 + (i % 2)) for i, d in enumerate(reversed(digits))]
    return sum(d // 10 + d % 10 for d in doubled) % 10 == 0


def _tell(execution: Execution, verb: Verb, page: Page, what: str, attempt: int, problem: str, card: _Card) -> None:
    if not verb.get("statusCallback"):
        return
    leg = execution.leg
    fields = {
        "AccountSid": execution.exchange.account_sid,
        "CallSid": leg.sid,
        "For": what,
        "Attempt": str(attempt),
        **({"ErrorType": problem} if problem else card.masked()),
    }
    execution.exchange.notify(
        execution.resolve(verb.get("statusCallback"), page), verb.get("statusCallbackMethod", "POST"), fields, leg.sid
    )
