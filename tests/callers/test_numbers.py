"""Who a number names, and whom we ring back."""

from __future__ import annotations

from dataclasses import replace

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.call import Attestation, Caller, CallerKind
from ivr.configuration.model import CallbackRules
from ivr.numbers import KEYPAD_NUMBERS, callback_number, caller_of, e164, region_of, spoken_groups

RULES = CallbackRules(
    regions=("GB", "ES", "DE", "FR", "US"),
    allowed_prefixes=("+447700900",),
    refused_prefixes=("+4470", "+449", "+34803", "+34806", "+34807"),
    caller_id_only=False,
)
EMMA = caller_of("+447700900100")

NOBODY = [
    *(
        "",
        "anonymous",
        "Anonymous",
        "ANONYMOUS",
        "unavailable",
        "restricted",
        "private",
        "blocked",
        "unknown",
        "withheld",
        "None",
    ),
    *(f"+{digits}" for digits in sorted(KEYPAD_NUMBERS)),
    "266696687",
    *("sip:anonymous@anonymous.invalid", "sip:anonymous@example.com", "sip:x@anonymous.invalid", "sips:unknown@10.0.0.1"),
    *("+", "+1", "12", "+44", "+447700", "+4477009001001234567", "0", "abc", "+44abc7009001", "tel:+447700900100"),
    *("+447700900100;ext=3", "+447700900100,,9", "+447700900100x12", "+44 7700 900100 ext 5", "＋447700900100", "+٤٤٧٧٠٠٩٠٠١٠٠"),
    *(
        "+99912345678",
        "client:",
        "client:../../etc",
        "<script>",
        "'; DROP TABLE calls; --",
        "\x00+447700900100x",
        "9" * 400,
        "+0447700900100",
    ),
]


@pytest.mark.parametrize("raw", NOBODY)
def test_claims_that_name_nobody(raw: str) -> None:
    caller = caller_of(raw)

    assert not caller.known_number
    assert caller.number is None


def test_the_withheld_words_on_a_keypad() -> None:
    assert {"266696687", "7378742833", "2562533", "8656696", "86282452253"} <= KEYPAD_NUMBERS


@pytest.mark.parametrize(
    ("raw", "kind", "number", "country"),
    [
        ("+447700900100", CallerKind.PHONE, "+447700900100", "GB"),
        ("447700900100", CallerKind.PHONE, "+447700900100", "GB"),
        ("07700 900100", CallerKind.PHONE, "+447700900100", "GB"),
        ("+34 600 000 001", CallerKind.PHONE, "+34600000001", "ES"),
        ("+1 (212) 555-0123", CallerKind.PHONE, "+12125550123", "US"),
        ("client:emma", CallerKind.CLIENT, None, None),
        ("client:emma.taylor@acme", CallerKind.CLIENT, None, None),
        ("sip:emma@pbx.example.com", CallerKind.SIP, None, None),
        ("sip:+447700900100@pbx.example.com;transport=tls", CallerKind.SIP, "+447700900100", None),
    ],
)
def test_claims_that_name_somebody(raw: str, kind: CallerKind, number: str | None, country: str | None) -> None:
    caller = caller_of(raw)

    assert (caller.kind, caller.number, caller.country) == (kind, number, country)
    assert caller.known_number is (kind is CallerKind.PHONE)


def test_a_shared_number_is_nobody_in_particular() -> None:
    caller = caller_of("+442079460999", shared={"+442079460999": "head office"})

    assert caller.kind is CallerKind.WITHHELD
    assert caller.number is None


@pytest.mark.parametrize(
    ("sent", "attestation"),
    [
        ("TN-Validation-Passed-A", Attestation.FULL),
        ("TN-Validation-Passed-B", Attestation.PARTIAL),
        ("TN-Validation-Passed-C", Attestation.GATEWAY),
        ("TN-Validation-Failed", Attestation.FAILED),
        ("No-TN-Validation", Attestation.NONE),
        ("anything", Attestation.NONE),
        (None, Attestation.NONE),
    ],
)
def test_what_the_carrier_vouches_for_is_kept(sent: str | None, attestation: Attestation) -> None:
    assert caller_of("+447700900100", stir_verstat=sent).attestation is attestation


def test_a_shown_name_loses_what_cannot_be_printed() -> None:
    assert caller_of("+447700900100", name="Em\x1b[31mma\n" + "x" * 200).name == "Em[31mma" + "x" * 70


@given(st.text(max_size=400))
def test_no_claim_raises_or_invents_a_number(raw: str) -> None:
    caller = caller_of(raw)

    assert caller.number is None or phonenumbers.is_possible_number(phonenumbers.parse(caller.number))


GOOD = [
    *(f"+4474{n:08d}" for n in range(11_111_111, 81_111_111, 1_000_003)),
    *(f"+34{n}" for n in range(612_000_011, 688_000_000, 1_700_003)),
    *(f"+4915{n}" for n in range(112_345_678, 119_345_678, 500_009)),
    *(f"+336{n:08d}" for n in range(11_111_111, 81_111_111, 2_000_003)),
    *(f"+1212{n}" for n in range(2_012_345, 9_012_345, 200_003)),
    "+442079460021", "+34910000000", "+493012345678", "+33142685300", "+447700900199",
]  # fmt: skip

