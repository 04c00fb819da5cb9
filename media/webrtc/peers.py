"""What the mux and the client have in common: datagrams find their peer, time passes, failures stay small.

A datagram says by its first octet what it is (RFC 7983), and by where it comes from whose::

      0 ..   3  STUN   to whoever knows what it asks or answers: ``stun``
     20 ..  63  DTLS   to the peer who has proved the address
    128 .. 191  SRTP   the same
    else               dropped

Everything dropped is counted in ``counters``, and nothing raises: what a handler lets through ends the peer
whose handler it is.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from random import Random
from typing import Final, Generic, TypeVar

import structlog

from media.latch import Address
from media.webrtc.dtls import Certificate
from media.webrtc.path import Agent, Counters, Link, Peer, Traffic
from media.webrtc.transport import PeerTransport, TransportHandler

TICK: Final = 0.1  # s; consent, retransmissions
_SHORTEST_MEDIA: Final = 12  # octets: an RTP header

logger = structlog.get_logger(__name__)

LinkT = TypeVar("LinkT", bound=Link)


class Peers(ABC, Generic[LinkT]):
    """The ``peers`` of one owner; ``counters`` tells what was dropped, ``traffic`` what was good."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        clock: Callable[[], float],
        random: Random,
        certificate: Certificate | None = None,
    ) -> None:
        self.clock = clock
        self.random = random
        self.certificate = certificate or Certificate.generate()
        self.counters = Counters()
        self.traffic = Traffic()
        self.peers: set[PeerTransport] = set()
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None

    @abstractmethod
    def stun(self, link: LinkT, data: bytes, address: Address, now: float) -> None:
        """Take a datagram that looks like STUN."""

    def add(self, handler: TransportHandler, make: Callable[[Peer], Agent]) -> PeerTransport:
        """Make the transport of one more peer."""
        peer = PeerTransport(self, handler, make)
        self.peers.add(peer)
        self.wake()
        return peer

    def closed(self, peer: PeerTransport) -> None:
        """Forget a peer that has closed."""
        self.peers.discard(peer)

    def close_peers(self) -> None:
        """Close all peers; time stops."""
        for peer in tuple(self.peers):
            try:
                peer.close()
            except Exception:  # noqa: BLE001 - see _failed
                self._failed(peer)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def received(self, link: LinkT, data: bytes, address: Address, now: float) -> None:
        """Find out what a datagram is, and whose."""
        path = link.paths.get(address)
        size = len(data)
        first = data[0] if size else 255
        try:
            if path is not None and 128 <= first <= 191 and size >= _SHORTEST_MEDIA:
                path.peer.media_received(path, data, now)
            elif path is not None and 20 <= first <= 63:
                path.peer.dtls_received(path, data, now)
            elif first <= 3:
                self.stun(link, data, address, now)
            elif path is None and 20 <= first <= 191:
                self.counters.unknown += 1
            else:
                self.counters.malformed += 1
        except Exception:  # noqa: BLE001 - see _failed
            self._failed(path.peer if path else None)

    def wake(self) -> None:
        """Let time pass for as long as there is anybody."""
        if self._timer is None:
            self._timer = self._loop.call_later(TICK, self._tick)

    def busy(self, now: float) -> bool:
        """Do what else time asks for; whether it shall go on passing."""
        return False

    def _tick(self) -> None:
        self._timer = None
        now = self.clock()
        for peer in tuple(self.peers):
            try:
                peer.tick(now)
            except Exception:  # noqa: BLE001 - see _failed
                self._failed(peer)
        if self.busy(now) or self.peers:
            self.wake()

    def _failed(self, peer: Peer | None) -> None:
        """Log the exception that is being handled. A bug that one peer meets must not be everybody's."""
        self.counters.failed += 1
        logger.exception("A peer's transport or its handler failed")
        if peer is not None:
            try:
                peer.fail()
            except Exception:
                logger.exception("A peer could not be closed cleanly")
