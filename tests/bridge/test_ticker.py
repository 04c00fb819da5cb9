import asyncio
import socket
from collections.abc import Callable
from functools import partial
from time import monotonic, sleep
from typing import cast

import uvloop

from bridge.ticker import MOST_LATE, TICK, Ticker, next_tick


def test_a_little_late_is_caught_up_with() -> None:
    assert next_tick(5, 5 * TICK) == 5
    assert next_tick(5, 5 * TICK - 0.0005) == 5, "timers of whole milliseconds come early"
    assert next_tick(5, (5 + MOST_LATE) * TICK + 0.001) == 5


def test_much_too_late_is_skipped() -> None:
    assert next_tick(5, 5 * TICK + 1.0001) == 55


def test_ticks_follow_the_clock_and_count_what_was_skipped() -> None:
    ticks: list[int] = []
    enough = asyncio.Event()
    now = 0.0

    def work(tick: int) -> None:
        nonlocal now
        ticks.append(tick)
        now += 0.5 if tick == 3 else TICK
        if len(ticks) == 8:
            enough.set()

    async def run() -> Ticker:
        ticker = Ticker(asyncio.get_running_loop(), lambda: now, work)
        ticker.start()
        await enough.wait()
        ticker.stop()
        count = len(ticks)
        await asyncio.sleep(0.05)
        assert len(ticks) == count
        return ticker

    ticker = asyncio.run(run())
    assert ticks[:5] == [0, 1, 2, 3, 28]
    assert ticker.skipped == 24
    assert ticker.lateness.count == len(ticks)


class FakeLoop:
    """Time that passes only when nothing is to be done."""

    def __init__(self) -> None:
        self.now = 0.0
        self._next: tuple[float, Callable[[], None]] | None = None

    def call_soon(self, callback: Callable[[], None]) -> None:
        self.call_later(0.0, callback)

    def call_later(self, delay: float, callback: Callable[[], None]) -> None:
        self._next = self.now + delay, callback

    def run_next(self) -> None:
        assert self._next is not None
        at, callback = self._next
        self.now = max(self.now, at)
        callback()


def behind_after(durations: list[float]) -> float:
    """How late a ticker says it is after ticks that took so long, in seconds."""
    loop, ahead = FakeLoop(), durations.copy()

    def work(_: int) -> None:
        loop.now += ahead.pop(0)

    ticker = Ticker(cast(asyncio.AbstractEventLoop, loop), lambda: loop.now, work)
    ticker.start()
    while ahead:
        loop.run_next()
    return ticker.behind


class Received(asyncio.DatagramProtocol):
    """Calls back for what comes."""

    def __init__(self, received: Callable[[], None]) -> None:
        self._received = received

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        self._received()


def test_a_late_tick_lets_the_loop_read_first() -> None:
    """A handler takes 50 ms, in which a tick gets due and a packet comes for another socket."""
    told: list[str] = []

    async def run(sender: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        done = asyncio.Event()
        addresses: list[tuple[str, int]] = []

        def slow() -> None:
            sender.sendto(b"", addresses[1])
            sleep(0.050)
            told.append("handled")

        def tick(_: int) -> None:
            told.append("tick")
            if "read" in told:
                done.set()

        transports = []
        for received in (slow, lambda: told.append("read")):
            transport, _ = await loop.create_datagram_endpoint(
                partial(Received, received), local_addr=("127.0.0.1", 0)
            )
            transports.append(transport)
            addresses.append(transport.get_extra_info("sockname"))
        ticker = Ticker(loop, monotonic, tick)
        ticker.start()
        sender.sendto(b"", addresses[0])
        await done.wait()
        ticker.stop()
        for transport in transports:
            transport.close()

    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(run(sender))
    assert told[told.index("handled") + 1] == "read"


def test_one_long_tick_is_not_yet_behind_and_many_too_long_ones_are() -> None:
    assert behind_after([0.002] * 40) < 0.005
    assert behind_after([0.002] * 40 + [0.150] + [0.002] * 5) < 0.025
    assert behind_after([0.024] * 80) > 0.060
