"""Values heard in speech: `read_slot`."""

from __future__ import annotations

import re

from ivr.world import Slot


def read_slot(kind: str, text: str, language: str, length: int | None = None, known: tuple[str, ...] = ()) -> Slot | None:
    """Read `text` as a value of `kind`; None where there is no such value in it."""
    digits = re.sub(r"\D", "", text)
    if kind == "digits" and digits and (length is None or len(digits) == length):
        return Slot("digits", digits, text)
    return None
