"""A relay on a TURN server, for networks that let nothing else through (RFC 8656): over UDP, TCP or TLS.

aioice's client allocates, binds channels and refreshes the allocation. What is different here: a packet to a
bound channel is written at once instead of by a task, channels are refreshed before the permission that came
with them ends (300 s; aioice waits 500 s and coturn drops both), a malformed message raises nothing, and
giving the relay back to a server that is silent ends after 2 s instead of a minute.
"""

import asyncio
import struct
from contextlib import suppress
from typing import Final

from aioice.stun import TransactionError
from aioice.turn import TurnClientTcpProtocol, TurnClientUdpProtocol

from media.latch import Address
from media.webrtc.servers import TurnServer
from media.webrtc.tcp import MAX_UNSENT
from media.webrtc.wire import Checker, Wire

LIFETIME: Final = 600  # s, asked for; aioice refreshes what it is given at 5/6
REFRESH: Final = 240.0  # s; a permission lasts 300 (section 9)
CLOSE_TIMEOUT: Final = 2.0  # s
_CHANNEL: Final = struct.Struct("!HH")
_MALFORMED: Final = (ValueError, KeyError, struct.error)


class TurnUdp(TurnClientUdpProtocol):
    """aioice's client over UDP."""

    def datagram_received(self, data: bytes | str, addr: tuple[str, int]) -> None:
        """Take what the server says, if it makes sense."""
        with suppress(*_MALFORMED):
            super().datagram_received(data, addr)


class TurnTcp(TurnClientTcpProtocol):
    """The same over TCP and TLS."""

    def datagram_received(self, data: bytes | str, addr: tuple[str, int]) -> None:
        """Take what the server says, if it makes sense."""
        with suppress(*_MALFORMED):
            super().datagram_received(data, addr)


class RelayWire(Wire):
    """One allocation. ``related`` is how the server sees us."""

    related: tuple[str, int]

    def __init__(self, turn: TurnUdp | TurnTcp, checks: Checker, priority: int) -> None:
        super().__init__(checks, priority)
        self.related = turn.mapped_address or ("", 0)
        self._turn = turn
        self._refresh_at: dict[int, float] = {}
        turn.receiver = self

    def send(self, data: bytes, address: Address, /) -> None:
        """Pass it to the server at once, if the channel to that address is bound."""
        turn, peer = self._turn, address[:2]
        if turn.transport.is_closing():
            raise BrokenPipeError("the relay is gone")
        channel = turn.peer_to_channel.get(peer)
        if channel is None:
            self.checks.client.tasks.spawn(turn.send_data(data, peer))  # after binding one
            return
        if isinstance(turn, TurnTcp) and turn.transport.get_write_buffer_size() > MAX_UNSENT:
            raise BlockingIOError("the connection takes no more")
        now = self.checks.client.clock()
        if now > self._refresh_at.setdefault(channel, now + REFRESH):
            self._refresh_at[channel] = now + REFRESH
            self.checks.client.tasks.spawn(turn.channel_bind(channel, peer))
        turn._send(_CHANNEL.pack(channel, len(data)) + data)

    def datagram_received(self, data: bytes | str, addr: tuple[str, int]) -> None:
        """What the server passes on."""
        if isinstance(data, bytes):
            self.checks.client.received(self, data, addr, self.checks.client.clock())

    def connection_lost(self, exc: Exception | None) -> None:
        """The server is gone, or we are done with it."""
        now = self.checks.client.clock()
        for path in tuple(self.paths.values()):
            path.agent.lost(path, now)

    async def close(self) -> None:
        """Give the relay back."""
        with suppress(TimeoutError, OSError, TransactionError):
            await asyncio.wait_for(self._turn.delete(), CLOSE_TIMEOUT)


async def allocate(server: TurnServer, checks: Checker, priority: int) -> tuple[RelayWire, tuple[str, int]]:
    """Return a relay on the server, and its address.

    Raises:
        OSError: the server cannot be reached, or proves not who it is.
        TransactionError: it refuses, or is silent.
    """
    loop = asyncio.get_running_loop()
    where = (server.host, server.port)
    transport: asyncio.BaseTransport
    turn: TurnUdp | TurnTcp
    if server.tcp:
        transport, turn = await loop.create_connection(
            lambda: TurnTcp(where, server.username, server.credential, LIFETIME, LIFETIME),
            *where,
            ssl=server.tls or None,
        )
    else:
        transport, turn = await loop.create_datagram_endpoint(
            lambda: TurnUdp(where, server.username, server.credential, LIFETIME, LIFETIME), remote_addr=where
        )
    try:
        relayed = await turn.connect()
        return RelayWire(turn, checks, priority), relayed
    except BaseException:
        transport.close()
        raise
