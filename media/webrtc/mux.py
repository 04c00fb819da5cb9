"""One port for all peers: UDP, and TCP where that is all a network lets through (RFC 7983).

A datagram says by its first octet what it is, and by where it comes from whose::

      0 ..   3  STUN   request: to the agent of the ufrag in USERNAME, if the address is nobody else's
                       answer: to the path that asked
     20 ..  63  DTLS   to the peer who has proved the address
    128 .. 191  SRTP   the same
    else               dropped

Everything dropped is counted in ``counters``, and nothing raises: what a handler lets through ends the peer
whose handler it is.

Media is read with plain ``recvfrom`` when the loop says that there is some, for 2 ms at a time at most:
then timers and the others have their turn. It is sent with ``sendto`` on the same socket.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from random import Random
from typing import Final

import structlog

from media.latch import Address
from media.webrtc import stun
from media.webrtc.dtls import Certificate
from media.webrtc.ice import Register
from media.webrtc.path import Counters, Link, Path, Peer, Traffic, tcp_priority, udp_priority
from media.webrtc.stun import MessageType
from media.webrtc.tcp import TcpListener
from media.webrtc.transport import PeerTransport, TransportHandler

BATCH: Final = 0.002  # s that reading may hold the loop
TICK: Final = 0.1  # s; consent, retransmissions
DATAGRAM: Final = 2048  # octets; longer ones are cut, and fail authentication
BUFFER: Final = 4 * 1024 * 1024  # octets asked of the kernel, each way; it may give less
ATTEMPTS: Final = 10  # at finding a port that is free on every address
_SHORTEST_MEDIA: Final = 12  # octets: an RTP header

logger = structlog.get_logger(__name__)


class UdpLink:
    """One of our addresses. The hot path of everything that browsers send."""

    def __init__(self, bound: socket.socket, priority: int, mux: "MediaMux") -> None:
        self.priority = priority
        self.paths: dict[Address, Path] = {}
        self.send = bound.sendto
        self.socket = bound
        self._mux = mux

    def readable(self) -> None:
        """Read what has come, for a while."""
        receive, received, clock = self.socket.recvfrom, self._mux.received, self._mux.clock
        now = clock()
        until = now + BATCH
        while now < until:
            try:
                data, address = receive(DATAGRAM)
            except OSError:  # nothing more
                return
            received(self, data, address, now)
            now = clock()


class MediaMux:
    """All peers of a process: ``peers``, on ``port``; ``counters`` tells what was dropped."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, port: int, clock: Callable[[], float], random: Random
    ) -> None:
        self.port = port
        self.clock = clock
        self.random = random
        self.certificate = Certificate.generate()
        self.register = Register()
        self._loop = loop
        self._candidates: list[str] = []
        self.links: list[UdpLink] = []
        self.peers: set[PeerTransport] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._tcp = TcpListener(self)

    @classmethod
    async def open(
        cls,
        loop: asyncio.AbstractEventLoop,
        addresses: Sequence[str],
        port: int,
        *,
        clock: Callable[[], float],
        random: Random,
        advertised: Sequence[str] = (),
    ) -> "MediaMux":
        """Listen on that port, or with 0 on one that is free, of each address.

        ``advertised`` are the addresses that browsers are told instead, where a NAT maps them one to one.
        ``random`` has to be unpredictable: it makes passwords.

        Raises:
            ValueError: an address is a name or a wildcard: answers would leave from another address.
            OSError: the port is taken.
        """
        pairs = _bind(addresses, port)
        mux = cls(loop, pairs[0][0].getsockname()[1], clock, random)
        try:
            for index, (udp, tcp) in enumerate(pairs):
                link = UdpLink(udp, udp_priority(index), mux)
                mux.links.append(link)
                await mux._tcp.listen(loop, tcp, tcp_priority(index))
                loop.add_reader(udp.fileno(), link.readable)
        except BaseException:
            for pair in pairs:
                for one in pair:
                    one.close()
            raise
        mux._candidates = _candidates(advertised or addresses, mux.port)
        return mux

    @property
    def counters(self) -> Counters:
        """What was dropped, and why."""
        return self.register.counters

    @property
    def traffic(self) -> Traffic:
        """What came, and what was sent."""
        return self.register.traffic

    def peer(self, handler: TransportHandler) -> PeerTransport:
        """Make the transport of one more peer."""
        peer = PeerTransport(self, handler)
        self.peers.add(peer)
        self.wake()
        return peer

    def candidates(self) -> list[str]:
        """The values of ``a=candidate``: UDP of each address, then TCP."""
        return list(self._candidates)

    def closed(self, peer: PeerTransport) -> None:
        """Forget a peer that has closed."""
        self.peers.discard(peer)

    def close(self) -> None:
        """Close all peers, and the port."""
        for peer in tuple(self.peers):
            try:
                peer.close()
            except Exception:  # noqa: BLE001 - see _failed
                self._failed(peer)
        self._tcp.close()
        for link in self.links:
            self._loop.remove_reader(link.socket.fileno())
            link.socket.close()
        self.links.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def received(self, link: Link, data: bytes, address: Address, now: float) -> None:
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
                self._stun(link, data, address, now)
            elif path is None and 20 <= first <= 191:
                self.counters.unknown += 1
            else:
                self.counters.malformed += 1
        except Exception:  # noqa: BLE001 - see _failed
            self._failed(path.peer if path else None)

    def _stun(self, link: Link, data: bytes, address: Address, now: float) -> None:
        message = stun.parse(data)
        if message is None:
            self.counters.malformed += 1
        elif message.type is MessageType.REQUEST:
            name = message.username
            agent = self.register.agents.get(name[0]) if name else None
            if agent is None:
                self.counters.unknown += 1
            else:
                agent.request(message, link, address, now)
        elif message.type is not MessageType.INDICATION:  # a keep-alive, which asks nothing
            path = self.register.checks.get(message.transaction)
            if path is None or path.link is not link or path.address != address:
                self.counters.unknown += 1
            else:
                path.agent.response(message, path, now)

    def _failed(self, peer: Peer | None) -> None:
        """Log the exception that is being handled. A bug that one peer meets must not be everybody's."""
        self.counters.failed += 1
        logger.exception("A peer's transport or its handler failed")
        if peer is not None:
            try:
                peer.fail()
            except Exception:
                logger.exception("A peer could not be closed cleanly")

    def wake(self) -> None:
        """Let time pass for as long as there is anybody."""
        if self._timer is None:
            self._timer = self._loop.call_later(TICK, self._tick)

    def _tick(self) -> None:
        self._timer = None
        now = self.clock()
        for peer in tuple(self.peers):
            try:
                peer.tick(now)
            except Exception:  # noqa: BLE001 - see _failed
                self._failed(peer)
        if self._tcp.tick(now) or self.peers:
            self.wake()


