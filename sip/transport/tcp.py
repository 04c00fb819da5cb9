"""SIP over TCP: a listener, the connections it accepts and those made from its address.

One connection carries any number of calls in both directions: whoever has a connection to the peer uses it,
accepted or made (RFC 5923 in spirit). ``max_connections`` are accepted, and ``max_per_host`` of one address.
For one more, the one that has been without a message for longest is closed; where calls hold all of them, the
new one is. So whoever opens many and keeps them busy with a trickle locks nobody out. Those we make go where
a Contact says, which may be anywhere: there are ``max_made`` of them, they take nobody's place, and they are
closed after ``made_idle`` seconds. What a single connection may cost is :mod:`sip.transport.stream`'s matter.

TLS differs in how it listens and connects, two methods of :class:`TcpTransport`, and in nothing else.
"""

import asyncio
from collections import Counter
from contextlib import suppress
from typing import Any

from twisted.internet.error import CannotListenError
from twisted.internet.protocol import ClientFactory, Protocol, ServerFactory
from twisted.python.failure import Failure

from sip.transport import Identity, LocalAddress, Receiver, Source, TransportCounters, is_towards, leads_to
from sip.transport.stream import StreamLimits, StreamPath

__all__ = ["StreamLimits", "TcpTransport"]

LINGER = 1.0  # seconds, for what is unsent when we stop


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
        self._by_host: Counter[str] = Counter()  # accepted
        self._made = 0
        self._emptied: asyncio.Event | None = None

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
        """Stop listening and close every connection, sending what is unsent unless that takes too long."""
        if self._listener is not None:
            listener, self._listener = self._listener, None
            stopped = listener.stopListening()
            if stopped is not None:
                await stopped.asFuture(asyncio.get_running_loop())
        for path in list(self._connections.values()):
            path.close()
        if self._connections:
            self._emptied = asyncio.Event()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._emptied.wait(), LINGER)
        for path in list(self._connections.values()):
            path.abort()

    def reaches(self, host: str) -> bool:
        """One real host of our family."""
        return leads_to(self._bound.host, host)

    def suits(self, host: str) -> bool:
        """On the way there."""
        return is_towards(self._bound.host, host)

    def path_to(self, host: str, port: int) -> StreamPath:
        """The connection with that peer, or a new one; where there are too many, one that is closed."""
        peer = Source(host, port, self.kind)
        path = self._connections.get(peer)
        if path is not None and path.usable:
            return path
        path = StreamPath(self, peer, ours=True)
        if self._made >= self.limits.max_made:
            self.counters.connections_refused += 1
            path.refuse()
        else:
            self._made += 1
            self._note(path)
            path.connector = self._connect(host, port, _Connector(path))
        return path

    def accept(self, peer: Source) -> StreamPath:
        """Take down a connection of theirs."""
        path = StreamPath(self, peer)
        self._by_host[peer.host] += 1
        self._note(path)
        return path

    def _note(self, path: StreamPath) -> None:
        self._connections[path.peer] = path
        self.counters.connections += 1

    def make_room(self, host: str) -> bool:
        """Whether one more connection from this address may be accepted, if need be at another's expense."""
        if self._by_host[host] >= self.limits.max_per_host:
            rivals = [path for path in self._connections.values() if path.peer.host == host]
        elif self.counters.connections - self._made >= self.limits.max_connections:
            rivals = list(self._connections.values())
        else:
            return True
        self.counters.connections_refused += 1
        idlest = min(
            (path for path in rivals if path.expendable), key=lambda path: path.heard_at, default=None
        )
        if idlest is not None:
            idlest.evict()
        return idlest is not None

    def forget(self, path: StreamPath) -> None:
        """A connection is gone."""
        if self._connections.get(path.peer) is path:
            del self._connections[path.peer]
        self.counters.connections -= 1
        if path.ours:
            self._made -= 1
        else:
            self._by_host[path.peer.host] -= 1
            if not self._by_host[path.peer.host]:
                del self._by_host[path.peer.host]
        if self._emptied is not None and not self._connections:
            self._emptied.set()

    def _listen(self, factory: "_Acceptor") -> Any:
        return self.reactor.listenTCP(self._bound.port, factory, backlog=511, interface=self._bound.host)

    def _connect(self, host: str, port: int, factory: "_Connector") -> Any:
        bind = None if self._bound.host in ("0.0.0.0", "::") else (self._bound.host, 0)  # noqa: S104
        return self.reactor.connectTCP(
            host, port, factory, timeout=self.limits.connect_timeout, bindAddress=bind
        )


class _Acceptor(ServerFactory):
    noisy = False

    def __init__(self, owner: TcpTransport) -> None:
        self._owner = owner

    def buildProtocol(self, addr: Any) -> Protocol | None:  # noqa: N802 - Twisted's name
        """Take a connection, or close it at once (None) when there are enough."""
        host = addr.host.partition("%")[0]
        if not self._owner.make_room(host):
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
