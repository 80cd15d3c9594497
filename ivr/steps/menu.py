"""`menu`: offer choices by speech and keypad."""

from __future__ import annotations

from dataclasses import dataclass

from ivr.language.fields import Exit, Kind, Step, goes, kind, setting
from ivr.language.values import Option, Prompt, Reprompts


@kind("menu")
@dataclass(frozen=True)
class Menu(Step):
    """Offer choices; the caller says what is wanted or presses a key."""

    menu: Prompt = setting(Kind.PROMPT, "What the caller hears before the choices.", required=True, spoken=True)
    options: tuple[Option, ...] = setting(
        Kind.MENU_OPTIONS, "The choices: each has a `go` and a `key`, an `intent` or both; `text` is read aloud.", required=True
    )
    sure_at: float | None = setting(Kind.NUMBER, "Less certain than this: ask again. House default in config/intents.yaml.", least=0, most=1)
    confirm_below: float | None = setting(
        Kind.NUMBER, "Less certain than this: ask whether it is right. House default in config/intents.yaml.", least=0, most=1
    )
    input: str = setting(Kind.CHOICE, "How the caller may answer.", choices=("both", "keys", "speech"), default="both")
    silence: float = setting(Kind.DURATION, "How long to wait for an answer.", default=5.0, least=1, most=30)
    barge_in: bool = setting(Kind.FLAG, "Whether the caller may interrupt.", default=True)
    without: tuple[str, ...] = setting(
        Kind.CHOICES, "Universal commands switched off here.", choices=("agent", "repeat", "help", "main_menu", "wait"), default=()
    )
    reprompts: Reprompts = setting(Kind.REPROMPTS, "What is said after silence or an unclear answer, one after another.", default=Reprompts())
    give_up: str = goes(Exit.MUST, "Where the call goes when the reprompts are used up.")
