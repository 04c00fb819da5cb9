"""Whom an address stands for, wherever something is counted or limited by sender.

An IPv4 address stands for itself, in IPv6 notation too; an IPv6 address for its /64, which is what one
subscriber is given at least and may pick from at will. A trusted network (``limits.trusted``) holds an SBC or
trunk, behind which one address is very many callers: it is not counted by sender at all.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeVar

T = TypeVar("T")
Network = IPv4Network | IPv6Network

SUBSCRIBER_BITS = 48
"""Bits of an IPv6 address that a subscriber has no choice of, at most (RIPE-690)."""


def counted_as(host: str, trusted: Iterable[Network], *, bits: int = 64) -> str | None:
    """The name an address is counted under; None for a trusted one. What is no address is its own name.

    ``bits``: how many of an IPv6 address count.
    """
    address = _address(host)
    if address is None:
        return host
    if any(address in network for network in trusted):
        return None
    return str(address) if address.version == 4 else str(ip_network((int(address), bits), strict=False))


def first_of_most(held: Mapping[T, str | None]) -> T:
    """Of what is held, by source and in the order it came: the first of the source that holds most.

    Where only so much can be held, that is what gives way to a newcomer: nobody can hold it all.
    """
    most, _ = Counter(held.values()).most_common(1)[0]
    return next(each for each, source in held.items() if source == most)


def trusted_network(host: str, trusted: Iterable[Network]) -> Network | None:
    """The trusted network that an address belongs to, the first of several."""
    address = _address(host)
    return next((network for network in trusted if address in network), None) if address else None


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return address.ipv4_mapped or address if address.version == 6 else address
