"""TwiML as text. A document is made for every turn of every call, so it is written down directly instead of being built as a tree
first; that it says the same as the carrier's own library would is tested (tests/twilio/test_markup.py)."""

from __future__ import annotations

import re

Value = str | int | float | bool | None

_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LINE_ENDS = str.maketrans({"\t": "&#09;", "\n": "&#10;", "\r": "&#13;"})


def clean(text: str) -> str:
    """`text` without the characters that XML cannot hold: one of them makes the whole document unreadable."""
    return text if text.isprintable() else _ILLEGAL.sub(" ", text)  # printable text, which is most, holds none of them


def element(name: str, *inside: str, **attributes: Value) -> str:
    """An element with its attributes (in TwiML's own spelling; None is left out) around `inside`, which is markup already."""
    return written(name, said(**attributes), *inside)


def said(**attributes: Value) -> str:
    """Attributes as they stand in an element, each after a space, in the order of the alphabet."""
    return "".join([f' {key}="{_quoted(attributes[key])}"' for key in sorted(attributes) if attributes[key] is not None])


def written(name: str, attributes: str, *inside: str) -> str:
    """An element whose attributes were written by `said`."""
    content = "".join(inside)
    return f"<{name}{attributes}>{content}</{name}>" if content else f"<{name}{attributes} />"


def words(text: str) -> str:
    """Plain text as markup: whatever it holds stays text."""
    return clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def document(*verbs: str) -> str:
    """The whole document."""
    return f'<?xml version="1.0" encoding="UTF-8"?>{element("Response", *verbs)}'


def _quoted(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = words(str(value)).replace('"', "&quot;")
    return text if text.isprintable() else text.translate(_LINE_ENDS)  # an attribute's line ends would be read as spaces
