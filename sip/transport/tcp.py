"""SIP over TCP: connections of theirs and ours, framed by Content-Length (RFC 3261 section 18.3).

One connection carries any number of calls in both directions: whoever has a connection to the peer uses it,
accepted or made (RFC 5923 in spirit). A double CRLF is answered by a single one (RFC 5626). What may never
happen is that one peer costs the others anything:

- a connection has ``max_backlog`` octets to fall behind; beyond, it is dropped (the kernel's buffer and
  Twisted's 64 KiB come on top);
- a message has ``max_message`` octets; a longer one is answered 513 and the connection closed;
- there are ``max_connections``, and ``max_per_host`` of one address; one more is closed as it is accepted;
- a connection is closed when nothing came for ``idle`` seconds and no call holds it.

TLS differs in how it listens and connects, two methods of :class:`TcpTransport`, and in nothing else.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Any

from twisted.internet.error import CannotListenError
from twisted.internet.protocol import ClientFactory, Protocol, ServerFactory, connectionDone
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
    family_of,
)

PONG = b"\r\n"


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """What a peer may cost."""

    max_connections: int = 1_000
    max_per_host: int = 100
    max_message: int = MAX_MESSAGE  # octets
    max_backlog: int = 262_144  # octets unsent
    idle: float = 600.0  # seconds
    connect_timeout: float = 5.0  # seconds


class StreamPath(Protocol):
    """One connection, being made, open or closed."""

    reliable = True
    transport: Any  # Twisted's

    def __init__(self, transport: "TcpTransport", peer: Source) -> None:
        self.owner = transport
        self.peer = peer
        self._framer = StreamFramer(transport.limits.max_message)
        self._waiting: list[tuple[bytes, Failed | None]] = []  # until the connection is made
        self._open = False
        self._closed = False
        self._choked = False
        self._backlog = 0
        self._holders = 0
        self._idle: Any = None

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

    def abort(self) -> None:
        """Drop the connection and whatever is unsent."""
        if self._open:
            self.transport.abortConnection()

    # Twisted's side

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        """The connection stands: send what waited."""
        self._open = True
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
        try:
            for item in self._framer.feed(data):
                if item is KEEPALIVE:
                    self.owner.counters.keepalives += 1
                    self._write(PONG)
                elif isinstance(item, bytes) and receiver.admits(self.peer.host):
                    self.owner.counters.messages_in += 1
                    receiver.receive(item, self)
                else:
                    self.owner.counters.dropped += 1
        except MessageError as error:
            receiver.receive_broken(error, self)
            self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: N802 - Twisted's name
        """The connection is gone."""
        self._stop_idling()
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

    def _touch(self) -> None:
        if self._idle is not None and self._idle.active():
            self._idle.reset(self.owner.limits.idle)
        else:
            self._idle = self.owner.reactor.callLater(self.owner.limits.idle, self._idled)

    def _idled(self) -> None:
        if self._holders > 0:
            self._touch()
        else:
            self.transport.loseConnection()

    def _stop_idling(self) -> None:
        if self._idle is not None and self._idle.active():
            self._idle.cancel()


class TcpTransport:
    """One listening TCP socket, its connections, and those made from its address."""

    kind = "tcp"

    def __init__(
        self,
        reactor: Any,
        host: str,
        port: int,
        *,
        advertised: tuple[str, ...] = (),
        limits: StreamLimits | None = None,
    ) -> None:
        self.reactor = reactor
        self.limits = limits or StreamLimits()
        self.identity = Identity.of(advertised)
        self.counters = TransportCounters()
        self.receiver: Receiver
        self._bound = LocalAddress(host, port)
        self._listener: Any = None
        self._connections: dict[Source, StreamPath] = {}
        self._by_host: Counter[str] = Counter()

    @property
    def address(self) -> LocalAddress:
        """Where it is bound."""
        return self._bound

    def start(self, receiver: Receiver) -> None:
        """Listen; raises OSError."""
        self.receiver = receiver
        try:
            self._listener = self._listen(_Acceptor(self))
        except CannotListenError as error:
            raise OSError(
                f"{self.kind}:{self._bound.host}:{self._bound.port} cannot be bound: {error}"
            ) from error
        self._bound = LocalAddress(self._bound.host, self._listener.getHost().port)

    async def stop(self) -> None:
        """Stop listening and drop every connection."""
        if self._listener is not None:
            listener, self._listener = self._listener, None
            stopped = listener.stopListening()
            if stopped is not None:
                await stopped.asFuture(asyncio.get_running_loop())
        for path in list(self._connections.values()):
            path.abort()

    def reaches(self, host: str) -> bool:
        """Same family."""
        return family_of(host) == family_of(self._bound.host)

    def path_to(self, host: str, port: int) -> StreamPath:
        """The connection with that peer, or a new one."""
        peer = Source(host, port, self.kind)
        path = self._connections.get(peer)
        if path is None or not path.usable:
            path = self.accept(peer)
            self._connect(host, port, _Connector(path))
        return path

    def accept(self, peer: Source) -> StreamPath:
        """Take down a connection."""
        path = StreamPath(self, peer)
        self._connections[peer] = path
        self._by_host[peer.host] += 1
        self.counters.connections += 1
        return path

    def has_room(self, host: str) -> bool:
        """Whether one more connection from this address may be accepted."""
        return (
            self.counters.connections < self.limits.max_connections
            and self._by_host[host] < self.limits.max_per_host
        )

    def forget(self, path: StreamPath) -> None:
        """A connection is gone."""
        if self._connections.get(path.peer) is path:
            del self._connections[path.peer]
        self.counters.connections -= 1
        self._by_host[path.peer.host] -= 1
        if not self._by_host[path.peer.host]:
            del self._by_host[path.peer.host]

    def _listen(self, factory: "_Acceptor") -> Any:
        return self.reactor.listenTCP(self._bound.port, factory, backlog=511, interface=self._bound.host)

    def _connect(self, host: str, port: int, factory: "_Connector") -> None:
        bind = None if self._bound.host in ("0.0.0.0", "::") else (self._bound.host, 0)  # noqa: S104
        self.reactor.connectTCP(host, port, factory, timeout=self.limits.connect_timeout, bindAddress=bind)


class _Acceptor(ServerFactory):
    noisy = False

    def __init__(self, owner: TcpTransport) -> None:
        self._owner = owner

    def buildProtocol(self, addr: Any) -> Protocol | None:  # noqa: N802 - Twisted's name
        """Take a connection, or close it at once (None) when there are enough."""
        host = addr.host.partition("%")[0]
        if not self._owner.has_room(host):
            self._owner.counters.connections_refused += 1
            return None
        return self._owner.accept(Source(host, addr.port, self._owner.kind))


class _Connector(ClientFactory):
    noisy = False

    def __init__(self, path: StreamPath) -> None:
        self._path = path

    def buildProtocol(self, addr: Any) -> Protocol:  # noqa: N802 - Twisted's name
        """The connection that the path was waiting for."""
        return self._path

    def clientConnectionFailed(self, connector: Any, reason: Failure) -> None:  # noqa: N802 - Twisted's name
        """Nobody there."""
        self._path.fail(reason.getErrorMessage())
