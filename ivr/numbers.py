"""Telephone numbers: who calls, whom we may ring back, how a number is spoken.

A caller's number is a claim, and some claims name nobody: withheld words, the numbers that spell such words on a keypad, a
switchboard's number shared by many, text that is no number. These never become a known customer.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol
from zoneinfo import available_timezones

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from ivr.call import Attestation, Caller, CallerKind
from ivr.keypad import keys_for

LONGEST_RAW = 320

NUMBER_TYPES = tuple(
    name.lower() for name in ("FIXED_LINE", "MOBILE", "FIXED_LINE_OR_MOBILE", "VOIP", "PERSONAL_NUMBER", "UAN", "TOLL_FREE")
)
"""Types of number that a callback policy may allow; premium rate, shared cost, pagers and voicemail never are."""

_TYPES = {getattr(PhoneNumberType, name.upper()): name for name in NUMBER_TYPES}

_WITHHELD_WORDS = frozenset(
    {"", "anonymous", "unavailable", "restricted", "private", "blocked", "unknown", "withheld", "asserted", "none"}
)

# Where a number has to be sent, carriers spell the word on a telephone keypad: +266696687 is ANONYMOUS.
_KEYPAD_WORDS = ("anonymous", "blocked", "unknown", "restricted", "unavailable", "private", "withheld", "asserted")
KEYPAD_NUMBERS = frozenset(keys_for(word) for word in _KEYPAD_WORDS)
"""Digits of the withheld words on a keypad; ANONYMOUS is 266696687."""

_ATTESTATIONS = {
    "TN-Validation-Passed-A": Attestation.FULL,
    "TN-Validation-Passed-B": Attestation.PARTIAL,
    "TN-Validation-Passed-C": Attestation.GATEWAY,
    "TN-Validation-Failed": Attestation.FAILED,
    "TN-Validation-Failed-A": Attestation.FAILED,
    "TN-Validation-Failed-B": Attestation.FAILED,
    "TN-Validation-Failed-C": Attestation.FAILED,
}

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_PLAIN = re.compile(r"\+?[0-9 ().\-/]{3,40}")
_SIP = re.compile(
    r"sips?:(?P<user>[^@:;<>\s]{1,64})(?::[^@\s]{0,64})?@(?P<host>[A-Za-z0-9.\-\[\]:]{1,253})(?:;[^\s]{0,200})?", re.I
)
_CLIENT = re.compile(r"client:[A-Za-z0-9_.+@\-]{1,121}")


@lru_cache(maxsize=1024)  # an arriving call asks about its number several times
def e164(text: str, home_region: str = "GB") -> str | None:
    """The number as E.164, or None where it is none. Only ASCII digits count; extensions and letters are refused, not dropped."""
    if not _PLAIN.fullmatch(text):
        return None
    try:
        parsed = phonenumbers.parse(text, home_region)
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.is_possible_number_with_reason(parsed) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    written = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    return written if _E164.fullmatch(written) else None


def attestation_of(stir_verstat: str | None) -> Attestation:
    """The carrier's STIR/SHAKEN result as it came."""
    return _ATTESTATIONS.get((stir_verstat or "").strip(), Attestation.NONE)


def caller_of(
    raw: str | None,
    *,
    name: str | None = None,
    stir_verstat: str | None = None,
    shared: Collection[str] | Mapping[str, str] = (),
    home_region: str = "GB",
) -> Caller:
    """Who calls, from the carrier's raw From.

    A SIP address whose user part is an E.164 number stays a SIP address: its number is kept for the agent's screen but
    `known_number` is False, since any SIP server may claim it. A shared number is kept as WITHHELD without a number.
    """
    text = "".join(c for c in (raw or "")[:LONGEST_RAW] if c.isprintable()).strip()
    shown_name = "".join(c for c in (name or "")[:80] if c.isprintable()).strip() or None
    attestation = attestation_of(stir_verstat)
    nobody = Caller(CallerKind.WITHHELD, None, text, None, attestation)
    if text.lower() in _WITHHELD_WORDS:
        return nobody
    if _CLIENT.fullmatch(text):
        return Caller(CallerKind.CLIENT, None, text, shown_name, attestation)
    sip = _SIP.fullmatch(text)
    if sip:
        if sip["user"].lower() in _WITHHELD_WORDS or sip["host"].lower() == "anonymous.invalid":
            return nobody
        return Caller(
            CallerKind.SIP, e164(sip["user"], home_region) if sip["user"].startswith("+") else None, text, shown_name, attestation
        )
    if text.lstrip("+") in KEYPAD_NUMBERS:
        return nobody
    number = e164(text, home_region)
    if number is None or number in shared:
        return nobody
    return Caller(CallerKind.PHONE, number, text, shown_name, attestation, region_of(number))


