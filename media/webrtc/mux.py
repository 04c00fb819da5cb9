"""One port for all peers: UDP, and TCP where that is all a network lets through (RFC 7983).

Whose a datagram is, ``media.webrtc.peers`` has the table. STUN finds its agent here: a request that of the
ufrag in USERNAME, if the address is nobody else's; an answer the path that asked.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from random import Random
from typing import Final

from media.latch import Address
from media.webrtc import stun
from media.webrtc.dtls import Certificate
from media.webrtc.ice import IceAgent, Register
from media.webrtc.path import Link, tcp_priority, udp_priority
from media.webrtc.peers import Peers
from media.webrtc.stun import MessageType
from media.webrtc.tcp import TcpListener
from media.webrtc.transport import PeerTransport, TransportHandler
from media.webrtc.udp import UdpLink, bind

BUFFER: Final = 4 * 1024 * 1024  # octets asked of the kernel, each way; it may give less
ATTEMPTS: Final = 10  # at finding a port that is free on every address


class MediaMux(Peers[Link]):
    """All peers of a process: ``peers``, on ``port``; ``counters`` tells what was dropped."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        port: int,
        clock: Callable[[], float],
        random: Random,
        certificate: Certificate | None = None,
    ) -> None:
        super().__init__(loop, clock, random, certificate)
        self.port = port
        self.register = Register(self.counters)
        self.links: list[UdpLink] = []
        self._candidates: list[str] = []
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
        certificate: Certificate | None = None,
    ) -> "MediaMux":
        """Listen on that port, or with 0 on one that is free, of each address.

        ``advertised`` are the addresses that browsers are told instead, where a NAT maps them one to one.
        ``random`` has to be unpredictable: it makes passwords.

        Raises:
            ValueError: an address is a name or a wildcard: answers would leave from another address.
            OSError: the port is taken.
        """
        pairs = _bind(addresses, port)
        mux = cls(loop, pairs[0][0].getsockname()[1], clock, random, certificate)
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

    def peer(self, handler: TransportHandler) -> PeerTransport:
        """Make the transport of one more peer."""
        return self.add(handler, lambda peer: IceAgent(peer, self.register, self.random, self._candidates))

    def close(self) -> None:
        """Close all peers, and the port."""
        self.close_peers()
        self._tcp.close()
        for link in self.links:
            self._loop.remove_reader(link.socket.fileno())
            link.socket.close()
        self.links.clear()

    def stun(self, link: Link, data: bytes, address: Address, now: float) -> None:
        """Hand a request to the agent it names, an answer to the one that asked."""
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
                self.register.agents[path.generation.ufrag].response(message, path, now)

    def busy(self, now: float) -> bool:
        """Let time pass for TCP too."""
        return self._tcp.tick(now)


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
                    bound.append(bind(address, number, kind, BUFFER))
                    number = bound[0].getsockname()[1]
        except OSError:
            for one in bound:
                one.close()
            if port or attempt == ATTEMPTS - 1:
                raise
        else:
            return list(zip(bound[::2], bound[1::2], strict=True))
    raise AssertionError("unreachable")
