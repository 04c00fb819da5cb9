"""What a full agent's datagrams leave by: one candidate of ours, a socket or a relay on a TURN server.

To ``media.webrtc.peers`` a wire is a link like those of the mux. To aioice it is the protocol that carries
its STUN, but only what was looked at here first: well-formed, and authentic or the answer to what we asked.
(aioice itself raises on attributes of odd length, and tells strangers that their password is wrong.)
"""

import asyncio
import socket
import struct
from collections.abc import Callable
from random import Random
from typing import Final, Protocol

import aioice
from aioice.ice import StunProtocol

from media.latch import Address
from media.webrtc import stun
from media.webrtc.path import Counters, Generation, Path
from media.webrtc.stun import Attribute, MessageType
from media.webrtc.tasks import Tasks
from media.webrtc.udp import UdpLink

MAX_CANDIDATES: Final = 64  # of the peer, told and found; a flood must not fill our memory
_MAX_CONFLICTS: Final = 3  # answers "Role Conflict" that are believed; aioice asks again after each
_ANSWERS: Final = (b"\x01\x01", b"\x01\x11")  # success, error


class Owner(Protocol):
    """What a wire asks of its client."""

    counters: Counters
    clock: Callable[[], float]
    random: Random
    tasks: Tasks

    def received(self, link: "Wire", data: bytes, address: Address, now: float) -> None:
        """Take a datagram that came over the wire."""


class Wire(StunProtocol):
    """A candidate of ours."""

    def __init__(
        self, checks: aioice.Connection, generation: Generation, owner: Owner, priority: int
    ) -> None:
        super().__init__(checks)
        self.priority = priority
        self.paths: dict[Address, Path] = {}
        self._owner = owner
        self._counters = owner.counters
        self._generation = generation
        self._conflicts = 0

    def send(self, data: bytes, address: Address, /) -> object:
        """Send one datagram; raises OSError when it cannot be sent now."""
        raise NotImplementedError

    def address(self, pair: tuple[str, int]) -> Address:
        """Return an address of aioice as the wire gives it."""
        return pair

    def send_stun(self, message: aioice.stun.Message, addr: tuple[str, int]) -> None:
        """Send what aioice has to say."""
        try:
            self.send(bytes(message), addr)
        except OSError:
            self._counters.unsent += 1

    def stun_received(self, data: bytes, address: Address) -> None:
        """Hand to aioice what is for it."""
        asked = self.transactions.get(data[8:20]) if data[:2] in _ANSWERS else None
        if asked is None and not self._asks(data, address):
            return
        try:
            message = aioice.stun.parse_message(data)
        except (ValueError, struct.error):
            self._counters.malformed += 1
            return
        sender = address[:2]
        if asked is None:
            self.receiver.request_received(message, sender, self)
        elif message.error_code == stun.ROLE_CONFLICT and self._conflicts >= _MAX_CONFLICTS:
            self._counters.refused += 1
        else:
            self._conflicts += message.error_code == stun.ROLE_CONFLICT
            asked.response_received(message, sender)

    def _asks(self, data: bytes, address: Address) -> bool:
        """Whether it is a request of the peer, which aioice shall answer; all else is counted."""
        message = stun.parse(data)
        if message is None:
            self._counters.malformed += 1
        elif message.type is MessageType.INDICATION:  # a keep-alive, which asks nothing
            pass
        elif message.type is not MessageType.REQUEST:
            self._counters.unknown += 1
        elif not self._authentic(message):
            self._counters.unauthenticated += 1
        elif Attribute.PRIORITY not in message.attributes:
            self._counters.malformed += 1
        elif address not in self.paths and self._too_many(address):
            self._counters.refused += 1
        else:
            return True
        return False

    def _authentic(self, message: stun.Message) -> bool:
        name, remote = message.username, self._generation.remote
        return (
            name is not None
            and name[0] == self._generation.ufrag
            and (remote is None or name[1] == remote.ufrag.encode())
            and message.authenticates(self._generation.local_key)
        )

    def _too_many(self, address: Address) -> bool:
        known = self.receiver.remote_candidates
        return len(known) >= MAX_CANDIDATES and all((one.host, one.port) != address[:2] for one in known)


class UdpWire(UdpLink, Wire):
    """A socket of its own, so that servers which tell peers apart by address can."""

    def __init__(
        self,
        bound: socket.socket,
        checks: aioice.Connection,
        generation: Generation,
        owner: Owner,
        priority: int,
    ) -> None:
        Wire.__init__(self, checks, generation, owner, priority)
        UdpLink.__init__(self, bound, priority, owner)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(bound.fileno(), self.readable)

    def address(self, pair: tuple[str, int]) -> Address:
        """Return an address of aioice as ``recvfrom`` gives it."""
        return pair if self.socket.family == socket.AF_INET else (*pair, 0, 0)

    async def close(self) -> None:
        """Close the socket at once."""
        if self.socket.fileno() >= 0:
            self._loop.remove_reader(self.socket.fileno())
            self.socket.close()
