"""The house: wording and thresholds that hold in every flow, whatever its author wrote.

Read from config/phrases.yaml by `ivr.phrases`; the values here are what holds without that file (English only).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

COMMANDS = ("agent", "repeat", "help", "main_menu", "wait")
"""What a caller may say at any question, in every flow."""

SAYINGS = ("done", "unknown", "call_back", "leave", "solved", "neither", "first", "second")
"""Small answers that are no commands: "that is all", "I do not know", "call me back", "neither" …"""

PHRASES: Mapping[str, str] = {
    "apology": "Sorry, something went wrong on our side.",
    "apology_person": "Sorry, something went wrong on our side. I will take you to a person.",
    "apology_end": "Sorry, we cannot take your call at the moment. Please call again later. Goodbye.",
    "goodbye": "Thank you for calling. Goodbye.",
    "help": "You can answer in your own words or with the keypad. Say repeat to hear it again, or agent to speak to a person.",
    "take_your_time": "Take your time.",
    "sorry_then": "Sorry about that.",
    "is_that_right": "You would like to {{ what }}, is that right?",
    "yes_or_no": "Please say yes or no, or press 1 for yes and 2 for no.",
    "which_one": "Did you want to {{ first }}, or to {{ second }}?",
    "which_one_keys": "For the first press 1, for the second press 2.",
    "heard_value": "I heard {{ value }}. Is that right?",
    "known_value": "Is it {{ value }}?",
    "also_wanted": "You also wanted to {{ what }}. Shall we do that now?",
    "ask_helped": "Did that help?",
    "no_answer_known": "I am afraid I have no answer to that.",
    "position": "You are number {{ position }} in the queue.",
    "next_in_line": "You are next in line.",
    "wait_estimate": "Eight of ten callers wait less than {{ minutes }} minutes.",
    "wait_estimate_one": "Eight of ten callers wait less than one minute.",
    "still_there": "Thank you for waiting. We will be with you as soon as possible.",
    "offer_callback": "We can call you back and keep your place. For that, press 1 or say call me back.",
    "wait_keys": "To go back to the menu, press 2. If it has been solved meanwhile, press 3.",
    "leaving_queue": "All right.",
    "callback_refused": "I am afraid we cannot call this number back.",
    "callback_now": "We are ringing you at this very moment, so nothing can be changed any more. Please hang up and take that call.",
    "callback_hello": "Hello, this is the call back that you asked for. One moment, please, I am putting you through.",
    "interrupted": "Sorry, we were interrupted for a moment. Let us start again.",
    "one_moment": "One moment, please.",
    "agent_lost": "Sorry, we were interrupted. You keep your place; I am looking for somebody else.",
    "agent_offer": "A call for {{ queue }} from {{ who }}{{ why }}. Press 1 to take it, 2 to refuse.",
    "agent_about": ", about {{ what }}",
    "agent_about_also": ", and also {{ what }}",
    "agent_offer_handed_on": "{{ by }} hands on {{ who }}{{ why }}{{ note }}. Press 1 to take it, 2 to refuse.",
    "transfer_failed": "I am afraid nobody answered there. You keep your place; I am looking for somebody else.",
    "agent_rejected": "All right. Goodbye.",
    "agent_missed": "No key was pressed, so the call goes to somebody else. Goodbye.",
    "agent_too_late": "That call has been taken or has ended. Goodbye.",
    "agent_wrap_up": "The call is over. Was it solved? Press 1 for yes, 2 for no, or simply hang up.",
    "agent_thanks": "Thank you. Goodbye.",
    "page_callback": "Your call back",
    "page_callback_soon": "We will ring you on the number that ends in {{ ends }} as soon as it is your turn.",
    "page_callback_at": "We will ring you on the number that ends in {{ ends }}: {{ day }}, {{ time }}.",
    "page_callback_now": "We are ringing you at this moment, or have you on the line.",
    "page_callback_done": "This call back is over.",
    "page_callback_cancelled": "This call back is cancelled. Nobody will ring you.",
    "page_callback_time": "Another time ({{ zone }})",
    "page_callback_move": "Ring me then",
    "page_callback_cancel": "Do not ring me",
    "page_callback_closed": "We cannot ring you then. Please choose a time within the next 30 days at which we are open.",
}
"""Every phrase the house says, with its English wording. `{{ name }}` is filled in; nothing else is interpreted."""


_NO_WORD = re.compile(r"[^\w*#+]+|_")


@lru_cache(maxsize=4096)
def tidy(text: str) -> str:
    """Words only: small letters, no accents, no punctuation, single spaces; apostrophes vanish ("that's" -> "thats")."""
    plain = unicodedata.normalize("NFKD", text.casefold().replace("'", "").replace("’", ""))
    return " ".join(_NO_WORD.sub(" ", "".join(c for c in plain if not unicodedata.combining(c))).split())


@dataclass(frozen=True)
class Wording:
    """One language's share of the house. `commands` and `fillers` are what callers say; `intents` how an intent is named back to them."""

    phrases: Mapping[str, str] = field(default_factory=dict)
    commands: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fillers: tuple[str, ...] = ()
    intents: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def small_words(self) -> frozenset[str]:
        """The words of `fillers`, one by one: polite words around a command."""
        return frozenset(word for filler in self.fillers for word in tidy(filler).split())

    @cached_property
    def known_sayings(self) -> Mapping[str, tuple[str, ...]]:
        """`commands` made tidy, the longest first."""
        return {
            name: tuple(sorted({tidy(phrase) for phrase in phrases} - {""}, key=len, reverse=True))
            for name, phrases in self.commands.items()
        }


