"""What a person can do with a leg: pick up, listen, speak, press, hang up."""

from __future__ import annotations

import re

from ivr.carriers.local.legs import Leg, Status
from ivr.carriers.local.line import Keys, Kind, Listener, Speech
from ivr.carriers.local.pace import Pace

KEY_SECONDS = 0.15
PATIENCE_SECONDS = 60.0  # of the carrier's world, when nothing else is asked for
SERVICE_ALLOWANCE_SECONDS = 16.0  # wall-clock on top: a webhook may take 15 s, however fast the world runs
KEYPAD = re.compile(r"[0-9*#]+")


class Handset:
    """A person's hands and voice on one leg. Everything tells whether it worked; nothing raises when the call ends."""

    def __init__(self, leg: Leg) -> None:
        self.leg = leg
        self.line = leg.line
        self.pace = leg.exchange.pace

    @property
    def over(self) -> bool:
        """True once the call has ended."""
        return not self.leg.live

    def limit(self, seconds: float) -> float:
        """Wall-clock limit for something that takes up to `seconds` of the carrier's world."""
        return self.pace.real_seconds(seconds) + SERVICE_ALLOWANCE_SECONDS

    # ringing

    async def answer(self, after_seconds: float = 0.0) -> bool:
        """Let it ring, then pick up; False where the caller gave up before."""
        if await self.line.until(lambda: not self.leg.live, self.pace.real_seconds(after_seconds)):
            return False
        self.leg.pick_up("answered")
        return await self.line.until(lambda: self.leg.status is Status.IN_PROGRESS, self.limit(5))

    def refuse(self, outcome: str) -> None:
        """Do not pick up: busy, no-answer, failed."""
        self.leg.pick_up(outcome)

    # listening

    async def wait(self, seconds: float) -> None:
        """Do nothing for so long, or until the call ends."""
        await self.line.until(lambda: not self.leg.live, self.pace.real_seconds(seconds))

    def listening(self, *, keys: bool = False, speech: bool = False) -> Listener | None:
        """Who takes keys or speech from this line now."""
        listener = self.line.listener
        return listener if listener and ((keys and listener.keys) or (speech and listener.speech)) else None

    async def until_listened_to(self, *, keys: bool = False, speech: bool = False, seconds: float = PATIENCE_SECONDS) -> bool:
        """Wait until somebody takes what this person wants to give: a prompt's input, or (for speech) people."""
        return await self.line.until(
            lambda: self.listening(keys=keys, speech=speech) is not None or (speech and bool(self.company())), self.limit(seconds)
        )

    def company(self) -> list[str]:
        """Names of the people who hear this line."""
        return [line.name for line in self.line.company()]

    async def until_in_company(self, seconds: float = PATIENCE_SECONDS) -> bool:
        """Wait until connected with somebody."""
        return await self.line.until(lambda: bool(self.company()), self.limit(seconds))

    # giving

    async def say(self, text: str, sureness: float | None = None, *, typed: bool = False) -> bool:
        """Speak; False where nothing and nobody took it. `typed` text takes no time: it took its time at the keyboard."""
        seconds = 0.0 if typed else Pace.speech_seconds(text)
        listener = self.listening(speech=True)
        if listener is not None:
            self._note(Kind.SPOKE, text, seconds)
            listener.begin()
            await self.pace.sleep(seconds)
            if self.over:
                return False
            listener.put(Speech(text, sureness))
            return True
        others = self.line.company()
        self._note(Kind.SPOKE if others else Kind.UNHEARD, text, seconds)
        for other in others:
            other.note(Kind.PERSON, text, who=self.line.name).seconds = self.pace.real_seconds(seconds)
        await self.pace.sleep(seconds)
        return bool(others)

    async def press(self, keys: str) -> bool:
        """Press keys one after another; False where nothing took one of them."""
        taken = True
        for position, key in enumerate(re.sub(r"[^0-9*#]", "", keys)):
            if position:
                await self.pace.sleep(KEY_SECONDS)
            listener = self.listening(keys=True)
            shown = "•" if listener and listener.secret else key
            if listener is None:
                self._note(Kind.PRESSED if self.company() else Kind.UNHEARD, key, 0.0)
                taken = taken and bool(self.company())
            else:
                self._note(Kind.PRESSED, shown, 0.0)
                listener.put(Keys(key))
        return taken

    def stay_silent(self) -> bool:
        """Tell a patient prompt that no input will come; False where nothing listens."""
        if self.line.listener is None:
            return False
        self.line.listener.put(None)
        return True

    def hang_up(self) -> None:
        """Put the handset down."""
        self.leg.hang_up("caller" if self.leg.direction == "inbound" else "callee")

    def _note(self, kind: Kind, text: str, seconds: float) -> None:
        if not self.over:
            self.line.note(kind, text, who=self.line.name).seconds = self.pace.real_seconds(seconds)
