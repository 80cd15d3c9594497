"""What people usually get wrong in an expression, told in their words instead of a parser's."""

from __future__ import annotations

import re


class Mistake(Exception):
    """An expression that cannot be used; `offset` counts characters from its start."""

    def __init__(self, offset: int, message: str, hint: str = "", length: int = 1) -> None:
        super().__init__(message)
        self.offset, self.message, self.hint, self.length = offset, message, hint, length


_USUAL = (
    (re.compile(r"(?<![=!<>])=(?!=)"), "= alone does not compare.", 'Write == for "is equal to".'),
    (re.compile(r"==="), "=== is not known here.", 'Write == for "is equal to".'),
    (re.compile(r"&&?"), "& is not known here.", "Write `and`."),
    (re.compile(r"\|\|"), "|| is not known here.", "Write `or`."),
    (re.compile(r"\|"), "A reading (|) belongs into a prompt's {{ }}, not into an expression.", "Delete it."),
    (re.compile(r"!(?!=)"), "! is not known here.", "Write `not`."),
    (re.compile(r"<>"), "<> is not known here.", 'Write != for "is not equal to".'),
    (re.compile(r"[{}]"), "Curly brackets belong into prompts.", "Write the name of the fact alone, such as customer.tier."),
    (re.compile(r"[“”„‘’«»]"), "These are typographic quotes.", 'Use straight quotes: "…".'),
    (re.compile(r"\b(?:AND|OR|NOT|IN)\b"), "and, or, not and in are written in small letters.", ""),
    (re.compile(r"\bis\b(?:\s+not\b)?"), '"is" is not known here.', 'Write == for "is equal to", != for "is not equal to".'),
    (re.compile(r";"), "One expression only.", "Delete everything from the semicolon on."),
)
_STRINGS = re.compile(r"\"[^\"]*\"|'[^']*'")


def usual_mistake(source: str) -> Mistake | None:
    """Mistakes with well-known causes, looked for outside of quoted text."""
    if "\\" in source:
        return Mistake(source.index("\\"), "A backslash is not allowed here.", "Delete it.")
    bare = _STRINGS.sub(lambda match: "_" * len(match.group()), source)
    for pattern, message, hint in _USUAL:
        found = pattern.search(bare)
        if found:
            return Mistake(found.start(), message, hint, len(found.group()))
    if '"' in bare or "'" in bare:
        offset = min(i for i in (bare.find('"'), bare.find("'")) if i >= 0)
        return Mistake(offset, "This quote is never closed.", "Close it at the end of the text.")
    for opening, closing in ("()", "[]"):
        if bare.count(opening) > bare.count(closing):
            return Mistake(bare.find(opening), f"This {opening} is never closed.", f"Write {closing} where it ends.")
        if bare.count(opening) < bare.count(closing):
            return Mistake(bare.rfind(closing), f"This {closing} closes nothing.", "Delete it.")
    return None