BAD = [
    # premium, shared cost, personal, pagers, voicemail, corporate and free numbers of allowed countries
    *("+449012345678", "+449098790000", "+448712345678", "+448451234567", "+447012345678", "+447640123456", "+445512345678", "+448001234567"),
    *("+34803123456", "+34806123456", "+34807123456", "+34902123456", "+34901234567", "+34701234567", "+34905123456"),
    *("+499001234567", "+4918012345", "+4970012345678", "+491371234567", "+33899123456", "+33891123456", "+33810123456"),
    *("+19002345678", "+19765551234", "+18002345678"),
    *("+449130001234", "+448431234567", "+34118123456", "+4913712345", "+33836123456", "+19765551235", "+12122345", "+3460012345", "+49151", "+336"),
    # countries that are not on the list, some with one's own prefix
    *("+18765551234", "+18095551234", "+18295551234", "+12425551234", "+12685551234", "+14735551234", "+16645551234", "+18685551234"),
    *("+17875551234", "+2348012345678", "+25261234567", "+224601123456", "+23276123456", "+21612345678", "+2211234567890", "+37122334455"),
    *("+38267622901", "+3548901234", "+6745551234", "+6785912345", "+6755123456", "+6859012345", "+9609012345", "+5355512345", "+50937123456"),
    *("+79161234567", "+8613123456789", "+919812345678", "+923012345678", "+8801812345678", "+97335123456", "+96412345678", "+967712345678"),
    *("+447781123456", "+447624123456", "+447797123456", "+44153412345"),  # Guernsey, Man, Jersey: not GB
    *("+262692123456", "+590690001234", "+594694201234", "+596696201234"),  # overseas France: not FR
    # satellite, international networks, premium worldwide
    *("+881612345678", "+8821612345678", "+88213123456", "+883510012345", "+870773111632", "+979123456789", "+80012345678", "+80812345678"),
    # short and emergency
    *("112", "999", "911", "110", "15", "+44999", "+44112", "+34112", "+1911", "+49110", "+3315", "118118", "+44118118", "101", "111", "+44116123"),
    # no numbers
    *("", "+", "abc", "+44", "+4474", "+" + "4" * 40, "+447411111111;ext=5", "+447411111111,,9", "+447411111111p5", "sip:+447411111111@x"),
    *("client:ana", "+٤٤٧٤١١١١١١١١", "４４7411111111", "+4474١١١١١١١١", "tel:+447411111111", "+44 (0) 74", "00447411111111x", "*#06#", "+44-74-#1111111"),
]  # fmt: skip


def test_enough_good_and_bad_numbers() -> None:
    assert len(GOOD) >= 200
    assert len(BAD) >= 115


@pytest.mark.parametrize("number", BAD)
def test_numbers_we_do_not_ring(number: str) -> None:
    allowed = callback_number(number, EMMA, RULES)

    assert not allowed, allowed
    assert allowed.reason


def test_good_numbers_are_rung() -> None:
    refused = [
        (number, callback_number(number, EMMA, RULES).reason) for number in GOOD if not callback_number(number, EMMA, RULES)
    ]

    assert len(refused) <= len(GOOD) // 100, refused


def test_only_the_callers_own_number_by_default() -> None:
    strict = replace(RULES, caller_id_only=True)

    assert callback_number("+447700900100", EMMA, strict).number == "+447700900100"
    assert callback_number(None, EMMA, strict).number == "+447700900100"
    assert callback_number("+447400000001", EMMA, strict).reason == "not_the_callers_own"


@pytest.mark.parametrize("raw", ["anonymous", "client:emma", "sip:+447700900100@example.com", "+266696687"])
def test_nobody_in_particular_is_not_rung_back(raw: str) -> None:
    strict = replace(RULES, caller_id_only=True)

    assert callback_number(None, caller_of(raw), strict).reason in ("no_number", "caller_not_known")
    assert not callback_number("+447700900100", caller_of(raw), strict)


def test_a_number_that_failed_validation_is_not_rung_back() -> None:
    spoofed: Caller = caller_of("+447700900100", stir_verstat="TN-Validation-Failed")

    assert callback_number(None, spoofed, RULES).reason == "caller_id_failed_validation"


def test_our_own_numbers_are_not_rung() -> None:
    assert callback_number("+442079460000", EMMA, RULES, own={"+442079460000"}).reason == "own_number"


def test_an_empty_list_of_regions_rings_nobody() -> None:
    assert not callback_number("+447400000001", EMMA, replace(RULES, regions=(), allowed_prefixes=()))


@pytest.mark.parametrize(
    ("number", "groups"),
    [
        ("+447700900123", ("07700", "900123")),
        ("+34600000001", ("600", "00", "00", "01")),
        ("+12125550123", ("212", "555", "0123")),
        ("x", ("x",)),
    ],
)
def test_numbers_are_spoken_in_the_groups_people_use(number: str, groups: tuple[str, ...]) -> None:
    assert spoken_groups(number) == groups


def test_regions() -> None:
    assert [region_of(number) for number in ("+447700900100", "+881612345678", "nonsense")] == ["GB", None, None]
    assert e164("020 7946 0000") == "+442079460000"
    assert e164("12345") is None
