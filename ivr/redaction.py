"""Keeps secrets out of what is stored: card numbers and what follows "PIN" or "security code", typed or spoken, English or Spanish.

Used before anything a caller said is written down. It errs on the safe side: thirteen to nineteen digits that pass the card check go even
where they were an order number. Standard library only.
"""

from __future__ import annotations

import re
import unicodedata

CARD = "[card]"
SECRET = "[secret]"
DIGITS = "[digits]"
LONGEST_TEXT = 20_000
CARD_DIGITS = range(13, 20)

_WORDS = {
    "zero": "0", "oh": "0", "o": "0", "nought": "0", "naught": "0", "one": "1", "won": "1", "two": "2", "too": "2", "to": "2", "three": "3", "tree": "3", "four": "4",
    "for": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "ate": "8", "nine": "9", "niner": "9",
    "cero": "0", "uno": "1", "un": "1", "una": "1", "dos": "2", "tres": "3", "cuatro": "4", "cinco": "5", "seis": "6", "siete": "7", "ocho": "8", "nueve": "9",
    "ten": "10", "eleven": "11", "twelve": "12", "thirteen": "13", "fourteen": "14", "fifteen": "15", "sixteen": "16", "seventeen": "17", "eighteen": "18",
    "nineteen": "19", "diez": "10", "once": "11", "doce": "12", "trece": "13", "catorce": "14", "quince": "15", "dieciseis": "16", "diecisiete": "17",
    "dieciocho": "18", "diecinueve": "19", "veintiuno": "21", "veintidos": "22", "veintitres": "23", "veinticuatro": "24", "veinticinco": "25",
    "veintiseis": "26", "veintisiete": "27", "veintiocho": "28", "veintinueve": "29",
}  # fmt: skip
_TENS = {
    "twenty": "2", "thirty": "3", "forty": "4", "fourty": "4", "fifty": "5", "sixty": "6", "seventy": "7", "eighty": "8", "ninety": "9",
    "veinte": "2", "treinta": "3", "cuarenta": "4", "cincuenta": "5", "sesenta": "6", "setenta": "7", "ochenta": "8", "noventa": "9",
}  # fmt: skip
_HUNDREDS = {
    "cien": "1", "ciento": "1", "doscientos": "2", "trescientos": "3", "cuatrocientos": "4", "quinientos": "5", "seiscientos": "6", "setecientos": "7",
    "ochocientos": "8", "novecientos": "9",
}  # fmt: skip
_HOMOPHONES = frozenset({"o", "won", "too", "to", "tree", "for", "ate", "un", "una", "once"})
_TIMES = {"double": 2, "triple": 3, "treble": 3, "quadruple": 4, "doble": 2, "cuadruple": 4}
_BETWEEN = frozenset(
    {
        "and",
        "y",
        "um",
        "uh",
        "er",
        "eh",
        "em",
        "then",
        "luego",
        "dash",
        "hyphen",
        "guion",
        "space",
        "espacio",
        "hundred",
        "thousand",
        "mil",
    }
)
_CUES = re.compile(
    r"\b(?:pin(?:\s+(?:code|number))?|cvv2?|cvc2?|cv2|security\s+(?:code|number)|card\s+verification(?:\s+(?:code|number))?|verification\s+code|"
    r"three\s+digits\s+on\s+the\s+back|pass\s?code|password|one\s?time\s+(?:code|password)|expiry(?:\s+date)?|expiration(?:\s+date)?|"
    r"c[oó]digo\s+de\s+seguridad|c[oó]digo\s+de\s+verificaci[oó]n|n[uú]mero\s+secreto|clave(?:\s+secreta)?|contrase[nñ]a|caducidad)\b",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"[^\W\d_]+|\d")
_NEAR_CUE = 40  # characters after a cue within which its digits start
_SECRET_DIGITS = range(3, 9)
_LEAST = 3  # nothing shorter holds a secret


