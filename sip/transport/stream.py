"""One connection of a stream transport: framing, keep-alive, idleness, back-pressure (RFC 3261 section 18.3).

A double CRLF is answered by a single one (RFC 5626 section 4.4.1), those that come in one read by one for
all. What may never happen is that one peer costs the others anything:

- a connection has ``max_backlog`` octets to fall behind; beyond, it is dropped (the kernel's buffer and
  Twisted's come on top);
- a message has ``max_message`` octets; a longer one is answered 513 and the connection closed;
- a message that has begun is whole within ``patience`` seconds, and its first line is SIP's, or the
  connection is closed;
- a connection is closed when nothing came for ``idle`` seconds (``made_idle`` if we made it) and nobody holds
  it, as calls and requests of ours do; where there is no room
  for a new one, the one whose last message is oldest makes room (:meth:`StreamPath.evict`);
- a read takes 8 KiB, not Twisted's 64: a flood gives the loop back after a few messages, as over UDP.
"""

from dataclasses import dataclass
from typing import Any, Protocol

from twisted.internet import protocol
from twisted.python.failure import Failure

from sip.message import KEEPALIVE, MessageError, StreamFramer
from sip.transport import (
    MAX_MESSAGE,
    Failed,
    Identity,
    LocalAddress,
    Path,
    Receiver,
    Source,
    TransportCounters,
)

PONG = b"\r\n"
READ_SIZE = 8_192


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """What a peer may cost."""

    max_connections: int = 1_000
    max_per_host: int = 100
    max_message: int = MAX_MESSAGE  # octets
    max_backlog: int = 262_144  # octets unsent
    idle: float = 600.0  # seconds
    max_made: int = 200  # by us
    made_idle: float = 64.0  # seconds; longer than any transaction waits
    patience: float = 32.0  # seconds
    connect_timeout: float = 5.0  # seconds


class Owner(Protocol):
    """The transport that a connection belongs to (``sip.transport.tcp``)."""

    reactor: Any
    limits: StreamLimits
    identity: Identity
    counters: TransportCounters
    receiver: Receiver

    @property
    def address(self) -> LocalAddress:
        """Where it is bound."""

    def path_to(self, host: str, port: int) -> Path:
        """A connection with that peer."""

    def forget(self, path: "StreamPath") -> None:
        """A connection is gone."""


