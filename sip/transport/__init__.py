"""How messages travel (RFC 3261 section 18): the words that all transports share.

A :class:`Transport` is one listening socket and what can be sent from it; a :class:`Path` is the way to one
peer through it: a pair of addresses over UDP, a connection over TCP. Everything above speaks of paths: a
response goes back along the path of its request, a dialog keeps the path of its connection, a transaction
sends on its path and knows only whether that is reliable.

Transports are the one place of :mod:`sip` that knows Twisted. Their events go to a :class:`Receiver`. They
count, and never raise on what a stranger sends.
"""

import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Protocol

from sip.message import MessageError

MAX_MESSAGE: Final = 65_535  # octets; also the largest UDP datagram
MTU_LIMIT: Final = 1_300  # a request above it goes by a stream (section 18.1.1)
DEFAULT_PORT: Final = {"udp": 5060, "tcp": 5060, "tls": 5061}

Failed = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a message really came from, whatever its Via says."""

    host: str
    port: int
    transport: str  # "udp", "tcp", "tls"

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.transport}:{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class LocalAddress:
    """What Via, Contact and SDP name as ours: the listener, or what is advertised for it."""

    host: str
    port: int


@dataclass(slots=True)
class TransportCounters:
    """What a transport has done since the start; read by the metrics."""

    messages_in: int = 0
    messages_out: int = 0
    keepalives: int = 0
    dropped: int = 0  # not delivered: too much queued, no connection, the socket refused
    connections: int = 0  # open now, theirs and ours
    connections_refused: int = 0  # one too many: itself, or the one that made room for it


class Path(Protocol):
    """The way to one peer."""

    @property
    def reliable(self) -> bool:
        """Whether the transport repeats what is lost, so that transactions need not."""

    @property
    def peer(self) -> Source:
        """The other end."""

    @property
    def local(self) -> LocalAddress:
        """What the peer may call us."""

    @property
    def usable(self) -> bool:
        """Whether something sent now might arrive: False for a connection that is closed."""

    def send(self, data: bytes, failed: Failed | None = None) -> None:
        """Send one message. ``failed`` is called, now or later, when it certainly did not get through."""

    def hold(self) -> None:
        """A call needs this path: do not close it for being idle."""

    def release(self) -> None:
        """The call is over."""

    def answer_path(self, host: str, port: int) -> "Path":
        """The path for the answer to a request that came along this one, and whose Via asks for that."""


class Receiver(Protocol):
    """Who gets what arrives."""

    def admits(self, host: str, octets: int) -> bool:
        """Whether a message of this sender, of that length, is worth parsing."""

    def receive(self, data: bytes, path: Path) -> None:
        """One whole message."""

    def receive_broken(self, error: MessageError, path: Path) -> None:
        """A stream that cannot be cut into messages any more; it is closed after this call."""


class Transport(Protocol):
    """One listening socket."""

    kind: str
    counters: TransportCounters

    @property
    def address(self) -> LocalAddress:
        """Where it is bound, once started (port 0 is resolved)."""

    def start(self, receiver: Receiver) -> None:
        """Bind; raises OSError when that is not possible."""

    async def stop(self) -> None:
        """Close the socket and every connection."""

    def reaches(self, host: str) -> bool:
        """Whether a request of ours may be sent from it to this address: see :func:`leads_to`."""

    def suits(self, host: str) -> bool:
        """Whether it is bound on the interface that leads there; of several, the one to take."""

    def path_to(self, host: str, port: int) -> Path:
        """The way to a peer by numeric address; connects when the first message is sent."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Names a listener in Via and Contact: as advertised, as bound or, bound to any, as the peer sees it."""

    advertised: dict[int, str] = field(default_factory=dict)  # by IP version, 4 and 6

    @classmethod
    def of(cls, addresses: tuple[str, ...]) -> "Identity":
        """One address a family."""
        return cls({ipaddress.ip_address(address).version: address for address in addresses})

    def towards(self, bound: LocalAddress, peer: str) -> LocalAddress:
        """What that peer may call us. It is never 0.0.0.0 or ``::``."""
        if (address := self.advertised.get(6 if ":" in bound.host else 4)) is not None:
            return LocalAddress(address, bound.port)
        if is_any(bound.host):
            return LocalAddress(address_towards(peer), bound.port)
        return bound


@lru_cache(maxsize=64)
def is_any(bound: str) -> bool:
    """Whether a socket bound there gets what is sent to any address of ours: ``0.0.0.0`` or ``::``."""
    return ipaddress.ip_address(bound).is_unspecified


@lru_cache(maxsize=1024)
def address_towards(peer: str) -> str:
    """Our address on the interface that leads to ``peer``; nothing is sent to find out."""
    with socket.socket(family_of(peer), socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((peer, 9))
        except OSError:
            return "::1" if ":" in peer else "127.0.0.1"
        return str(probe.getsockname()[0])


def contact_for(path: Path) -> str:
    """Where we can be reached along this path."""
    transport = "" if path.peer.transport == "udp" else f";transport={path.peer.transport}"
    return f"<sip:{hostport(path.local)}{transport}>"


def hostport(address: LocalAddress) -> str:
    """An address as headers have it: ``192.0.2.1:5060``, ``[2001:db8::1]:5060``."""
    host = f"[{address.host}]" if ":" in address.host else address.host
    return f"{host}:{address.port}"


def is_towards(bound: str, peer: str) -> bool:
    """Whether a socket bound there is on the interface that leads to ``peer``."""
    return is_any(bound) or bound == address_towards(peer)


@lru_cache(maxsize=1024)
def leads_to(bound: str, host: str) -> bool:
    """Whether a request may go from a socket bound there to this address.

    Contact and Record-Route may name anything, so it has to be one real host of the socket's family, no group
    and no broadcast; loopback is for those only who are bound to it. Responses go back to where the request
    came from, and do not ask.
    """
    there = ipaddress.ip_address(host)
    if family_of(host) != family_of(bound):
        return False
    there = getattr(there, "ipv4_mapped", None) or there
    if there.is_multicast or there.is_unspecified:
        return False
    if there.version == 4 and (there.is_reserved or int(there) >> 24 == 0):  # 240/4 with the broadcast; 0/8
        return False
    return not there.is_loopback or ipaddress.ip_address(bound).is_loopback


def family_of(host: str) -> socket.AddressFamily:
    """The socket family of a numeric address."""
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def is_numeric(host: str) -> bool:
    """Whether ``host`` is an address and needs no DNS."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
