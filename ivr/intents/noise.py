"""What a telephone and a speech recogniser do to a sentence, imitated with a seed: for figures "with noise", never for training."""

from __future__ import annotations

import random

_FILLERS = {"en": ("um", "uh", "er", "you know", "like", "well"), "es": ("eh", "em", "bueno", "o sea", "pues")}
_HEARD_AS = {
    "en": {
        "to": "two", "for": "four", "their": "there", "your": "you're", "hear": "here", "buy": "by", "whether": "weather", "sent": "cent",
        "pay": "pey", "where": "wear", "order": "older", "bill": "build", "card": "cart", "need": "knead", "right": "write", "new": "knew",
        "no": "know", "see": "sea", "mail": "male", "week": "weak", "made": "maid", "would": "wood", "are": "our", "is": "his", "my": "by",
        "account": "a count", "balance": "ballast", "charge": "charged", "transfer": "transferred", "change": "chain", "cancel": "council",
    },
    "es": {"hay": "ahí", "a ver": "haber", "vaya": "valla", "hola": "ola", "haya": "halla", "pedido": "perdido", "pago": "vago", "cobro": "cobre"},
}  # fmt: skip
FILLED, DROPPED, MISHEARD, RESTARTED = 0.10, 0.07, 0.15, 0.10


def noisy(text: str, language: str, seed: int) -> str:
    """`text` in lower case without punctuation, with fillers, dropped words, homophones and a restart; equal for an equal seed."""
    chance = random.Random(f"{seed}:{text}")
    words = [word.strip('.,;:!?¿¡"()').lower() for word in text.split()]
    words = [word for word in words if word]
    if len(words) > 3 and chance.random() < RESTARTED:
        start = chance.randint(1, min(3, len(words) - 1))
        words = words[:start] + words
    heard: list[str] = []
    heard_as, fillers = _HEARD_AS.get(language, {}), _FILLERS.get(language, ("um",))
    for word in words:
        if chance.random() < FILLED:
            heard.append(chance.choice(fillers))
        if len(words) > 2 and chance.random() < DROPPED:
            continue
        heard.append(heard_as[word] if word in heard_as and chance.random() < MISHEARD else word)
    return " ".join(heard) or text
