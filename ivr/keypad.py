"""The letters on a telephone's keys."""

from __future__ import annotations

_KEYS = str.maketrans("abcdefghijklmnopqrstuvwxyz", "22233344455566677778889999")


def keys_for(text: str) -> str:
    """The keys that spell letters and digits, other signs left out: "A-123" is 2123."""
    return "".join(sign for sign in text.lower() if sign.isalnum()).translate(_KEYS)
