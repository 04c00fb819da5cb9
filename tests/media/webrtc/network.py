"""A network in memory: a mux without sockets, browsers at addresses, and time that is told.

Datagrams wait until :meth:`Network.deliver`, so that a test may look at them, lose them and forge them.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, cast

from media.latch import Address
from media.webrtc.mux import MediaMux
from media.webrtc.path import Path, udp_priority
from media.webrtc.peers import TICK
from media.webrtc.transport import PeerTransport
from tests.media.webrtc.browser import Browser

HOME: Address = ("192.0.2.10", 40000)
MOBILE: Address = ("198.51.100.20", 50000)
VICTIM: Address = ("203.0.113.30", 60000)


class Handler:
    """Notes what a peer sends."""

    def __init__(self) -> None:
        self.rtp: list[bytes] = []
        self.rtcp: list[bytes] = []
        self.connections = 0
        self.reasons: list[str] = []

    def rtp_received(self, packet: bytes, now: float) -> None:
        self.rtp.append(packet)

    def rtcp_received(self, packet: bytes, now: float) -> None:
        self.rtcp.append(packet)

    def connected(self) -> None:
        self.connections += 1

    def closed(self, reason: str) -> None:
        self.reasons.append(reason)


class Timers:
    """The only thing that the mux asks of a loop between ``open`` and ``close``."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def call_later(self, delay: float, callback: Callable[[], None]) -> "Timers":
        self.waiting.append(callback)
        return self

    def cancel(self) -> None:
        self.waiting.clear()


@dataclass
class FakeLink:
    """A socket of ours: what is sent waits in ``sent``."""

    priority: int = udp_priority(0)
    paths: dict[Address, Path] = field(default_factory=dict)
    sent: list[tuple[bytes, Address]] = field(default_factory=list)

    def send(self, data: bytes, address: Address) -> None:
        self.sent.append((data, address))

    def octets_to(self, address: Address) -> int:
        return sum(len(data) for data, to in self.sent if to == address)


class Network:
    """``now`` is the clock of everything."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.timers = Timers()
        loop = cast(asyncio.AbstractEventLoop, cast(Any, self.timers))
        self.mux = MediaMux(loop, 7000, lambda: self.now, Random(7))
        self.link = FakeLink()
        self.browsers: dict[Address, Browser] = {}
        self.unreachable: set[Address] = set()

    def peer(self, *, seed: int = 1, setup: str = "actpass") -> tuple[PeerTransport, Handler, Browser]:
        """One more participant: our side, what it hears, and the browser, which stands nowhere yet."""
        handler = Handler()
        peer = self.mux.peer(handler)
        browser = Browser(lambda data: None, seed=seed, server=setup == "passive")
        browser.describe(peer.local, peer.fingerprint)
        peer.connect(browser.local, browser.fingerprint, setup)
        return peer, handler, browser

    def stand(self, browser: Browser, address: Address) -> None:
        """From now on the browser is reached there too, and answers from where it was asked."""
        self.browsers[address] = browser

    def inject(self, data: bytes, address: Address) -> None:
        """A datagram arrives that claims to come from there."""
        self.mux.received(self.link, data, address, self.now)

    def deliver(self) -> None:
        """Carry everything to and fro until nobody has anything to say."""
        while self.link.sent:
            data, address = self.link.sent.pop(0)
            browser = self.browsers.get(address)
            if browser is None or address in self.unreachable:
                continue
            said: list[bytes] = []
            browser.send = said.append
            browser.receive(data)
            for one in said:
                self.inject(one, address)

    def check(self, browser: Browser, address: Address, **options: Any) -> None:
        """The browser checks from there, and everything that follows happens."""
        self.inject(browser.check(**options), address)
        self.deliver()

    def pass_time(self, seconds: float, each: Callable[[], None] = lambda: None) -> None:
        """Let time pass, a tick at a time; ``each`` happens in every one of them."""
        for _ in range(round(seconds / TICK)):
            each()
            self.tick()
            self.deliver()

    def tick(self) -> None:
        """Let the mux's timer run off."""
        self.now += TICK
        waiting, self.timers.waiting = self.timers.waiting, []
        for callback in waiting:
            callback()

    def connect(self, browser: Browser, address: Address = HOME, **options: Any) -> None:
        """Check, nominate and shake hands."""
        self.stand(browser, address)
        self.check(browser, address, nominate=True, **options)
        said: list[bytes] = []
        browser.send = said.append
        browser.handshake()
        for one in said:
            self.inject(one, address)
        self.deliver()


async def until(condition: Callable[[], object]) -> None:
    """Wait for what another task, another process or the kernel is about to do."""
    while not condition():  # noqa: ASYNC110 - they set no event
        await asyncio.sleep(0.002)


def alone() -> tuple[Network, PeerTransport, Handler, Browser]:
    """One participant, not there yet."""
    network = Network()
    return network, *network.peer()


def connected() -> tuple[Network, PeerTransport, Handler, Browser]:
    """One participant whose media flows from HOME."""
    network, peer, handler, browser = alone()
    network.connect(browser)
    return network, peer, handler, browser
