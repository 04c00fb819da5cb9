"""Passive ICE-TCP, for networks that let no UDP out (RFC 6544), and its framing (RFC 4571).

Each datagram, be it STUN, DTLS or SRTP, is preceded by its length in two octets. A connection is a link of
its own with one remote address on it; ICE treats it like any other, only with a lower priority.

A connection on which nothing is proven after 10 s is closed. So that strangers cannot hold all there is,
those are counted: where they are too many, the oldest of whichever source has most (``config.sources``; of
IPv6 a /48) gives way to the newcomer.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Final, Protocol, cast

from config.sources import SUBSCRIBER_BITS, counted_as, first_of_most
from media.latch import Address
from media.webrtc.path import Counters, Link, Path

MAX_FRAME: Final = 2048  # octets
MAX_UNSENT: Final = 64 * 1024  # octets that may wait for a slow network; more would only be late
READ_SIZE: Final = 16 * 1024  # octets taken at a time, so that one connection does not hold the loop
PROVE_WITHIN: Final = 10.0  # s
MAX_UNPROVEN: Final = 256  # connections


class Owner(Protocol):
    """What the listener asks of its mux."""

    @property
    def clock(self) -> Callable[[], float]:
        """Seconds, steady."""

    @property
    def counters(self) -> Counters:
        """What is dropped."""

    def received(self, link: Link, data: bytes, address: Address, now: float) -> None:
        """Take a datagram."""

    def wake(self) -> None:
        """Call ``tick`` from now on."""


class FramingError(Exception):
    """The stream is not RFC 4571: nothing that follows can be understood."""


class Framer:
    """Cuts a stream into datagrams."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, data: bytes | bytearray | memoryview) -> list[bytes]:
        """Return the datagrams that are complete now.

        Raises:
            FramingError: one would be longer than 2048 octets.
        """
        pending = self._pending
        pending += data
        found = []
        at = 0
        while at + 2 <= len(pending):
            length = pending[at] << 8 | pending[at + 1]
            if length > MAX_FRAME:
                raise FramingError(f"expected a frame of at most {MAX_FRAME} octets, not {length}")
            if at + 2 + length > len(pending):
                break
            found.append(bytes(pending[at + 2 : at + 2 + length]))
            at += 2 + length
        del pending[:at]
        return found


class TcpLink(asyncio.BufferedProtocol):
    """One connection. ``send`` raises BlockingIOError, as a socket does, when too much is waiting."""

    def __init__(self, listener: "TcpListener", priority: int) -> None:
        self.priority = priority
        self.paths: dict[Address, Path] = {}
        self.proven_at = 0.0  # s, when there last was a path on it
        self.source: str | None = None
        self._listener = listener
        self._address: Address = ("", 0)
        self._framer = Framer()
        self._buffer = bytearray(READ_SIZE)
        self._transport: asyncio.Transport | None = None

    def send(self, data: bytes, address: Address) -> None:
        """Send one datagram; there is only one address it can go to."""
        transport = self._transport
        if transport is None or transport.is_closing() or transport.get_write_buffer_size() > MAX_UNSENT:
            raise BlockingIOError("the connection takes no more")
        transport.write(len(data).to_bytes(2) + data)

    def close(self) -> None:
        """Close at once; what has not been sent is lost."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A stranger connects."""
        self._transport = cast(asyncio.Transport, transport)  # what create_server promises
        self._address = transport.get_extra_info("peername") or ("", 0)
        self.source = counted_as(self._address[0], (), bits=SUBSCRIBER_BITS)
        self._listener.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The path over it is gone."""
        self._transport = None
        self._listener.closed(self)

    def get_buffer(self, sizehint: int) -> bytearray:
        """Where the loop is to write to."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Hand over the datagrams that are complete."""
        try:
            datagrams = self._framer.feed(memoryview(self._buffer)[:nbytes])
        except FramingError:
            self._listener.malformed()
            self.close()
            return
        for data in datagrams:
            self._listener.received(self, data, self._address)


class TcpListener:
    """The connections to our addresses."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._links: dict[TcpLink, None] = {}  # as they came
        self._servers: list[asyncio.Server] = []

    async def listen(self, loop: asyncio.AbstractEventLoop, bound: socket.socket, priority: int) -> None:
        """Accept connections to a bound socket."""
        self._servers.append(await loop.create_server(lambda: TcpLink(self, priority), sock=bound))

    def opened(self, link: TcpLink) -> None:
        """Take a connection; where too many have nothing to show, one of them goes."""
        link.proven_at = self._owner.clock()
        self._links[link] = None
        unproven = {one: one.source for one in self._links if not one.paths}
        if len(unproven) > MAX_UNPROVEN:
            oldest = first_of_most(unproven)
            del self._links[oldest]
            oldest.close()
        self._owner.wake()

    def closed(self, link: TcpLink) -> None:
        """Let go of the paths of a connection that is gone."""
        self._links.pop(link, None)
        now = self._owner.clock()
        for path in tuple(link.paths.values()):
            path.agent.lost(path, now)

    def received(self, link: TcpLink, data: bytes, address: Address) -> None:
        """Pass a datagram on to where those of UDP go."""
        self._owner.received(link, data, address, self._owner.clock())

    def malformed(self) -> None:
        """Count a stream that could not be read."""
        self._owner.counters.malformed += 1

    def tick(self, now: float) -> bool:
        """Close what nobody has proved; True while there are connections."""
        for link in tuple(self._links):
            if link.paths:
                link.proven_at = now
            elif now - link.proven_at > PROVE_WITHIN:
                link.close()
        return bool(self._links)

    def close(self) -> None:
        """Close everything."""
        for server in self._servers:
            server.close()
        for link in tuple(self._links):
            link.close()
