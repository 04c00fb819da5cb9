import asyncio
from collections.abc import Callable
from typing import cast

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
    loop, ahead = FakeLoop(), iter(durations)

    def work(_: int) -> None:
        loop.now += next(ahead)

    ticker = Ticker(cast(asyncio.AbstractEventLoop, loop), lambda: loop.now, work)
    ticker.start()
    for _ in durations:
        loop.run_next()
    return ticker.behind


def test_one_long_tick_is_not_yet_behind_and_many_too_long_ones_are() -> None:
    assert behind_after([0.002] * 40) < 0.005
    assert behind_after([0.002] * 40 + [0.150] + [0.002] * 5) < 0.025
    assert behind_after([0.024] * 80) > 0.060
