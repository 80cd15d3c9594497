"""Where connectors may go: every way to write or wrap an address inside."""

from __future__ import annotations

import ipaddress

import pytest

from ivr.connectors.addresses import Refused, checked_address, is_allowed

INSIDE = [
    "127.0.0.1",
    "127.1.2.3",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "169.254.0.1",
    "100.64.0.1",
    "100.127.255.255",
    "192.0.0.8",
    "192.0.0.170",
    "198.18.0.1",
    "198.19.255.255",
    "192.0.2.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "192.88.99.1",
    "::1",
    "::",
    "fe80::1",
    "fc00::1",
    "fd12:3456::1",
    "fec0::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "::10.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::10.0.0.1",
    "2002:7f00:1::",
    "2002:a00:1::",
    "2002:a9fe:a9fe::",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1",
    "100::1",
    "2001:10::1",
]

OUTSIDE = [
    "93.184.216.34",
    "8.8.8.8",
    "1.1.1.1",
    "172.15.0.1",
    "172.32.0.1",
    "11.0.0.1",
    "2606:4700::1111",
    "2a00:1450:4001::1",
    "64:ff9b::8.8.8.8",
]


@pytest.mark.parametrize("text", INSIDE)
def test_addresses_that_are_not_public_are_refused(text: str) -> None:
    assert not is_allowed(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", OUTSIDE)
def test_public_addresses_are_allowed(text: str) -> None:
    assert is_allowed(ipaddress.ip_address(text))


def test_a_named_network_is_allowed_and_no_other() -> None:
    networks = [ipaddress.ip_network("10.20.0.0/16")]

    assert is_allowed(ipaddress.ip_address("10.20.3.4"), networks)
    assert is_allowed(ipaddress.ip_address("::ffff:10.20.3.4"), networks)
    assert not is_allowed(ipaddress.ip_address("10.21.3.4"), networks)


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "0x7f000001",
        "017700000001",
        "127.1",
        "0",
        "localhost",
        "127.0.0.1",
        "[::1]".strip("[]"),
        "0177.0.0.1",
        "①②⑦.⓪.⓪.①",
    ],
)
def test_numbers_written_strangely_end_up_inside_or_nowhere(host: str) -> None:
    """The operating system reads them; whatever it makes of them is checked."""
    with pytest.raises((Refused, OSError, UnicodeError)):
        checked_address(host, 80)
