"""The choices of a menu: which are open to this caller, and which one an answer names."""

from __future__ import annotations

from collections.abc import Sequence

from ivr.dialogue.progress import Progress
from ivr.house import tidy
from ivr.language.values import Option

MOST_HINTS = 60
KEY_WORDS = 3
"""More words than "press number three" are no name of a key."""
SURE_OF_TWO = 0.5


def open_options(progress: Progress, options: Sequence[Option]) -> list[Option]:
    """The options that hold for this caller; of several for one key or intent only the first that holds."""
    chosen: list[Option] = []
    keys: set[str] = set()
    intents: set[str] = set()
    for option in options:
        new = (option.key is not None and option.key not in keys) or (option.intent is not None and option.intent not in intents)
        if new and progress.holds(option.when):
            chosen.append(option)
            keys.add(option.key or "")
            intents.add(option.intent or "")
    return chosen


def hints(progress: Progress, options: Sequence[Option], without: Sequence[str]) -> tuple[str, ...]:
    """Words worth recognising at a menu: how its intents are named, and the universal commands."""
    wording = progress.wording
    words = [wording.intents[option.intent] for option in options if option.intent and option.intent in wording.intents]
    words += [phrases[0] for name, phrases in wording.commands.items() if phrases and name not in without]
    return tuple(dict.fromkeys(words))[:MOST_HINTS]


def spoken_key(progress: Progress, text: str, keys: Sequence[str]) -> str | None:
    """ "one", "option two", "press three": the one of `keys` that was said instead of pressed."""
    if len(tidy(text).split()) > KEY_WORDS:
        return None
    slot = progress.world.read_slot("digits", text, progress.language, 1, tuple(keys))
    return str(slot.value) if slot is not None and str(slot.value) in keys else None


def named_key(progress: Progress, text: str, options: Sequence[Option]) -> Option | None:
    """An option by its key, said instead of pressed."""
    key = spoken_key(progress, text, tuple(option.key for option in options if option.key))
    return None if key is None else next(option for option in options if option.key == key)


def meant_of(progress: Progress, text: str, intents: Sequence[str]) -> int | None:
    """Which of two intents an answer to "did you want … or …" means: the one whose own words are in it, else the likelier one."""
    said = set(tidy(text).split())
    own = [set(tidy(progress.world.house.named(intent, progress.language)).split()) for intent in intents]
    only = [len(said & (own[number] - own[1 - number])) for number in (0, 1)]
    if only[0] != only[1]:
        return 0 if only[0] > only[1] else 1
    best = progress.world.understand(text, progress.language, tuple(intents)).best
    return intents.index(best.intent) if best is not None and best.intent in intents and best.confidence >= SURE_OF_TWO else None
