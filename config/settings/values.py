"""The small values that settings are made of: where to listen, which ports to use.

Each has a ``parse`` that takes the text of the settings file and raises :class:`ValueError` saying what was
expected, and a ``str()`` that gives the same text back, so that the template can be written from defaults.
Hosts are IP addresses, never names: what is bound and what SIP and SDP say must not depend on DNS.
"""

import ipaddress
from dataclasses import dataclass
from typing import Literal, cast

Transport = Literal["udp", "tcp"]
TRANSPORTS: tuple[Transport, ...] = ("udp", "tcp")


def ip_address(text: object) -> str:
    """One IPv4 or IPv6 address in its canonical spelling; brackets around IPv6 are taken off."""
    try:
        return str(ipaddress.ip_address(str(text).strip().removeprefix("[").removesuffix("]")))
    except ValueError:
        raise ValueError('an IP address like "192.0.2.10" or "2001:db8::10"') from None


def family(host: str) -> int:
    """The IP version of an address: 4 or 6."""
    return ipaddress.ip_address(host).version


def is_unspecified(host: str) -> bool:
    """Whether the address means "every address of this machine": 0.0.0.0 or ::."""
    return ipaddress.ip_address(host).is_unspecified


def is_loopback(host: str) -> bool:
    """Whether the address can only be reached from this machine."""
    return ipaddress.ip_address(host).is_loopback


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A host and a port to bind; port 0 lets the system choose."""

    host: str
    port: int

    @classmethod
    def parse(cls, value: object) -> "Endpoint":
        """Read ``127.0.0.1:8080`` or ``[::1]:8080``."""
        if isinstance(value, cls):
            return value
        expected = 'address:port like "127.0.0.1:8080" or "[::1]:8080"'
        host, colon, port = value.rpartition(":") if isinstance(value, str) else ("", "", "")
        bracketed = host.startswith("[") and host.endswith("]")
        if not colon or bracketed != (":" in host) or not (port.isascii() and port.isdigit()):
            raise ValueError(expected)
        if int(port) > 65535:
            raise ValueError("a port from 0 to 65535")
        return cls(ip_address(host), int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Listener:
    """Where SIP is listened for: a transport, a host and a port."""

    transport: Transport
    host: str
    port: int

    @classmethod
    def parse(cls, value: object) -> "Listener":
        """Read ``udp:127.0.0.1:5060`` or ``tcp:[::1]:5060``."""
        if isinstance(value, cls):
            return value
        transport, _, rest = value.partition(":") if isinstance(value, str) else ("", "", "")
        if transport.lower() not in TRANSPORTS:
            raise ValueError('transport:address:port like "udp:127.0.0.1:5060" or "tcp:[::1]:5060"')
        endpoint = Endpoint.parse(rest)
        return cls(cast(Transport, transport.lower()), endpoint.host, endpoint.port)

    def clashes(self, other: "Listener") -> bool:
        """Whether the two cannot be bound together; 0.0.0.0 takes all of IPv4, :: takes IPv6 and IPv4."""
        if (self.transport, self.port) != (other.transport, other.port) or not self.port:
            return False
        return self.host == other.host or self._covers(other.host) or other._covers(self.host)

    def _covers(self, host: str) -> bool:
        return is_unspecified(self.host) and family(self.host) >= family(host)

    def __str__(self) -> str:
        return f"{self.transport}:{Endpoint(self.host, self.port)}"


@dataclass(frozen=True, slots=True)
class PortRange:
    """UDP ports for RTP and RTCP, both ends included; RTP takes the even ones (RFC 3550 section 11)."""

    low: int
    high: int

    @classmethod
    def parse(cls, value: object) -> "PortRange":
        """Read ``20000-29999``: from an even port, 1024 at least, to a higher one, 65535 at most."""
        if isinstance(value, cls):
            return value
        low, dash, high = value.partition("-") if isinstance(value, str) else ("", "", "")
        if not (dash and low.strip().isdecimal() and high.strip().isdecimal()):
            raise ValueError('a range of ports like "20000-29999"')
        ports = cls(int(low), int(high))
        if not 1024 <= ports.low < ports.high <= 65535:
            raise ValueError("a range of ports within 1024 to 65535, the lower one first")
        if ports.low % 2:
            raise ValueError("a range that begins with an even port: RTP takes the even ones, RTCP the odd")
        return ports

    @property
    def pairs(self) -> int:
        """How many calls fit: each takes an even port and the odd one above it."""
        return (self.high - self.low + 1) // 2

    def __contains__(self, port: int) -> bool:
        return self.low <= port <= self.high

    def __str__(self) -> str:
        return f"{self.low}-{self.high}"