_ENGLISH = Wording(
    PHRASES,
    {
        "agent": ("agent", "operator", "a person", "a human", "representative", "speak to somebody", "speak to someone"),
        "repeat": ("repeat", "again", "say that again", "pardon"),
        "help": ("help", "what can i say"),
        "main_menu": ("main menu", "start again", "go back to the start"),
        "wait": ("wait", "hold on", "one moment", "just a minute"),
        "done": ("that is all", "that's all", "nothing else", "goodbye", "bye"),
        "unknown": ("i do not know", "i don't know", "no idea", "i do not have it", "i don't have it"),
        "call_back": ("call me back", "callback", "ring me back"),
        "leave": ("leave the queue", "go back", "i do not want to wait"),
        "solved": ("it is solved", "it works now", "i have found it"),
        "neither": ("neither", "none of them", "none of those"),
        "first": ("the first", "first", "first one", "the first one"),
        "second": ("the second", "second", "second one", "the second one"),
    },
    ("please", "can i", "i want to", "i want", "the", "a", "an", "to", "well", "um", "er", "ok", "okay"),
)


@dataclass(frozen=True)
class House:
    """What holds in every flow. Less certain than `sure_at`: ask again; than `confirm_below`: "is that right?"; two intents
    closer than `close_margin` are offered as a choice. `command_keys` maps a key that no option uses to a command."""

    sure_at: float = 0.5
    confirm_below: float = 0.75
    close_margin: float = 0.15
    languages: Mapping[str, Wording] = field(default_factory=lambda: {"en": _ENGLISH})
    command_keys: Mapping[str, str] = field(default_factory=lambda: {"0": "agent", "*": "repeat"})
    waiting_music: str = "music/waiting.wav"
    currency: str = "EUR"

    def wording(self, language: str) -> Wording:
        """The words for `language` ("es-ES"), else for its base language ("es"), else English."""
        found = self.languages.get(language) or self.languages.get(language.split("-")[0])
        return found or self.languages.get("en") or _ENGLISH

    def phrase(self, name: str, language: str, **values: str) -> str:
        """What is said. `values` are filled in literally, so that nothing in them is interpreted."""
        said = self.wording(language).phrases.get(name) or PHRASES[name]
        if "{{" not in said:
            return said
        parts = said.split("{{")
        filled = [parts[0]]
        for part in parts[1:]:
            slot, _, rest = part.partition("}}")
            filled.append(values.get(slot.strip(), "") + rest)
        return "".join(filled)

    def named(self, intent: str, language: str) -> str:
        """An intent as it is named to callers, to follow "you would like to"."""
        return self.wording(language).intents.get(intent) or intent.replace("_", " ")
