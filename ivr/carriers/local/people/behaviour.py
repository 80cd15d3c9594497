"""What happens when the service calls an address: somebody answers, accepts and talks; or is busy, absent, a machine."""

from __future__ import annotations

import fnmatch
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from ivr.carriers.local.legs import Leg, Person
from ivr.carriers.local.line import Kind
from ivr.carriers.local.people.handset import Handset
from ivr.carriers.local.people.script import ScriptedPerson, ScriptError, read_script, seconds_of

KINDS = ("agent", "busy", "no answer", "reject", "failed", "voicemail", "fax", "random", "declines", "script")
REPLIES = (
    "I see. One moment, let me look that up for you.",
    "Thank you. I have your account in front of me.",
    "Yes, I can do that for you.",
    "That is done. Is there anything else?",
)
MACHINE_GREETING = "You have reached the voicemail of {name}. Please leave a message after the tone."
MOST_CONVERSATION_SECONDS = 3600.0
HELD_PATIENCE_SECONDS = 30.0  # alone in the room for so long, an agent gives up


@dataclass(frozen=True)
class Behaviour:
    """How one address behaves. Times are seconds of the carrier's world; a pair means: any time between.

    `kind`: agent (answers, presses `accepts` where asked, greets and talks, hangs up) | busy | no answer | reject | failed |
    voicemail (a machine answers and presses nothing) | fax | declines (answers, presses `declines` or hangs up) | random (one of
    `mixture` by weight, chosen anew for each call) | script (acts `script` out).
    """

    kind: str = "agent"
    name: str = ""
    answers_after: tuple[float, float] = (3.0, 3.0)
    accepts: str = "1"
    talks: tuple[float, float] = (15.0, 20.0)
    greets: str = "Hello, this is {name}. How can I help you?"
    replies: tuple[str, ...] = REPLIES
    hangs_up: str = (
        "talk"  # talk: when the talk is over | whisper: while being screened | accepted: right after accepting | never
    )
    mixture: Mapping[str, float] = field(default_factory=dict)
    script: Any = None


DEFAULT = Behaviour()
CUSTOMER = Behaviour(
    name="Customer", greets="Hello?", replies=("Yes, I asked for a call back.", "Thank you.", "That is all.", "Goodbye.")
)  # a number that nobody described: whoever is called back


def _span(raw: Any) -> tuple[float, float]:
    """`3s` or `15-20s`."""
    text = str(raw).strip()
    pair = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(?:-|–|to)\s*(\d+(?:\.\d+)?)\s*(ms|s|m|min)?", text)
    if pair:
        unit = pair[3] or "s"
        return seconds_of(pair[1] + unit), seconds_of(pair[2] + unit)
    return seconds_of(text), seconds_of(text)


def read_behaviour(raw: Any, name: str = "", base: Behaviour = DEFAULT) -> Behaviour:
    """A behaviour from a word ("busy") or a mapping; raises ScriptError with a sentence."""
    if isinstance(raw, str):
        raw = {"kind": raw}
    if not isinstance(raw, Mapping):
        raise ScriptError(f"{name or 'behaviour'}: expected a word ({', '.join(KINDS)}) or a mapping")
    changes: dict[str, Any] = {}
    for key, value in raw.items():
        if key in ("answers_after", "talks"):
            changes[key] = _span(value)
        elif key in ("name", "accepts", "greets", "hangs_up") or (key == "kind" and str(value) in KINDS):
            changes[key] = str(value)
        elif key == "replies" and isinstance(value, list):
            changes[key] = tuple(map(str, value))
        elif key == "mixture" and isinstance(value, Mapping):
            changes[key] = {str(kind): float(weight) for kind, weight in value.items()}
        elif key == "script":
            changes |= {"script": read_script(value if isinstance(value, Mapping) else {"script": value}), "kind": "script"}
        else:
            raise ScriptError(f"{name or 'behaviour'}: {key}: {value!r} is not understood; see docs/local-carrier.md")
    if not set(changes.get("mixture", {})) <= set(KINDS):
        raise ScriptError(f"{name or 'behaviour'}: mixture: expected kinds among {', '.join(KINDS)}")
    if name:
        changes.setdefault("name", name)
    return replace(base, **changes)


