"""Somebody at a terminal or in a test: acts when told to, and is never hurried by a prompt's time-out."""

from __future__ import annotations

from ivr.carriers.local.legs import Leg
from ivr.carriers.local.people.handset import Handset


class TerminalPerson:
    """Holds one handset; commands come in through the control API. As the called party it picks up when told to."""

    nature = "human"

    def __init__(self, name: str = "Caller", *, patient: bool = True, answers_at_once: bool = False) -> None:
        self.name = name
        self.patient = patient
        self.answers_at_once = answers_at_once
        self.handset: Handset | None = None

    async def hold(self, leg: Leg) -> None:
        """Take the handset."""
        self.handset = Handset(leg)
        if leg.direction != "inbound" and self.answers_at_once:
            await self.handset.answer()
