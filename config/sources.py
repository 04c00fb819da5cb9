"""Whom an address stands for, wherever something is counted or limited by sender.

An IPv4 address stands for itself, in IPv6 notation too; an IPv6 address for its /64, which is what one
subscriber is given and may pick from at will. A trusted network (``limits.trusted``) holds an SBC or trunk,
behind which one address is very many callers: it is not counted by sender at all.
"""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network


def counted_as(host: str, trusted: Iterable[IPv4Network | IPv6Network]) -> str | None:
    """The name an address is counted under; None for a trusted one. What is no address is its own name."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if address.version == 6 and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if any(address in network for network in trusted):
        return None
    return str(address) if address.version == 4 else str(ip_network((int(address), 64), strict=False))
