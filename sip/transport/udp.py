"""SIP over UDP: one datagram, one message.

Two numbers matter to the calls that are up while somebody floods us (architecture.md, D2). Twisted reads a
socket until ``maxThroughput`` octets have come, 256 KiB by default: a flood would hold the loop for 230 ms,
and the tick with it; :data:`MAX_THROUGHPUT` gives the loop back after some twenty datagrams.
``maxPacketSize`` is the receive buffer, 8,192 by default: what is longer is cut off silently, so it is the
largest datagram there is.

A datagram that the sender's bucket does not admit is dropped before it is parsed.

Link-local IPv6 addresses are not supported, here nor over TCP: they mean nothing without their zone, which
neither Via nor Contact nor SDP can name, so the zone is cut off, and what would be sent there fails.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from twisted.internet.error import CannotListenError, MessageLengthError
from twisted.internet.protocol import DatagramProtocol

from sip.message import is_keepalive
from sip.transport import (
    MAX_MESSAGE,
    Failed,
    Identity,
    LocalAddress,
    Path,
    Receiver,
    Source,
    TransportCounters,
    is_towards,
    leads_to,
)

# Octets read in one turn of the loop: some twenty messages. Fewer starve callers near saturation (with 4,096
# setting up took 7.5 s and not 0.7 at 100 calls/s), many more let a flood hold up the tick (256 KiB: 230 ms).
MAX_THROUGHPUT = 16_384


@dataclass(frozen=True, slots=True)
class UdpPath:
    """The way to one address from our socket."""

    transport: "UdpTransport"
    peer: Source
    reliable: bool = False
    usable: bool = True

    @property
    def local(self) -> LocalAddress:
        """What the peer may call us."""
        return self.transport.identity.towards(self.transport.address, self.peer.host)

    def send(self, data: bytes, failed: Failed | None = None) -> None:
        """Send one datagram."""
        self.transport.send(data, self.peer, failed)

    def hold(self) -> None:
        """Nothing to keep open."""

    def release(self) -> None:
        """Nothing was kept open."""

    def answer_path(self, host: str, port: int) -> Path:
        """Where the Via asks for the response."""
        return self.transport.path_to(host, port)


class UdpTransport(DatagramProtocol):
    """One UDP socket. ``port`` 0 takes a free one."""

    kind = "udp"
    noisy = False

    def __init__(self, reactor: Any, host: str, port: int, *, advertised: tuple[str, ...] = ()) -> None:
        self.identity = Identity.of(advertised)
        self.counters = TransportCounters()
        self._reactor = reactor
        self._bound = LocalAddress(host, port)
        self._receiver: Receiver | None = None
        self._port: Any = None

    @property
    def address(self) -> LocalAddress:
        """Where it is bound."""
        return self._bound

    def start(self, receiver: Receiver) -> None:
        """Bind; raises OSError."""
        self._receiver = receiver
        try:
            self._port = self._reactor.listenUDP(
                self._bound.port, self, interface=self._bound.host, maxPacketSize=MAX_MESSAGE
            )
        except CannotListenError as error:
            raise OSError(f"udp:{self._bound.host}:{self._bound.port} cannot be bound: {error}") from error
        self._port.maxThroughput = MAX_THROUGHPUT
        self._bound = LocalAddress(self._bound.host, self._port.getHost().port)

    async def stop(self) -> None:
        """Close the socket."""
        if self._port is not None:
            port, self._port = self._port, None
            stopped = port.stopListening()
            if stopped is not None:
                await stopped.asFuture(asyncio.get_running_loop())

    def reaches(self, host: str) -> bool:
        """One real host of our family."""
        return leads_to(self._bound.host, host)

    def suits(self, host: str) -> bool:
        """On the way there."""
        return is_towards(self._bound.host, host)

    def path_to(self, host: str, port: int) -> UdpPath:
        """The way to an address."""
        return UdpPath(self, Source(host, port, self.kind))

    def send(self, data: bytes, peer: Source, failed: Failed | None) -> None:
        """Send one datagram; a refusal of the operating system is told to ``failed``."""
        try:
            if self._port is None:
                raise OSError("the listener is closed")
            self._port.write(data, (peer.host, peer.port))
        except BlockingIOError:
            self.counters.dropped += 1  # the socket is full: lost, as datagrams may be
        except (OSError, MessageLengthError) as error:
            self.counters.dropped += 1
            if failed is not None:
                failed(str(error))
        else:
            self.counters.messages_out += 1

    def datagramReceived(self, datagram: bytes, addr: tuple[Any, ...]) -> None:  # noqa: N802 - Twisted's name
        """Take one datagram."""
        host, port = addr[0].partition("%")[0], addr[1]  # without an IPv6 zone
        if self._receiver is None or not self._receiver.admits(host, len(datagram)):
            return
        if is_keepalive(datagram):
            self.counters.keepalives += 1
        else:
            self.counters.messages_in += 1
            self._receiver.receive(datagram, UdpPath(self, Source(host, port, self.kind)))

    def connectionRefused(self) -> None:  # noqa: N802 - Twisted's name
        """An ICMP error names nobody on an unconnected socket; the transaction times out."""
