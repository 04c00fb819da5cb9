import asyncio

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
