"""Which network addresses a connector may reach: public ones, and the private networks an administrator named.

A name is resolved once and every address is checked; the connection then goes to the checked address, so that a second answer
of the name server (rebinding) changes nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolver = Callable[[str, int], Iterable[str]]

# `is_global` counts these as public although they reach special or private places.
_NEVER = tuple(
    ipaddress.ip_network(text)
    for text in (
        "100.64.0.0/10",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "240.0.0.0/4",
        "fec0::/10",
        "100::/64",
        "2001:db8::/32",
    )
)
_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))


class Refused(Exception):
    """The host leads somewhere a connector may not go."""


def system_resolver(host: str, port: int) -> list[str]:
    """What the operating system says; raises OSError."""
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def checked_address(host: str, port: int, allowed: Iterable[str] = (), resolver: Resolver = system_resolver) -> str:
    """The address to connect to. Raises Refused where any address of `host` is not allowed, OSError where it has none."""
    networks = [ipaddress.ip_network(text) for text in allowed]
    found = list(dict.fromkeys(resolver(host, port)))
    if not found:
        raise OSError(f"{host} has no address")
    for text in found:
        address = ipaddress.ip_address(text.partition("%")[0])
        if not is_allowed(address, networks):
            raise Refused(f"{host} leads to {address}, which is not a public address")
    return found[0]


def is_allowed(address: Address, networks: Iterable[Network] = ()) -> bool:
    """True for public addresses and those inside `networks`; addresses wrapped in others count as what they wrap."""
    inner = unwrapped(address)
    allowed = list(networks)
    if any(one.version == network.version and one in network for one in {address, inner} for network in allowed):
        return True
    return all(_is_public(one) for one in {address, inner})


def _is_public(address: Address) -> bool:
    if not address.is_global or address.is_multicast or address.is_reserved or address.is_unspecified:
        return address.version == 6 and any(address in network for network in _NAT64[:1])
    return not any(address.version == network.version and address in network for network in _NEVER)


def unwrapped(address: Address) -> Address:
    """The IPv4 address inside a mapped, 6to4, Teredo, NAT64 or IPv4-compatible IPv6 address; otherwise the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if any(address in network for network in _NAT64) or (int(address) >> 32 == 0 and int(address) > 1):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address
