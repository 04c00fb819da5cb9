"""Calls over real sockets of the loopback: a client of ours, and whom it calls. Time may be put forward."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from random import Random, SystemRandom

import uvloop

from media.webrtc.client import MediaClient
from media.webrtc.mux import MediaMux
from media.webrtc.path import IceParameters
from media.webrtc.servers import StunServer, TurnServer
from media.webrtc.states import TransportState
from media.webrtc.transport import PeerTransport
from tests.media.webrtc.browser import plain
from tests.media.webrtc.network import Handler, until

__all__ = ["Call", "Handler", "Scene", "plain", "run", "until"]


class Impatient(Random):
    """Asks for consent all the time; each time the one before has been answered."""

    asked = 0

    def uniform(self, a: float, b: float) -> float:
        self.asked += 1
        return 0.002 / 5.0


class Call:
    """The two ends of one call."""

    def __init__(self, scene: "Scene", caller: PeerTransport, heard: Handler) -> None:
        self.caller, self.caller_heard = caller, heard
        self.callee_heard = Handler()
        self.callee = scene.mux.peer(self.callee_heard)

    @property
    def secured(self) -> bool:
        return all(one.state is TransportState.CONNECTED for one in (self.caller, self.callee))

    def signal(self, *, offered: str = "actpass", password: str = "", fingerprint: str = "") -> None:
        """Offer and answer."""
        self.callee.connect(self.caller.local, self.caller.fingerprint, offered)
        local = self.callee.local
        self.caller.connect(
            IceParameters(local.ufrag, password or local.password),
            fingerprint or self.callee.fingerprint,
            self.callee.setup,
        )

    def trickle(self) -> None:
        """Tell the caller where the callee is."""
        for candidate in self.callee.candidates():
            self.caller.add_candidate(f"candidate:{candidate}")
        self.caller.add_candidate("")


class Scene:
    """``now`` is the clock of both sides; ``ahead`` is what it was put forward by. It may be stopped too."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self._stopped_at: float | None = None
        self.client: MediaClient
        self.mux: MediaMux

    def now(self) -> float:
        return self.ahead + (time.monotonic() if self._stopped_at is None else self._stopped_at)

    def stop_the_clock(self) -> None:
        self._stopped_at = time.monotonic()

    async def open(self, address: str, random: Random) -> None:
        loop = asyncio.get_running_loop()
        self.client = MediaClient(loop, [address], clock=self.now, random=random)
        self.mux = await MediaMux.open(loop, [address], 0, clock=self.now, random=SystemRandom())

    async def call(self, servers: list[StunServer | TurnServer] | None = None) -> Call:
        """A call that nobody has been told of."""
        heard = Handler()
        return Call(self, await self.client.peer(heard, servers or []), heard)

    async def connected(self, offered: str = "actpass") -> Call:
        call = await self.call()
        call.signal(offered=offered)
        call.trickle()
        await until(lambda: call.secured)
        return call


def run(
    scenario: Callable[[Scene], Awaitable[None]], *, address: str = "127.0.0.1", random: Random | None = None
) -> None:
    """Run it on the loop that the gateway has; afterwards nothing may be left."""

    async def whole() -> None:
        files = _files()
        scene = Scene()
        await scene.open(address, random or SystemRandom())
        try:
            await asyncio.wait_for(scenario(scene), 60)
        finally:
            scene.mux.close()
            await scene.client.close()
            await asyncio.sleep(0)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, left
        await until(lambda: _files() <= files)
        assert scene.client.counters.failed == 0

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(whole())


def _files() -> set[str]:
    """Our sockets."""
    found = set()
    for number in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{number}")
        except FileNotFoundError:  # the one that listed
            continue
        if target.startswith("socket:"):
            found.add(target)
    return found
