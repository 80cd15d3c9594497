"""`ask`: take a value from the caller."""

from __future__ import annotations

from dataclasses import dataclass

from ivr.language.fields import Exit, Kind, Step, goes, kind, setting
from ivr.language.values import Prompt, Reprompts

READABLE = ("digits", "number", "money", "date", "time", "yes_no", "name", "email", "postcode", "text")


@kind("ask")
@dataclass(frozen=True)
class Ask(Step):
    """Ask for a value, by speech or keypad, and keep it as a fact. Skipped where the value was heard already."""

    ask: Prompt = setting(Kind.PROMPT, "What the caller hears.", required=True, spoken=True)
    as_: str = setting(Kind.CHOICE, "What is expected.", choices=READABLE, required=True, yaml_name="as")
    save: str = setting(Kind.FACT_FIELD, "The fact that holds the value afterwards, such as order.number.", required=True)
    length: int | None = setting(Kind.WHOLE, "Exactly so many digits.", least=1, most=32)
    from_: float | None = setting(Kind.NUMBER, "The least value allowed.", yaml_name="from")
    to: float | None = setting(Kind.NUMBER, "The greatest value allowed.")
    confirm: str = setting(
        Kind.CHOICE, "Whether the value is read back: when it was heard rather than typed, always or never.",
        choices=("when_spoken", "always", "never"), default="when_spoken",
    )
    secret: bool = setting(Kind.FLAG, "Keypad only; never stored, logged or spoken back.", default=False)
    input: str = setting(Kind.CHOICE, "How the caller may answer.", choices=("both", "keys", "speech"), default="both")
    silence: float = setting(Kind.DURATION, "How long to wait for an answer.", default=5.0, least=1, most=30)
    barge_in: bool = setting(Kind.FLAG, "Whether the caller may interrupt.", default=True)
    without: tuple[str, ...] = setting(
        Kind.CHOICES, "Universal commands switched off here.", choices=("agent", "repeat", "help", "main_menu", "wait"), default=()
    )
    reprompts: Reprompts = setting(Kind.REPROMPTS, "What is said after silence or an unclear answer, one after another.", default=Reprompts())
    give_up: str = goes(Exit.MUST, "Where the call goes when the reprompts are used up.")
    next: str | None = goes(Exit.FALLS, "Where the call goes with the value; without it, the step below.")