class StreamPath(protocol.Protocol):
    """One connection, being made, open or closed."""

    reliable = True
    transport: Any  # Twisted's

    def __init__(self, transport: Owner, peer: Source, *, ours: bool = False) -> None:
        self.owner = transport
        self.peer = peer
        self.ours = ours  # made by us
        self._framer = StreamFramer(transport.limits.max_message)
        self._waiting: list[tuple[bytes, Failed | None]] = []  # until the connection is made
        self._open = False
        self._closed = False
        self._choked = False
        self._backlog = 0
        self._holders = 0
        self._idle: Any = None
        self._impatience: Any = None  # runs while a message is half there
        self.heard_at: float = transport.reactor.seconds()  # the last whole message, or the beginning
        self.connector: Any = None  # of a connection made by us

    # A path

    @property
    def usable(self) -> bool:
        """Whether it is open or still being made."""
        return not self._closed

    @property
    def local(self) -> LocalAddress:
        """What the peer may call us: the listener's port, so that it can connect again."""
        return self.owner.identity.towards(self.owner.address, self.peer.host)

    def hold(self) -> None:
        """A call needs this connection."""
        self._holders += 1

    def release(self) -> None:
        """A call has ended."""
        self._holders -= 1

    def answer_path(self, host: str, port: int) -> Path:
        """The same connection; if it is gone, a new one to where the Via says (section 18.2.2)."""
        return self if self.usable else self.owner.path_to(host, port)

    def send(self, data: bytes, failed: Failed | None = None) -> None:
        """Send one message, or keep it until the connection is made."""
        if self._closed:
            self.owner.counters.dropped += 1
            if failed is not None:
                failed("the connection is closed")
        elif not self._open:
            self._waiting.append((data, failed))
        else:
            self.owner.counters.messages_out += 1
            self._write(data)

    def _write(self, data: bytes) -> None:
        if self._choked:
            self._backlog += len(data)
            if self._backlog > self.owner.limits.max_backlog:
                self.owner.counters.dropped += 1
                self.abort()
                return
        self.transport.write(data)

    def close(self) -> None:
        """Send what is unsent and close; give up a connection that is still being made."""
        if self._open:
            self.transport.loseConnection()
        elif self.connector is not None:
            self.connector.stopConnecting()

    def abort(self) -> None:
        """Drop the connection and whatever is unsent."""
        if self._open:
            self.transport.abortConnection()

    @property
    def expendable(self) -> bool:
        """Whether it may make room for another: theirs, and neither a call nor a request of ours needs it.

        A refused INVITE that still waits for its ACK does not: whoever sends none could keep any number.
        """
        return self._open and self._holders == 0 and not self.ours

    def evict(self) -> None:
        """Make room at once, without waiting for the operating system."""
        self.abort()
        self.fail("another connection needed the room")

    def refuse(self) -> None:
        """Never begin: there are too many."""
        self._closed = True

    # Twisted's side

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        """The connection stands: send what waited."""
        self._open = True
        self.transport.bufferSize = READ_SIZE
        self.transport.setTcpNoDelay(True)
        self.transport.setTcpKeepAlive(True)
        self.transport.registerProducer(self, True)
        self._touch()
        waiting, self._waiting = self._waiting, []
        for data, failed in waiting:
            self.send(data, failed)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Cut the stream and pass the messages on."""
        self._touch()
        receiver = self.owner.receiver
        pings = self.owner.counters.keepalives
        try:
            for item in self._framer.feed(data):
                self.heard_at = self.owner.reactor.seconds()
                self._calm_down()
                if item is KEEPALIVE:
                    self.owner.counters.keepalives += 1
                elif isinstance(item, bytes) and receiver.admits(self.peer.host, len(item)):
                    self.owner.counters.messages_in += 1
                    receiver.receive(item, self)
        except MessageError as error:
            receiver.receive_broken(error, self)
            self.transport.loseConnection()
        else:
            if self.owner.counters.keepalives > pings and receiver.admits(self.peer.host, len(data)):
                self._write(PONG)
            if self._framer.begun and self._impatience is None:
                self._impatience = self.owner.reactor.callLater(self.owner.limits.patience, self.abort)

    def connectionLost(self, reason: Failure = protocol.connectionDone) -> None:  # noqa: N802 - Twisted's name
        """The connection is gone."""
        self._stop_idling()
        self._calm_down()
        self.fail(reason.getErrorMessage())

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The peer reads too slowly: count what is still unsent."""
        self._choked = True

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        """Everything has gone out."""
        self._choked = False
        self._backlog = 0

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The connection is being lost; ``connectionLost`` follows."""

    def fail(self, why: str) -> None:
        """Forget the connection and tell those whose messages waited for it."""
        if self._closed:
            return
        self._open = False
        self._closed = True
        self.owner.forget(self)
        waiting, self._waiting = self._waiting, []
        for _, failed in waiting:
            self.owner.counters.dropped += 1
            if failed is not None:
                failed(why)

    def _calm_down(self) -> None:
        if self._impatience is not None and self._impatience.active():
            self._impatience.cancel()
        self._impatience = None

    def _touch(self) -> None:
        limits = self.owner.limits
        idle = min(limits.made_idle, limits.idle) if self.ours else limits.idle
        if self._idle is not None and self._idle.active():
            self._idle.reset(idle)
        else:
            self._idle = self.owner.reactor.callLater(idle, self._idled)

    def _idled(self) -> None:
        if self._holders > 0:
            self._touch()
        else:
            self.transport.loseConnection()

    def _stop_idling(self) -> None:
        if self._idle is not None and self._idle.active():
            self._idle.cancel()
