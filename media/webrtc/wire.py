"""What a full agent's datagrams leave by: one candidate of ours, a socket or a relay on a TURN server.

To ``media.webrtc.peers`` a wire is a link like those of the mux. To aioice it is the protocol that carries
its STUN, but only what was looked at here first: well-formed, and authentic or the answer to what we asked.
(aioice itself raises on attributes of odd length, and tells strangers that their password is wrong.)
"""

import asyncio
import socket
import struct
from collections.abc import Callable, Sequence
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


class Client(Protocol):
    """What the checks and their wires ask of their client."""

    counters: Counters
    clock: Callable[[], float]
    random: Random
    tasks: Tasks

    @property
    def addresses(self) -> Sequence[str]:
        """Of this machine."""

    def received(self, link: "Wire", data: bytes, address: Address, now: float) -> None:
        """Take a datagram that came over a wire."""


class Checker(aioice.Connection):
    """Who makes the checks on a wire (``media.webrtc.checks``)."""

    client: Client
    generation: Generation

    def answered(self, wire: "Wire", address: Address) -> None:
        """The peer has answered, authentically."""
        raise NotImplementedError


class Wire(StunProtocol):
    """A candidate of ours, on which ``checks`` are made."""

    def __init__(self, checks: Checker, priority: int) -> None:
        super().__init__(checks)
        self.checks = checks
        self.priority = priority
        self.paths: dict[Address, Path] = {}
        self._asked: dict[bytes, tuple[str, int]] = {}  # whom, by transaction
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
            self.send(bytes(message), self.address(addr))
        except OSError:
            self.checks.client.counters.unsent += 1

    async def request(
        self,
        request: aioice.stun.Message,
        addr: tuple[str, int],
        integrity_key: bytes | None = None,
        retransmissions: int | None = None,
    ) -> tuple[aioice.stun.Message, tuple[str, int]]:
        """Ask, for aioice, and note whom."""
        self._asked[request.transaction_id] = addr
        try:
            return await super().request(request, addr, integrity_key, retransmissions)
        finally:
            del self._asked[request.transaction_id]

    def stun_received(self, data: bytes, address: Address) -> None:
        """Hand to aioice what is for it."""
        message = stun.parse(data)
        if data[:2] in _ANSWERS:
            self._answered(message, data, address)
        elif self._asks(message, address):
            self.checks.request_received(aioice.stun.parse_message(data), address[:2], self)

    def _answered(self, message: stun.Message | None, data: bytes, address: Address) -> None:
        """Take an answer, if it comes from whom we asked. STUN servers write no FINGERPRINT."""
        counters = self.checks.client.counters
        asked = self.transactions.get(data[8:20])
        if asked is None or self._asked.get(data[8:20]) != address[:2]:
            counters.unknown += 1
            return
        try:
            answer = aioice.stun.parse_message(data)
        except (ValueError, struct.error):
            counters.malformed += 1
            return
        if answer.error_code == stun.ROLE_CONFLICT:
            self._conflicts += 1
            if self._conflicts > _MAX_CONFLICTS:
                counters.refused += 1
                return
        asked.response_received(answer, address[:2])
        key = self.checks.generation.remote_key
        if message is not None and message.type is MessageType.SUCCESS and message.authenticates(key):
            self.checks.answered(self, address)

    def _asks(self, message: stun.Message | None, address: Address) -> bool:
        """Whether it is a request of the peer, which aioice shall answer; all else is counted."""
        counters = self.checks.client.counters
        if message is None:
            counters.malformed += 1
        elif message.type is not MessageType.REQUEST:  # a keep-alive, which asks nothing
            pass
        elif not self._authentic(message):
            counters.unauthenticated += 1
        elif Attribute.PRIORITY not in message.attributes:
            counters.malformed += 1
        elif len(self.checks.remote_candidates) >= MAX_CANDIDATES and not self._known(address):
            counters.refused += 1
        else:
            return True
        return False

    def _authentic(self, message: stun.Message) -> bool:
        name, generation = message.username, self.checks.generation
        remote = generation.remote
        return (
            name is not None
            and name[0] == generation.ufrag
            and (remote is None or name[1] == remote.ufrag.encode())
            and message.authenticates(generation.local_key)
        )

    def _known(self, address: Address) -> bool:
        return any((one.host, one.port) == address[:2] for one in self.checks.remote_candidates)


class UdpWire(UdpLink, Wire):
    """A socket of its own, so that servers which tell peers apart by address can."""

    def __init__(self, bound: socket.socket, checks: Checker, priority: int) -> None:
        Wire.__init__(self, checks, priority)
        UdpLink.__init__(self, bound, priority, checks.client)
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
