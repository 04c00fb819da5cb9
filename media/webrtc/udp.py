"""A UDP socket of ours: the hot path of all that browsers and servers send.

It is read with plain ``recvfrom`` when the loop says that there is something, for 2 ms at a time at most:
then timers and the others have their turn. What the kernel will not take at once is not sent: late is worse
than lost.
"""

import socket
from collections.abc import Callable
from typing import Any, Final, Protocol, TypeVar

from media.latch import Address
from media.webrtc.path import Path

BATCH: Final = 0.002  # s that reading may hold the loop
DATAGRAM: Final = 2048  # octets; longer ones are cut, and fail authentication

LinkT = TypeVar("LinkT", contravariant=True)


class Receiver(Protocol[LinkT]):
    """Who takes what has come."""

    clock: Callable[[], float]

    def received(self, link: LinkT, data: bytes, address: Address, now: float) -> None:
        """Take one datagram; nothing is raised."""


class UdpLink:
    """One of our addresses. The first octet of a datagram and where it comes from tell the owner the rest."""

    def __init__(self, bound: socket.socket, priority: int, receiver: Receiver[Any]) -> None:
        self.priority = priority
        self.paths: dict[Address, Path] = {}
        self.send = bound.sendto
        self.socket = bound
        self._receiver = receiver

    def readable(self) -> None:
        """Read what has come, for a while."""
        receive, received, clock = self.socket.recvfrom, self._receiver.received, self._receiver.clock
        now = clock()
        until = now + BATCH
        while now < until:
            try:
                data, address = receive(DATAGRAM)
            except OSError:  # nothing more
                return
            received(self, data, address, now)
            now = clock()


def bind(host: str, port: int, kind: socket.SocketKind, buffer: int) -> socket.socket:
    """Return a socket of that address, an ephemeral port where ``port`` is 0.

    ``buffer`` is in octets, asked of the kernel each way for UDP; it may give less.

    Raises:
        OSError: no such address, or the port is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, kind)
    try:
        bound.setblocking(False)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if kind == socket.SOCK_DGRAM:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
        else:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except BaseException:
        bound.close()
        raise
    return bound