def luhn(digits: str) -> bool:
    """Whether `digits` pass the check that every payment card number passes (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


class _Run:
    """Digits that stand together, each with the stretch of text it came from."""

    def __init__(self) -> None:
        self.digits: list[tuple[str, int, int]] = []

    def __str__(self) -> str:
        return "".join(digit for digit, _, _ in self.digits)


def redact(text: str, *, long_digits: int | None = None) -> str:
    """`text` with card numbers as "[card]" and PINs, security codes and the like as "[secret]".

    `long_digits`: also replace any run of at least so many digits by "[digits]" (None: leave them). Text beyond LONGEST_TEXT is cut.
    """
    if long_digits is None and (len(text) < _LEAST or (len(text) < CARD_DIGITS.start and text.isdigit())):
        return text  # a key or two, or an order's number: most of what callers press
    text = text[:LONGEST_TEXT]
    marks: list[tuple[int, int, str]] = []
    runs = _runs(text)
    cues = [found.end() for found in _CUES.finditer(text)]
    for run in runs:
        marks.extend(_cards(run))
        start, end = run.digits[0][1], run.digits[-1][2]
        if len(str(run)) in _SECRET_DIGITS and any(0 <= start - cue <= _NEAR_CUE for cue in cues):
            marks.append((start, end, SECRET))
        elif long_digits is not None and len(str(run)) >= long_digits:
            marks.append((start, end, DIGITS))
    return _replaced(text, marks)


def _cards(run: _Run) -> list[tuple[int, int, str]]:
    """Stretches of a run that hold a card number; the longest one that passes the check, wherever it starts."""
    digits = str(run)
    start = 0
    found: list[tuple[int, int, str]] = []
    while start + CARD_DIGITS.start <= len(digits):
        length = next(
            (
                n
                for n in reversed(CARD_DIGITS)
                if start + n <= len(digits) and luhn(digits[start : start + n]) and len(set(digits[start : start + n])) > 1
            ),
            0,
        )
        if length:
            found.append((run.digits[start][1], run.digits[start + length - 1][2], CARD))
            start += length
        else:
            start += 1
    return found


def _runs(text: str) -> list[_Run]:
    """Digits typed or said one after another, with spaces, dashes and hesitations between them."""
    runs: list[_Run] = []
    run = _Run()
    times, tens_open, last_end = 1, False, 0
    tokens = list(_TOKEN.finditer(text))
    for place, token in enumerate(tokens):
        word = _plain(token.group())
        gap = text[last_end : token.start()]
        if run.digits and (len(gap) > 6 or any(c in gap for c in "\n;:!?")):
            run, times, tens_open = _closed(run, runs), 1, False
        last_end = token.end()
        span = (token.start(), token.end())
        if word in _TIMES:
            times = _TIMES[word]
        elif word in _TENS:
            follows = _plain(tokens[place + 1].group()) if place + 1 < len(tokens) else ""
            joined = follows in ("y", "and") and place + 2 < len(tokens)
            unit = _plain(tokens[place + 2].group()) if joined else follows
            tens_open = unit in _WORDS and len(_WORDS[unit]) == 1 and _WORDS[unit] != "0"
            _add(run, _TENS[word] if tens_open else _TENS[word] + "0", span, times)
            times = 1
        elif word in _HUNDREDS:
            _add(run, _HUNDREDS[word], span, times)
            times = 1
        elif word.isdigit() and len(word) == 1 and word.isascii():
            _add(run, word, span, times)
            times, tens_open = 1, False
        elif word in _WORDS and (word not in _HOMOPHONES or run.digits or times > 1):
            _add(run, _WORDS[word], span, times)
            times, tens_open = 1, False
        elif word in _BETWEEN and run.digits:
            continue
        else:
            run, times, tens_open = _closed(run, runs), 1, False
    _closed(run, runs)
    return runs


def _add(run: _Run, digits: str, span: tuple[int, int], times: int) -> None:
    run.digits.extend((digit, *span) for digit in digits * times)


def _closed(run: _Run, runs: list[_Run]) -> _Run:
    if run.digits:
        runs.append(run)
    return _Run()


def _plain(word: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", word.lower()) if not unicodedata.combining(c))


def _replaced(text: str, marks: list[tuple[int, int, str]]) -> str:
    """`text` with the marked stretches replaced; where two overlap, the one that starts first stays and grows."""
    pieces: list[str] = []
    place = 0
    for start, end, sign in sorted(marks):
        if start < place:
            place = max(place, end)
            continue
        pieces += [text[place:start], sign]
        place = end
    return "".join([*pieces, text[place:]])
