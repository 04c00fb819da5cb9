"""A path for UDP as bad as a test wants it: it loses, delays, and takes no more than so many bits a second.

It stands before the media port of a gateway whose `webrtc.advertised` is the relay's address, as a NAT does.
Each client is told apart by the address it sends from and reaches the gateway from a socket of its own.
A link that is too narrow queues for `QUEUE` seconds and then drops, as a modem's buffer does. Packets that
are delayed stay in order, as those of one flow do on nearly every real path.
"""

from __future__ import annotations

import asyncio
import random
import threading
from dataclasses import dataclass, field
from typing import Self

from .process import PATIENCE

Address = tuple[str, int]
QUEUE = 0.25
TINY = 1e-6  # s; timers for the same moment have no order


@dataclass(slots=True)
class Link:
    """One client's path, both ways: loss as a fraction, delay and at most so much more (jitter) in seconds.

    Only towards the client there is a rate, in bit/s (0: endless).
    """

    loss: float = 0.0
    delay: float = 0.0
    jitter: float = 0.0
    rate: float = 0.0
    lost: int = 0
    passed: int = 0
    free_at: float = field(default=0.0, init=False)
    up_until: float = field(default=0.0, init=False)  # when the last packet comes out
    down_until: float = field(default=0.0, init=False)


class UdpRelay:
    """`with UdpRelay(address, port, target) as relay:`, in a thread of its own."""

    def __init__(
        self,
        address: str,
        port: int,
        target: Address,
        *,
        loss: float = 0.0,
        delay: float = 0.0,
        jitter: float = 0.0,
    ) -> None:
        self._listen = (address, port)
        self._target = target
        self.quality = (loss, delay, jitter)  # of links to come
        self._random = random.Random(1)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="relay", daemon=True)
        self._ways: dict[Address, asyncio.DatagramTransport] = {}
        self._opening: set[asyncio.Task[None]] = set()
        self.links: dict[Address, Link] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        opening = self._loop.create_datagram_endpoint(lambda: _Near(self), local_addr=self._listen)
        self._near, _ = asyncio.run_coroutine_threadsafe(opening, self._loop).result(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(PATIENCE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()

    async def _close(self) -> None:
        for transport in (self._near, *self._ways.values()):
            transport.close()
        await asyncio.sleep(0)

    async def _open(self, data: bytes, client: Address) -> None:
        """The first packet of a client opens its way."""
        self._ways[client], _ = await self._loop.create_datagram_endpoint(
            lambda: _Far(self, client), remote_addr=self._target, local_addr=(self._listen[0], 0)
        )
        self._up(data, client)

    def near_received(self, data: bytes, client: Address) -> None:
        """From a client; what comes while its way is being opened is lost."""
        if client in self._ways:
            self._up(data, client)
        elif client not in self.links:
            self.links[client] = Link(*self.quality)
            self._opening.add(opening := self._loop.create_task(self._open(data, client)))
            opening.add_done_callback(self._opening.discard)

    def _up(self, data: bytes, client: Address) -> None:
        link = self.links[client]
        if self._passes(link):
            link.up_until = self._arrives(link, self._loop.time(), link.up_until)
            self._loop.call_at(link.up_until, self._ways[client].sendto, data)

    def far_received(self, data: bytes, client: Address) -> None:
        """From the gateway, for that client."""
        link = self.links[client]
        if not self._passes(link):
            return
        now = self._loop.time()
        leaves = now
        if link.rate:
            starts = max(now, link.free_at)
            if starts - now > QUEUE:
                link.lost += 1
                return
            leaves = link.free_at = starts + 8 * len(data) / link.rate
        link.down_until = self._arrives(link, leaves, link.down_until)
        self._loop.call_at(link.down_until, self._near.sendto, data, client)

    def _arrives(self, link: Link, leaves: float, before: float) -> float:
        """When a packet comes out, after the one before it."""
        return max(leaves + link.delay + self._random.random() * link.jitter, before + TINY)

    def _passes(self, link: Link) -> bool:
        if self._random.random() < link.loss:
            link.lost += 1
            return False
        link.passed += 1
        return True


class _Near(asyncio.DatagramProtocol):
    def __init__(self, relay: UdpRelay) -> None:
        self._relay = relay

    def datagram_received(self, data: bytes, client: Address) -> None:
        self._relay.near_received(data, client)


class _Far(asyncio.DatagramProtocol):
    def __init__(self, relay: UdpRelay, client: Address) -> None:
        self._relay = relay
        self._client = client

    def datagram_received(self, data: bytes, _: Address) -> None:
        self._relay.far_received(data, self._client)
