"""Where a call's media really comes from, and whom we may send to (symmetric RTP, RFC 4961).

A phone behind a NAT describes an address nobody can reach, so we answer to where its packets come from: we
*latch* onto a source. Whoever can make us latch hears the meeting and speaks in it; the signalling is what
we trust, and the rest has to prove itself::

    SEARCHING ───┬─ first packet from the described address ────────────► LATCHED
       ▲         ├─ four in sequence from a host that signalling names ─► LATCHED
       │         └─ four in sequence from any other host ───────────────► PROVISIONAL
       │
       │    PROVISIONAL ─┬─ either of the first two ────────────────────► LATCHED
       └─────────────────┴─ expect(): described elsewhere ◄────────────── LATCHED

    PROVISIONAL and LATCHED move to another source when theirs has been silent for 2 s and the other goes on
    with its SSRC and sequence numbers, four in a row: what a NAT does that lost its mapping.

A host that signalling names is that of the described address or the one the signalling itself comes from.
The caller asks only about RTP of a negotiated payload type with a payload: never STUN, ZRTP or an empty
keep-alive (:func:`media.rtp.read_header` tells them apart). In sequence means: same SSRC, next number.

:func:`sendable` keeps a forged description from turning us upon someone, or upon ourselves.

Units: seconds of any steady clock. Addresses are (host, port) as sockets give them.
"""

from collections.abc import Collection, Container
from enum import Enum, auto
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from media.rtp import MAX_DROPOUT, sequence_delta

IN_SEQUENCE: Final = 4  # packets
SILENCE: Final = 2.0  # s
MAX_CANDIDATES: Final = 8  # the sources we count for at a time; a flood must not fill our memory

Address = tuple[str, int] | tuple[str, int, int, int]


class LatchState(Enum):
    """How sure we are of the source."""

    SEARCHING = auto()
    PROVISIONAL = auto()
    LATCHED = auto()


class SourceLatch:
    """Decides for one stream which source is believed.

    ``source`` is the one latched onto, None while searching. The hot loop may do what the first lines of
    :meth:`accepts` do by itself: compare with ``source`` and note ``heard_at``, ``ssrc``, ``sequence``.
    """

    __slots__ = ("_candidates", "_described", "_hosts", "heard_at", "sequence", "source", "ssrc", "state")

    def __init__(self, described: tuple[str, int] | None, signalling_host: str | None = None) -> None:
        self.source: Address | None = None
        self.state = LatchState.SEARCHING
        self.heard_at = 0.0
        self.ssrc = -1
        self.sequence = 0
        self._described: tuple[str, int] | None = None
        self._hosts: frozenset[str] = frozenset()
        # Of strangers and of named hosts, apart, so that a flood of the former cannot crowd out the latter:
        # source -> SSRC, last sequence number, how many in a row.
        self._candidates: tuple[dict[Address, tuple[int, int, int]], ...] = ({}, {})
        self.expect(described, signalling_host)

    def expect(self, described: tuple[str, int] | None, signalling_host: str | None = None) -> None:
        """Take note of a description, the first or a later one; what it does not move stays latched."""
        moved = described and (_host(described[0]), described[1])
        self._hosts = frozenset(_host(host) for host in (moved and moved[0], signalling_host) if host)
        if moved == self._described:
            return
        self._described = moved
        self._forget_candidates()
        self.source = None
        self.state = LatchState.SEARCHING

    @property
    def destination(self) -> Address | None:
        """Where to send: the source if there is one, else what was described; ask :func:`sendable` first."""
        return self.source or self._described

    def accepts(self, source: Address, ssrc: int, sequence: int, now: float) -> bool:
        """Return whether a packet from there belongs to the call."""
        if source != self.source:
            if not self._latches(source, ssrc, sequence, now):
                return False
            self.source = source
            self._forget_candidates()
        self.heard_at = now
        self.ssrc = ssrc
        self.sequence = sequence
        return True

    def _latches(self, source: Address, ssrc: int, sequence: int, now: float) -> bool:
        """Count a packet of another source; True, and the state changed, when it becomes ours."""
        free = self.state is LatchState.SEARCHING or self._goes_on(ssrc, sequence, now)
        if self.state is LatchState.LATCHED and not free:  # a flood ends here
            return False
        host = _host(source[0])
        named = host in self._hosts
        if not (free or named):
            return False
        described = self.state is not LatchState.LATCHED and (host, source[1]) == self._described
        if not described and self._in_a_row(source, ssrc, sequence, named) < IN_SEQUENCE:
            return False
        self.state = LatchState.LATCHED if named else LatchState.PROVISIONAL
        return True

    def _goes_on(self, ssrc: int, sequence: int, now: float) -> bool:
        """Whether this is our stream again after a silence."""
        follows = ssrc == self.ssrc and 0 < sequence_delta(sequence, self.sequence) < MAX_DROPOUT
        return follows and now - self.heard_at >= SILENCE

    def _in_a_row(self, source: Address, ssrc: int, sequence: int, named: bool) -> int:
        """Return how many packets in sequence that source has sent, this one included."""
        candidates = self._candidates[named]
        known, last, row = candidates.pop(source, (-1, 0, 0))
        row = row + 1 if known == ssrc and sequence == (last + 1) & 0xFFFF else 1
        if len(candidates) >= MAX_CANDIDATES:
            del candidates[next(iter(candidates))]  # the one not heard for longest
        candidates[source] = (ssrc, sequence, row)
        return row

    def _forget_candidates(self) -> None:
        for candidates in self._candidates:
            candidates.clear()


def sendable(address: Address, own_hosts: Collection[str], own_ports: Container[int]) -> bool:
    """Return whether RTP may go there: to one real host, and not back into ourselves.

    ``own_hosts`` are the addresses our media is bound to, ``own_ports`` the ports in use there (a
    ``PortAllocator`` will do). Loopback is for those only who are bound to it. A host name is not sendable.
    """
    host, port = address[0], address[1]
    try:
        ip = _unmapped(ip_address(host))
        own = [_unmapped(ip_address(one)) for one in own_hosts]
    except ValueError:
        return False
    if not 0 < port <= 65535 or ip.is_multicast or ip.is_unspecified:
        return False
    if ip.version == 4 and (ip.is_reserved or int(ip) >> 24 == 0):  # 240/4 with the broadcast; 0/8
        return False
    if ip.is_loopback and not any(one.is_loopback for one in own):
        return False
    return not (ip in own and port in own_ports)


def _host(text: str) -> str:
    """Return the one spelling of an address (RFC 5952); a name stays a name."""
    try:
        return str(_unmapped(ip_address(text)))
    except ValueError:
        return text.lower()


def _unmapped(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    return ip.ipv4_mapped or ip if isinstance(ip, IPv6Address) else ip
