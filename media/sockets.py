"""The two UDP sockets of a stream: RTP on an even port, RTCP on the next (RFC 3550 section 11).

Received through the loop's datagram transports (uvloop: 1.4 µs a packet), sent with plain ``sendto`` on the
non-blocking socket (1.6 µs; the transport's own takes twice that). What the kernel cannot take at once is
dropped and counted: for media, late is worse than lost.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence

from config.outcome import Outcome, PasserelleError
from media.ports import PortAllocator, PortsExhaustedError

Address = tuple[str, int]
Receive = Callable[[bytes, Address], None]

# Octets a socket may hold before the kernel drops: a good second of G.711. A flood is kept off the loop.
RECEIVE_BUFFER = 64 * 1024
# Ports that another program holds are stepped over, this many times.
ATTEMPTS = 10


class _Protocol(asyncio.DatagramProtocol):
    """Drops what comes until somebody wants it, then hands it over without a call in between."""

    def deliver(self, receive: Receive) -> None:
        self.datagram_received = receive  # type: ignore[assignment, method-assign]


_Endpoint = tuple[asyncio.DatagramTransport, _Protocol]


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_DGRAM)
    try:
        bound.setblocking(False)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        bound.bind((host, port))
    except BaseException:
        bound.close()
        raise
    return bound


class MediaSockets:
    """An open pair. ``host`` and ``port`` (the even one) are where RTP is bound.

    ``told``: the other side was given the number, and may send here even after the end.
    """

    def __init__(
        self,
        host: str,
        port: int,
        sockets: tuple[socket.socket, socket.socket],
        endpoints: Sequence[_Endpoint],
        release: Callable[[bool], None],
    ) -> None:
        self.host = host
        self.port = port
        self.told = False
        self.unsent = 0  # packets the kernel would not take
        self._endpoints = endpoints
        self._release: Callable[[bool], None] | None = release
        self._rtp, self._rtcp = sockets

    @classmethod
    async def open(cls, host: str, allocator: PortAllocator, clock: Callable[[], float]) -> "MediaSockets":
        """Bind the next free pair of ``host``.

        Raises :class:`PasserelleError` (OVERLOADED) when no port is left.
        """
        port, sockets = _next_pair(host, allocator, clock())
        loop = asyncio.get_running_loop()
        endpoints: list[_Endpoint] = []
        try:
            for each in sockets:
                endpoints.append(await loop.create_datagram_endpoint(_Protocol, sock=each))
        except BaseException:  # cancelled, or the loop cannot take more
            for transport, _ in endpoints:
                transport.close()
            for each in sockets[len(endpoints) :]:
                each.close()
            allocator.release(port, clock(), told=False)
            raise
        return cls(host, port, sockets, endpoints, lambda told: allocator.release(port, clock(), told=told))

    def deliver(self, on_rtp: Receive, on_rtcp: Receive) -> None:
        """Hand over what comes from now on; what came before was dropped."""
        for (_, protocol), receive in zip(self._endpoints, (on_rtp, on_rtcp), strict=True):
            protocol.deliver(receive)

    def send_rtp(self, packet: bytes, address: Address) -> None:
        """Send one RTP packet, or count it as unsent."""
        try:
            self._rtp.sendto(packet, address)
        except OSError:  # EWOULDBLOCK, ENETUNREACH, an ICMP error of an earlier packet
            self.unsent += 1

    def send_rtcp(self, packet: bytes, address: Address) -> None:
        """Send one RTCP packet, or count it as unsent."""
        try:
            self._rtcp.sendto(packet, address)
        except OSError:
            self.unsent += 1

    def close(self) -> None:
        """Close both; ports that the other side was told rest before they are used again."""
        release, self._release = self._release, None
        if release is not None:
            for transport, _ in self._endpoints:
                transport.close()
            release(self.told)


def _next_pair(
    host: str, allocator: PortAllocator, now: float
) -> tuple[int, tuple[socket.socket, socket.socket]]:
    for _ in range(ATTEMPTS):
        try:
            port = allocator.allocate(now)
        except PortsExhaustedError as error:
            raise PasserelleError(
                str(error), outcome=Outcome.OVERLOADED, hint="Widen media.ports in the settings."
            ) from error
        try:
            rtp = _bound(host, port)
        except OSError:
            allocator.release(port, now)
            continue
        try:
            return port, (rtp, _bound(host, port + 1))
        except OSError:
            rtp.close()
            allocator.release(port, now)
    raise PasserelleError(
        f"no free pair of UDP ports on {host} after {ATTEMPTS} attempts",
        outcome=Outcome.OVERLOADED,
        hint="Another program uses the ports of media.ports: choose another range.",
    )