class PhoneBook:
    """Which address behaves how. Patterns (`client:*`, `+4420*`) stand after exact addresses; anything else is `default`."""

    def __init__(self, behaviours: Mapping[str, Behaviour] | None = None, default: Behaviour = DEFAULT, seed: int = 1) -> None:
        self.behaviours = dict(behaviours or {})
        self.default = default
        self.chance = random.Random(seed)
        self.waiting: dict[str, Callable[[], Person]] = {}  # somebody at a terminal holds this address' handset

    @classmethod
    def read(cls, source: str, seed: int = 1) -> PhoneBook:
        """Read YAML: `default:` and `addresses: {address or pattern: behaviour}`."""
        try:
            plain = yaml.load(source, Loader=yaml.BaseLoader) or {}
        except yaml.YAMLError as error:
            raise ScriptError(f"the agents file is not YAML: {error}") from error
        if not isinstance(plain, Mapping) or set(plain) - {"default", "addresses"}:
            raise ScriptError("the agents file: expected default: and addresses:")
        default = read_behaviour(plain.get("default") or {})
        addresses = plain.get("addresses") or {}
        return cls({str(address): read_behaviour(raw or {}, base=default) for address, raw in addresses.items()}, default, seed)

    def behaviour(self, address: str) -> Behaviour:
        """The behaviour of an address."""
        if address in self.behaviours:
            return self.behaviours[address]
        return next(
            (b for pattern, b in self.behaviours.items() if "*" in pattern and fnmatch.fnmatchcase(address, pattern)),
            self.default,
        )

    def person(self, address: str) -> Person:
        """Whoever picks up this address for one call."""
        address = address.partition("?")[0]  # client addresses may carry parameters
        if address in self.waiting:
            return self.waiting[address]()
        behaviour = self.behaviour(address)
        if behaviour is self.default is DEFAULT and address.startswith("+"):
            behaviour = CUSTOMER
        name = behaviour.name or f"Agent {address.rpartition(':')[2].split('@')[0].title()}"
        behaviour = replace(behaviour, name=name)
        if behaviour.kind == "random":
            mixture = behaviour.mixture or {"agent": 0.7, "no answer": 0.1, "busy": 0.1, "voicemail": 0.1}
            behaviour = replace(behaviour, kind=self.chance.choices(list(mixture), list(mixture.values()))[0])
        if behaviour.kind == "script":
            return ScriptedPerson(replace(behaviour.script, name=name), self.chance.uniform(*behaviour.answers_after))
        return BehavingPerson(behaviour, random.Random(self.chance.getrandbits(64)))


class BehavingPerson:
    """One call's worth of a behaviour."""

    patient = False

    def __init__(self, behaviour: Behaviour, chance: random.Random) -> None:
        self.behaviour = behaviour
        self.name = behaviour.name
        self.nature = {"voicemail": "machine_start", "fax": "fax"}.get(behaviour.kind, "human")
        self.chance = chance

    async def hold(self, leg: Leg) -> None:
        """Live through the call as the behaviour says."""
        handset, behaviour = Handset(leg), self.behaviour
        if behaviour.kind in ("busy", "reject", "failed"):
            await handset.wait(0.5)
            handset.refuse("failed" if behaviour.kind == "failed" else "busy")
        elif behaviour.kind == "no answer" or not await handset.answer(self.chance.uniform(*behaviour.answers_after)):
            return
        elif behaviour.kind in ("voicemail", "fax"):
            await self._machine(handset)
        else:
            await self._agent(handset)

    async def _machine(self, handset: Handset) -> None:
        if self.behaviour.kind == "voicemail":
            await handset.say(MACHINE_GREETING.replace("{name}", self.name.removeprefix("Agent ")))
        await handset.wait(30)
        handset.hang_up()

    async def _agent(self, handset: Handset) -> None:
        behaviour = self.behaviour
        if not await self._accept(handset):
            return
        if behaviour.hangs_up == "accepted":
            handset.hang_up()
            return
        if not await handset.until_in_company(120):
            handset.hang_up()
            return
        await self._talk(handset)
        if behaviour.hangs_up != "never":
            handset.hang_up()

    async def _accept(self, handset: Handset) -> bool:
        """Press the accepting key where asked; True once there is somebody to talk to, or nothing to accept."""
        behaviour = self.behaviour
        asked = await handset.line.until(
            lambda: handset.listening(keys=True) is not None or bool(handset.company()) or _waits_in_room(handset),
            handset.limit(60),
        )
        if handset.over or not asked:
            return False
        if handset.listening(keys=True) is None:
            return True
        if behaviour.hangs_up == "whisper":
            handset.hang_up()
            return False
        await handset.wait(1.0)
        if behaviour.kind == "declines":
            await handset.press("2")
            return False
        await handset.press(behaviour.accepts)
        return not handset.over

    async def _talk(self, handset: Handset) -> None:
        """Greet, answer what the other says, until the talk is over or nobody is there any more."""
        behaviour, line = self.behaviour, handset.line
        length = self.chance.uniform(*behaviour.talks) if behaviour.hangs_up != "never" else MOST_CONVERSATION_SECONDS
        loop = handset.leg.exchange.loop
        deadline = loop.time() + handset.pace.real_seconds(length)
        seen = len(line.entries)
        if behaviour.greets:
            await handset.say(behaviour.greets.replace("{name}", self.name.removeprefix("Agent ")))
        replies = iter(behaviour.replies)

        def spoken_to() -> bool:
            return any(entry.kind is Kind.PERSON for entry in line.entries[seen:])

        def alone() -> bool:
            return not handset.company()

        while not handset.over and (left := deadline - loop.time()) > 0:
            if not await line.until(lambda: spoken_to() or alone(), left):
                return
            if spoken_to():
                await handset.wait(1.0)
                seen = len(line.entries)
                if reply := next(replies, ""):
                    await handset.say(reply)
            elif alone() and not await line.until(
                lambda: not alone(), min(left, handset.pace.real_seconds(HELD_PATIENCE_SECONDS))
            ):
                return


def _waits_in_room(handset: Handset) -> bool:
    """True where the leg has joined a conference, though nobody else is there yet."""
    return handset.line.mixer is not None