def _candidates(hosts: Sequence[str], port: int) -> list[str]:
    udp = [
        f"{index + 1} 1 udp {udp_priority(index)} {host} {port} typ host" for index, host in enumerate(hosts)
    ]
    tcp = [
        f"{len(hosts) + index + 1} 1 tcp {tcp_priority(index)} {host} {port} typ host tcptype passive"
        for index, host in enumerate(hosts)
    ]
    return udp + tcp


def _bind(addresses: Sequence[str], port: int) -> list[tuple[socket.socket, socket.socket]]:
    """Bind UDP and TCP of one number on each address."""
    if not addresses or any(ip_address(one).is_unspecified for one in addresses):
        raise ValueError(f"expected addresses of this machine, no wildcard, not {list(addresses)!r}")
    for attempt in range(ATTEMPTS):
        bound: list[socket.socket] = []
        number = port
        try:
            for address in addresses:
                for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                    bound.append(_bound(address, number, kind))
                    number = bound[0].getsockname()[1]
        except OSError:
            for one in bound:
                one.close()
            if port or attempt == ATTEMPTS - 1:
                raise
        else:
            return list(zip(bound[::2], bound[1::2], strict=True))
    raise AssertionError("unreachable")


def _bound(host: str, port: int, kind: socket.SocketKind) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, kind)
    try:
        bound.setblocking(False)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if kind == socket.SOCK_DGRAM:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        else:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except BaseException:
        bound.close()
        raise
    return bound
