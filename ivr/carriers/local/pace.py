"""How fast the carrier's world runs: ringing, talk, prompts and silence shrink with `speed`; HTTP time-outs never do."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from email.utils import format_datetime

CHARACTERS_PER_SECOND = 15.0  # an ordinary speaking rate: about 170 English words a minute
SHORTEST_SPEECH_SECONDS = 0.6


class Pace:
    """`speed` 1 is life; 20 makes a call of a minute last three seconds. All recorded times are wall-clock times."""

    def __init__(self, speed: float = 1.0) -> None:
        if not 0 < speed <= 10_000:
            raise ValueError(f"speed {speed:g} is not between 0 and 10000")
        self.speed = speed

    def real_seconds(self, seconds: float) -> float:
        """How long `seconds` of the carrier's world last on the wall clock."""
        return seconds / self.speed

    async def sleep(self, seconds: float) -> None:
        """Let `seconds` of the carrier's world pass."""
        await asyncio.sleep(seconds / self.speed)

    @staticmethod
    def speech_seconds(text: str) -> float:
        """How long it takes to say `text`, before compression."""
        return max(SHORTEST_SPEECH_SECONDS, len(text) / CHARACTERS_PER_SECOND) if text.strip() else 0.0


def now() -> datetime:
    """The wall clock, aware UTC."""
    return datetime.now(UTC)


def rfc2822(at: datetime | None) -> str | None:
    """The date form of Twilio's callbacks and REST answers ("Sun, 22 Nov 2026 05:20:00 +0000")."""
    return format_datetime(at) if at else None
