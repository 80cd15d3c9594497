"""Values asked of the caller: what fits together, what is secret, and that no card number is asked for outside `pay`."""

from __future__ import annotations

import re
from typing import Any

from ivr.language.fields import Kind, Step
from ivr.language.flow import Flow, expressions_of, prompts_of
from ivr.language.problems import quoted
from ivr.language.rules.facts import facts_of, type_of
from ivr.language.rules.names import place
from ivr.language.rules.prompts import placeholders
from ivr.language.rules.registry import Lint, rule
from ivr.language.values import FactName


def asks(flow: Flow) -> list[Step]:
    """Steps that keep what the caller says or types as a fact's field."""
    return [
        step for step in flow.steps.values() if any(declared.kind is Kind.FACT_FIELD for declared in step.settings().values())
    ]


def value_of(step: Step, word: str) -> Any:
    """A setting by its Python name; None where the kind of step has none."""
    return getattr(step, word, None)


@rule("settings-contradict", "Two settings of a step that cannot both be meant.")
def settings_contradict(flow: Flow, lint: Lint) -> None:
    for step in flow.steps.values():
        for word, message, hint in _contradictions(step):
            if word not in flow.unread.get(step.name, ()):
                lint.findings.add(place(step, word, flow), "settings-contradict", message, hint)


def _contradictions(step: Step) -> list[tuple[str, str, str]]:
    found = []
    expected = value_of(step, "as_")
    if expected and value_of(step, "length") is not None and expected not in ("digits", "alnum", "postcode"):
        found.append(("length", f"`length` counts digits; this step expects {expected}.", "Delete it, or write `as: digits`."))
    if expected:
        for name, word in (("from_", "from"), ("to", "to")):
            if value_of(step, name) is not None and expected not in ("number", "money"):
                found.append(
                    (word, f"`{word}` bounds numbers; this step expects {expected}.", "Delete it, or write `as: number`.")
                )
    least, most = value_of(step, "from_"), value_of(step, "to")
    if isinstance(least, (int, float)) and isinstance(most, (int, float)) and least >= most:
        found.append(("from", f"`from` ({least:g}) is not less than `to` ({most:g}).", "Swap them."))
    if value_of(step, "question") == "nps" and (least, most) != (0, 10):
        found.append(("question", "Net promoter score is asked from 0 to 10.", "Write `from: 0` and `to: 10`."))
    if value_of(step, "secret"):
        if value_of(step, "input") == "speech":
            found.append(("input", "A secret is typed, never spoken aloud.", "Delete `input`."))
        if value_of(step, "confirm") == "always":
            found.append(("confirm", "A secret is never read back.", "Delete `confirm`."))
        if expected and expected != "digits":
            found.append(("secret", "A secret is typed on the keypad.", "Write `as: digits`."))
    if value_of(step, "input") == "keys" and expected in ("name", "email", "text"):
        found.append(("input", f"{expected} cannot be typed on a keypad.", "Delete `input`."))
    return found


@rule("secret-spoken", "A PIN that is spoken back, or compared in a flow, ends up in recordings and journals.", met=True)
def secret_spoken(flow: Flow, lint: Lint) -> None:
    secrets = {str(value_of(step, "save")) for step in asks(flow) if value_of(step, "secret")}
    uses: list[FactName] = [placeholder.name for placeholder in placeholders(flow)]
    uses += [
        name
        for step in flow.steps.values()
        for used in expressions_of(step)
        if used.setting != "with"
        for name in used.expression.names
    ]
    for name in uses:
        if str(name) in secrets:
            lint.findings.add(
                name.at,
                "secret-spoken",
                f"{name} is a secret and can only be passed to a look-up.",
                "Delete it here, or use an `identify` step.",
                length=len(str(name)),
            )


_CARD_WORDS = re.compile(
    r"\b(?:card number|credit card|debit card|security code|cvv|cvc|long number|expiry date|número de (?:su |la )?tarjeta|tarjeta de (?:crédito|débito))\b",
    re.IGNORECASE,
)
_CARD_LENGTHS = range(13, 20)


@rule(
    "card-outside-pay",
    "Card numbers are taken by the carrier in a `pay` step, so that they never reach this program, its journal or a recording.",
    met=True,
)
def card_outside_pay(flow: Flow, lint: Lint) -> None:
    for step in asks(flow):
        length = value_of(step, "length")
        words = next(
            (
                variant.text
                for said in prompts_of(step)
                for variant in said.prompt.variants
                if _CARD_WORDS.search(variant.text.source)
            ),
            None,
        )
        if words is not None and value_of(step, "as_") in ("digits", "number", "text"):
            lint.findings.add(words.at, "card-outside-pay", f"{quoted(step.name)} asks for card details.", "Use a `pay` step.")
        elif length in _CARD_LENGTHS and value_of(step, "as_") == "digits":
            lint.findings.add(
                place(step, "length", flow),
                "card-outside-pay",
                f"{quoted(step.name)} takes {length} digits, as long as a card number.",
                "Use a `pay` step for cards; for anything else ask for fewer digits.",
                length=len(str(length)),
            )


_FITS: dict[str, tuple[type, ...]] = {
    "number": (int, float),
    "money": (int, float),
    "yes_no": (bool,),
    "text": (str,),
    "date": (str,),
    "time": (str,),
}
_WRITE = {"number": "a number without quotes", "money": "a number without quotes", "yes_no": "yes or no without quotes"}


@rule(
    "never-equal",
    "A number compared with a word, or text with yes, is never equal: the condition would be decided before the call.",
)
def never_equal(flow: Flow, lint: Lint) -> None:
    known = facts_of(lint)
    for step in flow.steps.values():
        for used in expressions_of(step):
            for comparison in getattr(used.expression, "comparisons", ()):
                type_name = type_of(comparison.name, known)
                values = comparison.value if isinstance(comparison.value, list) else [comparison.value]
                wrong = [value for value in values if value is not None and not _fits(type_name, value)]
                if wrong:
                    told = "yes" if wrong[0] is True else "no" if wrong[0] is False else quoted(str(wrong[0]))
                    lint.findings.add(
                        comparison.name.at,
                        "never-equal",
                        f"{comparison.name} is {_WRITE.get(type_name or '', type_name or 'text').split(' without')[0]} and is compared with {told}.",
                        f"Compare it with {_WRITE.get(type_name or '', 'text in quotes')}.",
                        length=len(str(comparison.name)),
                    )


def _fits(type_name: str | None, value: Any) -> bool:
    """Text that spells a number compares as one, and yes and no compare with any spelling of them."""
    if type_name is None or type_name not in _FITS:
        return True
    if isinstance(value, bool):
        return type_name == "yes_no"
    if isinstance(value, str) and type_name in ("number", "money"):
        return re.fullmatch(r"\s*-?\d+(?:\.\d+)?\s*", value) is not None
    if isinstance(value, str) and type_name == "yes_no":
        return value.casefold() in ("yes", "no", "true", "false")
    if isinstance(value, (int, float)) and type_name == "text":
        return True
    return isinstance(value, _FITS[type_name])