@lru_cache(maxsize=1024)
def region_of(number: str) -> str | None:
    """ISO 3166 country of an E.164 number, or None (satellite, international services).

    A number that the country's plan does not list (fictional, newly opened) counts for the main country of its code.
    """
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return None
    region = phonenumbers.region_code_for_number(parsed) or phonenumbers.region_code_for_country_code(parsed.country_code or 0)
    return region if region not in (None, "001", "ZZ") else None


class CallbackPolicy(Protocol):
    """The allow-list of config/numbers.yaml."""

    @property
    def regions(self) -> tuple[str, ...]: ...
    @property
    def types(self) -> tuple[str, ...]: ...
    @property
    def allowed_prefixes(self) -> tuple[str, ...]: ...
    @property
    def refused_prefixes(self) -> tuple[str, ...]: ...
    @property
    def caller_id_only(self) -> bool: ...


@dataclass(frozen=True)
class Allowed:
    """Whether a number may be rung back. `number` is E.164 where it may; `reason` is a word for the journal where it may not."""

    number: str | None
    reason: str = ""

    def __bool__(self) -> bool:
        return self.number is not None


def callback_number(
    wanted: str | None, caller: Caller, policy: CallbackPolicy, own: Collection[str] = (), home_region: str = "GB"
) -> Allowed:
    """Whether we may ring `wanted` (None: the caller's own number). The list of regions is what protects; the rest narrows it.

    `own`: the line's own numbers and the agents', which would ring ourselves. Caps by number and hour are the ledger's, from the
    same policy.
    """
    number = caller.number if wanted is None else e164(wanted, home_region)
    if number is None or _E164.fullmatch(number) is None:
        return Allowed(None, "no_number")
    if not caller.known_number and (wanted is None or policy.caller_id_only):
        return Allowed(None, "caller_not_known")
    if policy.caller_id_only and number != caller.number:
        return Allowed(None, "not_the_callers_own")
    if caller.attestation is Attestation.FAILED:
        return Allowed(None, "caller_id_failed_validation")
    if number in own:
        return Allowed(None, "own_number")
    if any(number.startswith(prefix) for prefix in policy.refused_prefixes):
        return Allowed(None, "prefix")
    if any(number.startswith(prefix) for prefix in policy.allowed_prefixes):
        return Allowed(number)
    parsed = phonenumbers.parse(number)
    region = region_of(number)
    if region is None or region not in policy.regions:
        return Allowed(None, "country")
    if _TYPES.get(phonenumbers.number_type(parsed)) not in policy.types:
        return Allowed(None, "type")
    if _is_short_or_emergency(parsed, region):
        return Allowed(None, "short_or_emergency")
    return Allowed(number)


def zone_of(number: str) -> str | None:
    """The time zone of a number in E.164 where the numbering plan tells exactly one: of most area codes, of hardly any mobile number in
    a country of several zones."""
    from phonenumbers import timezone  # its tables are read by those who send texts alone

    found = timezone.time_zones_for_number(phonenumbers.parse(number))
    return found[0] if len(found) == 1 and found[0] in available_timezones() else None


def takes_texts(number: str) -> bool:
    """False for a number in E.164 that is known to be a fixed line: a text would be lost, or read out at night."""
    return bool(phonenumbers.number_type(phonenumbers.parse(number)) != phonenumbers.PhoneNumberType.FIXED_LINE)


def _is_short_or_emergency(parsed: phonenumbers.PhoneNumber, region: str) -> bool:
    national = phonenumbers.national_significant_number(parsed)
    return bool(phonenumbers.is_emergency_number(national, region) or phonenumbers.is_valid_short_number(parsed))


def spoken_groups(number: str) -> tuple[str, ...]:
    """The number in the groups people say it in: ("07700", "900", "123") for +447700900123 at home, with + as "+44" abroad."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return (number,)
    written = phonenumbers.format_number(parsed, PhoneNumberFormat.NATIONAL)
    return tuple(group for group in re.split(r"[^0-9]+", written) if group)
