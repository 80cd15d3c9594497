"""Speech recognition without audio: what a script says comes back as text, as clean or as noisy as asked for."""

from __future__ import annotations

import random
from dataclasses import dataclass

LONGEST_SPEECH_SECONDS = 60.0


@dataclass(frozen=True)
class Recognition:
    """How speech is recognised. `noise` 0..1 is the share of words lost or mistaken; `missing` of results carry no Confidence."""

    noise: float = 0.0
    missing: float = 0.0
    formatted: bool = True  # "Yes." rather than "yes", as the real recogniser writes

    def hear(self, text: str, sureness: float | None, chance: random.Random) -> tuple[str, float | None]:
        """The recognised text and its confidence; `sureness` given by a script stands as it is."""
        words = text.split()
        if self.noise:
            words = [self._mistake(word, chance) for word in words if chance.random() > self.noise / 2] or words[:1]
        heard = " ".join(words)
        if self.formatted and heard:
            heard = heard[0].upper() + heard[1:] + ("" if heard[-1] in ".?!" else "." if not heard.isdigit() else "")
        if sureness is not None:
            return heard, sureness
        if self.missing and chance.random() < self.missing:
            return heard, None
        return heard, round(min(0.99, max(0.05, chance.uniform(0.88, 0.97) - self.noise * chance.random())), 4)

    def _mistake(self, word: str, chance: random.Random) -> str:
        if len(word) < 4 or chance.random() > self.noise / 2:
            return word
        at = chance.randrange(1, len(word) - 1)
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
