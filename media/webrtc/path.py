"""What ICE is about: credentials, sockets of ours, and the paths between those and a peer's addresses.

A *generation* is the time between two ICE restarts, with credentials of its own on either side. A *link* is
what a datagram of ours leaves by: a UDP socket, or one TCP connection. A *path* is a peer's address as seen
from a link. The rules are in ``media.webrtc.ice``.
"""

import string
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Final, Protocol

from media.latch import Address

CONSENT: Final = 15.0  # s without a word from the peer (RFC 7675 allows 30)
FIRST_RETRANSMISSION: Final = 0.25  # s, doubled each time
_UDP_PREFERENCE: Final = 126  # type preference of a host candidate (RFC 8445 section 5.1.2.2)
_TCP_PREFERENCE: Final = 90  # TCP only where UDP does not get through (RFC 6544 section 4.2)
_PASSIVE: Final = 4  # direction preference, of the same section
_UFRAG_SIZE: Final = 8  # characters of 6 bits; at least 24 bits (RFC 8445 section 5.3)
_PASSWORD_SIZE: Final = 24  # at least 128 bits
_ICE_CHARACTERS: Final = string.ascii_letters + string.digits + "+/"


@dataclass(frozen=True, slots=True)
class IceParameters:
    """What signalling carries: ``a=ice-ufrag`` and ``a=ice-pwd``."""

    ufrag: str
    password: str = field(repr=False)

    @classmethod
    def generate(cls, random: Random) -> "IceParameters":
        """Make credentials; ``random`` has to be unpredictable."""
        ufrag = "".join(random.choices(_ICE_CHARACTERS, k=_UFRAG_SIZE))
        return cls(ufrag, "".join(random.choices(_ICE_CHARACTERS, k=_PASSWORD_SIZE)))


class Link(Protocol):
    """A local UDP socket, or a TCP connection."""

    priority: int  # of the local candidate
    paths: dict[Address, "Path"]  # the proven ones: the demultiplexer's table

    def send(self, data: bytes, address: Address, /) -> object:
        """Send one datagram; raises OSError when it cannot be sent now."""


class Peer(Protocol):
    """Who owns an agent and gets what is not STUN."""

    def media_received(self, path: "Path", data: bytes, now: float) -> None:
        """SRTP or SRTCP from a proven address."""

    def dtls_received(self, path: "Path", data: bytes, now: float) -> None:
        """A DTLS datagram from a proven address."""

    def fail(self) -> None:
        """Something that the peer set off went wrong on our side."""


class Agent(Protocol):
    """One peer's ICE, whichever half of it: who keeps the paths."""

    selected: "Path | None"  # the one to send on
    on_selected: Callable[["Path | None", float], None]

    @property
    def local(self) -> IceParameters:
        """The newest credentials of ours."""

    def candidates(self) -> list[str]:
        """The values of ``a=candidate``."""

    def connect(self, remote: IceParameters) -> None:
        """Take note of the peer's credentials."""

    def add_candidate(self, value: str) -> None:
        """Take note of an ``a=candidate`` of the peer."""

    async def renew(self) -> None:
        """Begin an ICE restart: new credentials of ours."""

    def restart(self, remote: IceParameters) -> None:
        """Go on with it: new credentials of the peer."""

    def tick(self, now: float) -> bool:
        """Let time pass; False when it is over."""

    def lost(self, path: "Path", now: float) -> None:
        """The link of the path is gone."""

    def close(self) -> None:
        """Give all addresses and names back."""


@dataclass(slots=True)
class Counters:
    """Datagrams that were not used, by reason, and what could not be sent; of a whole mux or client."""

    malformed: int = 0  # not RFC 7983, or STUN that is none
    unauthenticated: int = 0  # STUN without the password
    unknown: int = 0  # from or for nobody we know
    refused: int = 0  # an address that belongs to somebody else, or one too many
    forged: int = 0  # DTLS that no handshake could have meant
    undecryptable: int = 0  # SRTP that fails authentication, or is replayed
    early: int = 0  # media before the keys
    unprotectable: int = 0  # an index used before, or a packet too long
    unsent: int = 0  # the kernel would not take it, or there is no path
    failed: int = 0  # a bug of ours; the log has the trace


@dataclass(slots=True)
class Traffic:
    """RTP packets that were good; of a whole mux or client."""

    received: int = 0
    sent: int = 0


class Generation:
    """The credentials between two restarts."""

    __slots__ = ("local", "local_key", "number", "remote", "remote_key", "ufrag")

    def __init__(self, local: IceParameters, number: int) -> None:
        self.number = number
        self.local = local
        self.ufrag = local.ufrag.encode()
        self.local_key = local.password.encode()
        self.remote: IceParameters | None = None
        self.remote_key = b""

    def connect(self, remote: IceParameters) -> None:
        """Take note of the peer's credentials."""
        self.remote = remote
        self.remote_key = remote.password.encode()

    def is_of(self, ufrag: bytes) -> bool:
        """Whether this is how the peer calls itself."""
        return self.remote is not None and self.remote.ufrag.encode() == ufrag

    def name_for(self, ours: "Generation") -> bytes:
        """The USERNAME of a check to the peer, which is of this generation, under ``ours``."""
        ufrag = self.remote.ufrag.encode() if self.remote is not None else b""
        return ufrag + b":" + ours.ufrag


class Path:
    """One remote address as seen from one of our sockets."""

    __slots__ = (
        "address",
        "agent",
        "budget",
        "check",
        "checked_at",
        "consent_at",
        "generation",
        "heard_at",
        "link",
        "named",
        "nominated",
        "nomination",
        "peer",
        "priority",
        "proven",
        "retransmission",
        "send",
        "theirs",
    )

    def __init__(
        self, agent: Agent, peer: Peer, link: Link, address: Address, generation: Generation, now: float
    ) -> None:
        self.agent = agent
        self.peer = peer
        self.link = link
        self.address = address
        self.send = link.send
        self.generation = generation  # of our credentials that the peer uses
        self.theirs = generation  # of its own: newer ones until it has our answer to its restart
        self.named = b""  # how the peer calls itself in its requests
        self.proven = False
        self.nominated = False
        self.nomination = 0
        self.priority = 0  # of the pair
        self.heard_at = now  # anything authenticated; the hot path writes it
        self.consent_at = now  # authenticated STUN
        self.budget = 0  # octets that may still be sent before it is proven
        self.check = b""  # the transaction of the request of ours that is not answered yet
        self.checked_at = -1.0
        self.retransmission = FIRST_RETRANSMISSION

    @property
    def rank(self) -> tuple[bool, int, int, int]:
        """What selection compares."""
        return self.nominated, self.theirs.number, self.nomination, self.priority


def udp_priority(index: int) -> int:
    """Return the priority of our ``index``-th address (RFC 8445 section 5.1.2.1)."""
    return _UDP_PREFERENCE << 24 | (65535 - index) << 8 | 255


def tcp_priority(index: int) -> int:
    """The same for passive TCP (RFC 6544 section 4.2)."""
    return _TCP_PREFERENCE << 24 | ((_PASSIVE << 13) + 8191 - index) << 8 | 255


def pair_priority(controlling: int, controlled: int) -> int:
    """Return the priority of a pair of candidates (RFC 8445 section 6.1.2.3)."""
    low, high = sorted((controlling, controlled))
    return (low << 32) + 2 * high + (controlling > controlled)
